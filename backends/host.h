/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One hypervisor host as its monitoring daemon sees it: all that violind
 * asks of Xen.  Implemented over libxl (backends/xen/host_xen.c), by a
 * scripted fake (backends/fake/host_fake.c) and over a simulated host.
 *
 * VMs are named, not numbered.  A name that the daemon did not give has no
 * special meaning; the daemon gives an arriving VM NAME--incoming and a
 * leaving one NAME--outgoing, which is how its hand-overs (backends/
 * handover.h) can be told from the host itself after any crash.
 *
 * Calls come from one thread.  Synchronous calls return within a fraction of
 * a second: they answer from what the hypervisor knows and wait for nothing.
 * Asynchronous ones only start; each started one ends with exactly one event
 * out of `poll`, in any order, also if it is aborted.  False means: refused,
 * nothing was changed or started, err says why.
 *
 * The host outlives its daemon.  After a restart the daemon learns what is
 * there from `sample`; an operation that was under way is then over, having
 * done all, part or nothing of its work, and none of it goes on.
 */
#ifndef BACKENDS_HOST_H
#define BACKENDS_HOST_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/units.h"

enum {
	HOST_NAME_MAX_LEN = 64,  /* a VM's name and its zero */
	HOST_CONFIG_MAX = 16384, /* a guest configuration and its zero */
	HOST_VMS_MAX = 1024,     /* that one host reports */
	HOST_OPS_MAX = 64,       /* asynchronous operations under way */
	HOST_TEXT_MAX = 160,
	HOST_POLL_MAX = 2 * HOST_OPS_MAX + 8,
};

#define HOST_INCOMING "--incoming"
#define HOST_OUTGOING "--outgoing"

enum host_vm_state {
	HOST_VM_RUNNING,   /* running, or runnable and idle */
	HOST_VM_PAUSED,    /* complete, and not scheduled until unpaused */
	HOST_VM_SUSPENDED, /* stopped itself to be migrated; resume or destroy
	                    */
	HOST_VM_DEAD,      /* crashed or shut down, see `end`; to be destroyed
	                    */
	HOST_VM_BUILDING,  /* being created or received: not complete */
	N_HOST_VM_STATES
};

/* Why a VM is dead, as far as its hypervisor says. */
enum host_vm_end {
	HOST_END_UNKNOWN, /* it is not dead, or somebody is destroying it */
	HOST_END_POWEROFF,
	HOST_END_REBOOT, /* which the guest wanted, and nobody does */
	HOST_END_CRASH,
	N_HOST_VM_ENDS
};

struct host_vm {
	char name[HOST_NAME_MAX_LEN];
	enum host_vm_state state;
	enum host_vm_end end;
	uint64_t cpu_time_ns; /* all its vCPUs, since it came to this host */
	uint32_t n_vcpus;
	uint32_t weight;         /* 1..65535 */
	uint32_t cap_mcpu;       /* 0: no cap */
	uint64_t mem_kib;        /* what it holds now */
	uint64_t mem_target_kib; /* what its balloon is moving to */
	uint64_t mem_max_kib;    /* the most that its target can be set to */
	uint64_t mem_used_kib;   /* says its agent; MEM_UNKNOWN without one */
};

struct host_sample {
	uint32_t n_cpus;
	uint64_t
	    mem_total_kib; /* for VMs: without the hypervisor's and dom0's */
	uint64_t mem_free_kib; /* held by nobody */
	uint64_t idle_time_ns; /* of all CPUs, cumulative; 0: not known */
	uint32_t n_vms;
	struct host_vm *vms; /* the caller's, room for HOST_VMS_MAX */
};

/* Where a migration's stream goes: a file descriptor, or in a simulated
 * world whatever its hosts and links agree on. */
struct host_stream {
	int fd;
	void *opaque;
};

enum host_event_kind {
	HOST_EVENT_DONE,
	HOST_EVENT_FAILED,
};

