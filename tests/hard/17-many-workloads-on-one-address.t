#!/usr/bin/env bash
# 17. Many workloads on one address, each calling each.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
for i in 1 2 3 4 5 6; do
        service "exact-s$i" "exact-c$i"
        begin one "exact-s$i" serve --listen "10.77.1.10:600$i" --workers 2
done
for c in 1 2 3 4 5 6; do
        for s in 1 2 3 4 5 6; do
                background one "exact-c$c" load --to "10.77.1.10:600$s" --server "exact-s$s" --count $((10 * c + s)) --mix plain --seed "$c$s"
        done
done
join_all
equal "thirty-six edges, each with its own counts" --seen both
says "and no others" '.edges | length' 36
product_end
done_testing
