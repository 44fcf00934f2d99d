#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The live manager over two violinds on fake hosts, all of them processes on
# loopback: a dry run touches nothing; acting, it makes an environment, moves
# a VM off a host that is drained, and survives being killed, or a violind
# being killed, at each step of that; then the VM runs in one place, the
# manager knows where, and its record replays.  The fake hosts write into one
# history who runs what, in the order of time.
set -u

V=${VIOLIN:?}
D=${VIOLIND:-${VIOLIN%/*}/violind}
T=${TMPDIR:?}
passed=0 failed=0 skipped=0
manager=

if [ ! -x "$D" ] || ! "$V" keygen "$T/probe" >"$T/probe.txt" 2>&1; then
	echo "SKIP live mode is not in this build"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

stop_all() {
	for p in $manager $(cat "$T"/pid.* 2>"$T/null"); do
		kill -9 "$p" 2>"$T/null"
	done
	wait
}
trap stop_all EXIT

ok() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	echo "FAIL $*"
	tail -n 25 "$T/manager.log"
}

# Free ports, so that several of these run at once.
base=$((20000 + $$ % 20000))
for k in manager other h1 h2; do
	"$V" keygen "$T/$k.key" >"$T/$k.public" || exit 1
done

conf() { # HOST PORT
	cat <<-END
	name: $1
	key: $T/$1.key
	listen: tcp://127.0.0.1:$2
	journal: $T/journal.$1
	managers: [{name: m, key: $(cat "$T/manager.public")}]
	migration: {address: 127.0.0.1, connect_s: 3, answer_s: 3, silent_s: 3}
	END
}

cat >"$T/guest.cfg" <<'END'
name = "${name}"
memory = ${memory}
vcpus = ${vcpus}
END
cat >"$T/site.yaml" <<END
manager: {policy: violin, period: 500 ms, key: manager.key}
domains:
  - name: D
    hosts:
      - {name: h1, memory: 1 GiB, address: "127.0.0.1:$base",
         key: "$(cat "$T/h1.public")"}
      - {name: h2, memory: 1 GiB, address: "127.0.0.1:$((base + 1))",
         key: "$(cat "$T/h2.public")"}
environments:
  - name: V
    vms: {count: 1, memory: 128 MiB, config: guest.cfg}
END

fresh() {
	stop_all
	rm -rf "$T"/state.* "$T"/journal.* "$T"/history "$T"/pid.* "$T/out"
	for h in h1 h2; do
		mkdir "$T/state.$h"
		printf '%s\n' "host cpus 1 mem 1G" "state $T/state.$h" \
			"history $T/history" "image 64K" >"$T/$h.fake"
	done
	conf h1 "$base" >"$T/h1.conf"
	conf h2 $((base + 1)) >"$T/h2.conf"
}

start_host() { # HOST [OPTION]...
	h=$1
	shift
	"$D" -c "$T/$h.conf" --fake "$T/$h.fake" "$@" 2>>"$T/$h.log" &
	echo $! >"$T/pid.$h"
}

two() { # a site of two VMs
	sed 's/count: 1/count: 2/' "$T/site.yaml" >"$T/two.yaml"
}

start_manager() { # [OPTION]...
	"$V" run --backend xen "$T/site.yaml" --control "$T/c.sock" "$@" \
		>"$T/manager.out" 2>>"$T/manager.log" &
	manager=$!
}

ask() { "$V" "$@" --control "$T/c.sock" 2>"$T/ask.txt"; }
alive() { kill -0 "$1" 2>"$T/null"; }

# until SECONDS COMMAND...: waits until it succeeds.
until_true() {
	n=$(($1 * 10))
	shift
	while ! "$@"; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || return 1
		sleep 0.1
	done
}

status_has() {
	ask status --json >"$T/status.json" && grep -q "$1" "$T/status.json"
}
runs_on() { status_has "\"V-1\", \"state\": \"running\", \"host\": \"$1\""; }
runs_somewhere() { runs_on h1 || runs_on h2; }
is_quiet() { status_has '"handovers": \[$' && runs_somewhere &&
	! grep -q '"id"' "$T/status.json"; }

# No boot runs twice, and none that ran is lost; at most one VM ever.
check_history() {
	awk '
	$3 == "run" { runs[$2, $1] = 1; boots[$2] = 1 }
	$3 == "stop" || $3 == "gone" { runs[$2, $1] = 0 }
	{ whole[$2, $1] = $3 != "gone" }
	{
		n = 0
		for (b in boots) {
			here = runs[b, "h1"] + runs[b, "h2"]
			if (here > 1) { print NR ": runs twice"; exit 1 }
			n += here
			if (!whole[b, "h1"] && !whole[b, "h2"]) {
				print NR ": lost"; exit 1
			}
		}
		if (n > 1) { print NR ": made twice"; exit 1 }
	}' "$T/history" || return 1
}

# --- a dry run shows, and touches nothing -------------------------------------
fresh
: >"$T/manager.log"
start_host h1
start_host h2
start_manager -o "$T/out"
until_true 20 status_has '"create"' && sleep 1
kill -INT $manager
wait $manager
[ $? -eq 0 ] && [ ! -e "$T/history" ] && grep -q dry-run "$T/manager.log" &&
	[ -s "$T/out/record" ] && ok || bad "dry run"
grep -q ' act ' "$T/h1.log" "$T/h2.log" && bad "dry run acts" || ok

# --- acting: made, moved, destroyed; the record replays; metrics --------------
rm -rf "$T/out"
start_manager --act -o "$T/out"
until_true 20 runs_somewhere && ok || bad "no VM was made"
runs_on h1 && from=h1 to=h2 || from=h2 to=h1
[ "$(stat -c %a "$T/c.sock")" = 600 ] && ok || bad "others may use the socket"
ask drain $from && until_true 20 runs_on $to && until_true 20 is_quiet &&
	ok || bad "no migration"
ask drain $from && bad "drained twice" || ok
ask drain nobody && bad "drained nobody" || ok
for handover in 77 x; do
	ask resolve $handover run && bad "resolved nothing" || ok
	grep -q "no hand-over $handover; violin status" "$T/ask.txt" && ok ||
		bad "of hand-over $handover is said: $(cat "$T/ask.txt")"
done
ask pause && status_has '"paused": true' && ask resume && ok || bad "pause"
check_history && ok || bad "history"
cp "$T/site.yaml" "$T/site.right"
echo nonsense >"$T/site.yaml"
ask reload && bad "a wrong site was taken" || ok
grep -q 'site.yaml:1:1' "$T/ask.txt" && ok || bad "it is not said why"
cp "$T/site.right" "$T/site.yaml"
ask destroy V && until_true 20 status_has '"state": "ended"' && ok ||
	bad "no end"
kill -INT $manager
wait $manager && ok || bad "interrupted, it failed"
"$V" replay "$T/out/record" >"$T/replay.txt" 2>&1 && ok ||
	bad "no replay: $(cat "$T/replay.txt")"
grep -q ",V-1,$from,$to,.*,done" "$T/out/migrations.csv" && ok ||
	bad "the migration is not in the results"

# --- killed at each step ------------------------------------------------------
# One run: a VM, its host drained; WHO is killed at STEP and started again.
run_killed() { # WHO STEP
	fresh
	: >"$T/manager.log"
	start_host h1
	start_host h2
	if [ "$1" = manager ]; then
		start_manager --act --die-at "$2"
	else
		start_manager --act
	fi
	doomed=$manager
	until_true 10 dead_or runs_somewhere
	restart_manager
	until_true 10 runs_somewhere || return 1
	runs_on h1 && from=h1 to=h2 || from=h2 to=h1
	case $1 in
	source) start_doomed $from "$2" ;;
	target) start_doomed $to "$2" ;;
	esac
	ask drain $from
	until_true 10 dead_or false || { echo "never at $2"; return 1; }
	restart_manager
	case $1 in
	source) start_host $from ;;
	target) start_host $to ;;
	esac
	until_true 30 is_quiet && check_history
}

dead() { ! alive $manager; }
dead_or() { ! alive "$doomed" || "$@"; }
restart_manager() { alive $manager || start_manager --act; }

# Its daemon again, to be killed at a step, when the manager has heard of it.
start_doomed() { # HOST STEP
	kill -9 "$(cat "$T/pid.$1")"
	n=$(grep -c "host name=$1 up" "$T/manager.log")
	start_host "$1" --die-at "$2"
	doomed=$(cat "$T/pid.$1")
	until_true 15 heard_again "$1" "$n"
}
heard_again() {
	[ "$(grep -c "host name=$1 up" "$T/manager.log")" -gt "$2" ]
}

while read -r who step; do
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$who $step" ] || continue
	run_killed "$who" "$step" && ok || bad "$who killed at \"$step\""
done <<'END'
manager decide step=0 create
manager create host=
manager outcome request
manager environment name=V running
manager migrate vm=V-1
manager receive host=
manager send host=
manager state=source-moved
manager state=target-running
manager V-1 moved
manager word=forget
manager forgotten handover
source source-calling:noted
source source-sending:noted
source source-committed:noting
source source-committed:done
source source-moved:noted
target target-listening:noted
target target-receiving:noted
target target-ready:noted
target target-starting:noted
target target-starting:unpaused
target target-running:noted
END

# --- a drain holds under a policy that changes nothing ------------------------
fresh
: >"$T/manager.log"
start_host h1
start_host h2
start_manager --act --policy none
until_true 20 runs_somewhere
runs_on h1 && from=h1 to=h2 || from=h2 to=h1
ask drain $from && until_true 20 runs_on $to && until_true 20 is_quiet &&
	check_history && ok || bad "policy none does not drain"
ask status | grep -q "$from .* draining .*; is empty" && ok ||
	bad "it is not said that it is empty"

# --- how its VMs end is how it ends -------------------------------------------
# ends STATE OUTCOME LINE...: the fake hosts' VMs do so; is that what is said?
ends() {
	fresh
	rm -rf "$T/out"
	: >"$T/manager.log"
	two
	state=$1 outcome=$2
	shift 2
	for line; do
		echo "end $line" >>"$T/h1.fake"
		echo "end $line" >>"$T/h2.fake"
	done
	start_host h1
	start_host h2
	"$V" run --backend xen "$T/two.yaml" --act --control "$T/c.sock" \
		-o "$T/out" >"$T/manager.out" 2>>"$T/manager.log" &
	manager=$!
	until_true 30 status_has "\"V\", \"state\": \"$state\""
	kill -INT $manager
	wait $manager
	grep -q "^V,.*,$outcome\$" "$T/out/environments.csv" && ok ||
		bad "$*: $(cat "$T/out/environments.csv")"
}
ends ended 'done' 'V-1 poweroff after 1' 'V-2 reboot after 3'
ends crashed crashed 'V-1 crash after 1'
ends crashed crashed 'V-1 poweroff after 1' 'V-2 crash after 2'
ends crashed crashed 'V-2 killed after 1'

# --- what operators wished for outlives a manager -----------------------------
start_keeping() { # [OPTION]...
	"$V" run --backend xen "$T/two.yaml" --act --control "$T/c.sock" \
		--state "$T/state.m" "$@" >"$T/manager.out" \
		2>>"$T/manager.log" &
	manager=$!
}
both_run() { status_has '"V-1", "state": "running"' &&
	status_has '"V-2", "state": "running"'; }
wishes() { printf '%s;' "$(grep -v '^sum ' "$T/state.m/wishes" | tail -n +2)" |
	tr '\n' ','; }
fresh
two
rm -rf "$T/state.m"
: >"$T/manager.log"
start_host h1
start_host h2
# Killed before the second VM is asked for: the next undoes it and makes both.
start_keeping --die-at 'vm=V-2 word=none'
doomed=$manager
until_true 20 dead_or false
[ "$(wishes)" = 'making V;' ] && ok || bad "kept: $(wishes)"
start_keeping
until_true 30 both_run && [ "$(wishes)" = ';' ] && ok ||
	bad "a half-made environment is left, kept: $(wishes)"
ask drain h1 && ask pause && [ "$(wishes)" = 'drain h1,pause;' ] && ok ||
	bad "kept: $(wishes)"
kill -9 $manager
start_keeping
until_true 20 status_has '"paused": true' &&
	status_has '{"wish": "drain", "name": "h1"}' && ask resume &&
	until_true 20 status_has '"h1", "domain": "D", "state": "draining"' &&
	[ "$(wishes)" = 'drain h1;' ] && ok || bad "wishes are forgotten"
ask destroy V && until_true 20 status_has '"state": "ended"' && ok ||
	bad "not destroyed"
kill -9 $manager
start_keeping
until_true 20 status_has '"h2", "domain": "D", "state": "up"'
sleep 2
status_has '"V", "state": "ended"' && ok || bad "destroyed, it comes again"
until_true 20 ask create V && ask undrain h1 && until_true 30 both_run &&
	[ "$(wishes)" = 'create V;' ] && ok || bad "kept: $(wishes)"
kill -INT $manager
wait $manager
sed -i 's/V$/W/' "$T/state.m/wishes"
start_keeping
until_true 20 dead || kill -9 $manager
wait $manager
[ $? -eq 2 ] && grep -q 'state.m/wishes:[0-9]*: .*move the file away' \
	"$T/manager.log" && ok || bad "a damaged file is taken"

# --- who may not command ------------------------------------------------------
fresh
start_host h1
start_host h2
sed 's/manager.key/other.key/' "$T/site.yaml" >"$T/other.yaml"
"$V" run --backend xen "$T/other.yaml" --act --control "$T/c2.sock" \
	--set stop=4s >"$T/manager.out" 2>"$T/manager.log"
[ ! -e "$T/history" ] && ! grep -q ' act ' "$T/manager.log" &&
	! grep -q 'host name=' "$T/manager.log" && ok ||
	bad "a manager that is not listed was heard"

# --- a site that is wrong -----------------------------------------------------
wrong() { # WHAT SED-SCRIPT PATTERN
	sed "$2" "$T/site.yaml" >"$T/wrong.yaml"
	timeout 20 "$V" run --backend xen "$T/wrong.yaml" --act \
		--control "$T/c3.sock" >"$T/wrong.out" 2>&1
	[ $? -eq 2 ] && grep -q "$3" "$T/wrong.out" && ok ||
		bad "$1: $(cat "$T/wrong.out")"
}
wrong "a wrong key" "s|key: \"$(cat "$T/h2.public")\"|key: nonsense|" \
	'wrong.yaml:8:[0-9]*: .*no public key'
wrong "a key twice" \
	"s|$(cat "$T/h2.public")|$(cat "$T/h1.public")|" \
	'wrong.yaml:8:[0-9]*: h1 has this key'
wrong "a host twice" 's/name: h2/name: h1/' 'wrong.yaml:[78]:.*two hosts'
wrong "an address twice" "s/:$((base + 1))/:$base/" \
	'wrong.yaml:7:.*h1 has this address'
wrong "no address" '/h1/s/address: "[^"]*",//' 'wrong.yaml:5:.*address'
wrong "no such config" 's/guest.cfg/no.cfg/' 'wrong.yaml:11:.*no.cfg'
printf 'name = "${nmae}"\n' >"$T/bad.cfg"
wrong "a wrong word" 's/guest.cfg/bad.cfg/' 'bad.cfg:1:9: "${nmae}"'
wrong "a scenario" 's/address: "[^"]*",//; s/key: "[^"]*"}/cpus: 1}/' \
	'not a site'

# What only a host can know of a guest configuration, before anything is
# touched: its two hosts are there, and read it.
fresh
echo "lacks /srv/compute" >>"$T/h2.fake"
start_host h1
start_host h2
: >"$T/h1.log"
: >"$T/h2.log"
guest() { # LINE...
	printf 'name = "${name}"\nmemory = ${memory}\n' >"$T/bad.cfg"
	printf '%s\n' "$@" >>"$T/bad.cfg"
}
guest 'type = "hvm"'
wrong "a type that no host takes" 's/guest.cfg/bad.cfg/' \
	'bad.cfg:3: type: right is "pvh" or "pv" (of V-1, says h[12])'
guest '# as it is' '' 'on_fire = "run"'
wrong "a key that no host knows" 's/guest.cfg/bad.cfg/' 'bad.cfg:5: "on_fire"'
guest 'kernel = "/srv/compute"'
wrong "a file that one host lacks" 's/guest.cfg/bad.cfg/' \
	'bad.cfg:3: kernel: /srv/compute is not on this host .*h2'
[ ! -e "$T/history" ] && ! grep -q ' act ' "$T/h1.log" "$T/h2.log" && ok ||
	bad "a wrong guest configuration, and something was touched"

# --- the host that lacks it comes up later ------------------------------------
kill -9 "$(cat "$T/pid.h2")"
cp "$T/site.yaml" "$T/site.right"
cp "$T/guest.cfg" "$T/guest.right"
cp "$T/bad.cfg" "$T/guest.cfg"
: >"$T/manager.log"
start_manager --act
until_true 20 status_has 'waits until h2 is heard of' && ok ||
	bad "it does not wait for the host"
start_host h2
until_true 20 status_has 'guest.cfg:3: kernel: /srv/compute is not on' && ok ||
	bad "an environment that cannot be made is not refused"
sleep 1
[ ! -e "$T/history" ] && ! grep -q ' act ' "$T/h1.log" "$T/h2.log" && ok ||
	bad "a refused environment was created"
ask reload && bad "a wrong guest configuration was read again" || ok
grep -q 'guest.cfg:3: kernel: /srv' "$T/ask.txt" && ok ||
	bad "it is not said why: $(cat "$T/ask.txt")"
cp "$T/guest.right" "$T/guest.cfg"
ask reload && until_true 20 runs_somewhere && ok ||
	bad "set right, it is not made"

chmod 644 "$T/manager.key"
wrong "a key that others read" 's/x/x/' 'manager.key'

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
