# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the tests on real Xen share.  A test is a script t_NAME.sh that says in
# comment lines which hosts it wants ("hosts: a b"), with how many CPUs ("cpus:
# 2", else 1), which programs it needs there ("needs: violind") and how many
# seconds it may take ("limit: 300"); and, if it wants the machine for itself,
# what it measures ("measures: down-time").  It finds them fresh, and cleans
# nothing up.  It ends with status 0 (passed), 1 (failed), 3 (failed, and it is
# nobody else's fault) or 77 (skipped), and says on its last line what it
# measured, or why.
set -euo pipefail
before= after= tunnel=
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=${BUILD:-$here/../../build}

bed() { "$here/bed" "$@"; }

# on HOST COMMAND: a shell command there
on() { bed run "$@"; }

fail() { echo "$*"; exit 1; }
# What is wrong however busy the machine is: nothing makes it well.
broken() { echo "$*"; exit 3; }
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

# address HOST: where the other hosts reach it
address()
{
	on "$1" "ip -o -4 addr show dev lan" |
		awk '{ sub("/.*", "", $4); print $4 }'
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
		address=$(address "$h")
		echo "$address" > "$site/$h.address"
		cat > "$site/$h.conf" << EOF
name: $h
key: /etc/violin/key
listen: tcp://$address:7470
journal: /var/lib/violind
managers:
  - {name: m, key: $(cat "$site/manager.pub")}
migration: {address: $address, transfer_s: 280, answer_s: 60}
${tunnel:+tunnel: $tunnel}
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

# guest_config EXTRA VIF...: a configuration as the other tests' guests have
guest_config()
{
	cat << 'EOF'
name="${name}"
type="pvh"
kernel="/guest/vmlinux"
ramdisk="/guest/initramfs"
memory=${memory}
maxmem=${memory-max}
vcpus=${vcpus}
tsc_mode="native"
EOF
	echo "extra=\"console=hvc0 rdinit=/init quiet $1\""
	shift
	local list
	printf -v list '"%s",' "$@"
	echo "vif=[${list%,}]"
}

# manager_start OPTION...: over the site in this input; its guests' config is
# guest.cfg, or vnet.cfg and head.cfg if they are in the virtual network, or
# another that a test has put into $site
manager_start()
{
	cat > "$site/site.yaml"
	guest_config "" "bridge=lan,script=vif-lan" > "$site/guest.cfg"
	guest_config 'addr=10.77.0.1${number}/24 gateway=10.77.0.1' \
		'mac=00:16:3e:00:01:0${number},script=vif-violin' \
		> "$site/vnet.cfg"
	guest_config "addr=10.77.0.1/24 outside=10.1.0.100/24 \
gateway=10.1.0.254" "mac=00:16:3e:00:01:00,script=vif-violin" \
		"mac=00:16:3e:00:ff:01,bridge=lan,script=vif-lan" |
		sed 's/initramfs/head.initramfs/' > "$site/head.cfg"
	on m "mkdir -p /root/site"
	local f
	for f in "$site"/{manager,site.yaml,*.cfg}; do
		bed push m "$f" "/root/site/${f##*/}"
	done
	on m "cd /root/site && violin run --backend xen --control /run/violin \
		-f -o /root/result $* site.yaml > /run/manager.log 2>&1 \
		< /dev/null & echo \$! > /run/manager.pid"
}

# ask COMMAND...: of the manager, as in: ask status
ask() { on m "violin $1 --control /run/violin ${*:2}"; }

# told HOST VM FIELD: what the guest says of itself; it may be just about to
told()
{
	local text n
	for n in 1 2 3 4 5 6 7 8; do
		text=$(on "$1" guest report "$2" "$3") || text=
		[ -z "$text" ] || { echo "$text"; return; }
		sleep 1
	done
	return 1
}

# remember HOST VM, and then same HOST VM: is it the guest that it was there,
# with its memory whole?
remember()
{
	boot=$(told "$1" "$2" boot)
	count=$(told "$1" "$2" count)
}
same()
{
	on "$1" guest wait "$2"
	[ "$(told "$1" "$2" boot)" = "$boot" ] ||
		broken "$2 was started anew on $1"
	[ "$(told "$1" "$2" count)" -gt "$count" ] ||
		broken "$2 lost its counter on the way to $1"
	on "$1" guest tell "$2" check > /dev/null
	sleep 2
	[ "$(told "$1" "$2" bad)" = 0 ] ||
		broken "$2's memory changed on the way to $1"
}

# where VM HOST...: which of these hosts run it
where()
{
	local h
	for h in "${@:2}"; do
		! on "$h" "xl domid $1" > /dev/null 2>&1 || echo -n "$h "
	done
}

# --- the virtual network: violin-tunneld on each host -------------------------

# vnet_start HOST...: keys and a running violin-tunneld for each, WireGuard
# between their domains, over the environments in this input; to be called
# before live_start, whose violinds then tell it of their VMs.  VM N of an
# environment that has vnet.cfg is 10.77.0.1N and 00:16:3e:00:01:0N; a head VM
# that has head.cfg is 10.77.0.1 and 00:16:3e:00:01:00, and 10.1.0.100 outside.
vnet_start()
{
	local h environments
	environments=$(cat)
	tunnel=/run/violin-tunneld/control.sock
	{ echo "tunnel_prefix: 16"; vnet_hosts "$@"; echo "$environments"; } \
		> "$BUILD/xen/vnet.yaml"
	for h; do
		bed push "$h" "$BUILD/xen/vnet.yaml" /etc/violin/tunnel.yaml
		tunneld_start "$h"
	done
	for h; do
		eventually 20 on "$h" "violin-tunnelctl show" &> /dev/null ||
			fail "$h: no tunnel daemon: $(tunneld_log "$h")"
	done
}

# vnet_hosts HOST...: the domains of a tunnel daemon's site
vnet_hosts()
{
	local h domain= address
	echo "domains:"
	for h; do
		address=$(address "$h")
		if [ "${address%.0.*}" != "$domain" ]; then
			domain=${address%.0.*}
			echo "- name: D${domain#10.}"
			echo "  hosts:"
		fi
		echo "  - name: $h"
		echo "    address: $address"
		echo "    tunnel_address: 10.99.${domain#10.}.${address##*.}"
		echo "    control: tcp://$address:7471"
		on "$h" "mkdir -p /etc/violin /run/violin-tunneld
			violin-tunneld --show-keys" | sed 's/^/    /'
	done
}

# tunneld_start HOST
tunneld_start()
{
	on "$1" "violin-tunneld --config /etc/violin/tunnel.yaml --host $1 \
		>> /run/tunneld.log 2>&1 < /dev/null &
		echo \$! > /run/tunneld.pid"
}

tunneld_log() { on "$1" "cat /run/tunneld.log"; }
