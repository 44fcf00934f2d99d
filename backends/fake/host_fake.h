/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A host that is not there: backends/host.h by a script, for tests of all
 * that lies above it and for trying violind where there is no Xen.  What it
 * has outlives its daemon, as with a hypervisor, if the script names a
 * directory for it; and each of its steps can be made to fail.
 *
 * A script is a text of lines; # starts a comment, sizes end in K, M or G:
 *
 *	host cpus 4 mem 8G             the host itself; must be first
 *	state DIR                      VMs are kept in files there
 *	history FILE                   who runs where, a line a change, appended
 *	lacks PATH                     a file that configurations may name and
 *	                               that is not on this host
 *	image SIZE                     bytes of a VM's stream (default 256K)
 *	speed SIZE                     bytes/s of a stream (default: unbounded)
 *	vm NAME mem SIZE [max SIZE] [vcpus N] [cpu CPUS] [used SIZE] [mac MAC]
 *	                               there at the start, unless DIR has any
 *	end NAME poweroff|reboot|crash|killed after SECONDS
 *	                               it ends so by itself, once, when it has
 *	                               been running here for so long
 *	fail CALL NAME [after N]       the call on this VM fails once, after it
 *	                               has gone well N times; CALL is a member
 *	                               of struct host_api; a send or receive
 *	                               fails half-way
 *	hang CALL NAME                 a send or receive stops half-way, until
 *	                               it is aborted
 *
 * The stream carries the VM's memory, which its boot id determines; the
 * receiver computes it too, so that a changed or missing byte is found.
 */
#ifndef BACKENDS_FAKE_HOST_FAKE_H
#define BACKENDS_FAKE_HOST_FAKE_H

#include "backends/host.h"

struct host_fake;
extern const struct host_api host_fake_api;

/* From a script; `source` is where it comes from, for errors, and `name` the
 * host's in its history.  NULL and err filled if the script is wrong, with
 * its line. */
struct host_fake *host_fake_new(
    const char *script, const char *source, const char *name, struct err *err);
struct host_fake *host_fake_open(
    const char *path, const char *name, struct err *err);

/* Which memory a VM has, and false if there is no such VM. */
bool host_fake_boot_id(
    const struct host_fake *fake, const char *vm, uint64_t *boot_id);

#endif
