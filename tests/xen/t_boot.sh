#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every host runs Xen, with dom0 as its only domain and memory to give.
# limit: 60
# hosts: a b c
. "$(dirname "$0")/lib.sh"

for h in a b c; do
	list=$(on $h xl list)
	[ "$(tail -n +2 <<< "$list" | cut -d' ' -f1)" = Domain-0 ] ||
		fail "$h: $list"
	free=$(on $h "xl info free_memory")
	[ "$free" -ge 600 ] || fail "$h: only $free MiB free"
	[ "$(on $h hostname)" = $h ] || fail "$h: has another's name"
done
echo "3 hosts, $free MiB free on the last"
