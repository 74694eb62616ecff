#!/usr/bin/env bash
# The CLI and the daemon as their users meet them: exit statuses, sentences, formats, signals. The
# agents are simulated and speak the real protocol; no probe is loaded.
# shellcheck disable=SC2016 # jq's and bash's own variables
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
T=$(mktemp -d -t nightshift-cli-XXXXXX)
CONTROL=$T/control.sock
PORT=$((20000 + $$ % 9000))
HTTP=127.0.0.1:$((PORT + 1))
COORDINATOR=
SWARM=
n=0

finish() {
        [ -z "$SWARM" ] || kill "$SWARM" 2>/dev/null
        [ -z "$COORDINATOR" ] || kill "$COORDINATOR" 2>/dev/null
        wait
        rm -rf "$T"
}
trap finish EXIT

cli() { "$O/nightshift" --control "$CONTROL" "$@"; }

pass() {
        n=$((n + 1))
        echo "ok $n - $1"
}
fail() {
        n=$((n + 1))
        echo "not ok $n - $1"
        shift
        printf '# %s\n' "$@"
}

# says STATUS PATTERN WHAT COMMAND...: the command ends so, and its output holds the pattern.
says() {
        local want=$1 pattern=$2 what=$3 out r
        shift 3
        out=$("$@" 2>&1 </dev/null)
        r=$?
        if [ "$r" -eq "$want" ] && grep -qE -- "$pattern" <<<"$out"; then
                pass "$what"
        else
                fail "$what" "status $r, not $want, or no '$pattern' in: $(head -c 500 <<<"$out")"
        fi
}

# soon WHAT COMMAND...: the command succeeds within ten seconds.
soon() {
        local what=$1 until=$((SECONDS + 10))
        shift
        until "$@" >/dev/null 2>&1; do
                if [ "$SECONDS" -ge "$until" ]; then
                        fail "$what" "not within 10 s: $*"
                        return 1
                fi
                sleep 0.05
        done
        pass "$what"
}

begin() {
        "$O/nightshift-coordinator" --state-dir "$T/state" --control "$CONTROL" --listen "tcp://127.0.0.1:$PORT" --http "$HTTP" \
                2>>"$T/log" &
        COORDINATOR=$!
}

# Without a coordinator.
says 1 'no coordinator listens on .*control.sock' "nobody there: a sentence and 1" cli status
says 1 'too long' "a path too long for a socket" "$O/nightshift" --control "/$(printf 'x%.0s' {1..200})" status
says 2 "unknown verb 'nothing'" "a verb that does not exist" cli nothing
says 2 'unknown option --nope' "an option that does not exist" cli edges --nope
says 2 'a verb is missing' "no verb" cli --format json
says 2 'Usage:' "nothing at all" "$O/nightshift"
says 2 'expected one of table json, found' "a format that does not exist" cli hosts --format xml
says 2 'depth needs a --service' "depth without service" cli graph --depth 2
says 2 'expected a duration such as' "a window that is none" cli edges --window soon
says 2 'expected a time such as' "a time that is none" cli graph --at someday
says 2 'a time that has passed' "a time to come" cli graph --at 2199-01-01
says 2 'expected bash, zsh or fish' "a shell that is none" cli completion tcsh
says 0 '^nightshift [0-9]' "the version" cli version
says 0 '"version":"' "the version for programs" cli version --format json
for verb in status hosts services edges processes deployments deployed graph watch signatures version completion; do
        says 0 "^Usage: nightshift $verb" "help on $verb" cli "$verb" --help
done
says 0 '^$' "the completion of bash is bash" bash -c '"$1" completion bash | bash -n; echo' _ "$O/nightshift"
if command -v zsh >/dev/null; then
        says 0 '^$' "the completion of zsh is zsh" bash -c '"$1" completion zsh | zsh -n; echo' _ "$O/nightshift"
fi

