#!/usr/bin/env bash
# The CLI's way to the coordinator: every way in which it can fail ends soon, with status 1 and a
# sentence that names the socket.
# timeout: 120
. "$(dirname "$0")/link.sh"

NIGHTSHIFT=$O/nightshift
SOCK=$T/control.sock
mkdir "$T/tls" && chmod 755 "$T"

# fails DESCRIPTION PATTERN SECONDS
fails() {
        local start=$EPOCHREALTIME r
        timeout 60 "${AS[@]}" "$NIGHTSHIFT" --control "$SOCK" status >"$T/out" 2>"$T/err"
        r=$?
        is $r 1 "$1: status 1"
        ok "$1: $(head -1 "$T/err")" grep -q "$2" "$T/err"
        at_most "$(since "$start")" "$3" "$1: seconds it took"
}
AS=()
fails "no socket" "no coordinator listens on $SOCK" 3
begin acker "$P/acker" "ipc://$SOCK"
ACKER=$BEGUN
await 5 said acker ready || bail_out "$(cat "$T/acker")"
is "$(stat -c %a "$SOCK")" 600 "the control socket is its owner's only"
if [ "$(id -u)" = 0 ]; then
        cp "$NIGHTSHIFT" "$T/nightshift" && AS=(setpriv --reuid 65534 --clear-groups)
        NIGHTSHIFT=$T/nightshift fails "another user" "you may not use the control socket" 3
        AS=()
fi
asked() { ss -xH | grep -q "ESTAB.*$SOCK"; }
(trap - EXIT; await 4 asked; sleep 0.2; kill -KILL "$ACKER") &
fails "a coordinator that dies over the question" "went away\|does not answer" 5
wait "$ACKER" 2>/dev/null
ok "which leaves its socket behind" test -S "$SOCK"
fails "a socket that was left behind" "no coordinator listens on $SOCK" 3
begin echo "$P/echo" "ipc://$SOCK"
await_ok 5 "a new one takes the place of the socket" said echo ready
fails "an answer that does not parse" "does not parse" 3
"$P/echo" "ipc://$SOCK" >"$T/second" 2>&1
is $? 1 "a second one does not take it"
ok "$(sed 's/^[^ ]* //' "$T/second")" grep -q 'another coordinator listens there already' "$T/second"
done_testing
