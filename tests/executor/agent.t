#!/usr/bin/env bash
# Orders on their whole way on a real agent: from a coordinator through the link to the executor, a cgroup, and back.
# timeout: 200
. tests/executor/lib.sh
skip_if_fast
[ "$(id -u)" = 0 ] || skip_all "needs root"
ROOT=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
[ -n "$ROOT" ] || skip_all "no cgroup2 here"
GROUP=$ROOT/nightshift-order-$$
mkdir "$GROUP" || skip_all "no cgroup can be made here"
PIDS=()
clean() {
        for pid in "${PIDS[@]}"; do kill "$pid"; done
        for pid in "${PIDS[@]}"; do wait "$pid"; done 2>/dev/null
        echo 0 >"$GROUP/cgroup.freeze"
        for pid in $(cat "$GROUP/cgroup.procs"); do kill -9 "$pid"; done
        await 5 rmdir "$GROUP"
}
trap clean EXIT

bash -c 'echo $$ >"$0/cgroup.procs"; exec python3 -m http.server --bind 127.0.0.1 0' "$GROUP" >/dev/null 2>&1 &
A=$!
await 10 grep -qx $A "$GROUP/cgroup.procs"
mkfifo "$TMPDIR/orders"
mkdir "$TMPDIR/log-a" "$TMPDIR/log-b"
"$O/tests/executor/dispatcher" tcp://127.0.0.1:0 "$TMPDIR/log-a" <"$TMPDIR/orders" >>"$TMPDIR/said" 2>>"$TMPDIR/log" &
PIDS+=($!)
exec 9>"$TMPDIR/orders"
await 10 grep -q '^ready' "$TMPDIR/said"
PORT=$(sed -n 's/^ready //p' "$TMPDIR/said")
config() {
        cat >"$CONFIG" <<END
coordinator: tcp://127.0.0.1:$PORT
state_dir: $STATE
interval: 1s
stop_file: $STOP
services:
  web: {match: {cgroup: $(sed -n 's/^0:://p' "/proc/$A/cgroup")}, freeze: {within: 60s}, observe: {within: 60s}}
  quiet: {match: {unit: quiet.service}}
limits: {cooldown: 1s, actions_per_hour: 50, attempts: 50}
$1
END
}
config "allow: [process.freeze, observe.raise]"
agent() {
        : >"$TMPDIR/said"
        "$O/nightshift-agent" --config "$CONFIG" >>"$TMPDIR/log" 2>&1 &
        AGENT=$!
        PIDS+=("$AGENT")
}
agent
heard() { grep -qE "$1" "$TMPDIR/said"; }
frozen() { cat "$GROUP/cgroup.freeze"; }


await_ok 30 "what is permitted is told: freezing, of one service" heard "^permit web 810 0$"
ok "and of no other" test "$(grep -c '^permit' "$TMPDIR/said")" = 1
await_ok 30 "the process is told" heard "^process $A$"
echo "check process.freeze key=1 service=web lease=20 pid=$A" >&9
await_ok 10 "a dry run" heard "^action 1 checked none none web$"
start=$EPOCHREALTIME
echo "apply process.freeze key=2 service=web lease=20 pid=$A" >&9
await_ok 10 "an order is carried out" heard "^action 2 applied none (none|verified) web$"
at_most "$(since "$start")" 2 "within two seconds, with the answer"
is "$(frozen)" 1 "the process is frozen"
await_ok 10 "and the agent's own look at it is told" heard "^action 2 applied none verified web$"
echo "revert process.freeze key=2 service=web" >&9
await_ok 10 "it is undone by order" heard "^action 2 reverted ordered verified web$"
is "$(frozen)" 0 "the process runs"
sleep 1.1
echo "apply process.freeze key=3 service=web lease=1 pid=$A" >&9
await_ok 10 "a lease lapses" heard "^action 3 reverted lease"
sleep 1.1
echo "apply process.freeze key=4 service=web lease=20 pid=$A started=1700000000000000000" >&9
await_ok 10 "another incarnation is refused" heard "^action 4 refused mismatch"
echo "apply process.freeze key=5 service=../../etc lease=20 pid=$A" >&9
await_ok 10 "a name that is not in the file is refused" heard "^action 5 refused not-allowed"
echo "apply service.rollback key=6 service=web lease=20" >&9
await_ok 10 "an action that is not allowed is refused" heard "^action 6 refused not-allowed"
touch "$STOP"
echo "apply process.freeze key=7 service=web lease=20 pid=$A" >&9
await_ok 10 "the stop file stops" heard "^action 7 refused stopped"
await_ok 10 "and is told" heard "^stopped 1"
rm "$STOP"

