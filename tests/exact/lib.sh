# shellcheck shell=bash disable=SC2034
# What the tests of exactness stand on: the rig of tests/system, one coordinator and some agents in a
# cell of their own, services that are copies of the generator, and the comparison.
#
#   cells                          one, two (10.77.1.10, .20; fd77::10, ::20) and the product's, ops
#   service NAME...                $T/bin/NAME, a copy of the generator: a service of that name
#   at CELL NAME ARG...            runs it there and waits; in $T/logs/NAME is what it complained of
#   begin CELL NAME ARG...         in the background; its pid is in $BEGUN; waits for its "ready"
#   join_all                       waits for what `background` began; a failure fails the test
#   product_begin [ARG...]         a coordinator with an empty state
#   agent_begin NAME [ARG...]      an agent
#   product_end                    stops them, and says if one of them ended before
#   equal DESCRIPTION [ARG...]     compares until the answer settles

. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"
EXACT=$SOURCE_DIR/tests/exact
export EXACT_TRUTH=$T/truth
AGENT_PIDS=()
JOBS=()

cells() {
        local name
        net_router
        net_lan a 10.77.1.1/24
        host_cell ops a 10.77.1.9
        for name in one two; do host_cell "$name" a "10.77.1.$([ "$name" = one ] && echo 10 || echo 20)"; done
        net_in one ip -6 address add fd77::10/64 dev eth0 nodad
        net_in two ip -6 address add fd77::20/64 dev eth0 nodad
        # An address that nobody has is given up after 0.2 s, before a SYN is sent again.
        net_in one sh -c 'cd /proc/sys/net/ipv4/neigh/eth0 && echo 1 >mcast_solicit && echo 200 >retrans_time_ms'
        for name in one two router; do
                net_in "$name" sh -c 'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
                        echo 1 > /proc/sys/net/ipv4/tcp_syn_retries; echo 0 > /proc/sys/net/ipv4/tcp_syn_linear_timeouts' 2>/dev/null
        done
}

service() {
        local name
        mkdir -p "$T/bin"
        for name; do cp "$O/tests/exact/generator" "$T/bin/$name"; done
}

at() {
        local cell=$1 name=$2
        shift 2
        host_run "$cell" "$T/bin/$name" "$@" 2>>"$T/logs/$name" || { echo "$name $* failed" >>"$T/logs/generator"; return 1; }
}

begin() {
        local cell=$1 name=$2
        shift 2
        rm -f "$T/logs/$name.ready"
        (cgroup_join "$RIG/$cell" && exec nsenter --net="/run/netns/$cell" -- "$T/bin/$name" "$@") \
                >"$T/logs/$name.ready" 2>>"$T/logs/$name" </dev/null &
        BEGUN=$!
        await 10 grep -q ready "$T/logs/$name.ready" || bail_out "$name does not come up: $(cat "$T/logs/$name")"
}

background() {
        at "$@" &
        JOBS+=($!)
}

join_all() {
        local pid
        for pid in "${JOBS[@]}"; do wait "$pid" || true; done
        JOBS=()
        # Connections that died without the application's doing have timers of their own.
        [ ! -s "$T/logs/generator" ] || bail_out "the generator lost the truth: $(head -3 "$T/logs/generator") $(tail -qn 2 "$T"/logs/exact-* | tail -5)"
}

product_begin() {
        rm -rf "$T/state"
        mkdir -p "$T/state/coordinator"
        COORDINATOR_CELL=ops
        host_begin ops "$T/logs/coordinator" "$COORDINATOR" --config "$T/coordinator.yaml" --state-dir "$T/state/coordinator" \
                --listen tcp://127.0.0.1:7337 --control "$CONTROL" "$@"
        COORDINATOR_PID=$BEGUN
        coordinator_ready
}

agent_begin() {
        local name=$1
        shift
        mkdir -p "$T/state/$name"
        [ -e "$T/$name.yaml" ] || : >"$T/$name.yaml"
        host_begin ops "$T/logs/agent-$name" "$AGENT" --config "$T/$name.yaml" --state-dir "$T/state/$name" \
                --coordinator tcp://127.0.0.1:7337 --host "$name" --interval 1 "$@"
        AGENT_PIDS+=("$BEGUN")
        agents_ready "$name"
}

product_end() {
        local pid lost=
        for pid in "${AGENT_PIDS[@]}" "$COORDINATOR_PID"; do
                kill "$pid" 2>/dev/null || lost="$lost $pid"
                wait "$pid" || lost="$lost $pid:$?"
        done
        AGENT_PIDS=()
        is "$lost" "" "coordinator and agents ran until they were stopped"
}

truth() { "$O/tests/exact/generator" truth >"$T/truth.json"; }
compare() {
        cli --format json edges >"$T/edges.json" || return 1
        "$O/tests/exact/compare" "$T/truth.json" "$T/edges.json" "$@"
}
# The last comparison's status: 3 is equal but for what the answer says that it lost.
compared() {
        local r=0
        compare "$@" || r=$?
        echo "status $r"
        return $r
}
keep_answer() {
        local dir=$T/logs/${1//[^a-z]/-}
        mkdir -p "$dir"
        cp "$T/truth.json" "$T/edges.json" "$dir"
        cli --format json hosts >"$dir/hosts.json"
        [ "$(jq .complete "$dir/hosts.json")" = true ] || note "$(jq -c '.hosts[] | {name, complete, lost_events}' "$dir/hosts.json")"
}
equal() {
        local description=$1
        shift
        truth
        await_ok "${SETTLE:-15}" "$description" compared "$@"
        keep_answer "$description"
}
compared_with_loss() { compared --lost "$(cli --format json hosts | jq '[.hosts[].lost_events] | add')" "$@"; }
# equal_or_lost DESCRIPTION [ARG...]: passes if all is equal and complete. Fails (with a line for TAP) if anything
# differs beyond what the answer says that it lost. If it lost something, returns 3 without a verdict.
equal_or_lost() {
        local start=$EPOCHREALTIME description=$1
        shift
        truth
        if await "${SETTLE:-15}" compared_with_loss "$@"; then
                pass "$description ($(since "$start") s)"
        elif [ "${AWAITED##*status }" = 3 ]; then
                keep_answer "$description"
                note "incomplete by its own word: ${AWAITED:0:2000}"
                return 3
        else
                fail "$description" "${AWAITED:0:6000}"
                keep_answer "$description"
                return 1
        fi
}
connections() { jq -s 'map(select(.client != "*").attempted) | add' "$T/truth.json"; }
