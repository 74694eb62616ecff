# shellcheck shell=bash disable=SC2034,SC2120
# TAP for shell tests: one line a check, `done_testing` at the end. A failed check says what was had
# and what was expected, as comments.

TAP_COUNT=0
TAP_FAILED=0

note() { local line; while IFS= read -r line; do printf '# %s\n' "$line"; done <<<"$*"; }

skip_all() {
        echo "1..0 # SKIP $*"
        exit 0
}

# For tests that are too slow where FAST is set.
skip_if_fast() { [ -z "${FAST:-}" ] || skip_all "not with FAST=1"; }

bail_out() {
        echo "Bail out! $*"
        exit 1
}

pass() { echo "ok $((++TAP_COUNT)) - $*"; }

fail() {
        echo "not ok $((++TAP_COUNT)) - $1"
        TAP_FAILED=$((TAP_FAILED + 1))
        shift
        [ $# = 0 ] || note "$@"
}

# ok DESCRIPTION COMMAND...
ok() {
        local description=$1 output
        shift
        if output=$("$@" 2>&1); then pass "$description"; else fail "$description" "failed: $*"$'\n'"${output:0:4000}"; fi
}

# is GOT EXPECTED DESCRIPTION
is() {
        if [ "$1" = "$2" ]; then
                pass "$3"
        else
                fail "$3" "$(diff -U1000 --label expected --label got <(printf '%s\n' "$2") <(printf '%s\n' "$1"))"
        fi
}

# at_most GOT BOUND DESCRIPTION; both may be fractions
at_most() {
        if awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a <= b) }'; then
                pass "$3 ($1, at most $2)"
        else
                fail "$3" "got '$1', expected at most $2"
        fi
}

now() { echo "$EPOCHREALTIME"; }
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'; }

# await SECONDS COMMAND...: polls until the command succeeds; its last output is in $AWAITED.
await() {
        local deadline=$1 start=$EPOCHREALTIME
        shift
        while ! AWAITED=$("$@" 2>&1); do
                awk -v a="$start" -v b="$EPOCHREALTIME" -v d="$deadline" 'BEGIN { exit !(b - a > d) }' && return 1
                sleep 0.05
        done
}

# await_ok SECONDS DESCRIPTION COMMAND...: a check that becomes true in time; says when.
await_ok() {
        local deadline=$1 description=$2 start=$EPOCHREALTIME
        shift 2
        if await "$deadline" "$@"; then
                pass "$description ($(since "$start") s)"
        else
                fail "$description" "not within $deadline s: $*"$'\n'"${AWAITED:0:6000}"
        fi
}

done_testing() {
        echo "1..$TAP_COUNT"
        TAP_DONE=yes
        [ "$TAP_FAILED" = 0 ]
}