# The agent as a witness of the coordinator's log.
seen() { sed -n 's/^seen //p' "$TMPDIR/said" | tail -n 1; }
ok "the checkpoint that was seen is kept" test -s "$STATE/audit-checkpoint"
cp -r "$TMPDIR/log-a" "$TMPDIR/old"
before=$(seen)
echo "check process.freeze key=20 service=web lease=20 pid=$A" >&9
await_ok 10 "a log that goes on is gone along with" heard "^action 20 checked"
await_ok 10 "and its size is told" grep -qx "seen $((before + 1))" "$TMPDIR/said"
echo "check process.freeze key=26 service=web lease=20 pid=$A" >&9
await_ok 10 "and further" heard "^action 26 checked"
cp "$STATE/audit-checkpoint" "$TMPDIR/kept"
echo "log $TMPDIR/log-b" >&9
echo "check process.freeze key=21 service=web lease=20 pid=$A" >&9
await_ok 10 "another log is refused" heard "^action 21 refused checkpoint"
echo "log $TMPDIR/old" >&9
echo "apply process.freeze key=22 service=web lease=20 pid=$A" >&9
await_ok 10 "one that was rolled back is refused" heard "^action 22 refused checkpoint"
for key in 23 24; do
        echo "apply process.freeze key=$key service=web lease=20 pid=$A" >&9
        await_ok 10 "and so is one that goes on from there on another way" heard "^action $key refused checkpoint"
done
is "$(frozen) $(sha256sum <"$STATE/audit-checkpoint")" "0 $(sha256sum <"$TMPDIR/kept")" "nothing was done, and what was seen first is what counts"
echo "log $TMPDIR/log-a" >&9
echo "check process.freeze key=25 service=web lease=20 pid=$A" >&9
await_ok 10 "the true one goes on" heard "^action 25 checked"

# observe.raise: the programs on messages are attached without a break, where the duty cycle lets go after a second.
links() { grep -l '^link_type' "/proc/$AGENT"/fdinfo/* 2>/dev/null | wc -l; }
least=99
for _ in {1..15}; do n=$(links); [ "$n" -ge "$least" ] || least=$n; sleep 0.1; done
raised() { # SECONDS: for so long
        local end=$((SECONDS + $1))
        while [ $SECONDS -le $end ]; do [ "$(links)" -gt "$least" ] || return 1; sleep 0.1; done
}
lowered() { [ "$(links)" = "$least" ]; }
echo "apply observe.raise key=10 service=web lease=30 tier=3" >&9
await_ok 10 "a tier that is not there is refused" heard "^action 10 refused unsupported"
echo "apply observe.raise key=11 service=web lease=30 tier=2" >&9
await_ok 10 "more is looked at" heard "^action 11 applied none unknown web$"
await 2 raised 0
ok "without a break" raised 2
echo "revert observe.raise key=11 service=web" >&9
await_ok 10 "and no more of it by order" heard "^action 11 reverted ordered"
await_ok 3 "in the kernel, too" lowered
sleep 1.1

executor() { pgrep -P "$AGENT" nightshift-act; }
link() { pgrep -P "$AGENT" nightshift-link; }
caps() { sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$1/status"; }
is "$(caps "$(link)")" 0000000000000000 "what parses the network has no capability"
is "$((0x$(caps "$AGENT") & 2))" 0 "the agent itself cannot override permissions"
ok "the executor can" test $((0x$(caps "$(executor)") & 2)) -gt 0
is "$((0x$(caps "$(executor)") >> 39 & 1))" 0 "and has no BPF, nor anything else that it does not need"

echo "apply process.freeze key=8 service=web lease=30 pid=$A" >&9
await_ok 10 "frozen again" heard "^action 8 applied"
kill -9 "$(executor)"
wait "$AGENT"
ok "without its executor the agent ends, to be started anew" test $? != 0
is "$(frozen)" 1 "what was done is still done"
config "allow: []"
agent
await_ok 15 "the next one, which may do nothing at all, keeps its lease" heard "^action 8 applied none"
kill "$AGENT"
wait "$AGENT"
is "$(frozen)" 0 "the agent ends, and what it could not keep is undone"
rm -rf "$STATE"
agent
await_ok 15 "an agent that may do nothing has no executor" heard "^stopped 1"
is "$(executor)" "" "... indeed"
echo "apply process.freeze key=9 service=web lease=30 pid=$A" >&9
await_ok 10 "and refuses" heard "^action 9 refused not-allowed"
exec 9>&-
done_testing
