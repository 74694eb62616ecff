#!/usr/bin/env bash
# 13. An asynchronous connect that is refused, times out or is killed: exactly one event each.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
service exact-refused exact-late exact-gone exact-killed exact-closed exact-impatient
# Of the SYNs that wait for an address that nobody has, the kernel may drop some before it gives up: these attempts
# time out. How many, is what the applications were told.
filter='.edges[] | .connections as $c | (if .client == "exact-gone" then $c.timed_out else 0 end) as $dropped |
        [.client, $c.attempted, $c.failed, $c.refused, $c.timed_out - $dropped, $c.unreachable + $dropped, $c.aborted, $c.opened, $c.open]'
wanted='[["exact-closed",50,50,0,0,0,50,0,0],["exact-gone",100,100,0,0,100,0,0,0],["exact-impatient",20,20,0,0,0,20,0,0],["exact-killed",50,50,0,0,0,50,0,0],["exact-late",100,100,0,100,0,0,0,0],["exact-refused",100,100,100,0,0,0,0,0]]'
for try in 1 2 3; do
        port=$((5000 + 10 * ROUND))
        net_in two nft -f - <<NFT
add table inet exact
delete table inet exact
table inet exact {
        chain input {
                type filter hook input priority 0
                tcp dport { $((port + 1)), $((port + 3)), $((port + 4)), $((port + 5)) } drop
        }
}
NFT
        background one exact-refused fail --to "10.77.1.20:$port" --count 100 --parallel 20
        background one exact-late fail --to "10.77.1.20:$((port + 1))" --count 100 --parallel 100
        background one exact-gone fail --to "10.77.1.77:$((port + 2))" --count 100 --parallel 100
        background one exact-killed abort --to "10.77.1.20:$((port + 3))" --count 50 --how kill
        background one exact-closed abort --to "10.77.1.20:$((port + 4))" --count 50 --how close
        background one exact-impatient abort --to "10.77.1.20:$((port + 5))" --count 20 --how timeout
        join_all
        await 6 edges_say "$filter" "$wanted" && break
        if [ "$try" = 3 ] || ! explained; then break; fi
        hard_again
done
says "each attempt is counted once, as what it was" "$filter" "$wanted"
equal "as the applications were told"
product_end
done_testing
