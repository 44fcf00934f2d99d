#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Golden runs: who ran when and where, and every migration, of scenarios under
# policies, byte for byte as they were when they were looked at.  One that is
# meant to change is kept anew by
#
#	VIOLIN=build/violin tests/golden/test_golden.sh --keep
#
# and git diff then shows what has become of it.
set -u
cd "${SRCDIR:-$(dirname "$0")/../..}" || exit 1
: "${VIOLIN:=build/violin}" "${TMPDIR:=/tmp}"
passed=0 failed=0
out=$TMPDIR/golden.$$
mkdir -p "$out"
trap 'rm -rf "$out"' EXIT

# golden FILE POLICY [SETTING]
golden() {
	name=$(basename "$1" .yaml).$2
	"$VIOLIN" run "$1" --policy "$2" ${3:+--set "$3"} -o "$out/$name" \
		>/dev/null || { failed=$((failed + 1)); return; }
	for file in environments migrations placements; do
		echo "== $file.csv"
		cat "$out/$name/$file.csv"
	done >"$out/$name.now"
	if [ "$keep" ]; then
		cp "$out/$name.now" "tests/golden/$name"
	elif diff -u "tests/golden/$name" "$out/$name.now"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $name is not what it was"
	fi
	rm -rf "${out:?}/$name"
}

keep=
[ "${1:-}" = --keep ] && keep=yes

for policy in none violin sandpiper drs; do
	for scenario in scenario1 scenario2 scenario3; do
		golden scenarios/paper/$scenario.yaml $policy
	done
done
golden scenarios/paper/overhead.yaml none
for scenario in minimal usual reference precopy-128mib precopy-specweb; do
	golden scenarios/$scenario.yaml violin
done

[ "$keep" ] && exit
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
