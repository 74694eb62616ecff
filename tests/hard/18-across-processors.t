#!/usr/bin/env bash
# 18. Events out of order across processors: ends pinned to different ones, softirq to either.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-db exact-pinned0 exact-pinned1
taskset -p 2 $BASHPID >/dev/null
begin two exact-db serve --listen 10.77.1.20:5000,10.77.1.20:5001 --workers 6
taskset -p 3 $BASHPID >/dev/null
for cpu in 0 1; do
        (
                taskset -p $((1 << cpu)) "$BASHPID" >/dev/null
                at one "exact-pinned$cpu" load --to "10.77.1.20:500$cpu" --server exact-db --count $((FAST ? 2000 : 15000)) --mix all --bytes 500 --seed "$cpu"
        ) &
        JOBS+=($!)
done
join_all
equal "every count is right" --seen both
product_end
done_testing
