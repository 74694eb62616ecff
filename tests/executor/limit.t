#!/usr/bin/env bash
# cgroup.limit: where this machine's kernel has the controllers, and in any case in a virtual machine with a kernel of
# Debian's, the same checks: applied, verified, undone, killed at points all along, and the former limit compared.
# timeout: 300
. tests/executor/lib.sh
skip_if_fast
[ "$(id -u)" = 0 ] || skip_all "needs root"
ROOT=$(findmnt -nt cgroup2 -o TARGET 2>/dev/null | head -n 1)
ROOT=${ROOT:-/sys/fs/cgroup}
GROUP=$ROOT/nightshift-limit-$$
mkdir "$GROUP" "$GROUP/web.service" || skip_all "no cgroup can be made here"
for controller in cpu memory io; do echo "+$controller" >"$ROOT/cgroup.subtree_control"; echo "+$controller" >"$GROUP/cgroup.subtree_control"; done 2>/dev/null

clean() {
        for pid in $(cat "$GROUP/web.service/cgroup.procs"); do kill -9 "$pid"; done
        await 5 rmdir "$GROUP/web.service"
        rmdir "$GROUP"
}
trap clean EXIT
bash -c 'echo $$ >"$0/cgroup.procs"; while :; do :; done' "$GROUP/web.service" &
A=$!
await 5 grep -qx $A "$GROUP/web.service/cgroup.procs"
DEVICE=$(ls /dev/loop0 /dev/vda 2>/dev/null | head -n 1)
cat >"$CONFIG" <<END
stop_file: $STOP
services:
  web:
    match: {cgroup: $(sed -n 's/^0:://p' "/proc/$A/cgroup")}
    limit: {within: 60s, cpu: 100, memory: 8MiB, io: 1MiB, device: ${DEVICE:-/dev/null}}
  idle: {match: {cgroup: $(sed -n 's/^0:://p' "/proc/$A/cgroup")}, limit: {within: 60s}}
limits: {actions_per_hour: 1000, concurrent: 1, cooldown: 1s, attempts: 50}
allow: [cgroup.limit]
END
limit() { # STATE WORDS...
        local state=$1
        shift
        forget
        drive "apply cgroup.limit key=1 pid=$A lease=20 $*" "wait key=1 state=$state"
}

if [ ! -e "$GROUP/web.service/cpu.max" ]; then
        limit refused service=web resource=cpu value=200
        is "$(said 1)" "refused unsupported" "a kernel without the controller"
        ok "which is called by its name" grep -q 'no controller cpu' <<<"$SAID"
        limit refused service=web resource=cpu value=99
        is "$(said 1)" "refused parameters" "less than the file allows"
        [ -z "${IN_MACHINE:-}" ] || bail_out "a machine whose kernel has no controllers"
        cache=$(realpath -m "$O/kernels/cache")
        if ! tests/kernels/fetch 6.1 bookworm "$cache" >"$TMPDIR/fetch" 2>&1; then
                pass "in a machine # SKIP its kernel could not be fetched: $(tail -n 1 "$TMPDIR/fetch")"
                done_testing
                exit
        fi
        cat >"$TMPDIR/run" <<'END'
#!/bin/sh
ln -s /proc/self/fd /dev/fd
head -c 16M /dev/zero >/tmp/disk && losetup /dev/loop0 /tmp/disk
cd /t && mkdir -p /tmp/t && TMPDIR=/tmp/t IN_MACHINE=1 O=/t/build bash tests/executor/limit.t </dev/null
END
        chmod +x "$TMPDIR/run"
        files=("$TMPDIR/run=/test/run" "$(command -v bash)=/bin/bash")
        export MODULES="loop"
        for file in "$DRIVER" "$KILLER"; do files+=("$file=/t/build/tests/executor/$(basename "$file")"); done
        for file in tests/executor/lib.sh tests/executor/limit.t tests/system/tap.sh; do files+=("$file=/t/$file"); done
        tests/kernels/image "$TMPDIR/initrd" "$cache/6.1/modules" "${files[@]}" || bail_out "the machine's image"
        tests/kernels/boot "$cache/6.1/vmlinuz" "$TMPDIR/initrd" 240 >"$TMPDIR/serial" 2>&1
        while IFS= read -r line; do
                case $line in
                "ok "*) pass "in a machine: ${line#*- }" ;;
                "not ok "*) fail "in a machine: ${line#*- }" ;;
                "# "*) echo "$line" ;;
                esac
        done <"$TMPDIR/serial"
        ok "the machine came to its end" grep -q '^1\.\.[0-9]' "$TMPDIR/serial"
        grep -q '^1\.\.[0-9]' "$TMPDIR/serial" || note "$(tail -n 40 "$TMPDIR/serial")"
        done_testing
        exit
