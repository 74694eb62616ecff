#!/usr/bin/env bash
# How soon a new edge can be read after its first connection, at the default interval of 10 s: alone,
# and thirty at once.
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
coordinator_begin ops
for host in one two; do AGENT_INTERVAL=10 agent_install "$host"; done
host_service two till "/usr/local/bin/traffic serve 10.77.1.20 8000"
host_boot one a 10.77.1.10
host_boot two a 10.77.1.20
host_ready one two
coordinator_ready
agents_ready one two

seen() { asks edges --arg client "$1" 'any(.edges[]; .client == $client and .seen_from == "both" and .connections.attempted == 1)'; }
worst=0
for round in 1 2 3 4 5; do
        host_run one systemd-run --quiet --unit="caller$round" /usr/local/bin/traffic load 10.77.1.20 8000 hold=30 "truth=/run/caller$round"
        await 15 seen "caller$round" || true
        answered=$(now)
        took=$(awk -v made="$(host_run one stat -c %.Y "/run/caller$round")" -v answered="$answered" 'BEGIN { printf "%.2f", answered - made }')
        note "edge $round was in the answer after $took s"
        worst=$(printf '%s\n' "$worst" "$took" | sort -g | tail -1)
        # The next one comes at another phase of the interval, and not while pushes are held back.
        sleep "1.$round"
done
at_most "$worst" 2 "a new edge is in the answer, from both ends, within two seconds of its first connection"

host_run two systemd-run --quiet --unit=mall bash -c '
        for ((i = 9000; i < 9030; i++)); do /usr/local/bin/traffic serve 10.77.1.20 $i & done; wait'
await 10 listens two 9029 || bail_out "the servers do not listen"
host_run one systemd-run --quiet --unit=crowd bash -c '
        for ((i = 9000; i < 9030; i++)); do /usr/local/bin/traffic load 10.77.1.20 $i hold=30 truth=/run/crowd.$i & done; wait'
crowd() { asks edges '[.edges[] | select(.client == "crowd" and .seen_from == "both")] | length == 30'; }
await 15 crowd || true
answered=$(now)
last=$(host_run one bash -c 'stat -c %.Y /run/crowd.9??? | sort | tail -1') # when the last of them was made
at_most "$(awk -v made="$last" -v answered="$answered" 'BEGIN { printf "%.2f", answered - made }')" 2 "so are thirty at once"
done_testing
