/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Workloads: what the VMs of an environment do once it runs.  A model is one
 * file, workload_<name>.c, and one constant of this type; it gives its VMs
 * work (cpu.h) and memory in use (memory.h), sets the timers that are a
 * workload's own (cpu_wake of a running VM, TIMER_ENV_WORK), and calls
 * environment_end when all is done.
 *
 * Any of the functions may be NULL.  Any of them may end or crash the
 * environment.
 */
#ifndef SIM_WORKLOAD_H
#define SIM_WORKLOAD_H

#include "sim/world.h"

struct workload_model {
	/* The environment's application starts: all its VMs run. */
	void (*begin)(struct world *world, uint32_t env);
	/* One of its VMs has waited for what cpu_wake was told. */
	void (*vm_fired)(struct world *world, uint32_t vm);
	/* The VM has done the work it was given. */
	void (*vm_done)(struct world *world, uint32_t vm);
	/* TIMER_ENV_WORK. */
	void (*env_fired)(struct world *world, uint32_t env);
	/* Shares, speeds or the network of its VMs have changed. */
	void (*pace)(struct world *world, uint32_t env);
	/* It stops, whether it is done or not: account for it until now. */
	void (*stop)(struct world *world, uint32_t env);
};

extern const struct workload_model workload_stages;
extern const struct workload_model workload_constant;
extern const struct workload_model workload_trace;
extern const struct workload_model workload_tasks;

/* Of this enum workload_kind; for WORKLOAD_IDLE one that does nothing. */
const struct workload_model *workload_model(uint32_t kind);

static inline const struct workload_model *workload_of(
    const struct world *w, uint32_t env)
{
	return workload_model(world_workload(w, env)->kind);
}

void workload_vm_done(struct world *world, uint32_t vm);

/* Memory in use by a VM of a workload that does not say more. */
uint64_t workload_mem_kib(const struct world *world, uint32_t vm);

/* The working sets of a VM now: what of its memory it writes. */
const struct working_set *workload_sets(const struct world *world, uint32_t vm);

/* The pace of the stage that an environment is in when its slowest VM does
 * `slowest` work a second (workload_stages.c: p). */
double workload_stage_pace(
    const struct world *world, uint32_t env, double slowest);

/* The compute VMs of an environment: all but its head, which comes first. */
static inline bool world_is_compute(const struct world *w, uint32_t vm)
{
	return !w->model->vms[vm].is_head;
}

/* Which column of a trace, or list of tasks, the VM follows, of n. */
static inline uint32_t workload_column(
    const struct world *w, uint32_t env, uint32_t vm, uint32_t n)
{
	uint32_t first = w->model->envs[env].first_vm;

	vm -= first + !world_is_compute(w, first);
	return (w->scenario->envs[env].trace_first + vm) % n;
}

#endif
