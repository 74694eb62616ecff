#!/bin/sh
# What the runner says of programs that pass, fail, die, hang, lose their plan or skip.
set -u
cd "$(dirname "$0")/../.." || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/tests/unit"

sample() { # NAME, the lines of a script
        printf '#!/bin/sh\n%s\n' "$2" >"$scratch/tests/unit/$1.t"
        chmod +x "$scratch/tests/unit/$1.t"
}
sample good 'echo 1..2; echo ok 1 - a; echo ok 2 - b'
sample bad 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; echo reason >&2; exit 1'
sample died 'echo 1..3; echo ok 1 - a; kill -SEGV $$'
sample planless 'echo noise'
sample status 'echo 1..1; echo ok 1 - a; exit 3'
sample skipped 'echo "1..0 # SKIP no such kernel"'
sample cmocka 'echo 1..2; echo ok 1 - a; echo "not ok 2 # SKIP b"'
sample hangs '# timeout: 1
echo 1..1; echo ok 1 - a; exec sleep 60'

n=0
echo 1..9
expect() { # WHAT, STATUS, LAST LINE, names...
        what=$1 status=$2 last=$3
        shift 3
        paths=
        for name in "$@"; do paths="$paths $scratch/tests/unit/$name.t"; done
        # shellcheck disable=SC2086 # a list of words
        TEST_LOGS=$scratch/log tests/runner/run $paths >"$scratch/out" 2>&1
        r=$?
        n=$((n + 1))
        if [ "$r" -eq "$status" ] && [ "$(tail -n 1 "$scratch/out")" = "$last" ]; then
                echo "ok $n - $what"
        else
                echo "not ok $n - $what"
                echo "# status $r, wanted $status; last line wanted: $last"
                sed 's/^/# /' "$scratch/out"
        fi
}
expect "counts what passed" 0 "2 passed, 0 failed" good
expect "counts a failed test, and shows its log" 1 "3 passed, 1 failed" good bad
expect "counts tests that a death left out" 1 "1 passed, 2 failed" died
expect "counts a program without a plan" 1 "0 passed, 1 failed" planless
expect "counts an exit status without a failed test" 1 "1 passed, 1 failed" status
expect "does not count skipped files as passed" 0 "2 passed, 0 failed" good skipped
expect "understands cmocka's way of skipping" 0 "1 passed, 0 failed" cmocka
expect "ends what hangs" 1 "1 passed, 1 failed" hangs
expect "sums over several programs" 1 "6 passed, 5 failed" good bad died planless status cmocka
