#!/usr/bin/env bash
# The first incident of the mission, for real: three payment hosts behind haproxy and a database on a host of its own,
# under steady load. Release B leaks connections. Where authority was granted one host is rolled back first, looked at,
# then the others; no request fails, by haproxy's count and by that of who asks; undo brings release B back. Where it is
# to propose nothing moves before a person's word, and nothing at all across a declared barrier, without the release from
# before, or where nobody declared how a restart loses nothing; a person is told why.
# timeout: 1000
# shellcheck disable=SC2016 # jq's own variables
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

HEALTHY=${ACT_HEALTHY:-250} # seconds of release A, of which minutes are compared with
A=2026-11-24-0900
B=2026-11-25-1740
PAYMENTS="pay1 pay2 pay3"
SIDE="ledger barred bare gone" # on a host of their own, in staging
ADDRESS=10.77.1

# What the library wants to see for minutes is wanted for a third of one here.
mkdir "$T/signatures"
cp "$SOURCE_DIR/coordinator/signatures/connection-pool-leak.yaml" "$T/signatures/"
hasten connection-pool-leak '^settle: 2m' 'settle: 20s'
hasten connection-pool-leak 'by: 2, within: 1m' 'by: 2, within: 20s'
hasten connection-pool-leak 'by: 50%, within: 10m' 'by: 50%, within: 1m'
# Two of three at a time, and none has to stay: the services on the side are one each.
COORDINATOR_YAML="signatures: [$T/signatures]
limits: {share_percent: 67, min_healthy: 0}"

net_router
net_lan a $ADDRESS.1/24
host_cell ops a $ADDRESS.9
host_cell world a $ADDRESS.99
coordinator_begin ops
for host in $PAYMENTS side front db; do agent_install "$host"; done
: >"$T/hosts/db/root/etc/resolv.conf"
mkdir -p "$T/hosts/app/root/etc"
POSTGRES_CONNECTIONS=500 servers_install

# service NAME HOST PORT LEAK ADDRESS: release A, with release B beside it
service() {
        local name=$1 host=$2 port=$3 leak=$4 root=$T/hosts/$2/root release
        for release in $A $B; do
                mkdir -p "$root/srv/$name/releases/$release"
                cp "$REAL_DIR/payments.js" "$root/srv/$name/releases/$release/"
        done
        sed -i "s/LEAK = 0/LEAK = $leak/" "$root/srv/$name/releases/$B/payments.js"
        touch -d 2026-11-24T09:00 "$root/srv/$name/releases/$A"
        touch -d 2026-11-25T17:40 "$root/srv/$name/releases/$B"
        mkdir -p "$root/srv/$name/barriers"
        ln -s "releases/$A" "$root/srv/$name/current"
        host_service "$host" "$name" "/usr/bin/node /srv/$name/current/payments.js $port /run/$name.drain" \
                "WorkingDirectory=/srv/$name/current" "Environment=DATABASE=$DATABASE" "ExecStartPre=rm -f /run/$name.drain"
}
permit() { # NAME RESTART_SAFE PORT
        echo "  $1:"
        echo "    match: {unit: $1.service}"
        [ "$2" = no ] || echo "    restart_safe: {drain: {argv: [/usr/local/bin/drain, $1], timeout: 10s}, ready: {port: $3, within: 20s}}"
        echo "    rollback: {driver: release-link, link: /srv/$1/current, releases: /srv/$1/releases, barriers: /srv/$1/barriers, unit: $1.service}"
}
for host in $PAYMENTS side; do
        cat >"$T/hosts/$host/root/usr/local/bin/drain" <<-'SH'
		#!/bin/sh
		touch "/run/$1.drain" && sleep 0.3
		SH
        chmod +x "$T/hosts/$host/root/usr/local/bin/drain"
        printf 'stop_file: /etc/nightshift/stop\nallow: [service.rollback]\nlimits: {actions_per_hour: 20, cooldown: 1s, attempts: 20}\n' >>"$T/hosts/$host/root/etc/nightshift/agent.yaml"
done
for host in $PAYMENTS; do
        service payments "$host" 8001 10
        { echo "labels: {environment: production, zone: a}"; echo "services:"; permit payments yes 8001; } >>"$T/hosts/$host/root/etc/nightshift/agent.yaml"
done
{ echo "labels: {environment: staging, zone: b}"; echo "services:"; } >>"$T/hosts/side/root/etc/nightshift/agent.yaml"
port=8010
for name in $SIDE; do
        service "$name" side $((++port)) 20
        permit "$name" "$([ "$name" = bare ] && echo no || echo yes)" $port >>"$T/hosts/side/root/etc/nightshift/agent.yaml"
