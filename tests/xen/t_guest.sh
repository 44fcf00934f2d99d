#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A guest starts, tells who it is, counts, obeys, and its memory is sound.
# limit: 120
# hosts: a
. "$(dirname "$0")/lib.sh"

start=$(now_ms)
on a "guest create g1 'vif=[\"bridge=lan,script=vif-lan\"]' \
	'extra=\"console=hvc0 rdinit=/init quiet addr=10.1.0.101/24\"'"
took=$(($(now_ms) - start))

before=$(on a guest report g1 count)
boot=$(on a guest report g1 boot)
grep -Eq '^[0-9a-f-]{36}$' <<< "$boot" || fail "its boot id is \"$boot\""
on a guest tell g1 check
sleep 2
after=$(on a guest report g1 count)
[ "$after" -gt "$before" ] || fail "it does not count: $before, $after"
[ "$(on a guest report g1 bad)" = 0 ] || fail "its memory pattern changed"
[ "$(on a guest report g1 passes)" -ge 1 ] || fail "it did not verify"
[ "$(on a "guest tell g1 sh echo yes")" = yes ] || fail "it does not obey"
! on a guest tell g1 nonsense > /dev/null || fail "it obeys nonsense"
eventually 10 on a "ping -q -c 1 -W 2 10.1.0.101" > /dev/null ||
	fail "it is not on the network"
echo "a guest of 96 MiB reports after $took ms"
