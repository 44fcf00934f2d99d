# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the tests on real Xen share.  A test is a script t_NAME.sh that says in
# comment lines which hosts it wants ("hosts: a b"), with how many CPUs ("cpus:
# 2", else 1), which programs it needs there ("needs: violind") and how many
# seconds it may take ("limit: 300").  It finds them fresh, and cleans nothing
# up.  It ends with status 0 (passed), 1 (failed) or 77 (skipped), and says on
# its last line what it measured, or why.
set -euo pipefail
before= after=
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=${BUILD:-$here/../../build}

bed() { "$here/bed" "$@"; }

# on HOST COMMAND: a shell command there
on() { bed run "$@"; }

fail() { echo "$*"; exit 1; }
skip() { echo "$*"; exit 77; }

# within PART A B: whether A and B differ by at most PART of B, as 0.1
within()
{
	awk -v p="$1" -v a="$2" -v b="$3" \
		'BEGIN { d = a - b; if (d < 0) d = -d; exit !(d <= p * b) }'
}

# field NAME: the value of NAME=VALUE in this input's only line
field() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p"; }

# account HOST VM...: at nearly one instant, what the host and what each VM
# says of its time: lines "host time_ns=...", "VM ... cpu_time_ns=..." and
# "own VM ... busy_ms=..."
account() { on "$1" "guest account ${*:2}"; }

# delta FIELD LINE-PREFIX: its growth between $before and $after, two accounts
delta()
{
	calc "$(grep "^$2 " <<< "$after" | field "$1") - \
$(grep "^$2 " <<< "$before" | field "$1")"
}

# calc EXPRESSION: its value, with three digits after the point
calc() { awk "BEGIN { printf \"%.3f\", ($1) }"; }

# now_ms: this machine's clock
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# eventually SECONDS COMMAND...: until it succeeds
eventually()
{
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.5
	done
}

# --- the live system: violind on each host, the manager on m ------------------

site=$BUILD/xen/site

# live_keys HOST...: a key for the manager and for each host
live_keys()
{
	rm -rf "$site"
	mkdir -p "$site"
	local name
	for name in manager "$@"; do
		"$BUILD/violin" keygen "$site/$name" > /dev/null
	done
}

# live_start HOST...: keys, a configuration and a running violind for each
live_start()
{
	local h address
	live_keys "$@"
	for h; do
		address=$(on "$h" "ip -o -4 addr show dev lan" |
			awk '{ sub("/.*", "", $4); print $4 }')
		echo "$address" > "$site/$h.address"
		cat > "$site/$h.conf" << EOF
name: $h
key: /etc/violin/key
listen: tcp://$address:7470
journal: /var/lib/violind
managers:
  - {name: m, key: $(cat "$site/manager.pub")}
migration: {address: $address, transfer_s: 280, answer_s: 60}
EOF
		on "$h" "mkdir -p /etc/violin /var/lib/violind"
		bed push "$h" "$site/$h" /etc/violin/key
		bed push "$h" "$site/$h.conf" /etc/violin/violind.conf
		violind_start "$h"
	done
}

# violind_start HOST [OPTION...]
violind_start()
{
	on "$1" "violind ${*:2} >> /run/violind.log 2>&1 < /dev/null &
		echo \$! > /run/violind.pid"
}

# site_host HOST: its entry in a site
site_host()
{
	echo "{name: $1, cpus: 1, memory: ${2:-700 MiB}," \
		"address: \"$(cat "$site/$1.address"):7470\"," \
		"key: $(cat "$site/$1.pub")}"
}

# manager_start OPTION...: over the site in this input; guests are like
# those of the other tests
manager_start()
{
	cat > "$site/site.yaml"
	cat > "$site/guest.cfg" << 'EOF'
name="${name}"
type="pvh"
kernel="/guest/vmlinux"
ramdisk="/guest/initramfs"
extra="console=hvc0 rdinit=/init quiet"
memory=${memory}
maxmem=${memory-max}
vcpus=${vcpus}
tsc_mode="native"
vif=["bridge=lan,script=vif-lan"]
EOF
	on m "mkdir -p /root/site"
	local f
	for f in manager site.yaml guest.cfg; do
		bed push m "$site/$f" "/root/site/$f"
	done
	on m "cd /root/site && violin run --backend xen --control /run/violin \
		-f -o /root/result $* site.yaml > /run/manager.log 2>&1 \
		< /dev/null & echo \$! > /run/manager.pid"
}

# ask COMMAND...: of the manager, as in: ask status
ask() { on m "violin $1 --control /run/violin ${*:2}"; }

# where VM HOST...: which of these hosts run it
where()
{
	local h
	for h in "${@:2}"; do
		! on "$h" "xl domid $1" > /dev/null 2>&1 || echo -n "$h "
	done
}
