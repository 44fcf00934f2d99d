/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPU shares coupled across hosts; see couple.h. */
#include "sim/couple.h"

#include <math.h>
#include <stdlib.h>

#include "sim/share.h"
#include "sim/workload.h"
#include "sim/world.h"

struct couple {
	struct share *share;       /* resource h is host h */
	uint32_t *of_vm;           /* variable of a VM; SHARE_NONE */
	uint32_t *owner;           /* by variable: VM, or n_vms + environment */
	uint32_t max_owners;
	struct share_need *needs;  /* of one environment */
};

struct couple *couple_new(const struct world *w)
{
	struct couple *c = calloc(1, sizeof *c);
	uint32_t n_vms = w->model->n_vms;

	if (!c)
		return NULL;
	c->share = share_new();
	c->of_vm = malloc((n_vms + 1) * sizeof *c->of_vm);
	c->max_owners = n_vms + w->model->n_envs;
	c->owner = calloc(c->max_owners + 1, sizeof *c->owner);
	c->needs = calloc(n_vms + 1, sizeof *c->needs);
	if (!c->share || !c->of_vm || !c->owner || !c->needs) {
		couple_free(c);
		return NULL;
	}
	for (uint32_t h = 0; h < w->model->n_hosts; h++)
		if (share_add_resource(c->share,
		        w->model->hosts[h].cpu_mcpu * 1e-3) == SHARE_NONE) {
			couple_free(c);
			return NULL;
		}
	for (uint32_t v = 0; v < n_vms; v++)
		c->of_vm[v] = SHARE_NONE;
	return c;
}

void couple_free(struct couple *c)
{
	if (!c)
		return;
	share_free(c->share);
	free(c->of_vm);
	free(c->owner);
	free(c->needs);
	free(c);
}

/* Does its environment as a whole stand for it? */
static bool keeps_step(const struct world *w, uint32_t v)
{
	return w->cpu_vms[v].flags & CPU_PACES &&
	       world_workload(w, w->model->vms[v].env.ix)->blocking;
}

static void open_variable(struct world *w, uint32_t *variable, uint32_t owner,
    double weight, double bound, uint32_t n_needs)
{
	struct couple *c = w->couple;

	*variable = share_open(c->share, weight, bound, c->needs, n_needs);
	if (*variable == SHARE_NONE)
		abort();
	c->owner[*variable] = owner;
}

void couple_drop_vm(struct world *w, uint32_t v)
{
	struct couple *c = w->couple;

	if (!c || c->of_vm[v] == SHARE_NONE)
		return;
	share_close(c->share, c->of_vm[v]);
	c->of_vm[v] = SHARE_NONE;
}

static void sync_vm(struct world *w, uint32_t v)
{
	struct couple *c = w->couple;
	const struct cpu_vm *vm = &w->cpu_vms[v];
	double bound = vm->bound_mcpu * 1e-3;

	if (keeps_step(w, v))
		return;
	if (c->of_vm[v] == SHARE_NONE) {
		c->needs[0] = (struct share_need){vm->host, 1};
		open_variable(w, &c->of_vm[v], v, vm->weight, bound, 1);
	}
	share_set_weight(c->share, c->of_vm[v], vm->weight);
	share_set_bound(c->share, c->of_vm[v], bound);
}

static void sync_host(struct world *w, uint32_t h)
{
	const struct cpu_host *host = &w->cpu_hosts[h];

	cpu_prune_host(w, h);
	for (uint32_t i = 0; i < host->n_eager; i++) {
		uint32_t v = host->vms[i];

		sync_vm(w, v);
		if (keeps_step(w, v))
			world_touch_env(w, w->model->vms[v].env.ix);
	}
}

/* The needs, weight and bound of an environment that keeps step; false: it
 * does not run now. */
static bool gather(struct world *w, uint32_t e, double *weight, double *bound,
    uint32_t *n_needs)
{
	const struct environment *env = &w->model->envs[e];

	*weight = (double)INFINITY;
	*bound = (double)INFINITY;
	*n_needs = 0;
	for (uint32_t i = 0; i < env->n_vms; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[env->first_vm + i];

		if (!world_is_compute(w, env->first_vm + i))
			continue;
		if (!(vm->flags & CPU_PACES) || !cpu_is_active(vm) ||
		    vm->host == ID_NONE)
			return false;
		*weight = fmin(*weight, vm->weight * vm->speed);
		*bound = fmin(*bound, vm->bound_mcpu * 1e-3 * vm->speed);
		w->couple->needs[(*n_needs)++] =
		    (struct share_need){vm->host, 1 / vm->speed};
	}
	if (*n_needs)
		*bound = workload_stage_pace(w, e, *bound);
	return *n_needs && *bound > 0 && !w->envs[e].stalled;
}

static void set_env_rates(struct world *w, uint32_t e, double pace)
{
	const struct environment *env = &w->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (world_is_compute(w, v))
			cpu_set_rate(w, v, pace / w->cpu_vms[v].speed);
	}
}

/* Opens it anew: its VMs' hosts, speeds or weights may be others. */
static void sync_env(struct world *w, uint32_t e)
{
	struct world_env *env = &w->envs[e];
	double weight, bound;
	uint32_t n_needs;

	if (!world_workload(w, e)->blocking)
		return;
	if (env->coupled != SHARE_NONE)
		share_close(w->couple->share, env->coupled);
	env->coupled = SHARE_NONE;
	if (gather(w, e, &weight, &bound, &n_needs))
		open_variable(w, &env->coupled, w->model->n_vms + e, weight,
		    bound, n_needs);
	else if (env->state == ENV_RUNNING)
		set_env_rates(w, e, 0);
}

static void touch_env_hosts(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++)
		cpu_touch_host(w, w->cpu_vms[env->first_vm + i].host);
}

void couple_set_host(struct world *w, uint32_t h)
{
	share_set_capacity(
	    w->couple->share, h, w->cpu_hosts[h].cpu_mcpu * 1e-3);
}

void couple_settle(struct world *w)
{
	struct couple *c = w->couple;
	const uint32_t *changed;
	uint32_t n;

	for (uint32_t i = 0; i < w->n_dirty_hosts; i++)
		sync_host(w, w->dirty_hosts[i]);
	for (uint32_t i = 0; i < w->n_dirty_envs; i++) {
		sync_env(w, w->dirty_envs[i]);
		touch_env_hosts(w, w->dirty_envs[i]);
	}
	changed = share_solve(c->share, &n);
	for (uint32_t i = 0; i < n; i++) {
		double rate = share_rate(c->share, changed[i]);
		uint32_t owner = c->owner[changed[i]];

		if (owner < w->model->n_vms) {
			cpu_set_rate(w, owner, rate);
			cpu_touch_host(w, w->cpu_vms[owner].host);
		} else {
			set_env_rates(w, owner - w->model->n_vms, rate);
			touch_env_hosts(w, owner - w->model->n_vms);
		}
	}
	for (uint32_t i = 0; i < w->n_dirty_hosts; i++)
		cpu_finish_host(w, w->dirty_hosts[i]);
	w->n_dirty_hosts = 0;
}
