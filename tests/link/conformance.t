#!/usr/bin/env bash
# The endpoint speaks with others as they are: stock nng, and mangos, an implementation in Go, each
# 100,000 requests over TCP and TLS without an error. Beside it, what a message costs the endpoint and
# what it costs nng's own replier.
# timeout: 400
. "$(dirname "$0")/link.sh"

COUNT=100000
[ -z "${FAST:-}" ] || COUNT=20000

"$P/certificates" "$T/tls" || bail_out "no certificates"
begin echo "$P/echo" tcp://127.0.0.1:0 tls+tcp://127.0.0.1:0 "ipc://$T/sock" --tls "$T/tls"
ECHO=$BEGUN
await 5 said echo ready || bail_out "the endpoint does not start: $(cat "$T/echo")"
{ read -r PLAIN; read -r TLS; } < <(ports echo)

cpu_of() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# exchange NAME COMMAND...: also sets $COST, the endpoint's time for a message in us
exchange() {
        local name=$1 before requests
        shift
        before=$(echo_statistic "$ECHO" echo cpu_us)
        requests=$(echo_statistic "$ECHO" echo requests)
        if "$@" >"$T/client" 2>&1; then pass "$name"; else fail "$name" "$(cat "$T/client")"; fi
        requests=$(($(echo_statistic "$ECHO" echo requests) - requests))
        COST=$(awk -v c=$(($(echo_statistic "$ECHO" echo cpu_us) - before)) -v n="$requests" 'BEGIN { printf "%.1f", n ? c / n : 0 }')
        note "$(cat "$T/client"); the endpoint took $COST us of processor for each of $requests"
}

exchange "stock nng over tcp, $COUNT requests" "$P/nng_client" "tcp://127.0.0.1:$PLAIN" $COUNT 16 100
OURS=$COST
exchange "stock nng over tls, $COUNT requests (mbed TLS)" "$P/nng_client" "tls+tcp://localhost:$TLS" $COUNT 16 100 --tls "$T/tls" web1.crt web1.key
exchange "stock nng over ipc" "$P/nng_client" "ipc://$T/sock" $((COUNT / 5)) 8 100
exchange "stock nng, requests of 3 MB" "$P/nng_client" "tcp://127.0.0.1:$PLAIN" 50 2 3000000
exchange "stock nng, requests of 3 MB over tls" "$P/nng_client" "tls+tcp://localhost:$TLS" 20 2 3000000 --tls "$T/tls" web1.crt web1.key

# nng's own replier, the same client
begin rep "$P/nng_server" "tcp://127.0.0.1:$((PLAIN > 32768 ? PLAIN - 1000 : PLAIN + 1000))"
REP=$BEGUN
await 5 said rep ready || bail_out "nng's replier does not start"
"$P/nng_client" "tcp://127.0.0.1:$((PLAIN > 32768 ? PLAIN - 1000 : PLAIN + 1000))" $COUNT 16 100 >"$T/client" 2>&1 || fail "nng with itself" "$(cat "$T/client")"
kill -TERM "$REP"
wait "$REP"
THEIRS=$(awk -v n=$COUNT '/^cpu_us/ { printf "%.1f", $2 / n }' "$T/rep")
note "$(cat "$T/client"); nng's replier took $THEIRS us of processor for each"
at_most "$OURS" "$THEIRS" "a message costs the endpoint no more than nng's replier, us"

if [ -n "${FAST:-}" ]; then
        pass "mangos # SKIP it takes a minute to build"
elif ! command -v go >/dev/null; then
        pass "mangos # SKIP there is no go here"
elif ! (cd "$(dirname "$0")/mangos" && GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod go build -o "$OLDPWD/$P/mangos-client" .) >"$T/go" 2>&1; then
        if grep -Eq 'dial tcp|no such host|lookup|i/o timeout|proxy|requires go' "$T/go"; then
                pass "mangos # SKIP it cannot be fetched: $(tail -1 "$T/go")"
        else
                fail "mangos is built" "$(cat "$T/go")"
        fi
else
        exchange "mangos over tcp, $COUNT requests" "$P/mangos-client" "tcp://127.0.0.1:$PLAIN" $COUNT 8 100
        exchange "mangos over tls, $COUNT requests (TLS 1.3)" "$P/mangos-client" "tls+tcp://localhost:$TLS" $COUNT 8 100 "$T/tls" web1.crt web1.key
        exchange "mangos over ipc" "$P/mangos-client" "ipc://$T/sock" $((COUNT / 5)) 4 100
fi
is "$(echo_statistic "$ECHO" echo refused)" 0 "nothing was refused"
is "$(grep -c warning "$T/echo")" 0 "and there was nothing to log"
done_testing
