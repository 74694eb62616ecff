#!/usr/bin/env bash
# Signatures as an operator meets them: the check of a file, what is in force, a file added, a file that is
# wrong, and what a reload makes of it. Needs no root and no agent.
# shellcheck disable=SC2016 # bash's own variables
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
T=$(mktemp -d -t nightshift-signatures-XXXXXX)
CONTROL=$T/control.sock
PORT=$((20000 + $$ % 9000))
COORDINATOR=
n=0

finish() {
        [ -z "$COORDINATOR" ] || kill "$COORDINATOR" 2>/dev/null
        wait
        rm -rf "$T"
}
trap finish EXIT

cli() { "$O/nightshift" --control "$CONTROL" "$@"; }

ok() { # STATUS WHAT [WHY]
        n=$((n + 1))
        [ "$1" -eq 0 ] || printf 'not '
        echo "ok $n - $2"
        [ "$1" -eq 0 ] || printf '%s\n' "${3:-}" | sed 's/^/# /'
}

# says STATUS PATTERN WHAT COMMAND...: the command ends so, and its output holds the pattern.
says() {
        local want=$1 pattern=$2 what=$3 out r
        shift 3
        out=$("$@" 2>&1 </dev/null)
        r=$?
        [ "$r" -eq "$want" ] && grep -qE -- "$pattern" <<<"$out"
        ok $? "$what" "status $r, not $want, or no '$pattern' in: $(head -c 500 <<<"$out")"
}

# soon WHAT COMMAND...: the command succeeds within ten seconds.
soon() {
        local what=$1 until=$((SECONDS + 10))
        shift
        until "$@" >/dev/null 2>&1; do
                if [ "$SECONDS" -ge "$until" ]; then
                        ok 1 "$what" "not within 10 s: $(tail -n 3 "$T/log")"
                        return
                fi
                sleep 0.05
        done
        ok 0 "$what"
}

reload() { # PATTERN WHAT: SIGHUP, and one line more in the log that has the pattern
        local before
        before=$(grep -cE "$1" "$T/log")
        kill -HUP "$COORDINATOR"
        soon "$2" bash -c '[ "$(grep -cE "$1" "$2")" -eq "$3" ]' _ "$1" "$T/log" $((before + 1))
}
in_force() { cli --format json signatures list | jq -r "$1"; }

# Files, without a coordinator.
says 0 '^$' "the library is sound" cli signatures check coordinator/signatures/*.yaml
sed -n '/^signature: thread-leak/,/^\.Ed/{/^\.Ed/!p}' coordinator/nightshift-signature.5 >"$T/thread-leak.yaml"
says 0 '^$' "so is the manual page's example" cli signatures check "$T/thread-leak.yaml"
sed 's/shape: above/shape: over/' "$T/thread-leak.yaml" >"$T/typo.yaml"
says 1 "^$T/typo.yaml:10: evidence\[2\].shape: expected one of rising, .*, found 'over'$" "a mistake is a line with its place" \
        cli signatures check "$T/typo.yaml"
says 1 '^1$' "only the one of several that is wrong" bash -c '"$0" signatures check "$@" | grep -c .; exit "${PIPESTATUS[0]}"' \
        "$O/nightshift" "$T/thread-leak.yaml" "$T/typo.yaml"
mkdir "$T/copy"
cp "$T/thread-leak.yaml" "$T/copy/"
says 1 "copy/thread-leak.yaml:1: signature: 'thread-leak' is the name of $T/thread-leak.yaml too" "two of one name" \
        cli signatures check "$T/thread-leak.yaml" "$T/copy/thread-leak.yaml"
says 1 'none.yaml: cannot be opened: No such file' "a file that is not there" cli signatures check "$T/none.yaml"
says 2 'expected list, or check FILE' "nothing to check" cli signatures check
says 2 'expected list, or check FILE' "something else" cli signatures destroy x
says 1 'no coordinator' "the list needs a coordinator" cli signatures list

# A daemon with a folder of its own.
mkdir "$T/own"
cp "$T/typo.yaml" "$T/own/thread-leak.yaml"
cat >"$T/coordinator.yaml" <<END
signatures: [built-in, $T/own]
END
run=("$O/nightshift-coordinator" --config "$T/coordinator.yaml" --state-dir "$T/state" --control "$CONTROL"
        --listen "tcp://127.0.0.1:$PORT" --http "127.0.0.1:$((PORT + 1))")
says 1 'own/thread-leak.yaml:10: evidence\[2\].shape: expected' "it does not start with one that is wrong" "${run[@]}"
cp "$T/thread-leak.yaml" "$T/own/"
"${run[@]}" 2>"$T/log" &
COORDINATOR=$!
soon "it starts once it is mended" cli status
count=$(ls coordinator/signatures/*.yaml | wc -l)
says 0 "^$((count + 1))\$" "all of them are in force" in_force '.signatures | length'
says 0 '^connection-pool-leak pool service.rollback limit built-in/connection-pool-leak.yaml$' "what the list says of one" in_force \
        '.signatures[] | select(.name == "connection-pool-leak") | "\(.name) \(.subject) \(.remedies[0].action) \(.breach.limit) \(.file)"'
digest=$(sha256sum "$T/thread-leak.yaml" | cut -d ' ' -f 1)
says 0 "^$digest\$" "the digest is that of the file" in_force '.signatures[] | select(.name == "thread-leak") | .digest'
says 0 'thread-leak +process' "the list for people" cli signatures list
says 0 '^thread-leak$' "HTTP: the same" bash -c 'curl -sf "http://$1/v1/signatures" | jq -r ".signatures[].name" | grep thread' _ "127.0.0.1:$((PORT + 1))"

# Reloads.
before=$(in_force '.signatures[].digest')
cp "$T/typo.yaml" "$T/own/thread-leak.yaml"
reload 'signatures unchanged: .*own/thread-leak.yaml:10: evidence' "one that is wrong is logged at the reload"
[ "$(in_force '.signatures[].digest')" = "$before" ]
ok $? "and those in force stay"
sed 's/^title: .*/title: Ours/' coordinator/signatures/crash-loop.yaml >"$T/own/crash-loop.yaml"
rm "$T/own/thread-leak.yaml"
reload "$count signatures in force" "a reload without it"
says 0 '^Ours$' "a file takes the place of the library's" in_force '.signatures[] | select(.name == "crash-loop") | .title'
rm -r "$T/own"
reload "signatures unchanged: .*own: cannot be opened" "a folder that is gone changes nothing"
says 0 '^Ours$' "and is still in force" in_force '.signatures[] | select(.name == "crash-loop") | .title'
kill "$COORDINATOR"
wait "$COORDINATOR"
ok $? "SIGTERM stops it, status 0"
COORDINATOR=
echo "1..$n"
