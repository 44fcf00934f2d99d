#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Four faults while a VM migrates, of a selection that rotates by the day
# (XEN_SEED=N asks for another, XEN_FAULTS for some): violind killed at a step
# of the source, at one of the target, the manager killed at one, and the link
# between the hosts cut for 5 s.  What died is started again; then the VM
# arrives, with its memory whole.  It never ran on two hosts, no memory is left
# behind, and the manager carries on: each fault meets the migration after the
# one before.
# limit: 690
# hosts: a c m
# needs: violind violin hostctl
. "$(dirname "$0")/lib.sh"

seed=${XEN_SEED:-$(($(date +%s) / 86400))}
vm=V1-1
from=a to=c

# draw WORD...: one of them, by the seed
draw() { shift $((seed % $#)); echo "$1"; }

# --- watching: both hosts in turn, all the time -------------------------------

# Lines "HOST" and, where it runs, "HOST runs".
watch_hosts()
{
	local h
	while :; do
		for h in a c; do
			on $h hostctl sample 2> /dev/null |
				awk -v h=$h -v vm=$vm '
			/^host/ { seen = 1 }
			$1 ~ "^" vm "(--|$)" && $2 == "state=running" { runs++ }
			END { if (seen) print h (runs ? " runs" : ""),
				(runs > 1 ? "twice" : "") }'
		done
	done
}

# Had it run on both at once, it would be seen on one, the other and the first
# again: to come back honestly takes many more samples.
never_twice()
{
	awk '/twice/ { exit 1 }
	{
		runs = $2 == "runs"
		if (runs && ran && ran_before && $1 == before && $1 != last)
			exit 1
		before = last; ran_before = ran; last = $1; ran = runs
	}' "$samples"
}

# --- the live system ----------------------------------------------------------

log() { on m "cat /run/manager.log"; }
status_has() { ask status --json 2> /dev/null | grep -q "$1"; }
runs_on() { [ "$(where $vm a c)" = "$1 " ]; }
arrived()
{
	runs_on "$to" &&
		status_has "\"$vm\", \"state\": \"running\", \"host\": \"$to\""
}
is_quiet() { ! status_has '"id"' && [ "$(names $from)" = Domain-0 ]; }
names() { on "$1" "xl list" | awk 'NR > 1 { print $1 }'; }
free_kib() { on "$1" hostctl sample | grep '^host ' | field mem_free_kib; }
lives() { on "$1" "kill -0 \$(cat /run/$2.pid) 2> /dev/null"; }
has_died() { ! lives "$@"; }
heard() { log | grep -c "host name=$1 up" || true; }
heard_again() { [ "$(heard "$1")" -gt "$2" ]; }

# doomed HOST POINT: its violind again, to be killed there
doomed()
{
	local n
	n=$(heard "$1")
	on "$1" 'kill -9 $(cat /run/violind.pid)'
	violind_start "$1" --die-at "$2"
	eventually 60 heard_again "$1" "$n" || fail "$1 is not heard again"
}

start_manager() { manager_start --act "$@" < "$site/faults.yaml"; }

# --- faults: each arms itself, has the host drained and repairs what it did ---

kill_violind() # HOST POINT
{
	doomed "$1" "$2"
	ask drain $from > /dev/null
	eventually 240 has_died "$1" violind || fail "never at $2"
	sleep 3
	violind_start "$1"
}

fault_source()
{
	kill_violind $from "$(draw source-committed:done source-sending:noted \
		source-committed:noting source-moved:noted)"
}

fault_target()
{
	kill_violind $to "$(draw target-starting:noted target-ready:noted \
		target-starting:unpaused target-receiving:noted)"
}

fault_manager()
{
	on m 'kill -9 $(cat /run/manager.pid)'
	start_manager --die-at "$(draw state=source-sending \
		state=target-ready state=source-moved state=target-running)"
	eventually 60 status_has "\"host\": \"$from\"" || fail "no manager"
	ask drain $from > /dev/null
	eventually 240 has_died m manager || fail "the manager was never there"
	sleep 3
	start_manager
	eventually 60 ask status > /dev/null 2>&1 || fail "no manager again"
	ask drain $from > /dev/null
}

fault_link()
{
	ask drain $from > /dev/null
	eventually 60 eval 'log | tail -n 3 | grep -q state=source-sending' ||
		fail "nothing is sent"
	sleep "$(draw 1 5 9 13)"
	bed cut $from $to
	sleep 5
	bed join $from $to
}

# --- one run ------------------------------------------------------------------

run() # FAULT
{
	local boot count start=$SECONDS left other
	boot=$(on $from guest report $vm boot)
	count=$(on $from guest report $vm count)
	"fault_$1"
	eventually 300 arrived || fail "$1: $vm did not arrive: $(ask status)"
	eventually 60 is_quiet || fail "$1: no end: $(ask status; names $from)"
	never_twice || fail "$1: $vm ran twice: $(tail -n 20 "$samples")"
	on $to guest wait $vm
	[ "$(on $to guest report $vm boot)" = "$boot" ] ||
		fail "$1: $vm was started anew"
	[ "$(on $to guest report $vm count)" -gt "$count" ] ||
		fail "$1: $vm lost its counter"
	on $to guest tell $vm check > /dev/null
	sleep 2
	[ "$(on $to guest report $vm bad)" = 0 ] ||
		fail "$1: $vm's memory changed"
	left=$(($(cat "$site/free.$from") - $(free_kib $from)))
	[ ${left#-} -le 4096 ] || fail "$1: $left KiB of $from are gone"
	ask undrain $from > /dev/null
	echo "$1: well after $((SECONDS - start)) s"
	other=$from from=$to to=$other
}

echo "seed $seed"
live_start a c
for h in a c; do free_kib $h > "$site/free.$h"; done
cat > "$site/faults.yaml" << EOF
domains:
  - name: D1
    hosts:
      - $(site_host a)
  - name: D2
    hosts:
      - $(site_host c)
links:
  - {between: [D1, D2], bandwidth: 100 Mbit/s}
manager: {key: manager, period: 5 s, parameters: {cool-down: 0 s}}
environments:
  - name: V1
    vms: {memory: 96 MiB, memory-max: 96 MiB, config: guest.cfg}
EOF
start_manager
samples=$site/samples
watch_hosts > "$samples" 9>&- &
watch=$!
trap 'status=$?; kill $watch; [ $status -eq 0 ] || {
	log
	for h in a c; do on $h "cat /run/violind.log"; done; } >&2' EXIT
eventually 90 runs_on a || fail "$vm was not created on a: $(ask status)"
on a guest wait $vm
faults=${XEN_FAULTS:-source target manager link}
for fault in $faults; do
	run "$fault"
done
echo "seed $seed: $faults: never on two hosts in $(grep -c . "$samples") \
samples, and arrived"
