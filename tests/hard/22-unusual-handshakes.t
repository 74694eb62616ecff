#!/usr/bin/env bash
# 22. Handshakes that are not the usual three: MPTCP, SYN cookies, deferred accept, a connection to
# itself. Each is one connection, with its bytes, the right way.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
cat >"$T/echo.py" <<'PY'
import socket, sys
protocol, defer = int(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if defer:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
s.bind(("10.77.1.20", int(sys.argv[1])))
s.listen(128)
print("ready")
while True:
    c = s.accept()[0]
    n = 0
    while n < 700:
        n += len(c.recv(700 - n))
    c.sendall(b"a" * 1300)
    c.recv(1)
    c.close()
PY
cat >"$T/ask.py" <<'PY'
import socket, sys
for i in range(20):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, int(sys.argv[2]))
    s.connect(("10.77.1.20", int(sys.argv[1])))
    s.sendall(b"q" * 700)
    n = 0
    while n < 1300:
        n += len(s.recv(1300 - n))
    s.close()
PY
expected='[20,20,0,"both",14000,26000]'
report='[.connections.opened, .connections.closed, .connections.open, .seen_from, .bytes.sent, .bytes.received]'

py_begin two exact-deferred 5001 0 1 <"$T/echo.py"
py one exact-asks1 5001 0 <"$T/ask.py"
says "deferred accept" "e(\"exact-asks1\"; \"exact-deferred\") | $report" "$expected"

net_in two sh -c 'echo 2 >/proc/sys/net/ipv4/tcp_syncookies'
py_begin two exact-cookies 5002 0 0 <"$T/echo.py"
py one exact-asks2 5002 0 <"$T/ask.py"
says "SYN cookies" "e(\"exact-asks2\"; \"exact-cookies\") | $report" "$expected"
net_in two sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_syncookies'

if [ "$(net_in one cat /proc/sys/net/mptcp/enabled 2>/dev/null)" = 1 ]; then
        py_begin two exact-many 5003 262 0 <"$T/echo.py"
        py one exact-asks3 5003 262 <"$T/ask.py"
        says "MPTCP: its one subflow counts once; its bytes are the subflow's" \
                'e("exact-asks3"; "exact-many") | [.connections.opened, .connections.closed, .connections.open, .seen_from]' '[20,20,0,"both"]'
        py_begin two exact-plain 5004 262 0 <"$T/echo.py"
        py one exact-asks4 5004 0 <"$T/ask.py"
        says "a plain client of an MPTCP server" "e(\"exact-asks4\"; \"exact-plain\") | $report" "$expected"
fi

py one exact-narcissus <<'PY'
import socket
for i in range(10):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 5005 + i))
    s.connect(("127.0.0.1", 5005 + i))
    s.sendall(b"me")
    s.recv(2)
    s.close()
PY
says "a socket connected to itself: opened once, closed once" \
        '[.edges[] | select(.client == "exact-narcissus")] | [length, (map(.connections.opened) | add), (map(.connections.closed) | add), (map(.connections.open) | add)]' '[10,10,10,0]'
says "the answer is complete" .complete true
product_end
done_testing
