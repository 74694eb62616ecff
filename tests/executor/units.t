#!/usr/bin/env bash
# Actions through a real systemd, on a booted host: service.scale and service.suspend of instances of a template,
# service.rollback by a drop-in. Applied, verified, undone, killed at points all along, and the former state compared.
# timeout: 500
if [ -z "${RIG_INSIDE:-}" ] && [ -n "${FAST:-}" ]; then echo "1..0 # SKIP not with FAST=1"; exit 0; fi
. tests/system/lib.sh
need_image
. tests/executor/lib.sh
S=$T/shared
mkdir -p "$S/state" "$S/bin" "$S/releases"
cp "$DRIVER" "$KILLER" "$S/bin"
DRIVER=$S/bin/driver KILLER=$S/bin/killer.so STATE=$S/state CONFIG=$S/agent.yaml TMPDIR=$S STOP=$S/stop
net_router
net_lan a 10.78.1.1/24
host_root web
U=$HOST_ROOT/etc/systemd/system
# It is started far more often here than systemd lets a unit be that keeps failing.
cat >"$U/ledger@.service" <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sleep 1000000
[Install]
WantedBy=multi-user.target
END
cat >"$U/plain@.service" <<'END'
[Service]
ExecStart=/bin/sh -c 'if [ -e /broken-%i ]; then exit 1; fi; exec sleep 1000000'
Type=exec
END
cat >"$U/payments.service" <<'END'
[Service]
ExecStart=/bin/false
END
mkdir "$U/payments.service.d"
for release in a b; do
        printf '[Service]\nExecStart=\nExecStart=/bin/sleep 10000%s\n' "$(printf '%d' "'$release")" >"$S/releases/$release.conf"
done
touch -d 2024-01-01 "$S/releases/a.conf"
ln -s "$S/releases/b.conf" "$U/payments.service.d/release.conf"
cat >"$CONFIG" <<END
stop_file: $STOP
services:
  ledger:
    match: {unit: "ledger@.service"}
    restart_safe: {}
    scale: {driver: systemd-template, unit: "ledger@.service", min: 1, max: 6}
    suspend: {driver: systemd, unit: "ledger@.service", max: 6}
  plain:
    match: {unit: "plain@.service"}
    restart_safe: {}
    scale: {driver: systemd-template, unit: "plain@.service", min: 0, max: 3}
  missing:
    match: {unit: "missing@.service"}
    restart_safe: {}
    scale: {driver: systemd-template, unit: "missing@.service", max: 3}
  payments:
    match: {unit: payments.service}
    restart_safe: {}
    rollback: {driver: drop-in, link: /etc/systemd/system/payments.service.d/release.conf, releases: $S/releases, unit: payments.service}
    suspend: {driver: systemd, unit: payments.service}
  careless:
    match: {unit: payments.service}
    suspend: {driver: systemd, unit: payments.service}
limits: {actions_per_hour: 1000, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [service.scale, service.suspend, service.rollback]
END
HOST_NSPAWN="--bind=$S" host_boot web a 10.78.1.10
host_ready web
ON=(host_run web)
run() { host_run web "$@"; }
run systemctl enable --quiet --now ledger@1 ledger@2 && run systemctl start payments || bail_out "the host's services do not start"

# What runs and what the next boot starts, by systemd and by the folder of what is enabled.
running() { run systemctl list-units --plain --no-legend --state=active "$1" | sed -n 's/.*@\([^.]*\)\.service .*/\1/p' | xargs; }
enabled() { run ls /etc/systemd/system/multi-user.target.wants | sed -n 's/^ledger@\(.*\)\.service$/\1/p' | xargs; }
present() { echo "$(running 'ledger@*') / $(enabled)"; }
# Orders that name no process name the main one of what runs: of the unit, or of the template's first instance.
main_pid() { run systemctl show --value --property=MainPID "$1"; }
orders() {
        local unit=payments
        case $1 in
        apply*" pid="* | check*" pid="*) ;;
        apply* | check*)
                case $1 in
                *service=ledger*) unit=ledger@1 ;;
                *service=plain*) unit=plain@1 ;;
                esac
                set -- "$1 pid=$(main_pid "$unit")" ;;
        esac
        echo "$1"
}
prepare() {
        [ "$(present)" = "1 2 / 1 2" ] && return
        run systemctl disable --quiet --now ledger@3 ledger@4 ledger@5 ledger@6
        run systemctl enable --quiet --now ledger@1 ledger@2
}
fresh() { forget; prepare; }
refused() { # REASON DESCRIPTION WORDS...
        fresh
        drive "apply service.scale key=9 $3" "wait key=9 state=refused"
        is "$(said 9), $(present)" "refused $1, 1 2 / 1 2" "$2"
}

fresh
drive "check service.scale key=1 service=ledger lease=20 instances=3" "wait key=1 state=checked"
is "$(said 1), $(present)" "checked none, 1 2 / 1 2" "scale, a dry run: nothing is changed"
ok "and it says what it would touch" grep -q 'touched=1 .*detail=1 units of ledger@.service, from number 3 on' <<<"$SAID"
drive "apply service.scale key=2 service=ledger lease=20 instances=3 former=$(former 1)" "wait key=2 state=applied" "wait key=2 verdict=1" \
        "keep service.scale key=2 service=ledger lease=20 verified=1" "sleep=100" "close service.scale key=2 service=ledger" "wait key=2 state=closed"
