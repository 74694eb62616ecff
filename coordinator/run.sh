#!/bin/sh
# Nightshift on this machine, from the folder it was built in: a coordinator and an agent with their
# defaults, and the live graph in the terminal. All that it writes lies in the state folder; when it
# ends, by Ctrl-C or otherwise, nothing of it runs on. `make run` calls it.
#
#   coordinator/run.sh [BUILD-FOLDER [STATE-FOLDER]]
set -u
build=${1:-build}
state=${2:-state}
case $state in
/*) control=$state/control.sock ;;
*) control=$(pwd)/$state/control.sock ;;
esac
# A socket's path has room for 107 bytes.
[ "${#control}" -le 107 ] || control=/run/nightshift-$$.sock
every=5 # seconds between two tables where there is no terminal

fail() {
        echo "nightshift: $*" >&2
        exit 1
}

if [ "$(id -u)" -ne 0 ]; then
        fail "needs root, because the agent loads its probes into the kernel and reads the file tables of all
processes: sudo make run"
fi
[ -r /sys/kernel/btf/vmlinux ] ||
        fail "this kernel gives no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF, or /sys is not mounted), which the probes need"
for program in nightshift-coordinator nightshift-agent nightshift; do
        [ -x "$build/$program" ] || fail "$build/$program is missing: make build"
done

umask 077
mkdir -p "$state/coordinator" "$state/agent" || fail "cannot make the state folder $state"
exec 9>"$state/lock"
flock -n 9 || fail "another one runs with the state folder $state; give this one its own: make run STATE=folder"

# The first free port from $1 on that is not $2. Listening sockets have state 0A in the kernel's tables.
free_port() {
        port=$1
        while [ "$port" = "${2:-}" ] || cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v want="$(printf ':%04X$' "$port")" \
                '$2 ~ want && $4 == "0A" { taken = 1 } END { exit !taken }'; do
                port=$((port + 1))
        done
        [ "$port" -eq "$1" ] || echo "nightshift: port $1 is taken, using $port" >&2
}

coordinator=
agent=
show=

# True of a child that the shell has not seen end; it looks when it waits for anything.
alive() {
        kill -0 "$1" 2>/dev/null
}

# Ends a child: asks, waits, and insists after five seconds.
end() {
        pid=$1
        [ -n "$pid" ] || return 0
        kill -TERM "$pid" 2>/dev/null || return 0
        tries=0
        while alive "$pid" && [ "$tries" -lt 100 ]; do
                tries=$((tries + 1))
                sleep 0.05 9>&-
        done
        ! alive "$pid" || kill -KILL "$pid"
        wait "$pid" 2>/dev/null
}

finish() {
        r=$?
        trap '' INT TERM HUP
        trap - EXIT
        end "$show"
        end "$agent"
        end "$coordinator"
        rm -f "$control" "$state/lock"
        exit "$r"
}
trap finish EXIT
trap 'exit 0' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

died() { # WHO, LOG
        echo "nightshift: the $1 ended by itself; the end of $2:" >&2
        tail -n 20 "$2" >&2
        exit 1
}

# In sessions of their own, so that Ctrl-C reaches only us and we stop them in order: an agent whose
# coordinator is gone waits for it. Should we be killed outright, the kernel asks them to stop.
free_port 7337
listen=tcp://127.0.0.1:$port
free_port 7338 "$port"
http=127.0.0.1:$port
rm -f "$control"
setsid setpriv --pdeathsig TERM "$build/nightshift-coordinator" --state-dir "$state/coordinator" --control "$control" \
        --listen "$listen" --http "$http" >"$state/coordinator.log" 2>&1 9>&- &
coordinator=$!

tries=0
until "$build/nightshift" --control "$control" --format json status >/dev/null 2>&1; do
        alive "$coordinator" || died coordinator "$state/coordinator.log"
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || fail "the coordinator does not answer after 10 s; its log is $state/coordinator.log"
        sleep 0.1
done

setsid setpriv --pdeathsig TERM "$build/nightshift-agent" --state-dir "$state/agent" --coordinator "$listen" --interval 2 \
        >"$state/agent.log" 2>&1 9>&- &
agent=$!

tries=0
until [ "$("$build/nightshift" --control "$control" --format json status 2>/dev/null |
        sed -n 's/.*"hosts": *\([0-9]*\).*/\1/p' | head -n 1)" = 1 ]; do
        alive "$agent" || died agent "$state/agent.log"
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || fail "the agent has not reported after 20 s; its log is $state/agent.log"
        sleep 0.1
done

asked=${control#"$(pwd)"/} # short enough to type
cat <<END
A coordinator ($listen) and an agent are running; logs and history are in $state/.
In another terminal, try:
  sudo $build/nightshift --control $asked edges
  sudo $build/nightshift --control $asked services
  sudo $build/nightshift --control $asked graph --format svg > graph.svg
  curl http://example.org, or anything else that talks: it appears within two seconds
Ctrl-C stops all of it.
END

if [ -t 0 ] && [ -t 1 ]; then
        sleep 2
        # Beside the shell, whose traps wait for a child in the foreground: a TERM to the shell alone ends all.
        "$build/nightshift" --control "$asked" watch </dev/tty 9>&- &
        show=$!
        wait "$show"
        r=$?
        show=
        alive "$coordinator" || died coordinator "$state/coordinator.log"
        alive "$agent" || died agent "$state/agent.log"
        exit "$r"
fi

while :; do
        echo
        "$build/nightshift" --control "$control" graph --format table 9>&- || true
        sleep "$every" 9>&- &
        show=$!
        wait "$show"
        alive "$coordinator" || died coordinator "$state/coordinator.log"
        alive "$agent" || died agent "$state/agent.log"
done
