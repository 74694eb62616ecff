#!/usr/bin/env bash
# The product on the kernels of Debian's releases, in virtual machines beside this machine's own: each
# BPF object loads and counts there, the edges equal the truth, and what a kernel lacks is said.
# The programs of tests/bpf are not run there: they want nft and the pace of a real processor.
# timeout: 780
cd "$(dirname "$0")/../.." || exit 1
O=$(realpath "${O:-build}")
cache=$O/kernels/cache
work=${TMPDIR:-/tmp}/nightshift-kernels-$$
mkdir -p "$work" "$cache"
trap 'rm -rf "$work"' EXIT
N=0

# VERSION SUITE HOOK:STATE...: what differs between them is in the states of the hooks.
kernel() {
        local version=$1 suite=$2 program
        shift 2
        if ! tests/kernels/fetch "$version" "$suite" "$cache" >"$work/fetch" 2>&1; then
                echo "ok $((++N)) - Linux $version # SKIP its package could not be fetched: $(tail -n 1 "$work/fetch")"
                return
        fi
        echo "$@" >"$work/hooks"
        # busybox knows no veth.
        local files=("$work/hooks=/test/hooks" tests/kernels/guest=/test/run "$(command -v ip)=/test/ip")
        for program in "$O"/nightshift-agent "$O"/nightshift-coordinator "$O"/nightshift "$O"/tests/exact/generator "$O"/tests/exact/compare "$O"/tests/kernels/hook; do
                [ -x "$program" ] && files+=("$program")
        done
        tests/kernels/image "$work/initrd" "$cache/$version/modules" "${files[@]}" || { echo "not ok $((++N)) - Linux $version: its image"; return; }
        local start=$EPOCHREALTIME
        tests/kernels/boot "$cache/$version/vmlinuz" "$work/initrd" 240 >"$work/serial" 2>&1
        while IFS= read -r line; do
                case $line in
                "ok "*) echo "ok $((++N)) - Linux $version: ${line#*- }" ;;
                "not ok "*) echo "not ok $((++N)) - Linux $version: ${line#*- }" ;;
                "# "*) echo "$line" ;;
                esac
        done <"$work/serial"
        if grep -q '^guest ended' "$work/serial"; then
                echo "ok $((++N)) - Linux $version ran to its end ($(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }') s, $(cat "$cache/$version/package"))"
        else
                echo "not ok $((++N)) - Linux $version ran to its end"
                tail -n 40 "$work/serial" | sed 's/^/# /'
        fi
}

state=inet_sock_set_state:attached
kernel 6.1 bookworm $state iter/task_file:attached turnarounds:fallback udp:attached udp_bytes:unavailable
# Its programs may not take locks: open connections are counted at their end.
[ -n "${FAST:-}" ] || kernel 5.10 bullseye-security $state iter/task_file:fallback turnarounds:fallback udp:attached udp_bytes:unavailable
[ -n "${FAST:-}" ] || kernel 6.12 bookworm-backports $state iter/task_file:attached turnarounds:attached udp:attached udp_bytes:attached
echo "1..$N"
