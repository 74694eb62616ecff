#!/usr/bin/env bash
# 13. An asynchronous connect that is refused, times out or is killed: exactly one event each.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
net_in two nft -f - <<'NFT'
table inet exact {
        chain input {
                type filter hook input priority 0
                tcp dport { 5001, 5003, 5004, 5005 } drop
        }
}
NFT
service exact-refused exact-late exact-gone exact-killed exact-closed exact-impatient
# Of the SYNs that wait for an address that nobody has, the kernel may drop some before it gives up: these attempts
# time out. How many, is what the applications were told.
filter='.edges[] | .connections as $c | (if .client == "exact-gone" then $c.timed_out else 0 end) as $dropped |
        [.client, $c.attempted, $c.failed, $c.refused, $c.timed_out - $dropped, $c.unreachable + $dropped, $c.aborted, $c.opened, $c.open]'
wanted='[["exact-closed",50,50,0,0,0,50,0,0],["exact-gone",100,100,0,0,100,0,0,0],["exact-impatient",20,20,0,0,0,20,0,0],["exact-killed",50,50,0,0,0,50,0,0],["exact-late",100,100,0,100,0,0,0,0],["exact-refused",100,100,100,0,0,0,0,0]]'
for try in 1 2 3; do
        background one exact-refused fail --to 10.77.1.20:5000 --count 100 --parallel 20
        background one exact-late fail --to 10.77.1.20:5001 --count 100 --parallel 100
        background one exact-gone fail --to 10.77.1.77:5002 --count 100 --parallel 100
        background one exact-killed abort --to 10.77.1.20:5003 --count 50 --how kill
        background one exact-closed abort --to 10.77.1.20:5004 --count 50 --how close
        background one exact-impatient abort --to 10.77.1.20:5005 --count 20 --how timeout
        join_all
        await 6 edges_say "$filter" "$wanted" && break
        if [ "$try" = 3 ] || ! lost; then break; fi
        hard_again
done
says "each attempt is counted once, as what it was" "$filter" "$wanted"
equal "as the applications were told"
product_end
done_testing
