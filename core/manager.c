/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The adaptation manager's one step; see manager.h. */
#include "core/manager.h"

#include "core/drain.h"

struct manager {
	const struct model *model;
	const struct policy *policy;
	const struct manager_listener *listener;
	struct manager_options options;
	void *state;
	struct drain *drain;
	struct plan_check *check;
	struct observation obs;
	struct plan plan;
};

struct manager *manager_lay_out(struct arena *arena, const struct model *model,
    const struct policy *policy, const double *values,
    const struct manager_options *options,
    const struct manager_listener *listener)
{
	struct manager *m = ARENA_TAKE(arena, 1, struct manager);
	struct manager made = {.model = model,
	    .policy = policy,
	    .listener = listener,
	    .options = *options};

	observation_lay_out(&made.obs, arena, model);
	plan_lay_out(&made.plan, arena, model);
	made.check = plan_check_lay_out(arena, model);
	made.drain = drain_lay_out(arena, model);
	made.state = policy->lay_out(arena, model, values);
	if (m)
		*m = made;
	return m;
}

static void hear_outcomes(
    struct manager *m, const struct backend *backend, void *world)
{
	struct outcome heard[16];
	uint32_t n;

	do {
		n = backend->outcomes(world, heard, 16);
		for (uint32_t i = 0; i < n; i++)
			if (m->listener && m->listener->heard)
				m->listener->heard(
				    m->listener->self, &heard[i]);
	} while (n == 16);
}

bool manager_step(struct manager *m, const struct backend *backend,
    void *world, struct err *err)
{
	const struct manager_listener *l = m->listener;

	hear_outcomes(m, backend, world);
	if (!backend->observe(world, &m->obs, err))
		return false;
	if (l && l->observed)
		l->observed(l->self, &m->obs);
	plan_clear(&m->plan);
	m->policy->decide(m->state, m->model, &m->obs, &m->plan);
	if (!m->policy->drains)
		drain_hosts(m->drain, m->model, &m->obs, &m->plan);
	plan_check(m->check, m->model, &m->obs, &m->options.limits, &m->plan);
	if (l && l->planned)
		l->planned(l->self, &m->obs, &m->plan);
	if (m->options.dry_run)
		return true;
	return backend->start(world, m->obs.sequence, m->plan.actions,
	    m->plan.n_actions, err);
}

const struct plan *manager_plan(const struct manager *m)
{
	return &m->plan;
}

const struct observation *manager_observation(const struct manager *m)
{
	return &m->obs;
}
