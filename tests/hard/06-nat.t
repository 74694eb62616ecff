#!/usr/bin/env bash
# 6. NAT on one node and across nodes with both ends seen: each connection counted once.
. "$(dirname "$0")/lib.sh"
hard_begin
net_lan b 10.77.2.1/24
host_cell three b 10.77.2.30
net_in router nft -f - <<'NFT'
table ip nat {
        chain pre {
                type nat hook prerouting priority dstnat
                ip daddr 10.77.1.1 tcp dport 8000 dnat to 10.77.2.30:5000
        }
        chain post {
                type nat hook postrouting priority srcnat
                ip daddr 10.77.2.30 masquerade
        }
}
NFT
net_in two nft -f - <<'NFT'
table ip nat {
        chain out {
                type nat hook output priority -100
                ip daddr 10.99.99.99 tcp dport 80 dnat to 10.77.1.20:5001
        }
}
NFT
agent_begin one --scope "cgroup=$CGROUP/$RIG/one"
agent_begin two --scope "cgroup=$CGROUP/$RIG/two"
agent_begin three --scope "cgroup=$CGROUP/$RIG/three"
service exact-db exact-caller exact-near exact-neighbour
begin three exact-db serve --listen 10.77.2.30:5000 --workers 4
begin two exact-near serve --listen 10.77.1.20:5001 --workers 4
at one exact-caller load --to 10.77.1.1:8000 --server exact-db --count 200 --mix plain
at two exact-neighbour load --to 10.99.99.99:80 --server exact-near --count 100 --mix plain
says "through a router that rewrites both addresses, and on one node: one edge each, counted once" \
        '.edges[] | [.client, .server, .seen_from, .client_hosts, .server_hosts, .connections.opened, .connections.closed]' \
        '[["exact-caller","exact-db","both",["one"],["three"],200,200],["exact-neighbour","exact-near","both",["two"],["two"],100,100]]'
product_end
done_testing
