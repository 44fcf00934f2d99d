# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Hosts, a router and VMs as network namespaces; read by tests/netns/run and
# tests/netns/bench.  All names begin with $P, all files are in $W, and both
# are gone when the script ends, however it ends.
#
#   host a 10.9.1.1 --+
#   host b 10.9.2.1 --+-- router (.254), MTU 1500
#   host c 10.9.3.1 --+

P=vio$$
W=$(mktemp -d "${TMPDIR:-/tmp}/netns.XXXXXX")
HOSTS="a b c"
# An emulated machine is slow: it has ten times as long, and a tenth to carry.
slow=1
[ -z "${EMULATED:-}" ] || slow=10
passed=0 failed=0 skipped=0
pids=

say() { printf '     %s\n' "$*"; }
skip() {
	echo "SKIP $*"
	skipped=$((skipped + 1))
}
# claim WHAT COMMAND...: holds if the command succeeds.
claim() {
	local what=$1
	shift
	if "$@"; then
		echo "ok   $what"
		passed=$((passed + 1))
	else
		echo "FAIL $what"
		failed=$((failed + 1))
	fi
}
finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}
# What others have said to pass and fail, counted as ours.
count_in() { # "N passed, N failed, N skipped"
	local p f s word
	IFS=' ,' read -r p word f word s word <<<"$1"
	[ "$word" = skipped ] || return
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
}

end_all() {
	local pid n
	trap - EXIT INT TERM HUP
	for pid in $pids; do
		kill -9 "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	for n in $(ip netns list | sed -n "s/^\($P-[^ ]*\).*/\1/p"); do
		ip netns del "$n"
	done
	rm -rf "$W"
}

in_ns() {
	local n=$1
	shift
	ip netns exec "$P-$n" "$@"
}
# The namespace's own process, so that $! can be signalled.
start_in() {
	local n=$1
	shift
	ip netns exec "$P-$n" "$@" &
	pids="$pids $!"
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# until_true SECONDS COMMAND...
until_true() {
	local end=$(($(now_ms) + $1 * 1000 * slow))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.02
	done
}
# value NAME LINE: of "NAME=value", as guest prints it.
value() { sed -n "s/.*\b$1=\([-0-9.]*\).*/\1/p" <<<"$2"; }
not() { ! "$@"; }
le() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a <= b) }'; }
median() { tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 }
	END { print v[int((NR + 1) / 2)] }'; }

add_ns() {
	ip netns add "$P-$1"
	ip -n "$P-$1" link set dev lo up
}

add_hosts() {
	local h i=1
	add_ns r
	in_ns r sysctl -qw net.ipv4.ip_forward=1
	for h in $HOSTS; do
		add_ns "$h"
		ip link add name eth0 netns "$P-$h" type veth \
			peer name "to-$h" netns "$P-r"
		ip -n "$P-$h" addr add "10.9.$i.1/24" dev eth0
		ip -n "$P-$h" link set dev eth0 up
		ip -n "$P-r" addr add "10.9.$i.254/24" dev "to-$h"
		ip -n "$P-r" link set dev "to-$h" up
		ip -n "$P-$h" route add default via "10.9.$i.254"
		i=$((i + 1))
	done
}

# add_vm NAME HOST MAC IP: its port is called NAME, its interface eth0.  A VM
# is paused while its port is between two hosts, and does not see it unplugged;
# so neither shall this one, and forget its neighbours.
add_vm() {
	add_ns "vm-$1"
	ip link add name "$1" netns "$P-$2" type veth \
		peer name eth0 netns "$P-vm-$1" address "$3"
	ip -n "$P-vm-$1" addr add "$4/24" dev eth0
	in_ns "vm-$1" sysctl -qw net.ipv4.conf.eth0.arp_evict_nocarrier=0
	ip -n "$P-vm-$1" link set dev eth0 up
	ip -n "$P-$2" link set dev "$1" up
}

show_key() { # STATE NAME
	"$BUILD/violin-tunneld" --show-keys --state "$W/$1" |
		sed -n "s/^$2: //p"
}

# The beginning of a site file, with the hosts and without environments:
# site_head ENCRYPTION
site_head() {
	local h i=1
	cat <<-END
		encryption: $1
		announce: false
		managers:
		- name: manager
		  control_key: "$(show_key manager control_key)"
		domains:
	END
	for h in $HOSTS; do
		cat <<-END
			- name: domain-$h
			  hosts:
			  - name: $h
			    address: 10.9.$i.1
			    tunnel_address: 10.99.0.$i
			    wireguard_key: "$(show_key "$h" wireguard_key)"
			    control: "tcp://10.9.$i.1:7471"
			    control_key: "$(show_key "$h" control_key)"
		END
		i=$((i + 1))
	done
	echo "environments:"
}

start_daemon() {
	start_in "$1" "$BUILD/violin-tunneld" --config "$W/site.yaml" \
		--host "$1" --state "$W/$1" --socket "$W/$1.sock" \
		2>>"$W/$1.log"
	eval "daemon_$1=$!"
}
ready() { "$BUILD/violin-tunnelctl" --socket "$W/$1.sock" show; }
start_daemons() {
	local h
	for h in $HOSTS; do
		start_daemon "$h"
	done
	for h in $HOSTS; do
		until_true 10 ready "$h" || {
			cat "$W/$h.log"
			return 1
		}
	done
}
stop_daemon() { # HOST SIGNAL
	local pid
	eval "pid=\$daemon_$1"
	kill "-$2" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
stop_daemons() {
	local h
	for h in $HOSTS; do
		stop_daemon "$h" TERM
	done
}

ctl() { # HOST COMMAND...
	local h=$1
	shift
	"$BUILD/violin-tunnelctl" --socket "$W/$h.sock" "$@"
}
