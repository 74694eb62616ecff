#!/usr/bin/env bash
# service.rollback by a link among releases: real files and processes; in the place of systemctl stands a script that
# restarts one process, in a mount namespace of this test's own.
# timeout: 500
if [ -z "${IN_NAMESPACE:-}" ] && [ "$(id -u)" = 0 ]; then IN_NAMESPACE=1 exec unshare -m "$0" "$@"; fi
. tests/executor/lib.sh
skip_if_fast
[ "$(id -u)" = 0 ] || skip_all "needs root"
S=$TMPDIR/srv
mkdir -p "$S/releases" "$S/barriers"
ROOT=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
GROUP=$ROOT/nightshift-link-$$
[ -n "$ROOT" ] && mkdir "$GROUP" "$GROUP/payments.service" || skip_all "no cgroup can be made here"
PORT=$((20000 + $$ % 20000))
cat >"$TMPDIR/systemctl" <<END
#!/bin/bash
S=$S
pid=\$(cat \$S/pid)
case \$1 in
show) if kill -0 "\$pid" 2>/dev/null; then echo "\$pid"; else echo 0; fi ;;
restart)
        [ "\$3" = payments.service ] || exit 5
        echo restart >>\$S/restarts
        [ ! -e \$S/slow ] || sleep 5
        [ ! -e "\$S/releases/broken" ] || [ "\$(readlink \$S/current)" != releases/broken ] || exit 1
        kill -9 "\$pid" 2>/dev/null; while kill -0 "\$pid" 2>/dev/null; do sleep 0.01; done
        cd -P \$S/current || exit 1
        setsid python3 -m http.server --bind 127.0.0.1 $PORT </dev/null >/dev/null 2>&1 &
        echo \$! >$GROUP/payments.service/cgroup.procs
        echo \$! >\$S/pid ;;
esac
END
chmod +x "$TMPDIR/systemctl"
mount --bind "$TMPDIR/systemctl" /usr/bin/systemctl || skip_all "cannot put a script in the place of systemctl"
clean() {
        kill -9 "$(cat "$S/pid")"
        await 5 rmdir "$GROUP/payments.service" "$GROUP"
}
trap clean EXIT
for release in a b c d; do
        mkdir "$S/releases/$release"
        touch -d "2024-01-0$(($(printf '%d' "'$release") - 96))" "$S/releases/$release"
done
mkdir "$S/releases/broken"
touch -d 2023-12-01 "$S/releases/broken"
config() {
        cat >"$CONFIG" <<END
stop_file: $STOP
services:
  payments:
    match: {unit: payments.service}
    restart_safe: {drain: {argv: [/usr/bin/touch, $S/drained], timeout: 2s}, ready: {port: $PORT, within: 5s}}
    rollback: {driver: release-link, link: $S/current, releases: $S/releases, barriers: $S/barriers, unit: payments.service, timeout: 5s}
    restart: {unit: payments.service}
limits: {actions_per_hour: 100, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [service.rollback, service.restart]
END
}
config
release() { basename "$(readlink "/proc/$(cat "$S/pid")/cwd")"; }
present() { echo "$(readlink "$S/current") $(release) $(stat -c %Y "$S"/releases/* | xargs)"; }
prepare() {
        ln -sfn releases/c "$S/current"
        [ "$(release 2>/dev/null)" = c ] || /usr/bin/systemctl restart -- payments.service
        await 5 test "$(release)" = c
}
# A rollback that names no process names the one that runs.
orders() {
        case $1 in
        *" pid="*) echo "$1" ;;
        *" service.rollback "*) echo "$1 pid=$(cat "$S/pid")" ;;
        *) echo "$1" ;;
        esac
}
fresh() { forget; prepare; }

fresh
before=$(present)
drive "check service.rollback key=1 service=payments lease=20 from=c to=b" "wait key=1 state=checked"
is "$(said 1), $(present)" "checked none, $before" "a dry run changes nothing"
rm -f "$S/drained"
drive "apply service.rollback key=2 service=payments lease=20 from=c to=$S/releases/b" "wait key=2 state=applied" "wait key=2 verdict=1" \
        "keep service.rollback key=2 service=payments lease=20 verified=1" "sleep=200" \
        "close service.rollback key=2 service=payments" "wait key=2 state=closed"
is "$(said 2), $(verdict 2), $(release)" "closed none, verified, b" "the release before runs, by what the process says"
ok "it was drained" test -e "$S/drained"
is "$(readlink "$S/current")" releases/b "the link is written as it was"
drive "revert service.rollback key=2 service=payments" "wait key=2 state=reverted"
is "$(said 2), $(present)" "reverted ordered, $before" "undo brings it back, exactly"

