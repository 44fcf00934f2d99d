# SPDX-License-Identifier: GPL-3.0-or-later
#
# Samples that break one rule each; read by tests/lint/run.

spdx='/* SPDX-License-Identifier: GPL-3.0-or-later */'
bad=$TMPDIR/bad

# A tree with one file in it, NAME, of which the text comes from stdin.
sample() {
	rm -rf "$bad"
	for dir in core sim scenarios plots backends/xen tests; do
		mkdir -p "$bad/$dir"
	done
	mkdir -p "$bad/$(dirname "$1")"
	cat >"$bad/$1"
}

object() {
	cc -fno-common -xc -c - -o "$TMPDIR/bad.o"
}

echo 'int f(int n) { return n; }' | object
holds $lint/purity "$TMPDIR/bad.o"
echo 'void *malloc(unsigned long); void *f(void) { return malloc(1); }' | object
refuses malloc $lint/purity "$TMPDIR/bad.o"
echo 'static int n; int f(void) { return ++n; }' | object
refuses '  n' $lint/purity "$TMPDIR/bad.o"
echo 'int counter = 1;' | object
refuses counter $lint/purity "$TMPDIR/bad.o"
echo '_Thread_local int mine;' | object
refuses mine $lint/purity "$TMPDIR/bad.o"
echo '__attribute__((constructor)) static void f(void) {}' | object
refuses init_array $lint/purity "$TMPDIR/bad.o"

layer() {
	echo "#include $2" | sample "$1"
}
against='against the direction'
layer core/a.c '"sim/world.h"'
refuses "$against" $lint/layers "$bad"
layer core/a.c '<time.h>'
refuses arithmetic $lint/layers "$bad"
layer core/a.h '<unistd.h>'
refuses arithmetic $lint/layers "$bad"
layer scenarios/a.c '"sim/world.h"'
refuses "$against" $lint/layers "$bad"
layer sim/a.c '"backends/host.h"'
refuses "$against" $lint/layers "$bad"
layer plots/a.c '"backends/host.h"'
refuses "$against" $lint/layers "$bad"
layer backends/host.h '"backends/sim/world.h"'
refuses "$against" $lint/layers "$bad"
layer backends/live/a.c '"backends/xen/host_xen.h"'
refuses "$against" $lint/layers "$bad"
layer backends/live/a.c '"sim/world.h"'
refuses "$against" $lint/layers "$bad"
layer backends/monitor/a.c '<libxl.h>'
refuses 'alone' $lint/layers "$bad"
layer sim/violin.c '<libxl_utils.h>'
refuses 'alone' $lint/layers "$bad"
layer sim/world.c '"sim/cmd_run.h"'
refuses 'a main' $lint/layers "$bad"
layer sim/world.c '"event.h"'
refuses 'from the top' $lint/layers "$bad"
layer sim/world.c '"sim/../backends/host.h"'
refuses 'from the top' $lint/layers "$bad"
layer sim/world.c '"sim/event.c"'
refuses 'header' $lint/layers "$bad"
for good in 'core/a.c "core/b.h"' 'core/a.c <math.h>' 'sim/a.c "core/b.h"' \
	'sim/cmd_run.c "backends/live/b.h"' 'backends/sim/a.c "sim/b.h"' \
	'backends/xen/a.c <libxl.h>' 'backends/live/a.c "backends/host.h"'; do
	layer "${good% *}" "${good#* }"
	holds $lint/layers "$bad"
done

echo 'int n;' | sample core/a.c
refuses licence $lint/style "$bad"
printf '%s\n%s\n' "$spdx" "int n; " | sample core/a.c
refuses trailing $lint/style "$bad"
printf '%s\n%s\n' "$spdx" "/* TO""DO */" | sample core/a.c
refuses undone $lint/style "$bad"
printf '%s\n%s\n' "$spdx" 'char t[] = "a-X''XXXXX";' | sample core/a.c
holds $lint/style "$bad"
printf '%s\n\t\t\t\t\t\t\t\t\t\t%s\n' "$spdx" "x" | sample core/a.c
refuses columns $lint/style "$bad"
{ echo "$spdx"; yes 'int n;' | head -n 600; } | sample core/a.c
refuses '600 lines' $lint/style "$bad"
{
	printf '%s\n\nint f(int a,\n    int b)\n{\n' "$spdx"
	yes '	a++;' | head -n 57
	echo '}'
} | sample core/a.c
refuses 'function of 61 lines' $lint/style "$bad"
printf '#!/bin/sh\nset -eu\n' | sample tests/a.sh
refuses licence $lint/style "$bad"
{
	printf '%s\n\nint f(int a)\n{\n' "$spdx"
	yes '	a++;' | head -n 57
	printf '}\n/*\t\t\t\t\t\t\t\t\t\303\251\303\251\303\251 */\n'
} | sample core/a.c
holds $lint/style "$bad"

