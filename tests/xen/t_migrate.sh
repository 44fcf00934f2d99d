#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The manager creates a VM and, told to drain its host, has it live-migrated
# within its domain, then into the other one.  It runs in one place, and its
# boot id, counter and memory survive.
# limit: 360
# hosts: a b c m
# needs: violind violin
. "$(dirname "$0")/lib.sh"

vm=V1-1
runs_on() { [ "$(where $vm a b c)" = "$1 " ]; }

# drain FROM TO: prints how long it took, in ms
drain()
{
	local boot count start
	boot=$(on "$1" guest report $vm boot)
	count=$(on "$1" guest report $vm count)
	start=$(now_ms)
	ask drain "$1" > /dev/null
	eventually 200 runs_on "$2" || fail "$vm is not on $2: $(ask status)"
	echo $(($(now_ms) - start))
	on "$2" guest wait $vm
	[ "$(on "$2" guest report $vm boot)" = "$boot" ] ||
		fail "$vm was started anew on $2"
	[ "$(on "$2" guest report $vm count)" -gt "$count" ] ||
		fail "$vm lost its counter on the way to $2"
	on "$2" guest tell $vm check > /dev/null
	sleep 3
	[ "$(on "$2" guest report $vm bad)" = 0 ] ||
		fail "$vm's memory changed on the way to $2"
}

live_start a b c
manager_start --act << EOF
domains:
  - name: D1
    hosts:
      - $(site_host a)
      - $(site_host b)
  - name: D2
    hosts:
      - $(site_host c)
links:
  - {between: [D1, D2], bandwidth: 100 Mbit/s}
manager: {policy: violin, key: manager, period: 5 s}
environments:
  - name: V1
    vms:
      count: 1
      memory: 96 MiB
      memory-min: 96 MiB
      memory-max: 96 MiB
      config: guest.cfg
    workload: {kind: constant, cpu: 0.2 cpu}
EOF
trap 'status=$?; [ $status -eq 0 ] || { on m "cat /run/manager.log"
	for h in a b c; do on $h "cat /run/violind.log"; done; } >&2' EXIT

eventually 60 ask status > /dev/null 2>&1 || fail "the manager does not answer"
eventually 60 runs_on a || fail "$vm was not created on a: $(ask status)"
on a guest wait $vm
inside=$(drain a b) || fail "$inside"
between=$(drain b c) || fail "$between"
echo "moved within its domain in $inside ms, to the other in $between ms"
