#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Two VMs of one environment, on hosts of two domains, reach each other by
# VXLAN through WireGuard.
# limit: 240
# hosts: a c m
# needs: violind violin violin-tunneld violin-tunnelctl
. "$(dirname "$0")/lib.sh"

vnet_start a c << 'EOF'
environments:
- name: V1
  vni: 42
  vms:
  - {name: V1-head, mac: "00:16:3e:00:01:00", ip: 10.77.0.10}
  - {name: V1-1, mac: "00:16:3e:00:01:01", ip: 10.77.0.11}
EOF
live_start a c
manager_start --act << EOF
domains:
  - name: D1
    hosts:
      - $(site_host a)
  - name: D2
    hosts:
      - $(site_host c)
links:
  - {between: [D1, D2], bandwidth: 100 Mbit/s}
manager: {key: manager, period: 5 s}
environments:
  - name: V1
    head: {memory: 96 MiB, config: vnet.cfg}
    vms:
      count: 1
      memory: 96 MiB
      memory-min: 96 MiB
      memory-max: 96 MiB
      config: vnet.cfg
    workload: {kind: constant, cpu: 0.2 cpu}
EOF
trap 'status=$?; [ $status -eq 0 ] || { on m "cat /run/manager.log"
	for h in a c; do on $h "cat /run/violind.log /run/tunneld.log
		violin-tunnelctl show"; done; } >&2' EXIT

eventually 60 ask status > /dev/null 2>&1 || fail "the manager does not answer"
placed() { [ "$(where V1-head a)$(where V1-1 $1)" = "a $1 " ]; }
eventually 60 placed a || fail "not all were created: $(ask status)"
on a guest wait V1-head
on a guest wait V1-1
reach() { on a "guest tell V1-head sh ping -c 3 -W 2 -q 10.77.0.11"; }
eventually 20 reach || fail "V1-head does not reach V1-1 on the same host"
ask drain a
eventually 200 placed c || fail "V1-1 did not move: $(ask status)"
eventually 20 reach || fail "V1-head does not reach V1-1 on the other host"
on a "wg show"
