#!/usr/bin/env bash
# 8. Sidecars on the same loopback address in two namespaces, and what they call.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-db exact-app1 exact-app2
copy socat exact-side1 exact-side2
host_cell three a 10.77.1.30
begin three exact-db serve --listen 10.77.1.30:5000 --workers 4
for i in 1 2; do
        cell=$([ $i = 1 ] && echo one || echo two)
        (cgroup_join "$RIG/$cell" && exec nsenter --net="/run/netns/$cell" -- "$T/bin/exact-side$i" -T 20 \
                TCP-LISTEN:15001,bind=127.0.0.1,reuseaddr,fork TCP:10.77.1.30:5000) 2>>"$T/logs/side$i" &
        await 5 listens "$cell" 15001
done
at one exact-app1 load --to 127.0.0.1:15001 --server exact-side1 --count 20 --mix quick
at two exact-app2 load --to 127.0.0.1:15001 --server exact-side2 --count 30 --mix quick
says "each application talks to its own sidecar, and the sidecars to the server" \
        '.edges[] | [.client, .server, .seen_from, .connections.opened]' \
        '[["exact-app1","exact-side1","both",20],["exact-app2","exact-side2","both",30],["exact-side1","exact-db","both",20],["exact-side2","exact-db","both",30]]'
product_end
done_testing
