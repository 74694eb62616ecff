#!/usr/bin/env bash
# 15. dup, inheritance by fork, SCM_RIGHTS, close_range, and exit without close: a connection is opened
# once, closed once, and belongs to who opened it.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
py_begin two exact-sink <<'PY'
import socket, select
s = [socket.create_server(("10.77.1.20", 5000 + i), backlog=64) for i in range(5)]
print("ready")
kept = []
while True:
    for r in select.select(s, [], [])[0]:
        kept.append(r.accept()[0])
PY
py one exact-dup <<'PY'
import os, socket
for i in range(10):
    s = socket.create_connection(("10.77.1.20", 5000))
    copies = [os.dup(s.fileno()) for k in range(3)]
    s.close()
    for c in copies:
        os.write(c, b"xx")
        os.close(c)
PY
py one exact-fork <<'PY'
import os, socket
for i in range(10):
    s = socket.create_connection(("10.77.1.20", 5001))
    pid = os.fork()
    if pid == 0:
        s.send(b"child")
        os._exit(0)
    s.close()
    os.waitpid(pid, 0)
PY
py_begin one exact-receiver "$T/passing" <<'PY'
import array, os, socket, sys
u = socket.socket(socket.AF_UNIX)
u.bind(sys.argv[1])
u.listen()
print("ready")
c = u.accept()[0]
for i in range(10):
    data, fds, flags, address = socket.recv_fds(c, 10, 1)
    os.write(fds[0], b"by the other")
    os.close(fds[0])
print("done")
PY
receiver=$BEGUN
py one exact-sender "$T/passing" <<'PY'
import socket, sys
u = socket.socket(socket.AF_UNIX)
u.connect(sys.argv[1])
for i in range(10):
    s = socket.create_connection(("10.77.1.20", 5002))
    socket.send_fds(u, [b"x"], [s.fileno()])
    s.close()
PY
wait "$receiver"
py one exact-range <<'PY'
import ctypes, socket
kept = [socket.create_connection(("10.77.1.20", 5003)) for i in range(10)]
first = min(s.fileno() for s in kept)
ctypes.CDLL(None).syscall(436, first, 4294967295, 0)
for s in kept: s.detach()
PY
py one exact-exit <<'PY'
import os, socket
kept = [socket.create_connection(("10.77.1.20", 5004)) for i in range(10)]
for s in kept: s.send(b"bye")
os._exit(0)
PY
says "each opened once and closed once, by whom it was opened" \
        '.edges[] | [.client, .server, .port, .connections.opened, .connections.closed, .bytes.sent, .seen_from]' \
        '[["exact-dup","exact-sink",5000,10,10,60,"both"],["exact-exit","exact-sink",5004,10,10,30,"both"],["exact-fork","exact-sink",5001,10,10,50,"both"],["exact-range","exact-sink",5003,10,10,0,"both"],["exact-sender","exact-sink",5002,10,10,120,"both"]]'
product_end
done_testing
