#!/usr/bin/env bash
# process.freeze on real cgroups: applied, verified, undone by order, by its lease, by the agent's end and after a kill
# at every point; and everything that it must refuse.
# timeout: 300
. tests/executor/lib.sh
skip_if_fast
[ "$(id -u)" = 0 ] || skip_all "needs root"
ROOT=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
[ -n "$ROOT" ] || skip_all "no cgroup2 here"
GROUP=$ROOT/nightshift-freeze-$$
mkdir "$GROUP" "$GROUP/web.service" || skip_all "no cgroup can be made here"

clean() {
        echo 0 >"$GROUP/web.service/cgroup.freeze"
        for pid in $(cat "$GROUP/web.service/cgroup.procs"); do kill -9 "$pid"; done
        await 5 rmdir "$GROUP/web.service"
        rmdir "$GROUP"
}
trap clean EXIT

spin() {
        bash -c 'echo $$ >"$0/cgroup.procs"; while :; do :; done' "$GROUP/web.service" &
        await 5 grep -qx $! "$GROUP/web.service/cgroup.procs"
}
spin
A=$!
config() {
        cat >"$CONFIG" <<END
stop_file: $STOP
services:
  web: {match: {cgroup: $(sed -n 's/^0:://p' "/proc/$A/cgroup")}, freeze: {within: 60s}}
  other: {match: {unit: other.service}, freeze: {within: 60s}}
limits: {actions_per_hour: ${1:-100}, concurrent: ${2:-1}, cooldown: 1s, attempts: 50}
allow: [${3-process.freeze}]
END
}
config
frozen() { cat "$GROUP/web.service/cgroup.freeze"; }
present() { frozen; }
prepare() { :; }

drive "apply process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=applied" "wait key=1 verdict=1" "die"
is "$(said 1)" "applied none" "it is applied"
is "$(verdict 1)" verified "and verified by what the process does"
await_ok 10 "the agent died: the executor undoes it by itself" grep -qx 0 "$GROUP/web.service/cgroup.freeze"

forget
drive "apply process.freeze key=1 service=web lease=2 pid=$A" "wait key=1 state=applied" "wait key=1 state=reverted"
is "$(said 1)" "reverted lease" "its lease lapses"
is "$(frozen)" 0 "and it runs again"

forget
drive "apply process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=applied" \
        "revert process.freeze key=1 service=web" "wait key=1 state=reverted" \
        "apply process.freeze key=1 service=web lease=20 pid=$A" "sleep=300"
is "$(said 1)" "reverted ordered" "it is undone by order, and the same key applies nothing again"
is "$(frozen)" 0 "and it runs"

forget
drive "check process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=checked"
is "$(said 1)" "checked none" "a dry run"
is "$(frozen)" 0 "which freezes nothing"
was=$(former 1)
drive "apply process.freeze key=2 service=web lease=20 pid=$A former=$was" "wait key=2 state=applied"
is "$(said 2)" "applied none" "what it saw can be acted on"
drive "apply process.freeze key=3 service=web lease=20 pid=$A former=${was//[0-7]/8}" "wait key=3 state=refused"
is "$(said 3)" "refused cooling" "but not before the service has rested"
sleep 1.1
drive "apply process.freeze key=4 service=web lease=20 pid=$A former=${was//[0-7]/8}" "wait key=4 state=refused"
is "$(said 4)" "refused changed" "another state than the plan saw is a refusal"

