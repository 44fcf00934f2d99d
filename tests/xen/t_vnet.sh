#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A VM moves to a host of another domain and back, while it has a home on its
# head VM, which stays: the network between the two is VXLAN through WireGuard.
# TCP connections into it and out of it survive, all that was written at home
# is there, and a ping misses it for as long as Xen stops it and reconnects its
# interface.
# measures: how long a ping misses the VM
# limit: 300
# hosts: a c m
# needs: violind violin violin-tunneld violin-tunnelctl
. "$(dirname "$0")/lib.sh"

vm=V1-1 head=V1-head
interval_ms=20
# That the network may be away for longer than that.  Emulated, a daemon may not
# answer within 0.2 s; what it was told is then repeated after 2 s.
slack_ms=2500
[ "${XEN_ACCEL:-tcg}" = tcg ] || slack_ms=100
placed() { [ "$(where $head a)$(where $vm a c)" = "a $1 " ]; }

# in_vm HOST VM COMMAND: a shell command in a VM
in_vm() { on "$1" "guest tell $2 sh '$3'"; }

# begin HOST VM NAME COMMAND...: traffic of that kind, until
# end HOST VM NAME: prints its result
begin()
{
	in_vm "$1" "$2" "traffic ${*:4} > /tmp/$3 2>&1 & \
echo \$! > /tmp/$3.pid" > /dev/null
}
end()
{
	in_vm "$1" "$2" "kill \$(cat /tmp/$3.pid); \
until [ -s /tmp/$3 ]; do usleep 100000; done; cat /tmp/$3"
}

# --- one clock: that of a, in us ----------------------------------------------

tell_times()
{
	local h
	for h in a c; do
		on $h "traffic tell-time 7002 > /dev/null 2>&1 &"
	done
}
compare_clocks()
{
	c_later=$(on a "traffic ask-time $(address c) 7002" | field later_us)
	a_later=$(in_vm a $head "traffic ask-time $(address a) 7002" |
		field later_us)
}
by_a() # a | c | head US
{
	case $1 in
	a) echo "$2" ;;
	c) echo $(($2 - c_later)) ;;
	head) echo $(($2 + a_later)) ;;
	esac
}
us() { echo $(($(date -d "$1" +%s%N) / 1000)); } # DATE

