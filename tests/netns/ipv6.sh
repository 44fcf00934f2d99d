# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# IPv6 between VMs: neighbours are found by multicast, segments are clamped.
# Read by tests/netns/run.

add_6() { # VM NUMBER
	in_ns "vm-$1" sysctl -qw net.ipv6.conf.eth0.ndisc_evict_nocarrier=0 \
		2>/dev/null
	ip -n "$P-vm-$1" addr add "fd00:7::$2/64" dev eth0
}
settled_6() { # VM NUMBER: nobody else has its address
	ip -n "$P-vm-$1" -6 addr show dev eth0 >"$W/addr6"
	grep -q "fd00:7::$2/64" "$W/addr6" && ! grep -q tentative "$W/addr6"
}
# A stream for MS milliseconds: all of it arrives.  Sets mss.
streams_6() { # FROM TO NUMBER MS [COMMAND... meanwhile]
	local listener stream ok=0
	start_in "vm-$2" "$guest" listen 5006 >"$W/listen6"
	listener=$!
	start_in "vm-$1" "$guest" send "fd00:7::$3" 5006 "$4" 50 >"$W/send6"
	stream=$!
	shift 4
	[ $# -eq 0 ] || { sleep 0.3 && "$@" || ok=1; }
	wait "$stream" "$listener"
	mss=$(value mss "$(cat "$W/send6")")
	[ $ok = 0 ] && [ "$(value bytes "$(cat "$W/send6")")" -gt 0 ] &&
		[ "$(value bytes "$(cat "$W/listen6")")" = \
			"$(value bytes "$(cat "$W/send6")")" ] &&
		[ "$(value wrong "$(cat "$W/listen6")")" = 0 ]
}

ipv6() {
	if ! add_6 wa 1 2>/dev/null; then
		skip "ipv6: this kernel has none; claims untested here"
		return
	fi
	add_6 wb 2 && add_6 wc 3 && add_6 m 4
	claim "VMs make sure of their IPv6 addresses" \
		until_true 5 settled_6 m 4
	claim "IPv6 neighbours find each other" streams_6 wa wb 2 300
	claim "with segments that fit (1450 - 60), not $mss" le "$mss" 1390
	claim "a stream over IPv6 survives a move, whole" \
		streams_6 wb m 4 1200 move_m "$(next_host)"
}
