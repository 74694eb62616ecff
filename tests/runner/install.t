#!/bin/sh
# `make install` under DESTDIR puts each file where it belongs, what is put there works, and
# `make uninstall` takes all of it away again.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
n=0
echo 1..14
ok() { # STATUS, WHAT
        n=$((n + 1))
        [ "$1" -eq 0 ] || printf 'not '
        echo "ok $n - $2"
}
has() {
        [ -s "$root/usr/$1" ]
        ok $? "has $1"
}

unset MAKEFLAGS MAKELEVEL MFLAGS
make -s O="$O" DESTDIR="$root" PREFIX=/usr install >&2
ok $? "make install"
has sbin/nightshift-agent
has sbin/nightshift-coordinator
has bin/nightshift
has share/nightshift/signatures/connection-pool-leak.yaml
"$root/usr/bin/nightshift" signatures check "$root/usr/share/nightshift/signatures" >&2
ok $? "the installed signatures are sound"
has share/bash-completion/completions/nightshift
has share/zsh/site-functions/_nightshift
has share/fish/vendor_completions.d/nightshift.fish
has lib/systemd/system/nightshift-agent.service
has lib/systemd/system/nightshift-coordinator.service
grep -q '^ExecStart=/usr/sbin/nightshift-agent$' "$root/usr/lib/systemd/system/nightshift-agent.service"
ok $? "the unit starts what was installed"
"$root/usr/bin/nightshift" --help >/dev/null
ok $? "the installed command runs"
make -s O="$O" DESTDIR="$root" PREFIX=/usr uninstall >&2
left=$(find "$root" ! -type d)
echo "# left: $left"
[ -z "$left" ]
ok $? "make uninstall leaves nothing"
