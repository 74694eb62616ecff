#!/usr/bin/env bash
# The rig itself: a host with a systemd of its own boots, sees another through the router, and units
# and their restarts work.
. "$(dirname "$0")/lib.sh"
need_image

net_router
net_lan a 10.77.1.1/24
net_lan b 10.77.2.1/24
image_root >/dev/null || bail_out "no root image"
start=$(now)
host_boot one a 10.77.1.10
host_boot two b 10.77.2.10
host_cell three a 10.77.1.11
host_ready one two
note "two hosts booted in $(since "$start") s"

is "$(host_run one hostname)" one "a host has its name"
host_run two systemd-run --quiet --unit=listen systemd-socket-activate --listen=8000 --accept --inetd cat
await_ok 5 "hosts reach one another through the router" host_run one bash -c "echo >/dev/tcp/10.77.2.10/8000"
host_run two systemd-run --quiet --unit=pong bash -c 'sleep 1000'
ok "units start" host_run two systemctl is-active pong.service
ok "a command runs as a unit of its own" host_unit one hello true
is "$(host_run three ip -br -4 address show eth0 | awk '{print $3}')" 10.77.1.11/24 "a cell has its address"
inside=$(host_run two stat -c %i /sys/fs/cgroup/system.slice/pong.service)
outside=$(find "$CGROUP/$RIG/two" -name pong.service -exec stat -c %i {} +)
is "$inside" "$outside" "cgroup ids are the same seen from inside and outside"
done_testing
