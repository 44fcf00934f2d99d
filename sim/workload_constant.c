/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Constant utilisation: every VM wants the same CPU until the duration is
 * over.  What it wants and does not get is lost, not made up for later, and
 * summed up as unserved.
 */
#include <math.h>

#include "sim/environment.h"
#include "sim/memory.h"
#include "sim/workload.h"

static void constant_begin(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];
	const struct workload *load = world_workload(w, e);

	if (load->duration_ns != TIME_NEVER)
		world_set_timer(
		    w, TIMER_ENV_WORK, e, w->now_ns + load->duration_ns);
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (!world_is_compute(w, v))
			continue;
		w->cpu_vms[v].workload = WORKLOAD_CONSTANT;
		w->vms[v].level_used_s = cpu_vm_used_s(w, v);
		cpu_demand(w, v, load->demand_mcpu);
		cpu_work(w, v, WORK_ENDLESS);
		if (!memory_use(w, v, workload_mem_kib(w, v)))
			return;
	}
}

static void constant_stop(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];
	double lasted_s = ns_to_s(w->now_ns - w->envs[e].start_ns);

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;
		double wanted_s =
		    lasted_s * fmin(world_workload(w, e)->demand_mcpu,
		                   w->model->vms[v].vcpu_mcpu) * 1e-3;

		if (w->cpu_vms[v].workload != WORKLOAD_CONSTANT)
			continue;
		w->metrics.demand_s += wanted_s;
		w->metrics.unserved_s += wanted_s -
		                         (cpu_vm_used_s(w, v) -
		                             w->vms[v].level_used_s);
	}
}

const struct workload_model workload_constant = {
    .begin = constant_begin,
    .env_fired = environment_end,
    .stop = constant_stop,
};