is "$(said 2), $(verdict 2), $(present)" "closed none, verified, 1 2 3 / 1 2 3" "one more runs, seen by its process, and outlives a boot"
drive "revert service.scale key=2 service=ledger" "wait key=2 state=reverted"
is "$(said 2), $(present)" "reverted ordered, 1 2 / 1 2" "undone by another life of the executor, exactly"
fresh
drive "apply service.scale key=1 service=ledger lease=3 instances=1" "wait key=1 state=applied" "wait key=1 state=reverted"
is "$(said 1), $(verdict 1), $(present)" "reverted lease, verified, 1 2 / 1 2" "one less, until the lease lapses"
refused parameters "fewer than the file allows" "service=ledger lease=20 instances=0"
refused parameters "more than the file allows" "service=ledger lease=20 instances=7"
refused changed "as many as there are" "service=ledger lease=20 instances=2"
refused changed "two steps at once" "service=ledger lease=20 instances=4"
refused no-targets "no process of it is named" "service=ledger lease=20 instances=3 pid="
refused mismatch "one that is not of the unit" "service=ledger lease=20 instances=3 pid=$(main_pid payments)"
refused unsupported "a template that is not there" "service=missing lease=20 instances=1"
run systemctl start ledger@canary
drive "apply service.scale key=1 service=ledger lease=20 instances=3" "wait key=1 state=refused"
is "$(said 1), $(present)" "refused unsupported, 1 2 canary / 1 2" "an instance runs that is none of the file's"
run systemctl stop ledger@canary
fresh
run systemctl start plain@1
drive "apply service.scale key=1 service=plain lease=20 instances=2" "wait key=1 state=applied" "wait key=1 verdict=1"
is "$(said 1), $(verdict 1)" "applied none, verified" "a template that cannot be enabled"
is "$(running 'plain@*')" "1" "is scaled back when the agent ends"
fresh
run touch /broken-2
drive "apply service.scale key=1 service=plain lease=20 instances=2" "wait key=1 state=reverted"
is "$(said 1), $(running 'plain@*')" "reverted failed, 1" "one that does not start: stopped again, and the others run"
fresh
(sleep 1.5 && run systemctl disable --quiet ledger@1) &
drive "apply service.suspend key=1 service=ledger lease=3" "wait key=1 state=applied" "wait key=1 state=yielded"
wait $!
is "$(said 1), $(present)" "yielded changed,  / 2" "somebody changed meanwhile what they are: left as it is"

fresh
drive "apply service.suspend key=1 service=ledger lease=20" "wait key=1 state=applied" "wait key=1 verdict=1" "revert service.suspend key=1 service=ledger" \
        "wait key=1 state=reverted"
is "$(said 1), $(verdict 1), $(present)" "reverted ordered, verified, 1 2 / 1 2" "suspend: none runs, and then those that ran before"
fresh
drive "apply service.suspend key=1 service=careless lease=20" "wait key=1 state=refused"
is "$(said 1)" "refused one-way" "what is not restart_safe is not stopped without a person's word"

release() { run cat "/proc/$(run systemctl show --value --property=MainPID payments)/cmdline" | tr '\0' ' '; }
drop_in() { readlink "$U/payments.service.d/release.conf"; }
forget
drive "apply service.suspend key=1 service=payments lease=20" "wait key=1 state=applied" "wait key=1 verdict=1" "revert service.suspend key=1 service=payments" \
        "wait key=1 state=reverted"
is "$(said 1), $(verdict 1), $(release)" "reverted ordered, verified, /bin/sleep 1000098 " "a unit that is no template"
forget
drive "apply service.rollback key=1 service=payments lease=20 from=b.conf to=a.conf" "wait key=1 state=applied" "wait key=1 verdict=1" \
        "keep service.rollback key=1 service=payments lease=20 verified=1" "sleep=100" "close service.rollback key=1 service=payments" "wait key=1 state=closed"
is "$(said 1), $(verdict 1), $(release)" "closed none, verified, /bin/sleep 1000097 " "rollback by a drop-in: the release before runs"
drive "revert service.rollback key=1 service=payments" "wait key=1 state=reverted"
is "$(said 1), $(release), $(drop_in)" "reverted ordered, /bin/sleep 1000098 , $S/releases/b.conf" "and back"
STRIDE=6 killed_everywhere 200 "scale" "apply service.scale key=1 service=ledger lease=20 instances=3" "wait key=1 state=applied" \
        "sleep=200" "revert service.scale key=1 service=ledger" "wait key=1 state=reverted"
STRIDE=7 killed_everywhere 200 "suspend" "apply service.suspend key=1 service=ledger lease=20" "wait key=1 state=applied" \
        "sleep=200" "revert service.suspend key=1 service=ledger" "wait key=1 state=reverted"
present() { echo "$(drop_in) $(release)"; }
prepare() { :; }
STRIDE=8 killed_everywhere 200 "drop-in" "apply service.rollback key=1 service=payments lease=20 from=b.conf to=a.conf" "wait key=1 state=applied" \
        "sleep=200" "revert service.rollback key=1 service=payments" "wait key=1 state=reverted"
done_testing
