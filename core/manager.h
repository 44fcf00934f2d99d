/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The adaptation manager's one step: observe, decide, check, submit.  The
 * caller owns time: the simulator calls manager_step at simulated instants,
 * the live program by its clock, replay for each recorded observation.
 */
#ifndef CORE_MANAGER_H
#define CORE_MANAGER_H

#include "core/backend.h"
#include "core/plan.h"
#include "core/policy.h"

/* Hears every step; any member may be NULL.  Borrows during the call. */
struct manager_listener {
	void *self;
	void (*observed)(void *self, const struct observation *obs);
	void (*planned)(void *self, const struct observation *obs,
	    const struct plan *plan);
	void (*heard)(void *self, const struct outcome *outcome);
};

struct manager_options {
	struct plan_limits limits;
	bool dry_run; /* decide and tell, start nothing */
};

struct manager;

/*
 * Lays a manager out (arena.h): NULL while counting.  Borrows model, policy,
 * values (the policy's parameters) and listener as long as it lives.
 */
struct manager *manager_lay_out(struct arena *arena, const struct model *model,
    const struct policy *policy, const double *values,
    const struct manager_options *options,
    const struct manager_listener *listener);

/* One step over this world.  False when the world is gone. */
bool manager_step(struct manager *manager, const struct backend *backend,
    void *world, struct err *err);

/* The plan of the last step, with what the check refused. */
const struct plan *manager_plan(const struct manager *manager);

/* The last observation. */
const struct observation *manager_observation(const struct manager *manager);

#endif
