#!/usr/bin/env bash
# 3. Two services that share an address and port over time.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-morning exact-evening exact-caller
begin two exact-morning serve --listen 10.77.1.20:5000 --workers 2
morning=$BEGUN
at one exact-caller load --to 10.77.1.20:5000 --server exact-morning --count 30 --mix quick
kill "$morning"
wait "$morning"
at one exact-caller fail --to 10.77.1.20:5000 --server exact-morning --count 5
begin two exact-evening serve --listen 10.77.1.20:5000 --workers 2
at one exact-caller load --to 10.77.1.20:5000 --server exact-evening --count 50 --mix quick
says "each has what it answered" '.edges[] | select(.client == "exact-caller" and .connections.opened > 0) | [.server, .connections.opened, .seen_from]' \
        '[["exact-evening",50,"both"],["exact-morning",30,"both"]]'
says "nothing is counted twice, the refused attempts between them are there" \
        '[.edges[] | select(.client == "exact-caller").connections] | [(map(.attempted) | add), (map(.refused) | add)]' '[85,5]'
product_end
done_testing
