#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A busy guest is seen as busy and an idle one as idle: what the host says of
# them is within 10 % of a CPU of what they say themselves.  Two busy guests
# share a CPU three to one if their weights say so, and a cap of a quarter of
# a CPU holds while the rest is free; each within 10 %.  The guests have the
# second CPU to themselves, as a pool: what wakes up beside them, as dom0 does,
# is let in at once by the credit scheduler, at the cost of whoever runs most,
# and weights hold over all CPUs of a pool, not on the one a guest is bound to.
# limit: 330
# hosts: a
# cpus: 2
# needs: hostctl
. "$(dirname "$0")/lib.sh"

# watch SECONDS: how the accounts of both guests have grown since
watch()
{
	sleep 3
	before=$(account a g1 g2)
	sleep "$1"
	after=$(account a g1 g2)
}

on a "xl cpupool-cpu-remove Pool-0 1
	xl cpupool-create 'name=\"guests\"' 'cpus=[\"1\"]' > /dev/null
	guest create g1 'pool=\"guests\"' & guest create g2 'pool=\"guests\"' &
	wait
	guest tell g1 busy"
watch 20
time=$(delta time_ns host)
busy=$(calc "$(delta cpu_time_ns g1) / $time")
idle=$(calc "$(delta cpu_time_ns g2) / $time")
# The busy guest's own account: what its process had by the scheduler's clock,
# which counts stolen time in, and the cost of being a guest at all, of which
# the idle one is the measure.
says=$(calc "($(delta busy_ms 'own g1') - $(delta steal_ms 'own g1')) / \
$(delta up_ms 'own g1') + $idle")
says_idle=$(calc "$(delta run_ms 'own g2') / $(delta up_ms 'own g2')")
echo "busy: the host says $busy of a CPU, the guest $says"
echo "idle: the host says $idle of a CPU, the guest $says_idle"
within 0.1 "$busy" "$says" || fail "busy: $busy seen, $says told"
within 0.1 "$(calc "1 + $idle")" "$(calc "1 + $says_idle")" ||
	fail "idle: $idle seen, $says_idle told"
[ "$(calc "$busy > 0.5")" = 1.000 ] || fail "busy: only $busy of a CPU"

on a "hostctl set-cpu g1 768 0 && hostctl set-cpu g2 256 0 &&
	guest tell g2 busy"
watch 40
ratio=$(calc "$(delta cpu_time_ns g1) / $(delta cpu_time_ns g2)")
work=$(calc "$(delta loops 'own g1') / $(delta loops 'own g2')")
echo "weights of 3:1 gave CPU time of $ratio:1 and work of $work:1"
within 0.1 "$ratio" 3 || fail "weights of 3:1 gave $ratio:1"

on a "hostctl set-cpu g1 256 250 && guest tell g2 idle"
watch 20
cap=$(calc "$(delta cpu_time_ns g1) / $(delta time_ns host)")
within 0.1 "$cap" 0.25 ||
	fail "a cap of 0.25 let it have $cap of a CPU"
echo "seen $busy busy (told $says), $idle idle; 3:1 gave $ratio:1 \
(work $work:1); a cap of 0.25 gave $cap"
