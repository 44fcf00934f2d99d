# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# The other datapath, 802.1Q VLANs: hosts a and b share a link, through a
# switch that lets pass only what is tagged with VLAN 42 or 43; c is in another
# domain, to be reached by VXLAN.  Read by tests/netns/run.

share_link() {
	local h v
	add_ns s
	ip -n "$P-s" link add sw type bridge vlan_filtering 1 \
		vlan_default_pvid 0 || return 1
	for h in a b; do
		ip link add name eth1 netns "$P-$h" type veth \
			peer name "to-$h" netns "$P-s"
		ip -n "$P-s" link set dev "to-$h" master sw up
		ip -n "$P-$h" link set dev eth1 up
		for v in 42 43; do
			bridge -n "$P-s" vlan add dev "to-$h" vid $v
		done
	done
	ip -n "$P-s" link set dev sw up
}

# The same site, but for where a and b are, and their switch, which learns.
vlan_site() {
	local vlan="    uplink: eth1"
	sed -e 's/^encryption: .*/encryption: none/' \
		-e 's/^announce: .*/announce: true/' \
		-e "s/^    address: 10.9.[12].1\$/&\\n$vlan/" \
		-e 's/^  vni: \(4[23]\)/&\n  vlan: \1/' "$W/site.yaml" |
		awk '/^- name: domain-a$/ { print; print "  datapath: vlan"
			next }
		/^- name: domain-b$/ { getline; next } { print }' \
		>"$W/vlan.yaml" && mv "$W/vlan.yaml" "$W/site.yaml"
}

# Frames of VM wa, tagged by itself, among those of the other environment.
tags_itself() {
	ip -n "$P-vm-wa" link add link eth0 name eth0.43 type vlan id 43
	ip -n "$P-vm-wa" addr add 192.168.7.9/24 dev eth0.43
	ip -n "$P-vm-wa" link set dev eth0.43 up
	start_in vm-ob "$guest" count eth0 "$(mac 1)" 600 >"$W/tagged"
	listener=$!
	sleep 0.1
	in_ns vm-wa "$guest" forge eth0.43 "$(mac 1)" "$(mac 6)" 50
	wait $listener
	ip -n "$P-vm-wa" link del eth0.43
	[ "$(cat "$W/tagged")" = frames=0 ]
}

switch_drops() { bridge -n "$P-s" vlan del dev to-b vid "$1"; }
switch_passes() { bridge -n "$P-s" vlan add dev to-b vid "$1"; }
switch_knows() { # MAC PORT
	bridge -n "$P-s" fdb show br sw dev "$2" | grep -q "^$1 "
}

vlan() {
	# Not on lo, which has none on any kernel.
	if ! ip -n "$P-a" link add link eth0 name try type vlan id 9 \
		2>/dev/null; then
		elsewhere vlan
		return
	fi
	ip -n "$P-a" link del try
	stop_daemons
	share_link
	vlan_site
	start_daemons || {
		claim "the daemons start with VLANs" false
		return
	}
	claim "all reach all, two by VLAN and one by VXLAN" \
		until_true 5 all_reach
	claim "between hosts on one link there is no tunnel" \
		no_entry a "dst 10.9.2.1"
	switch_drops 43
	claim "an environment's frames are in its own VLAN" \
		not reaches oa 192.168.7.2
	claim "and the other's in another" reaches wa 192.168.7.2
	switch_passes 43
	claim "which, passed again, is whole again" \
		until_true 5 reaches oa 192.168.7.2
	claim "what a VM tags itself stays in its environment" tags_itself
	ping_other
	ip -n "$P-b" link del viov42
	claim "a VLAN that somebody deleted is restored" \
		until_true 5 reaches wb 192.168.7.1
	ip -n "$P-b" link del viob42
	claim "a bridge of VLANs that somebody deleted is restored" \
		until_true 5 reaches wb 192.168.7.1
	claim "what works is not interrupted meanwhile" other_lost_nothing
	# With IPv6 it would say something itself when it is plugged.
	in_ns vm-m sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null
	moves_under_load "announced to the switch"
	[ "$m_host" = a ] || move_m a
	move_m b
	claim "where a silent VM went the switch is told" \
		until_true 1 switch_knows "$(mac 4)" to-b
	claim "after the moves all reach all" all_reach
}