refused() { # REASON DETAIL DESCRIPTION WORDS...
        fresh
        drive "apply service.rollback key=9 service=payments lease=20 $4" "wait key=9 state=refused"
        is "$(said 9), $(present)" "refused $1, $before" "$3"
        ok "... for the reason that is meant" grep -q "$2" <<<"$SAID"
}
refused no-release "not there" "a release that is missing" "to=z"
refused no-release "the one that runs" "the release that runs" "to=c"
refused no-release "not older" "a newer one" "to=d"
refused no-release "not there" "none named" ""
refused changed "another release runs" "another one runs than the plan saw" "from=b to=a"
refused no-targets "names no process" "no process of the unit is named" "to=b pid="
refused mismatch "not of the unit" "a process of another one" "to=b pid=$$"
touch "$S/barriers/c"
refused barrier "release c" "a barrier of the release that runs" "to=b"
mv "$S/barriers/c" "$S/barriers/b"
refused barrier "release b" "a barrier between" "to=a"
fresh
drive "check service.rollback key=1 service=payments lease=20 to=b" "wait key=1 state=checked"
is "$(said 1)" "checked none" "one that is not between is not in the way"
mv "$S/barriers/b" "$S/barriers/unknown"
refused barrier "release unknown" "a barrier whose place is not known" "to=b"
rm "$S/barriers/unknown"

fresh
drive "apply service.rollback key=1 service=payments lease=20 from=c to=broken" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted failed, $before" "a target that does not start: undone, and no version further back"
fresh
ln -sfn /nowhere/drained "$S/drained"
drive "apply service.rollback key=1 service=payments lease=20 from=c to=b" "wait key=1 state=reverted"
is "$(said 1), $(present)" "reverted failed, $before" "what does not drain is undone, and counts"
rm "$S/drained"
fresh
(sleep 3; ln -sfn releases/d "$S/current") &
drive "apply service.rollback key=1 service=payments lease=5 from=c to=b" "wait key=1 state=applied" "wait key=1 state=yielded"
is "$(said 1), $(readlink "$S/current")" "yielded changed, releases/d" "a deployment meanwhile: left as it is"
wait $!
# service.restart, which nothing brings back: on a person's word, of the process that was named.
fresh
was=$(cat "$S/pid")
drive "apply service.restart key=1 service=payments lease=20 pid=$was" "wait key=1 state=refused"
is "$(said 1), $(cat "$S/pid")" "refused one-way, $was" "nobody said yes to a restart"
drive "apply service.restart key=2 service=payments lease=20 person=1" "wait key=2 state=refused" \
        "apply service.restart key=3 service=payments lease=20 person=1 pid=$$" "wait key=3 state=refused" \
        "apply service.restart key=4 service=payments lease=20 person=1 pid=$was start=1000000000" "wait key=4 state=refused"
is "$(said 2), $(said 3), $(said 4), $(cat "$S/pid")" "refused no-targets, refused mismatch, refused mismatch, $was" \
        "a restart names the process that it ends"
drive "apply service.restart key=5 service=payments lease=3 person=1 pid=$was" "wait key=5 state=applied" "wait key=5 state=held" \
        "revert service.restart key=5 service=payments" "sleep=300"
is "$(said 5), $(verdict 5), $(release)" "held lease, verified, c" "a person did: restarted, verified, and held when the lease lapses"
ok "by another process" test "$(cat "$S/pid")" != "$was"
fresh
was=$(cat "$S/pid")
rm -f "$S/restarts"
touch "$S/slow"
printf '%s\n' "apply service.restart key=6 service=payments lease=20 person=1 pid=$was" "wait key=6 state=held" |
        "$DRIVER" "$CONFIG" "$STATE" >"$TMPDIR/said" 2>>"$TMPDIR/log" &
await 10 test -e "$S/restarts"
kill -9 "$(sed -n 's/^pid=//p' "$TMPDIR/said")"
wait $!
rm "$S/slow"
drive "wait key=6 state=stuck"
is "$(said 6)" "stuck restarted" "killed while it was under way: nobody knows, so a person is asked"

STRIDE=5 killed_everywhere 300 "release link" "apply service.rollback key=1 service=payments lease=20 from=c to=b" \
        "wait key=1 state=applied" "sleep=300" "revert service.rollback key=1 service=payments" "wait key=1 state=reverted"
done_testing
