#!/usr/bin/env bash
# timeout: 240
# A recorded stretch of a real system, replayed without its coordinator: the answers are those that the
# coordinator gave, and however the recording ends, what there is of it can be read.
# shellcheck disable=SC2016 # jq's own variables
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
coordinator_begin ops
for host in one two; do agent_install "$host"; done
host_service two till "/usr/local/bin/traffic serve 10.77.1.20 8000"
host_boot one a 10.77.1.10
host_boot two a 10.77.1.20
host_ready one two
coordinator_ready
agents_ready one two
await 10 listens two 8000 || bail_out "the server does not listen"

record_begin() { # FILE [ARG...]
        "$NIGHTSHIFT" --control "$CONTROL" record "$@" >"$T/record.out" 2>"$T/record.err" &
        RECORDER=$!
        await 10 test -s "$1" || bail_out "nothing is recorded: $(cat "$T/record.err")"
}
record_end() { # SIGNAL: $ENDED is its exit status
        kill -s "$1" "$RECORDER"
        wait "$RECORDER"
        ENDED=$?
        note "$(cat "$T/record.out" "$T/record.err")"
}
load() { # NAME COUNT
        host_run one systemd-run --quiet --unit="$1" --wait /usr/local/bin/traffic load 10.77.1.20 8000 \
                connections="$2" rate=200 send=200 reply=500 truth="/run/$1.json"
        TRUTH=$(host_run one cat "/run/$1.json")
}
# The coordinator's answer and the recording's, of what does not depend on the moment of the question.
FILTER='[.edges[] | select(.client == $client) | {client, server, port, connections, bytes, seen_from, first_seen, last_seen, complete}]'
counted() { asks edges --arg client "$1" --argjson count "$2" 'any(.edges[]; .client == $client and .seen_from == "both" and .connections.opened == $count and .connections.closed == $count)'; }
live() { cli --format json edges | jq -c --arg client "$1" "$FILTER"; }
replayed() { "$NIGHTSHIFT" --control /nowhere replay "$2" --format json --verb edges "${@:3}" | jq -c --arg client "$1" "$FILTER"; }

note "--- begun in the middle of things, ended by Ctrl-C"
load before 100
await_ok 15 "what was before the recording is known" counted before 100
record_begin "$T/night.rec"
load during 300
await_ok 15 "what happens meanwhile is counted" counted during 300
moment=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
was=$(live during)
older=$(live before)
cli deployed --service till --version 2 >/dev/null || bail_out "a deployment cannot be announced"
load after 50
await_ok 15 "and what follows" counted after 50
record_end INT
is "$ENDED" 0 "Ctrl-C ends it with success"
ok "and with a line that says how much there is" grep -q "^$T/night.rec: .* summaries, " "$T/record.out"
is "$(replayed during "$T/night.rec")" "$was" "the recording gives the coordinator's answer, without it"
is "$(replayed before "$T/night.rec")" "$older" "also of what was before"
is "$(replayed during "$T/night.rec" --at "$moment")" "$was" "and at the moment of the question"
is "$(replayed after "$T/night.rec" --at "$moment")" "[]" "when nobody knew yet what was to come"
is "$(replayed during "$T/night.rec" | jq '.[0].connections.opened')" "$(jq .opened <<<"$TRUTH" >/dev/null && echo 300)" \
        "which is the generator's"
is "$("$NIGHTSHIFT" replay "$T/night.rec" --format json --verb deployments | jq -c '[.deployments[] | {service, from, to, at, how, hosts}]')" \
        "$(cli --format json deployments | jq -c '[.deployments[] | {service, from, to, at, how, hosts}]')" "the operator's word is in it"
for verb in status hosts services processes pools deployments incidents edges graph; do
        "$NIGHTSHIFT" replay "$T/night.rec" --format json --verb "$verb" >"$T/once" 2>&1
        "$NIGHTSHIFT" replay "$T/night.rec" --format json --verb "$verb" >"$T/twice" 2>&1
        ok "$verb: the same byte for byte, every time" cmp "$T/once" "$T/twice"
        ok "$verb: also for people" "$NIGHTSHIFT" replay "$T/night.rec" --verb "$verb"
