/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A policy that does anything, by a seed, and holds every observation to what
 * core/observation.h promises; for tests of worlds. */
#ifndef TESTS_PROP_WHIM_H
#define TESTS_PROP_WHIM_H

#include <check.h>

#include "core/policy.h"

struct whim {
	uint64_t random;
};

static uint64_t whim_draw(struct whim *whim, uint64_t n)
{
	whim->random ^= whim->random << 13;
	whim->random ^= whim->random >> 7;
	whim->random ^= whim->random << 17;
	return whim->random % n;
}

static uint64_t whim_seed;

static void *whim_lay_out(struct arena *arena, const struct model *model,
    const double *values)
{
	struct whim *whim = ARENA_TAKE(arena, 1, struct whim);

	(void)model;
	(void)values;
	if (whim)
		whim->random = whim_seed | 1;
	return whim;
}

static void plan_env(struct whim *whim, const struct model *m,
    const struct environment *env, struct plan *plan)
{
	uint32_t group = plan_new_group(plan);

	for (uint32_t i = 0; i < env->n_vms; i++) {
		struct vm_id v = {env->first_vm + i};
		struct action *a = plan_add(plan, ACTION_CREATE, v);

		a->to.ix = (uint32_t)whim_draw(whim, m->n_hosts);
		a->mem_kib = m->vms[v.ix].mem_kib;
		a->weight = 100 + (uint32_t)whim_draw(whim, 300);
		a->group = group;
		a->reason.text = "a whim";
	}
}

static void plan_vm(struct whim *whim, const struct model *m,
    const struct observation *obs, uint32_t v, struct plan *plan)
{
	static const enum action_kind kinds[] = {
	    ACTION_MIGRATE, ACTION_MIGRATE, ACTION_SET_CPU, ACTION_SET_MEM};
	uint64_t draw = whim_draw(whim, 16);
	struct action *a;

	if (draw >= 4 || host_none(obs->vms[v].host))
		return;
	a = plan_add(plan, kinds[draw], (struct vm_id){v});
	a->from = obs->vms[v].host;
	a->to.ix = (uint32_t)whim_draw(whim, m->n_hosts);
	a->weight = 1 + (uint32_t)whim_draw(whim, 1000);
	a->mem_kib = m->vms[v].mem_min_kib +
	    whim_draw(whim, m->vms[v].mem_kib - m->vms[v].mem_min_kib + 1);
	a->reason.text = "a whim";
}

/* What core/observation.h promises of hosts. */
static bool is_sound(
    const struct model *m, const struct vm_observation *vm)
{
	bool moves = vm->state == VM_MIGRATING;

	if (vm_is_placed(vm) != (vm->host.ix < m->n_hosts))
		return false;
	return moves ? vm->target.ix < m->n_hosts &&
		    vm->target.ix != vm->host.ix
		     : host_none(vm->target);
}

static void whim_decide(void *state, const struct model *m,
    const struct observation *obs, struct plan *plan)
{
	for (uint32_t v = 0; v < m->n_vms; v++)
		ck_assert_msg(is_sound(m, &obs->vms[v]), "%s: %s on %u to %u",
		    m->vms[v].name, vm_state_name(obs->vms[v].state),
		    obs->vms[v].host.ix, obs->vms[v].target.ix);
	for (uint32_t e = 0; e < m->n_envs; e++)
		if (obs->envs[e].state == ENV_QUEUED)
			plan_env(state, m, &m->envs[e], plan);
	for (uint32_t v = 0; v < m->n_vms; v++)
		plan_vm(state, m, obs, v, plan);
}

static const struct policy whim_policy = {.abi = POLICY_ABI,
    .name = "whim",
    .lay_out = whim_lay_out,
    .decide = whim_decide};

#endif
