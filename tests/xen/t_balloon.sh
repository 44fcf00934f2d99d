#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A guest's memory grows and shrinks as it is told, by its own account too;
# one that cannot give its memory back keeps it, and lives.
# limit: 200
# hosts: a
# needs: hostctl
. "$(dirname "$0")/lib.sh"

mem() { on a "hostctl sample" | grep '^g1 ' | field mem_kib; }
total() { on a "guest report g1 total_kib"; }
at() { within 0.02 "$(mem)" "$1"; }

on a "guest create g1 memory=144 maxmem=192"
start=$(mem) own=$(total)

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
sleep 15
left=$(mem)
[ "$left" -gt $((80 * 1024)) ] ||
	fail "it gave back what it uses: $left KiB are left"
[ "$(on a guest report g1 hog_mib)" = 36 ] || fail "its program was killed"
echo "$start KiB, 176 MiB, 128 MiB as told; told 72 MiB, it kept $left KiB"
