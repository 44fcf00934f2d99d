#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Hosts reach each other within and between domains with frames of 9000 bytes,
# not when the way is cut; the tunnels' kernel modules are there.
# limit: 150
# hosts: a b c
. "$(dirname "$0")/lib.sh"

b=10.1.0.2 c=10.2.0.1
reach() { on a "ping -q -c 3 -W 2 -M do -s 8972 $1" > /dev/null; }

eventually 20 reach $b || fail "a does not reach b"
eventually 20 reach $c || fail "a does not reach c, in the other domain"
[ "$(on a "ping -c 1 $b" | sed -n 's/.*ttl=\([0-9]*\).*/\1/p')" = 64 ] ||
	fail "b is not in a's own domain"
[ "$(on a "ping -c 1 $c" | sed -n 's/.*ttl=\([0-9]*\).*/\1/p')" = 63 ] ||
	fail "c is not behind the router"

bed cut a c
! reach $c || fail "a reaches c though the way is cut"
reach $b || fail "cutting a from c cut it from b"
bed join a c
reach $c || fail "a does not reach c again"

for h in a c; do
	on $h "modprobe wireguard && modprobe vxlan" ||
		fail "$h: no wireguard or no vxlan"
done
# This machine listens on that port, and 10.0.2.2 is what a would call it.
port=$(bed port a 22)
on a "timeout 20 socat -u TCP:127.0.0.1:22 - | head -c 3" | grep -q SSH ||
	fail "a does not answer itself"
! on a "timeout 5 socat -u TCP:10.0.2.2:$port - | head -c 3" 2> /dev/null |
	grep -q SSH || fail "a reaches the machine that tests it"

on b "socat -u TCP-LISTEN:5000,reuseaddr OPEN:/dev/null > /dev/null 2>&1 &"
start=$(now_ms)
on a "head -c 16777216 /dev/zero | socat -u -b 65536 - TCP:$b:5000,retry=10"
took=$(($(now_ms) - start))
echo "$(calc "16777.216 / $took") MB/s from a to b"
