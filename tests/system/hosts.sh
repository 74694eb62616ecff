# shellcheck shell=bash disable=SC2034,SC2120
# Hosts and the networks between them.
#
#   net_router                    a namespace that forwards between LANs; its nftables are the test's
#   net_lan NAME ADDRESS/LENGTH   a bridge in the router's namespace, with the router's address on it
#   host_boot NAME LAN ADDRESS    a host with a systemd of its own (nspawn, an overlay on the image)
#   host_cell NAME LAN ADDRESS    a host of a network namespace and a cgroup only: quick, no systemd
#   host_begin NAME LOG COMMAND.. runs a command there in the background
#   host_run NAME COMMAND...      runs a command there (in neither of the host's services)
#   host_unit NAME UNIT COMMAND.. runs it as a systemd unit and waits
#   host_off NAME                 powers a booted host off
#
# host_boot only begins; host_ready waits. A host that is to carry an agent has its programs and units
# written to $T/hosts/NAME/root between host_root and host_boot.

. "$SYSTEM_DIR/image.sh"

declare -A HOST_KIND HOST_LEADER HOST_ADDRESS
NET_COUNT=0

net_add() {
        ip netns add "$1"
        nsenter --net="/run/netns/$1" ip link set lo up
}

net_in() {
        local net=$1
        shift
        nsenter --net="/run/netns/$net" -- "$@"
}

net_router() {
        net_add router
        net_in router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

declare -A LAN_GATEWAY
net_lan() {
        local lan=$1 address=$2
        LAN_GATEWAY[$lan]=$address
        net_in router ip link add "br-$lan" type bridge
        net_in router ip address add "$address" dev "br-$lan"
        net_in router ip link set "br-$lan" up
}

net_attach() {
        local net=$1 lan=$2 address=$3 gateway=${LAN_GATEWAY[$2]} peer=port$((++NET_COUNT))
        net_add "$net"
        net_in router ip link add "$peer" type veth peer name eth0 netns "/run/netns/$net"
        net_in router ip link set "$peer" master "br-$lan" up
        net_in "$net" ip address add "$address/${gateway#*/}" dev eth0
        net_in "$net" ip link set eth0 up
        net_in "$net" ip route add default via "${gateway%/*}"
        HOST_ADDRESS[$net]=$address
}

host_cell() {
        local name=$1
        HOST_KIND[$name]=cell
        cgroup_make "$RIG/$name"
        net_attach "$@"
}

# The root of a host, before it boots.
host_root() {
        local name=$1 image dir=$T/hosts/$1
        image=$(image_root) || bail_out "no root image"
        mkdir -p "$dir/upper" "$dir/work" "$dir/root"
        mount -t overlay overlay -o "lowerdir=$image,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
        echo "$name" >"$dir/root/etc/hostname"
        HOST_ROOT=$dir/root
}

host_boot() {
        local name=$1
        HOST_KIND[$name]=booted
        [ -d "$T/hosts/$name/root" ] || host_root "$name"
        cgroup_make "$RIG/$name"
        net_attach "$@"
        (
                cgroup_join "$RIG/$name"
                SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --boot --keep-unit --register=no \
                        --console=read-only -D "$T/hosts/$name/root" -M "$name" \
                        --network-namespace-path="/run/netns/$name" --resolv-conf=off --timezone=off \
                        --capability=CAP_BPF,CAP_PERFMON,CAP_NET_ADMIN,CAP_SYSLOG,CAP_SYS_PTRACE \
                        --system-call-filter="bpf perf_event_open" \
                        --bind=/sys/kernel/tracing --bind-ro=/sys/kernel/btf ${HOST_NSPAWN:-}
        ) >"$T/logs/$name.console" 2>&1 </dev/null &
        HOST_LEADER[$name]=$!
}

host_is_up() {
        local name=$1 nspawn=${HOST_LEADER[$1]} leader state
        leader=$(cut -d' ' -f1 "/proc/$nspawn/task/$nspawn/children") || return 1
        [ -n "$leader" ] || return 1
        state=$(nsenter --target "$leader" --all -- systemctl is-system-running 2>&1)
        case $state in
        running | degraded) echo "$leader" ;;
        *) return 1 ;;
        esac
}

host_ready() {
        local name
        for name; do
                await 60 host_is_up "$name" || bail_out "host $name did not boot: $(tail -5 "$T/logs/$name.console")"
                HOST_LEADER[$name]=$AWAITED
        done
}

# host_begin NAME LOG COMMAND...: the same, in the background; its pid is in $BEGUN.
host_begin() {
        local name=$1 log=$2
        shift 2
        if [ "${HOST_KIND[$name]}" = cell ]; then
                set -- --net="/run/netns/$name" -- "$@"
        else
                set -- --target "${HOST_LEADER[$name]}" --all -- "$@"
        fi
        (cgroup_join "$RIG/$name" && exec nsenter "$@") >>"$log" 2>&1 </dev/null &
        BEGUN=$!
}

host_run() {
        local name=$1
        shift
        if [ "${HOST_KIND[$name]}" = cell ]; then
                (cgroup_join "$RIG/$name" && exec nsenter --net="/run/netns/$name" -- "$@")
        else
                (cgroup_join "$RIG/$name" && exec nsenter --target "${HOST_LEADER[$name]}" --all -- "$@")
        fi
}

host_unit() {
        local name=$1 unit=$2
        shift 2
        host_run "$name" systemd-run --quiet --wait --collect --pipe --unit="$unit" -- "$@"
}

# listens HOST PORT, without connecting
listens() { host_run "$1" ss -Hltn "sport = :$2" | grep -q .; }

# Writes a unit file into a host's root: host_service NAME UNIT COMMAND [LINE...]
host_service() {
        local name=$1 unit=$2 command=$3
        shift 3
        local file=$T/hosts/$name/root/etc/systemd/system/$unit.service
        {
                printf '[Unit]\nDescription=%s\n[Service]\nExecStart=%s\nRestart=always\nRestartSec=200ms\n' "$unit" "$command"
                [ $# = 0 ] || printf '%s\n' "$@"
        } >"$file"
        mkdir -p "$T/hosts/$name/root/etc/systemd/system/multi-user.target.wants"
        ln -sf "../$unit.service" "$T/hosts/$name/root/etc/systemd/system/multi-user.target.wants/$unit.service"
}

host_off() {
        kill -s RTMIN+4 "${HOST_LEADER[$1]}"
}
