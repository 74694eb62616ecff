#!/usr/bin/env bash
# 23. How a connection ended: each row of the table of ends, one service each, one event each.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
net_in two nft -f - <<'NFT'
table inet exact {
        set silent { type inet_service; }
        chain input {
                type filter hook input priority 0
                tcp dport @silent drop
                tcp dport 6003 reject with icmp type host-unreachable
                tcp dport 6004 reject with icmp type net-unreachable
        }
}
NFT
net_in two nft add element inet exact silent '{ 6002, 6005 }'
py_begin two exact-ends <<'PY'
import socket, struct, threading

def listen(port):
    s = socket.create_server(("10.77.1.20", port), backlog=16)
    return s

def linger0(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

def resets(c):
    c.recv(1)
    linger0(c)
    c.close()

def half_closes(c): # the reset meets a client that is in CLOSE_WAIT
    c.shutdown(socket.SHUT_WR)
    c.recv(1)
    linger0(c)
    c.close()

def waits(c):
    while c.recv(100):
        pass

def half_waits(c):
    c.shutdown(socket.SHUT_WR)
    try:
        waits(c)
    except ConnectionResetError:
        pass

def writes(c):
    c.sendall(b"x" * 100)
    try:
        waits(c)
    except ConnectionResetError:
        pass

def quiet(c):
    try:
        waits(c)
    except OSError:
        pass

def serve(s, how):
    while True:
        c = s.accept()[0]
        how(c)

never = listen(6012)
for port, how in ((6006, resets), (6007, half_closes), (6008, quiet), (6009, writes), (6010, half_waits), (6011, quiet)):
    threading.Thread(target=serve, args=(listen(port), how), daemon=True).start()
print("ready")
input()
never.close()
input()
PY
ends=$PY_IN
client() {
        local name=$1
        py one "exact-$name" <<PY
import errno, select, socket, struct
to = lambda port: ("10.77.1.20", port)
def fails(port):
    try:
        socket.create_connection(to(port)).close()
    except OSError as e:
        return e.errno
def begun(port):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(to(port))
    return s
def linger0(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
def hung_up(s):
    p = select.poll()
    p.register(s, 0)
    assert p.poll(10000)
$(cat)
PY
}
client refused <<<'assert fails(6001) == errno.ECONNREFUSED'
client late <<<'assert fails(6002) == errno.ETIMEDOUT'
client nohost <<<'assert fails(6003) == errno.EHOSTUNREACH'
client nonet <<<'assert fails(6004) == errno.ENETUNREACH'
client closed <<<'begun(6005).close()'
client reset <<<'s = socket.create_connection(to(6006)); s.send(b"a"); hung_up(s); s.close()'
client epipe <<<'s = socket.create_connection(to(6007)); assert s.recv(1) == b""; s.send(b"a"); hung_up(s); s.close()'
client linger <<<'s = socket.create_connection(to(6008)); linger0(s); s.close()'
client unread <<<'s = socket.create_connection(to(6009)); s.recv(1, socket.MSG_PEEK); s.close()'
client halflinger <<<'s = socket.create_connection(to(6010)); assert s.recv(1) == b""; linger0(s); s.close()'
client orderly <<<'s = socket.create_connection(to(6008)); s.close()'
py_begin one exact-vanished <<'PY'
import select, socket
s = socket.create_connection(("10.77.1.20", 6011))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 700)
print("ready")
input()
s.send(b"into the dark")
p = select.poll()
p.register(s, 0)
assert p.poll(20000)
s.close()
PY
net_in two nft add element inet exact silent '{ 6011 }'
echo >&"$PY_IN"
wait "$BEGUN"
py_begin one exact-neglected <<'PY'
import select, socket
s = socket.create_connection(("10.77.1.20", 6012))
print("ready")
p = select.poll()
p.register(s, 0)
assert p.poll(10000)
s.close()
PY
echo >&"$ends"
wait "$BEGUN"

# attempted, opened, closed, open, refused, timed out, unreachable, aborted; then reset by the peer, by itself, timed out open
row() {
        says "$1" "[.edges[] | select(.client == \"exact-$2\") | .connections | [.attempted, .opened, .closed, .open, .refused, .timed_out, .unreachable, .aborted, .reset_by.peer, .reset_by.self, .timed_out_open]] | first" "$3"
}
row "SYN_SENT, 111: refused" refused '[1,0,0,0,1,0,0,0,0,0,0]'
row "SYN_SENT, 110: timed out" late '[1,0,0,0,0,1,0,0,0,0,0]'
row "SYN_SENT, 113: unreachable" nohost '[1,0,0,0,0,0,1,0,0,0,0]'
row "SYN_SENT, 101: unreachable" nonet '[1,0,0,0,0,0,1,0,0,0,0]'
row "SYN_SENT, closed by the application: aborted" closed '[1,0,0,0,0,0,0,1,0,0,0]'
row "later, 104: reset by the peer" reset '[1,1,1,0,0,0,0,0,1,0,0]'
row "CLOSE_WAIT, 32: reset by the peer" epipe '[1,1,1,0,0,0,0,0,1,0,0]'
row "later, 110: established, then timed out" vanished '[1,1,1,0,0,0,0,0,0,0,1]'
row "ESTABLISHED, linger 0: reset by itself" linger '[1,1,1,0,0,0,0,0,0,1,0]'
row "ESTABLISHED, data unread: reset by itself" unread '[1,1,1,0,0,0,0,0,0,1,0]'
row "CLOSE_WAIT, linger 0: reset by itself" halflinger '[1,1,1,0,0,0,0,0,0,1,0]'
row "never accepted: reset by the peer" neglected '[1,1,1,0,0,0,0,0,1,0,0]'
row "in good order: neither" orderly '[1,1,1,0,0,0,0,0,0,0,0]'
says "the answer is complete" .complete true
product_end
done_testing
