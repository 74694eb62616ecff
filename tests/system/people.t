#!/usr/bin/env bash
# How people hear of an incident: tickets in a folder, posts to a real HTTPS server that fails, hangs, drops and comes back,
# a command for pages, acknowledgement; the coordinator killed in between, and a full disk. Needs no agent; the full disk
# needs root.
# timeout: 300
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
T=$(mktemp -d -t nightshift-people-XXXXXX)
STATE=$T/state CONTROL=$T/control.sock
PORT=$((20000 + $$ % 9000))
HOOK=https://127.0.0.1:$((PORT + 1))
COORDINATOR='' SERVER='' MOUNTED=
. tests/system/tap.sh

finish() {
        [ -z "$COORDINATOR" ] || kill "$COORDINATOR" 2>/dev/null
        [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null
        wait
        [ -z "$MOUNTED" ] || umount "$MOUNTED"
        rm -rf "$T"
}
trap finish EXIT

cli() { "$O/nightshift" --control "$CONTROL" "$@"; }
start() {
        "$O/nightshift-coordinator" --config "$T/coordinator.yaml" --state-dir "$STATE" --control "$CONTROL" \
                --listen "tcp://127.0.0.1:$PORT" --http off 2>>"$T/log" &
        COORDINATOR=$!
        await 20 cli status || bail_out "the coordinator does not start: $(tail -5 "$T/log")"
}
stop() { # SIGNAL
        kill "-$1" "$COORDINATOR"
        wait "$COORDINATOR" 2>/dev/null
        COORDINATOR=
}
serve() { # MODE: from the next request on
        echo "$1" >"$T/mode.new" && mv "$T/mode.new" "$T/mode"
}
# requests FILTER: of what the server got, those that pass jq's filter.
requests() { jq -c "select($1)" "$T/requests"; }
got() { [ -n "$(requests "$1")" ]; }
waiting() { find "$STATE/notices" -name '*.json' | wc -l; }
waits_for_none() { [ "$(waiting)" = 0 ]; }
said() { grep -q "$1" "$T/log"; }
paged() { [ -s "$T/paged" ] && jq -e "select($1)" "$T/paged"; }

for name in ca other; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" \
                -keyout "$T/$name.key" -out "$T/$name.crt" 2>/dev/null
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=hook -keyout "$T/hook.key" -out "$T/hook.csr" 2>/dev/null
openssl x509 -req -in "$T/hook.csr" -CA "$T/ca.crt" -CAkey "$T/ca.key" -CAcreateserial -days 2 -out "$T/hook.crt" \
        -extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null || bail_out "no certificate"
: >"$T/requests"
serve fail
python3 tests/people/server.py $((PORT + 1)) "$T/hook.crt" "$T/hook.key" "$T" 2>"$T/server.log" &
SERVER=$!

SECRET=s3cret-$RANDOM$RANDOM
echo "Bearer $SECRET" >"$T/token"
echo "$HOOK/page?token=$SECRET" >"$T/url"
cat >"$T/template" <<'EOF'
{"text": "Nightshift: {{id}} {{title}} ({{state}})", "cause": "{{explain.cause}}", "words": "{{text}}"}
EOF
cat >"$T/page" <<'EOF'
#!/bin/sh
# What it is given, and nothing else of ours: arguments, environment, descriptors.
printf '%s\n' "$*" >>"$0.arguments"
env >>"$0.environment"
readlink /proc/self/fd/* >>"$0.descriptors" 2>/dev/null
cat >>"${0%/page}/paged"
echo >>"${0%/page}/paged"
EOF
chmod +x "$T/page"
configure() { # CA [DIRECTORY]
        cat >"$T/coordinator.yaml" <<EOF
tickets:
  ${2:+directory: $2}
  webhook: {url: "$HOOK/ticket", authorization_file: $T/token, ca: $T/$1.crt, template: $T/template, timeout: 1s}
pages:
  webhook: {url_file: $T/url, ca: $T/$1.crt, timeout: 1s}
  command: [$T/page, "a b", "\$(touch $T/shell)", ";"]
  after: 1s
  repeat: 10s
EOF
}
configure ca
"$O/tests/people/incident" "$STATE" 30 || bail_out "no state with an incident"
start

# The ticket, while nothing can be posted.
ticket() { find "$STATE/tickets" -name "*-i1.$1"; }
written() { [ -n "$(ticket md)" ] && [ -n "$(ticket json)" ]; }
ok "an incident has a ticket, whether or not it can be posted" await 20 written
has_log() { [ "$(jq '.explain.log | length' "$(ticket json)")" -ge 1 ]; }
ok "which is written again once the log speaks of it" await 20 has_log
is "$(jq -r '.id, .state, .service, .signature, .explain.cause.kind, (.explain | has("outlook"))' "$(ticket json)")" "i1
open
payments
connection-pool-leak
deployment
true" "as JSON it has the chain, the cause and what would be done"
is "$(jq '.explain.log[0].index' "$(ticket json)")" "$(cli --format json audit list --incident i1 | jq '.audit[0].index')" \
        "and where the log speaks of it"
ok "as Markdown it is what explain says" grep -q '^## What would be done$' "$(ticket md)"
ok "with what a workload may have written escaped" \
        grep -qF '\<b\>after\</b\> \[2.1\](http\://evil.example)' "$(ticket md)"
is "$(find "$STATE/tickets" -type f | wc -l)" 2 "one ticket an incident, and nothing else"

# Retries.
first() { jq -r 'select(.path == "/ticket") | .key' "$T/requests" | head -1; }
tried() { [ "$(requests '.path == "/ticket"' | wc -l)" -ge 3 ]; }
ok "a post that fails is tried again" await 20 tried
is "$(requests '.path == "/ticket"' | jq -r .authorization | sort -u)" "Bearer $SECRET" "with the secret of the file"
ok "the page goes to the command" await 20 paged '.event == "page" and .id == "i1"'
ok "and says why, and what to do" \
        paged '(.text | test("payments.*may reach its limit.*nothing is under way")) and .acknowledge == "nightshift acknowledge i1"'
is "$(head -1 "$T/page.arguments")" "a b \$(touch $T/shell) ;" "which is run as it is written, by no shell"
ok "so nothing of it is carried out" [ ! -e "$T/shell" ]
is "$(cut -d= -f1 "$T/page.environment" | sort -u | grep -vxE 'PWD|SHLVL|_|OLDPWD')" PATH "with an environment of its own"
ok "and no descriptor of ours" sh -c "! grep -vE '^(/memfd:nightshift-page|/dev/null|/proc|$T/(log|page))' '$T/page.descriptors'"
is "$(cli --format json pages | jq -c '.pages[] | [.id, .acknowledged_by]')" '["i1",null]' "pages lists it"

# Killed with all of it pending.
ok "what could not be posted waits on the disk" [ "$(waiting)" -ge 2 ]
pending=$(jq -r 'select(.to == "tickets") | .key' "$STATE"/notices/*.json)
stop KILL
serve hang
start
ok "a server that hangs is asked again after a restart" await 20 got '.mode == "hang"'
worst=0
for ((i = 0; i < 30; i++)); do
        begun=$EPOCHREALTIME
        cli status >/dev/null
        worst=$(awk -v w="$worst" -v t="$(since "$begun")" 'BEGIN { print (t > w) ? t : w }')
        sleep 0.05
done
at_most "$worst" 1 "meanwhile the coordinator answers (s)"
serve drop
ok "so is one that drops" await 30 got '.mode == "drop"'
serve ok
ok "once it is back it gets the ticket that was pending, under the same key" \
        await 40 got ".mode == \"ok\" and .path == \"/ticket\" and .key == \"$pending\""
is "$(requests '.mode == "ok" and .path == "/ticket"' | tail -1 | jq -c '.body | [.text, .cause.kind, (.words | test("## Cause"))]')" \
        '["Nightshift: i1 Connections are taken from a pool and not given back (open)","deployment",true]' "filled into the template"
ok "and the page" await 40 got '.mode == "ok" and (.path | startswith("/page")) and .body.id == "i1"'
is "$(requests 'true' | jq -s 'map(.under_way) | max')" 1 "never two at once"
ok "then nothing waits" await 30 waits_for_none

# Acknowledged.
ok "acknowledge takes the incident" cli acknowledge i1 --why "on it"
is "$(cli --format json pages | jq -c '.pages[] | [.id, .acknowledged_by, .why, .next_at]')" \
        "[\"i1\",\"$(id -un)\",\"on it\",null]" "and pages says who, and why"
ok "it is an entry of the log" [ "$(cli --format json audit list --kind approval | jq '.audit | length')" = 1 ]
cli acknowledge i99 2>/dev/null
is $? 3 "of an incident without a page there is no such thing"
before=$(requests '.body.event == "page"' | wc -l)
stop KILL
start
acknowledged=$EPOCHREALTIME

long_ago() { awk -v s="$(since "$acknowledged")" 'BEGIN { exit !(s > 12) }'; }

# TLS is verified.
configure other "$T/elsewhere"
kill -HUP "$COORDINATOR"
ok "another certificate authority: nothing is sent, and why is said" await 20 said 'destination of tickets cannot be reached.*certificate'
sent=$(requests '.path == "/ticket"' | wc -l)
ok "tickets follow to another folder" await 20 sh -c "ls '$T'/elsewhere/*-i1.md"
configure ca
kill -HUP "$COORDINATOR"
more() { [ "$(requests '.path == "/ticket"' | wc -l)" -gt "$sent" ]; }
ok "with the right one it is" await 40 more
await 20 long_ago
is "$(requests '.body.event == "page"' | wc -l)" "$before" "what was acknowledged is not paged again, also after a restart"

# Secrets.
ok "no secret is in the log" sh -c "! grep -q '$SECRET' '$T/log'"
ok "nor in the process list" sh -c "! tr '\0' '\n' </proc/$COORDINATOR/cmdline /proc/$COORDINATOR/environ | grep -q '$SECRET'"
ok "nor in the state" sh -c "! grep -rq '$SECRET' '$STATE'"
stop TERM

# A full disk.
mkdir "$T/small"
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=6m,mode=700 tmpfs "$T/small" 2>/dev/null; then
        pass "a full disk # SKIP it takes root"
else
        MOUNTED=$T/small STATE=$T/small/state
        : >"$T/log" && : >"$T/requests" && rm -f "$T/paged"
        "$O/tests/people/incident" "$STATE" 600
        start
        ok "far from its limit an incident has a ticket" await 20 written
        dd if=/dev/zero of="$T/small/filler" bs=4k 2>/dev/null
        configure ca "$T/small/new"
        for ((i = 0; i < 12; i++)); do kill -HUP "$COORDINATOR"; await 5 cli status; done
        ok "without room a ticket cannot be written, and that is said" await 20 said 'tickets: .*: No space left'
        ok "the log that takes nothing is paged, from memory" await 30 got '.body.event == "page" and .body.id == "audit-log"'
        ok "the coordinator answers" cli status
        ok "and lists it" sh -c "'$O/nightshift' --control '$CONTROL' pages | grep -q audit-log"
        ok "and takes the acknowledgement" cli acknowledge audit-log
        rm "$T/small/filler"
        ok "with room the ticket is written" await 40 sh -c "ls '$T'/small/new/*-i1.json"
        ok "and whoever was paged hears that it is over" await 90 got '.body.event == "page_ended" and .body.id == "audit-log"'
        is "$(requests '.body.event == "page" and .body.id != "audit-log"' | wc -l)" 0 "nobody was paged for the incident"
        stop TERM
fi
done_testing
