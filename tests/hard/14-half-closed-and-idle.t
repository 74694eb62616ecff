#!/usr/bin/env bash
# 14. Connections in CLOSE_WAIT and connections that are idle are still counted, sweep after sweep. (A
# sweep every second stands for the minutes; nothing in the product ages connections by the clock.)
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
py_begin two exact-db <<'PY'
import socket
s = socket.create_server(("10.77.1.20", 5000), backlog=64)
t = socket.create_server(("10.77.1.20", 5001), backlog=64)
print("ready")
for i in range(10):
    s.accept()[0].close()
kept = [t.accept()[0] for i in range(10)]
input()
PY
py_begin one exact-leaky <<'PY'
import socket, sys
leaked = [socket.create_connection(("10.77.1.20", 5000)) for i in range(10)]
for s in leaked: s.recv(1)
pool = [socket.create_connection(("10.77.1.20", 5001)) for i in range(10)]
print("ready")
sys.stdin.readline()
PY
leaky=$BEGUN in=$PY_IN
says "they are open" '.edges[] | [.port, .connections.open, .connections.closed]' '[[5000,10,0],[5001,10,0]]'
stood() {
        local i
        for ((i = 0; i < $1; i++)); do
                edges_say '.edges[] | [.port, .connections.open, .connections.closed]' '[[5000,10,0],[5001,10,0]]' || return 1
                sleep 1
        done
}
ok "and stay so over many sweeps" stood $((FAST ? 3 : 15))
is "$(host_run one ss -Hnt state close-wait | wc -l)" 10 "ten of them are in CLOSE_WAIT, in truth"
echo >&"$in"
wait "$leaky"
says "until they are closed" '.edges[] | [.port, .connections.open, .connections.closed]' '[[5000,0,10],[5001,0,10]]'
product_end
done_testing
