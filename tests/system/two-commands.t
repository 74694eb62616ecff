#!/usr/bin/env bash
# timeout: 400
# A minimal Debian 12 without compiler or headers, the sources, and one command: `make run` installs
# what it needs, builds, comes up and shows the edges of traffic made there. `make` itself is all that
# has to be there before (as is something to fetch the sources with).
. "$(dirname "$0")/lib.sh"
skip_if_fast

minimal_root() {
        local root=$O/system/minimal-1
        (
                flock 9
                [ -d "$root" ] && exit 0
                rm -rf --one-file-system "$root.part"
                mmdebstrap --variant=minbase --include=make,ca-certificates bookworm "$root.part" >"$root.log" 2>&1 || exit 1
                mv "$root.part" "$root"
        ) 9>"$O/system/image.lock" || return 1
        echo "$root"
}
mkdir -p "$O/system"
image=$(minimal_root) || bail_out "no minimal root: $(tail -3 "$O/system/minimal-1.log")"
mkdir -p "$T/upper" "$T/work" "$T/root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$T/upper,workdir=$T/work" "$T/root"
mount -t proc proc "$T/root/proc"
mount --rbind /sys "$T/root/sys"
mount --rbind /dev "$T/root/dev"
mount -t tmpfs tmpfs "$T/root/run"
# How this machine reaches its package archive is its own business: taken over as it is.
cp /etc/resolv.conf "$T/root/etc/resolv.conf"
grep -lE 'Proxy|Acquire' /etc/apt/apt.conf.d/* /etc/apt/apt.conf 2>/dev/null | while read -r file; do cp "$file" "$T/root/etc/apt/apt.conf.d/"; done
[ ! -d /etc/apt/auth.conf.d ] || cp -r /etc/apt/auth.conf.d/. "$T/root/etc/apt/auth.conf.d/"
mkdir -p "$T/root/usr/local/share/ca-certificates"
cp /etc/ssl/certs/ca-certificates.crt "$T/root/etc/ssl/certs/ca-certificates.crt"

is "$(chroot "$T/root" sh -c 'command -v gcc clang cc bpftool pkg-config; ls -d /usr/include/stdio.h 2>/dev/null')" "" "there is no compiler and no header"
mkdir "$T/root/nightshift"
(cd "$SOURCE_DIR" && git ls-files -z --cached --others --exclude-standard 2>/dev/null | grep -z . || find . -path "./build*" -prune -o -type f -printf '%P\0') |
        (cd "$SOURCE_DIR" && tar --null --ignore-failed-read -cf - -T - 2>/dev/null) | tar -xf - -C "$T/root/nightshift"

cgroup_make "$RIG/minimal"
HOST_KIND[minimal]=cell
start=$(now)
(
        cgroup_join "$RIG/minimal"
        exec chroot "$T/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb sh -c 'cd /nightshift && exec setsid make run'
) </dev/null >"$T/logs/make" 2>&1 &
maker=$!
CONTROL=$T/root/nightshift/state/control.sock
NIGHTSHIFT=$T/root/nightshift/build/nightshift
cli() { chroot "$T/root" /nightshift/build/nightshift --control /nightshift/state/control.sock "$@"; }
one_host() { asks status '.status.hosts == 1'; }
up_or_dead() { ! kill -0 "$maker" 2>/dev/null || one_host; }
if await 330 up_or_dead && one_host >/dev/null; then pass "make run comes up ($(since "$start") s)"; else
        fail "make run comes up" "$(tail -30 "$T/logs/make")"
        done_testing
        exit
fi

(cgroup_join "$RIG/minimal" && exec chroot "$T/root" perl /nightshift/tests/system/traffic serve 127.0.0.1 18000) &
server=$!
sleep 0.5
(cgroup_join "$RIG/minimal" && exec chroot "$T/root" perl /nightshift/tests/system/traffic load 127.0.0.1 18000 connections=25) >"$T/logs/load" 2>&1
shows() { asks edges 'any(.edges[]; .port == 18000 and .seen_from == "both" and .connections.opened == 25)'; }
await_ok 5 "and shows the edges of traffic made there" shows
graph() { cli graph --format dot | grep -q "^digraph"; }
ok "the graph too" graph
kill "$server"
kill -INT -- "-$maker" 2>/dev/null || kill -INT "$maker"
ended() { ! kill -0 "$maker" 2>/dev/null; }
await_ok 15 "Ctrl-C ends it" ended
no_process() { ! grep -q . "$CGROUP/$RIG/minimal/cgroup.procs"; }
await_ok 5 "and no process is left" no_process
done_testing
