#!/usr/bin/env bash
# Peers that nobody should have: each kind is refused with one clear line, memory stays bounded, all
# its connections are gone in the end, and a well-behaved peer beside them is not disturbed.
# timeout: 240
. "$(dirname "$0")/link.sh"

"$P/certificates" "$T/tls" || bail_out "no certificates"
ulimit -n 16384
# Ahead of whatever else runs on this machine: it is the endpoint that is measured.
begin echo nice -n -10 "$P/echo" tcp://127.0.0.1:0 tls+tcp://127.0.0.1:0 --tls "$T/tls" --handshake 2000 --idle 3000
ECHO=$BEGUN
await 5 said echo ready || bail_out "the endpoint does not start: $(cat "$T/echo")"
{ read -r PLAIN; read -r TLS; } < <(ports echo)
begin peer nice -n -10 "$P/hostile" well-behaved "$PLAIN" 0
PEER=$BEGUN
RSS_BEFORE=$(rss_kib "$ECHO")

connections_are() { [ "$(echo_statistic "$ECHO" echo connections)" = "$1" ]; }

# attack NAME PORT COUNT PATTERN: PATTERN is what the log must say about it
attack() {
        local lines before rss
        before=$(grep -c 'warning' "$T/echo")
        "$P/hostile" "$1" "$2" "$3" >"$T/$1.$2" 2>&1 || fail "$1 on $2" "$(cat "$T/$1.$2")"
        rss=$(rss_kib "$ECHO")
        await_ok 15 "$1 x $3 on port $4: every connection is gone" connections_are 1
        note "$(tr '\n' ' ' <"$T/$1.$2") rss after: $rss KiB"
        lines=$(($(grep -c warning "$T/echo") - before))
        [ -z "$5" ] || ok "$1 on $4: the log says why" grep -Eq "$5" "$T/echo"
        at_most "$lines" "${6:-16}" "$1 on $4: log lines"
}

attack fin-rst "$PLAIN" 1000 plain 'hung up before the handshake'
attack fin-rst "$TLS" 1000 tls 'hung up before the handshake'
attack reset-in-flight "$PLAIN" 200 plain ''
attack half-handshake "$PLAIN" 300 plain 'speaks TLS on a listener without it'
attack half-handshake "$TLS" 300 tls 'hung up before the handshake'
attack garbage "$PLAIN" 200 plain 'does not speak the SP protocol'
attack garbage "$TLS" 200 tls 'does not speak TLS'
attack oversized "$PLAIN" 200 plain 'longer than the limit'
attack truncated "$PLAIN" 200 plain 'in the middle of a message'
attack never-read "$PLAIN" 10 plain 'does not read its replies'
attack flood "$PLAIN" 20 plain ''
attack hoard "$PLAIN" 40 plain 'too much memory'
[ -n "${FAST:-}" ] && many=1000 || many=5000
attack idle "$PLAIN" "$many" plain 'the handshake took too long'
attack idle "$TLS" 200 tls 'the handshake took too long'
attack idle-after-hello "$PLAIN" "$many" plain 'idle for too long'

# Authenticated peers that vanish with requests in flight, which leaked connections in nng's listener.
for _ in $(seq 25); do
        "$P/nng_client" "tls+tcp://localhost:$TLS" 1000000 16 20000 --tls "$T/tls" web1.crt web1.key >"$T/victim" 2>&1 &
        VICTIM=$!
        await 5 connections_are 2 || note "no second connection: $(cat "$T/victim")"
        kill -KILL "$VICTIM"
        wait "$VICTIM" 2>/dev/null
done
await_ok 15 "TLS peers killed amid their requests x 25: every connection is gone" connections_are 1

# The heap of AddressSanitizer keeps what was freed.
grep -q libasan "/proc/$ECHO/maps" && highest=1048576 || highest=131072
note "rss before $RSS_BEFORE KiB, after $(rss_kib "$ECHO") KiB, at most $(awk '/^VmHWM/ { print $2 }' "/proc/$ECHO/status") KiB"
at_most "$(awk '/^VmHWM/ { print $2 }' "/proc/$ECHO/status")" "$highest" "memory at its highest, KiB"
kill -TERM "$PEER"
wait "$PEER"
is $? 0 "the well-behaved peer saw no error"
note "$(cat "$T/peer")"
at_most "$(awk '/^requests/ { print $6 }' "$T/peer")" 100000 "its requests at p99, us"
at_most "$(awk '/^requests/ { print $8 }' "$T/peer")" 1000000 "its slowest request, us"
kill -TERM "$ECHO"
wait "$ECHO"
is $? 0 "the endpoint ends cleanly" # under a sanitizer also: without a leak
note "$(grep warning "$T/echo" | sed 's/.*endpoint: //; s/:[0-9]*:/:/' | sort | uniq -c | sort -rn | head -40)"

# Out of descriptors: connections wait in the backlog, nothing spins, and it recovers by itself.
begin few prlimit --nofile=64 "$P/echo" tcp://127.0.0.1:0 --handshake 1500
FEW=$BEGUN
await 5 said few ready || bail_out "$(cat "$T/few")"
PLAIN=$(ports few)
"$P/hostile" idle "$PLAIN" 150 >"$T/idle" &
PIDS+=($!)
await_ok 5 "out of descriptors: the log says so" said few 'cannot accept connections for now: Too many open files'
before=$(echo_statistic "$FEW" few cpu_us)
sleep 1
at_most $(($(echo_statistic "$FEW" few cpu_us) - before)) 200000 "out of descriptors: processor time in a second, us"
all_gone() { [ "$(echo_statistic "$FEW" few accepted)" -ge 150 ] && [ "$(echo_statistic "$FEW" few connections)" = 0 ]; }
await_ok 15 "out of descriptors: all of 150 were accepted in the end" all_gone
at_most "$(grep -c 'cannot accept' "$T/few")" 8 "out of descriptors: log lines"
done_testing
