#!/usr/bin/env bash
# Leaks of real clients at real servers on another host: node's pg pool and psycopg's at PostgreSQL, sockets
# left in CLOSE_WAIT at redis, files left open of what nginx sent. Release A is healthy and raises nothing;
# release B leaks. Each leak is named before anything is exhausted, with its forecast, and the deployment
# is known.
# timeout: 1200
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

HEALTHY=${LEAK_HEALTHY:-60} # seconds of release A; a deployment is blamed only after half an hour of the former build
SLEEPS=390 # that the shop's leak sleeps after its deployment: a pool is judged from its third minute on
A=2026-11-24-0900
B=2026-11-25-1740

# The library wants files to stay open for an hour and sockets in CLOSE_WAIT for ten minutes. Here it is a
# minute; all else is as in the library.
signatures_hasten

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
host_cell world a 10.77.1.99
coordinator_begin ops
for host in app db; do agent_install "$host"; done

REDIS_TIMEOUT=5 servers_install

service() { # NAME PROGRAM FILE LEAK: release A, with release B beside it
        release_install "$1" "$A" "$REAL_DIR/$3"
        sed "s/LEAK = 0/LEAK = $4/" "$REAL_DIR/$3" >"$T/$3"
        release_install "$1" "$B" "$T/$3"
        service_install "$1" "$2 /srv/$1/current/$3"
}
service shop /usr/bin/node shop.js 12
service orders /usr/bin/python3 orders.py 60
service mailer /usr/bin/python3 mailer.py 30
service thumbs /usr/bin/python3 thumbs.py 8
cat >>"$T/hosts/app/root/etc/nightshift/agent.yaml" <<-YAML
	services:
	  shop: {match: {unit: shop.service}, pools: [{port: 5432, max: 60}]}
YAML

host_boot db a 10.77.1.30
host_boot app a 10.77.1.20
host_ready db app
coordinator_ready
agents_ready db app
servers_ready
for port in 8001 8002 8003 8004; do
        await 30 listens app "$port" || bail_out "nobody listens: $port: $(host_run app journalctl --no-pager -n 20)"
done
host_begin world "$T/logs/load" python3 "$REAL_DIR/load.py" 5 10.77.1.20:800{1,2,3,4}/

# What is raised, but for what comes with a leak of connections: they are files too, and release B is worse.
raises() {
        local got
        got=$(incidents_raised | grep -vE '^(file-descriptor-leak (shop|orders|mailer)|bad-deployment .*)$')
        diff --label expected --label got <(echo "$1") <(echo "$got")
}
incident() { cli --format json incidents | jq -c --arg s "$1" "first(.incidents[] | select(.service == \$s)) | $2"; }
pool() { cli --format json pools | jq -c --arg c "$1" "first(.pools[] | select(.client == \$c and .host == \"app\")) | $2"; }
pool_says() {
        local got
        got=$(pool "$1" "$2") || return 1
        echo "got $got"
        [ "$got" = true ]
}
deployed() {
        asks deployments --arg s "$1" --arg a "$A" --arg b "$B" \
                '[.deployments[] | select(.service == $s)] | length == 1 and .[0].from == $a and .[0].to == $b and .[0].kind == "deployment"'
}

await_ok 20 "the shop's pool is seen, with the limit that is declared" pool_says shop '.limit == {value: 60, source: "declared"}'
await_ok 20 "the pool of orders, with the limit of its server" pool_says orders '.limit.source == "server" and .limit.value <= 197 and .limit.value > 150'
sleep "$HEALTHY" # the length of a healthy night: nothing is waited for
is "$(incidents_raised)" "" "release A raises nothing"

for name in shop orders mailer thumbs; do host_run app ln -sfn "releases/$B" "/srv/$name/current"; done
host_run app systemctl restart shop orders mailer thumbs
began=$(now)
for name in shop orders mailer thumbs; do await_ok 20 "the deployment of $name is known" deployed "$name"; done
sleep "$SLEEPS" # as long as the path that leaks is not used
host_begin world "$T/logs/abroad" python3 "$REAL_DIR/load.py" 2 10.77.1.20:8001/abroad
woke=$(date +%s)
await_ok 60 "what the shop holds grows" pool_says shop '.held >= 4'

exhausted() { host_run app journalctl --no-pager --output=cat --unit=shop | grep '^exhausted'; }
await_ok 330 "each leak is named, and nothing else" raises "close-wait-leak mailer
connection-pool-leak orders
connection-pool-leak shop
file-descriptor-leak thumbs"
note "after $(since "$began") s: $(pool shop '"open \(.open), held \(.held)"')"
is "$(exhausted)" "" "before the shop's pool is exhausted"
incident shop . >"$T/logs/shop.json"
ok "the shop has an incident to look at" test -s "$T/logs/shop.json"
note "$(cat "$T/logs/shop.json")"
is "$(jq -c --argjson woke "$woke" '[.server, .port, (.onset_at | sub("\\.[0-9]+"; "") | fromdateiso8601 | . > $woke - 60 and . < $woke + 60)]' "$T/logs/shop.json")" \
        '["postgresql@",5432,true]' "the shop's towards its database, since the leaking path is used"
for name in shop orders mailer thumbs; do
        ok "the breach of $name is forecast" asks incidents --arg s "$name" \
                'any(.incidents[]; .service == $s and .breach_at.earliest < .breach_at.latest and .breach_at.likely > .opened_at)'
done
deployment=$(cli --format json deployments | jq -r '.deployments[] | select(.service == "shop") | .id')
is "$(jq -r --arg d "$deployment" '.cause | if . == null then "" else "\(.kind) \(.ref)" end | sub("^deployment \($d)$"; "")' "$T/logs/shop.json")" "" \
        "nothing else is blamed than its deployment"
cli explain "$(jq -r .id "$T/logs/shop.json")" >"$T/logs/explain" 2>&1
is "$?" 0 "explain tells of it"
note "$(cat "$T/logs/explain")"
ok "and who leaks towards whom" grep -q 'shop.*postgresql' "$T/logs/explain"
await_ok 300 "the shop's pool is exhausted in the end" exhausted
truth=$(exhausted | awk '{ print $3 }')
[ -s "$T/logs/shop.json" ] || echo null >"$T/logs/shop.json"
ok "at a time that the forecast held" jq -e --argjson truth "$truth" \
        'def seconds: sub("\\.[0-9]+"; "") | fromdateiso8601; .breach_at | . != null and (.earliest | seconds) <= $truth and $truth <= (.latest | seconds) + 1' "$T/logs/shop.json"
note "exhausted at $(date -u -d "@$truth" +%FT%TZ)"
done_testing
