#!/usr/bin/env bash
# 21. What agents and coordinator say to each other is theirs and never anybody else's.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-db exact-caller
begin two exact-db serve --listen 10.77.1.20:5000 --workers 2
at one exact-caller load --to 10.77.1.20:5000 --server exact-db --count 30 --mix quick
says "the services have their edge" 'e("exact-caller"; "exact-db").connections.opened' 30
sleep 2
cli --format json edges >"$T/edges.json"
is "$(jq -r '[.edges[] | select(.port == 7337) | .client, .server | sub(":[0-9]+$"; "")] | unique | map(select(startswith("nightshift") | not)) | join(" ")' "$T/edges.json")" "" \
        "ends of the agents' link are the agent and the coordinator"
is "$(jq -r '[.edges[] | select((.client | startswith("nightshift")) or (.server | startswith("nightshift"))) | select(.port != 7337)] | length' "$T/edges.json")" 0 \
        "and neither has other edges"
note "$(jq -c '[.edges[] | select(.port == 7337) | [.client, .server, .seen_from, .connections.opened]]' "$T/edges.json")"
is "$(jq '[.edges[] | select(.port != 7337)] | length' "$T/edges.json")" 1 "nothing more is in the graph"
product_end
done_testing