done
cat >"$T/hosts/front/root/etc/haproxy/haproxy.cfg" <<-CONF
	global
	    stats socket /run/haproxy.sock mode 600 level admin
	    maxconn 2000
	defaults
	    mode http
	    timeout connect 2s
	    timeout client 30s
	    timeout server 30s
	    timeout check 1s
	    option redispatch
	    retries 3
	frontend shop
	    bind $ADDRESS.40:8000
	    default_backend payments
	backend payments
	    balance random
	    option httpchk GET /healthy
	    http-check expect status 200
	    default-server check inter 100ms fall 1 rise 2
	    server pay1 $ADDRESS.21:8001
	    server pay2 $ADDRESS.22:8001
	    server pay3 $ADDRESS.23:8001
CONF
ln -s /lib/systemd/system/haproxy.service "$T/hosts/front/root/etc/systemd/system/multi-user.target.wants/"

host_boot db a $DATABASE
host_boot front a $ADDRESS.40
for k in 1 2 3; do host_boot pay$k a $ADDRESS.2$k; done
host_boot side a $ADDRESS.50
host_ready db front $PAYMENTS side
coordinator_ready
agents_ready db front $PAYMENTS side
servers_ready
for host in $PAYMENTS; do await 30 listens "$host" 8001 || bail_out "nobody listens on $host: $(host_run "$host" journalctl --no-pager -n 20)"; done
for port in 8011 8012 8013 8014; do await 30 listens side $port || bail_out "nobody listens on side: $port"; done
await 30 listens front 8000 || bail_out "haproxy does not listen"
sleep 1 # the health checks' first turn
side=(); for port in 8011 8012 8013 8014; do side+=("$ADDRESS.50:$port/" "$ADDRESS.50:$port/abroad"); done
host_begin world "$T/logs/side-load" python3 "$REAL_DIR/load.py" 2 "${side[@]}"
host_begin world "$T/logs/steady" python3 "$REAL_DIR/steady.py" "http://$ADDRESS.40:8000/" 9 "http://$ADDRESS.40:8000/abroad" 6
STEADY=$BEGUN
asked() { kill -USR1 "$STEADY"; sleep 0.3; grep '^asked' "$T/logs/steady" | tail -n 1; }
haproxy_failed() { # 5xx of the front, errors towards servers, and connections that had to be tried again
        host_run front sh -c 'echo show stat | socat - /run/haproxy.sock 2>/dev/null || python3 -c "
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(\"/run/haproxy.sock\"); s.sendall(b\"show stat\\n\")
d = b\"\"
while (b := s.recv(65536)): d += b
sys.stdout.write(d.decode())"' | python3 -c '
import csv, sys
rows = list(csv.DictReader(line.lstrip("# ") for line in sys.stdin))
front = next(r for r in rows if r["svname"] == "FRONTEND" and r["pxname"] == "shop")
back = next(r for r in rows if r["svname"] == "BACKEND" and r["pxname"] == "payments")
print("5xx", front["hrsp_5xx"], "answers", back["eresp"], "connections", back["econ"])'
}
release() { host_run "$1" sh -c "basename \$(readlink /proc/\$(systemctl show --property=MainPID --value $2)/cwd)"; }
releases() { for host in $PAYMENTS; do release "$host" payments; done | xargs; }
runs() { [ "$(releases)" = "$1" ] || { releases; false; }; }
# action SERVICE FILTER: the latest of it
action() { cli --format json actions | jq -r --arg s "$1" "[.actions[] | select(.service == \$s)] | max_by(.id | ltrimstr(\"a\") | tonumber) | $2"; }
is_in() { local got; got=$(action "$1" .state); echo "$got: $(action "$1" .why)"; [[ " $2 " = *" $got "* ]]; }
targets() { action payments '[.targets[] | "\(.host) \(.state)"] | join(", ")'; }

sleep "$HEALTHY"
is "$(cli --format json incidents | jq -r '.incidents[].signature' | xargs)" "" "release A raises nothing"
is "$(asked | awk '{ print $4 }'), $(haproxy_failed)" "0, 5xx 0 answers 0 connections 0" "and no request fails"

# First what is not to move: by itself, or at all.
host_run side touch "/srv/barred/barriers/$B"
host_run side rm -r "/srv/gone/releases/$A"
for name in $SIDE; do host_run side sh -c "ln -sfn releases/$B /srv/$name/current && systemctl restart $name"; done
cli authority grant --signature connection-pool-leak --action service.rollback --environment production --rung alone --for 1h --why "a test" >"$T/logs/grant" 2>&1
is "$?" 0 "authority is granted for production"
deploy() { host_run "$1" sh -c "ln -sfn releases/$B /srv/payments/current && drain payments && systemctl restart payments"; }
for host in $PAYMENTS; do deploy "$host"; sleep 1; done
deployed_at=$(now)
is "$(asked | awk '{ print $4 }'), $(haproxy_failed)" "0, 5xx 0 answers 0 connections 0" "a deployment of a drained service loses no request"

# Then the incident that closes itself.
await_ok 150 "the leak of payments is found" asks incidents 'any(.incidents[]; .service == "payments" and .signature == "connection-pool-leak")'
opened=$(now)
note "after $(since "$deployed_at") s"
# Three minutes of release B are compared with as many of release A before anything is blamed.
blamed() { asks incidents 'any(.incidents[]; .service == "payments" and .cause.kind == "deployment")'; }
await_ok 300 "and its deployment is blamed" blamed
await_ok 30 "the first host is rolled back at once" is_in payments "applied verified"
# By the log: from the entry that names the cause to that of what the host did.
took() {
        cli --format json audit list --incident "$(action payments .incident)" | jq 'def seconds: capture("(?<s>.*)(?<f>\\.[0-9]+)Z") | (.s + "Z" | fromdateiso8601) + (.f | tonumber);
                [.audit[] | select(.kind == "diagnosis" or .kind == "result")] | (map(select(.kind == "result")) | first | .at) as $result
                | ($result | seconds) - (map(select(.kind == "diagnosis" and .at < $result)) | last | .at | seconds)'
}
at_most "$(took)" 2 "within two seconds of the diagnosis it is applied, drained and ready"
note "$(targets)"
is "$(releases | tr ' ' '\n' | grep -c "$A")" 1 "one, and no other"
first_holds() { local got; got=$(action payments '.targets[0].state'); echo "$got"; [[ $got = held ]]; }
await_ok 120 "what was predicted is looked at, and came true: the first host keeps it" first_holds
await_ok 250 "then the rest, each verified before the next" is_in payments closed
runs_now=$(releases)
is "$runs_now" "$A $A $A" "all of them run release A"
note "closed $(since "$opened") s after it was found: $(targets)"
is "$(action payments '"\(.decided_by) \(.verdict)"')" "authority verified" "by authority that was granted, and verified"
is "$(asked | awk '{ print $4 }'), $(haproxy_failed)" "0, 5xx 0 answers 0 connections 0" "no request has failed for it"
note "$(asked)"

# What was proposed on the side.
for name in ledger barred gone; do await_ok 60 "$name: proposed, as its environment has earned nothing" is_in $name proposed; done
for name in $SIDE; do is "$(release side $name)" "$B" "$name: nothing has moved"; done
await_ok 30 "bare: proposed only" is_in bare proposed
is "$(action bare '"\(.class): \(.why)"')" "one_way: what is one-way takes a person's word, always" "... for nobody declared that a restart loses nothing"
for name in barred gone; do
        cli approve "$(action $name .id)" >>"$T/logs/approve" 2>&1
        await_ok 20 "$name: refused by its host, also on a person's word" is_in $name refused
        is "$(release side $name)" "$B" "$name: nothing has moved"
done
note "$(action barred .why); $(action gone .why)"
ok "barred: the barrier is named" bash -c '[[ $0 = *"(barrier)"*"'"$B"'"* ]]' "$(action barred .why)"
ok "gone: the release is not there" bash -c '[[ $0 = *"(no-release)"* ]]' "$(action gone .why)"
cli approve "$(action ledger .id)" >>"$T/logs/approve" 2>&1
await_ok 20 "ledger: on a person's word it is rolled back" is_in ledger "applied verified closed"
is "$(release side ledger)" "$A" "... indeed"

# And back.
cli undo "$(action payments .id)" >"$T/logs/undo" 2>&1
is "$?" 0 "a person undoes it"
await_ok 90 "release B runs again, host by host" runs "$B $B $B"
await_ok 30 "and that is told" is_in payments reverted
is "$(asked | awk '{ print $4 }'), $(haproxy_failed)" "0, 5xx 0 answers 0 connections 0" "no request has failed for that either"
await_ok 150 "ledger: verified in the end" is_in ledger "verified closed"
ok "the audit log tells all of it, and is whole" cli audit verify "$T/coordinator/audit"
note "$(cli --format json audit list | jq -r '[.audit[].kind] | group_by(.) | map("\(.[0]) \(length)") | join(", ")')"
done_testing
