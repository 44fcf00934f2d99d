#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Faults while a VM migrates, four of those below; which ones, and at which
# step, rotates by the day (XEN_SEED=N asks for another day, XEN_FAULTS for
# some of them, "all" for all).  What died is started again and what is full
# is emptied; then the VM runs where it should, with its memory whole.  It
# never ran on two hosts, no memory is left behind, and the manager carries
# on: each fault meets the migration after the one before.
#
#   source target   violind is killed at a step of this side
#   manager         the manager is killed at one
#   link            the link between the hosts is cut for 5 s
#   lost            for good, before the source commits: it keeps the VM
#   commit          for good, when the source has committed and not said so:
#                   both stand still until the manager, who hears both, decides
#   alone           for good and with the target's host, at the same step: the
#                   VM stands still until an operator decides
#   memory          another guest takes the target's memory after it admitted
#                   the VM: the source keeps it
#   record          the disk that the manager's record is on is full
#   journal         the disk that a violind's journal is on is full: it refuses
# limit: 540
# hosts: a c m
# needs: violind violin hostctl
. "$(dirname "$0")/lib.sh"

seed=${XEN_SEED:-$(($(date +%s) / 86400))}
vm=V1-1
from=a to=c
all=(source target manager link lost commit alone memory record journal)

# draw WORD...: one of them, by the seed
draw() { shift $((seed % $#)); echo "$1"; }

# --- watching: both hosts in turn, every second -------------------------------

# Lines "HOST" and, where it runs, "HOST runs".
watch_hosts()
{
	local h
	while sleep 1; do
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
is_quiet()
{
	! status_has '"id"' &&
		[ "$(echo $(names a) $(names c))" = "$(
			[ $ends = a ] && echo "Domain-0 $vm Domain-0" ||
				echo "Domain-0 Domain-0 $vm")" ]
}
names() { on "$1" "xl list" | awk 'NR > 1 { print $1 }'; }
free_kib() { on "$1" hostctl sample | grep '^host ' | field mem_free_kib; }
# The host says so itself: that it does not answer means nothing.
has_died()
{
	[ "$(on "$1" "kill -0 \$(cat /run/$2.pid) 2> /dev/null && echo lives ||
		echo dead" 2> /dev/null)" = dead ]
}
has_stopped()
{
	on "$1" "grep -q ') T ' /proc/\$(cat /run/violind.pid)/stat" \
		2> /dev/null
}
says() { log | tail -n "+$((marked + 1))" | grep "$1" > /dev/null; }
mark() { marked=$(log | wc -l); }
heard() { log | grep -c "host name=$1 up" || true; }
heard_again() { [ "$(heard "$1")" -gt "$2" ]; }

# again HOST OPTION...: its violind again, with these options
again()
{
	local n
	n=$(heard "$1")
	on "$1" 'kill -9 $(cat /run/violind.pid)
		while kill -0 $(cat /run/violind.pid) 2> /dev/null; do
			sleep 0.1; done'
	violind_start "$@"
	eventually 60 heard_again "$1" "$n" || fail "$1 is not heard again"
}

start_manager() { manager_start --act "$@" < "$site/faults.yaml"; }

# --- faults: each arms itself, has the host drained and repairs what it did ---

kill_violind() # HOST POINT
{
	again "$1" --die-at "$2"
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

# is_sent: until the source sends
is_sent()
{
	mark
	ask drain $from > /dev/null
	eventually 60 says state=source-sending || fail "nothing is sent"
}

fault_link()
{
	is_sent
	sleep "$(draw 1 4 7 10)"
	bed cut $from $to
	sleep 5
	bed join $from $to
}

# stays: the VM ends where it was, and the manager is not to try again
stays()
{
	ends=$from
	eventually "$1" says "vm=$vm kept" || fail "not kept: $(ask status)"
	ask undrain $from > /dev/null
	eventually 20 runs_on $from || fail "$vm does not run on $from"
}

fault_lost()
{
	is_sent
	sleep "$(draw 1 4 8)"
	bed cut $from $to
	stays 60
	bed join $from $to
}

# cut_at POINT: cut from each other when the source is at that point
cut_at()
{
	again $from --stop-at "$1"
	mark
	ask drain $from > /dev/null
	eventually 240 has_stopped $from || fail "never at $1"
	bed cut $from $to
}

stands_still() { [ -z "$(running a)$(running c)" ]; }
running()
{
	on "$1" hostctl sample |
		grep -E "^$vm(--[a-z]*)? state=running" || true
}

fault_commit()
{
	cut_at source-committed:noted
	on $from 'kill -CONT $(cat /run/violind.pid)'
	stands_still || broken "$vm runs, cut off at the commit point"
	eventually 90 arrived || fail "not decided: $(ask status)"
	says 'host=.* vm=.* word=run' || fail "decided by nobody: $(log)"
	bed join $from $to
}

fault_alone()
{
	local id
	cut_at source-committed:noted
	bed cut m $to
	on $from 'kill -CONT $(cat /run/violind.pid)'
	eventually 60 says state=source-doubt || fail "no doubt: $(ask status)"
	is_asked() { status_has '"operator_needed": true'; }
	eventually 60 is_asked || fail "nobody is asked: $(ask status --json)"
	stands_still || broken "$vm runs, cut off at the commit point"
	id=$(ask status --json | sed -n 's/.*"id": "\{0,1\}\([0-9]*\).*/\1/p')
	ask undrain $from > /dev/null
	ask resolve "$id" resume --sure
	eventually 30 runs_on $from || fail "$vm does not run on $from"
	ends=$from
	bed join m $to
	bed join $from $to
}

fault_memory()
{
	local free
	is_sent
	free=$(on $to "xl info free_memory")
	on $to "guest config hog memory=$((free - 40)) > /run/hog.cfg
		xl create -q -p /run/hog.cfg" ||
		fail "nobody took $((free - 40)) MiB of $to"
	stays 120
	on $to xl destroy hog
	says "kept text=\"..*\"" || fail "it is not said why: $(log)"
}

fault_record()
{
	on m 'kill $(cat /run/manager.pid)
		while kill -0 $(cat /run/manager.pid) 2> /dev/null; do
			sleep 0.2; done
		mkdir -p /root/full
		mount -t tmpfs -o size=64k tmpfs /root/full'
	# A step a second fills what the files have room for in time.
	sed 's/period: 5 s/period: 1 s/' "$site/faults.yaml" |
		manager_start --act -o /root/full/result
	eventually 60 status_has "\"host\": \"$from\"" || fail "no manager"
	sleep 2
	on m 'head -c 100000 /dev/zero > /root/full/zero 2> /dev/null || true'
	mark
	ask drain $from > /dev/null
	eventually 240 arrived || fail "it does not carry on: $(ask status)"
	eventually 60 says '/root/full/.*No space left' ||
		fail "it says nothing"
	ask undrain $from > /dev/null
	on m 'kill $(cat /run/manager.pid)
		while kill -0 $(cat /run/manager.pid) 2> /dev/null; do
			sleep 0.2; done
		rm /root/full/zero
		violin replay /root/full/result.part-*/record
		for f in /root/full/result.part-*/*; do
			[ ! -s $f ] || [ "$(tail -c 1 $f | wc -l)" = 1 ] ||
				{ echo "$f is torn"; exit 1; }
		done
		umount /root/full' || broken "what was written is no record"
	start_manager
	eventually 60 ask status > /dev/null 2>&1 || fail "no manager again"
}

fault_journal()
{
	local at
	at=$(draw $from $to)
	on $at 'mount -t tmpfs -o size=64k tmpfs /var/lib/violind'
	again $at
	on $at 'head -c 100000 /dev/zero > /var/lib/violind/zero 2> /dev/null ||
		true'
	mark
	ask drain $from > /dev/null
	eventually 60 says 'No space left' || fail "$at refuses nothing: $(log)"
	[ "$(where $vm a c)" = "$from " ] || fail "$vm is not on $from any more"
	on $at 'rm /var/lib/violind/zero'
}

# --- one run ------------------------------------------------------------------

run() # FAULT
{
	local boot count start=$SECONDS left
	remember $from $vm
	ends=$to
	"fault_$1"
	runs_where_it_should()
	{
		runs_on $ends && status_has \
			"\"$vm\", \"state\": \"running\", \"host\": \"$ends\""
	}
	eventually 300 runs_where_it_should ||
		fail "$1: $vm is not on $ends: $(ask status)"
	eventually 60 is_quiet ||
		fail "$1: no end: $(ask status; names a; names c)"
	never_twice || broken "$1: $vm ran twice: $(tail -n 20 "$samples")"
	same $ends $vm
	other=$to
	[ $ends = $to ] && other=$from
	left=$(($(cat "$site/free.$other") - $(free_kib $other)))
	[ ${left#-} -le 4096 ] || broken "$1: $left KiB of $other are gone"
	ask undrain $from > /dev/null 2>&1 || true # some have done it
	echo "$1: well after $((SECONDS - start)) s"
	from=$ends to=$other
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
faults=${XEN_FAULTS:-$(for i in 0 1 2 3; do
	echo "${all[(seed * 4 + i) % ${#all[@]}]}"
done)}
[ "$faults" != all ] || faults=${all[*]}
for fault in $faults; do
	run "$fault"
done
echo "seed $seed:" $faults: "never on two hosts in $(grep -c . "$samples") \
samples, memory whole"
