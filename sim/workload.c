/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of workloads, and what they have in common; see workload.h. */
#include "sim/workload.h"

static const struct workload_model workload_idle;

const struct workload_model *workload_model(uint32_t kind)
{
	static const struct workload_model *const models[] = {
	    [WORKLOAD_IDLE] = &workload_idle,
	    [WORKLOAD_STAGES] = &workload_stages,
	    [WORKLOAD_CONSTANT] = &workload_constant,
	    [WORKLOAD_TRACE] = &workload_trace,
	    [WORKLOAD_TASKS] = &workload_tasks,
	};

	return models[kind];
}

void workload_vm_done(struct world *w, uint32_t v)
{
	const struct workload_model *model =
	    workload_model(w->cpu_vms[v].workload);

	if (model->vm_done)
		model->vm_done(w, v);
}

uint64_t workload_mem_kib(const struct world *w, uint32_t v)
{
	const struct vm *vm = &w->model->vms[v];
	const struct workload *load = world_workload(w, vm->env.ix);

	return load->mem_used_kib ? load->mem_used_kib : vm->mem_kib * 6 / 10;
}

const struct working_set *workload_sets(const struct world *w, uint32_t v)
{
	static const struct working_set none[N_WORKING_SETS];
	uint32_t e = w->model->vms[v].env.ix;
	const struct workload *load = world_workload(w, e);

	if (!world_is_compute(w, v) || w->envs[e].start_ns < 0 ||
	    w->envs[e].state != ENV_RUNNING)
		return none;
	if (load->kind == WORKLOAD_STAGES)
		return load->stages[w->envs[e].stage].sets;
	return load->sets;
}
