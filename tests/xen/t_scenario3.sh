#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Scenario 3 in small: one file, simulated and on real hosts, and the same
# actions in the same order in both worlds.  V3 outlives its last stage, and
# is killed for lack of memory where nothing adapts; the record of the live
# run replays.
# measures: memory, by which the policy decides, while a program grows
# limit: 330
# hosts: a c m
# needs: violind violin
. "$(dirname "$0")/lib.sh"

hog() { on a guest report V3-1 hog_mib; }
# What V3's kernel has killed for lack of memory.
kills() { on a "guest tell V3-1 sh grep oom_kill /proc/vmstat" | tr -dc 0-9; }

# actions FILE: what was done, to whom and where, and how much was given; not
# when, nor why, nor that Xen counts 64 KiB more as a guest's
actions()
{
	awk -F, 'NR > 1 {
		print $2, $4, $6, $8, $2 ~ "set" ? $9 " " $10 : ""
	}' "$1"
}

# stage SECONDS HOG_MIB: at that time of the run V3's program takes so much
stage()
{
	local left=$((started + $1 - SECONDS))
	[ $left -le 0 ] || sleep $left
	on a guest tell V3-1 hog "$2"
}

# live POLICY: starts the manager, until all VMs run
live()
{
	started=$SECONDS
	manager_start --act -p "$1" < "$site/scenario3.yaml"
	eventually 90 created || fail "not all were created: $(ask status)"
	on a guest wait V3-1
	echo "policy $1: all run after $((SECONDS - started)) s"
}

created()
{
	[ "$(on m "grep -c ' create .* done ' /run/manager.log")" = 3 ]
}

manager_stop()
{
	on m 'kill $(cat /run/manager.pid)
		while kill -0 $(cat /run/manager.pid) 2> /dev/null; do
			sleep 0.2; done'
}

live_start a c
sed "s|KEY-a|$(cat "$site/a.pub")|; s|KEY-c|$(cat "$site/c.pub")|" \
	"$here/scenario3.yaml" > "$site/scenario3.yaml"
trap 'status=$?; [ $status -eq 0 ] || { on m "cat /run/manager.log"
	for h in a c; do on $h "cat /run/violind.log"; done; } >&2' EXIT

live none
on a guest tell V3-1 hog 72
(cd "$site" && for run in "simulated -p violin" "alone -p none"; do
	"$BUILD/violin" run -f -o $run scenario3.yaml > simulation.log
done)
grep -q '^V3,.*,crashed$' "$site/alone/environments.csv" ||
	fail "simulated, V3 outlives it all without adaptation"

was_killed() { [ "$(kills)" -gt 0 ] && [ "$(hog)" = 0 ]; }
eventually 40 was_killed ||
	fail "without adaptation V3 lives, with $(hog) MiB"
manager_stop
on c xl destroy V2-1 &
on a 'xl destroy V3-1; xl destroy V1-1'
wait $!

live violin
stage 40 20 # MiB, beside the 80 of the system
# Its last stage begins when it is due, or as soon as it can.
given() { on m "grep -q 'set-memory host=a vm=V3-1 done' /run/manager.log"; }
eventually $((started + 270 - SECONDS)) given ||
	fail "V3 was given no more: $(ask status)"
given=$((SECONDS - started))
on a guest tell V3-1 hog 72
has_all() { [ "$(hog)" = 72 ]; }
eventually 40 has_all || fail "V3 has $(hog) MiB of 72, $(kills) killed"
sleep 8
has_all && [ "$(kills)" -eq 0 ] || fail "V3 was killed for lack of memory"
manager_stop

mkdir -p "$site/live"
on m "cd /root/result && tar -c ." | tar -x -C "$site/live"
"$BUILD/violin" replay "$site/live/record" || broken "it does not replay"
actions "$site/simulated/actions.csv" > "$site/simulated.actions"
actions "$site/live/actions.csv" > "$site/live.actions"
cat "$site/live/actions.csv"
diff "$site/simulated.actions" "$site/live.actions" ||
	fail "the worlds (< simulated, > live) differ in what they do"
echo "$(wc -l < "$site/live.actions") actions, alike in both worlds; \
V3 had its memory after $given s; the record replays"
