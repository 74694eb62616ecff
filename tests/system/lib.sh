# shellcheck shell=bash disable=SC2034,SC2120
# Whole-system tests: what every tests/system/NAME.t stands on. A test sources this file first; it is
# then started again inside a shell of its own (`rig_enter`), so that whatever it makes is taken down
# after success, failure, Ctrl-C or SIGKILL of the test:
#
#   processes   live in the cgroup nightshift-test-PID, which the outer shell kills as a whole
#   mounts      live in a mount namespace of the test's own, and so do /run (with all names of network
#               namespaces) and the folder $T of the test, both tmpfs: they end with the last process
#   cgroups     are removed by the outer shell; those of a run whose outer shell was killed, by the next
#
# Tests print TAP. Nothing here waits for luck: `await` polls a command until a deadline.
# Failed tests leave the logs of what they ran under $O/system/failed/NAME.

set -u
SYSTEM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE_DIR=$(cd "$SYSTEM_DIR/../.." && pwd)
O=$(cd "$SOURCE_DIR" && realpath -m "${O:-build}")
TEST_NAME=$(basename "$0" .t)
FAST=${FAST:-}

. "$SYSTEM_DIR/tap.sh"

CGROUP=$(findmnt -rnt cgroup2 -o TARGET | head -1)
CGROUP_SYSTEMD=$(findmnt -rnt cgroup -O name=systemd -o TARGET | head -1)

# cgroup_dirs PATH: that path in every hierarchy whose paths name workloads.
cgroup_dirs() {
        echo "$CGROUP/$1"
        [ -z "$CGROUP_SYSTEMD" ] || echo "$CGROUP_SYSTEMD/$1"
}

cgroup_make() {
        local dir
        for dir in $(cgroup_dirs "$1"); do mkdir -p "$dir"; done
}

# cgroup_join PATH: moves the calling (sub)shell.
cgroup_join() {
        local dir
        for dir in $(cgroup_dirs "$1"); do echo "$BASHPID" >"$dir/cgroup.procs"; done
}

# Kills all below, waits until they are gone, and removes the folders.
cgroup_remove() {
        local top i
        [ -d "$CGROUP/$1" ] || return 0
        for ((i = 0; i < 500; i++)); do
                echo 1 >"$CGROUP/$1/cgroup.kill"
                grep -q 'populated 0' "$CGROUP/$1/cgroup.events" && break
                sleep 0.02
        done
        for top in $(cgroup_dirs "$1"); do
                for ((i = 0; i < 100; i++)); do
                        [ -d "$top" ] || break
                        find "$top" -depth -type d -exec rmdir {} + 2>/dev/null && break
                        sleep 0.02
                done
        done
}

# Runs of which the outer shell was killed.
rig_sweep() {
        local dir pid
        for dir in "$CGROUP"/nightshift-test-*; do
                [ -d "$dir" ] || continue
                pid=${dir##*-}
                [ -d "/proc/$pid" ] || cgroup_remove "${dir##*/}"
        done
}

rig_enter() {
        [ "$(id -u)" = 0 ] || skip_all "needs root"
        [ -n "$CGROUP" ] || skip_all "needs cgroup2"
        rig_sweep
        RIG=nightshift-test-$$
        T=$(mktemp -d -t "$RIG-XXXXXX")
        export RIG T
        rig_leave() {
                cgroup_remove "$RIG"
                rmdir "$T" 2>/dev/null || rm -rf --one-file-system "$T"
        }
        trap 'rig_leave' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
        cgroup_make "$RIG/test"
        (
                cgroup_join "$RIG/test"
                exec unshare --mount --propagation private -- env RIG_INSIDE=1 bash "$0" "$@"
        ) &
        local inside=$! r=0
        wait "$inside" || r=$?
        exit "$r"
}

if [ -z "${RIG_INSIDE:-}" ] && [ -z "${RIG_NONE:-}" ]; then
        rig_enter "$@"
fi

if [ -n "${RIG_INSIDE:-}" ]; then
        mount -t tmpfs -o mode=755 tmpfs /run
        mount -t tmpfs -o mode=755,size=6g tmpfs "$T"
        mkdir -p /run/netns "$T/logs" "$T/hosts"
        [ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true
        . "$SYSTEM_DIR/hosts.sh"
        . "$SYSTEM_DIR/product.sh"
fi
