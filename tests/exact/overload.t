#!/usr/bin/env bash
# Overload: where something cannot be counted, the answer says that it is incomplete, and the loss it
# reports is exactly what is missing. The agent sees the clients' host only, so that each connection
# has one end to lose.
# timeout: 200
. "$(dirname "$0")/../hard/lib.sh"
scale=${FAST:+10}
scale=${scale:-1}
hard_begin
service exact-db exact-churn exact-wide exact-unheard exact-busy
begin two exact-db serve --listen 10.77.1.20:5000 --workers 8
begin_store() {
        py_begin two exact-store <<'PY'
import socket
s = socket.create_server(("10.77.1.20", 5001), backlog=1024)
kept = []
print("ready")
while True:
    kept.append(s.accept()[0])
PY
}
begin_store

# missing_is_lost: truth less what was counted is what the host says it lost.
missing_is_lost() {
        local missing lost
        cli --format json edges >"$T/edges.json" && cli --format json hosts >"$T/hosts.json" || return 1
        missing=$("$O/tests/exact/compare" "$T/truth.json" "$T/edges.json" --missing | cut -d ' ' -f 1)
        lost=$(jq '[.hosts[].lost_events] | add' "$T/hosts.json")
        echo "missing $missing, lost $lost, complete $(jq .complete "$T/edges.json")"
        [ "$missing" = "$lost" ] && [ "$missing" -ge "$1" ]
}

# Room for 64 connections: 200 are held, 1000 more come and go, and 500 after room was made.
printf 'probe:\n  connections: 64\n' >"$T/one.yaml"
agent_begin one --scope "cgroup=$CGROUP/$RIG/one"
py_begin one exact-crowd <<'PY'
import socket, sys
kept = [socket.create_connection(("10.77.1.20", 5001)) for i in range(200)]
print("ready")
sys.stdin.readline()
PY
crowd=$BEGUN in=$PY_IN
at one exact-churn load --to 10.77.1.20:5000 --server '' --count $((1000 / scale)) --mix quick
echo >&"$in"
wait "$crowd"
# A process that has ended leaves connections behind that are still closing.
crowd_gone() { cli --format json edges | jq -e '[.edges[] | select(.client == "exact-crowd").connections.open] == [0]'; }
await_ok 8 "those that were held are gone" crowd_gone
at one exact-churn load --to 10.77.1.20:5000 --server '' --count $((500 / scale)) --mix quick
truth
echo '{"client":"exact-crowd","server":"","port":5001,"attempted":200,"opened":200,"closed":200}' >>"$T/truth.json"
await_ok 8 "few sockets: the loss is what is missing" missing_is_lost $((200 - 64 + 1000 / scale))
note "$AWAITED"
is "$(jq .complete "$T/edges.json") $(jq -c '[.hosts[].complete]' "$T/hosts.json")" "false [false]" "the answer and the host say that they are incomplete"
is "$(jq '.edges[] | select(.client == "exact-churn").connections.open' "$T/edges.json")" 0 "nothing stays open that is closed"
product_end

# Room for 16 edges, and 40 of them.
rm -f "$EXACT_TRUTH"
printf 'probe:\n  edges: 16\n' >"$T/one.yaml"
product_begin
agent_begin one --scope "cgroup=$CGROUP/$RIG/one"
for ((i = 0; i < 40; i++)); do
        at one exact-wide fail --to "10.77.1.20:$((7000 + i))" --count 10
done
truth
await_ok 8 "few edges: the loss is what is missing" missing_is_lost 240
note "$AWAITED"
is "$(jq .complete "$T/edges.json")" false "the answer says that it is incomplete"
product_end

# Timers that fire inside our own programs: hundreds of time-outs in one tick, while others connect. A
# nested run is dropped by the kernel; whatever no twin stood in for must be in the loss.
rm -f "$EXACT_TRUTH" "$T/one.yaml"
net_in two nft -f - <<'NFT'
table inet exact {
        chain input {
                type filter hook input priority 0
                tcp dport 5002-5004 drop
        }
}
NFT
# Some machines hide whole interrupts from tracing as well: those ends are found by the sweep and are a
# loss of outcomes, not of attempts. Such a round is made again: one that calls itself incomplete, counts
# nothing beyond the truth, and admits more than the attempts that are missing, never less.
admitted() {
        local missing lost
        missing=$("$O/tests/exact/compare" "$T/truth.json" "$T/edges.json" --missing | cut -d ' ' -f 1)
        lost=$(jq '[.hosts[].lost_events] | add' "$T/hosts.json")
        "$O/tests/exact/compare" "$T/truth.json" "$T/edges.json" --at-most >/dev/null || [ $? = 3 ] || return 1
        [ "$(jq .complete "$T/edges.json")" = false ] && [ "$missing" -ge 0 ] && [ "$missing" -lt "$lost" ]
}
for try in 1 2 3; do
        product_begin
        agent_begin one --scope "cgroup=$CGROUP/$RIG/one"
        for i in 1 2 3; do background one exact-unheard fail --to "10.77.1.20:$((5001 + try))" --count $((9000 / scale)) --parallel 3000; done
        for i in 1 2; do background one exact-busy load --to 10.77.1.20:5000 --server '' --count $((20000 / scale)) --mix quick --seed $i; done
        join_all
        truth
        if await 8 missing_is_lost 0 || [ "$try" = 3 ] || ! admitted; then break; fi
        note "$AWAITED"
        product_end
        rm -rf "$EXACT_TRUTH" "$T/coordinator"
done
await_ok 8 "nested runs: the loss is what is missing" missing_is_lost 0
note "$AWAITED"
product_end
done_testing
