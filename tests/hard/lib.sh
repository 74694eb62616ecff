# shellcheck shell=bash disable=SC2034
# The hard cases of dependency graphs, one file each; each a fault that some other tool has. They share
# the rig of tests/exact: cells one and two, and one agent for all of the test unless a case says
# otherwise. Services are copies of the generator, of Python or of other programs under a name.
#
#   hard_begin               cells and coordinator; hard_agent starts the agent of everything
#   copy PROGRAM NAME...     $T/bin/NAME
#   py CELL NAME [ARG...]    runs standard input as Python in a service of that name, and waits
#   py_begin CELL NAME ...   the same in the background, until it prints "ready"; then its standard input
#                            is $PY_IN and its pid $BEGUN
#   says DESCRIPTION FILTER EXPECTED [SECONDS]   until the edges say so; names are without ":port",
#                            and e(CLIENT; SERVER) is that edge

. "$(dirname "${BASH_SOURCE[0]}")/../exact/lib.sh"

hard_begin() {
        product_built
        cells
        : >"$T/coordinator.yaml"
        product_begin
}
hard_agent() { agent_begin host --scope "cgroup=$CGROUP/$RIG" "$@"; }

copy() {
        local program name
        program=$(command -v "$1")
        shift
        mkdir -p "$T/bin"
        for name; do cp -L "$program" "$T/bin/$name"; done
}

py() {
        local cell=$1 name=$2
        shift 2
        [ -e "$T/bin/$name" ] || copy /usr/bin/python3 "$name"
        (cgroup_join "$RIG/$cell" && PYTHONHOME=/usr exec nsenter --net="/run/netns/$cell" -- "$T/bin/$name" -u - "$@") 2>>"$T/logs/$name"
}

py_begin() {
        local cell=$1 name=$2
        shift 2
        [ -e "$T/bin/$name" ] || copy /usr/bin/python3 "$name"
        cat >"$T/$name.py"
        rm -f "$T/in-$name"
        mkfifo "$T/in-$name"
        (cgroup_join "$RIG/$cell" && PYTHONHOME=/usr exec nsenter --net="/run/netns/$cell" -- "$T/bin/$name" -u "$T/$name.py" "$@") \
                <"$T/in-$name" >"$T/logs/$name.ready" 2>>"$T/logs/$name" &
        BEGUN=$!
        exec {PY_IN}>"$T/in-$name"
        await 10 grep -q ready "$T/logs/$name.ready" || bail_out "$name does not come up: $(cat "$T/logs/$name")"
}

EDGES='.edges |= map(.client |= sub(":[0-9]+$"; "") | .server |= sub("^(?<n>[^:]*):[0-9]+$"; "\(.n)"))
        | def e(c; s): .edges[] | select(.client == c and .server == s);
        def counts: .connections | "\(.attempted) \(.opened) \(.closed) \(.open)";
        '
edges_say() {
        local got
        cli --format json edges >"$T/edges.json" || return 1
        got=$(jq -c "$EDGES"'.edges |= map(select(.client | startswith("nightshift") | not)) | [ '"$1"' ] | if length == 1 then .[0] else . end' "$T/edges.json") || return 1
        [ "$got" = "$2" ] && return 0
        echo "expected $2"
        echo "got      $got"
        jq -r "$EDGES"'.edges[] | "\(.client) > \(.server) \(.transport)/\(.port) \(.seen_from) \(counts) failed \(.connections.failed)"' "$T/edges.json"
        return 1
}
# Some machines hide whole interrupts from tracing. A round that proves nothing for that is made again
# (hard_again) up to twice: where the answer says that it is incomplete, and all that differs from the truth is
# of the kinds that the events explain that it says it lost, and no more of it.
# ROUND counts from 0, for ports of its own: what died in one round lives on for a while in the kernel.
ROUND=0
explained() {
        local r=0
        truth
        compared_with_loss >"$T/explained" || r=$?
        [ $r = 3 ]
}
hard_again() {
        ROUND=$((ROUND + 1))
        note "incomplete, by its own word: $(cli --format json hosts | jq -c '[.hosts[] | {name, lost_events}]')"
        product_end
        rm -rf "$EXACT_TRUTH" "$T/coordinator"
        product_begin
        hard_agent
}
says() { await_ok "${4:-6}" "$1" edges_say "$2" "$3"; }
