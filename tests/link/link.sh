# shellcheck shell=bash
# What the tests of the link share. Sources tests/system/tap.sh for TAP.
# shellcheck source=tests/system/tap.sh
. "$(dirname "$0")/../system/tap.sh"

O=${O:-build}
P=$O/tests/link
T=$(mktemp -d "${TMPDIR:-/tmp}/nightshift-link.XXXXXX")
PIDS=()

ended() {
        local pid
        for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
        rm -rf "$T"
}
trap ended EXIT

# begin LOG COMMAND...: runs in the background, output to $T/LOG; its process is $BEGUN
begin() {
        local log=$1
        shift
        "$@" >"$T/$log" 2>&1 &
        BEGUN=$!
        PIDS+=("$BEGUN")
}

# ports LOG: the ports that echo said it listens on
ports() { awk '/^listening/ { print $2 }' "$T/$1"; }

said() { grep -q "$2" "$T/$1"; }

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# echo_statistic PID LOG NAME: asks and waits for the answer
echo_statistic() {
        local before after
        before=$(grep -c '^{' "$T/$2")
        kill -USR1 "$1"
        for _ in $(seq 100); do
                after=$(grep -c '^{' "$T/$2")
                [ "$after" -gt "$before" ] && break
                sleep 0.02
        done
        grep '^{' "$T/$2" | tail -1 | sed "s/.*\"$3\": \([0-9]*\).*/\1/"
}
