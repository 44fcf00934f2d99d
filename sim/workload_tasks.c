/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Closed-loop tasks: every VM thinks, works, thinks, ... from a list, or by
 * distribution without end.
 *
 *	think k      work k (response: from start to end of the work)
 *	|-----------|======|-----------|===| ...
 *
 * No task starts at or after the stop time T: a VM that ends thinking then,
 * or ends a task then, is done.  Tasks that end before T are counted apart.
 * The environment ends when all its VMs are done.
 *
 * Limits: VMs are independent of each other and of the virtual network.
 */
#include <math.h>

#include "sim/environment.h"
#include "sim/memory.h"
#include "sim/workload.h"

static void vm_ends(struct world *w, uint32_t e)
{
	if (--w->envs[e].n_busy == 0)
		environment_end(w, e);
}

static void think(struct world *w, uint32_t v)
{
	struct world_task *task = &w->tasks[v];
	const struct workload *load = world_workload(w, task->env);
	double think_s;

	if (!load->tasks) {
		think_s = stream_draw(&task->stream, &load->think_s);
	} else {
		uint32_t row = workload_column(
		    w, task->env, v, load->tasks->n_vms);

		if (task->next >= load->tasks->first[row + 1]) {
			vm_ends(w, task->env);
			return;
		}
		think_s = load->tasks->think_s[task->next];
	}
	cpu_wake(w, v, world_after(w, think_s));
}

static void tasks_vm_fired(struct world *w, uint32_t v)
{
	struct world_task *task = &w->tasks[v];
	const struct workload *load = world_workload(w, task->env);
	double work_s;

	if (w->now_ns >= load->stop_ns) {
		vm_ends(w, task->env);
		return;
	}
	if (load->tasks)
		work_s = load->tasks->work_s[task->next++];
	else
		work_s = stream_draw(&task->stream, &load->work_s);
	task->began_ns = w->now_ns;
	task->work_s = work_s * w->envs[task->env].work_factor;
	cpu_work(w, v, task->work_s);
}

static void tasks_vm_done(struct world *w, uint32_t v)
{
	struct world_task *task = &w->tasks[v];

	w->metrics.n_tasks++;
	if (w->now_ns >= world_workload(w, task->env)->stop_ns) {
		vm_ends(w, task->env);
		return;
	}
	w->metrics.n_tasks_before_stop++;
	w->metrics.work_before_stop_s += task->work_s;
	w->metrics.response_sum_s += ns_to_s(w->now_ns - task->began_ns);
	think(w, v);
}

static void start_vm(struct world *w, uint32_t e, uint32_t v)
{
	const struct workload *load = world_workload(w, e);
	struct world_task *task = &w->tasks[v];

	task->env = e;
	if (load->tasks)
		task->next = load->tasks->first[workload_column(
		    w, e, v, load->tasks->n_vms)];
	else
		task->stream = stream_of(w->seed, "tasks", v);
	w->cpu_vms[v].workload = WORKLOAD_TASKS;
	cpu_demand(w, v, w->model->vms[v].vcpu_mcpu);
	if (memory_use(w, v, workload_mem_kib(w, v)))
		think(w, v);
}

static void tasks_begin(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];
	uint32_t n_heads = env->n_vms && !world_is_compute(w, env->first_vm);

	w->envs[e].n_busy = env->n_vms - n_heads;
	for (uint32_t i = n_heads; i < env->n_vms; i++) {
		if (w->envs[e].state != ENV_RUNNING)
			return;
		start_vm(w, e, env->first_vm + i);
	}
}

const struct workload_model workload_tasks = {
    .begin = tasks_begin,
    .vm_fired = tasks_vm_fired,
    .vm_done = tasks_vm_done,
};
