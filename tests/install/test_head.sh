#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The head VM, as its image has it: the way out for the compute VMs, and no way
# in.  Namespaces stand for a compute VM, the head, and somebody outside:
#
#   compute eth0 10.77.0.11 -- eth0 10.77.0.1 head eth1 192.0.2.1 -- 192.0.2.2
#
# Nobody listens: a port that can be reached refuses, at once, and one that is
# guarded says nothing.
set -u
[ -n "${MOUNTED:-}" ] || MOUNTED=yes exec "$SRCDIR/tests/mounted" "$0"
cd "$SRCDIR/backends/guest" || exit
passed=0 failed=0
P=vioh$$

skip_all() {
	echo "SKIP $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
for tool in ip nft findmnt; do
	command -v $tool >/dev/null || skip_all "no $tool here"
done
ip netns add $P-head 2>/dev/null || skip_all "network namespaces need root"
trap 'for n in head compute outside; do ip netns del $P-$n; done 2>/dev/null' \
	EXIT
claim() {
	if "${@:2}" >"$TMPDIR/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $1" && cat "$TMPDIR/said"
	fi
}
in_ns() { ip netns exec $P-"$1" "${@:2}"; }
# FROM ADDRESS PORT
reaches() {
	in_ns "$1" timeout 5 bash -c "</dev/tcp/$2/$3" 2>&1 | grep refused
}
is_guarded() {
	in_ns "$1" timeout 1 bash -c "</dev/tcp/$2/$3"
	[ $? -eq 124 ]
}

join() { # NAMESPACE ADDRESS HEAD-INTERFACE
	ip netns add $P-"$1" && in_ns "$1" ip link add eth0 type veth \
		peer name "$3" netns $P-head &&
	in_ns "$1" ip addr add "$2" dev eth0 &&
	in_ns "$1" ip link set eth0 up && in_ns "$1" ip link set lo up &&
	in_ns head ip link set "$3" up
}
address=$(sed -n 's/^Address=//p' \
	head/etc/systemd/network/10-environment.network)
head=${address%/*}
join compute 10.77.0.11/24 eth0 && join outside 192.0.2.2/24 eth1 &&
	in_ns head ip addr add "$address" dev eth0 &&
	in_ns head ip addr add 192.0.2.1/24 dev eth1 &&
	in_ns head ip link set lo up &&
	in_ns compute ip route add default via "$head" || exit
while read -r key _ value; do
	in_ns head sh -c "echo $value >/proc/sys/${key//.//}"
done <head/etc/sysctl.d/violin.conf

claim "outside, unguarded, is reached: the test can tell" \
	reaches head 192.0.2.2 80
claim "without the rules no answer comes back" is_guarded compute 192.0.2.2 80
claim "the rules load" in_ns head nft -f head/etc/nftables.conf
claim "a compute VM gets out, by the head's address" \
	reaches compute 192.0.2.2 80
claim "a compute VM reaches the homes" reaches compute "$head" 2049
claim "a compute VM reaches the name server" reaches compute "$head" 53
claim "outside reaches the head's sshd" reaches outside 192.0.2.1 22
claim "outside does not reach the homes" is_guarded outside 192.0.2.1 2049
in_ns outside ip route add 10.77.0.0/24 via 192.0.2.1
claim "outside does not reach a compute VM" is_guarded outside 10.77.0.11 22

for role in head compute; do
	claim "$role: fstab is right" sh -c "findmnt --verify \
		--tab-file $role/etc/fstab 2>&1 |
		grep -E '^Success|^0 parse errors'"
done
# One address of the head, in all that names it.
claim "homes are exported to the environment's network" \
	grep -q "^/home[[:space:]]${head%.*}.0/24(rw,.*fsid=0" head/etc/exports
claim "compute VMs mount them from the head" \
	grep -q "^head:/[[:space:]]/home" compute/etc/fstab
claim "and know it" grep -q "^$head[[:space:]]head$" common/etc/hosts
claim "and ask it for names" grep -qx "nameserver $head" compute/etc/resolv.conf
claim "where it answers" grep -qx "DNSStubListenerExtra=$head" \
	head/etc/systemd/resolved.conf.d/environment.conf
claim "and it is their router" \
	grep -q "::$head:255.255.255.0::eth0" ../live/site/V1.cfg
claim "scripts are scripts" sh -c 'sh -n violin-guest-image &&
	sh -n common/etc/initramfs-tools/scripts/init-bottom/memory'

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
