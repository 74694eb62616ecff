#!/usr/bin/env bash
# 16. Process ids, descriptors and ports that are used again at once, and processes that become others.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-db exact-first exact-second exact-ports exact-after
begin two exact-db serve --listen 10.77.1.20:5000 --workers 6
net_in one sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse'
background one exact-ports load --to 10.77.1.20:5000 --server exact-db --count $((FAST ? 1000 : 5000)) --mix 4-7 --ports 45000-45003

# The same process id, two executables by turns.
same=0
for ((i = 0; i < 30; i++)); do
        at one exact-first load --to 10.77.1.20:5000 --server exact-db --count 1 --mix quick &
        first=$!
        wait $first
        echo $((first - 1)) >/proc/sys/kernel/ns_last_pid
        at one exact-second load --to 10.77.1.20:5000 --server exact-db --count 1 --mix quick &
        [ $! != $first ] || same=$((same + 1))
        wait $!
done
note "$same of 30 processes got the id of the one before"
# One process, two executables in turn: a connection that outlives the exec stays with who opened it.
for ((i = 0; i < 10; i++)); do
        py one exact-before "$T/bin/exact-after" <<'PY'
import os, socket, sys
s = socket.create_connection(("10.77.1.20", 5000))
s.send(bytes([0x53, 0x4e]) + bytes(14))
os.execv(sys.argv[1], [sys.argv[1], "load", "--to", "10.77.1.20:5000", "--server", "exact-db", "--count", "1", "--mix", "quick"])
PY
done
join_all
says "a process that became another has both names, each for its own connections" \
        '.edges[] | select(.client == "exact-before" or .client == "exact-after") | [.client, .connections.opened, .connections.closed]' \
        '[["exact-after",10,10],["exact-before",10,10]]'
says "of two processes with one id each has its own" \
        '.edges[] | select(.client == "exact-first" or .client == "exact-second") | [.client, .connections.opened, .connections.closed]' \
        '[["exact-first",30,30],["exact-second",30,30]]'
says "and so for ports" '.edges[] | select(.client == "exact-ports") | [.connections.opened, .connections.closed, .seen_from]' \
        "[$((FAST ? 1000 : 5000)),$((FAST ? 1000 : 5000)),\"both\"]"
says "the answer is complete" .complete true
product_end
done_testing