# A daemon that cannot start says why.
daemon() { timeout 10 "$O/nightshift-coordinator" --state-dir "$T/other" --control "$T/other.sock" --http off "$@"; }
says 2 'unknown option --nope' "the daemon: an option that does not exist" daemon --nope
says 2 "unexpected argument 'x'" "the daemon: an argument" daemon x
says 1 'no-such.yaml' "the daemon: a configuration that is not there" daemon --config "$T/no-such.yaml"
says 1 'cannot listen on tcp://0.0.0.0' "the daemon: plain TCP off loopback" daemon --listen "tcp://0.0.0.0:$PORT"
says 2 'needs a certificate' "the daemon: TLS without certificate" daemon --listen "tls+tcp://0.0.0.0:$PORT"
wrong() { # TEXT PATTERN WHAT
        printf '%b' "$1" >"$T/wrong.yaml"
        says 1 "wrong.yaml:$2" "the configuration: $3" daemon --config "$T/wrong.yaml"
}
wrong 'memory: 1GiB\nmemroy: 2GiB\n' "2: unknown key 'memroy'; expected one of: .*memory" "an unknown key"
wrong 'tls:\n  cert: x\n' "2: unknown key 'tls.cert'; expected one of: ca, certificate, key" "an unknown key in a section"
wrong '\nmemory: lots\n' "2: memory: expected a size such as 512MiB, found 'lots'" "a size that is none"
wrong 'memory: 1k\n' "1: memory: expected a size .* from 16MiB to 1TiB, found '1k'" "a size out of range"
wrong 'retention: {stale_after: never}\n' "1: retention.stale_after: expected a duration" "a duration that is none"
wrong 'memory: 1GiB\nmemory: 2GiB\n' "2: memory: given twice" "a key given twice"
wrong 'limits: 7\n' "1: expected a mapping" "a section that is none"
wrong 'http: [a, b]\n' "1: http: expected a text, found a list" "a list for a text"
wrong 'http: "unclosed\n' "[0-9]*: expected YAML" "no YAML at all"
wrong '- a\n- b\n' "1: expected a mapping" "a list at the top"
wrong 'tls: {ca: a.pem}\n' "1: tls: expected all of ca, certificate and key, or none" "half of the certificates"

begin
soon "the daemon answers" cli status
says 1 'another coordinator runs with the state folder' "a second daemon with the same state" \
        timeout 10 "$O/nightshift-coordinator" --state-dir "$T/state" --control "$T/b.sock" --http off --listen "tcp://127.0.0.1:$((PORT + 2))"
says 1 'cannot listen on tcp' "a second daemon with the same port" daemon --listen "tcp://127.0.0.1:$PORT"
says 1 'cannot listen for HTTP on' "a second daemon with the same HTTP port" \
        timeout 10 "$O/nightshift-coordinator" --state-dir "$T/other" --control "$T/c.sock" --http "$HTTP" --listen "tcp://127.0.0.1:$((PORT + 2))"
says 0 'No connection has been seen yet' "an empty graph in words" cli edges
says 0 '"edges":\[\]' "an empty graph for programs" cli --format json edges

ASAN_OPTIONS=detect_leaks=0 "$O/tests/bench/swarm" "$PORT" 5 4 3 10 1000 >"$T/swarm" 2>&1 &
SWARM=$!
five() { [ "$(cli --format json status | jq .status.hosts)" = 5 ] && [ "$(cli --format json edges | jq '.edges | length')" -ge 60 ]; }
soon "five agents are heard from" five

for verb in hosts services edges processes; do
        says 0 '^true$' "$verb for programs" bash -c \
                '"$1" --control "$2" --format json "$3" | jq ".$3 | type == \"array\""' _ "$O/nightshift" "$CONTROL" "$verb"
        says 0 '^[A-Z]|^No ' "$verb for people" cli "$verb"
done
says 0 '^20 60$' "the graph for programs" bash -c \
        '"$1" --control "$2" graph --format json | jq -r "\"\(.services | length) \(.edges | length)\""' _ "$O/nightshift" "$CONTROL"
says 0 '^digraph' "the graph in DOT" cli graph
says 0 '<svg' "the graph as SVG" cli graph --format svg
says 0 '└─ ' "the graph in a terminal" cli graph --format table
says 1 'Graphviz.*apt install graphviz' "SVG without Graphviz" env PATH=/nonexistent "$O/nightshift" --control "$CONTROL" graph --format svg
service=$(cli --format json services | jq -r '.services[0].name')
host=$(cli --format json hosts | jq -r '.hosts[0].name')
says 0 '^true$' "edges of one service" bash -c '"$1" --control "$2" --format json edges --service "$3" |
        jq --arg s "$3" "(.edges | length) as \$n | \$n > 0 and \$n < 60 and all(.edges[]; .client == \$s or .server == \$s)"' \
        _ "$O/nightshift" "$CONTROL" "$service"
