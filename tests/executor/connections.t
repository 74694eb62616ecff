#!/usr/bin/env bash
# Actions on connections, on this host's own kernel: connection.close and connect.shed.
# timeout: 300
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
  other: {match: {unit: other.service}, close: {idle: 1s}}
limits: {actions_per_hour: 1000, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [connection.close]
END
}
config
close() { # STATE NAMES [WORDS...]
        local state=$1 cookies="" name
        for name in $2; do cookies+=" cookie=${IS[$name]:-$name}"; done
        shift 2
        forget
        drive "apply connection.close key=1 service=web lease=3 person=1 pid=$A$cookies $*" "wait key=1 state=$state" "sleep=300"
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

done_testing
