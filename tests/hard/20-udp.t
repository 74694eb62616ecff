#!/usr/bin/env bash
# 20. UDP, connected as QUIC does and unconnected as DNS does: one edge, the right way, no mirror image.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
py_begin two exact-quic <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.77.1.20", 4433))
print("ready")
while True:
    data, far = s.recvfrom(2000)
    s.sendto(data + data, far)
PY
py_begin two exact-dns <<'PY'
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 5353))
print("ready")
while True:
    data, far = s.recvfrom(2000)
    s.sendto(data, far)
PY
# A connected socket tells nothing when it sends: it is met by the sweep, so it has to live for an interval.
py_begin one exact-browser <<'PY'
import socket, time
print("ready")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.77.1.20", 4433))
while True:
    s.send(b"q" * 100)
    s.recv(2000)
    time.sleep(0.05)
PY
# Resolvers connect sockets to sort addresses, and send nothing: no edge.
py one exact-sorter <<'PY'
import socket
for i in range(5):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("10.77.1.20", 443))
    s.close()
PY
py one exact-resolver <<'PY'
import socket
for i in range(10):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.sendto(b"?" * 30, ("10.77.1.20", 5353))
    s.recvfrom(2000)
    s.close()
PY
says "one edge each" '.edges[] | select(.transport == "udp") | [.client, .server, .port, .seen_from]' \
        '[["exact-browser","exact-quic",4433,"both"],["exact-resolver","exact-dns",5353,"both"]]' 8
says "and nothing else" '.edges | length' 2
product_end
done_testing
