#!/usr/bin/env bash
# Two hosts with a service that runs from a release folder behind a link, as a systemd unit. Releases roll
# over both, settings change, things restart: each deployment is told once, with what changed and where,
# and no value of a setting leaves its host.
. "$(dirname "$0")/lib.sh"
skip_if_fast
product_built

SECRET=correct-horse-battery

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
coordinator_begin ops
for host in one two; do
        agent_install "$host"
        for release in 2026-11-24-0900 2026-11-25-1740 2026-11-26-0800; do
                root=$T/hosts/$host/root/srv/pay/releases/$release
                mkdir -p "$root"
                cat >"$root/serve.pl" <<-PERL
			# $release
			use IO::Socket::INET;
			my \$l = IO::Socket::INET->new(LocalPort => 8000, Listen => 9, ReuseAddr => 1) or die;
			while (1) { my \$c = \$l->accept; close \$c if \$c }
			PERL
        done
        ln -s releases/2026-11-24-0900 "$T/hosts/$host/root/srv/pay/current"
        echo 'pool: 10' >"$T/hosts/$host/root/etc/pay.yaml"
        host_service "$host" pay "/usr/bin/perl /srv/pay/current/serve.pl --config=/etc/pay.yaml" \
                "WorkingDirectory=/srv/pay/current" "EnvironmentFile=-/etc/pay.env"
        echo 'PASSWORD=first' >"$T/hosts/$host/root/etc/pay.env"
done
host_boot one a 10.77.1.10
host_boot two a 10.77.1.20
host_ready one two
coordinator_ready
agents_ready one two
for host in one two; do await 10 listens "$host" 8000 || bail_out "the service of $host does not listen"; done

# What is told of the service: "kind from > to hosts state changes" a line.
told() {
        local json
        json=$(cli --format json deployments) || return 1
        jq -r '.deployments[] | select(.service == "pay") |
                "\(.kind) \(.from) > \(.to) \(.hosts | join(",")) \(.state) \(.how) \(.changes | join(","))"' <<<"$json" | sed 's/ *$//'
}
tells() {
        local got
        got=$(told) || return 1
        diff --label expected --label got <(printf '%s' "${1:+$1
}") <(printf '%s' "${got:+$got
}")
}
version_is() { asks services --arg v "$1" 'any(.services[]; .name == "pay" and .version == $v)'; }
# A summary of this host, begun after now, has arrived.
heard_anew() {
        local started
        started=$(host_run "$1" systemctl show --value --property=MainPID pay)
        asks processes --arg h "$1" --argjson p "$started" 'any(.processes[]; .service == "pay" and .host == $h and .pid == $p)'
}
restart() {
        host_run "$1" systemctl restart pay
        await 10 heard_anew "$1"
}
release() {
        host_run "$1" ln -sfn "releases/$2" /srv/pay/current
        restart "$1"
}

await_ok 15 "the version is that of the release" version_is 2026-11-24-0900
for host in one two; do await 10 heard_anew "$host" || bail_out "$host is not heard"; done
is "$(told)" "" "a first sight is no deployment"
restart one
is "$(told)" "" "nor is a restart of the same release"

release one 2026-11-25-1740
await_ok 10 "one of two hosts has the next release" tells \
        "deployment 2026-11-24-0900 > 2026-11-25-1740 one under_way observed"
release two 2026-11-25-1740
rolled="deployment 2026-11-24-0900 > 2026-11-25-1740 one,two done observed"
await_ok 10 "with the second host it is one deployment, and done" tells "$rolled"
ok "it began with the first host and ended with the second" asks deployments \
        '[.deployments[] | select(.service == "pay")] | length == 1 and .[0].at < .[0].ended_at'
await_ok 5 "the version is the next" version_is 2026-11-25-1740

coordinator_kill TERM
coordinator_begin ops
await 20 hosts_heard one two
host_run one systemctl restart nightshift-agent
await 20 heard_anew one
await 10 hosts_heard one two
await_ok 10 "restarts of the coordinator and of an agent are no news" tells "$rolled"

for host in one two; do
        host_run "$host" sh -c "echo 'PASSWORD=$SECRET' >/etc/pay.env"
        restart "$host"
done
rolled="$rolled
environment 2026-11-25-1740 > 2026-11-25-1740 one,two done observed PASSWORD"
await_ok 10 "a changed variable is told by its name, once for both hosts" tells "$rolled"
host_run two sh -c "echo 'pool: 20' >/etc/pay.yaml"
restart two
rolled="$rolled
configuration 2026-11-25-1740 > 2026-11-25-1740 two done observed /etc/pay.yaml"
await_ok 10 "a changed configuration file by its name" tells "$rolled"

release one 2026-11-26-0800
await_ok 10 "the next release is under way" tells "$rolled
deployment 2026-11-25-1740 > 2026-11-26-0800 one under_way observed"
is "$(cli deployed --service pay --version 2.1 --host one | grep -c '^d-[0-9]*$')" 1 "it is announced"
release two 2026-11-26-0800
await_ok 10 "and is one with what is seen of it" tells "$rolled
deployment 2026-11-25-1740 > 2.1 one,two done announced"
cli deployed --service nothing --version 1 2>/dev/null
is "$?" 3 "what is not there cannot be deployed"

coordinator_kill TERM
is "$(grep -rlaF "$SECRET" "$T/coordinator" "$T/logs" | wc -l)" 0 "no value of a setting left its host"
is "$(host_run one sh -c 'stat -c %a /var/lib/nightshift/agent/settings.key')" 600 "the key of the digests is the agent's alone"
done_testing
