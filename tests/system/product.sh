# shellcheck shell=bash disable=SC2034,SC2120
# The programs under test on the hosts of a test.
#
#   product_built                     stops the test if the programs are not there
#   coordinator_begin CELL [ARG...]   starts it in a cell, with $COORDINATOR_YAML in its file; coordinator_ready waits for it
#   coordinator_kill [SIGNAL]         and waits for its end
#   agent_install HOST [ARG...]       writes programs, certificate and unit into a host's root, before it boots
#   agents_ready HOST...              waits until the coordinator knows these hosts and hears from them
#   cli ARG...                        the CLI against the test's coordinator
#   asks VERB FILTER                  is this jq filter true of the answer?
#   edge_lines [QUERY ARG...]         one sorted line for each edge but the agents' own
#   edge_of CLIENT SERVER FILTER      a jq filter on the one edge between two services

AGENT=$O/nightshift-agent
COORDINATOR=$O/nightshift-coordinator
NIGHTSHIFT=$O/nightshift
CONTROL=/run/nightshift/control.sock
CA=$T/ca
COORDINATOR_CELL=
COORDINATOR_PID=

product_built() {
        local program
        for program in "$AGENT" "$COORDINATOR" "$NIGHTSHIFT"; do
                [ -x "$program" ] || bail_out "$program is not built"
        done
        mkdir -p /run/nightshift
}

# ca_begin [--name ADDRESS]: the coordinator's certificate is good for that address too
ca_begin() {
        [ -d "$CA" ] || "$NIGHTSHIFT" ca init --dir "$CA" "$@" >"$T/logs/ca" 2>&1 || bail_out "ca init: $(cat "$T/logs/ca")"
}

# ca_issue NAME
ca_issue() {
        ca_begin
        [ -e "$CA/$1.crt" ] || "$NIGHTSHIFT" ca issue --dir "$CA" "$@" >>"$T/logs/ca" 2>&1 ||
                bail_out "ca issue $1: $(tail -3 "$T/logs/ca")"
}

coordinator_begin() {
        COORDINATOR_CELL=$1
        shift
        local address=${HOST_ADDRESS[$COORDINATOR_CELL]}
        ca_begin --name "$address"
        mkdir -p "$T/coordinator"
        cat >"$T/coordinator.yaml" <<-YAML
		tls:
		  ca: $CA/ca.crt
		  certificate: $CA/coordinator.crt
		  key: $CA/coordinator.key
		store:
		  save_every: 1s
		${COORDINATOR_YAML:-}
		YAML
        host_begin "$COORDINATOR_CELL" "$T/logs/coordinator" ${COORDINATOR_COMMAND:-} "$COORDINATOR" --config "$T/coordinator.yaml" \
                --state-dir "$T/coordinator" --listen "tls+tcp://$address:7337" --control "$CONTROL" "$@"
        COORDINATOR_PID=$BEGUN
        COORDINATOR_URL=tls+tcp://$address:7337
}

coordinator_ready() {
        await 10 cli --format json status || bail_out "the coordinator does not answer: $AWAITED $(tail -5 "$T/logs/coordinator")"
}

coordinator_kill() {
        kill -s "${1:-KILL}" "$COORDINATOR_PID"
        wait "$COORDINATOR_PID" 2>/dev/null
}

# $AGENT_COMMAND may put a tool in front of the agent, $AGENT_INTERVAL change its interval of 1 s.
agent_install() {
        local name=$1 root
        shift
        [ -d "$T/hosts/$name/root" ] || host_root "$name"
        root=$T/hosts/$name/root
        ca_issue "$name"
        install "$AGENT" "$SYSTEM_DIR/traffic" "$root/usr/local/bin/"
        ldd "$AGENT" | awk '$3 ~ "^/" { print $3 }' | while read -r library; do # a sanitizer's is not in the image
                [ -e "$root$library" ] || install -D "$library" "$root$library"
        done
        mkdir -p "$root/etc/nightshift"
        install -m 600 "$CA/ca.crt" "$CA/$name.crt" "$CA/$name.key" "$root/etc/nightshift/"
        cat >"$root/etc/nightshift/agent.yaml" <<-YAML
		tls:
		  ca: /etc/nightshift/ca.crt
		  certificate: /etc/nightshift/$name.crt
		  key: /etc/nightshift/$name.key
		YAML
        host_service "$name" nightshift-agent \
                "${AGENT_COMMAND:-}/usr/local/bin/nightshift-agent --coordinator $COORDINATOR_URL --host $name --interval ${AGENT_INTERVAL:-1} $*"
}

