#!/usr/bin/env bash
# 1. Connections opened while the agent starts: counted once, whether it saw them open or found them.
. "$(dirname "$0")/lib.sh"
hard_begin
service exact-db exact-churn
begin two exact-db serve --listen 10.77.1.20:5000 --workers 8
py_begin two exact-store <<'PY'
import socket, threading
s = socket.create_server(("10.77.1.20", 5001), backlog=512)
kept = []
print("ready")
while True:
    kept.append(s.accept()[0])
PY
background one exact-churn load --to 10.77.1.20:5000 --server exact-db --count 30000 --mix quick
py_begin one exact-opener <<'PY'
import socket, time, sys
kept = []
print("ready")
for i in range(300):
    kept.append(socket.create_connection(("10.77.1.20", 5001)))
    time.sleep(0.03)
print("all")
sys.stdin.readline()
PY
opener=$BEGUN opener_in=$PY_IN
hard_agent
ok "the agent came up while they opened" sh -c "! grep -q all '$T/logs/exact-opener.ready'"
await 30 grep -q all "$T/logs/exact-opener.ready"
says "all of them are open, none twice" 'e("exact-opener"; "exact-store").connections.open' 300
says "and both ends are one edge" 'e("exact-opener"; "exact-store").seen_from' '"both"'
join_all
says "of those that came and went none is left open" 'e("exact-churn"; "exact-db").connections.open' 0
echo >&"$opener_in"
wait "$opener"
says "all are seen to close" 'e("exact-opener"; "exact-store").connections | [.open, .closed]' '[0,300]'
product_end
done_testing
