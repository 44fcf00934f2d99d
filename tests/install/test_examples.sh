#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is installed as an example is right, by the programs' own checks; and
# one that is spoilt is not, so that the checks mean something.
set -u
passed=0 failed=0
claim() {
	what=$1
	shift
	if "$@" >"$TMPDIR/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $what" && cat "$TMPDIR/said"
	fi
}
# COMMAND... says that its input is bad: status 2, and where.
refuses() {
	where=$1
	shift
	said=$("$@" 2>&1)
	[ $? -eq 2 ] && echo "$said" | grep "$where"
}

cd "$SRCDIR" || exit
for file in scenarios/*.yaml scenarios/paper/*.yaml; do
	claim "$file is right" "$VIOLIN" check "$file"
done

if ! [ -x "$BUILD/violind" ]; then
	echo "SKIP the live programs were not built"
	echo "$passed passed, $failed failed, 1 skipped"
	exit "$failed"
fi
site=$TMPDIR/site
cp -r backends/live/site "$site"
sed -i "s,/etc/violin,$site," "$site"/*
for key in manager violind; do
	"$VIOLIN" keygen "$site/$key.key" >/dev/null
done
claim "site.yaml is right" "$VIOLIN" check "$site/site.yaml"
claim "violind.conf is right" "$BUILD/violind" -n -c "$site/violind.conf"
claim "tunnel.conf is right" \
	"$BUILD/violin-tunneld" --check --config "$site/tunnel.conf"

# The three tell of one site.
same() {
	cd "$site" && for file in site.yaml violind.conf tunnel.conf; do
		grep -q 'alpha' $file || return
	done
	"$VIOLIN" check -v site.yaml | sed -n 's/^ *address: \(.*\):.*/\1/p' |
		tr -d '"' | sort >addresses
	sed -n 's/^ *address: //p' tunnel.conf | sort | diff addresses - &&
		[ -s addresses ]
}
claim "hosts have the same addresses everywhere" same

sed -i 's/^\( *\)address: 192.0.2.2.*/\1address: 192.0.2/' "$site"/*.*
sed -i 's/^listen:.*/listen: nowhere/' "$site/violind.conf"
claim "a bad address is seen in site.yaml" \
	refuses site.yaml:20: "$VIOLIN" check "$site/site.yaml"
claim "a bad endpoint is seen in violind.conf" \
	refuses violind.conf:5: "$BUILD/violind" -n -c "$site/violind.conf"
claim "a bad address is seen in tunnel.conf" refuses tunnel.conf:18: \
	"$BUILD/violin-tunneld" --check --config "$site/tunnel.conf"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
