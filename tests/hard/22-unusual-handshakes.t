#!/usr/bin/env bash
# 22. Handshakes that are not the usual three: MPTCP, SYN cookies, deferred
# accept, a simultaneous open, Fast Open with a lost ACK, a connection to itself. Each is one connection, with
# its bytes, the right way.
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
        # The kernel adds the second subflow by itself, a moment after the connection opened.
        net_in one ip address add 10.77.1.110/24 dev "$(net_in one ip -o route get 10.77.1.20 | sed 's/.* dev \([^ ]*\).*/\1/')"
        net_in one ip mptcp limits set subflows 2
        net_in two ip mptcp limits set subflows 2
        net_in one ip mptcp endpoint add 10.77.1.110 subflow
        sed -e 's/range(20)/range(1)/' -e 's/^    s.close()/    import time; time.sleep(2); s.close()/' "$T/ask.py" >"$T/ask-slow.py"
        py_begin two exact-two-ways 5014 262 0 <"$T/echo.py"
        py one exact-asks14 5014 262 <"$T/ask-slow.py"
        says "MPTCP: a second subflow is a second TCP connection of the same client, at both ends" \
                'e("exact-asks14"; "exact-two-ways") | [.connections.opened, .connections.closed, .connections.open, .seen_from]' '[2,2,0,"both"]'
        net_in one ip mptcp endpoint flush
        py_begin two exact-plain 5004 262 0 <"$T/echo.py"
        py one exact-asks4 5004 0 <"$T/ask.py"
        says "a plain client of an MPTCP server" "e(\"exact-asks4\"; \"exact-plain\") | $report" "$expected"
fi

# Both ends are in SYN_SENT when the other's SYN arrives: their first ones are dropped, their second ones are not.
cat >"$T/both.py" <<'PY'
import select, socket, sys
near, far, local, remote = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
s = socket.socket()
s.bind((near, local))
s.setblocking(False)
s.connect_ex((far, remote))
print("ready")
p = select.poll()
p.register(s, select.POLLOUT)
assert p.poll(20000)
s.setblocking(True)
assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
s.sendall(b"m" * 400)
n = 0
while n < 400:
    n += len(s.recv(400 - n))
if local == 6002:
    assert s.recv(1) == b""
s.close()
PY
for cell in one two; do
        net_in "$cell" nft -f - <<<'table inet early { chain input { type filter hook input priority 0; tcp dport 6001-6002 drop; }; }'
done
py_begin one exact-romeo 10.77.1.10 10.77.1.20 6001 6002 <"$T/both.py"
romeo=$BEGUN
py_begin two exact-juliet 10.77.1.20 10.77.1.10 6002 6001 <"$T/both.py"
for cell in one two; do net_in "$cell" nft delete table inet early; done
wait "$romeo" "$BEGUN"
says "a simultaneous open: each end counts it once, with its bytes" \
        '[.edges[] | select([.client, .server] | any(. == "exact-romeo" or . == "exact-juliet")) | .connections as $c | [$c.failed, $c.open, $c.opened == $c.closed, .bytes.sent == 400 * $c.opened, .bytes.received == 400 * $c.opened]] | unique' \
        '[[0,0,true,true,true]]'

# The server answers and closes before the ACK arrives that would make it ESTABLISHED.
net_in one sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen'
net_in two sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen'
py_begin two exact-hasty <<'PY'
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("10.77.1.20", 5030))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 64)
s.listen(64)
print("ready")
while True:
    c = s.accept()[0]
    c.recv(500)
    c.sendall(b"z" * 300)
    c.close()
PY
py_begin one exact-sender <<'PY'
import socket, struct
def ask():
    s = socket.socket()
    s.sendto(b"y" * 500, socket.MSG_FASTOPEN, ("10.77.1.20", 5030))
    n = 0
    while n < 300:
        n += len(s.recv(300 - n))
    return s
ask().close() # for the cookie
print("ready")
input()
held = [ask() for i in range(5)] # with the data comes a FIN, from a server that never heard an ACK
print("asked")
input()
for s in held:
    s.close()
PY
net_in two nft -f - <<<'table inet early { chain input { type filter hook input priority 0; tcp dport 5030 tcp flags & (syn | ack) == ack counter drop; }; }'
echo >&"$PY_IN"
await 10 grep -q asked "$T/logs/exact-sender.ready" || bail_out "no answers: $(cat "$T/logs/exact-sender")"
dropped=$(net_in two nft -j list table inet early | jq '[.. | .counter? | objects.packets] | add')
net_in two nft delete table inet early
echo >&"$PY_IN"
wait "$BEGUN"
at_most 5 "$dropped" "the third packets of the handshakes were dropped ($dropped packets)"
says "Fast Open with its ACK lost: opened at both ends, without ever being ESTABLISHED at the server's" \
        "e(\"exact-sender\"; \"exact-hasty\") | $report" '[6,6,0,"both",3000,1800]'

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
