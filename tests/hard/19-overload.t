#!/usr/bin/env bash
# 19. Overload: the answer says that it is incomplete, and the loss is exact. (More in tests/exact/overload.t.)
. "$(dirname "$0")/lib.sh"
hard_begin
printf 'probe:\n  connections: 64\n' >"$T/host.yaml"
hard_agent
py_begin two exact-db <<'PY'
import socket
s = socket.create_server(("10.77.1.20", 5000), backlog=512)
kept = []
print("ready")
while True:
    kept.append(s.accept()[0])
PY
py_begin one exact-crowd <<'PY'
import socket, sys
kept = [socket.create_connection(("10.77.1.20", 5000)) for i in range(200)]
print("ready")
sys.stdin.readline()
PY
lost() { cli --format json hosts | jq '.hosts[0].lost_events'; }
await 5 sh -c "'$NIGHTSHIFT' --control '$CONTROL' --format json edges | jq -e '.complete == false'"
says "the answer says so" .complete false
seen=$(jq '[.edges[] | select(.client | startswith("exact-")) | .connections.attempted] | add' "$T/edges.json")
note "the client's end counted $seen of 200, $(lost) ends of connections were lost"
# The answer is incomplete from the first batch that tells of a loss; the opening may still be going on then.
# 64 entries for 400 ends, of which the agent's and coordinator's connection takes two.
all=$((400 - (64 - 2)))
all_lost() { [ "$(lost)" -ge "$all" ]; }
await 10 all_lost
server=$(cli --format json hosts | jq -c '.hosts[] | {complete, lost_events}')
is "$(jq -r .complete <<<"$server")" false "and so does the host"
is "$(lost)" "$all" "what is lost is what found no room, each end once"
product_end
done_testing
