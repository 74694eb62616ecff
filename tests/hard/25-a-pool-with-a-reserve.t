#!/usr/bin/env bash
# 25. A pool that keeps more connections than it needs does not give one back now and then: nothing is opened
# beside those, and nothing is held. They are told from its reserve by what it takes in their place.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
py_begin two exact-db <<'PY'
import socket, threading
s = socket.create_server(("10.77.1.20", 5002), backlog=64)
def serve(c):
    while data := c.recv(100):
        c.sendall(data)
print("ready")
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
PY
server=$BEGUN
py_begin one exact-shop <<'PY'
import random, select, socket, sys, time
random.seed(2)
pool = [socket.create_connection(("10.77.1.20", 5002)) for i in range(12)]
lost = []
def use(count):  # at once; the latest comes first
    taken = [pool.pop() for i in range(count)]
    for s in taken: s.sendall(b"?")
    for s in taken: s.recv(100)
    pool.extend(taken)
use(12)
print("ready")
while True:
    use(random.choice([1, 1, 2, 2, 3, 3, 4, 5, 6]))
    if select.select([sys.stdin], [], [], 0.1)[0]:
        if sys.stdin.readline() != "lose\n": break
        lost.append(pool.pop())
        time.sleep(3)  # a sweep is to see the order: what is used in its place was used before, and comes after
PY
shop=$BEGUN in=$PY_IN
pool_says() {
        cli --format json pools >"$T/pools.json" || return 1
        jq -e "[.pools[] | select(.client | startswith(\"exact-shop\"))] | length == 1 and (.[0] | $1)" "$T/pools.json" >/dev/null && return 0
        jq -c '.pools[]' "$T/pools.json"
        return 1
}
ok "the pool is seen" await 20 pool_says '.open == 12'
healthy() {
        local i
        for ((i = 0; i < $1; i++)); do
                pool_says '.open == 12 and .held == 0 and .overdue == 0 and .skipped == 0' || return 1
                sleep 1
        done
}
ok "whatever lies in reserve, it passes over none" healthy $((FAST ? 5 : 25))
for i in 1 2; do
        echo lose >&"$in"
        sleep 6
done
await_ok 60 "it does those that it lost, and opens none for them" pool_says '.open == 12 and .held == 0 and .skipped == 2'
echo end >&"$in"
wait "$shop"
kill "$server"
product_end
done_testing
