#!/usr/bin/env bash
# 11. The direction of a connection whose handshake nobody saw, its client's port below its server's.
. "$(dirname "$0")/lib.sh"
hard_begin
py_begin two exact-high <<'PY'
import socket
s = socket.create_server(("10.77.1.20", 60999))
print("ready")
kept = [s.accept()[0] for i in range(3)]
s.close() # no listener is left to tell which end is the server
for c in kept:
    c.recv(10)
    c.send(b"12345")
print("answered")
input()
PY
py_begin one exact-low <<'PY'
import socket
kept = [socket.create_connection(("10.77.1.20", 60999), source_address=("10.77.1.10", 2000 + i)) for i in range(3)]
for c in kept:
    c.send(b"x")
    c.recv(10)
print("ready")
input()
PY
low=$BEGUN in=$PY_IN
await 5 grep -q answered "$T/logs/exact-high.ready"
hard_agent
says "the end that sent the SYN is the client" '.edges[] | [.client, .server, .port, .seen_from, .connections.open]' \
        '["exact-low","exact-high",60999,"both",3]' 10
echo >&"$in"
wait "$low"
says "its end is seen" '.edges[] | counts' '"0 0 3 0"'
product_end
done_testing
