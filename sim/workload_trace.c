/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Utilisation traces: every VM wants what its column of the trace says, a
 * fraction of its vCPUs, step by step; and uses the memory it says, where it
 * says any.  A trace that is over keeps its last level until the duration is
 * over.  What a VM wants and does not get is lost, and summed up as unserved.
 */
#include <math.h>

#include "sim/environment.h"
#include "sim/memory.h"
#include "sim/workload.h"

static int64_t end_ns(const struct world *w, uint32_t e)
{
	int64_t duration_ns = world_workload(w, e)->duration_ns;

	return duration_ns == TIME_NEVER
	           ? TIME_NEVER
	           : w->envs[e].start_ns + duration_ns;
}

/* The next step, or the end; the last step's level goes on. */
static void set_timer(struct world *w, uint32_t e)
{
	const struct trace *trace = world_workload(w, e)->trace;
	int64_t next_ns = end_ns(w, e);

	if (w->envs[e].trace_step + 1 < trace->n_steps &&
	    w->now_ns + trace->interval_ns < next_ns)
		next_ns = w->now_ns + trace->interval_ns;
	world_set_timer(w, TIMER_ENV_WORK, e, next_ns);
}

/* Wanted since the level was set, and what of it was not served. */
static void account(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];
	double lasted_s = ns_to_s(w->now_ns - w->envs[e].last_ns);

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;
		double wanted_s, used_s = cpu_vm_used_s(w, v);

		if (!world_is_compute(w, v))
			continue;
		wanted_s = w->vms[v].demand_mcpu * 1e-3 * lasted_s;
		w->metrics.demand_s += wanted_s;
		w->metrics.unserved_s +=
		    wanted_s - (used_s - w->vms[v].level_used_s);
		w->vms[v].level_used_s = used_s;
	}
	w->envs[e].last_ns = w->now_ns;
}

/* False: the environment did not survive. */
static bool set_level(struct world *w, uint32_t e, uint32_t v)
{
	const struct trace *trace = world_workload(w, e)->trace;
	size_t at = (size_t)w->envs[e].trace_step * trace->n_vms +
	            workload_column(w, e, v, trace->n_vms);

	cpu_demand(w, v,
	    (double)trace->cpu[at] * w->model->vms[v].vcpu_mcpu);
	if (!trace->mem_kib)
		return true;
	return memory_use(w, v, (uint64_t)((double)trace->mem_kib[at] + 0.5));
}

static void set_levels(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (world_is_compute(w, env->first_vm + i) &&
		    !set_level(w, e, env->first_vm + i))
			return;
	set_timer(w, e);
}

static void trace_begin(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];

	w->envs[e].trace_step = 0;
	w->envs[e].last_ns = w->now_ns;
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (!world_is_compute(w, v))
			continue;
		w->cpu_vms[v].workload = WORKLOAD_TRACE;
		w->vms[v].level_used_s = cpu_vm_used_s(w, v);
		cpu_work(w, v, WORK_ENDLESS);
		if (!memory_use(w, v, workload_mem_kib(w, v)))
			return;
	}
	set_levels(w, e);
}

static void trace_env_fired(struct world *w, uint32_t e)
{
	if (w->now_ns >= end_ns(w, e)) {
		environment_end(w, e);
		return;
	}
	account(w, e);
	w->envs[e].trace_step++;
	set_levels(w, e);
}

const struct workload_model workload_trace = {
    .begin = trace_begin,
    .env_fired = trace_env_fired,
    .stop = account,
};