fi

present() { cat "$GROUP/web.service"/{cpu.max,memory.high,io.max} | xargs; }
prepare() { :; }
was=$(present)
check=$(printf 'check cgroup.limit key=1 pid=%s lease=20 service=web resource=cpu value=200' "$A")
drive "$check" "wait key=1 state=checked"
is "$(said 1), $(present)" "checked none, $was" "a dry run changes nothing"
ok "and says what it would" grep -q 'cpu of 1 processes: max 100000, to become 20000 100000' <<<"$SAID"
same() { [ "$(present)" = "$was" ]; }
other() { # prints what there is
        local now
        now=$(present)
        echo "$now"
        [ -n "$now" ] && [ "$now" != "$was" ]
}
applied() { # WORDS... ; what is there while it is applied goes to $MEANWHILE
        forget
        (await 30 other; echo "$AWAITED" >"$TMPDIR/meanwhile") &
        drive "apply cgroup.limit key=1 pid=$A lease=20 service=web $*" "wait key=1 state=applied" "wait key=1 verdict=1" "die"
        wait $!
        MEANWHILE=$(cat "$TMPDIR/meanwhile")
        await 15 same
}
applied resource=cpu value=200
is "$(said 1), $(verdict 1), $MEANWHILE" "applied none, verified, 20000 100000 max" "a fifth of a core, by what the process uses"
is "$(present)" "$was" "the agent died: the executor lifts it by itself"
applied resource=memory value=$((32 << 20))
is "$(said 1), $(verdict 1), $MEANWHILE" "applied none, verified, max 100000 $((32 << 20))" "memory"
if [ -b "${DEVICE:-}" ]; then
        echo "$(cat "/sys/class/block/$(basename "$DEVICE")/dev") riops=77" >"$GROUP/web.service/io.max" && was=$(present)
        applied resource=io value=$((2 << 20))
        note "io.max meanwhile: $MEANWHILE"
        ok "io of one device" grep -q "rbps=$((2 << 20)) wbps=$((2 << 20)) riops=77" <<<"$MEANWHILE"
        is "$(said 1), $(verdict 1), $(present)" "applied none, verified, $was" "and nothing else of it"
else
        note "no block device here: io was not tried"
fi
limit refused service=web resource=cpu value=99
is "$(said 1)" "refused parameters" "less than the file allows"
limit refused service=web value=99999
is "$(said 1)" "refused parameters" "a limit of nothing"
limit refused service=idle resource=cpu value=500
is "$(said 1)" "refused parameters" "a resource that the file does not name"
limit refused service=web resource=cpu value=200 start=1000000000
is "$(said 1)" "refused mismatch" "another incarnation"
echo "15000 100000" >"$GROUP/web.service/cpu.max"
limit refused service=web resource=cpu value=200
is "$(said 1), $(present)" "refused changed, ${was/max/15000}" "what is limited to less already"
echo max >"$GROUP/web.service/cpu.max"
forget
(await 30 other; echo "70000 100000" >"$GROUP/web.service/cpu.max") &
drive "apply cgroup.limit key=1 pid=$A lease=4 service=web resource=cpu value=200" "wait key=1 state=yielded"
wait $!
is "$(said 1), $(present)" "yielded changed, ${was/max/70000}" "somebody set another limit meanwhile: left as it is"
echo max >"$GROUP/web.service/cpu.max"

STRIDE=8 killed_everywhere 200 "limit" "apply cgroup.limit key=1 pid=$A lease=20 service=web resource=cpu value=200" "wait key=1 state=applied" \
        "sleep=100" "revert cgroup.limit key=1 service=web" "wait key=1 state=reverted"
done_testing
