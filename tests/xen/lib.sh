# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the tests on real Xen share.  A test is a script t_NAME.sh that says in
# comment lines which hosts it wants ("hosts: a b") and which programs it needs
# there ("needs: violind").  It finds them fresh, and cleans nothing up.  It ends with status 0 (passed), 1 (failed) or 77 (skipped), and
# says on its last line what it measured, or why.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

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
calc() { awk "BEGIN { printf \"%.3f\", $1 }"; }

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
