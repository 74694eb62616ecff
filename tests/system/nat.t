#!/usr/bin/env bash
# A router that translates both ways lies between clients and server: what the clients dial exists
# nowhere, and what the server sees is the router. Both ends of every connection still meet, once,
# and what comes from an unobserved client behind the same address stays external.
. "$(dirname "$0")/lib.sh"
need_image
product_built

net_router
net_lan a 10.77.1.1/24
net_lan b 10.77.2.1/24
net_in router nft -f - <<'NFT'
table ip nat {
    chain in { type nat hook prerouting priority dstnat; ip daddr 10.77.1.1 tcp dport 9000 dnat to 10.77.2.10:8443; }
    chain out { type nat hook postrouting priority srcnat; ip saddr 10.77.1.0/24 ip daddr 10.77.2.10 tcp dport 8443 masquerade; }
}
NFT
host_cell ops a 10.77.1.9
host_cell stranger a 10.77.1.66
coordinator_begin ops
for host in one two till; do agent_install "$host"; done
host_service till till "/usr/local/bin/traffic serve 10.77.2.10 8443"
host_boot one a 10.77.1.10
host_boot two a 10.77.1.11
host_boot till b 10.77.2.10
host_ready one two till
coordinator_ready
agents_ready one two till
await 10 listens till 8443 || bail_out "the server does not listen"

load() { # HOST UNIT KEY=VALUE...
        local host=$1 unit=$2
        shift 2
        host_begin "$host" "$T/logs/load" systemd-run --quiet --wait --collect --unit="$unit" -- \
                /usr/local/bin/traffic load 10.77.1.1 9000 "$@"
        LOADS+=("$BEGUN")
}
LOADS=()
load one orders connections=200 requests=2 send=500 reply=3000
load two refunds connections=120 send=250 reply=2000
host_begin stranger "$T/logs/load" "$SYSTEM_DIR/traffic" load 10.77.1.1 9000 connections=60 send=700 reply=900
LOADS+=("$BEGUN")
wait "${LOADS[@]}"

await_ok 10 "both ends meet across the router, once and the right way" same_edges \
"10.77.2.1@ > till@till tcp/8443 server external
orders@one > till@till tcp/8443 both
refunds@two > till@till tcp/8443 both"
all='"\(.connections | "\(.attempted) \(.opened) \(.closed) \(.open) \(.failed)") \(.bytes | "\(.sent) \(.received)")"'
await_ok 5 "one client's connections and bytes" edge_says orders till "$all" '"200 200 200 0 0 200000 1200000"'
await_ok 5 "the other's, behind the same address" edge_says refunds till "$all" '"120 120 120 0 0 30000 240000"'
await_ok 5 "only the unobserved client's stay external" edge_says 10.77.2.1 till "$all" '"60 60 60 0 0 42000 54000"'

# The client's end goes away uncleanly while connections are open; and comes back.
load one evening connections=5 hold=60
await_ok 5 "open connections across the router are counted as such" edge_says evening till .connections.open 5
host_run one systemctl stop evening
await_ok 5 "and closed when their process ends" edge_says evening till '.connections | "\(.open) \(.closed)"' '"0 5"'

# A service that nobody dials through the router, and one that both sides of it dial.
host_unit till audit /usr/local/bin/traffic load 10.77.2.10 8443 connections=30 >/dev/null
await_ok 5 "a direct neighbour of the server beside them" edge_says audit till '.connections.opened, .seen_from' $'30\n"both"'
await_ok 5 "no edge came of it twice" same_edges \
"10.77.2.1@ > till@till tcp/8443 server external
audit@till > till@till tcp/8443 both
evening@one > till@till tcp/8443 both
orders@one > till@till tcp/8443 both
refunds@two > till@till tcp/8443 both"
done_testing
