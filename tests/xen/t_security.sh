#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Whoever has no key, another's, or a recording of what a manager said gets
# nothing of violind, at its control port or at that of an arriving migration:
# nothing is read, changed or crashed, and violind says who was refused.  A
# real manager's session, with its order to receive a VM, goes through a
# recorder on m; the VM's host is a scripted one there, which stops when it is
# to connect, so that the port stays open for others.
# limit: 120
# hosts: a m
# needs: violind violin hostctl
. "$(dirname "$0")/lib.sh"

a=10.1.0.1 m=10.1.0.9
log() { on a cat /run/violind.log; }
# Who comes and goes at once may be gone before its address is asked for.
refused()
{
	log | grep -c "refused address=\([^ ]*$m\|unknown\) $1" || true
}
acts() { log | grep -cE ' (act|word) ' || true; }
has_port() { on a "grep -qi ':1D38 .* 0A ' /proc/net/tcp"; } # 7480, listening
# What of a host an intruder could have changed.
state()
{
	on a "hostctl sample" | sed 's/time_ns=[0-9]*//g'
	on a "ls /var/lib/violind; cat /run/violind.pid
		kill -0 \$(cat /run/violind.pid) && echo lives"
}
changed()
{
	local now
	now=$(state)
	[ "$now" = "$before" ] || broken "$1 changed something: $before -> $now"
	[ "$(acts)" = "$acts" ] || broken "$1 was obeyed: $(log)"
}

# knock PORT: the bytes of this input, from m; what comes back is counted
knock()
{
	bed feed m "socat -T 2 - TCP:$a:$1 | wc -c"
}

# refuses PORT WHAT WHERE: this input is refused there, and that is said
refuses()
{
	local n said
	sleep 1.1 # one line a second
	n=$(refused "$3")
	said=$(knock "$1")
	[ "$said" -le 200 ] || broken "$2 was told $said bytes"
	eventually 8 eval "[ \$(refused '$3') -gt $n ]" ||
		fail "$2: nobody is said to be refused: $(log)"
	echo "$2: refused, $said bytes of greeting"
	refusals=$((refusals + 1))
}

# manager_fails NAME KEY HOST-KEY REASON: it runs, and hears nothing
manager_fails()
{
	local n
	n=$(refused "port=control why=\"$4")
	bed push m "$site/$2" "/root/$2"
	bed feed m "cat > /root/$1.yaml" << END
domains:
  - {name: D1, hosts: [{name: a, cpus: 1, memory: 700 MiB,
     address: "$a:7470", key: $3}]}
manager: {key: $2, period: 5 s}
environments: [{name: E, vms: {memory: 96 MiB, config: site/guest.cfg}}]
END
	on m "cd /root && timeout 6 violin run --backend xen --act --control \
		/run/$1 $1.yaml > /run/$1.log 2>&1 < /dev/null || true"
	! on m "grep 'name=a up' /run/$1.log" || broken "$1 was let in"
	on m "grep -q 'start mode=acting' /run/$1.log" ||
		fail "$1 did not even start: $(on m "cat /run/$1.log")"
	[ "$(refused "port=control why=\"$4")" -gt "$n" ] ||
		fail "$1: nobody is said to be refused: $(log)"
	echo "$1: refused"
	refusals=$((refusals + 1))
}

# --- a site of a and of a scripted host on m, through the recorder ------------

refusals=0
live_start a
for name in f other; do
	"$BUILD/violin" keygen "$site/$name" > /dev/null
done
on a 'kill $(cat /run/violind.pid)'
sed -i 's/migration: {/&port_first: 7480, port_last: 7480, /' "$site/a.conf"
bed push a "$site/a.conf" /etc/violin/violind.conf
sed "s/^name: a/name: f/; s/$a/$m/g" "$site/a.conf" > "$site/f.conf"
printf 'host cpus 1 mem 1G\nvm V1-1 mem 96M\n' > "$site/f.fake"
on m "mkdir -p /etc/violin /var/lib/violind"
bed push m "$site/f" /etc/violin/key
bed push m "$site/f.conf" /etc/violin/violind.conf
bed push m "$site/f.fake" /etc/violin/f.fake
violind_start a
violind_start m --fake /etc/violin/f.fake --stop-at source-calling:noted
on m "socat -r /run/said TCP-LISTEN:7999,fork,reuseaddr TCP:$a:7470 \
	> /run/recorder.log 2>&1 < /dev/null &"
before=$(state) acts=0
manager_start --act << END
domains:
  - name: D1
    hosts:
      - {name: a, cpus: 1, memory: 700 MiB, address: "$m:7999",
         key: $(cat "$site/a.pub")}
      - {name: f, cpus: 1, memory: 700 MiB, address: "$m:7470",
         key: $(cat "$site/f.pub")}
manager: {key: manager, period: 5 s}
environments:
  - name: V1
    vms: {memory: 96 MiB, memory-min: 96 MiB, memory-max: 96 MiB,
          config: guest.cfg}
END
trap 'status=$?; [ $status -eq 0 ] || {
	on m "cat /run/manager.log /run/violind.log"; log; } >&2' EXIT
status_has() { ask status --json 2> /dev/null | grep -q "$1"; }
is_on_f() { status_has '"V1-1", "state": "running", "host": "f"'; }
eventually 40 is_on_f || fail "V1-1 is not found on f: $(ask status)"

# --- at the port of an arriving migration -------------------------------------

ask drain f > /dev/null
eventually 30 has_port || fail "a does not listen: $(log)"
refuses 7480 "random bytes for a VM" handover < <(head -c 5000 /dev/urandom)
refuses 7480 "half a header for a VM" handover <<< VIOLIN
on m 'kill -CONT $(cat /run/violind.pid)'
ask undrain f > /dev/null
is_quiet() { ! status_has '"id"' && is_on_f; }
eventually 50 is_quiet || fail "the move has no end: $(ask status)"

# --- at the control port ------------------------------------------------------

acts=$(acts)
[ "$acts" -ge 1 ] || fail "nothing to replay was recorded"
refuses 7470 "random bytes" port=control < <(head -c 5000 /dev/urandom)
# A greeting of ZMTP 3.0 that asks for no security.
refuses 7470 "no key" port=control < <(
	printf '\377\0\0\0\0\0\0\0\1\177\3\0NULL'
	head -c 48 /dev/zero)
bed pull m /run/said > "$site/said"
refuses 7470 "a replayed session" port=control < "$site/said"
refuses 7470 "its beginning" port=control < <(head -c 300 "$site/said")
changed "who has no key"
manager_fails unlisted other "$(cat "$site/a.pub")" \
	"key $(cat "$site/other.pub") is not listed"
manager_fails mistaken manager "$(cat "$site/other.pub")" "no handshake"
changed "who has a wrong key"
on m "grep -q . /proc/\$(cat /run/manager.pid)/comm"
status_has '"name": "a",.*"state": "up"' ||
	fail "the manager does not hear a any more: $(ask status --json)"
echo "$refusals refused and named, nothing changed; a session of \
$(wc -c < "$site/said") bytes with $acts acts was replayed"
