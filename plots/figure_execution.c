/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The execution time of each environment under each policy, average and
 * overall: the paper's figures 4 and 6.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/figures.h"
#include "plots/plot.h"
#include "sim/outdir.h"

enum { MAX_POLICIES = 7 };

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

/* In whole percents, with a minus sign and not a hyphen. */
static void change_text(char *text, size_t size, double ratio)
{
	double percent = round(100 * (ratio - 1));

	snprintf(text, size, "%s%.0f %%",
	    percent > 0   ? "+"
	    : percent < 0 ? "\u2212"
	                  : "",
	    fabs(percent));
}

/* A row: a name, then for each policy its bar's middle, left, right and
 * height, and what stands over it: the time, or its change. */
static void put_row(FILE *out, const struct table *t, uint32_t row, uint32_t n)
{
	const double width = 0.8 / n;

	/* The last two, average and overall, stand apart. */
	fprintf(out, "%.2f ", row + (row + 2 >= t->n_rows ? 0.5 : 0));
	plot_put_text(out, table_text(t, row, 0));
	for (uint32_t k = 0; k < n; k++) {
		double x =
		    row + (row + 2 >= t->n_rows ? 0.5 : 0) - 0.4 + width * k;
		double time_s = table_number(t, row, (int)(1 + k));
		double ratio =
		    k ? table_number(t, row, (int)(n + k)) : (double)NAN;
		char over[40] = "";

		if (isfinite(ratio))
			change_text(over, sizeof over, ratio);
		fprintf(out, " %.4f %.4f %.4f %.3f \"%s\"", x + width / 2,
		    x + 0.02, x + width - 0.02, isfinite(time_s) ? time_s : 0,
		    isfinite(time_s) ? over : "none");
	}
	putc('\n', out);
}

static void put_settings(FILE *out, const struct table *t, uint32_t n)
{
	double highest = 0;

	for (uint32_t row = 0; row < t->n_rows; row++)
		for (uint32_t k = 0; k < n; k++)
			if (table_number(t, row, (int)(1 + k)) > highest)
				highest = table_number(t, row, (int)(1 + k));
	fprintf(out, "n = %u\nn_rows = %u\nhighest = %.3f\narray policy[%u]\n",
	    n, t->n_rows, highest, n);
	for (uint32_t k = 0; k < n; k++) {
		const char *name = t->cells[1 + k];

		fprintf(out, "policy[%u] = '%.*s'\n", k + 1,
		    (int)strlen(name) - 2, name);
	}
}

bool figure_execution(struct figure *figure, struct err *err)
{
	enum { MAX_ROWS = 40 };
	static const char *const columns[] = {"environment", NULL};
	struct table t;
	char *settings = NULL;
	size_t size;
	uint32_t n = 0;
	int c;
	FILE *out;
	bool ok;

	if (!figure_read(&t, figure->run, "comparison.csv", columns, &c, err))
		return false;
	while (1 + n < t.n_columns && n < MAX_POLICIES &&
	       ends_with(t.cells[1 + n], "_s"))
		n++;
	out = n && t.n_rows <= MAX_ROWS
	          ? plot_data(figure->folder, "execution", err)
	          : NULL;
	ok = out || !n || t.n_rows > MAX_ROWS;
	if (out) {
		for (uint32_t row = 0; row < t.n_rows; row++)
			put_row(out, &t, row, n);
		ok = outdir_finish(out, figure->folder, "execution.dat", err);
		out = open_memstream(&settings, &size);
		put_settings(out, &t, n);
		fclose(out);
		ok = ok && plot_draw(figure->folder, "execution", "execution",
		               settings, err);
		free(settings);
		figure->n_drawn += ok;
	}
	table_fini(&t);
	return ok;
}
