# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# A part of tests/netns/run that needs what this machine's kernel has not says
# so: `elsewhere PART`.  When the others are through, tests/netns/in-kernel
# boots the kernel that tests/netns/kernel-tree has, in QEMU, and runs there,
# by this same tests/netns/run, the parts that said so.

unable=
elsewhere() { unable="$unable $1"; }

skip_unable() { # REASON
	local part
	for part in $unable; do
		skip "$part: this kernel cannot; $1"
	done
}

run_elsewhere() {
	local program tree
	[ -n "$unable" ] || return
	[ -z "${EMULATED:-}" ] || { skip_unable "it was emulated for that"
		return; }
	for program in qemu-system-x86_64 cpio depmod modprobe; do
		command -v $program >/dev/null || {
			skip_unable "no $program, to try it on another"
			return
		}
	done
	tree=$(tests/netns/kernel-tree) || {
		skip_unable "none for QEMU: $tree"
		return
	}
	say "on another kernel, emulated:$unable"
	# shellcheck disable=SC2086 # words
	LIMIT=500 tests/netns/in-kernel "$tree" $unable 2>&1 |
		tee "$W/elsewhere" | grep -v --line-buffered '^[0-9]* passed, '
	count_in "$(grep '^[0-9]* passed, ' "$W/elsewhere")" ||
		claim "what runs on another kernel comes to an end" false
}
