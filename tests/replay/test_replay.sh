#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every record replays to the same plans: those of runs made now, under every
# policy, and those that were kept, some of them of real hosts.  A record that
# was changed does not.
set -u
cd "$(dirname "$0")/../.." 2>/dev/null
cd "${SRCDIR:-.}" || exit 1
: "${VIOLIN:=build/violin}" "${TMPDIR:=/tmp}"
passed=0 failed=0
out=$TMPDIR/replay.$$
mkdir -p "$out"
trap 'rm -rf "$out"' EXIT

ok() {
	passed=$((passed + 1))
}

bad() {
	failed=$((failed + 1))
	echo "FAILED: $*"
}

# --- runs made now
for file in scenarios/paper/scenario[123].yaml scenarios/minimal.yaml; do
	for policy in none violin sandpiper drs; do
		"$VIOLIN" run "$file" --policy $policy -o "$out/run" \
			--set record=yes >/dev/null &&
		"$VIOLIN" replay "$out/run/record" >"$out/said" &&
		grep -q 'all alike$' "$out/said" && ok ||
			bad "$file under $policy"
		[ "$file $policy" = "scenarios/paper/scenario1.yaml violin" ] &&
			cp "$out/run/record" "$out/kept"
		rm -rf "$out/run"
	done
done

# --- records that were kept
for record in tests/replay/*.record; do
	[ -e "$record" ] || continue
	"$VIOLIN" replay "$record" >"$out/said" && ok || {
		bad "$record"
		head -n 20 "$out/said"
	}
done

# --- a plan that was changed: both are shown, status 1
sed '0,/^a migrate/s/^\(a migrate [0-9]*\) \([0-9]*\) [0-9]*/\1 \2 \2/' \
	"$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >"$out/said"
[ $? -eq 1 ] && grep -q '^--- recorded$' "$out/said" &&
	grep -q '^+++ now$' "$out/said" && ok ||
	bad "a changed plan was not told"

# --- a plan with an action less, and one with an action more
awk '/^plan/ && $3 > 1 && !done { done = 1; $3--; print; getline; next }
	{ print }' "$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >/dev/null
[ $? -eq 1 ] && ok || bad "a missing action was not told"
awk '/^plan/ && $3 > 1 && !done { done = 1; $3++; print; getline; print }
	{ print }' "$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >/dev/null
[ $? -eq 1 ] && ok || bad "an added action was not told"

# --- a parameter that was changed changes the plans
sed 's/^param .*\tbetween-domains$/param 0x0p+0\tbetween-domains/' \
	"$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >/dev/null
[ $? -eq 1 ] && ok || bad "another parameter gave the same plans"

# --- a parameter that no scenario may have
sed 's/^param .*\tmem-target$/param 0x1p-20\tmem-target/' \
	"$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >/dev/null 2>"$out/said"
[ $? -eq 2 ] && grep -q 'mem-target .*; right is 0.01 to 1' "$out/said" && ok ||
	bad "a parameter out of its range was taken: $(cat "$out/said")"

# --- damage is told with its line, status 2
sed '40s/.*/h 0 tired/' "$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >/dev/null 2>"$out/said"
[ $? -eq 2 ] && grep -q "changed:40: " "$out/said" && ok ||
	bad "damage was not told with its line: $(cat "$out/said")"
head -c 300 "$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >/dev/null 2>"$out/said"
[ $? -eq 2 ] && ok || bad "half a header was taken"

# --- what a killed manager leaves: whole lines, and then no more
head -n 200 "$out/kept" >"$out/changed"
"$VIOLIN" replay "$out/changed" >/dev/null && ok ||
	bad "a record that ends early is still a record"

echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
