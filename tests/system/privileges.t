#!/usr/bin/env bash
# What the agent may do: the part that parses what comes from the network holds nothing, and what is
# missing is said by its name.
. "$(dirname "$0")/lib.sh"
need_image
product_built

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
coordinator_begin ops
agent_install one
host_service one till "/usr/local/bin/traffic serve 0.0.0.0 8000"
host_boot one a 10.77.1.10
host_ready one
coordinator_ready
agents_ready one

main=$(host_run one systemctl show --value --property=MainPID nightshift-agent)
talker=$(host_run one ss -Hntp state established '( dport = :7337 )' | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u)
isnt() { [ -n "$1" ] && [ "$1" != "$2" ]; }
ok "who talks to the network is not the agent's main process" isnt "$talker" "$main"
status() { host_run one awk -v key="$1:" '$1 == key { print $2 }' "/proc/$talker/status"; }
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        is "$(status $set)" 0000000000000000 "it holds no capabilities: $set"
done
is "$(status NoNewPrivs)" 1 "it cannot gain any"
is "$(status Seccomp)" 2 "its system calls are restricted"
isnt_root() { [ "$(status Uid)" != 0 ]; }
ok "it is not root" isnt_root
is "$(host_run one bash -c "ls -l /proc/$talker/fd | grep -c bpf")" 0 "it holds no program and no map"

# Without one capability after the other. CAP_SYS_ADMIN stands in for the first two, so it goes as well.
without() { # the capabilities as setpriv names them
        host_run ops timeout 20 setpriv --bounding-set "-sys_admin,$1" "$AGENT" --state-dir "$T/agent" \
                --coordinator tcp://127.0.0.1:7337 --host ops 2>&1
}
for capability in bpf perfmon; do
        said=$(without "-$capability")
        is $? 1 "without CAP_${capability^^} it does not start"
        names() { grep -q "CAP_${capability^^}" <<<"$said"; }
        if names; then pass "and says so: $(grep "CAP_${capability^^}" <<<"$said" | head -1)"; else fail "and says so" "$said"; fi
done

# A child that hangs, or that was taken over and stays, does not outlive the agent.
host_run one kill -STOP "$talker"
host_run one kill -TERM "$main"
both_gone() { ! host_run one ps -p "$main,$talker" -o pid= | grep -q .; }
await_ok 5 "an agent whose child hangs ends it, and stops" both_gone
done_testing
