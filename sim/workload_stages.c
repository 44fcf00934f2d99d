/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bulk-synchronous application: stages of iterations, each of compute and
 * then exchange; no VM begins one before all have ended the last.
 *
 * Variables, of one stage
 *	W	work of one iteration for each VM, CPU seconds
 *	c_i	work that VM i can do a second: its CPUs times its speed
 *	X	time of the exchange (network.h), s
 *	p	pace: work that each VM does a second, on average
 *
 * Equations
 *	T = W / min_i c_i + X		the slowest VM paces all
 *	p = W / T
 *	p = 0 while a VM is suspended or the virtual network is cut
 *	c -> (1 - s) c while the network lingers (vnet_setup.linger_slowdown)
 *
 * A VM that waits polls, and so uses all the CPU it gets; or it blocks, and
 * its CPU goes to others: then c_i is found in couple.h.
 *
 * Source: Valiant, A bridging model for parallel computation (1990).
 * Limits: an iteration is not followed in time, only its mean pace.
 */
#include <math.h>

#include "sim/environment.h"
#include "sim/memory.h"
#include "sim/workload.h"

static const struct stage *stage_of(const struct world *w, uint32_t e)
{
	return &world_workload(w, e)->stages[w->envs[e].stage];
}

static void advance(struct world *w, uint32_t e)
{
	struct world_env *env = &w->envs[e];

	env->left_s -= env->pace * ns_to_s(w->now_ns - env->last_ns);
	env->last_ns = w->now_ns;
}

/* What the slowest VM can do; with `blocking` that is their common pace. */
static double slowest(const struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];
	double least = (double)INFINITY;

	for (uint32_t i = 0; i < env->n_vms; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[env->first_vm + i];

		if (world_is_compute(w, env->first_vm + i))
			least = fmin(least, vm->rate * vm->speed);
	}
	return least;
}

double workload_stage_pace(
    const struct world *w, uint32_t e, double slowest_work)
{
	const struct stage *stage = stage_of(w, e);
	double work = stage->work_s * w->envs[e].work_factor /
	              fmax(1, stage->iterations);

	if (slowest_work <= 0 || !isfinite(w->envs[e].exchange_s))
		return 0;
	if (w->envs[e].lingers)
		slowest_work *= 1 - w->scenario->vnet.linger_slowdown;
	if (work <= 0)
		return slowest_work;
	return work / (work / slowest_work + w->envs[e].exchange_s);
}

static double find_pace(const struct world *w, uint32_t e)
{
	const struct world_env *env = &w->envs[e];
	double pace = slowest(w, e);

	if (env->stalled)
		return 0;
	if (world_workload(w, e)->blocking)
		return pace;
	return workload_stage_pace(w, e, pace);
}

static void stages_pace(struct world *w, uint32_t e)
{
	struct world_env *env = &w->envs[e];
	double pace = find_pace(w, e);

	advance(w, e);
	env->pace = pace;
	if (pace > 0)
		world_set_timer(w, TIMER_ENV_WORK, e,
		    world_after(w, fmax(0, env->left_s) / pace));
	else
		world_cancel_timer(w, TIMER_ENV_WORK, e);
}

/* Starts the stage that env->stage names. */
static void start_stage(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];
	const struct stage *stage = stage_of(w, e);

	w->envs[e].left_s = stage->work_s * w->envs[e].work_factor;
	w->envs[e].last_ns = w->now_ns;
	w->envs[e].pace = 0;
	w->envs[e].spread_changed = true;
	world_touch_env(w, e);
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (!world_is_compute(w, v))
			continue;
		w->cpu_vms[v].workload = WORKLOAD_STAGES;
		w->cpu_vms[v].flags |= CPU_PACES;
		cpu_demand(w, v, stage->demand_mcpu);
		cpu_work(w, v, WORK_ENDLESS);
		if (!memory_use(w, v, stage->mem_used_kib))
			return;
	}
}

static void stages_begin(struct world *w, uint32_t e)
{
	w->envs[e].stage = 0;
	start_stage(w, e);
}

static void stages_env_fired(struct world *w, uint32_t e)
{
	if (w->envs[e].stage + 1 == world_workload(w, e)->n_stages) {
		environment_end(w, e);
		return;
	}
	w->envs[e].stage++;
	start_stage(w, e);
}

static void stages_stop(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];

	advance(w, e);
	w->envs[e].pace = 0;
	world_touch_env(w, e);
	for (uint32_t i = 0; i < env->n_vms; i++)
		w->cpu_vms[env->first_vm + i].flags &= (uint8_t)~CPU_PACES;
}

const struct workload_model workload_stages = {
    .begin = stages_begin,
    .env_fired = stages_env_fired,
    .pace = stages_pace,
    .stop = stages_stop,
};
