#!/bin/sh
# Unit tests and simulations once more, built with the address and the undefined-behaviour sanitizer.
# timeout: 900
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
. tests/sanitize/lib.sh
unset MAKEFLAGS MAKELEVEL MFLAGS

built=$O/sanitize
make -s -j2 O="$built" SANITIZE=address,undefined SUITE="unit sim" test-programs >&2 || bail "the programs do not build"
# strstr unchecked: its check reads a large text to the end at each call
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:intercept_strstr=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99
each_program "$built" 99
