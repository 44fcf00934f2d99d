#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Scenario 1 in small: one file, simulated and on real hosts, and the same
# actions in the same order in both worlds.  The guests run a bulk-synchronous
# program over their environment's own network, which goes on while they move;
# V1's and V3's iterations are much faster at the end than at the beginning,
# the result is to the bit what one process computes, and the execution times
# are set beside those that the simulation predicts.
# measures: how long programs take
# limit: 420
# hosts: a c m
# needs: violind violin violin-tunneld violin-tunnelctl
. "$(dirname "$0")/lib.sh"

rows=2048 columns=128 # of a grid, of which each of two VMs has half
trial=30              # iterations that are measured beforehand

# run_time ENVIRONMENT: as the scenario has it, in s
run_time()
{
	awk -v name="$1" '
	$1 == "name:" || $2 == "name:" { at = $NF }
	at == name && match($0, /run-time: [0-9]+ s/) {
		print substr($0, RSTART + 10, RLENGTH - 12)
	}' "$here/scenario1.yaml"
}

# iterations ENVIRONMENT: as many as take that long
iterations() { calc "$(run_time "$1") / $each" | cut -d. -f1; }

# networks: what violin-tunneld is told of the environments
networks()
{
	local e n
	echo "environments:"
	for e in 1 2 3; do
		echo "- name: V$e"
		echo "  vni: 4$e"
		echo "  vms:"
		for n in 1 2; do
			echo "  - {name: V$e-$n, ip: 10.7$e.0.1$n," \
				"mac: \"00:16:3e:00:0$e:0$n\"}"
		done
	done
}

# until_on HOST SECONDS CONDITION: asks there, once a second, which takes less
# of an emulated CPU than to ask from here
until_on()
{
	on "$1" "n=0; until $3; do
		[ \$((n += 1)) -le $2 ] || exit 1; sleep 1; done"
}

# order VM ARGUMENT...: what starts the program in it; it speaks to its console,
# so that nobody has to ask the guest
order() { echo "guest tell $1 sh 'relax ${*:2} > /dev/console 2>&1 &'"; }

# start HOST ITERATIONS ENVIRONMENT...: the program in all their VMs, which are
# there; without ITERATIONS as many as each is to make
start()
{
	local orders="" e n
	for e in "${@:3}"; do
		for n in 1 2; do
			orders+="$(order "$e-$n" $rows $columns \
				"${2:-$(iterations "$e")}" $((n - 1)) \
				"10.7${e#V}.0.11" "10.7${e#V}.0.12") & "
		done
	done
	on "$1" "$orders wait" > /dev/null
}

# await HOST ENVIRONMENT ITERATIONS: until its programs, which run there, have
# ended; what they say is then in $site/ENVIRONMENT
await()
{
	local right line lines
	lines="grep -hs 'iterations=$3 ' /var/log/xen/console/guest-$2-*.log"
	until_on "$1" 120 "[ \$($lines | grep -c sum=) = 2 ]" ||
		fail "not heard twice on $1: $lines" >&2
	on "$1" "$lines | tr -d '\r' | sort" > "$site/$2"
	cat "$site/$2"
	right=$(relax $rows $columns "$3" | result)
	while read -r line; do
		[ "$(result <<< "$line")" = "$right" ] ||
			broken "$2 computes otherwise than this machine: $right"
	done < "$site/$2"
}

# said ENVIRONMENT FIELD: of the first VM's
said() { head -n 1 "$site/$1" | field "$2"; }

# result: of this output of the program
result() { sed -n 's/.*\(residual=.*\)/\1/p'; }

# relax ARGUMENT...: the program on this machine
relax() { nice -n 19 "$BUILD/xen/relax" "$@"; }

# actions FILE: who was created and migrated, in order, and which shares all
# had before and after; not when, and not the shares in between, which depend
# on who was there first
actions()
{
	awk -F, '
	function tell(vm) {
		for (vm in share) print "share", vm, share[vm] | "sort"
		close("sort")
		split("", share)
	}
	$2 == "migrate" && last != "migrate" { tell() }
	$2 == "create" || $2 == "migrate" { print $2, $4, $6, $8; last = $2 }
	$2 == "set-cpu" { share[$4] = $9 }
	END { tell() }' "$1"
}

# execution FOLDER ENVIRONMENT: how long it took in a simulated run, in s
execution()
{
	awk -F, -v e="$2" '$1 == e { print $5 }' "$site/$1/environments.csv"
}

# is_faster ENVIRONMENT: at its end than at its beginning.  Twice the CPU would
# be half the time.
is_faster()
{
	[ "$(said "$1" last_ms)" -lt $(($(said "$1" first_ms) * 3 / 4)) ]
}

# beside ENVIRONMENT: its time, and how it differs from the predicted one
beside()
{
	awk -v name="$1" -v s="$(calc "$(said "$1" ms) / 1000")" \
		-v p="$(execution simulated "$1")" 'BEGIN {
		printf "%s %.0f s, predicted %.0f (%+.0f %%)", name, s, p,
			100 * (s / p - 1) }'
}

