#!/bin/sh
# Writes into the manual pages what the programs' own tables say: verbs and options, keys of the
# configuration files. With --check it changes nothing and fails where a page is behind.
#
#   coordinator/manual.sh [--check] [BUILD-FOLDER]
set -u
check=
if [ "${1:-}" = --check ]; then
        check=yes
        shift
fi
build=${1:-build}
behind=0

fill() { # PAGE COMMAND...
        page=$1
        shift
        "$@" >"$build/manual.part" && awk -v part="$build/manual.part" '
                /^\.\\" BEGIN / { print; while ((getline line < part) > 0) print line; skip = 1 }
                /^\.\\" END$/ { skip = 0 }
                !skip { print }' "$page" >"$build/manual.page" || exit 1
        if ! cmp -s "$page" "$build/manual.page"; then
                if [ -n "$check" ]; then
                        echo "$page is behind its program: coordinator/manual.sh" >&2
                        behind=1
                else
                        cat "$build/manual.page" >"$page"
                fi
        fi
        rm -f "$build/manual.part" "$build/manual.page"
}

fill coordinator/cli/nightshift.1 "$build/nightshift" completion mdoc
fill coordinator/nightshift-coordinator.yaml.5 "$build/nightshift-coordinator" --manual-keys
fill agent/nightshift-agent.yaml.5 "$build/nightshift-agent" --manual-keys
fill coordinator/nightshift-signature.5 "$build/nightshift" signatures mdoc
exit "$behind"
