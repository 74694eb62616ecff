#!/usr/bin/env bash
# 4. An address that another workload gets after a redeploy: no ghost callers.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-old exact-new exact-caller exact-other
begin two exact-old serve --listen 10.77.1.20:5000 --workers 2
old=$BEGUN
at one exact-caller load --to 10.77.1.20:5000 --server exact-old --count 30 --mix quick
says "the caller of the old one" '.edges[] | [.client, .server, .connections.opened]' '["exact-caller","exact-old",30]'
kill "$old"
wait "$old"
net_in two ip address del 10.77.1.20/24 dev eth0
host_cell three a 10.77.1.20
net_in one ip neigh flush all
begin three exact-new serve --listen 10.77.1.20:5000 --workers 2
at one exact-other load --to 10.77.1.20:5000 --server exact-new --count 20 --mix quick
says "each has its own caller and no other's" '.edges[] | [.client, .server, .seen_from, .connections.opened]' \
        '[["exact-caller","exact-old","both",30],["exact-other","exact-new","both",20]]'
product_end
done_testing