elapsed() { echo $((SECONDS - started)) s; }

${CC:-cc} -std=gnu11 -O2 -ffp-contract=off -o "$BUILD/xen/relax" \
	"$here/guest/relax.c" -lm
vnet_start a c < <(networks)
live_start a c
for e in 1 2 3; do
	guest_config "addr=10.7$e.0.1\${number}/24" \
		"mac=00:16:3e:00:0$e:0\${number},script=vif-violin" \
		> "$site/V$e.cfg"
done
sed "s|KEY-a|$(cat "$site/a.pub")|; s|KEY-c|$(cat "$site/c.pub")|" \
	"$here/scenario1.yaml" > "$site/scenario1.yaml"
# As a host's own system should: it serves all its guests.
for h in a c; do on $h xl sched-credit -d 0 -w 1024; done
trap 'status=$?; [ $status -eq 0 ] || { on m "cat /run/manager.log"
	for h in a c; do on $h "cat /run/violind.log /run/tunneld.log
		violin-tunnelctl show"; done; } >&2' EXIT

started=$SECONDS
manager_start --act < "$site/scenario1.yaml"
(cd "$site" && for run in "simulated -p violin" "alone -p none"; do
	"$BUILD/violin" run -f -o $run scenario1.yaml
done)
until_on m 120 '[ $(grep -c " create .* done " /run/manager.log) = 6 ]' ||
	fail "not all were created: $(ask status)"
on a "for v in V1-1 V1-2 V3-1 V3-2; do guest wait \$v; done" &
on c "for v in V2-1 V2-2; do guest wait \$v; done"
wait $!
echo "all run after $(elapsed)"

# A CPU of each host for one environment alone, with its messages.
start a $trial V1
start c $trial V2
await a V1 $trial
await c V2 $trial
each=$(calc "($(said V1 median_ms) + $(said V2 median_ms)) / 4000")
echo "an iteration of one VM's part takes $each s"

echo "the programs start after $(elapsed)"
start a "" V1 V3 &
start c "" V2
wait $!
await c V2 "$(iterations V2)"
ask destroy V2
echo "V2 has ended after $(elapsed)"
until_on m 220 '[ $(grep -c " moved text" /run/manager.log) = 2 ]' ||
	fail "V1 has not moved: $(ask status)"
echo "V1 has moved after $(elapsed)"
await a V3 "$(iterations V3)" &
await c V1 "$(iterations V1)"
wait $!
echo "V1 and V3 have ended after $(elapsed)"
on m 'kill $(cat /run/manager.pid)
	while kill -0 $(cat /run/manager.pid) 2> /dev/null; do sleep 0.2; done'

mkdir -p "$site/live"
on m "cd /root/result && tar -c ." | tar -x -C "$site/live"
"$BUILD/violin" replay "$site/live/record" || broken "it does not replay"
for world in simulated live; do
	actions "$site/$world/actions.csv" > "$site/$world.actions"
done
cat "$site/live/migrations.csv" "$site/live.actions"
diff "$site/simulated.actions" "$site/live.actions" ||
	fail "the worlds (< simulated, > live) differ in what they do"
for e in V1 V3; do
	is_faster $e ||
		fail "$e has become no faster: $(cat "$site/$e")"
done
echo "actions alike in both worlds; V1's iterations $(said V1 first_ms) ms," \
	"then $(said V1 last_ms), V3's $(said V3 first_ms), then" \
	"$(said V3 last_ms); $(beside V1); $(beside V2); $(beside V3)"