says 0 "$host" "one host" cli hosts --host "$host"
says 3 "no service 'nope'" "a service that is not there: 3" cli edges --service nope
says 3 "no host 'nope'" "a host that is not there: 3" cli edges --host nope
says 3 "no service 'nope'" "the graph of a service that is not there" cli graph --service nope
says 3 'history does not reach back' "a time before history" cli graph --at 2001-01-01
says 0 'NEW/s' "watch prints into a pipe" timeout --preserve-status -s INT 3 "$O/nightshift" --control "$CONTROL" watch
says 0 '^ok$' "watch leaves the terminal as it was, on q" bash -c '
        (sleep 2; printf q; sleep 1) | timeout 20 script -qec "stty rows 20 columns 80; $1 --control $2 watch; echo status \$?" /dev/null >"$3" 2>&1
        grep -q "$(printf "\033\\[?1049h")" "$3" && grep -q "$(printf "\033\\[?1049l")" "$3" && grep -q "status 0" "$3" &&
                grep -q "q ends. In another terminal: .*nightshift --control" "$3" && echo ok' \
        _ "$O/nightshift" "$CONTROL" "$T/screen"
"$O/nightshift" ca init --dir "$T/ca" >/dev/null
says 0 '^  host: web1$' "ca issue says what to write on the host" "$O/nightshift" ca issue web1 --dir "$T/ca"
says 1 'control socket|may not|no coordinator' "a control socket that is a file" "$O/nightshift" --control /etc/passwd status
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
        chmod 755 "$T"
        says 1 'may not use the control socket|ermission' "a stranger may not ask" \
                setpriv --reuid 65534 --regid 65534 --clear-groups "$O/nightshift" --control "$CONTROL" status
fi

# HTTP.
says 0 '^ok$' "HTTP: health" curl -sf "http://$HTTP/healthz"
says 0 '^5$' "HTTP: hosts" bash -c 'curl -sf "http://$1/v1/hosts" | jq ".hosts | length"' _ "$HTTP"
says 0 '^true$' "HTTP: edges of a service" bash -c 'curl -sf "http://$1/v1/edges?service=$2&window=5m" | jq ".edges | length > 0"' _ "$HTTP" "$service"
says 0 '^nightshift_hosts 5$' "HTTP: metrics" curl -sf "http://$HTTP/metrics"
says 0 '<svg' "HTTP: the picture" curl -sf "http://$HTTP/graph.svg"
says 0 '^404$' "HTTP: what is not there" curl -s -o /dev/null -w '%{http_code}' "http://$HTTP/nope"
says 0 '^404$' "HTTP: a service that is not there" curl -s -o /dev/null -w '%{http_code}' "http://$HTTP/v1/edges?service=nope"
says 0 '^400$' "HTTP: an argument that is wrong" curl -s -o /dev/null -w '%{http_code}' "http://$HTTP/v1/edges?window=soon"
says 0 '^405$' "HTTP: it is read-only" curl -s -o /dev/null -w '%{http_code}' -X POST -d x=y "http://$HTTP/v1/edges"
says 0 '^403$' "HTTP: only for a loopback name" curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "http://$HTTP/v1/edges"

# Signals.
kill -HUP "$COORDINATOR"
soon "SIGHUP reads the configuration again" grep -q 'configuration read again' "$T/log"
kill "$SWARM"
wait "$SWARM" && pass "no agent was refused or cut off" || fail "no agent was refused or cut off" "$(cat "$T/swarm")"
SWARM=
kill "$COORDINATOR"
wait "$COORDINATOR" && pass "SIGTERM stops it, status 0" || fail "SIGTERM stops it, status 0" "$(tail -3 "$T/log")"
COORDINATOR=
says 1 'no coordinator' "and then nobody is there" cli status
begin
soon "it starts again with its state" cli status
soon "the graph from before is there" bash -c '[ "$("$1" --control "$2" --format json edges | jq ".edges | length")" = 60 ]' _ "$O/nightshift" "$CONTROL"
echo "1..$n"
