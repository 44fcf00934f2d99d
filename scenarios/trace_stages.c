/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stages of a bulk-synchronous application as CSV; see trace.h. */
#include "scenarios/trace.h"

#include <stdlib.h>

#include "scenarios/csv.h"
#include "scenarios/quantity.h"

enum { N_COLUMNS = 5 + 2 * N_WORKING_SETS };

/* One a member of struct stage, in its units. */
static const char *const stage_columns[N_COLUMNS + 1] = {"work_s",
    "demand_mcpu", "iterations", "exchange_bytes", "mem_used_kib",
    "fraction_1", "dirty_1_bps", "fraction_2", "dirty_2_bps", "fraction_3",
    "dirty_3_bps"};

static const struct {
	double least, most;
} bounds[N_COLUMNS] = {{0, 1e9}, {1, 1e9}, {1, 1e12}, {0, 1e18}, {0, 0x1p40},
    {0, 1}, {0, 1e15}, {0, 1}, {0, 1e15}, {0, 1}, {0, 1e15}};

struct stages {
	struct stage *stages;
	uint32_t n, max;
};

static bool take_stage(void *self, const struct csv_row *row, struct err *err)
{
	struct stages *s = self;
	struct stage *stage;
	double x[N_COLUMNS];

	if (row->index == 0)
		return csv_is_header(row, stage_columns, err);
	if (!csv_has_cells(row, N_COLUMNS, err))
		return false;
	for (uint32_t i = 0; i < N_COLUMNS; i++)
		if (!csv_number(row, i, stage_columns[i], bounds[i].least,
			bounds[i].most, &x[i], err))
			return false;
	if (s->n == s->max) {
		s->max = s->max ? 2 * s->max : 16;
		s->stages =
		    reallocarray(s->stages, s->max, sizeof *s->stages);
		if (!s->stages)
			abort();
	}
	stage = &s->stages[s->n++];
	*stage = (struct stage){.work_s = x[0], .demand_mcpu = x[1],
	    .iterations = x[2], .exchange_bytes = x[3],
	    .mem_used_kib = (uint64_t)x[4]};
	for (int i = 0; i < N_WORKING_SETS; i++)
		stage->sets[i] =
		    (struct working_set){x[5 + 2 * i], x[6 + 2 * i]};
	return true;
}

struct stage *trace_read_stages(struct pool *pool, const char *path,
    uint32_t *n_stages, struct err *err)
{
	struct stages s = {0};
	struct stage *stages = NULL;

	if (csv_read_file(path, ',', take_stage, &s, err)) {
		stages = POOL_TAKE(pool, s.n, struct stage);
		for (uint32_t i = 0; i < s.n; i++)
			stages[i] = s.stages[i];
		*n_stages = s.n;
		if (!s.n) {
			stages = NULL;
			err_set(err, "%s:2:1: no row below the header", path);
		}
	}
	free(s.stages);
	return stages;
}

void trace_write_stages(
    const struct stage *stages, uint32_t n_stages, FILE *out)
{
	char text[QUANTITY_TEXT_MAX];

	for (int i = 0; i < N_COLUMNS; i++)
		fprintf(out, "%s%s", i ? "," : "", stage_columns[i]);
	for (uint32_t i = 0; i < n_stages; i++) {
		const struct stage *s = &stages[i];
		double x[N_COLUMNS] = {s->work_s, s->demand_mcpu,
		    s->iterations, s->exchange_bytes,
		    (double)s->mem_used_kib};

		for (int k = 0; k < N_WORKING_SETS; k++) {
			x[5 + 2 * k] = s->sets[k].fraction;
			x[6 + 2 * k] = s->sets[k].dirty_bps;
		}
		for (int k = 0; k < N_COLUMNS; k++)
			fprintf(out, "%s%s", k ? "," : "\n",
			    quantity_print_number(text, x[k]));
	}
	putc('\n', out);
}
