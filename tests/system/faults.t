#!/usr/bin/env bash
# timeout: 300
# Whatever dies, and however the network fails: the graph is right again by itself, nothing is counted
# twice, and what was before is still there. The generator knows what it did.
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

BLACK_HOLE=40

net_router
net_lan a 10.77.1.1/24
net_lan b 10.77.2.1/24
host_cell ops b 10.77.2.9
mkdir -p "$T/coordinator"
mount -t tmpfs -o size=8m tmpfs "$T/coordinator"
coordinator_begin ops
for host in one two; do agent_install "$host"; done
host_service two till "/usr/local/bin/traffic serve 10.77.1.20 8000"
host_boot one a 10.77.1.10
host_boot two a 10.77.1.20
host_ready one two
coordinator_ready
agents_ready one two
await 10 listens two 8000 || bail_out "the server does not listen"

load_begin() { # NAME KEY=VALUE...
        LOAD=$1
        shift
        host_run one systemd-run --quiet --unit="$LOAD" /usr/local/bin/traffic load 10.77.1.20 8000 \
                connections=1000000 rate=200 send=200 reply=500 truth="/run/$LOAD.json" "$@"
        await 10 host_run one test -s "/run/$LOAD.json"
}
load_end() {
        host_run one systemctl stop "$LOAD" 2>/dev/null
        TRUTH=$(host_run one cat "/run/$LOAD.json")
        note "$LOAD: $TRUTH"
}
# The answer's counters of the edge in the generator's own form.
told() { edge_of "$LOAD" till '"{\"opened\":\(.connections.opened),\"failed\":\(.connections.failed),\"sent\":\(.bytes.sent),\"received\":\(.bytes.received)}"' | jq -r .; }
told_truth() {
        local got
        got=$(told) || { echo "$got"; return 1; }
        echo "expected $TRUTH, got $got"
        [ "$got" = "$TRUTH" ]
}
topology() { edge_lines | grep -v incomplete >/dev/null; edge_lines | sed 's/ incomplete$//' | grep -Fxq "$LOAD@one > till@two tcp/8000 both"; }
remembers() {
        local json
        json=$(cli graph --format json --at "$before") || { echo "$json"; return 1; }
        grep -q . <<<"$json" && jq -e 'any(.edges[]; .client == "first" and .server == "till")' <<<"$json"
}
# What was known when this is called is on the disk when it ends.
saved() {
        touch "$T/mark"
        sleep 1.5
        find "$T/coordinator" -type f -newer "$T/mark" | grep -q .
}
at_least() { [ "$(told | jq .opened)" -ge "$1" ]; }

note "--- the coordinator is killed under load"
load_begin first
await 10 at_least 100
before=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
first_seen=$(edge_of first till .first_seen)
sleep 11 # history is cut into slices of 10 s; a slice is on the disk with the next save
await 25 saved || bail_out "the coordinator does not save"
start=$(now)
coordinator_kill KILL
coordinator_begin ops
await 20 hosts_heard one two
at_most "$(since "$start")" 5 "agents are back after the coordinator's SIGKILL"
load_end
await_ok 5 "totals are the generator's" told_truth
is "$(edge_of first till .first_seen)" "$first_seen" "the edge is as old as it was before"
ok "the graph of before can be asked for" \
        remembers

note "--- and killed three times at other moments"
load_begin second
for pause in 0.3 1.1 0.05; do
        sleep "$pause"
        coordinator_kill KILL
        coordinator_begin ops
        await 20 hosts_heard one two
done
load_end
await_ok 5 "totals are the generator's" told_truth

note "--- the client's agent is killed while nothing happens, and both a little later"
load_begin third connections=300
await 10 at_least 300
load_end
await_ok 5 "totals are the generator's" told_truth
kill_agent() { host_run "$1" systemctl kill --kill-whom="${2:-all}" --signal=KILL nightshift-agent; }
running() { [ "$(host_run "$1" systemctl is-active nightshift-agent)" = active ]; }
session() { asks hosts --arg name "$1" '.hosts[] | select(.name == $name) | .summary_age_s < 1.5'; }
kill_agent one
sleep 0.5
await_ok 10 "the agent is back" session one
await_ok 5 "totals are still the generator's" told_truth
await 5 saved || true
kill_agent one
kill_agent two
coordinator_kill KILL
coordinator_begin ops
await 20 hosts_heard one two
await_ok 5 "also after all of them were killed" told_truth

note "--- the agents are killed under load: a gap is no more than a gap"
load_begin fourth
await 10 at_least 100
known=$(told | jq .opened)
kill_agent one main
kill_agent two
await 10 hosts_heard one two
await_ok 10 "the edge is there, from both ends" topology
await_ok 20 "and counts on from where it was" at_least $((known + 100))
load_end
never_more() {
        local got
        got=$(told) || return 1
        echo "$got, where the generator has $TRUTH"
        jq -en --argjson got "$got" --argjson truth "$TRUTH" \
                '$got.opened <= $truth.opened and $got.sent <= $truth.sent and $got.received <= $truth.received'
}
settled() { [ "$(told)" = "$(sleep 1.5; told)" ]; }
await 10 settled
ok "nothing is counted twice" never_more
is "$(edge_of fourth till .complete)" false "and the answer says that something was missed"
is "$(edge_of fourth till .connections.open)" 0 "no ghost of a connection stays open"

note "--- the link's child alone is killed"
child() { host_run one bash -c 'pgrep -P "$(systemctl show --value --property=MainPID nightshift-agent)"'; }
was=$(child)
[ -n "$was" ] && host_run one kill -KILL $was
reborn() { [ -n "$(child)" ] && [ "$(child)" != "$was" ] && hosts_heard one; }
await_ok 10 "it is forked again" reborn
load_begin fifth connections=100
await 10 at_least 100
load_end
await_ok 5 "and totals are the generator's" told_truth

note "--- a black hole of $BLACK_HOLE s between agents and coordinator"
load_begin sixth rate=100
await 10 at_least 50
net_in router nft 'add table ip hole; add chain ip hole f { type filter hook forward priority 0; }; add rule ip hole f ip daddr 10.77.2.9 drop; add rule ip hole f ip saddr 10.77.2.9 drop'
stale() { asks hosts 'all(.hosts[]; .summary_age_s > 3)'; }
await 10 stale
ok "the coordinator answers, and says that what it knows is old" stale
sleep $((BLACK_HOLE - 4))
net_in router nft delete table ip hole
start=$(now)
await 30 hosts_heard one two
at_most "$(since "$start")" 5 "agents are back after the end of the black hole"
load_end
await_ok 5 "totals are the generator's" told_truth

note "--- the disk under the coordinator's state is full"
load_begin seventh
await 10 at_least 50
dd if=/dev/zero of="$T/coordinator/ballast" bs=64k >/dev/null 2>&1
await 10 at_least 600
pass "the graph goes on with a full disk"
await_ok 10 "the coordinator says so" grep -Eiq 'full|no space|ENOSPC|cannot (store|save|write)' "$T/logs/coordinator"
rm "$T/coordinator/ballast"
sleep 2
coordinator_kill KILL
coordinator_begin ops
await 20 hosts_heard one two
load_end
await_ok 5 "and when there is room again, totals survive the next SIGKILL" told_truth
ok "so does what was before" \
        remembers
coordinator_kill TERM
is $? 0 "SIGTERM stops the coordinator cleanly"
done_testing