hosts_heard() {
        local json name
        json=$(cli --format json hosts) || return 1
        for name; do
                jq -e --arg name "$name" 'any(.hosts[]; .name == $name and .summary_age_s < 4)' <<<"$json" || return 1
        done
}

agents_ready() {
        await 60 hosts_heard "$@" || bail_out "agents are not heard from: $AWAITED $(tail -5 "$T/logs/coordinator")"
}

agent_log() { host_run "$1" journalctl --no-pager --output=cat --unit=nightshift-agent; }

cli() { "$NIGHTSHIFT" --control "$CONTROL" "$@"; }

# asks VERB [JQ-OPTION...] FILTER: is the filter true of the answer? No answer is no.
asks() {
        local json
        json=$(cli --format json "$1") && [ -n "$json" ] || { echo "$json"; return 1; }
        shift
        jq -e "$@" <<<"$json" >/dev/null || { echo "$json"; return 1; }
}

# Edges without what the agents themselves say to the coordinator.
edges_json() {
        local json
        json=$(cli --format json edges "$@") && [ -n "$json" ] || { echo "$json" >&2; return 1; }
        jq '.edges |= map(select(.client | startswith("nightshift") | not))' <<<"$json"
}

edge_lines() {
        local json
        json=$(edges_json "$@") || return 1
        jq -r '.edges[] | "\(.client)@\(.client_hosts | join(",")) > " +
                "\(.server)@\(.server_hosts | join(",")) \(.transport)/\(.port) \(.seen_from)" +
                (if .external then " external" else "" end) + (if .complete then "" else " incomplete" end)' <<<"$json" | sort
}

edge_of() {
        local json
        json=$(edges_json) || return 1
        jq -c --arg client "$1" --arg server "$2" \
                "[.edges[] | select(.client == \$client and .server == \$server)] | if length == 1 then .[0] else error(\"\\(length) such edges\") end | $3" <<<"$json"
}

# same_edges EXPECTED: for await_ok
same_edges() {
        local got
        got=$(edge_lines) || return 1
        diff -U1000 --label expected --label got <(printf '%s\n' "$1" | sort) <(printf '%s\n' "$got")
}

# edge_says CLIENT SERVER FILTER EXPECTED: for await_ok
edge_says() {
        local got
        got=$(edge_of "$1" "$2" "$3") || { echo "$got"; return 1; }
        echo "expected $4, got $got"
        [ "$got" = "$4" ]
}

# A failed test keeps what its programs said, and what the coordinator believed.
keep_logs() {
        local name kept=$O/system/failed/$TEST_NAME
        rm -rf "$kept"
        [ "$TAP_FAILED" = 0 ] && [ "${TAP_DONE:-}" = yes ] && return
        mkdir -p "$kept"
        for name in "${!HOST_KIND[@]}"; do
                [ "${HOST_KIND[$name]}" = booted ] || continue
                timeout 5 nsenter --target "${HOST_LEADER[$name]}" --all -- journalctl --no-pager >"$T/logs/$name.journal" 2>&1
        done
        timeout 5 "$NIGHTSHIFT" --control "$CONTROL" --format json edges >"$T/logs/edges.json" 2>&1
        timeout 5 "$NIGHTSHIFT" --control "$CONTROL" --format json hosts >"$T/logs/hosts.json" 2>&1
        timeout 5 "$NIGHTSHIFT" --control "$CONTROL" --format json services >"$T/logs/services.json" 2>&1
        cp -r "$T/logs/." "$kept/"
        note "logs are in $kept"
}
trap keep_logs EXIT
