#!/usr/bin/env bash
# The manual pages say what the programs' tables say, and are well-formed.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
pages=(coordinator/cli/nightshift.1 coordinator/*.[58] agent/*.[58])
echo "1..$((${#pages[@]} + 1))"

if problem=$(coordinator/manual.sh --check "$O" 2>&1); then
        echo "ok 1 - verbs, options and keys are those of the programs"
else
        echo "not ok 1 - verbs, options and keys are those of the programs"
        echo "# $problem"
fi
n=1
for page in "${pages[@]}"; do
        n=$((n + 1))
        if command -v mandoc >/dev/null; then
                problem=$(mandoc -Tlint -W warning "$page" 2>&1)
        else
                problem=$(MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
        fi
        if [ -z "$problem" ]; then
                echo "ok $n - $page"
        else
                echo "not ok $n - $page"
                echo "# $problem"
        fi
done