struct host_event {
	uint64_t op; /* as given to the call that started it */
	enum host_event_kind kind;
	char text[HOST_TEXT_MAX]; /* why it failed; "" else */
};

struct host_api {
	const char *name; /* "xen", "fake", "sim" */

	/* Fills *sample, VMs in ascending order of their names; all counters
	 * are of one instant.  The daemon's own domain is not among them. */
	bool (*sample)(void *host, struct host_sample *sample, struct err *err);

	/* One VM, as in a sample.  False also if there is none of this name,
	 * then *found is false; a host that cannot tell leaves it true. */
	bool (*find)(void *host, const char *vm, struct host_vm *out,
	    bool *found, struct err *err);

	/* Would `create` take this text?  All that can be told of it without
	 * making anything: is it understood, is what it names on this host?
	 * False: *line is the wrong one in the text, 0 if it is none, and err
	 * says what would be right there. */
	bool (*check)(void *host, const char *vm, const char *config,
	    uint64_t mem_kib, uint32_t *line, struct err *err);

	/* --- synchronous; setting what is set already succeeds ------------ */

	/* weight 1..65535; cap in thousandths of a CPU, 0 for none. */
	bool (*set_cpu)(void *host, const char *vm, uint32_t weight,
	    uint32_t cap_mcpu, struct err *err);
	/* Moves the balloon's target; the VM follows when it can, or does not.
	 * Refused above mem_max_kib, or if the host has not that much free. */
	bool (*set_mem)(
	    void *host, const char *vm, uint64_t target_kib, struct err *err);
	bool (*rename)(
	    void *host, const char *vm, const char *to, struct err *err);
	/* A paused VM runs; one that runs already is left alone. */
	bool (*unpause)(void *host, const char *vm, struct err *err);
	/* A suspended VM runs on as if it had never been suspended, with its
	 * balloon and its devices; one that runs already is left alone. */
	bool (*resume)(void *host, const char *vm, struct err *err);

	/* --- asynchronous: `op` names the operation in its event ---------- */

	/* Makes and starts a VM from a guest configuration in the language of
	 * xl.cfg(5).  Refused, with the line, is what `check` refuses, such as
	 * a name in it that is not `vm`; and a VM that is there already.
	 * mem_kib overrides its memory, 0 does not. */
	bool (*create)(void *host, uint64_t op, const char *vm,
	    const char *config, uint64_t mem_kib, struct err *err);
	/* Whatever its state; done if there is no such VM. */
	bool (*destroy)(
	    void *host, uint64_t op, const char *vm, struct err *err);
	/* Live-migrates a running VM into the stream.  Done: all of it is
	 * written and the VM is suspended here.  Failed: the VM may be
	 * running or suspended; `resume` then runs it.  Takes the stream. */
	bool (*send)(void *host, uint64_t op, const char *vm,
	    struct host_stream stream, struct err *err);
	/* What `send`'s peer needs beside the stream: the VM's configuration,
	 * as text of this implementation's own, into config[cap]. */
	bool (*describe)(void *host, const char *vm, char *config, size_t cap,
	    struct err *err);
	/* Makes a VM called `as` out of a stream.  Done: it is complete and
	 * paused.  Failed: a part of it may be there; `destroy` it.  Takes the
	 * stream. */
	bool (*receive)(void *host, uint64_t op, const char *as,
	    const char *config, struct host_stream stream, struct err *err);
	/* Ends a send or receive soon, if it is still under way: its event
	 * comes all the same. */
	void (*abort)(void *host, uint64_t op);

	/* --- events ------------------------------------------------------- */

	/* The next operation that ended, if one did by `now_ns`. */
	bool (*poll)(void *host, int64_t now_ns, struct host_event *event);
	/* What to wait for before asking again: up to HOST_POLL_MAX file
	 * descriptors, and a time, TIME_NEVER for none.  Returns how many. */
	size_t (*wait)(void *host, struct pollfd *fds, int64_t *until_ns);
	void (*close)(void *host);
};

#endif
