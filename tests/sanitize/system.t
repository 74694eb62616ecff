#!/bin/bash
# Coordinator, agent and command line built with the sanitizers, as `make run` runs them, with real
# traffic; leaks are looked for in the units, since the agent's child may not be traced.
# timeout: 600
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
if [ "$(id -u)" -ne 0 ]; then
        echo "1..0 # SKIP needs root"
        exit 0
fi
unset MAKEFLAGS MAKELEVEL MFLAGS
built=$O/sanitize
make -s -j2 O="$built" SANITIZE=address,undefined build >&2 || { echo "Bail out! the programs do not build"; exit 1; }
export ASAN_OPTIONS=detect_leaks=0:log_path=$TMPDIR/found UBSAN_OPTIONS=print_stacktrace=1:log_path=$TMPDIR/found

n=0
echo 1..5
ok() { # STATUS, WHAT
        n=$((n + 1))
        [ "$1" -eq 0 ] || printf 'not '
        echo "ok $n - $2"
}

state=$TMPDIR/state
coordinator/run.sh "$built" "$state" >"$TMPDIR/shown" 2>&1 &
runner=$!
trap 'kill -TERM $runner 2>/dev/null; wait $runner 2>/dev/null' EXIT
nightshift() {
        "$built/nightshift" --control "$state/control.sock" "$@"
}
wait_for() { # SECONDS, COMMAND...
        end=$((SECONDS + $1))
        shift
        until "$@"; do
                [ $SECONDS -lt $end ] || return 1
                kill -0 $runner 2>/dev/null || return 1
                sleep 0.2
        done
}
agent_reports() {
        nightshift --format json hosts 2>/dev/null | grep -q '"agent_version"'
}
edge_shows() {
        curl -s -o /dev/null "http://127.0.0.1:$port/metrics"
        nightshift --format json edges 2>/dev/null | grep -q '"client": *"curl"'
}

wait_for 120 agent_reports
ok $? "both start, and the agent reports"
port=$(sed -n 's/.*HTTP 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$state/coordinator.log" | head -n 1)
wait_for 60 edge_shows
ok $? "traffic is an edge"
for verb in status hosts services edges processes graph "graph --format dot" "graph --format json"; do
        # shellcheck disable=SC2086 # a list of words
        nightshift $verb >/dev/null || break
done
ok $? "every verb answers"
kill -TERM $runner # a shell starts what it puts in the background deaf to SIGINT
wait $runner
[ $? -eq 143 ]
ok $? "all of it ends"
trap - EXIT
cat "$TMPDIR"/found.* >&2 2>/dev/null
! ls "$TMPDIR"/found.* >/dev/null 2>&1
ok $? "the sanitizers found nothing"
