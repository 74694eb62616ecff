#!/usr/bin/env bash
# Both ends and their direction where that is hard: a server port above the client's, loopback, IPv6,
# connections older than the agents, far ends without an agent, and hosts that share one kernel.
. "$(dirname "$0")/lib.sh"
need_image
product_built

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
host_cell outside a 10.77.1.99
coordinator_begin ops
for host in one two; do
        agent_install "$host"
        rm "$T/hosts/$host/root/etc/systemd/system/multi-user.target.wants/nightshift-agent.service"
done
host_service one till "/usr/local/bin/traffic serve 0.0.0.0 60999"
host_service two bank "/usr/local/bin/traffic serve 0.0.0.0 7000"
host_boot one a 10.77.1.10
host_boot two a 10.77.1.20
host_ready one two
coordinator_ready
await 10 listens one 60999 && await 10 listens two 7000 || bail_out "the servers do not listen"

# Older than the agents: held open, on a client port far below the server's.
host_run two systemd-run --quiet --unit=veteran /usr/local/bin/traffic load 10.77.1.10 60999 connections=4 source=2000 hold=300
host_run one systemd-run --quiet --unit=hermit /usr/local/bin/traffic load 127.0.0.1 60999 connections=3 hold=300
host_begin outside "$T/logs/load" "$SYSTEM_DIR/traffic" serve 10.77.1.99 443
established() { [ "$(host_run "$1" ss -Hnt state established "( sport = :$2 )" | wc -l)" = "$3" ]; }
await 10 established one 60999 7 || bail_out "connections do not open"

host_run one systemctl start nightshift-agent
host_run two systemctl start nightshift-agent
agents_ready one two
await_ok 10 "connections older than the agents: both ends, the right way" same_edges \
"hermit@one > till@one tcp/60999 both
veteran@two > till@one tcp/60999 both"
await_ok 5 "they are open, and nobody saw them open" edge_says veteran till '.connections | "\(.open) \(.opened) \(.attempted)"' '"4 0 0"'
host_run two systemctl stop veteran
await_ok 5 "their end is seen" edge_says veteran till '.connections | "\(.open) \(.closed)"' '"0 4"'

host_unit two low /usr/local/bin/traffic load 10.77.1.10 60999 connections=20 source=3000 >/dev/null
await_ok 5 "the server's port is above the client's" edge_says low till '"\(.seen_from) \(.port) \(.connections.opened)"' '"both 60999 20"'
host_unit two self /usr/local/bin/traffic load 127.0.0.1 7000 connections=20 >/dev/null
await_ok 5 "loopback" edge_says self bank '"\(.seen_from) \(.connections.opened)"' '"both 20"'
host_unit two mirror /usr/local/bin/traffic load 10.77.1.20 7000 connections=20 >/dev/null
await_ok 5 "a host's own address" edge_says mirror bank '"\(.seen_from) \(.connections.opened)"' '"both 20"'
host_unit one export /usr/local/bin/traffic load 10.77.1.99 443 connections=20 >/dev/null
await_ok 5 "a far end without an agent" edge_says export 10.77.1.99 '"\(.seen_from) \(.external) \(.connections.opened)"' '"client true 20"'
host_run outside "$SYSTEM_DIR/traffic" load 10.77.1.20 7000 connections=20 >/dev/null
await_ok 5 "a client without an agent" edge_says 10.77.1.99 bank '"\(.seen_from) \(.external) \(.connections.opened)"' '"server true 20"'
host_unit one failing /usr/local/bin/traffic load 10.77.1.20 9 connections=6 >/dev/null
refused='[.connections | .attempted, .opened, .failed, .refused]'
failing() { edges_json | jq -ce '.edges[] | select(.client == "failing") | '"$refused" | grep -Fx '[6,0,6,6]'; }
await_ok 5 "refused connections" failing

await_ok 5 "these edges and no others" same_edges \
"10.77.1.99@ > bank@two tcp/7000 server external
export@one > 10.77.1.99@ tcp/443 client external
failing@one > 10.77.1.20@ tcp/9 client external
hermit@one > till@one tcp/60999 both
low@two > till@one tcp/60999 both
mirror@two > bank@two tcp/7000 both
self@two > bank@two tcp/7000 both
veteran@two > till@one tcp/60999 both"
is "$(cli --format json services | jq -r '[.services[] | select(.name == "till") | .hosts[]] | join(",")')" one \
        "each agent speaks of its own host only, though the kernel is one"
done_testing