# Notes when xenstored says that a domain has stopped or is gone, and when
# links change.
watch() # HOST
{
	on "$1" "rm -f /run/stops /run/links
		(xenstore-watch @releaseDomain | traffic stamp) \
			> /run/stops 2> /dev/null &
		/usr/bin/ip -ts monitor link > /run/links 2>&1 &"
	eventually 10 on "$1" "[ -s /run/stops ]" || fail "$1: no watch"
}
stopped() # HOST
{
	by_a "$1" "$(on "$1" "sed -n 2p /run/stops")"
}
# The network knows it there, which is just before it is unpaused.
runs() # HOST
{
	by_a "$1" "$(us "$(on "$1" "cat /run/violind.log" | awk '
		/to=target-starting/ { when = "" }
		/word=starts/ && when == "" { when = $1 }
		END { print when }')")"
}
# Its interface and Xen's side of it have found each other again.
linked() # HOST
{
	local line
	line=$(on "$1" "grep \"vif\$(xl domid $vm).0:.*[<,]LOWER_UP\" \
		/run/links | head -n 1" | cut -c2-27)
	by_a "$1" "$(us "$line")"
}

# --- one move -----------------------------------------------------------------

# after MOMENT MOMENT: the second, in ms after the first
after() { echo $((($2 - $1) / 1000)); }

# move FROM TO: prints for how long a ping missed it, and after which time it
# ran and was linked, ms
move()
{
	local ping stop run link
	watch "$1"
	watch "$2"
	begin a $head ping ping 10.77.0.11 $interval_ms
	ask drain "$1" > /dev/null
	eventually 200 placed "$2" || fail "$vm is not on $2: $(ask status)"
	on "$2" guest wait $vm
	ping=$(end a $head ping)
	ask undrain "$1" > /dev/null
	compare_clocks
	stop=$(stopped "$1") run=$(runs "$2") link=$(linked "$2")
	echo "$1 to $2: $ping; ms after the stop: silent $(after "$stop" \
		"$(by_a head "$(field from_ms <<< "$ping")000")"), runs \
$(after "$stop" "$run"), linked $(after "$stop" "$link"), answers \
$(after "$stop" "$(by_a head "$(field to_ms <<< "$ping")000")")" >&2
	echo "$(field gap_ms <<< "$ping") $(after "$stop" "$run")" \
		"$(after "$stop" "$link")"
}

vnet_start a c << 'EOF'
environments:
- name: V1
  vni: 42
  vms:
  - {name: V1-head, mac: "00:16:3e:00:01:00", ip: 10.77.0.1}
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
manager: {key: manager, period: 5 s, parameters: {
  cool-down: 0 s, cpu-min: 1 cpu, cpu-slack: 1, busy: 0 cpu}}
environments:
  - name: V1
    head: {memory: 160 MiB, config: head.cfg}
    vms:
      memory: 96 MiB
      memory-max: 96 MiB
      config: vnet.cfg
EOF
trap 'status=$?; [ $status -eq 0 ] || { on m "cat /run/manager.log"
	for h in a c; do on $h "cat /run/violind.log /run/tunneld.log
		violin-tunnelctl show"; done; } >&2' EXIT
on m "traffic serve 7001 > /dev/null 2>&1 &"
tell_times

eventually 60 ask status > /dev/null 2>&1 || fail "the manager does not answer"
eventually 60 placed a || fail "not all were created: $(ask status)"
on a guest wait $head
on a guest wait $vm
nfs=vers=4.2,addr=10.77.0.1,clientaddr=10.77.0.11,hard,noatime
mount_home()
{
	in_vm a $vm "mkdir -p /home && \
mount -t nfs4 -o $nfs 10.77.0.1:/ /home" > /dev/null
}
eventually 20 mount_home || fail "$vm has no home"
in_vm a $vm "traffic serve 7000 > /dev/null 2>&1 &" > /dev/null
begin a $vm home append /home/lines 500
begin a $head into call 10.77.0.11 7000 500
begin a $vm out call "$(address m)" 7001 500
boot=$(told a $vm boot)
sleep 2

there=$(move a c) || fail "$there"
back=$(move c a) || fail "$back"

[ "$(told a $vm boot)" = "$boot" ] || broken "$vm was started anew"
for way in "$vm home" "$head into" "$vm out"; do
	# shellcheck disable=SC2086
	result=$(end a $way) || fail "$way: $result"
	echo "$way: $result"
	case $way in
	*home) written=$(field written <<< "$result") ;;
	*)	[ "$(field sent <<< "$result")" -gt 50 ] &&
			[ "$(field echoed <<< "$result")" = \
			"$(field sent <<< "$result")" ] &&
			[ "$(field wrong <<< "$result")" = 0 ] ||
			broken "$way: $result" ;;
	esac
done
[ "$written" -gt 50 ] || fail "$written lines were written"
in_vm a $head "seq 0 $((written - 1)) | cmp - /home/lines" ||
	broken "of $written lines: $(in_vm a $head "wc -l /home/lines")"
sealed=$(on a "wg show viowg transfer" | awk '{ print $2 + $3 }')
[ "$sealed" -gt 100000 ] || broken "$sealed bytes went through WireGuard"
# Where a CPU is shared by all that is emulated, the network's part is at most
# what is seen: the better move tells.
read -r gap run link <<< "$there"
read -r back_gap back_run back_link <<< "$back"
[ $((gap - link)) -le $slack_ms ] ||
	[ $((back_gap - back_link)) -le $slack_ms ] ||
	fail "pings missed it for $gap ms, linked after $link, and \
for $back_gap ms, linked after $back_link"
echo "pings missed it for $gap ms (it ran after $run, was linked after $link) \
and on its way back for $back_gap ($back_run, $back_link); both connections \
and $written lines survived"
