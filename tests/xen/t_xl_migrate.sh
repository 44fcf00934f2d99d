#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Xen's own xl moves a guest between hosts: the yardstick, without encryption.
# limit: 420
# hosts: a b
. "$(dirname "$0")/lib.sh"

on a guest create g1 "'vif=[\"bridge=lan,script=vif-lan\"]'"
boot=$(on a guest report g1 boot)
count=$(on a guest report g1 count)
on b "socat -b 262144 TCP-LISTEN:8002,reuseaddr \
	EXEC:'xl migrate-receive' > /run/receive.log 2>&1 &"
start=$(now_ms)
on a "xl migrate -s '' g1 'socat -b 262144 - TCP:10.1.0.2:8002,retry=10'"
took=$(($(now_ms) - start))

! on a "xl domid g1" > /dev/null 2>&1 || fail "it is still on a"
on b guest wait g1
[ "$(on b guest report g1 boot)" = "$boot" ] || fail "it was started anew"
[ "$(on b guest report g1 count)" -gt "$count" ] || fail "its counter is lost"
on b guest tell g1 check
sleep 1
[ "$(on b guest report g1 bad)" = 0 ] || fail "its memory pattern changed"
echo "xl migrate moved a guest of 96 MiB in $took ms"
