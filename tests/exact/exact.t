#!/usr/bin/env bash
# Every edge's counts equal the truth: connections opened and closed, each kind of failure, bytes.
# Two hundred thousand connections, most of them from short processes; first with both ends on one host,
# then on two. FAST=1: ten thousand.
# timeout: 700
. "$(dirname "$0")/lib.sh"
product_built
scale=${FAST:+20}
scale=${scale:-1}
seed=${SEED:-$RANDOM}
note "seed $seed"
cells
# A namespace with ten ports.
net_attach tight a 10.77.1.30
net_in tight sh -c 'echo "40000 40009" > /proc/sys/net/ipv4/ip_local_port_range'
: >"$T/coordinator.yaml"

# traffic SERVER CLIENT SERVERS FAR: services named after $3 in cell $1 called from cell $2, at addresses $4...
traffic() {
        local there=$1 here=$2 db=$3 a4=$4 a6=$5 port=$6 i
        service "$db" "$db"-hung exact-holder-"$db" exact-mute-"$db" exact-refused-"$db" exact-gone-"$db" exact-unheard-"$db" \
                exact-cut-"$db" exact-hung-"$db" exact-crowd-"$db" exact-narrow-"$db"
        for i in 1 2 3 4; do service "exact-job$i-$db"; done
        for i in 1 2; do service "exact-shop$i-$db"; done

        begin "$there" "$db" serve --workers 10 --listen "$a4:$port,[$a6]:$((port + 1)),[::]:$((port + 2))"
        local server=$BEGUN
        begin "$there" "$db-hung" serve --workers 12 --listen "$a4:$((port + 8)),[::]:$((port + 9))"
        local hung=$BEGUN
        local all="$a4:$port,[$a6]:$((port + 1)),[::ffff:$a4]:$((port + 2))"

        # Short processes, a few connections each; long ones; few ports, used over and over.
        background "$here" "exact-job1-$db" storm --jobs $((6000 / scale)) --parallel 3 --seed "$seed" \
                --exec "$T/bin/exact-job1-$db,$T/bin/exact-job2-$db" -- load --to "$all" --server "$db" --count 8 --mix plain --bytes 3000
        background "$here" "exact-job3-$db" storm --jobs $((2000 / scale)) --parallel 2 --seed "$seed" \
                --exec "$T/bin/exact-job3-$db,$T/bin/exact-job4-$db" -- load --to "$all" --server "$db" --count 1 --bytes 400
        background "$here" "exact-shop1-$db" load --to "$all" --server "$db" --count $((35000 / scale)) --mix quick --bytes 300 --seed "$seed"
        background "$here" "exact-shop2-$db" load --to "$all" --server "$db" --count $((10000 / scale)) --mix all --bytes 30000 --seed "$seed"
        background "$here" "exact-narrow-$db" load --to "$a4:$port" --server "$db" --count $((10000 / scale)) --mix 4-7 \
                --bytes 50 --ports 45000-45020 --seed "$seed"

        # Attempts that fail, each in its way.
        net_in "$there" nft -f - <<-NFT
		add table inet exact
		delete table inet exact
		table inet exact {
		        chain input {
		                type filter hook input priority 0
		                tcp dport { $((port + 4)), $((port + 11)) } drop
		                tcp dport $((port + 5)) reject with icmpx type host-unreachable
		                tcp dport $((port + 6)) reject with tcp reset
		        }
		}
		NFT
        background "$here" "exact-refused-$db" fail --to "$a4:$((port + 3))" --count $((3000 / scale))
        background "$here" "exact-refused-$db" fail --to "[$a6]:$((port + 6))" --count $((1000 / scale)) --parallel 20
        background "$here" "exact-unheard-$db" fail --to "$a4:$((port + 4))" --count $((1000 / scale)) --parallel 1000
        background "$here" "exact-gone-$db" fail --to "$a4:$((port + 5))" --count $((400 / scale)) --parallel 100
        background "$here" "exact-gone-$db" fail --to "$a4:$((port + 5))" --count 5
        background "$here" "exact-gone-$db" fail --to "10.77.1.77:$((port + 10))" --count $((400 / scale)) --parallel 100
        background "$here" "exact-cut-$db" abort --to "$a4:$((port + 4))" --count $((1000 / scale))
        background "$here" "exact-cut-$db" abort --to "[$a6]:$((port + 11))" --count $((300 / scale)) --how kill
        background "$here" "exact-cut-$db" abort --to "[::ffff:$a4]:$((port + 4))" --count $((100 / scale)) --how timeout
        background "$here" "exact-mute-$db" mute --listen "127.0.0.1:$((port + 7))" --count 40

        # Ten ports, ten connections that hold them, and attempts that find none. Then the holder's connections die.
        mkfifo "$T/holder-$db"
        (cgroup_join "$RIG/$here" && exec nsenter --net=/run/netns/tight -- "$T/bin/exact-holder-$db" hang --to "$a4:$((port + 8))" \
                --server "$db-hung" --count 10 <"$T/holder-$db" >"$T/logs/holder-$db" 2>>"$T/logs/exact-holder-$db") &
        JOBS+=($!)
        exec {holder}>"$T/holder-$db"
        await 10 grep -q ready "$T/logs/holder-$db" || bail_out "the holder does not come up: $(cat "$T/logs/exact-holder-$db")"
        (cgroup_join "$RIG/$here" && exec nsenter --net=/run/netns/tight -- "$T/bin/exact-crowd-$db" fail --to "$a4:$((port + 8))" \
                --server "$db-hung" --count $((500 / scale))) 2>>"$T/logs/exact-crowd-$db" || bail_out "$(cat "$T/logs/exact-crowd-$db")"
        net_in "$there" nft add rule inet exact input tcp dport $((port + 8)) drop
        echo go >&"$holder"
        exec {holder}>&-
        join_all
        kill "$server" "$hung"
}

