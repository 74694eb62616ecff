#!/usr/bin/env bash
# 5. A far end without an agent is an external node, whichever end it is, and is never dropped.
. "$(dirname "$0")/lib.sh"
hard_begin
agent_begin one --scope "cgroup=$CGROUP/$RIG/one"
service exact-db exact-caller exact-outside exact-away
begin one exact-db serve --listen 10.77.1.10:5000 --workers 2
begin two exact-away serve --listen 10.77.1.20:6000 --workers 2
at one exact-caller load --to 10.77.1.20:6000 --server exact-away --count 30 --mix quick
at two exact-outside load --to 10.77.1.10:5000 --server exact-db --count 20 --mix quick
says "the server outside" '.edges[] | select(.client == "exact-caller") | [.server, .external, .seen_from, .port, .connections.opened]' \
        '["10.77.1.20",true,"client",6000,30]'
says "the client outside" '.edges[] | select(.server == "exact-db") | [.client, .external, .seen_from, .port, .connections.opened]' \
        '["10.77.1.20",true,"server",5000,20]'
truth
bytes=$(jq -s '[.[] | select(.client == "exact-outside") | .sent, .received]' -c "$T/truth.json")
says "its bytes are as the client wrote and received them" '.edges[] | select(.server == "exact-db") | [.bytes.sent, .bytes.received]' "$bytes"
says "these and no others" '.edges | length' 2
product_end
done_testing
