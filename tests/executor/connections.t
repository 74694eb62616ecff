#!/usr/bin/env bash
# Actions on connections, on this host's own kernel: connection.close and connect.shed.
# timeout: 120
if [ -z "${IN_NAMESPACE:-}" ] && [ "$(id -u)" = 0 ]; then IN_NAMESPACE=1 exec unshare -m "$0" "$@"; fi
. tests/executor/lib.sh
skip_if_fast
[ "$(id -u)" = 0 ] || skip_all "needs root"
ROOT=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
[ -n "$ROOT" ] || skip_all "no cgroup2 here"
GROUP=$ROOT/nightshift-connections-$$
mkdir "$GROUP" "$GROUP/web.service" "$GROUP/other.service" || skip_all "no cgroup can be made here"

clean() {
        for pid in $(cat "$GROUP"/*.service/cgroup.procs); do kill -9 "$pid"; done
        await 5 rmdir "$GROUP"/*.service
        rmdir "$GROUP"
}
trap clean EXIT
mkfifo "$TMPDIR/to" "$TMPDIR/from"
(echo $BASHPID >"$GROUP/web.service/cgroup.procs" && exec python3 tests/executor/leaker.py) <"$TMPDIR/to" >"$TMPDIR/from" 2>>"$TMPDIR/log" &
A=$!
exec 8>"$TMPDIR/to" 9<"$TMPDIR/from"
declare -A IS
while read -r -u 9 name value && [ "$name" != ready ]; do IS[$name]=$value; done
SHARER=${IS[sharer]}
echo "$SHARER" >"$GROUP/other.service/cgroup.procs"
ask() {
        echo "$*" >&8
        read -r -u 9 ANSWER
}
config() {
        cat >"$CONFIG" <<END
stop_file: $STOP
services:
  web:
    match: {cgroup: $(sed -n 's/^0:://p' "/proc/$A/cgroup")}
    close: {${1-idle: 1s}}
    shed: {within: 60s, rate: 5, servers: [{service: database, addresses: [127.0.0.1, "::1"], port: ${IS[port]}}, {service: far, addresses: [127.0.0.9], port: ${IS[port]}}]}
  other: {match: {unit: other.service}, close: {idle: 1s}}
limits: {actions_per_hour: 1000, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [connection.close, connect.shed]
END
}
config
mount -t bpf none /sys/fs/bpf || skip_all "no file system of BPF can be mounted" # of this namespace's own
close() { # STATE NAMES [WORDS...]
        local state=$1 cookies="" name verified=()
        for name in $2; do cookies+=" cookie=${IS[$name]:-$name}"; done
        shift 2
        [ "$state" = refused ] || verified=("wait key=1 verdict=1")
        forget
        drive "apply connection.close key=1 service=web lease=3 person=1 pid=$A$cookies $*" "wait key=1 state=$state" "${verified[@]}"
}
sleep 1.2 # until all have been silent for as long as the file wants

drive "apply connection.close key=1 service=web lease=20 pid=$A cookie=${IS[closed]}" "wait key=1 state=refused"
ask state closed
is "$(said 1), $ANSWER" "refused one-way, closed" "close: nobody said yes"
forget
drive "check connection.close key=1 service=web lease=20 person=1 pid=$A cookie=${IS[closed]} cookie=${IS[idle]}" "wait key=1 state=checked"
ask state idle
is "$(said 1), $ANSWER" "checked none, open" "a dry run closes nothing"
ok "and counts them" grep -q touched=2 <<<"$SAID"
not() { # REASON WHY NAMES DESCRIPTION [WORDS...]
        close refused "$3" "${@:5}"
        is "$(said 1)" "refused $1" "$4"
        ok "... for the reason that is meant" grep -q "$2" <<<"$SAID"
}
not changed "may wait for an answer" waiting "one on which an answer is awaited"
not changed "something unread" unread "one with something unread"
not more-targets "process $SHARER" shared "one that another process has"
not mismatch "is not there" 12345 "a cookie of nothing"
not changed "named twice" "closed closed" "one that is named twice"
not changed "may wait" "closed waiting" "one good and one bad"
not no-targets "one process" "" "none at all"
not mismatch "another one" closed "another incarnation" start=1000000000
config ""
not changed "too lately" closed "one that the peer closed a moment ago"
config "idle: 600s"
not changed "too lately" idle "an open one that was used within the time of the file"
config
for name in closed closed2 idle waiting unread shared; do ask state $name; STATES+="$ANSWER "; done
is "$STATES" "closed closed open open open closed " "and all of them are as they were"
close applied "closed idle"
is "$(said 1), $(verdict 1)" "applied none, verified" "on a person's word leaked ones are closed, and gone by another look"
ask state idle
is "$ANSWER" ECONNABORTED "the process sees it"
ask state closed2
is "$ANSWER" closed "the others are untouched"


# connect.shed: of 100 connections at once the tenth part of a second's pass, then as many as the rate says.
SHED="service=web lease=20 pid=$A server=database rate=50"
pins() { find /sys/fs/bpf -name 'nightshift-shed-*' | wc -l; }
forget
drive "check connect.shed key=1 $SHED" "wait key=1 state=checked"
ask connect 127.0.0.1 "${IS[port]}" 50
is "$(said 1), $ANSWER, $(pins)" "checked none, 50 0 0, 0" "shed: a dry run refuses nobody"
ok "and says what it would" grep -q 'of 1 processes to database, port [0-9]*: 50 a second' <<<"$SAID"
during() { # WORDS...: what is done until let_go() happens while it is applied
        forget
        coproc "$DRIVER" "$CONFIG" "$STATE" 2>>"$TMPDIR/log"
        HELD=$COPROC_PID
        local from=${COPROC[0]} to=${COPROC[1]}
        exec 6>&"$to" 7<&"$from"
        exec {to}>&- {from}<&-
        printf '%s\n' "apply connect.shed key=1 $*" "wait key=1 verdict=1" >&6
        while read -r -t 20 -u 7 SAID; do case $SAID in *verdict=[vuf]*) break ;; esac; done
}
let_go() { # LINE...
        [ $# = 0 ] || printf '%s\n' "$@" >&6
        exec 6>&-
        while read -r -t 20 -u 7 line; do SAID=$line; done
        exec 7<&-
        wait "$HELD"
}
during "$SHED"
is "$(said 1), $(verdict 1)" "applied none, verified" "it is in effect, by what the cgroup lists"
ask connect 127.0.0.1 "${IS[port]}" 100
read -r opened refused failed <<<"$ANSWER"
ok "of 100 connections at once few pass ($ANSWER)" test "$opened" -ge 5 -a "$opened" -le 20 -a "$((opened + refused))" = 100 -a "$failed" = 0
start=$EPOCHREALTIME opened=0
while awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a < 1.5) }'; do
        ask connect 127.0.0.1 "${IS[port]}" 1
        opened=$((opened + ${ANSWER%% *}))
done
seconds=$(since "$start")
ok "the rate is the one that was set ($opened in $seconds s)" awk -v n="$opened" -v s="$seconds" 'BEGIN { exit !(n <= 50 * s + 6 && n >= 50 * s * 0.7) }'
ask connect 127.0.0.9 "${IS[port]}" 60
is "$ANSWER" "0 0 60" "another server is not limited" # nobody listens there
ask connect ::ffff:127.0.0.1 "${IS[port]}" 50
ok "its address in the other family is ($ANSWER)" test "$(cut -d' ' -f2 <<<"$ANSWER")" -gt 30
python3 -c "import socket; [socket.create_connection(('127.0.0.1', ${IS[port]})).close() for i in range(60)]"
ok "nor is another cgroup" test $? = 0
ask state closed2
is "$ANSWER" closed "what is open stays"
let_go "revert connect.shed key=1 service=web" "wait key=1 state=reverted"
ask connect 127.0.0.1 "${IS[port]}" 50
is "$(said 1), $ANSWER, $(pins)" "reverted ordered, 50 0 0, 0" "undone: all pass again, and nothing is left"
ok "and it was counted" grep -q 'detail=[0-9]* connections passed, [0-9]* were refused' <<<"$SAID"

during "service=web lease=2 pid=$A server=database rate=5"
printf '%s\n' "keep connect.shed key=1 service=web lease=20" "sleep=500" >&6
sleep 2.5
ask connect 127.0.0.1 "${IS[port]}" 50
ok "a longer lease is told to the kernel ($ANSWER)" test "$(cut -d' ' -f2 <<<"$ANSWER")" -gt 40
let_go "revert connect.shed key=1 service=web" "wait key=1 state=reverted"

# The executor is killed, and no other comes: the kernel ends it by itself.
during "service=web lease=2 pid=$A server=database rate=5"
kill -9 "$(pgrep -P "$HELD" -x nightshift-act)"
let_go
ask connect 127.0.0.1 "${IS[port]}" 50
ok "a dead executor's limit is in effect ($ANSWER)" test "$(cut -d' ' -f2 <<<"$ANSWER")" -gt 40
passes() { ask connect 127.0.0.1 "${IS[port]}" 20 && [ "$ANSWER" = "20 0 0" ]; }
await_ok 4 "until its deadline" passes
is "$(pins)" 4 "what is left of it does nothing"
drive "wait key=1 state=reverted"
is "$(said 1), $(pins)" "reverted lease, 0" "and is taken away by the next executor"

no() { # REASON DESCRIPTION WORDS...
        forget
        drive "apply connect.shed key=1 service=web lease=20 pid=$A $3" "wait key=1 state=refused"
        is "$(said 1), $(pins)" "refused $1, 0" "$2"
}
no parameters "a rate below the file's" "server=database rate=4"
no parameters "a server that is not in the file" "server=ledger rate=50"
no parameters "no server" "rate=50"
no mismatch "another incarnation" "server=database rate=50 start=1000000000"
umount /sys/fs/bpf
no unsupported "no file system to keep it in" "server=database rate=50"
mount -t bpf none /sys/fs/bpf

present() { pins; }
prepare() { :; }
STRIDE=3 killed_everywhere 200 "shed" "apply connect.shed key=1 $SHED" "wait key=1 state=applied" "sleep=50" \
        "revert connect.shed key=1 service=web" "wait key=1 state=reverted"
done_testing
