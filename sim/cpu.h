/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPU of the simulated hosts: Xen's credit scheduler as a fluid.
 *
 * Variables, for each VM i that wants CPU on a host
 *	C	CPUs of the host, but for what it needs itself while it
 *		migrates VMs
 *	w_i	weight
 *	b_i	least of what it wants, its vCPUs and its cap, CPUs
 *	x_i	what it gets, CPUs
 *	s_i	speed: work done for a second of CPU; 1, less while its memory
 *		is copied or swapped
 *	l_i	work left, CPU seconds at speed 1; or WORK_ENDLESS
 *
 * Equations
 *	x = weighted max-min fair share of C with bounds b (core/fairshare.h)
 *	dl_i/dt = -x_i s_i;  at l_i = 0 the VM's workload is told
 *
 * Where scenarios have environments that free their CPU while they wait at a
 * barrier, the x of several hosts are coupled: sim/couple.h.
 *
 * Sources: Xen's credit scheduler, as it says of itself ("weight", "cap");
 * fluid sharing as in SimGrid (Casanova et al. 2014).
 * Limits: no cache, NUMA or scheduling latency; a VM's vCPUs are one fluid.
 *
 * Progress is lazy: x_i and l_i are as of last_ns, and only those VMs are
 * touched whose x_i changes.  One timer a host stands for its next event: a
 * completion, or an instant that one of its VMs waits for (cpu_wake).  So the
 * heap of timers has one entry for many VMs, and a host's are side by side.
 */
#ifndef SIM_CPU_H
#define SIM_CPU_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct world;

#define WORK_ENDLESS ((double)INFINITY)

enum {
	CPU_WANTS = 1,  /* has work */
	CPU_HELD = 2,   /* suspended: gets nothing */
	CPU_PACES = 4,  /* its rate paces its environment */
	CPU_BOOTS = 8,  /* what it waits for is the end of its boot */
	CPU_WAITS = 16, /* for an instant, without finite work */
};

/* Hot: one cache line a VM. */
struct cpu_vm {
	int64_t last_ns;   /* what follows is as of then */
	double left_s;
	double rate;       /* CPUs it gets */
	double used_s;     /* CPU seconds it has got, in all */
	double speed;
	uint32_t bound_mcpu;
	uint32_t host;     /* ID_NONE: on none */
	uint32_t seat;     /* its index on its host */
	uint16_t weight;
	uint8_t flags;
	uint8_t workload;  /* enum workload_kind: who is told of its end */
};

enum { CPU_FEW = 16 };

/* The VMs of a host have seats, the first of them those that want CPU: so what
 * a host has to look at lies together, four cache lines for few VMs. */
struct cpu_host {
	int64_t last_ns;
	double used_s;  /* CPU seconds used, in all, until last_ns */
	double rate;    /* CPUs in use */
	int64_t *due_ns; /* by seat: its work ends, or its wait */
	uint32_t *vms;   /* by seat */
	uint32_t n_vms;
	uint32_t n_eager; /* want CPU, or did when last looked at */
	uint32_t max_vms; /* 0: the arrays are the few below */
	uint32_t cpu_mcpu;     /* for its VMs */
	uint32_t n_migrations; /* from and to it */
	bool dirty;     /* its shares are to be found anew */
	int64_t few_due_ns[CPU_FEW];
	uint32_t few_vms[CPU_FEW];
};

/* One migration more, or less (-1), from or to a host; while there is one, the
 * host's VMs have migration_setup.cpu_mcpu less, but at least a hundredth of
 * its CPUs. */
void cpu_migrates(struct world *world, uint32_t host, int change);

/* Gives a VM work on the host where it is, now. */
void cpu_work(struct world *world, uint32_t vm, double work_s);

/* Takes its work away; what it used remains known. */
void cpu_rest(struct world *world, uint32_t vm);

/* The most that it wants when it has work; held below vCPUs and cap. */
void cpu_demand(struct world *world, uint32_t vm, double demand_mcpu);
void cpu_set_share(
    struct world *world, uint32_t vm, uint32_t weight, uint32_t cap_mcpu);
void cpu_set_speed(struct world *world, uint32_t vm, double speed);

/* Wakes a VM that has no finite work at an instant: its boot is over, or its
 * workload's vm_fired.  TIME_NEVER: no more. */
void cpu_wake(struct world *world, uint32_t vm, int64_t at_ns);

/* Suspended from now on, or no longer. */
void cpu_hold(struct world *world, uint32_t vm, bool held);

/* Puts it on a host (ID_NONE: takes it away), with the work that it has. */
void cpu_move(struct world *world, uint32_t vm, uint32_t host);

void cpu_init_host(struct cpu_host *host, uint32_t cpu_mcpu);
void cpu_fini_host(struct cpu_host *host);

/* The timer of a host: tells the workloads whose VMs have done their work or
 * have waited long enough. */
void cpu_host_fired(struct world *world, uint32_t host);

/* Finds the shares of all hosts that the above have touched; then no share
 * is stale until the next call of theirs. */
void cpu_settle(struct world *world);

/* CPU seconds used until now, in all. */
double cpu_vm_used_s(const struct world *world, uint32_t vm);
double cpu_host_used_s(const struct world *world, uint32_t host);

/* Marks a host, or ID_NONE, whose shares are to be found anew. */
void cpu_touch_host(struct world *world, uint32_t host);

/* For sim/couple.c: the rate of a VM from now on; and then, when all rates of
 * a host are set, its sums and its timer. */
void cpu_set_rate(struct world *world, uint32_t vm, double rate);
void cpu_finish_host(struct world *world, uint32_t host);
void cpu_prune_host(struct world *world, uint32_t host);

static inline bool cpu_is_active(const struct cpu_vm *vm)
{
	return (vm->flags & (CPU_WANTS | CPU_HELD)) == CPU_WANTS;
}

#endif
