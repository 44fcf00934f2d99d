/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The same scenario under several policies, side by side: the execution time
 * of each environment, and its ratio to that under the first policy.
 *
 * Two rows more: `average` is the mean over the environments that are done
 * under every policy, so that its ratio is the ratio of the mean times;
 * `overall` is the time from the first start to the last end.
 */
#ifndef SIM_COMPARISON_H
#define SIM_COMPARISON_H

#include <stdio.h>

#include "sim/results.h"

enum { COMPARISON_MAX = 16 };

struct comparison {
	const struct results *results[COMPARISON_MAX]; /* of one scenario */
	uint32_t n;
};

/* Rows: one an environment, then these. */
uint32_t comparison_average(const struct comparison *c);
uint32_t comparison_overall(const struct comparison *c);

const char *comparison_row_name(const struct comparison *c, uint32_t row);

/* The time of a row under policy k; NAN where there is none. */
double comparison_time_s(const struct comparison *c, uint32_t row, uint32_t k);

/* That over the time under policy 0. */
double comparison_ratio(const struct comparison *c, uint32_t row, uint32_t k);

/* environment,P_s,...,P_ratio,...: the times, then the ratios of all but the
 * first. */
void comparison_write_csv(const struct comparison *c, FILE *out);
void comparison_print(const struct comparison *c, FILE *out);
void comparison_print_json(const struct comparison *c, FILE *out);

#endif
