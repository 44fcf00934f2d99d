# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# The site file is read again while traffic goes on.  Read by tests/netns/run.

reload_all() {
	local h
	for h in $HOSTS; do
		ctl "$h" reload || return 1
	done
}
refuses() { # WHY: host a's daemon, of the site file as it is
	local r
	r=$(ctl a reload 2>&1) && return 1
	say "$r"
	grep -q "the site stays what it was.*$1" <<<"$r"
}

reloads() {
	ping_other
	cp "$W/site.yaml" "$W/site.old"
	add_vm xa a "$(mac 7)" 192.168.7.1
	add_vm xb b "$(mac 8)" 192.168.7.2
	{
		environment third 44
		vm xa "$(mac 7)" 192.168.7.1 a
		vm xb "$(mac 8)" 192.168.7.2 b
	} >>"$W/site.yaml"
	# shellcheck disable=SC2154 # daemon_a: start_daemon
	kill -HUP "$daemon_a"
	claim "SIGHUP reads the site again" until_true 5 ctl a place \
		"$(mac 7)" a
	claim "so does violin-tunnelctl" reload_all
	claim "an environment that was added is there" \
		until_true 5 reaches xa 192.168.7.2
	cp "$W/site.yaml" "$W/site.third"
	echo "nonsense" >>"$W/site.yaml"
	claim "a wrong file is refused, with its place" \
		refuses 'site.yaml:[0-9]'
	sed 's,tcp://10.9.1.1:,tcp://10.9.2.1:,' "$W/site.third" \
		>"$W/site.yaml"
	claim "one that cannot be had here, with the reason" \
		refuses '10.9.2.1:7471'
	sed 's/vni: 42/&\n  mtu: 9000/' "$W/site.third" >"$W/site.yaml"
	claim "so is one with an MTU that does not fit" refuses 'mtu of 9000'
	claim "after each of them it moves VMs and tells of them" \
		move_m "$(next_host)"
	claim "and all reach all" all_reach
	cp "$W/site.old" "$W/site.yaml"
	claim "the old one is taken again" reload_all
	claim "an environment that was taken out is gone" \
		not ip -n "$P-a" link show dev viob44 2>/dev/null
	claim "what works is not interrupted meanwhile" other_lost_nothing
	claim "nor what is in it" all_reach
}
