# shellcheck shell=bash disable=SC2034
# What the tests with real clients share: a host `db` with PostgreSQL, redis, nginx and pgbouncer, and the
# services of the host `app`, which stand in releases behind a link. Sources tests/system/lib.sh.
#
#   servers_install               writes them into the root of db; servers_ready waits for them
#   service_install NAME COMMAND  a unit of the host app, that works in /srv/NAME/current
#   release_install NAME RELEASE FILE...   files of a release of it; the first release is the current one
#   signatures_hasten             the library, with minutes for what has to stay for long
#   incidents_raised              "SIGNATURE SERVICE" a line

. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"
REAL_DIR=$SOURCE_DIR/tests/real
DATABASE=10.77.1.30

servers_install() {
        local root=$T/hosts/db/root unit name
        for name in app db; do # nobody asks the name server of the machine that the tests run on
                : >"$T/hosts/$name/root/etc/resolv.conf"
                printf '%s %s\n' 127.0.0.1 localhost 10.77.1.20 app 10.77.1.30 db >"$T/hosts/$name/root/etc/hosts"
        done
        sed -i "s/^#*ssl = .*/ssl = off/; s/^#*fsync = .*/fsync = off/; s/^max_connections.*/max_connections = ${POSTGRES_CONNECTIONS:-200}/
                s/^#*listen_addresses.*/listen_addresses = '*'/" "$root/etc/postgresql/15/main/postgresql.conf"
        printf 'host all all %s trust\n' 10.77.1.0/24 127.0.0.1/32 >"$root/etc/postgresql/15/main/pg_hba.conf"
        sed -i "s/^bind .*/bind $DATABASE/; s/^protected-mode .*/protected-mode no/; s/^timeout .*/timeout ${REDIS_TIMEOUT:-0}/" \
                "$root/etc/redis/redis.conf"
        sed -i 's/^http {/http { keepalive_timeout 15;/' "$root/etc/nginx/nginx.conf"
        cat >"$root/etc/pgbouncer/pgbouncer.ini" <<-CONF
		[databases]
		shop = host=127.0.0.1 port=5432 dbname=postgres user=postgres
		[pgbouncer]
		logfile = /var/log/postgresql/pgbouncer.log
		pidfile = /var/run/postgresql/pgbouncer.pid
		listen_addr = $DATABASE
		listen_port = 6432
		auth_type = any
		pool_mode = transaction
		server_tls_sslmode = disable
		max_client_conn = 150
		server_lifetime = 30
		CONF
        for unit in postgresql nginx redis-server pgbouncer; do
                ln -s "/lib/systemd/system/$unit.service" "$root/etc/systemd/system/multi-user.target.wants/"
        done
}

servers_ready() {
        local port
        for port in 5432 6379 80 6432; do await 30 listens db "$port" || bail_out "nobody listens: db $port"; done
}

service_install() {
        host_service app "$1" "$2" "WorkingDirectory=/srv/$1/current" "Environment=DATABASE=$DATABASE"
}

release_install() {
        local folder=$T/hosts/app/root/srv/$1 release=$2
        shift 2
        mkdir -p "$folder/releases/$release"
        cp "$@" "$folder/releases/$release/"
        [ -e "$folder/current" ] || ln -s "releases/$release" "$folder/current"
}

# What it changes must be there to be changed.
signatures_hasten() {
        local folder=$SOURCE_DIR/coordinator/signatures name
        mkdir "$T/signatures"
        for name in connection-pool-leak close-wait-leak file-descriptor-leak; do cp "$folder/$name.yaml" "$T/signatures/"; done
        hasten connection-pool-leak '^settle: 2m' 'settle: 1m'
        hasten close-wait-leak 'within: 10m' 'within: 1m'
        hasten file-descriptor-leak '^settle: 15m' 'settle: 1m'
        hasten file-descriptor-leak 'within: 1h' 'within: 1m'
        hasten file-descriptor-leak 'count: 20' 'count: 3' # times, of which two within half a minute are one
        COORDINATOR_YAML="signatures: [built-in, $T/signatures]"
}
hasten() { # SIGNATURE WHAT BY
        local file=$T/signatures/$1.yaml
        grep -q -- "$2" "$file" || bail_out "the library is another one: no '$2' in $1"
        sed -i "s/$2/$3/" "$file"
}

incidents_raised() {
        local json
        json=$(cli --format json incidents) || return 1
        jq -r '.incidents[] | "\(.signature) \(.service)"' <<<"$json" | sort
}