printf '.Dd today\n.Dt A 1\n.Sh NAME\n.Xq\n' | sample sim/a.1
refuses WARNING $lint/man "$bad"

echo "0000" >"$TMPDIR/bad.sha256"
refuses differ $lint/digest "$TMPDIR/bad.sha256"

# The runner believes no test that does not say what it did.
runs() {
	printf '#!/bin/sh\n%s\n' "$1" >"$TMPDIR/t.sh"
	chmod +x "$TMPDIR/t.sh"
	mkdir -p "$TMPDIR/runner"
	TEST_TIMEOUT=1 tests/run "$TMPDIR/runner" "$TMPDIR/t.sh"
}
three='echo "3 passed, 0 failed, 0 skipped"'
holds runs "$three"
holds runs 'echo "100%: Checks: 3, Failures: 0, Errors: 0"'
refuses 'tested nothing' runs 'true'
refuses 'tested nothing' runs 'echo "100%: Checks: 0, Failures: 0, Errors: 0"'
refuses 'status 3' runs "$three; exit 3"
refuses 'out of time' runs "$three; sleep 9"
refuses '1 passed, 2 failed' runs \
	'echo "33%: Checks: 3, Failures: 1, Errors: 1"'
refuses '2 passed, 1 failed' runs 'echo "2 passed, 1 failed, 0 skipped"'
refuses '0 passed, 0 failed, 1 skipped' runs 'echo SKIP no root
	echo "100%: Checks: 1, Failures: 0, Errors: 0"'

# A program and its page that do not list the same keys and options.
paged() {
	mkdir -p "$bad/backends/monitor"
	echo "OPTIONAL_UINT(\"$1\", struct file, $1)," \
		>"$bad/backends/monitor/violind_config.c"
	printf '.Sh DESCRIPTION\n.It Cm at_once\n.Sh EXAMPLES\n' \
		>"$bad/backends/monitor/violind.conf.5"
	echo "{\"$2\", no_argument, NULL, 'n'}," \
		>"$bad/backends/monitor/violind.c"
	printf '.It Fl n , Fl -check\n' >"$bad/backends/monitor/violind.8"
}
paged at_once check
holds $lint/keys "$bad"
paged at_twice check
refuses 'key at_twice is not in it' $lint/keys "$bad"
refuses 'there is no key at_once' $lint/keys "$bad"
paged at_once dry
refuses 'option dry is not in it' $lint/keys "$bad"
refuses 'there is no option check' $lint/keys "$bad"

# Two builds: what they say differs by their digests alone, or by more.
build() {
	mkdir -p "$TMPDIR/$1"
	echo "$2" >"$TMPDIR/$1/core.sha256"
	printf '#!/bin/sh\nmkdir -p "$4" && echo "%s" >"$4/summary.json"\n' \
		"$2 $3" >"$TMPDIR/$1/violin"
	chmod +x "$TMPDIR/$1/violin"
}
compilers() {
	BUILD=$TMPDIR/one OTHER=$TMPDIR/two tests/compilers
}
build one 0123 same
build two 4567 same
holds compilers
build two 4567 other
refuses summary.json compilers
echo 'exit 1' >"$TMPDIR/two/violin"
refuses failed compilers

# A core that no test has reached.
mkdir -p "$TMPDIR/cover/asan/core" "$TMPDIR/cover/asan/sim"
(
	cd "$TMPDIR/cover/asan"
	echo 'int f(int n); int f(int n) { return n; }' >core/a.c
	gcc --coverage -c core/a.c -o core/a.o
)
covers() {
	BUILD=$TMPDIR/cover tests/coverage
}
refuses '0 passed, 1 failed' covers
