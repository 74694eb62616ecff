#!/usr/bin/env bash
# timeout: 600
# The three programs in a system run under the address and undefined-behaviour sanitizers, then the
# daemons under valgrind: nothing is found, and what they count is right all the same.
. "$(dirname "$0")/lib.sh"
skip_if_fast

SANITIZED=$O/sanitize
(cd "$SOURCE_DIR" && env -u MAKEFLAGS -u MAKELEVEL make -s -j2 O="${SANITIZED#"$SOURCE_DIR"/}" SANITIZE=address,undefined build) >"$T/logs/make" 2>&1 ||
        bail_out "the programs do not build: $(tail -3 "$T/logs/make")"
export ASAN_OPTIONS=detect_leaks=1:exitcode=99:log_path=$T/logs/asan
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99:log_path=$T/logs/ubsan
AGENT=$SANITIZED/nightshift-agent
COORDINATOR=$SANITIZED/nightshift-coordinator
NIGHTSHIFT=$SANITIZED/nightshift
product_built

net_router
net_lan a 10.77.1.1/24
host_cell ops a 10.77.1.9
host_cell outside a 10.77.1.99
coordinator_begin ops
agent_install one --state-dir /var/lib/nightshift
sed -i '/ExecStart/i Environment=ASAN_OPTIONS=detect_leaks=1:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99' \
        "$T/hosts/one/root/etc/systemd/system/nightshift-agent.service"
install "$O/nightshift-agent" "$T/hosts/one/root/usr/local/bin/plain-agent"
install -m 644 "$SYSTEM_DIR/valgrind.supp" "$T/hosts/one/root/etc/"
host_service one till "/usr/local/bin/traffic serve 0.0.0.0 8000"
host_boot one a 10.77.1.10
host_ready one
coordinator_ready
agents_ready one
await 10 listens one 8000

busy() { # UNIT
        host_unit one "$1" /usr/local/bin/traffic load 127.0.0.1 8000 connections=300 send=3000 reply=30000 >/dev/null
        host_run outside "$SYSTEM_DIR/traffic" load 10.77.1.10 8000 connections=100 >/dev/null
        host_unit one "$1-refused" /usr/local/bin/traffic load 127.0.0.1 9 connections=20 >/dev/null
        await_ok 30 "what is counted is right" edge_says "$1" till '"\(.seen_from) \(.connections.opened) \(.bytes.sent) \(.bytes.received)"' '"both 300 900000 9000000"'
        for verb in status hosts services edges processes; do
                cli "$verb" >"$T/logs/table.$verb" 2>&1 || fail "$verb as a table" "$(cat "$T/logs/table.$verb")"
        done
        cli graph --format dot >"$T/logs/graph.dot"
        cli graph --format svg >"$T/logs/graph.svg"
        cli graph --service till --depth 2 >"$T/logs/graph.txt"
}
busy sanitized
host_run one systemctl stop nightshift-agent
is "$(host_run one systemctl show --value --property=ExecMainStatus nightshift-agent)" 0 "the agent under the sanitizers ends well"
is "$(agent_log one | grep -E 'Sanitizer|runtime error')" "" "they found nothing in it"
coordinator_kill TERM
is $? 0 "the coordinator under the sanitizers ends well"
is "$(cat "$T"/logs/*san.* 2>/dev/null)" "" "they found nothing in it, nor in the CLI"

# Another state: what the first one kept would look like an agent that was just heard from.
rm -rf "$T/coordinator"
COORDINATOR=$O/nightshift-coordinator
NIGHTSHIFT=$O/nightshift
unset ASAN_OPTIONS UBSAN_OPTIONS
COORDINATOR_COMMAND="valgrind --quiet --leak-check=full --error-exitcode=99 --log-file=$T/logs/valgrind.coordinator"
coordinator_begin ops
await 60 cli status >/dev/null || fail "a coordinator under valgrind answers"
start=$(now)
host_run one systemd-run --quiet --unit=memcheck --property=TimeoutStopSec=60 \
        valgrind --leak-check=full --suppressions=/etc/valgrind.supp --error-exitcode=99 --log-file=/run/valgrind.%p \
        /usr/local/bin/plain-agent --config /etc/nightshift/agent.yaml --coordinator "$COORDINATOR_URL" --host one --interval 1
await 180 hosts_heard one || fail "an agent under valgrind is heard from" "$(host_run one journalctl -u memcheck | tail)"
note "an agent under valgrind was heard from after $(since "$start") s"
busy checked
host_run one systemctl stop memcheck
is "$(host_run one bash -c 'grep -hE "^==" /run/valgrind.* | grep -vE "Memcheck|Copyright|Using Valgrind|Command:|Parent PID|For lists of|ERROR SUMMARY: 0|All heap blocks|^==[0-9]+== *$|LEAK SUMMARY|HEAP SUMMARY|(in use at exit|total heap usage|still reachable|suppressed|(definitely|indirectly|possibly) lost: 0)|Reachable blocks|To see them"')" "" \
        "valgrind finds nothing in the agent"
coordinator_kill TERM
is $? 0 "the coordinator under valgrind ends well"
is "$(cat "$T/logs/valgrind.coordinator")" "" "valgrind finds nothing in the coordinator"
done_testing
