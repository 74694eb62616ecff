#!/usr/bin/env bash
# How much memory each process may have, as `processes` says it: the smallest limit above it, real cgroups in
# whichever layout this machine has, and the host's memory where there is none.
. "$(dirname "$0")/../hard/lib.sh"

# The folder of the memory controller, and the name of its limit.
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
        memory=/sys/fs/cgroup/memory file=memory.limit_in_bytes
elif grep -qw memory "$CGROUP/cgroup.controllers" 2>/dev/null; then
        skip_all "needs a memory controller with a hierarchy of its own: a service cannot be in two cgroups of one"
else
        skip_all "no memory controller on this machine"
fi
hard_begin
outer=$memory/nightshift-limit-$$ inner=$memory/nightshift-limit-$$/inner
on_exit_cgroups() {
        local i
        for ((i = 0; i < 50; i++)); do
                rmdir "$inner" "$outer" 2>/dev/null
                [ -e "$outer" ] || return 0
                sleep 0.1
        done
}
mkdir -p "$inner"
echo 1 >"$outer/memory.use_hierarchy" 2>/dev/null
echo $((192 << 20)) >"$outer/$file"
echo $((256 << 20)) >"$inner/$file"
hard_agent
service='
import socket, sys
if len(sys.argv) > 2: open(sys.argv[2] + "/cgroup.procs", "w").write("0")
s = socket.create_server(("10.77.1.20", int(sys.argv[1])))
print("ready")
sys.stdin.readline()
'
py_begin two exact-limited 5000 "$inner" <<<"$service"
limited=$BEGUN limited_in=$PY_IN
py_begin two exact-free 5001 <<<"$service"
free=$BEGUN free_in=$PY_IN
# The limit that is in force for this shell, which is that of a service that joins no other group.
limit_of() {
        local group line most
        most=$(($(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo) * 1024))
        group=$(sed -n 's/^[0-9]*:\([a-z,]*,\)\?memory\(,[a-z,]*\)\?:\(.*\)/\3/p' "/proc/$1/cgroup")
        line=$(awk '$1 == "hierarchical_memory_limit" { print $2 }' "$memory$group/memory.stat" 2>/dev/null)
        [ -n "$line" ] && awk -v a="$line" -v b="$most" 'BEGIN { exit !(a < b) }' && most=$line
        echo "$most"
}
says_limit() {
        [ "$(cli --format json processes | jq -c "[.processes[] | select(.service | startswith(\"$1\")) | .memory_limit_bytes]")" = "[$2]" ]
}
await_ok 10 "the smallest limit above a process is its own" says_limit exact-limited $((192 << 20))
await_ok 10 "one without a limit may have what its surroundings may" says_limit exact-free "$(limit_of "$free")"
echo >&"$limited_in"
echo >&"$free_in"
wait "$limited" "$free"
product_end
on_exit_cgroups
done_testing
