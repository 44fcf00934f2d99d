/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Weighted max-min fairness with bounds over many resources, solved anew
 * only where something changed.  The network's flows share links by it
 * (network.h), and blocking bulk-synchronous environments share the CPUs of
 * several hosts at once.  For one resource core/fairshare.h is the same law.
 *
 * Variables
 *	C_r	capacity of resource r, any unit a second; HUGE_VAL: no end
 *	w_i	weight of variable i, > 0
 *	b_i	bound of variable i, >= 0; HUGE_VAL: none; 0: suspended
 *	a_ir	what one unit of i takes of r (its need), > 0
 *	x_i	rate of variable i: the solution
 *
 * Equations
 *	sum over i of a_ir x_i <= C_r	for every r		(feasible)
 *	x_i <= b_i
 *	every i is at its bound, or needs a resource that is full and on
 *	which no other's x_j / w_j is larger			(max-min)
 *
 * There is exactly one such x.  It is found by progressive filling: all
 * levels x_i / w_i rise together; who meets his bound, or a resource that
 * has become full, stays there.
 *
 *	level ^        ________ limited by nothing else than resource 2
 *	      |   ____/________ resource 1 is full
 *	      |__/_____________ bound
 *	      +---------------> filling
 *
 * Source: Bertsekas and Gallager, Data Networks, 2nd ed., 6.5.2; with needs
 * and bounds as in Casanova et al., SimGrid's linear max-min solver.
 *
 * Only the variables and resources connected (by needs) with a change are
 * solved again.  They are taken in the order of their ids, so the rates are,
 * to the last bit, those that solving everything from scratch would give.
 *
 * Limits: a variable has one weight for all its resources; the level is the
 * rate itself over the weight, not the share of a resource.
 *
 * Cost: O(e log e) mostly, e the needs of what is connected with a change.
 */
#ifndef SIM_SHARE_H
#define SIM_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct share;

struct share_need {
	uint32_t resource;
	double amount; /* a_ir, > 0 */
};

#define SHARE_NONE UINT32_MAX

/* Returns new, empty; NULL: out of memory. */
struct share *share_new(void);
void share_free(struct share *share);

/* A resource; they are numbered 0, 1, ...  SHARE_NONE: out of memory. */
uint32_t share_add_resource(struct share *share, double capacity);
void share_set_capacity(
    struct share *share, uint32_t resource, double capacity);

/*
 * Opens a variable; its rate is 0 until solved.  Copies the needs; two needs
 * of one resource add up.  Ids of closed variables are used again, the last
 * closed first.  Memory grows here alone, so that a run in a steady state
 * allocates nothing.  SHARE_NONE: out of memory, and nothing has changed.
 */
uint32_t share_open(struct share *share, double weight, double bound,
    const struct share_need *needs, uint32_t n_needs);
void share_close(struct share *share, uint32_t variable);
void share_set_weight(struct share *share, uint32_t variable, double weight);
void share_set_bound(struct share *share, uint32_t variable, double bound);

/*
 * Solves what changed since the last call.  Returns the open variables whose
 * rate is now another than before (not 0, for new ones), n_changed of them,
 * in rising order; borrowed until the next call of a function that changes.
 */
const uint32_t *share_solve(struct share *share, uint32_t *n_changed);

/* As solved last; HUGE_VAL when neither a bound nor a resource limits it. */
double share_rate(const struct share *share, uint32_t variable);

double share_capacity(const struct share *share, uint32_t resource);
/* Sum of a_ir x_i, as solved last, and by how many open variables. */
double share_used(const struct share *share, uint32_t resource);
uint32_t share_users(const struct share *share, uint32_t resource);

#endif
