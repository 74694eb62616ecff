#!/usr/bin/env bash
# The audit log as an operator meets it: what is written by itself, list, show, verify, a new key, a killed
# coordinator, a disk that is full, a log that was tampered with; and a reader of the formats that is not
# ours accepts the log and its proofs. Needs no agent; the full disk needs root.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
T=$(mktemp -d -t nightshift-audit-XXXXXX)
STATE=$T/state LOG=$T/state/audit CONTROL=$T/control.sock
PORT=$((20000 + $$ % 9000))
COORDINATOR='' MOUNTED=
. tests/system/tap.sh

finish() {
        [ -z "$COORDINATOR" ] || kill "$COORDINATOR" 2>/dev/null
        wait
        [ -z "$MOUNTED" ] || umount "$MOUNTED"
        rm -rf "$T"
}
trap finish EXIT

cli() { "$O/nightshift" --control "$CONTROL" "$@"; }
list() { cli --format json audit list "$@"; }
start() {
        "$O/nightshift-coordinator" --config "$T/coordinator.yaml" --state-dir "$STATE" --control "$CONTROL" \
                --listen "tcp://127.0.0.1:$PORT" --http off 2>>"$T/log" &
        COORDINATOR=$!
        await 10 cli status || bail_out "the coordinator does not start: $(tail -5 "$T/log")"
}
stop() { # SIGNAL
        kill "-$1" "$COORDINATOR"
        wait "$COORDINATOR" 2>/dev/null
        COORDINATOR=
}
entries() { [ "$(list | jq '.audit | length')" = "$1" ]; }
published() { [ "$(sed -n 2p "$LOG/checkpoint")" = "$1" ]; }

echo "log_level: info" >"$T/coordinator.yaml"
start
await 10 entries 3
is "$(list | jq -c '.audit[] | [.index, .kind]')" '[0,"configuration"]
[1,"configuration"]
[2,"configuration"]' "the start is the first entry, with which epoch it decides the second, by which numbers the third"
is "$(stat -c %a "$STATE/audit.key")" 600 "the key is readable by its owner alone"
FIRST=$(cat "$LOG/key/0")
kill -HUP "$COORDINATOR"
ok "a reload is written" await 10 entries 4
echo "log_level: nonsense" >"$T/coordinator.yaml"
kill -HUP "$COORDINATOR"
ok "so is one that failed" await 10 entries 5
is "$(cli --format json audit show 4 | jq -r '.audit.data | .event, (.failed | test("log_level"))')" "reloaded
true" "with what was wrong"
echo "log_level: info" >"$T/coordinator.yaml"
cli audit show 4 >"$T/shown"
ok "show is for people, too" grep -q '"event": "reloaded"' "$T/shown"
cli audit show 77 >"$T/out" 2>&1
is $? 3 "an entry that is not there is no such thing"
cli audit show x >"$T/out" 2>&1
is $? 2 "what is no index is wrong usage"
cli audit list --key x >"$T/out" 2>&1
is $? 2 "and so is an option of another word"
is "$(list --kind evidence | jq -c .audit)" "[]" "list by kind"
is "$(list --last 1 | jq -c '[.audit[].index]')" "[4]" "the last one"
is "$(list --from 1 --last 1 | jq -c '[.audit[].index]')" "[1]" "from an index on"

# Evidence, through the one thing that changes something without an agent: a deployment of a service.
cli deployed --service none --version 1 >"$T/out" 2>&1
is $? 3 "a deployment of no service"
ok "is not written" entries 5

ok "the checkpoint follows" await 10 published 5
ok "the log is verified while it is in use" cli audit verify "$LOG"
cp "$LOG/checkpoint" "$T/seen"

if ! command -v go >/dev/null; then
        pass "another reader of the formats # SKIP there is no go here"
elif ! (cd tests/audit/third && GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod go build -o "$T/third" .) >"$T/go" 2>&1; then
        if grep -Eq 'dial tcp|no such host|lookup|i/o timeout|proxy|requires go' "$T/go"; then
                pass "another reader of the formats # SKIP it cannot be fetched: $(tail -1 "$T/go")"
        else
                fail "another reader of the formats is built" "$(cat "$T/go")"
        fi
