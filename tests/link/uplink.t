#!/usr/bin/env bash
# The agent's uplink against the endpoint over TLS, across a network that can be cut: summaries and
# commands arrive, faults heal within five seconds, and whoever is refused says why.
# timeout: 300
. "$(dirname "$0")/link.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"
NS=nslink$$
URL=tls+tcp://10.99.7.1:7337
"$P/certificates" "$T/tls" 10.99.7.1 || bail_out "no certificates"
chmod 755 "$T"

undone() {
        ended
        ip netns del $NS-c 2>/dev/null
        ip netns del $NS-a 2>/dev/null
}
trap undone EXIT
ip netns add $NS-c && ip netns add $NS-a || bail_out "no network namespaces"
ip -n $NS-c link add up0 type veth peer name up0 netns $NS-a
ip -n $NS-c addr add 10.99.7.1/24 dev up0
ip -n $NS-a addr add 10.99.7.2/24 dev up0
for ns in c a; do ip -n $NS-$ns link set lo up && ip -n $NS-$ns link set up0 up; done

uptime_ms() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }
coordinator() { # OPTIONS...
        begin coordinator ip netns exec $NS-c "$P/acker" "$URL" --tls "$T/tls" --hold 20000 "$@"
        COORDINATOR=$BEGUN
}
agent() { # NAME HOST CERTIFICATE OPTIONS...
        local name=$1 host=$2 certificate=$3
        shift 3
        begin "agent-$name" ip netns exec $NS-a "$P/uplinker" "$URL" "$host" --tls "${CA:-$T/tls}" "$certificate" --user nobody "$@"
        AGENT=$BEGUN
}
acknowledged() { grep -c ^acknowledged "$T/agent-$1"; }
acknowledged_more() { [ "$(acknowledged "$1")" -gt "$2" ]; }
last_acknowledged() { awk '/^acknowledged/ { at = $4 } END { print at }' "$T/agent-$1"; }
# Seconds from MS to the first acknowledgement after it
first_after() { awk -v t="$2" '/^acknowledged/ && $4 >= t { printf "%.2f", ($4 - t) / 1000; exit }' "$T/agent-$1"; }
stop() { kill -TERM "$1"; wait "$1" 2>/dev/null; }
all_acknowledged_after() { local i; for i in 0 1 2 3 4 5 6 7; do [ -n "$(first_after $i "$1")" ] || return 1; done; }
slowest_after() { local i; for i in 0 1 2 3 4 5 6 7; do first_after $i "$1"; echo; done | sort -n | tail -1; }

coordinator --command
await 5 said coordinator ready || bail_out "$(cat "$T/coordinator")"
for i in 0 1 2 3 4 5 6 7; do agent $i web1 web1 --every 500; [ $i = 0 ] && FIRST=$AGENT; done
await_ok 5 "a summary is acknowledged" acknowledged_more 0 2
await_ok 5 "a command arrives" eval 'grep -q "^command 7 .*nginx" "$T"/agent-*'
await_ok 5 "and that it was carried out" said coordinator '^done 7'
ok "the certificate's name comes with the summary" said coordinator '^summary web1 web1 1$'
CHILD=$(pgrep -P "$FIRST")
is "$(awk '/^CapEff|^CapPrm|^CapBnd/ { print $2 }' "/proc/$CHILD/status" | sort -u)" 0000000000000000 "the child holds no capability"
is "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$CHILD/status")" 1 "and cannot gain one"
note "$(awk '/^VmRSS|^RssAnon|^Threads/ { printf "%s ", $0 }' "/proc/$CHILD/status" | tr -s '\t ' ' ')"
grep -q libasan "/proc/$CHILD/maps" && highest=65536 || highest=12288
at_most "$(rss_kib "$CHILD")" $highest "the child's resident memory, KiB"

# The coordinator dies and comes back.
[ -n "${FAST:-}" ] && downs=0 || downs="0 8"
for down in $downs; do
        kill -KILL "$COORDINATOR"
        wait "$COORDINATOR" 2>/dev/null
        sleep $down
        coordinator
        back=$(uptime_ms)
        await 10 all_acknowledged_after "$back"
        at_most "$(slowest_after "$back")" 5 "back after SIGKILL of the coordinator and ${down} s without it: the slowest of 8 agents, s"
done

# The child dies.
kill -KILL "$CHILD"
at=$(uptime_ms)
await_ok 5 "a child that was killed is started again, and goes on" eval '[ -n "$(first_after 0 $at)" ]'
await 5 acknowledged_more 0 "$(acknowledged 0)"
is "$(awk '/^acknowledged/ { print $2 }' "$T/agent-0" | sort -n | uniq | awk 'NR != $1 { print "misses " NR; exit }')" "" \
        "no summary was lost on the way"

# A black hole: nothing is refused, nothing arrives.
if [ -z "${FAST:-}" ]; then
        hole=40
        ip netns exec $NS-c nft -f - <<'NFT'