done
"$NIGHTSHIFT" replay "$T/night.rec" --format json --verb services >"$T/once"
ok "listeners and hosts are there, which no store holds" \
        jq -e 'any(.services[]; .name == "till" and .hosts == ["two"] and any(.listening[]; .port == 8000))' "$T/once"

note "--- the coordinator is killed meanwhile"
record_begin "$T/gap.rec"
load third 50
await 15 counted third 50
sleep 2.5 # two questions of the recorder
coordinator_kill KILL
coordinator_begin ops
await 20 hosts_heard one two
load fourth 50
await 15 counted fourth 50
await 15 grep -q "goes on, with a gap" "$T/record.err"
was=$(live fourth)
two_blocks() { [ "$(grep -o NSBK "$T/gap.rec" -a | wc -l)" -ge 2 ]; }
await 30 two_blocks || bail_out "the recording does not grow"
sleep 2.5
record_end TERM
is "$ENDED" 0 "the recording goes on with the next coordinator"
ok "and says that it has a gap" grep -q ", 1 gap$" "$T/record.out"
is "$(replayed fourth "$T/gap.rec" 2>"$T/err")" "$was" "after the gap all is there"
ok "of which the replay tells" grep -q "1 gap; the last from .* started anew" "$T/err"
await 10 counted third 50
is "$(replayed third "$T/gap.rec" 2>/dev/null)" "$(live third)" "what was before the gap as well"

note "--- the recorder itself is killed"
record_begin "$T/cut.rec"
grown() { [ "$(stat -c %s "$T/cut.rec")" -gt 1000 ]; }
await_ok 25 "what is recorded is in the file soon" grown
record_end KILL
ok "the file is readable" "$NIGHTSHIFT" replay "$T/cut.rec"
"$NIGHTSHIFT" replay "$T/cut.rec" >/dev/null 2>"$T/err"
ok "and is said not to have been ended" grep -q "not ended" "$T/err"
head -c -5 "$T/gap.rec" >"$T/short.rec"
"$NIGHTSHIFT" replay "$T/short.rec" >/dev/null 2>"$T/err"
ok "a file that was cut is read up to the cut, which is said" grep -q "cut at byte" "$T/err"
cp "$T/night.rec" "$T/bad.rec"
printf 'x' | dd of="$T/bad.rec" bs=1 seek=$(($(stat -c %s "$T/bad.rec") / 2)) conv=notrunc status=none
"$NIGHTSHIFT" replay "$T/bad.rec" >"$T/once" 2>"$T/err"
is "$?" 1 "a damaged file is refused"
ok "with its place and the reason" grep -q "bad.rec: at byte [0-9]*: .*damaged" "$T/err"
is "$(cat "$T/once")" "" "and gives no answer"

note "--- the disk is full"
mkdir "$T/small"
mount -t tmpfs -o size=8k tmpfs "$T/small"
record_begin "$T/small/night.rec"
full() { ! kill -0 "$RECORDER" 2>/dev/null; }
await_ok 60 "a full disk ends the recording" full
wait "$RECORDER"
is "$?" 1 "with a failure"
ok "and says so" grep -q "No space left on device" "$T/record.err"
ok "what fitted, or that nothing did, can be told" bash -c '"$0" replay "$1" || "$0" replay "$1" 2>&1 | grep -q "nothing was recorded"' \
        "$NIGHTSHIFT" "$T/small/night.rec"
umount "$T/small"

note "--- wrong usage"
cli record "$T/night.rec" 2>"$T/err"
is "$?" 1 "a file is never overwritten"
ok "and that is said" grep -q "exists already" "$T/err"
cli record "$T/for.rec" --for 2s >"$T/out"
is "$?" 0 "--for ends it by itself"
ok "after that time" grep -q "for.rec: [1-3] s, " "$T/out"
"$NIGHTSHIFT" --control /nowhere record "$T/none.rec" 2>"$T/err"
is "$?" 1 "without a coordinator nothing is recorded"
ok "and no file is left" test ! -e "$T/none.rec"
"$NIGHTSHIFT" replay "$T/night.rec" --at 2001-01-01 2>"$T/err"
is "$?" 3 "a time that was not recorded is no such thing"
done_testing
