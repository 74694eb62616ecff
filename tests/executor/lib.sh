# shellcheck shell=bash disable=SC2034
# What the tests of actions on this host share: a configuration, a folder of state, and a driver in the agent's place.
. tests/system/tap.sh
O=${O:-build}
STATE=${TMPDIR:?}/state
CONFIG=$TMPDIR/agent.yaml
DRIVER=$(realpath "$O/tests/executor/driver")
KILLER=$(realpath "$O/tests/executor/killer.so")
STOP=$TMPDIR/stop
ON=() # what runs a command where the executor is to be; nothing: here

# orders LINE: the line as it is given; a script may have it name what an order has to name.
orders() { echo "$1"; }
# drive [LINE...]: gives the orders, one an argument; what was said is in $SAID.
drive() {
        local line
        SAID=$(for line; do orders "$line"; done | "${ON[@]}" "$DRIVER" "$CONFIG" "$STATE" 2>>"$TMPDIR/log")
        DROVE=$?
        [ $DROVE = 0 ] || note "$SAID"
        return $DROVE
}
# said KEY: the last state that was said of a key, and why.
said() { sed -n "s/^key=$1 \([a-z]*\) reason=\([a-z-]*\) .*/\1 \2/p" <<<"$SAID" | tail -n 1; }
verdict() { sed -n "s/^key=$1 .* verdict=\([a-z]*\) .*/\1/p" <<<"$SAID" | tail -n 1; }
former() { sed -n "s/^key=$1 .* former=\([0-9a-f]*\) .*/\1/p" <<<"$SAID" | tail -n 1; }
forget() { rm -rf "$STATE"; }

# killed_everywhere MOST NAME LINE...: gives the orders again and again to an executor that is killed at its Nth point,
# for each N (with STRIDE each STRIDEth) until it is not reached, and lets a new one settle what was left. Before each, `prepare` makes the world
# and prints it; after each, `present` prints it, which must be the same.
killed_everywhere() {
        local most=$1 name=$2 n points=0 bad=0 changed=0 r before after
        shift 2
        for n in $(seq 1 "${STRIDE:-1}" "$most"); do
                forget
                rm -f "$TMPDIR/points"
                prepare || return 1
                before=$(present)
                mapfile -t lines < <(for line; do orders "$line"; done)
                printf '%s\n' "${lines[@]}" |
                        "${ON[@]}" env LD_PRELOAD="$KILLER" KILL_AT="$n" KILL_COUNT="$TMPDIR/points" "$DRIVER" "$CONFIG" "$STATE" \
                                >"$TMPDIR/said" 2>>"$TMPDIR/log"
                r=$?
                if [ $r = 0 ]; then break; fi
                points=$n
                [ "$before" = "$(present)" ] || changed=$((changed + 1))
                # What the killed one left is settled by the next one, which is let go at once.
                SAID=$(echo ready | "${ON[@]}" "$DRIVER" "$CONFIG" "$STATE" 2>>"$TMPDIR/log")
                r=$?
                if [ $r != 0 ]; then
                        bad=$((bad + 1))
                        note "killed at point $n: the settling ended with $r; said: $(cat "$TMPDIR/said") then $SAID"
                fi
                after=$(present)
                if [ "$before" != "$after" ]; then
                        bad=$((bad + 1))
                        note "killed at point $n: had $before, left $after; said: $(cat "$TMPDIR/said") then $SAID"
                fi
        done
        is "$bad" 0 "$name: killed at ${STRIDE:+every ${STRIDE}th of }$points points, the former state is back"
        note "$changed kills left a change behind"
        ok "$name: some kills left a change behind" test "$changed" -gt 3
        ok "$name: there were points, and the last one was passed" test "$points" -gt 10 -a "$points" -lt "$most"
}
