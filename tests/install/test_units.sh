#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What `make install` puts where, and what systemd says of the units: that they
# are right, and how exposed a machine is by them, at most, from 0 to 10.
set -u
cd "$SRCDIR" || exit
passed=0 failed=0 skipped=0
claim() {
	what=$1
	shift
	if "$@" >"$TMPDIR/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $what" && tail -n 20 "$TMPDIR/said"
	fi
}
root=$TMPDIR/root
units=$root/opt/lib/systemd/system

# What is built is installed as it is: this must not build.
install() {
	make -o all install BUILD="$BUILD" DESTDIR="$root" PREFIX=/opt &&
		[ -x "$root/opt/bin/violin" ] && [ -x "$root/opt/sbin/violind" ]
}
# All that a unit or example names below the prefix is there.
named_is_there() {
	grep -rhoE '/opt/[a-z]+/[a-z/-]+[a-z]' "$units" \
		"$root/opt/share/doc/violin/examples/site" |
		sort -u >"$TMPDIR/n"
	[ -s "$TMPDIR/n" ] && while read -r file; do
		[ -x "$root$file" ] || { echo "no $file" && return 1; }
	done <"$TMPDIR/n"
	! grep -rn '/usr/' "$units"
}
verify() {
	# As installed: with the prefix, where systemd can see it.
	said=$(sed "s,/opt/,$root/opt/,g" "$units/$1" >"$TMPDIR/$1" &&
		systemd-analyze verify --man=no --recursive-errors=no \
			"$TMPDIR/$1" 2>&1)
	status=$?
	echo "$said"
	[ $status -eq 0 ] && ! echo "$said" | grep -F "$TMPDIR/$1"
}
exposed() {
	systemd-analyze security --offline=true --no-pager \
		--threshold="$2" "$units/$1"
}

if ! [ -x "$BUILD/violind" ]; then
	echo "SKIP the live programs were not built"
	echo "0 passed, 0 failed, 1 skipped"
	exit
fi
claim "make install" install
claim "what units and examples name is there" named_is_there
if command -v systemd-analyze >/dev/null; then
	for unit in "$units"/*.service; do
		claim "${unit##*/} is right" verify "${unit##*/}"
	done
	# In tenths.  violind's rights are also its device models'.
	claim "violin-manager is confined" exposed violin-manager.service 15
	claim "violin-tunneld is confined" exposed violin-tunneld.service 22
	claim "violin-guest-agent is confined" \
		exposed violin-guest-agent.service 15
	claim "violind has what Xen needs" exposed violind.service 51
	sed '/^CapabilityBoundingSet/d' "$units/violin-tunneld.service" \
		>"$units/spoilt.service"
	claim "a unit with more rights is noticed" sh -c '! "$@"' - \
		systemd-analyze security --offline=true --no-pager \
		--threshold=22 "$units/spoilt.service"
else
	echo "SKIP no systemd-analyze here, which judges the units"
	skipped=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
