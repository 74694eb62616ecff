#!/usr/bin/env bash
# TLS of the endpoint with OpenSSL's own client: versions, who must show what, and certificates that
# are replaced while it runs.
# timeout: 120
. "$(dirname "$0")/link.sh"

"$P/certificates" "$T/tls" || bail_out "no certificates"
cp -r "$T/tls" "$T/live"
begin echo "$P/echo" tls+tcp://127.0.0.1:0 --tls "$T/live" --handshake 2000
ECHO=$BEGUN
await 5 said echo ready || bail_out "the endpoint does not start: $(cat "$T/echo")"
PORT=$(ports echo)

# client OPTIONS...: says hello and one request with the body "name", which is answered with the name
client() {
        { printf '\0SP\0\0\x30\0\0\0\0\0\0\0\0\0\x08\x80\0\0\x01name'; sleep 0.5; } |
                timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -CAfile "$T/tls/ca.crt" -verify_return_error \
                        -verify_hostname localhost -quiet -no_ign_eof "$@" >"$T/answer" 2>"$T/client"
}
as() { client -cert "$T/tls/$1.crt" -key "$T/tls/$1.key" "${@:2}"; }
answer() { tr -d '\0' <"$T/answer" | tail -c 4; }

as web1
is "$(answer)" web1 "a peer is known by the name in its certificate"
for version in 1_2 1_3; do
        as web2 -tls$version
        is "$(answer)" web2 "TLS $version"
done
as web1 -tls1_1 -cipher DEFAULT@SECLEVEL=0
await_ok 5 "TLS 1.1: the log says why" said echo 'speaks a version of TLS older than 1.2'
for version in 1_2 1_3; do
        client -tls$version
        is "$(wc -c <"$T/answer")" 0 "no certificate, TLS $version: no answer, not even a hello"
        ok "no certificate, TLS $version: the client is told" grep -Eq 'alert|handshake failure' "$T/client"
done
await_ok 5 "no certificate: the log says why" said echo 'it presents no certificate; make one with'
is "$(grep -c 'presents no certificate' "$T/echo")" 2 "in one line each"

# A name that no host has
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/tls/odd.key" -subj '/CN=a b;c' -out "$T/odd.csr" 2>/dev/null
openssl x509 -req -in "$T/odd.csr" -CA "$T/tls/ca.crt" -CAkey "$T/tls/ca.key" -days 1 -out "$T/tls/odd.crt" -CAcreateserial 2>/dev/null
as odd
is "$(wc -c <"$T/answer")" 0 "a certificate with an impossible name gets nothing"
await_ok 5 "and the log says why" said echo 'its certificate names no host'

# Reloading
"$P/certificates" "$T/new"
cp "$T/new/coordinator.crt" "$T/live/coordinator.crt" # and not its key
kill -HUP "$ECHO"
await_ok 5 "a certificate without its key is refused, with the file's name" said echo '^reloaded -22 private key .*coordinator.key'
as web1
is "$(answer)" web1 "and the old one stays in use"
cp "$T/new/ca.crt" "$T/new/coordinator.key" "$T/live/"
kill -HUP "$ECHO"
await_ok 5 "the new certificates are taken" said echo '^reloaded 0'
as web1
is "$(wc -c <"$T/answer")" 0 "whoever has a certificate of the old authority is out"
cp "$T/new/ca.crt" "$T/new/web1.crt" "$T/new/web1.key" "$T/tls/"
as web1
is "$(answer)" web1 "and whoever has one of the new is in"
kill -TERM "$ECHO"
wait "$ECHO"
is $? 0 "the endpoint ends cleanly"
done_testing
