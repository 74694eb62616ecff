#!/usr/bin/env bash
# 12. Programs that connect by io_uring, by TCP Fast Open, and 32-bit programs.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-db
begin two exact-db serve --listen 10.77.1.20:5000,10.77.1.20:5001,10.77.1.20:5002 --workers 8
net_in one sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen'
net_in two sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen'

if [ -x "$O/tests/hard/uring" ]; then
        copy "$O/tests/hard/uring" exact-uring
        if host_run one "$T/bin/exact-uring" 10.77.1.20 5000 40 2>"$T/logs/exact-uring"; then
                says "io_uring: connections, and bytes sent and received" \
                        'e("exact-uring"; "exact-db") | [.connections.opened, .connections.closed, .seen_from, .bytes.sent, .bytes.received]' '[40,40,"both",4640,8000]'
        else
                pass "io_uring # SKIP $(cat "$T/logs/exact-uring")"
        fi
else
        pass "io_uring # SKIP the client was not built"
fi

py_begin two exact-fast <<'PY'
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("10.77.1.20", 5003))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 64)
s.listen(64)
print("ready")
while True:
    c = s.accept()[0]
    n = 0
    while n < 500:
        n += len(c.recv(500 - n))
    c.sendall(b"z" * 300)
    c.recv(1)
    c.close()
PY
py one exact-opener <<'PY'
import socket
for i in range(20):
    s = socket.socket()
    s.sendto(b"y" * 500, socket.MSG_FASTOPEN, ("10.77.1.20", 5003))
    n = 0
    while n < 300:
        n += len(s.recv(300 - n))
    s.close()
PY
in_syn=$(net_in one cat /proc/net/netstat | awk '/^TcpExt/ { if (!n) { split($0, names); n = 1 } else for (i in names) if (names[i] == "TCPFastOpenActive") print $i }')
note "$in_syn of them carried data in their SYN"
says "Fast Open: data in the SYN counts as data, the SYN does not" \
        'e("exact-opener"; "exact-fast") | [.connections.opened, .connections.closed, .seen_from, .bytes.sent, .bytes.received]' '[20,20,"both",10000,6000]'

if [ -x "$O/tests/exact/generator32" ]; then
        copy "$O/tests/exact/generator32" exact-narrow
        at one exact-narrow load --to 10.77.1.20:5001 --server exact-db --count 200 --mix all
        says "a 32-bit program" 'e("exact-narrow"; "exact-db") | [.connections.opened, .connections.closed, .seen_from]' '[200,200,"both"]'
        truth
        grep -v '"client":"exact-narrow"' "$T/truth.json" >/dev/null
        bytes=$(jq -sc '[.[] | select(.client == "exact-narrow") | .sent, .received, .unread]' "$T/truth.json")
        says "and its bytes" 'e("exact-narrow"; "exact-db") | [.bytes.sent, .bytes.received, .unread_bytes]' "$bytes"
else
        pass "a 32-bit program # SKIP no 32-bit compiler"
fi
product_end
done_testing
