/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a sweep: what its rows are, and which are there. */
#ifndef SIM_SWEEP_ROWS_H
#define SIM_SWEEP_ROWS_H

#include "sim/results.h"
#include "sim/sweep.h"

/* One run of a sweep. */
struct sweep_point {
	uint64_t run, seed;
	const char *policy;
	const char *value[SWEEP_MAX_VARIED];
};

void sweep_put_row(const struct sweep *sweep, const struct sweep_point *point,
    const struct results *results, FILE *out);

/* Makes runs.csv, or finds the rows of an earlier time in it, cutting off one
 * that was not completed.  False when it is of another sweep. */
bool sweep_begin_rows(struct sweep *sweep, struct err *err);

/* Fills sweep->done from runs.csv. */
bool sweep_find_done(struct sweep *sweep, struct err *err);

#endif