# Some machines hide the tasks of their supervisor, and what interrupts them, from tracing. A round that the
# answer therefore calls incomplete, and whose differences the events explain that it says it lost, proves
# nothing and is made again.
round() {
        local name=$1 description=$2 there=$3 here=$4 db=$5 a4=$6 a6=$7 port=$8 try start took r
        for try in 1 2 3 4 5 6; do
                rm -rf "$EXACT_TRUTH" "$T"/holder-* "$T/coordinator" # a history would add to this round's totals
                product_begin
                "agents_$name"
                start=$(now)
                # other ports each time: what died in the last round lives on for a while in the kernel
                traffic "$there" "$here" "$db" "$a4" "$a6" $((port + 20 * (try - 1)))
                took=$(since "$start")
                r=0
                equal_or_lost "$description" || r=$?
                note "$(connections) connections in $took s, $(awk -v n="$(connections)" -v t="$took" 'BEGIN { printf "%.0f", n / t }')/s with both ends, agents and coordinator on one machine"
                product_end
                [ $r = 3 ] || return 0
        done
        fail "$description" "six times the answer said that it was incomplete"
}
# Limited to what this test made, for others may run beside it.
agents_near() { agent_begin host --scope "cgroup=$CGROUP/$RIG"; }
agents_far() {
        agent_begin one --scope "cgroup=$CGROUP/$RIG/one"
        agent_begin two --scope "cgroup=$CGROUP/$RIG/two"
}
# An agent of the whole machine, as anybody runs it, while others go about their business.
agents_whole() {
        agent_begin host
        [ -z "${others:-}" ] || kill "$others"
        begin ops other-db serve --workers 4 --listen "127.0.0.1:$((port + 20 * try))"
        others=$BEGUN
        EXACT_TRUTH=$T/others background ops other-shop load --to "127.0.0.1:$((port + 20 * try))" --server other-db \
                --count $((20000 / scale)) --mix quick
}
# The servers' ends alone: what they count, not what their clients do. Here the clients are strangers.
servers() {
        local try r port
        for try in 1 2 3 4 5 6; do
                port=$((16000 + 20 * try))
                rm -rf "$EXACT_TRUTH" "$T/coordinator"
                product_begin
                agent_begin two --scope "cgroup=$CGROUP/$RIG/two"
                begin two exact-served serve --workers 8 --listen "10.77.1.20:$port,[fd77::20]:$((port + 1))"
                background one exact-caller load --to "10.77.1.20:$port,[fd77::20]:$((port + 1))" --server exact-served \
                        --count $((6000 / scale)) --mix all --bytes 30000 --seed "$seed"
                background one exact-guest load --to "10.77.1.20:$port" --server exact-served --count $((6000 / scale)) --mix quick
                join_all
                r=0
                equal_or_lost "what the servers' ends counted is what the servers know" --servers || r=$?
                kill "$BEGUN"
                product_end
                [ $r = 3 ] || return 0
        done
        fail "what the servers' ends counted" "six times the answer said that it was incomplete"
}
round near "both ends on one host: every edge equals the truth, and the answer is complete" one one exact-near 10.77.1.10 ::1 17000
near=$(connections)
round far "ends on two hosts: every edge equals the truth, is there once, and the answer is complete" two one exact-far 10.77.1.20 fd77::20 18000
far=$(connections)
service other-db other-shop exact-served exact-caller exact-guest
scale=$((scale * 10)) round whole "an agent of the whole machine, among others' traffic: every edge equals the truth" two one exact-whole \
        10.77.1.20 fd77::20 19000
kill "$others"
servers
at_most $((200000 / scale)) $((near + far)) "enough connections"
done_testing
