/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An observation: the picture of a world at an instant, as the monitoring
 * daemons see it.  Facts only; the same structs are filled by the simulator
 * and by the live manager, and written into records.
 *
 * Owned and allocated by whoever runs the manager (observation_lay_out),
 * filled by backend->observe.  Arrays are indexed by the model's ids.
 */
#ifndef CORE_OBSERVATION_H
#define CORE_OBSERVATION_H

#include "core/arena.h"
#include "core/model.h"

enum host_state {
	HOST_ABSENT,   /* has not joined, or has left */
	HOST_UP,
	HOST_DRAINING, /* up, but is to be emptied: takes no VM */
	HOST_STALE,    /* does not answer: what is said of it is old */
	HOST_FAILED,
	N_HOST_STATES
};

enum vm_state {
	VM_ABSENT,    /* not asked for yet, or destroyed */
	VM_QUEUED,    /* asked for; waits for a host */
	VM_STARTING,  /* being created on `host` */
	VM_RUNNING,
	VM_MIGRATING, /* runs on `host`, holds memory on `target` too */
	VM_LEAVING,   /* its environment has ended; it holds memory a while */
	VM_DEAD,      /* crashed, or its host failed; holds nothing */
	N_VM_STATES
};

enum env_state {
	ENV_ABSENT,
	ENV_QUEUED,  /* waits for room */
	ENV_RUNNING,
	ENV_IDLE,    /* its application has ended, its VMs remain */
	ENV_ENDED,   /* destroyed */
	ENV_CRASHED, /* a VM of it died */
	N_ENV_STATES
};

/* Utilisations are means over the time since the observation before. */
struct host_observation {
	enum host_state state;
	uint32_t cpu_used_mcpu;
	uint64_t mem_free_kib; /* not held by any VM, arriving or leaving */
};

struct vm_observation {
	enum vm_state state;
	struct host_id host;    /* where it runs, or NO_HOST */
	struct host_id target;  /* while migrating: where to, else NO_HOST */
	uint32_t weight;        /* scheduler weight, 1..65535 */
	uint32_t cap_mcpu;      /* 0: no cap */
	uint32_t cpu_used_mcpu;
	uint64_t mem_alloc_kib;  /* what it holds now */
	uint64_t mem_target_kib; /* what its balloon is moving to */
	uint64_t mem_used_kib;   /* MEM_UNKNOWN where the guest does not say */
	int64_t since_ns;        /* created or landed on `host` then */
};

struct env_observation {
	enum env_state state;
	uint32_t network_up; /* 0: its virtual network is re-establishing */
	int64_t queued_ns;   /* asked for then */
	int64_t moved_ns;    /* last landed in another domain; -1: never */
};

struct observation {
	int64_t now_ns;
	int64_t period_ns; /* since the one before; 0: this is the first */
	uint64_t sequence; /* 0, 1, 2, ... */
	struct host_observation *hosts;
	struct env_observation *envs;
	struct vm_observation *vms;
};

/* Takes the arrays for this model from the arena. */
void observation_lay_out(
    struct observation *obs, struct arena *arena, const struct model *model);

/* The names of states in records and results, such as "running". */
const char *host_state_name(enum host_state state);
const char *vm_state_name(enum vm_state state);
const char *env_state_name(enum env_state state);

/* Is it on a host, with memory and a share of CPU there? */
static inline bool vm_is_placed(const struct vm_observation *vm)
{
	return vm->state == VM_STARTING || vm->state == VM_RUNNING ||
	       vm->state == VM_MIGRATING || vm->state == VM_LEAVING;
}

/* Has it run where it is for a full period, so that its sample is of it? */
static inline bool vm_is_sampled(
    const struct observation *obs, const struct vm_observation *vm)
{
	return vm->state == VM_RUNNING && obs->period_ns > 0 &&
	       vm->since_ns <= obs->now_ns - obs->period_ns;
}

/* Memory it holds or may come to hold on its host. */
static inline uint64_t vm_held_kib(const struct vm_observation *vm)
{
	return vm->mem_alloc_kib > vm->mem_target_kib ? vm->mem_alloc_kib
	                                              : vm->mem_target_kib;
}

/*
 * The CPU allocated to a VM.  A weight is read as an absolute entitlement,
 * Xen's default of 256 being one CPU: that is how plans write weights, so an
 * allocation survives the way through a scheduler that only knows weights.
 */
static inline uint32_t cpu_of_weight(uint32_t weight)
{
	return (uint32_t)((uint64_t)weight * MCPU_PER_CPU / WEIGHT_DEFAULT);
}

uint32_t weight_of_cpu(uint32_t cpu_mcpu); /* 1..65535, rounded up */

static inline uint32_t vm_cpu_alloc_mcpu(
    const struct vm *vm, const struct vm_observation *seen)
{
	uint32_t alloc = cpu_of_weight(seen->weight);

	if (seen->cap_mcpu && seen->cap_mcpu < alloc)
		alloc = seen->cap_mcpu;
	return alloc < vm->vcpu_mcpu ? alloc : vm->vcpu_mcpu;
}

#endif
