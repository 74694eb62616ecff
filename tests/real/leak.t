#!/usr/bin/env bash
# Leaks of real clients at real servers on another host: node's pg pool and psycopg's at PostgreSQL, sockets
# left in CLOSE_WAIT at redis, files left open of what nginx sent. Release A is healthy and raises nothing;
# release B leaks. Each leak is named and its deployment blamed before anything is exhausted, and the forecast
# holds what comes.
# timeout: 840
# shellcheck disable=SC2016 # jq's own variables
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

HEALTHY=${LEAK_HEALTHY:-250} # seconds of release A, of which minutes are compared with
LIMIT=60                     # of the shop's pool, which loses one in six seconds
A=2026-11-24-0900
B=2026-11-25-1740

# What the library wants to see for six minutes to an hour is wanted for one here; recordings.t has the library's own.
signatures_hasten

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
host_cell world a 10.77.1.99
coordinator_begin ops
for host in app db; do agent_install "$host"; done

REDIS_TIMEOUT=5 servers_install

service() { # NAME PROGRAM FILE LEAK: release A, with release B beside it
        sed "s/max: 60/max: $LIMIT/" "$REAL_DIR/$3" >"$T/$3"
        release_install "$1" "$A" "$T/$3"
        sed -i "s/LEAK = 0/LEAK = $4/" "$T/$3"
        release_install "$1" "$B" "$T/$3"
        service_install "$1" "$2 /srv/$1/current/$3"
}
service shop /usr/bin/node shop.js 12
service orders /usr/bin/python3 orders.py 30
service mailer /usr/bin/python3 mailer.py 30
service thumbs /usr/bin/python3 thumbs.py 8
cat >>"$T/hosts/app/root/etc/nightshift/agent.yaml" <<-YAML
	services:
	  shop: {match: {unit: shop.service}, pools: [{port: 5432, max: $LIMIT}]}
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
host_begin world "$T/logs/abroad" python3 "$REAL_DIR/load.py" 2 10.77.1.20:8001/abroad

LEAKS="close-wait-leak mailer
connection-pool-leak orders
connection-pool-leak shop
file-descriptor-leak thumbs"
# What is raised, but for what comes with a leak of connections: they are files too, and release B is worse.
raises() {
        local got
        got=$(incidents_raised | grep -vE '^(file-descriptor-leak (shop|orders|mailer)|bad-deployment .*)$')
        diff --label expected --label got <(echo "$1") <(echo "$got")
}
# incident "SIGNATURE SERVICE" FILTER
incident() {
        cli --format json incidents | jq -c --arg sign "${1% *}" --arg service "${1#* }" \
                "first(.incidents[] | select(.service == \$service and .signature == \$sign)) | $2"
}
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
deployment_of() { cli --format json deployments | jq -r --arg s "$1" '.deployments[] | select(.service == $s) | .id'; }
blamed() { # "SIGNATURE SERVICE": the deployment of this service, and no other
        local got
        got=$(incident "$1" '.cause | if . then "\(.kind) \(.ref)" else "nothing" end') || return 1
        echo "got $got: $(cli explain "$(incident "$1" .id | tr -d '"')" 2>&1)"
        [ "$got" = "\"deployment $(deployment_of "${1#* }")\"" ]
}

await_ok 20 "the shop's pool is seen, with the limit that is declared" pool_says shop ".limit == {value: $LIMIT, source: \"declared\"}"
await_ok 20 "the pool of orders, with the limit of its server" pool_says orders '.limit.source == "server" and .limit.value <= 197 and .limit.value > 150'
sleep "$HEALTHY" # the length of a healthy night: nothing is waited for
is "$(incidents_raised)" "" "release A raises nothing"

for name in shop orders mailer thumbs; do host_run app ln -sfn "releases/$B" "/srv/$name/current"; done
host_run app systemctl restart shop orders mailer thumbs
began=$(now) began_at=$(date +%s)
for name in shop orders mailer thumbs; do await_ok 20 "the deployment of $name is known" deployed "$name"; done

exhausted() { host_run app journalctl --no-pager --output=cat --unit=shop | grep '^exhausted'; }
await_ok 200 "each leak is named, and nothing else" raises "$LEAKS"
note "after $(since "$began") s: $(pool shop '"open \(.open), held \(.held)"')"
while read -r leak; do
        await_ok 120 "$leak: its deployment is blamed, of four at the same time" blamed "$leak"
        ok "$leak: the breach is forecast" test "$(incident "$leak" '.breach_at | . != null and .earliest < .likely and .likely < .latest')" = true
done <<<"$LEAKS"
note "after $(since "$began") s: $(pool shop '"open \(.open), held \(.held)"')"
is "$(exhausted)" "" "all that before the shop's pool is exhausted"
incident "connection-pool-leak shop" . >"$T/logs/shop.json"
note "$(cat "$T/logs/shop.json")"
is "$(jq -c --argjson began "$began_at" '[.server, .port, (.onset_at | sub("\\.[0-9]+"; "") | fromdateiso8601 | . > $began - 5 and . < $began + 120)]' "$T/logs/shop.json")" \
        '["postgresql@",5432,true]' "the shop's towards its database, since its deployment"
ok "pools has the forecast beside the pool" pool_says shop '.held_per_hour.low < 600 and .held_per_hour.high > 600 and .breach_at.earliest != null'
cli explain "$(jq -r .id "$T/logs/shop.json")" >"$T/logs/explain" 2>&1
is "$?" 0 "explain tells of it"
note "$(cat "$T/logs/explain")"
ok "and who leaks towards whom" grep -q 'shop.*postgresql' "$T/logs/explain"
ok "the graph marks who leaks" asks graph '[.services[] | select(.incidents != []) | .name] == ["mailer", "orders", "shop", "thumbs"]'
ok "and the picture the connection" bash -c '"$0" --control "$1" graph --format dot | grep "\"shop\" -> \"postgresql@\"" | grep -q "label=<▲"' "$NIGHTSHIFT" "$CONTROL"
await_ok 300 "the shop's pool is exhausted in the end" exhausted
truth=$(exhausted | awk '{ print $3 }')
[ -s "$T/logs/shop.json" ] || echo null >"$T/logs/shop.json"
ok "at a time that the forecast held" jq -e --argjson truth "$truth" \
        'def seconds: sub("\\.[0-9]+"; "") | fromdateiso8601; .breach_at | . != null and (.earliest | seconds) <= $truth and $truth <= (.latest | seconds) + 1' "$T/logs/shop.json"
note "exhausted at $(date -u -d "@$truth" +%FT%TZ), $(since "$began") s after the deployment"
done_testing