else
        kill -HUP "$COORDINATOR"
        await 10 published 6
        ok "a reader that is not ours accepts checkpoint, tiles, entries and proofs" "$T/third" "$LOG" "$FIRST" "$T/seen"
        cli --format json audit show 1 >"$T/shown"
        ok "and one entry with its proof, from the answer alone" sh -c "'$T/third' --entry '$FIRST' <'$T/shown'"
        # And it is one that can say no.
        jq -c '.audit.inclusion.proof[0] = "7StmjmzqhIYyxwkSKvlLE9wxHBw3npkV074kzVMefv0="' "$T/shown" >"$T/forged"
        ok "but not another proof" sh -c "! '$T/third' --entry '$FIRST' <'$T/forged'"
        cp -a "$LOG" "$T/other"
        printf x | dd of="$T/other/tile/0/000.p/6" bs=1 seek=40 conv=notrunc 2>/dev/null
        ok "nor a tile with another byte" sh -c "! '$T/third' '$T/other' '$FIRST'"
        rm -r "$T/other"
fi

# A new key: the old one names it, and what follows is signed by it.
NEW=$(cli audit rotate-key)
is "$(tail -c +1 "$LOG/key/1" | sed -n 3p)" "$NEW" "a new key is named in a note"
is "$(list --last 1 | jq -r '.audit[0].kind')" configuration "and in an entry"
is "$(cli --format json audit verify "$LOG" --key "$FIRST" --checkpoint "$T/seen" | jq -c '.audit.verified')" true \
        "by its first key and a checkpoint that was kept, the log is verified"

# Killed, and without anything lost.
before=$(list | jq .audit)
stop KILL
ok "what a killed coordinator leaves is verified" cli audit verify "$LOG" --checkpoint "$T/seen"
cp -a "$STATE" "$T/then"
start
is "$(list | jq ".audit[:$(jq length <<<"$before")]")" "$before" "and all of it is there at the next start"
await 10 published "$(list | jq '.audit | length')"
cp "$LOG/checkpoint" "$T/seen"
stop TERM
ok "so it is after a stop" cli audit verify "$LOG" --checkpoint "$T/seen"

# Tampered with.
cp -a "$LOG" "$T/other"
at=$(($(stat -c %s "$T/other/journal") / 2))
printf '\377' | dd of="$T/other/journal" bs=1 seek=$at conv=notrunc 2>/dev/null
cli audit verify "$T/other" >"$T/out"
is $? 4 "a byte that was changed ends the check with 4"
ok "which says in which file" grep -q '^journal: ' "$T/out"
cli audit verify "$T/then/audit" --checkpoint "$T/seen" >"$T/out"
is $? 4 "so does a log that was rolled back"
ok "by what was kept elsewhere" grep -q 'rolled back' "$T/out"
cli audit verify "$T" >"$T/out" 2>&1
is $? 3 "where there is no log, there is no such thing"
mv "$LOG" "$T/right" && mv "$T/other" "$LOG"
start
ok "a coordinator with a damaged log still answers" cli status
ok "and says that it does not act" grep -q 'damaged at byte .* nothing is acted on' "$T/log"
cli audit list >"$T/out" 2>&1
is $? 1 "there is no list then"
rm -r "$LOG" && mv "$T/right" "$LOG"
ok "once the right log is back, it goes on" await 30 cli audit list
ok "and says so" grep -q 'the audit log is written again' "$T/log"
stop TERM

# A full disk.
mkdir "$T/small"
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=2m,mode=700 tmpfs "$T/small" 2>/dev/null; then
        pass "a full disk # SKIP it takes root"
else
        MOUNTED=$T/small STATE=$T/small/state LOG=$T/small/state/audit
        : >"$T/log"
        start
        dd if=/dev/zero of="$T/small/filler" bs=4k 2>/dev/null
        for ((i = 0; i < 12; i++)); do kill -HUP "$COORDINATOR"; await 5 cli status; done
        ok "without room the log is refused, and that is said" await 20 grep -q 'nothing is acted on' "$T/log"
        rm "$T/small/filler"
        ok "with room it is opened again" await 40 grep -q 'written again' "$T/log"
        kill -HUP "$COORDINATOR"
        ok "and is sound" cli audit verify "$LOG"
        stop TERM
fi
done_testing
