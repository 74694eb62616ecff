#!/usr/bin/env bash
# Who is let in: hosts by the name in their certificate, and nobody else. Each that is refused is
# refused in words on both sides, and the others do not notice.
. "$(dirname "$0")/lib.sh"
product_built

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
host_cell good a 10.77.1.10
host_cell bad a 10.77.1.66
coordinator_begin ops
coordinator_ready

agent_in() { # CELL HOST CERTIFICATE-FOLDER CERTIFICATE-NAME, with the url as it is
        cat >"$T/$4-$2.yaml" <<-YAML
		tls:
		  ca: ${CA_FILE:-$CA/ca.crt}
		  certificate: $3/$4.crt
		  key: $3/$4.key
		YAML
        host_begin "$1" "$T/logs/agent-$4-$2" "$AGENT" --config "$T/$4-$2.yaml" --state-dir "$T/agent-$4-$2" \
                --coordinator "$COORDINATOR_URL" --host "$2" --interval 1 --scope "cgroup=$CGROUP/$RIG/$1"
}
ca_issue good
agent_in good good "$CA" good
await_ok 10 "a host with its own certificate is let in" hosts_heard good

# both_say NAME AGENT-LOG PATTERN-OF-THE-COORDINATOR PATTERN-OF-THE-AGENT
both_say() {
        await_ok 15 "$1: the coordinator says why" grep -Eiq "$3" "$T/logs/coordinator"
        await_ok 15 "$1: the agent says why" grep -Eiq "$4" "$T/logs/agent-$2"
        note "coordinator: $(grep -Ei "$3" "$T/logs/coordinator" | head -1)"
        note "agent: $(grep -Ei "$4" "$T/logs/agent-$2" | head -1)"
}

agent_in bad good "$CA" good
mv "$T/logs/agent-good-good" "$T/logs/agent-twin" 2>/dev/null
kill "$BEGUN"

ca_issue other
agent_in bad liar "$CA" other
both_say "a name that is not the certificate's" other-liar 'liar.*(certificate|other)|other.*liar' 'refuse|certificate|name'
kill "$BEGUN"

mkdir "$T/foreign"
"$NIGHTSHIFT" ca init --dir "$T/foreign/ca" >/dev/null && "$NIGHTSHIFT" ca issue --dir "$T/foreign/ca" foreign >/dev/null
agent_in bad foreign "$T/foreign/ca" foreign
both_say "a foreign authority" foreign-foreign 'certificate|unknown ca|self.signed|issuer' 'refuse|certificate|unknown ca'
kill "$BEGUN"

# An expired one is made with the same authority's key.
cat >"$T/expired.conf" <<CONF
[ca]
default_ca = a
[a]
new_certs_dir = $T
database = $T/index.txt
serial = $T/serial
default_md = sha256
policy = p
x509_extensions = e
copy_extensions = copy
[p]
commonName = supplied
[e]
subjectAltName = DNS:expired
extendedKeyUsage = clientAuth,serverAuth
CONF
touch "$T/index.txt"
echo 4711 >"$T/serial"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/foreign/expired.key" -subj /CN=expired -out "$T/expired.csr" 2>/dev/null
openssl ca -batch -notext -config "$T/expired.conf" -cert "$CA/ca.crt" -keyfile "$CA/ca.key" -startdate 20200101000000Z \
        -enddate 20200201000000Z -in "$T/expired.csr" -out "$T/foreign/expired.crt" >"$T/logs/openssl" 2>&1 ||
        fail "an expired certificate is made" "$(cat "$T/logs/openssl")"
agent_in bad expired "$T/foreign" expired
both_say "an expired certificate" expired-expired 'expired' 'expired'
kill "$BEGUN"

# The coordinator's own certificate is looked at as well.
CA_FILE=$T/foreign/ca/ca.crt agent_in bad careful "$CA" other
await_ok 15 "an agent believes no coordinator of another authority" grep -Eiq 'certificate|verif|unknown ca|self.signed' "$T/logs/agent-other-careful"
note "agent: $(grep -Ei 'certificate|verif|unknown ca|self.signed' "$T/logs/agent-other-careful" | head -1)"
kill "$BEGUN"

# In the clear only on loopback, on both sides.
said=$(host_run bad timeout 10 "$AGENT" --state-dir "$T/agent-plain" --coordinator tcp://10.77.1.9:7337 --host bad 2>&1)
is $? 1 "an agent refuses to talk in the clear across a network"
note "$said"
said=$(host_run bad timeout 10 "$COORDINATOR" --state-dir "$T/plain" --control "$T/plain.sock" --listen tcp://10.77.1.66:7337 2>&1)
is $? 1 "a coordinator refuses to listen in the clear on a network"
note "$said"

is "$(cli --format json hosts | jq -c '[.hosts[].name]')" '["good"]' "nobody else was let in"
ok "and who was is undisturbed" hosts_heard good
done_testing
