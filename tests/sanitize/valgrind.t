#!/bin/sh
# Unit tests and simulations once more, under valgrind.
# timeout: 1500
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
. tests/sanitize/lib.sh

# Valgrind 3.19 has no openat2 (identity, fingerprint, server_limits) and no seccomp (privileges), and
# stands in for the executable (processes); these run under the sanitizers.
leave_out='agent/identity|agent/privileges|agent/processes|agent/fingerprint|agent/server_limits'
each_program "$O" 99 valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
        --trace-children=no
