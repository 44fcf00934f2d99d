/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A backend: a world that the core can run.  This is the seam between the
 * core and its worlds, all of it.  The simulator implements it over simulated
 * hosts, the live manager over monitoring daemons on real ones; the core, and
 * so every policy, cannot tell which.
 *
 * Data flows one way: facts come as observations, wishes go as actions.
 * Starting an action returns at once; what became of it is told by
 * `outcomes`, and its effect is seen in a later observation.  All calls come
 * from one thread, in the order observe, start..., outcomes.
 */
#ifndef CORE_BACKEND_H
#define CORE_BACKEND_H

#include "core/action.h"
#include "core/err.h"
#include "core/observation.h"

/* Names an action for its life: the step's sequence and the place in it. */
struct ticket {
	uint64_t sequence;
	uint32_t action;
};

enum outcome_kind {
	OUTCOME_DONE,
	OUTCOME_REFUSED, /* the world did not start it */
	OUTCOME_FAILED,  /* it started, and did not succeed; the VM is where
	                    the next observation says */
	N_OUTCOME_KINDS
};

enum { OUTCOME_TEXT_MAX = 80 };

struct outcome {
	struct ticket ticket;
	enum outcome_kind kind;
	int64_t at_ns;
	char text[OUTCOME_TEXT_MAX]; /* why, if not done; "" else */
};

struct backend {
	const char *name; /* "sim", "xen" */
	/*
	 * Fills *obs, whose arrays are the caller's, for every id of the
	 * model.  Does not wait: what is not known by now is told as stale.
	 * False only when the world itself is gone.
	 */
	bool (*observe)(void *world, struct observation *obs, struct err *err);
	/*
	 * Starts a plan's accepted actions (refused == NULL) in their order.
	 * An action that cannot start becomes an OUTCOME_REFUSED, and with it
	 * those of its group; the others start all the same.  Borrows the
	 * actions during the call.
	 */
	bool (*start)(void *world, uint64_t sequence,
	    const struct action *actions, uint32_t n_actions, struct err *err);
	/*
	 * Takes at most max outcomes that came since the last call, oldest
	 * first; returns how many.  The caller asks until it gets fewer.
	 */
	uint32_t (*outcomes)(
	    void *world, struct outcome *outcomes, uint32_t max);
};

#endif
