/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy: what turns an observation into a plan.  One file, one constant of
 * type struct policy.  A policy of your own needs no change to this tree:
 * compile it to a shared object that defines
 *
 *	const struct policy violin_policy = {.abi = POLICY_ABI, ...};
 *
 * and give it to any command: `violin run --policy ./mine.so FILE`.
 *
 * A policy is pure: it reads the view, its parameters and its own state, and
 * writes its state and the plan.  It has no clock, no globals, no I/O and no
 * random numbers, and allocates nothing while deciding.  The same sequence
 * of observations gives the same sequence of plans; replay relies on it.
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "core/arena.h"
#include "core/model.h"
#include "core/observation.h"
#include "core/plan.h"

#define POLICY_ABI 2u

/* What a parameter measures: how a scenario file writes it. */
enum quantity {
	QUANTITY_NUMBER, /* "3", "0.78" */
	QUANTITY_TIME,   /* "10 s"; the value is in seconds */
	QUANTITY_CPU,    /* "0.5 cpu", "20 mcpu"; in CPUs */
	QUANTITY_MEMORY, /* "32 MiB"; in KiB */
	QUANTITY_SWITCH, /* "yes", "no"; 1 or 0 */
};

struct param {
	const char *name; /* the key in the scenario file, such as "cpu-low" */
	enum quantity quantity;
	double initial, min, max;
	const char *help; /* one line */
};

struct policy {
	uint32_t abi;        /* POLICY_ABI */
	const char *name;    /* "violin" */
	const char *summary; /* one line for `violin policies` */
	const struct param *params;
	uint32_t n_params;
	/*
	 * Takes the state for this model from the arena and returns it.
	 * Called twice, first to count (arena.h): then nothing may be written
	 * and NULL is returned.  values has n_params numbers, kept by the
	 * caller as long as the state.
	 */
	void *(*lay_out)(struct arena *arena, const struct model *model,
	    const double *values);
	/* Fills the plan, which is empty, from what is observed now. */
	void (*decide)(void *state, const struct model *model,
	    const struct observation *obs, struct plan *plan);
	/* Not 0: it empties hosts that are draining, by rules of its own.
	 * Else the manager does (drain.h). */
	uint32_t drains;
};

/* The policies that are built in, ended by NULL. */
extern const struct policy *const policies[];

extern const struct policy policy_none;      /* place, then never change */
extern const struct policy policy_violin;    /* the paper's heuristic */
extern const struct policy policy_sandpiper; /* hot spots (NSDI 2007) */
extern const struct policy policy_drs;       /* load balance (VMware DRS) */

/* The built-in policy of this name, or NULL. */
const struct policy *policy_find(const char *name);

/* The index of a parameter, or -1. */
int policy_find_param(const struct policy *policy, const char *name);

#endif