table inet hole {
        chain in { type filter hook input priority 0; iifname "up0" drop; }
        chain out { type filter hook output priority 0; oifname "up0" drop; }
}
NFT
        begun=$(uptime_ms)
        sleep $hole
        ip netns exec $NS-c nft delete table inet hole
        healed=$(uptime_ms)
        await 15 all_acknowledged_after "$healed"
        at_most "$(last_acknowledged 0 | awk -v b="$begun" -v h="$healed" '{ print ($1 > b + 200 && $1 < h) }')" 0 "nothing came through the hole"
        at_most "$(slowest_after "$healed")" 5 "back after a black hole of $hole s: the slowest of 8 agents, s"
        is "$(awk '/^acknowledged/ { print $2 }' "$T/agent-0" | sort -n | uniq | awk 'NR != $1 { print "misses " NR; exit }')" "" \
                "no summary was lost in it"
fi
for i in 0 1 2 3 4 5 6 7; do kill -TERM "${PIDS[$((i + 1))]}"; done
await_ok 5 "an agent ends when it is told to" said agent-0 '^ended'

# Large ones travel in a memfd, and the child is behind at some point.
agent large web1 web1 --edges 20000 --every 1 --count 12
await_ok 20 "summaries of 20,000 edges arrive" acknowledged_more large 11
stop "$AGENT"

# An agent that dies leaves nothing behind.
agent orphan web1 web1 --every 200
await 5 acknowledged_more orphan 1
CHILD=$(pgrep -P "$AGENT")
kill -KILL "$AGENT"
wait "$AGENT" 2>/dev/null
await_ok 5 "the child ends with an agent that was killed" eval '! kill -0 "$CHILD"'

# Whoever is refused says why, and the coordinator does.
refused() { # NAME CERTIFICATE AGENT-PATTERN COORDINATOR-PATTERN
        agent "$1" web1 "$2" --every 200
        await_ok 8 "$1: the agent says why" said "agent-$1" "$3"
        await_ok 8 "$1: the coordinator says why" said coordinator "$4"
        note "agent: $(grep uplink "$T/agent-$1" | head -2 | sed 's/^[^ ]* //')"
        is "$(acknowledged "$1")" 0 "$1: nothing was acknowledged"
        stop "$AGENT"
}
refused expired expired 'refuses our certificate (expired): certificate expired' 'certificate for expired: certificate has expired'
refused early early 'refuses our certificate (early)' 'certificate for early: certificate is not yet valid'
refused foreign foreign/web1 'refuses our certificate (web1): unknown ca' 'certificate for web1: unable to get local issuer'
CA=$T/tls/foreign refused other-authority web1 "coordinator's certificate (localhost) is not accepted" 'it refused us: unknown ca'
refused host-as-coordinator coordinator 'refuses our certificate' 'certificate for localhost: un.* certificate purpose'
stop "$COORDINATOR"

cp "$T/tls/ca.crt" "$T/tls/mismatch/"
begin coordinator ip netns exec $NS-c "$P/acker" "$URL" --tls "$T/tls/mismatch"
COORDINATOR=$BEGUN
await 5 said coordinator ready || bail_out "$(cat "$T/coordinator")"
refused mismatch web1 'is not for 10.99.7.1' 'it refused us'
stop "$COORDINATOR"

coordinator --refuse "web1 is not the name in its certificate"
await 5 said coordinator ready || bail_out "$(cat "$T/coordinator")"
refused refusal web1 'the coordinator refuses this agent: web1 is not the name' 'web1 is not the name'
stop "$COORDINATOR"
agent alone web1 web1 --every 200
await_ok 8 "without a coordinator: the agent says why" said agent-alone 'connection refused: no coordinator listens there'
stop "$AGENT"

# What cannot work is said at once.
said_at_once() { # PATTERN DESCRIPTION ARGUMENTS...
        local pattern=$1 description=$2
        shift 2
        timeout 10 "$P/uplinker" "$@" >"$T/once" 2>&1
        is $? 1 "$description: it does not start"
        ok "$description: $(sed 's/^[^ ]* //' "$T/once")" grep -q "$pattern" "$T/once"
}
said_at_once 'plain tcp:// is for' "plain tcp across a network" tcp://10.99.7.1:7337 web1
said_at_once 'needs a CA' "tls without files" "$URL" web1
said_at_once 'none.crt: No such file' "a missing certificate" "$URL" web1 --tls "$T/tls" none
cp "$T/tls/web2.key" "$T/tls/mixed.key" && cp "$T/tls/web1.crt" "$T/tls/mixed.crt"
said_at_once 'mixed.key: key values mismatch' "the key of another certificate" "$URL" web1 --tls "$T/tls" mixed
said_at_once 'must be tls+tcp' "no URL" ftp://x web1
done_testing
