#!/usr/bin/env bash
# 10. Processes of a few milliseconds, and storms of jobs: each has a name, and nothing is missing.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-db exact-cron exact-job1 exact-job2 exact-job3 exact-job4 exact-job5
begin two exact-db serve --listen 10.77.1.20:5000,10.77.1.20:5001 --workers 8
all=$(printf "$T/bin/exact-job%d," 1 2 3 4 5)
start=$(now)
at one exact-cron storm --jobs $((FAST ? 500 : 3000)) --parallel 8 --exec "${all%,}" -- load --to 10.77.1.20:5000,10.77.1.20:5001 --server exact-db --count 2
note "$((FAST ? 500 : 3000)) processes in $(since "$start") s"
equal "every one of them is counted under its name" --seen both
product_end
done_testing
