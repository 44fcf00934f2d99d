#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The testbed itself, and what one host does with one guest.  Every host runs
# Xen, with dom0 as its only domain and memory to give.  Hosts reach each other
# within and between domains with frames of 9000 bytes, not when the way is
# cut; the tunnels' kernel modules are there; nobody reaches the machine that
# tests them.  A guest starts, tells who it is, counts, obeys, its memory is
# sound, and grows and shrinks as it is told, by its own account too; one that
# cannot give its memory back keeps it, and lives.
# limit: 240
# hosts: a b c
# needs: hostctl
. "$(dirname "$0")/lib.sh"

# --- hosts --------------------------------------------------------------------

for h in a b c; do
	list=$(on $h xl list)
	[ "$(tail -n +2 <<< "$list" | cut -d' ' -f1)" = Domain-0 ] ||
		fail "$h: $list"
	free=$(on $h "xl info free_memory")
	[ "$free" -ge 600 ] || fail "$h: only $free MiB free"
	[ "$(on $h hostname)" = $h ] || fail "$h: has another's name"
done

# --- the network between them -------------------------------------------------

b=10.1.0.2 c=10.2.0.1
reach() { on a "ping -q -c 2 -W 2 -M do -s 8972 $1" > /dev/null; }
ttl() { on a "ping -c 1 $1" | sed -n 's/.*ttl=\([0-9]*\).*/\1/p'; }

eventually 20 reach $b || fail "a does not reach b"
eventually 20 reach $c || fail "a does not reach c, in the other domain"
[ "$(ttl $b)" = 64 ] || fail "b is not in a's own domain"
[ "$(ttl $c)" = 63 ] || fail "c is not behind the router"

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
rate=$(calc "16777.216 / ($(now_ms) - $start)")

# --- a guest ------------------------------------------------------------------

start=$(now_ms)
on a "guest create g1 memory=144 maxmem=192 \
	'vif=[\"bridge=lan,script=vif-lan\"]' \
	'extra=\"console=hvc0 rdinit=/init quiet addr=10.1.0.101/24\"'"
took=$(($(now_ms) - start))

count=$(on a guest report g1 count)
grep -Eq '^[0-9a-f-]{36}$' <<< "$(on a guest report g1 boot)" ||
	fail "its boot id is \"$(on a guest report g1 boot)\""
on a guest tell g1 check
sleep 2
[ "$(on a guest report g1 count)" -gt "$count" ] ||
	fail "it does not count: $count, $(on a guest report g1 count)"
[ "$(on a guest report g1 bad)" = 0 ] || fail "its memory pattern changed"
[ "$(on a guest report g1 passes)" -ge 1 ] || fail "it did not verify"
[ "$(on a "guest tell g1 sh echo yes")" = yes ] || fail "it does not obey"
! on a guest tell g1 nonsense > /dev/null || fail "it obeys nonsense"
eventually 10 on a "ping -q -c 1 -W 2 10.1.0.101" > /dev/null ||
	fail "it is not on the network"

# --- its memory ---------------------------------------------------------------

mem() { on a "hostctl sample" | grep '^g1 ' | field mem_kib; }
total() { on a "guest report g1 total_kib"; }
at() { within 0.02 "$(mem)" "$1"; }

first=$(mem) own=$(total)
on a "hostctl set-mem g1 $((176 * 1024))"
eventually 30 at $((176 * 1024)) || fail "it was to have 176 MiB: $(mem) KiB"
sleep 1
grown=$(($(total) - own))
within 0.1 $grown $((32 * 1024)) || fail "the guest sees $grown KiB more"

on a "hostctl set-mem g1 $((128 * 1024))"
eventually 60 at $((128 * 1024)) || fail "it was to have 128 MiB: $(mem) KiB"
! on a "hostctl set-mem g1 $((400 * 1024))" 2> /dev/null ||
	fail "a target above its maximum was taken"

on a "guest tell g1 hog 36"
eventually 30 eval '[ "$(on a guest report g1 hog_mib)" = 36 ]' ||
	fail "the guest could not use 36 MiB"
on a "hostctl set-mem g1 $((72 * 1024))"
sleep 10
left=$(mem)
[ "$left" -gt $((80 * 1024)) ] ||
	fail "it gave back what it uses: $left KiB are left"
[ "$(on a guest report g1 hog_mib)" = 36 ] || fail "its program was killed"
echo "3 hosts, $rate MB/s between two; a guest reports after $took ms; \
$first KiB, 176 MiB, 128 MiB as told; told 72 MiB, it kept $left KiB"
