#!/usr/bin/env bash
# Three hosts with real services from Debian's packages, each with an agent as a systemd unit, sharing
# one kernel. Exactly the true edges, seen from both ends, with the counts that the load made.
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
host_cell outside a 10.77.1.99
coordinator_begin ops
for host in front app db; do agent_install "$host"; done

root=$T/hosts/front/root
cat >"$root/etc/nginx/nginx.conf" <<'CONF'
user www-data;
worker_processes 2;
pid /run/nginx.pid;
events { worker_connections 512; }
http {
    access_log off;
    server {
        listen 80;
        location / { proxy_pass http://10.77.1.20:8000; }
    }
}
CONF
ln -s /lib/systemd/system/nginx.service "$root/etc/systemd/system/multi-user.target.wants/"

root=$T/hosts/app/root
cat >"$root/etc/haproxy/haproxy.cfg" <<'CONF'
global
    user haproxy
    group haproxy
defaults
    mode http
    option httpclose
    http-reuse never
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen shop
    bind 10.77.1.20:8000
    server one 127.0.0.1:48080
CONF
ln -s /lib/systemd/system/haproxy.service "$root/etc/systemd/system/multi-user.target.wants/"
cat >"$root/etc/shop.conf" <<'CONF'
daemon off;
pid /run/shop.pid;
worker_processes 1;
events { worker_connections 512; }
http {
    access_log off;
    server {
        listen 127.0.0.1:48080;
        location / { default_type text/plain; return 200 "one of everything, please: 0123456789"; }
    }
}
CONF
host_service app shop "/usr/sbin/nginx -c /etc/shop.conf"
cat >"$root/usr/local/bin/orders" <<'SCRIPT'
#!/bin/bash
# Twenty connections to PostgreSQL through pgbouncer, fifteen to redis.
set -eu
for ((i = 0; i < 20; i++)); do
    psql "host=10.77.1.30 port=6432 dbname=shop user=postgres sslmode=disable gssencmode=disable" -Atqc 'select 1' >/dev/null
done
for ((i = 0; i < 15; i++)); do redis-cli -h 10.77.1.30 incr orders >/dev/null; done
SCRIPT
chmod +x "$root/usr/local/bin/orders"

root=$T/hosts/db/root
sed -i "s/^#*ssl = .*/ssl = off/; s/^#*log_connections.*/log_connections = on/; s/^#*fsync = .*/fsync = off/" \
        "$root/etc/postgresql/15/main/postgresql.conf"
echo "host all all 127.0.0.1/32 trust" >"$root/etc/postgresql/15/main/pg_hba.conf"
ln -s /lib/systemd/system/postgresql.service "$root/etc/systemd/system/multi-user.target.wants/"
cat >"$root/etc/pgbouncer/pgbouncer.ini" <<'CONF'
[databases]
shop = host=127.0.0.1 port=5432 dbname=postgres user=postgres
[pgbouncer]
logfile = /var/log/postgresql/pgbouncer.log
pidfile = /var/run/postgresql/pgbouncer.pid
listen_addr = 10.77.1.30
listen_port = 6432
auth_type = any
pool_mode = transaction
server_tls_sslmode = disable
CONF
ln -s /lib/systemd/system/pgbouncer.service "$root/etc/systemd/system/multi-user.target.wants/"
sed -i 's/^bind .*/bind 10.77.1.30/; s/^protected-mode .*/protected-mode no/' "$root/etc/redis/redis.conf"
ln -s /lib/systemd/system/redis-server.service "$root/etc/systemd/system/multi-user.target.wants/"

host_boot front a 10.77.1.10
host_boot app a 10.77.1.20
host_boot db a 10.77.1.30
host_ready front app db
coordinator_ready
agents_ready front app db
pass "three hosts with agents on one kernel are heard from"

for at in "front 80" "app 8000" "app 48080" "db 5432" "db 6432" "db 6379"; do
        await 20 listens $at || bail_out "nobody listens: $at"
done

# The load, and what it knows of itself.
host_begin outside "$T/logs/visits" bash -c '
        for ((i = 0; i < 25; i++)); do
                curl -s -o /dev/null -w "%{size_request} %{size_header} %{size_download} %{http_code}\n" http://10.77.1.10/ || exit 1
        done'
visits=$BEGUN
ok "orders are placed" host_unit app orders /usr/local/bin/orders
ok "shoppers shop" host_unit front shoppers bash -c 'for ((i = 0; i < 40; i++)); do curl -sf http://127.0.0.1/ -o /dev/null || exit 1; done'
wait "$visits"
read -r sent received <<<"$(awk '$4 == 200 { s += $1; r += $2 + $3; n++ } END { if (n == 25) print s, r }' "$T/logs/visits")"

await_ok 10 "exactly the true edges, each once, from both ends where both are observed" same_edges \
"10.77.1.99@ > nginx@front tcp/80 server external
shoppers@front > nginx@front tcp/80 both
nginx@front > haproxy@app tcp/8000 both
haproxy@app > shop@app tcp/48080 both
orders@app > pgbouncer@db tcp/6432 both
orders@app > redis-server@db tcp/6379 both
pgbouncer@db > postgresql@@db tcp/5432 both"

counts='.connections | "\(.opened) \(.closed) \(.open) \(.failed)"'
await_ok 5 "visitors from outside: their connections" edge_says 10.77.1.99 nginx "$counts" '"25 25 0 0"'
await_ok 5 "visitors from outside: their bytes" edge_says 10.77.1.99 nginx '.bytes | "\(.sent) \(.received)"' "\"$sent $received\""
await_ok 5 "loopback: connections" edge_says shoppers nginx "$counts" '"40 40 0 0"'
await_ok 5 "reverse proxy: connections" edge_says nginx haproxy "$counts" '"65 65 0 0"'
await_ok 5 "load balancer, to a port in the ephemeral range: connections" edge_says haproxy shop "$counts" '"65 65 0 0"'
await_ok 5 "through a pooler: the clients' connections" edge_says orders pgbouncer "$counts" '"20 20 0 0"'
await_ok 5 "redis: connections" edge_says orders redis-server "$counts" '"15 15 0 0"'
pooled=$(host_run db grep -c 'connection received: host=127.0.0.1' /var/log/postgresql/postgresql-15-main.log)
await_ok 5 "through a pooler: its own connections" edge_says pgbouncer postgresql@ '.connections.opened' "$pooled"

services=$(cli --format json services)
is "$(jq -r '[.services[] | select(.name == "haproxy") | .hosts[]] | join(",")' <<<"$services")" app "a service is on the host that runs it, and on no other"
is "$(jq -r '[.services[] | select(.name == "shop") | .listening[] | "\(.address):\(.port)"] | join(",")' <<<"$services")" 127.0.0.1:48080 \
        "a service says where it listens"
is "$(cli --format json status | jq -c '[.status.hosts, .status.lost_events, .complete]')" '[3,0,true]' "nothing was lost"
ok "no agent took more than a core" asks hosts 'all(.hosts[]; .agent.cpu_ratio < 1.5)'
processes=$(cli --format json processes)
is "$(jq -r '[.processes[] | select(.service == "shop" and .host == "app") | .pid] | map(tostring) | sort | join(",")' <<<"$processes")" \
        "$(host_run app cat /sys/fs/cgroup/system.slice/shop.service/cgroup.procs | sort | paste -sd,)" "a service's processes are those of its unit, by the host's own numbers"
cli graph --format dot >"$T/logs/graph.dot"
ok "the graph renders" dot -Tsvg -o "$T/logs/graph.svg" "$T/logs/graph.dot"
is "$(dot -Tsvg "$T/logs/graph.dot" 2>&1 >/dev/null)" "" "without a warning"
done_testing
