#!/usr/bin/env bash
# service.rollback by a link among releases: real files and processes; in the place of systemctl stands a script that
# restarts one process, in a mount namespace of this test's own.
# timeout: 500
if [ -z "${IN_NAMESPACE:-}" ] && [ "$(id -u)" = 0 ]; then IN_NAMESPACE=1 exec unshare -m "$0" "$@"; fi
. tests/executor/lib.sh
[ "$(id -u)" = 0 ] || skip_all "needs root"
S=$TMPDIR/srv
mkdir -p "$S/releases" "$S/barriers"
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
        [ ! -e "\$S/releases/broken" ] || [ "\$(readlink \$S/current)" != releases/broken ] || exit 1
        kill -9 "\$pid" 2>/dev/null; while kill -0 "\$pid" 2>/dev/null; do sleep 0.01; done
        cd -P \$S/current || exit 1
        setsid python3 -m http.server --bind 127.0.0.1 $PORT </dev/null >/dev/null 2>&1 &
        echo \$! >\$S/pid ;;
esac
END
chmod +x "$TMPDIR/systemctl"
mount --bind "$TMPDIR/systemctl" /usr/bin/systemctl || skip_all "cannot put a script in the place of systemctl"
clean() { kill -9 "$(cat "$S/pid")"; }
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
limits: {actions_per_hour: 100, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [service.rollback]
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
orders() { echo "$1"; }
fresh() { forget; prepare; }

fresh
before=$(present)
drive "check service.rollback key=1 service=payments lease=20 from=c to=b" "wait key=1 state=checked"
is "$(said 1), $(present)" "checked none, $before" "a dry run changes nothing"
rm -f "$S/drained"
drive "apply service.rollback key=2 service=payments lease=20 from=c to=$S/releases/b" "wait key=2 state=applied" "sleep=500" \
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
(sleep 3; ln -sfn releases/d "$S/current") &
drive "apply service.rollback key=1 service=payments lease=5 from=c to=b" "wait key=1 state=applied" "wait key=1 state=yielded"
is "$(said 1), $(readlink "$S/current")" "yielded changed, releases/d" "a deployment meanwhile: left as it is"
wait $!
SETTLE_MS=2500 killed_everywhere 300 "release link" "apply service.rollback key=1 service=payments lease=20 from=c to=b" \
        "wait key=1 state=applied" "sleep=300" "revert service.rollback key=1 service=payments" "wait key=1 state=reverted"
done_testing
