#!/usr/bin/env bash
# service.rollback by the operator's commands: argument vectors as they are in the file, never a shell, and the former
# state compared; undone by order, by a lapsed lease, by its own verification, and after a kill at every point.
# timeout: 400
. tests/executor/lib.sh
skip_if_fast
W=$TMPDIR/service
mkdir "$W"
# The service: its build is in a file, and so are the notes of a command about what it was given.
cat >"$W/tool" <<'END'
#!/bin/sh
# tool FILE VERB [ARGUMENT]
printf '%s|' "$0" "$@" >>"$1.calls"; env >>"$1.env"; ls -l /proc/self/fd >>"$1.fds"
case $2 in
state) cat "$1" ;;
do) [ -e "$1.fail" ] && { echo half >"$1"; exit 3; }
    [ -e "$1.hang" ] && { echo half >"$1"; sleep 600 & sleep 600; }
    echo "A $3" >"$1" ;;
undo) [ -e "$1.stuck" ] && exit 4; echo B >"$1" ;;
verify) [ ! -e "$1.bad" ] && { [ ! -e "$1.dim" ] || exit 2; } ;;
esac
END
chmod +x "$W/tool"
config() {
        cat >"$CONFIG" <<END
stop_file: $STOP
services:
  payments:
    match: {unit: payments.service}
    ${1-restart_safe: {ready: {port: 80\}\}}
    rollback:
      driver: commands
      state: [$W/tool, $W/build, state]
      do: [$W/tool, $W/build, do, "\$(touch $W/shell); echo 'x y'"]
      undo: [$W/tool, $W/build, undo]
      verify: [$W/tool, $W/build, verify]
      timeout: 2s
limits: {actions_per_hour: 100, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [service.rollback]
END
}
config
present() { cat "$W/build"; }
prepare() { rm -f "$W"/build.*; echo B >"$W/build"; }
fresh() { forget; prepare; }

fresh
drive "check service.rollback key=1 service=payments lease=20" "wait key=1 state=checked"
is "$(said 1), $(present)" "checked none, B" "a dry run changes nothing"
fresh
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=applied" "wait key=1 verdict=1" \
        "keep service.rollback key=1 service=payments lease=1 verified=1" "wait key=1 state=held"
is "$(said 1)" "held lease" "applied, verified by the coordinator, and held when the lease lapses"
is "$(verdict 1)" verified "its own command verified it, too"
is "$(present)" "A \$(touch $W/shell); echo 'x y'" "an argument is an argument"
ok "no shell had it" test ! -e "$W/shell"
is "$(sort -u "$W/build.env" | cut -d= -f1 | grep -vE '^(PWD|_|SHLVL|OLDPWD)$' | xargs)" "LC_ALL PATH" "nothing of the agent's environment is passed on"
is "$(grep -cE 'actions|socket' "$W/build.fds")" 0 "nor a descriptor"
drive "revert service.rollback key=1 service=payments" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted ordered, B" "what is held can be undone, also by another life of the executor"

fresh
drive "apply service.rollback key=1 service=payments lease=1" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted lease, B" "what the coordinator has not verified is undone when the lease lapses"
fresh
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=applied" "sleep=300" \
        "keep service.rollback key=1 service=payments lease=20 verified=1" "sleep=200" "close service.rollback key=1 service=payments" \
        "wait key=1 state=closed"
is "$(said 1)" "closed none" "closed by order"
drive "wait key=1 state=closed"
is "$(said 1), $(present)" "closed none, A \$(touch $W/shell); echo 'x y'" "which stays, over the agent's end"

fresh
touch "$W/build.bad"
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted unverified, B" "its own verification failed: undone at once"
fresh
touch "$W/build.dim"
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=applied" "wait key=1 verdict=1"
is "$(said 1), $(verdict 1)" "applied none, unknown" "one that cannot tell is unknown, not verified"
fresh
touch "$W/build.fail"
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted failed, B" "a command that fails halfway: undone"
fresh
touch "$W/build.hang"
start=$EPOCHREALTIME
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted timed-out, B" "one that hangs: ended and undone"
at_most "$(since "$start")" 8 "within its time"
is "$(pgrep -cf 'sleep 600')" 0 "with what it started"
fresh
touch "$W/build.fail" "$W/build.stuck"
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=stuck"
is "$(said 1), $(present)" "stuck failed, half" "an undo that fails three times is stuck, and says so"
sleep 1.1
drive "apply service.rollback key=2 service=payments lease=20" "wait key=2 state=refused"
is "$(said 2)" "refused latched" "and stops its kind of action"
rm "$W"/build.fail "$W"/build.stuck
drive "revert service.rollback key=1 service=payments" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted ordered, B" "until a person had it undone"

fresh
(sleep 1.2; echo C >"$W/build") &
drive "apply service.rollback key=1 service=payments lease=3" "wait key=1 state=applied" "wait key=1 state=yielded"
wait $!
is "$(said 1), $(present)" "yielded changed, C" "what is not ours any more is left as it is"
fresh
touch "$W/build.fail"
rm "$W/build"
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=refused"
is "$(said 1)" "refused failed" "a state that cannot be read is a refusal"

fresh
config ""
drive "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=refused"
is "$(said 1), $(present)" "refused one-way, B" "without restart_safe it is one-way, and needs a person"
drive "apply service.rollback key=2 service=payments lease=20 person=1" "wait key=2 state=applied"
is "$(said 2)" "applied none" "who said yes here"
config

# service.scale by commands: the number is the last argument, and what `state` prints.
cat >"$W/scaler" <<'END'
#!/bin/sh
case $2 in
state) cat "$1" ;;
do) [ ! -e "$1.less" ] || { echo 1 >"$1"; exit 0; }
    echo "$3" >"$1" ;;
undo) echo "$3" >"$1" ;;
esac
END
chmod +x "$W/scaler"
cat >"$CONFIG" <<END
stop_file: $STOP
services:
  payments:
    match: {unit: payments.service}
    restart_safe: {}
    scale: {driver: commands, min: 1, max: 5, state: [$W/scaler, $W/count, state], do: [$W/scaler, $W/count, do], undo: [$W/scaler, $W/count, undo]}
limits: {actions_per_hour: 100, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [service.scale]
END
echo 2 >"$W/count"
scale() { forget; drive "apply service.scale key=1 service=payments lease=20 $1" "wait key=1 state=$2"; }
scale instances=3 applied
is "$(said 1), $(cat "$W/count")" "applied none, 2" "scaled by commands, and undone with the agent's end"
ok "it was scaled meanwhile" grep -q '^key=1 applied .* same=0' <<<"$SAID"
scale instances=6 refused
is "$(said 1), $(cat "$W/count")" "refused parameters, 2" "more than the file allows"
scale instances=4 refused
is "$(said 1), $(cat "$W/count")" "refused changed, 2" "two steps at once"
touch "$W/count.less"
scale instances=3 reverted
is "$(said 1), $(cat "$W/count")" "reverted failed, 2" "a command that makes another number is undone"
echo many >"$W/count"
scale instances=3 refused
is "$(said 1)" "refused failed" "a state that is no number"
config

killed_everywhere 300 "rollback" "apply service.rollback key=1 service=payments lease=20" "wait key=1 state=applied" \
        "sleep=300" "revert service.rollback key=1 service=payments" "wait key=1 state=reverted"
done_testing
