/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The paper's table: what was published and must hold (expected.csv), beside
 * what was simulated.
 */
#ifndef TESTS_PAPER_VERDICT_H
#define TESTS_PAPER_VERDICT_H

#include "sim/table.h"

struct verdict {
	struct table expected;
	double *simulated; /* by row; NAN: nothing yet */
	bool *told;
	uint32_t n_unknown; /* told, and not in the table */
};

bool verdict_open(struct verdict *verdict, const char *path, struct err *err);
void verdict_close(struct verdict *verdict);

/* What was simulated for the row of these names.  A row that is not there is
 * said on standard error, and makes the whole fail. */
void verdict_tell(struct verdict *verdict, const char *experiment,
    const char *quantity, const char *subject, double simulated);

/* Writes experiment,quantity,subject,published,simulated,low,high,holds. */
void verdict_write_csv(const struct verdict *verdict, FILE *out);

/* The same, for eyes. */
void verdict_print(const struct verdict *verdict, FILE *out);

/* Does every row hold?  One that nothing was told for does not. */
bool verdict_holds(const struct verdict *verdict);

#endif
