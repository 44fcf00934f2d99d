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
layer plots/a.c '"sim/results.h"'
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
