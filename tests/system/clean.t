#!/usr/bin/env bash
# shellcheck disable=SC2038 # lists of process ids
# `make run` and Ctrl-C: what is left. It runs in a root that is an overlay on this machine's, with a
# terminal of its own, so that whatever it writes anywhere lies in the overlay's upper folder.
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

mkdir -p "$T/upper" "$T/work" "$T/root" "$T/marks"
mount -t overlay overlay -o "lowerdir=/,upperdir=$T/upper,workdir=$T/work" "$T/root"
for dir in proc sys dev; do mount --rbind "/$dir" "$T/root/$dir"; done
for dir in run tmp; do mount -t tmpfs tmpfs "$T/root/$dir"; done
# /tmp may hold the sources themselves.
mkdir -p "$T/root$SOURCE_DIR" "$T/root$O"
mount --bind "$SOURCE_DIR" "$T/root$SOURCE_DIR"
[ "${O#"$SOURCE_DIR"/}" != "$O" ] || mount --bind "$O" "$T/root$O"
net_add shop
net_in shop ip -br link >/dev/null
cgroup_make "$RIG/shop"
HOST_KIND[shop]=cell

bpf_ids() { # of programs, maps and links that processes of this test hold
        local pid
        find "$CGROUP/$RIG/shop" -name cgroup.procs -exec cat {} + | while read -r pid; do
                sed -n 's/^\(prog\|map\|link\)_id:[[:space:]]*/\1 /p' "/proc/$pid"/fdinfo/* 2>/dev/null
        done | sort -u
}
sources() { (cd "$SOURCE_DIR" && find . -path ./build -prune -o -path "./${O##*/}" -prune -o -path ./.git -prune -o -type f -printf '%p %s %T@\n' | sort); }
sources >"$T/sources.before"
ls /sys/fs/bpf >"$T/pinned.before"
ip netns >"$T/netns.before"
# Those of the rig are of tests that may run at the same time.
cgroups() { (cd "$CGROUP" && find . -path './nightshift-test-*' -prune -o -type d -print | grep -i nightshift | sort); }
cgroups >"$T/cgroups.before"

# A terminal, whose keyboard is this pipe.
mkfifo "$T/keyboard"
(
        cgroup_join "$RIG/shop"
        exec nsenter --net=/run/netns/shop chroot "$T/root" sh -c "cd '$SOURCE_DIR' && exec script -qefc 'make run O=${O#"$SOURCE_DIR"/} STATE=/tmp/state' /dev/null"
) <"$T/keyboard" >"$T/logs/screen" 2>&1 &
terminal=$!
exec 8>"$T/keyboard"
CONTROL=$T/root/tmp/state/control.sock
one_host() { asks status '.status.hosts == 1'; }
if await 120 one_host; then pass "make run comes up"; else
        fail "make run comes up" "$(tail -20 "$T/logs/screen")"
        done_testing
        exit
fi
host_begin shop "$T/logs/load" "$SYSTEM_DIR/traffic" serve 127.0.0.1 8000
server=$BEGUN
await 10 listens shop 8000
host_run shop "$SYSTEM_DIR/traffic" load 127.0.0.1 8000 connections=10 >/dev/null
shows() { asks edges 'any(.edges[]; .port == 8000 and .seen_from == "both" and .connections.opened == 10)'; }
await_ok 5 "and shows the edges of traffic made here" shows
kill "$server"
wait "$server" 2>/dev/null
bpf_ids >"$T/bpf"
is "$(cut -d' ' -f1 "$T/bpf" | sort -u | paste -sd' ')" "link map prog" "it holds programs, maps and links in the kernel while it runs"
sleep 2.5 # the screen is up by then; Ctrl-C earlier than that is the second round's
stops() {
        printf '\003' >&8
        for ((i = 0; i < 100; i++)); do
                kill -0 "$terminal" 2>/dev/null || return 0
                sleep 0.1
        done
        find "$CGROUP/$RIG/shop" -name cgroup.procs -exec cat {} + | xargs -r ps -o pid,ppid,stat,wchan:20,args -p
        return 1
}
start=$(now)
ok "Ctrl-C ends it" stops
note "after $(since "$start") s"

no_process() { ! find "$CGROUP/$RIG/shop" -name cgroup.procs -exec cat {} + | grep -q .; }
await_ok 2 "no process is left" no_process
find "$CGROUP/$RIG/shop" -name cgroup.procs -exec cat {} + | xargs -r ps -o pid,args -p | sed 's/^/# /'
no_bpf() {
        local kind id left=0
        while read -r kind id; do
                bpftool "$kind" show id "$id" >/dev/null 2>&1 && { echo "$kind $id"; left=1; }
        done <"$T/bpf"
        return $left
}
await_ok 5 "no BPF program, map or link is left" no_bpf
is "$(ls /sys/fs/bpf)" "$(cat "$T/pinned.before")" "no pinned object is left"
is "$(ip netns)" "$(cat "$T/netns.before")" "no network namespace is left"
is "$(cgroups)" "$(cat "$T/cgroups.before")" "no cgroup is left"
is "$(sources)" "$(cat "$T/sources.before")" "no file of the sources was touched"
is "$(cd "$T/upper" && find . -type f -printf '%P\n' | sort)" "" "no file was written anywhere else"
is "$(find "$T/root/run" "$T/root/tmp" -xdev -mindepth 1 ! -path "$T/root/tmp/state*" ! -path "$T/root$SOURCE_DIR*" -print |
        grep -v "^$T/root$(dirname "$SOURCE_DIR")\$" | while read -r f; do case "$T/root$SOURCE_DIR" in "$f"/*) ;; *) echo "$f" ;; esac; done)" "" \
        "nor in /run or /tmp but for the state folder"
is "$(find "$T/root/tmp/state" -type s -o -type p)" "" "no socket is left in the state folder"

# Ctrl-C at any moment, also while things are only starting.
for moment in 0.05 0.4 0.8 1.5; do
        (
                cgroup_join "$RIG/shop"
                exec nsenter --net=/run/netns/shop chroot "$T/root" sh -c "cd '$SOURCE_DIR' && exec script -qefc 'make run O=${O#"$SOURCE_DIR"/} STATE=/tmp/state' /dev/null"
        ) <"$T/keyboard" >>"$T/logs/screen1" 2>&1 &
        terminal=$!
        sleep "$moment"
        ok "Ctrl-C after $moment s ends it" stops
        await_ok 2 "and no process is left" no_process
done

# Killed outright, make run takes everything with it as well.
(
        cgroup_join "$RIG/shop"
        exec nsenter --net=/run/netns/shop chroot "$T/root" sh -c "cd '$SOURCE_DIR' && exec make run O=${O#"$SOURCE_DIR"/} STATE=/tmp/state"
) </dev/null >"$T/logs/screen2" 2>&1 &
terminal=$!
await 60 one_host
runner=$(find "$CGROUP/$RIG/shop" -name cgroup.procs -exec cat {} + | while read -r pid; do
        tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'run\.sh' && echo "$pid"; done | head -1)
bpf_ids >"$T/bpf"
kill -KILL "$runner"
await_ok 10 "after SIGKILL of make run's shell no process is left either" no_process
await_ok 5 "and nothing in the kernel" no_bpf
done_testing
