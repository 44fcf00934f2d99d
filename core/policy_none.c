/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy `none`: place what is asked for, then never change anything, but
 * for hosts that are drained, which the manager empties (drain.h).
 * The baseline of every comparison: the same placement as all other policies
 * (place.h), Xen's equal weights without caps, which conserve work.
 */
#include "core/place.h"
#include "core/policy.h"

enum { P_BUSY, N_PARAMS };

static const struct param params[N_PARAMS] = {
    [P_BUSY] = {"busy", QUANTITY_CPU, 0.05, 0, 1e6,
        "a VM that uses this much counts as busy when placing others"},
};

struct none {
	const double *values;
	struct want *want; /* what a VM is created for: all its vCPUs */
	struct tables tables;
	struct placer placer;
};

static void *none_lay_out(
    struct arena *arena, const struct model *model, const double *values)
{
	struct none *s = ARENA_TAKE(arena, 1, struct none);
	struct none made = {.values = values};

	made.want = ARENA_TAKE(arena, model->n_vms, struct want);
	tables_lay_out(&made.tables, arena, model);
	placer_lay_out(&made.placer, arena, model);
	if (!s)
		return NULL;
	*s = made;
	for (uint32_t v = 0; v < model->n_vms; v++)
		s->want[v].cpu_mcpu = model->vms[v].vcpu_mcpu;
	return s;
}

static void none_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	struct none *s = state;
	bool asked = false;

	for (uint32_t e = 0; e < model->n_envs && !asked; e++)
		asked = obs->envs[e].state == ENV_QUEUED;
	if (!asked)
		return;
	tables_fill(&s->tables, model, obs, s->want);
	place_queued(&s->placer, model, obs,
	    (uint32_t)(s->values[P_BUSY] * MCPU_PER_CPU), s->want, &s->tables,
	    plan);
}

const struct policy policy_none = {
    .abi = POLICY_ABI,
    .name = "none",
    .summary = "place, then never change anything",
    .params = params,
    .n_params = N_PARAMS,
    .lay_out = none_lay_out,
    .decide = none_decide,
};
