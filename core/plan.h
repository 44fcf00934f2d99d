/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan: the ordered actions of one step of the manager, and its check.
 *
 * A policy fills a plan; plan_check then holds every action against the
 * observation, in order, and refuses those that the world could not bear.
 * What is left is valid at every prefix: started in order, and stopped
 * anywhere, it never over-commits memory, never touches a VM in flight, never
 * moves a head VM, and never sends anything to a host that is not up.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/action.h"
#include "core/arena.h"
#include "core/observation.h"

struct plan {
	struct action *actions;
	uint32_t n_actions, max_actions;
	uint32_t n_groups;
};

/* Room for the most that can be asked for at once: for each VM, one move or
 * creation, one memory target, one share of CPU, one destruction. */
void plan_lay_out(
    struct plan *plan, struct arena *arena, const struct model *model);

void plan_clear(struct plan *plan);

/* Appends an action of this kind, all else zero and hosts NO_HOST, and
 * returns it to be filled in.  More than max_actions is a bug. */
struct action *plan_add(
    struct plan *plan, enum action_kind kind, struct vm_id vm);

/* A new group number for actions that start together or not at all. */
uint32_t plan_new_group(struct plan *plan);

/* Limits that an operator sets; 0 means no limit. */
struct plan_limits {
	uint32_t actions_per_period;
	uint32_t migrations_per_env; /* in one period */
};

/* Memory of the check, reused from step to step. */
struct plan_check;

struct plan_check *plan_check_lay_out(
    struct arena *arena, const struct model *model);

/*
 * Sets action->refused on each action (NULL: accepted).  One refused member
 * refuses its whole group.  Returns the number accepted.
 */
uint32_t plan_check(struct plan_check *check, const struct model *model,
    const struct observation *obs, const struct plan_limits *limits,
    struct plan *plan);

#endif
