#!/usr/bin/env bash
# 24. Bytes of UDP: exact while the tier is raised, connected or not, whoever asks for addresses.
. "$(dirname "$0")/lib.sh"
grep -q btf_trace_sock_send_length /sys/kernel/btf/vmlinux || skip_all "bytes of UDP need Linux 6.3"
hard_begin
echo "tier: turnarounds" >"$T/host.yaml"
hard_agent
py_begin two exact-double <<'PY'
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 4434))
print("ready")
while True:
    data, far = s.recvfrom(2000)
    s.sendto(data + data, far)
PY
py one exact-connected <<'PY'
import socket
for i in range(10):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect(("10.77.1.20", 4434))
    for j in range(10):
        s.send(b"?" * 70)
        s.recv(2000)
    s.close()
PY
py one exact-unconnected <<'PY'
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(5)
for i in range(100):
    s.sendto(b"?" * 30, ("fd77::20", 4434))
    s.recvfrom(2000) if i % 2 else s.recv(2000)
PY
says "the bytes that each client wrote and read" \
        '.edges[] | select(.transport == "udp") | [.client, .server, .seen_from, .bytes.sent, .bytes.received, .datagrams.sent, .datagrams.received]' \
        '[["exact-connected","exact-double","both",7000,14000,100,100],["exact-unconnected","exact-double","both",3000,6000,100,100]]' 8
product_end
done_testing
