#!/usr/bin/env bash
# The judge of exactness judges: each rule is broken once, and each kind of admitted loss is told from it.
. "$(dirname "$0")/lib.sh"

truth='{"client":"exact-a","server":"exact-b","port":7,"attempted":10,"opened":6,"closed":6,"refused":1,"timed_out":3,"unreachable":0,"aborted":0,"no_port":0,"reset_by_peer":2,"reset_by_self":0,"timed_out_open":0,"sent":600,"received":60,"unread":0,"most_sent":150,"most_received":20}'
answer='{"complete":true,"edges":[{"client":"exact-a","server":"exact-b:7","port":7,"complete":true,"seen_from":"both","connections":{"open":0,"attempted":10,"opened":6,"closed":6,"failed":4,"refused":1,"timed_out":3,"unreachable":0,"aborted":0,"no_port":0,"timed_out_open":0,"reset_by":{"peer":2,"self":0}},"bytes":{"sent":600,"received":60},"unread_bytes":0}]}'

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
incomplete='.complete = false | .edges[0].complete = false'

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
judge 3 "two ends without their kind, both admitted" "$short | $incomplete" --lost 2
judge 1 "a kind for another, with losses" "$c.timed_out -= 1 | $c.refused += 1 | .complete = false" --lost 9
judge 3 "a reset not seen, and its bytes" "$c.reset_by.peer = 1 | .edges[0].bytes.sent = 500 | $incomplete" --lost 1
judge 1 "bytes missing without a loss" '.edges[0].bytes.sent = 500 | .complete = false' --lost 0
judge 1 "bytes missing, called complete" '.edges[0].bytes.sent = 500' --lost 9
judge 3 "bytes missing with a loss" ".edges[0].bytes.sent = 450 | $incomplete" --lost 1
judge 1 "bytes missing, more than one connection had" ".edges[0].bytes.sent = 449 | $incomplete" --lost 1
judge 3 "bytes missing, of two connections" ".edges[0].bytes.sent = 449 | $incomplete" --lost 2
judge 1 "bytes missing of an edge that calls itself complete" '.edges[0].bytes.sent = 500 | .complete = false' --lost 9
judge 1 "more bytes read than there were, with losses" ".edges[0].bytes.received = 61 | $incomplete" --lost 9
judge 1 "a kind missing of an edge that calls itself complete" "$short | .complete = false" --lost 9
judge 3 "a reset not seen, and bytes of no more than that connection" "$c.reset_by.peer = 1 | .edges[0].bytes.received = 40 | $incomplete" --lost 1
judge 1 "a reset not seen, and bytes of two" "$c.reset_by.peer = 1 | .edges[0].bytes.received = 39 | $incomplete" --lost 1
judge 1 "an attempt missing of no kind, with losses" "$c.attempted -= 1 | $c.failed -= 1 | .complete = false" --lost 9
judge 1 "an opening missing, with losses" "$c.opened -= 1 | $c.failed -= 1 | .complete = false" --lost 9
judge 1 "a close missing, with losses" "$c.closed -= 1 | $c.failed -= 1 | .complete = false" --lost 9
judge 1 "an attempt missing, with losses" "$c.attempted -= 1 | $c.refused -= 1 | $c.failed -= 1 | .complete = false" --lost 9

# The servers' own counts: what came to the port, from whomever.
truth='{"client":"*","server":"exact-b","port":7,"opened":6,"closed":6,"reset_by_peer":0,"reset_by_self":2,"sent":60,"received":600,"unread":5,"most_received":150,"most_sent":20}'
split='.edges += [.edges[0] | .client = "10.0.0.1"] | .edges[1].bytes = {"sent":0,"received":0}'
split="$split | .edges[1].connections |= (.opened = 1 | .closed = 1 | .reset_by.peer = 0) | $c.opened = 5 | $c.closed = 5"
judge 0 "the server's counts are equal" . --servers
judge 0 "and from two clients together" "$split" --servers
judge 1 "a connection that came twice" '.edges += [.edges[0] | .client = "10.0.0.1"]' --servers
for field in opened closed; do judge 1 "the server's end counts one $field too few" "$c.$field -= 1" --servers; done
for field in peer self; do judge 1 "the server's end counts one reset too many" "$c.reset_by.$field += 1" --servers; done
for field in sent received; do judge 1 "the server's end counts one byte too few" ".edges[0].bytes.$field -= 1" --servers; done
judge 3 "the bytes of one that was lost" ".edges[0].bytes.sent = 450 | $incomplete" --servers --lost 1
judge 1 "the bytes of two, one lost" ".edges[0].bytes.sent = 449 | $incomplete" --servers --lost 1
judge 1 "an opening missing, with losses" "$c.opened -= 1 | $incomplete" --servers --lost 9
judge 1 "nothing came to the server" '.edges = []' --servers
done_testing
