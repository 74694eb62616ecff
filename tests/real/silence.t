#!/usr/bin/env bash
# Healthy services that look like trouble, by real clients at real servers: each runs for minutes in which its
# pools fill, rotate, shrink and lie idle as they would in hours, and nothing is raised. Signatures are the
# library's, and those that want a quarter of an hour and more with windows of minutes beside it.
# timeout: 1200
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

MINUTES=${SILENCE_MINUTES:-8}
HABITS="prewarmed rotation breathing threads workers transactions polls cron warming slow bench bouncer keepalive"
A=2026-11-24-0900
B=2026-11-25-1740

signatures_hasten

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
coordinator_begin ops
for host in app db; do agent_install "$host"; done
POSTGRES_CONNECTIONS=400 servers_install

for name in $HABITS; do
        release_install "$name" "$A" "$REAL_DIR/habits.py"
        service_install "$name" "/usr/bin/python3 /srv/$name/current/habits.py $name"
done
for name in burst bursts; do
        release_install "$name" "$A" "$REAL_DIR/burst.js"
        service_install "$name" "/usr/bin/node /srv/$name/current/burst.js $name"
done
release_install streams "$A" "$REAL_DIR/streams.js"
service_install streams "/usr/bin/node /srv/streams/current/streams.js ask $DATABASE"
mkdir -p "$T/hosts/db/root/srv"
cp "$REAL_DIR/streams.js" "$T/hosts/db/root/srv/"
host_service db pages "/usr/bin/node /srv/streams.js serve"
# A release that changes nothing but a remark, and one that is there to be restarted.
{
        cat "$REAL_DIR/habits.py"
        echo "# $B"
} >"$T/habits.py"
release_install rotation "$B" "$T/habits.py"

host_boot db a 10.77.1.30
host_boot app a 10.77.1.20
host_ready db app
coordinator_ready
agents_ready db app
servers_ready

something_new() { [ -n "$(incidents_raised)" ]; }
tells() { asks edges --argjson n "$1" '[.edges[] | select(.client_hosts == ["app"] and .server_hosts == ["db"]) | .client] | unique | length >= $n'; }
await_ok 90 "all of them talk to their servers" tells "$(wc -w <<<"$HABITS burst bursts streams")"

began=$SECONDS
deploy_at=$((MINUTES * 60 / 4)) restart_at=$((MINUTES * 60 / 2))
while [ $((SECONDS - began)) -lt $((MINUTES * 60)) ] && ! something_new; do
        if [ "$deploy_at" -gt 0 ] && [ $((SECONDS - began)) -ge "$deploy_at" ]; then
                host_run app ln -sfn "releases/$B" /srv/rotation/current
                host_run app systemctl restart rotation
                deploy_at=0
        fi
        if [ "$restart_at" -gt 0 ] && [ $((SECONDS - began)) -ge "$restart_at" ]; then
                host_run app systemctl restart workers breathing bouncer
                restart_at=0
        fi
        sleep 2
done
is "$(incidents_raised)" "" "nothing is raised in $MINUTES minutes, $((SECONDS - began)) s"
note "$(cli pools)"
for id in $(cli --format json incidents | jq -r '.incidents[].id'); do note "$(cli explain "$id")"; done
is "$(cli --format json status | jq -c '[.status.lost_events, .complete]')" '[0,true]' "nothing was lost meanwhile"
done_testing
