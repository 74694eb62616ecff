#!/bin/sh
# A minute of fuzzing, shared among the decoders; `make fuzz` takes longer.
# timeout: 600
set -u
cd "$(dirname "$0")/../.." || exit 1
unset MAKEFLAGS MAKELEVEL MFLAGS
exec make -s -j2 O="${O:-build}" fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-$([ "${FAST:-}" ] && echo 12 || echo 60)}"
