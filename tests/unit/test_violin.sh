#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The program as its users meet it: commands, statuses, directories.
set -u
cd "${SRCDIR:-$(dirname "$0")/../..}" || exit 1
: "${BUILD:=build}" "${VIOLIN:=$BUILD/violin}" "${TMPDIR:=/tmp}"
passed=0 failed=0 skipped=0
out=$TMPDIR/violin.$$
mkdir -p "$out"
trap 'rm -rf "$out"' EXIT
scenario=scenarios/minimal.yaml

# status N COMMAND...: the program ends so; what it says is in said and err.
status() {
	wanted=$1
	shift
	"$VIOLIN" "$@" >"$out/said" 2>"$out/err" </dev/null
	got=$?
	[ $got -eq "$wanted" ] && return
	echo "FAILED: violin $*: status $got, not $wanted"
	sed 's/^/    /' "$out/err"
	return 1
}

# claim COMMAND...: counts it.
claim() {
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $*"
	fi
}

said() {
	grep -q -e "$1" "$out/said" || {
		echo "    it said:" && sed 's/^/    /' "$out/said" && return 1
	}
}

complained() {
	grep -q -e "$1" "$out/err" || {
		echo "    it said:" && sed 's/^/    /' "$out/err" && return 1
	}
}

nothing_in() {
	[ -z "$(ls -A "$1")" ]
}

# --- help and version
claim status 0 --help
claim said '^usage: violin COMMAND'
for command in run compare sweep check plot replay import trace policies; do
	claim status 0 $command --help
	claim said "^usage: violin $command"
done
claim status 0 --version
claim said '^core [0-9a-f]\{64\}$'
claim said '^live mode is'

# --- usage that is wrong is status 2, and says what would be right
claim status 2
claim status 2 dance
claim complained 'there is no command "dance"'
claim status 2 run
claim status 2 run a b
claim status 2 run --no-such-option "$scenario"
claim status 2 run "$scenario" --seed many
claim complained 'not a whole number'
claim status 2 run "$scenario" --seed 99999999999999999999
claim complained 'too large'
claim status 2 run "$scenario" --output ''
claim status 2 run "$scenario" --rate 5
claim complained 'for --backend xen'
claim status 2 run "$scenario" --backend xen --seed 5
claim complained 'for --backend sim'
claim status 2 run no-such-file.yaml
claim complained 'no-such-file.yaml'
claim status 2 run "$scenario" --policy nobody
claim complained 'there are none, violin, sandpiper, drs'
claim status 2 run "$scenario" --set nonsense
claim complained 'key.path=value is right'
claim status 2 run "$scenario" --set no.such.key=1 -o "$out/never"
claim status 2 compare "$scenario" -p violin -p violin
claim complained 'two policies are called violin'
claim status 2 sweep "$scenario"
claim complained '-o DIR is missing'
claim status 2 sweep "$scenario" -o "$out/never" --seeds 0
claim status 2 sweep "$scenario" -o "$out/never" --part 3/2
claim status 2 sweep "$scenario" -o "$out/never" --vary manager.period=1s,soon
claim complained 'manager.period: period is "soon"'
claim status 2 plot "$out"
claim complained 'not the result directory'
claim status 2 plot "$out/never"
claim complained 'No such file'
claim status 2 import carrier-pigeon . -o "$out/never"
claim status 2 import planetlab "$out/no-such-folder" -o "$out/never"
claim status 2 trace nemo3d --particles -1
claim status 2 trace weather
rm -f "$out/said" "$out/err"
claim nothing_in "$out"

# --- a run
claim status 0 run "$scenario"
claim said '^V1 .* done$'
claim status 0 run "$scenario" --json
claim said '"policy": {'
claim status 0 run "$scenario" -o "$out/run"
for file in environments.csv actions.csv migrations.csv rounds.csv \
	placements.csv hosts.csv vms.csv summary.json; do
	claim [ -s "$out/run/$file" ]
done
claim status 2 run "$scenario" -o "$out/run"
claim complained 'is there already'
claim status 0 run "$scenario" -o "$out/run" --force
claim status 2 run "$scenario" -o "$out/no/such/parent"

# --- the same seed gives the same bytes, another need not
claim status 0 run "$scenario" -o "$out/again"
claim diff -r "$out/run" "$out/again"

