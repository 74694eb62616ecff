#!/usr/bin/env bash
# 7. A load balancer in the kernel spreads one virtual address over three servers.
. "$(dirname "$0")/lib.sh"
hard_begin
host_cell three a 10.77.1.30
net_in router nft -f - <<'NFT'
table ip nat {
        chain pre {
                type nat hook prerouting priority dstnat
                ip daddr 10.77.99.1 tcp dport 80 dnat to numgen inc mod 3 map { 0: 10.77.1.20, 1: 10.77.1.30, 2: 10.77.1.30 }
        }
        chain post {
                type nat hook postrouting priority srcnat
                ct status dnat masquerade
        }
}
NFT
hard_agent
service exact-blue exact-green exact-caller
begin two exact-blue serve --listen 10.77.1.20:80 --workers 4
begin three exact-green serve --listen 10.77.1.30:80 --workers 4
at one exact-caller load --to 10.77.99.1:80 --server vip --count 300 --mix plain
says "each server has its share, by both ends, and the virtual address is no node" \
        '.edges[] | [.client, .server, .seen_from, .connections.opened]' \
        '[["exact-caller","exact-blue","both",100],["exact-caller","exact-green","both",200]]'
product_end
done_testing
