#!/usr/bin/env bash
# 9. A server's port inside the ephemeral range, and clients whose ephemeral ports surround it.
. "$(dirname "$0")/lib.sh"
hard_begin
hard_agent
net_in one sh -c 'echo "45000 45020" >/proc/sys/net/ipv4/ip_local_port_range'
service exact-db exact-caller exact-self
begin one exact-db serve --listen 10.77.1.10:45010,127.0.0.1:45011 --workers 4
at one exact-self load --to 10.77.1.10:45010,127.0.0.1:45011 --server exact-db --count 200 --mix 4-4
at two exact-caller load --to 10.77.1.10:45010 --server exact-db --count 100 --mix quick
says "all point to the server" '.edges[] | [.client, .server, .port, .seen_from]' \
        '[["exact-caller","exact-db",45010,"both"],["exact-self","exact-db",45010,"both"],["exact-self","exact-db",45011,"both"]]'
equal "and every count is right"
product_end
done_testing
