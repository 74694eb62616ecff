#!/usr/bin/env bash
# The judge of exactness judges: each rule is broken once, and each kind of admitted loss is told from it.
. "$(dirname "$0")/lib.sh"

truth='{"client":"exact-a","server":"exact-b","port":7,"attempted":10,"opened":6,"closed":6,"refused":1,"timed_out":3,"unreachable":0,"aborted":0,"no_port":0,"reset_by_peer":2,"reset_by_self":0,"timed_out_open":0,"sent":600,"received":60,"unread":0}'
answer='{"complete":true,"edges":[{"client":"exact-a","server":"exact-b:7","port":7,"seen_from":"both","connections":{"open":0,"attempted":10,"opened":6,"closed":6,"failed":4,"refused":1,"timed_out":3,"unreachable":0,"aborted":0,"no_port":0,"timed_out_open":0,"reset_by":{"peer":2,"self":0}},"bytes":{"sent":600,"received":60},"unread_bytes":0}]}'

# judge STATUS DESCRIPTION CHANGE [OPTION...]: what becomes of an answer that is changed by this jq expression.
judge() {
        local want=$1 description=$2 change=$3 r=0
        shift 3
        echo "$truth" >"$T/truth.json"
        jq -c "$change" <<<"$answer" >"$T/answer.json"
        "$O/tests/exact/compare" "$T/truth.json" "$T/answer.json" "$@" >"$T/judged" || r=$?
        is "$r" "$want" "$description"
}
c='.edges[0].connections'
short="$c.timed_out = 1 | $c.failed = 2"

judge 0 "equal and complete" .
judge 3 "equal, and incomplete by its own word" '.complete = false'
for field in attempted opened closed refused timed_out failed open; do
        judge 1 "one $field too many" "$c.$field += 1"
        judge 1 "one $field too many, with losses" "$c.$field += 1 | .complete = false" --lost 9
        judge 1 "one $field too few" "$c.$field -= 1"
done
for field in timed_out timed_out_open reset_by; do judge 1 "$field is not said" "del($c.$field)"; done
judge 2 "not said whether it is complete" 'del(.complete)'
judge 1 "a byte too many, with losses" '.edges[0].bytes.sent += 1 | .complete = false' --lost 9
judge 1 "bytes too few" '.edges[0].bytes.sent -= 100'
judge 1 "an edge is missing" '.edges = []'
judge 1 "an edge is missing, with losses" '.edges = [] | .complete = false' --lost 9
judge 1 "an edge is there twice" '.edges += .edges'
judge 1 "an edge that never was" '.edges += [.edges[0] | .client = "exact-ghost"]'
judge 1 "seen from one side" '.edges[0].seen_from = "client"' --seen both
judge 1 "two ends without their kind, and nothing admitted" "$short"
judge 1 "two ends without their kind, called complete" "$short" --lost 2
judge 1 "two ends without their kind, one admitted" "$short | .complete = false" --lost 1
judge 3 "two ends without their kind, both admitted" "$short | .complete = false" --lost 2
judge 1 "a kind for another, with losses" "$c.timed_out -= 1 | $c.refused += 1 | .complete = false" --lost 9
judge 3 "a reset not seen, and its bytes" "$c.reset_by.peer = 1 | .edges[0].bytes.sent = 500 | .complete = false" --lost 1
judge 1 "bytes missing without a loss" '.edges[0].bytes.sent = 500 | .complete = false' --lost 0
judge 1 "bytes missing, called complete" '.edges[0].bytes.sent = 500' --lost 9
judge 3 "bytes missing with a loss" '.edges[0].bytes.sent = 500 | .complete = false' --lost 1
judge 1 "an attempt missing of no kind, with losses" "$c.attempted -= 1 | $c.failed -= 1 | .complete = false" --lost 9
judge 1 "an opening missing, with losses" "$c.opened -= 1 | $c.failed -= 1 | .complete = false" --lost 9
judge 1 "a close missing, with losses" "$c.closed -= 1 | $c.failed -= 1 | .complete = false" --lost 9
judge 1 "an attempt missing, with losses" "$c.attempted -= 1 | $c.refused -= 1 | $c.failed -= 1 | .complete = false" --lost 9
done_testing