refused() { # REASON DESCRIPTION WORDS...
        forget
        drive "apply process.freeze key=9 $3" "wait key=9 state=refused"
        is "$(said 9)" "refused $1" "$2"
        is "$(frozen)" 0 "... and nothing is frozen"
}
refused mismatch "a pid that was reused" "service=web lease=20 pid=$A start=1000000000"
refused mismatch "another executable" "service=web lease=20 pid=$A exe=1"
refused mismatch "a process that is gone" "service=web lease=20 pid=4194303"
refused mismatch "a process of another service" "service=other lease=20 pid=$A"
refused not-allowed "a service that is not in the file" "service=database lease=20 pid=$A"
refused no-targets "no target at all" "service=web lease=20"
refused parameters "a lease that is too long" "service=web lease=61 pid=$A"
refused parameters "no lease" "service=web lease=0 pid=$A"
refused expired "an order that has expired" "service=web lease=20 pid=$A expires=-1"
refused expired "one that will not for a day" "service=web lease=20 pid=$A expires=86400"
touch "$STOP"
refused stopped "while the stop file is there" "service=web lease=20 pid=$A"
rm "$STOP"
spin
B=$!
refused more-targets "a process more than was named" "service=web lease=20 pid=$A"
forget
drive "apply process.freeze key=1 service=web lease=20 pid=$A pid=$B" "wait key=1 state=applied" \
        "revert process.freeze key=1 service=web" "wait key=1 state=reverted"
is "$(said 1)" "reverted ordered" "both are named: both are frozen and thawed"
kill -9 $B
wait $B 2>/dev/null

echo 1 >"$GROUP/web.service/cgroup.freeze"
forget
drive "apply process.freeze key=9 service=web lease=20 pid=$A" "wait key=9 state=refused"
is "$(said 9)" "refused changed" "what somebody else froze is not ours to freeze"
is "$(frozen)" 1 "... nor to thaw"
echo 0 >"$GROUP/web.service/cgroup.freeze"

forget
drive "apply process.freeze key=1 service=web lease=20 pid=$A epoch=5" "wait key=1 state=applied" \
        "revert process.freeze key=1 service=web epoch=4" "sleep=300" "revert process.freeze key=1 service=web epoch=5" \
        "wait key=1 state=reverted"
is "$(grep -c '^key=1 applied' <<<"$SAID")" 3 "an order of a lower epoch is answered with what is, and does nothing"
sleep 1.1
drive "apply process.freeze key=2 service=web lease=20 pid=$A epoch=4" "wait key=2 state=refused"
is "$(said 2)" "refused epoch" "which the next life of the executor still knows"

forget
config 2
drive "apply process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=applied" \
        "apply process.freeze key=2 service=web lease=20 pid=$A" "wait key=2 state=refused" \
        "revert process.freeze key=1 service=web" "wait key=1 state=reverted" "sleep=1100" \
        "apply process.freeze key=3 service=web lease=20 pid=$A" "wait key=3 state=applied" \
        "revert process.freeze key=3 service=web" "wait key=3 state=reverted" "sleep=1100" \
        "apply process.freeze key=4 service=web lease=20 pid=$A" "wait key=4 state=refused"
is "$(said 2), $(said 4)" "refused busy, refused rate" "limits of this host: at a time, and in an hour"
drive "apply process.freeze key=5 service=web lease=20 pid=$A" "wait key=5 state=refused"
is "$(said 5)" "refused rate" "which the next life still counts"

forget
config 100 1 service.rollback
drive "apply process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=refused"
is "$(said 1)" "refused not-allowed" "an action that is not in the file"
rm -rf "$STATE"
config 100 1 ""
drive
is "$SAID" none "where nothing is allowed there is no executor"
config

# A journal with what cannot be read: nothing begins.
forget
drive "apply process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=applied"
entry=$(find "$STATE/actions" -name '*0001')
printf X | dd of="$entry" bs=1 seek=300 conv=notrunc status=none
sleep 1.1
drive "apply process.freeze key=2 service=web lease=20 pid=$A" "wait key=2 state=refused"
is "$(said 2)" "refused journal" "a damaged entry stops everything until a person has looked"

# A full disk: no journal, no action.
forget
mkdir "$STATE"
mount -t tmpfs -o size=16k none "$STATE"
head -c 64k /dev/zero >"$STATE/full" 2>/dev/null
drive "apply process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=refused"
is "$(said 1)" "refused journal" "without room for the journal nothing begins"
is "$(frozen)" 0 "... and nothing is frozen"
umount "$STATE"

killed_everywhere 200 "freeze" "apply process.freeze key=1 service=web lease=20 pid=$A" "wait key=1 state=applied" \
        "sleep=300" "revert process.freeze key=1 service=web" "wait key=1 state=reverted"
done_testing
