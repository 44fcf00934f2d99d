/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sweep: one scenario for every policy, every combination of varied values
 * and every seed, over as many processes as one likes.  One row a run is
 * appended to runs.csv as it ends; a sweep that was interrupted goes on where
 * it stopped, and one that is complete has its rows in the order of the runs
 * and a summary.csv with means and their 95 % confidence intervals.
 */
#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

#include <stdio.h>

#include "core/err.h"
#include "sim/opts.h"

enum { SWEEP_MAX_VARIED = 8, SWEEP_MAX_VALUES = 64 };

/* A key of the scenario, and the values that it is given in turn. */
struct sweep_varied {
	char *key; /* its own memory, which the values are in, too */
	const char *values[SWEEP_MAX_VALUES];
	uint32_t n;
};

struct sweep {
	const char *scenario; /* path */
	const char *folder;
	const struct opt_list *sets;
	const char *policies[OPT_LIST_MAX];
	uint32_t n_policies;
	struct sweep_varied varied[SWEEP_MAX_VARIED];
	uint32_t n_varied;
	uint64_t first_seed, n_seeds;
	uint64_t part, n_parts; /* only runs part, part + n_parts, ... */
	uint64_t n_jobs;
	/* its own */
	uint64_t n_runs;
	char *done; /* by run: 1 if its row is there */
};

/* Takes "key=value,value,..." in. */
bool sweep_vary(struct sweep *sweep, const char *text, struct err *err);

/* Is the scenario right with each of the values?  Every value is tried once,
 * beside the first of the other keys. */
bool sweep_check(const struct sweep *sweep, struct err *err);

/*
 * Runs what is not yet in the folder, which is made if need be.  False with
 * err when the folder holds another sweep, or a run failed; what was
 * completed stays.
 */
bool sweep_run(struct sweep *sweep, struct err *err);

/* Is every run there, not only those of this part? */
bool sweep_is_complete(const struct sweep *sweep);

/* Orders runs.csv and writes summary.csv; prints the latter to out. */
bool sweep_summarise(const struct sweep *sweep, FILE *out, struct err *err);

void sweep_fini(struct sweep *sweep);

#endif
