# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Live mode joined to the virtual network: a manager and two violinds on fake
# hosts, whose VM has the MAC of m; each violind claims at the tunnel daemon
# of a host.  Read by tests/netns/run.

# The VM's traffic goes to this host, from wherever: from there none leaves.
forwarded_to() { # HOST
	local h fdb to
	case $1 in a) to=10.9.1.1 ;; b) to=10.9.2.1 ;; esac
	for h in $HOSTS; do
		fdb=$(in_ns "$h" bridge fdb show dev viox42 | grep "$(mac 4)")
		if [ "$h" = "$1" ]; then
			! grep -q dst <<<"$fdb" || return 1
		else
			[ "$(grep -c "dst" <<<"$fdb")" = 1 ] &&
				grep -q "dst $to " <<<"$fdb" || return 1
		fi
	done
}
# No host is ready for it beside the one that has it.
settled_on() {
	local h
	for h in $HOSTS; do
		ctl "$h" show | grep "$(mac 4)" >"$W/where"
		grep -q " at $1[, ]" "$W/where" || return 1
		! grep -q standby "$W/where" || return 1
	done
}

live_files() {
	local h k base=$((20000 + $$ % 20000))
	for k in live-manager live-a live-b; do
		"$BUILD/violin" keygen "$W/$k.key" >"$W/$k.public"
	done
	for h in a b; do
		cat >"$W/live-$h.conf" <<-END
			name: $h
			key: $W/live-$h.key
			listen: tcp://127.0.0.1:$base
			journal: $W/journal-$h
			tunnel: $W/$h.sock
			managers:
			- name: m
			  key: $(cat "$W/live-manager.public")
			migration: {address: 127.0.0.1}
		END
		printf 'host cpus 1 mem 1G\nstate %s\nimage 64K\n' \
			"$W/vms-$h" >"$W/live-$h.fake"
		mkdir "$W/vms-$h"
		eval "port_$h=$base"
		base=$((base + 1))
	done
	printf '%s\n' "name = \"\${name}\"" "memory = \${memory}" \
		"vif = [\"mac=$(mac 4)\"]" >"$W/guest.cfg"
	# shellcheck disable=SC2154 # port_a and port_b: above
	cat >"$W/live.yaml" <<-END
		manager: {policy: violin, period: 500 ms, key: live-manager.key}
		domains:
		  - name: D
		    hosts:
		      - {name: a, memory: 1 GiB, address: "127.0.0.1:$port_a",
		         key: "$(cat "$W/live-a.public")"}
		      - {name: b, memory: 1 GiB, address: "127.0.0.1:$port_b",
		         key: "$(cat "$W/live-b.public")"}
		environments:
		  - name: V
		    vms: {count: 1, memory: 128 MiB, config: guest.cfg}
	END
}

start_live() { # a | b [OPTION]
	"$BUILD/violind" -c "$W/live-$1.conf" --fake "$W/live-$1.fake" \
		2>>"$W/live-$1.log" &
	pids="$pids $!"
	eval "live_$1=$!"
}
live() { "$BUILD/violin" "$@" --control "$W/live.ctl" 2>>"$W/live.log"; }
runs_on() {
	live status --json |
		grep -q "\"V-1\", \"state\": \"running\", \"host\": \"$1\""
}

# network_s of each migration, in order.
measured_networks() {
	awk -F, 'NR == 1 { while ($++c != "network_s") continue; next }
		{ printf "%s%s", before, $c; before = " " }' \
		"$W/live-out/migrations.csv"
}

follows_migrations() {
	local from to measured
	live_files
	start_live a
	start_live b
	"$BUILD/violin" run --backend xen "$W/live.yaml" --act \
		-o "$W/live-out" --control "$W/live.ctl" >>"$W/live.log" 2>&1 &
	pids="$pids $!"
	manager=$!
	until_true 20 runs_on a || until_true 1 runs_on b ||
		{ claim "the manager makes a VM" false; return; }
	runs_on a && from=a to=b || from=b to=a
	claim "a VM that is made has its traffic" \
		until_true 3 forwarded_to "$from"
	live drain "$from"
	claim "a VM that is migrated runs at its target" \
		until_true 20 runs_on "$to"
	claim "and its traffic goes there, from every host" \
		until_true 3 forwarded_to "$to"
	claim "and the source is free of it" until_true 10 settled_on "$to"
	stop_daemon "$from" KILL
	live undrain "$from"
	live drain "$to"
	claim "it migrates without a tunnel daemon at its target" \
		until_true 20 runs_on "$from"
	start_daemon "$from"
	claim "and its traffic follows when there is one again" \
		until_true 10 forwarded_to "$from"
	claim "and the source is free of it" until_true 10 settled_on "$from"
	live destroy V
	claim "a VM that is destroyed is nowhere" \
		until_true 20 settled_on nowhere
	kill -INT "$manager"
	wait "$manager"
	measured=$(measured_networks)
	say "networks whole after: $measured s"
	claim "how long the network took is measured: hardly any time" \
		le "${measured%% *}" 0.1
	claim "and with nobody at the target, as long as that took" \
		le 0.2 "${measured##* }"
	# shellcheck disable=SC2154 # live_a and live_b: start_live
	kill -9 "$live_a" "$live_b"
	wait "$live_a" "$live_b" 2>/dev/null
	# shellcheck disable=SC2154 # m_host: tests/netns/run
	ctl a place "$(mac 4)" "$m_host"
}
