#!/usr/bin/env bash
# 2. Connections and listeners older than the agent.
. "$(dirname "$0")/lib.sh"
hard_begin
py_begin two exact-store <<'PY'
import socket
s = socket.create_server(("10.77.1.20", 5001), backlog=512)
kept = []
print("ready")
while len(kept) < 40:
    kept.append(s.accept()[0])
for c in kept:
    c.recv(1000)
while True:
    kept.append(s.accept()[0])
PY
py_begin one exact-veteran <<'PY'
import socket, sys
kept = [socket.create_connection(("10.77.1.20", 5001)) for i in range(40)]
for c in kept: c.send(b"x" * 100)
print("ready")
sys.stdin.readline()
for c in kept: c.send(b"y" * 1000)
print("sent")
sys.stdin.readline()
PY
veteran=$BEGUN in=$PY_IN
hard_agent
says "they are open, and nobody claims to have seen them open" 'e("exact-veteran"; "exact-store") | counts' '"0 0 0 40"'
says "from both ends, the right way" 'e("exact-veteran"; "exact-store").seen_from' '"both"'
await_ok 5 "the listener is known" sh -c "'$NIGHTSHIFT' --control '$CONTROL' --format json services |
        jq -e '.services[] | select(.name | startswith(\"exact-store\")) | any(.listening[]; .port == 5001)'"
echo >&"$in"
await 5 grep -q sent "$T/logs/exact-veteran.ready"
echo >&"$in"
wait "$veteran"
says "their end is seen" 'e("exact-veteran"; "exact-store") | counts' '"0 0 40 0"'
says "bytes count from adoption on" 'e("exact-veteran"; "exact-store").bytes' '{"sent":40000,"received":0}'
product_end
done_testing