# --- a comparison has a folder a policy
claim status 0 compare "$scenario" -o "$out/both"
claim said '^average '
claim [ -s "$out/both/comparison.csv" ]
claim [ -s "$out/both/none/environments.csv" ]
claim [ -s "$out/both/violin/environments.csv" ]
claim status 0 run "$scenario" --policy none -o "$out/none"
claim diff -r "$out/none" "$out/both/none"

# --- the normalised scenario is a scenario, and runs the same
claim status 0 check "$scenario"
claim status 0 check -v "$scenario"
cp "$out/said" "$out/normal.yaml"
claim status 0 check -v "$out/normal.yaml"
claim cmp "$out/said" "$out/normal.yaml"
claim status 0 run "$out/normal.yaml" -o "$out/normal"
claim cmp "$out/normal/environments.csv" "$out/run/environments.csv"

# --- policies, and one of somebody's own
claim status 0 policies
claim said '^violin: '
claim said '  cpu-low '
claim status 0 policies --json
claim said '"initial": 0.1, '
claim status 2 policies nobody
for own in "$BUILD"/tests/policy/*.so; do
	[ -e "$own" ] || {
		skipped=$((skipped + 1))
		echo "SKIP a policy of one's own: none is built in $BUILD"
		break
	}
	claim status 0 run "$scenario" --policy "$own"
	claim status 0 policies "$own"
done
printf 'int nothing;\n' >"$out/no.c"
if ${CC:-cc} -shared -fPIC -o "$out/no.so" "$out/no.c" 2>/dev/null; then
	claim status 2 run "$scenario" --policy "$out/no.so"
	claim complained 'does not define violin_policy'
else
	skipped=$((skipped + 1))
	echo "SKIP an object that is no policy: no C compiler"
fi

# --- the README's example is what the program says and writes of it
awk '/^```/ { on = $0 == "```yaml"; next } on' README.md >"$out/first.yaml"
claim [ -s "$out/first.yaml" ]
claim status 0 compare "$out/first.yaml" -o "$out/first"
awk '/^```/ { on = 0 } /^environment  / { on = 1 } on' README.md >"$out/table"
claim [ -s "$out/table" ]
tail -n +3 "$out/said" >"$out/printed"
claim cmp "$out/table" "$out/printed"
row=$(grep '^    130.0' README.md)
claim grep -q -F -e "${row#    }" "$out/first/violin/actions.csv"

# --- a sweep, that stops, goes on, and ends as if it had not
claim status 0 sweep "$scenario" -o "$out/whole" --seeds 3 -j 2 \
	--vary manager.period=10s,20s
claim [ "$(wc -l <"$out/whole/runs.csv")" -eq 13 ]
claim [ "$(wc -l <"$out/whole/summary.csv")" -eq 5 ]
claim status 0 sweep "$scenario" -o "$out/parts" --seeds 3 \
	--vary manager.period=10s,20s --part 2/2
claim said 'this part is complete'
printf '11,violin,3' >>"$out/parts/runs.csv"
claim status 0 sweep "$scenario" -o "$out/parts" --seeds 3 \
	--vary manager.period=10s,20s
claim cmp "$out/parts/runs.csv" "$out/whole/runs.csv"
claim cmp "$out/parts/summary.csv" "$out/whole/summary.csv"
claim status 1 sweep "$scenario" -o "$out/parts" --seeds 4
claim complained 'holds another sweep'

# --- a model and its trace run the same
claim status 0 trace nemo3d --particles 500000 --vms 4 --run-time 100 \
	-o "$out/stages.csv"
cat >"$out/model.yaml" <<'END'
domains: [{name: D1, hosts: [{count: 4, memory: 2 GiB}]}]
environments:
  - name: V1
    vms: {count: 4, memory: 512 MiB}
    workload: {kind: nemo3d, particles: 500000, run-time: 100 s}
END
sed 's/kind: nemo3d.*/kind: stages, file: stages.csv}/' "$out/model.yaml" \
	>"$out/trace.yaml"
claim status 0 run "$out/model.yaml" -o "$out/model"
claim status 0 run "$out/trace.yaml" -o "$out/trace"
claim cmp "$out/model/environments.csv" "$out/trace/environments.csv"

# --- figures
if command -v gnuplot >/dev/null; then
	claim status 0 plot "$out/both"
	for figure in both/figures/execution both/violin/figures/placement \
		both/violin/figures/instants both/violin/figures/hosts \
		both/violin/figures/usage-V1; do
		claim [ -s "$out/$figure.svg" ]
		claim [ -s "$out/$figure.png" ]
	done
else
	skipped=$((skipped + 1))
	echo "SKIP figures: gnuplot is not installed"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
