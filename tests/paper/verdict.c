/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Published beside simulated; see verdict.h. */
#include "tests/paper/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXPERIMENT, QUANTITY, SUBJECT, PUBLISHED, LOW, HIGH, N_COLUMNS };

bool verdict_open(struct verdict *v, const char *path, struct err *err)
{
	*v = (struct verdict){0};
	if (!table_read(&v->expected, path, err))
		return false;
	v->simulated = calloc(v->expected.n_rows + 1, sizeof *v->simulated);
	v->told = calloc(v->expected.n_rows + 1, sizeof *v->told);
	if (v->expected.n_columns != N_COLUMNS || !v->simulated || !v->told)
		return err_set(err, "%s: not %d columns", path, N_COLUMNS);
	return true;
}

void verdict_close(struct verdict *v)
{
	table_fini(&v->expected);
	free(v->simulated);
	free(v->told);
}

void verdict_tell(struct verdict *v, const char *experiment,
    const char *quantity, const char *subject, double simulated)
{
	for (uint32_t i = 0; i < v->expected.n_rows; i++) {
		if (strcmp(table_text(&v->expected, i, EXPERIMENT),
		        experiment) != 0 ||
		    strcmp(table_text(&v->expected, i, QUANTITY), quantity) !=
		        0 ||
		    strcmp(table_text(&v->expected, i, SUBJECT), subject) != 0)
			continue;
		v->simulated[i] = simulated;
		v->told[i] = true;
		return;
	}
	fprintf(stderr, "reproduce: no row for %s, %s, %s\n", experiment,
	    quantity, subject);
	v->n_unknown++;
}

/* A row without bounds is only shown. */
static bool is_bound(const struct verdict *v, uint32_t row)
{
	return *table_text(&v->expected, row, LOW) ||
	       *table_text(&v->expected, row, HIGH);
}

static bool row_holds(const struct verdict *v, uint32_t row)
{
	double low = table_number(&v->expected, row, LOW);
	double high = table_number(&v->expected, row, HIGH);
	double simulated = v->simulated[row];

	/* An empty bound is NAN, which nothing is less or greater than. */
	return v->told[row] && !isnan(simulated) && !(simulated < low) &&
	       !(simulated > high);
}

/* Yes and no are 1 and 0 in rows that say what was published so. */
static void simulated_text(
    const struct verdict *v, uint32_t row, char *text, size_t size)
{
	const char *published = table_text(&v->expected, row, PUBLISHED);
	double simulated = v->simulated[row];

	if (!v->told[row] || isnan(simulated))
		snprintf(text, size, "none");
	else if (strcmp(published, "yes") == 0 || strcmp(published, "no") == 0)
		snprintf(text, size, "%s", simulated != 0 ? "yes" : "no");
	else if (strstr(table_text(&v->expected, row, QUANTITY), "hold"))
		snprintf(text, size, "%.0f", simulated);
	else
		snprintf(text, size, "%.2f", simulated);
}

static const char *holds_text(const struct verdict *v, uint32_t row)
{
	if (!is_bound(v, row))
		return v->told[row] ? "shown" : "no";
	return row_holds(v, row) ? "yes" : "no";
}

bool verdict_holds(const struct verdict *v)
{
	for (uint32_t i = 0; i < v->expected.n_rows; i++)
		if (!row_holds(v, i))
			return false;
	return v->n_unknown == 0;
}

void verdict_write_csv(const struct verdict *v, FILE *out)
{
	char text[40];

	fputs("experiment,quantity,subject,published,simulated,low,high,"
	      "holds\n",
	    out);
	for (uint32_t i = 0; i < v->expected.n_rows; i++) {
		for (int c = EXPERIMENT; c <= PUBLISHED; c++) {
			table_put_text(out, table_text(&v->expected, i, c));
			putc(',', out);
		}
		simulated_text(v, i, text, sizeof text);
		fprintf(out, "%s,%s,%s,%s\n", text,
		    table_text(&v->expected, i, LOW),
		    table_text(&v->expected, i, HIGH), holds_text(v, i));
	}
}

static int widest(const struct verdict *v, int column)
{
	size_t most = 0;

	for (uint32_t i = 0; i < v->expected.n_rows; i++) {
		size_t n = strlen(table_text(&v->expected, i, column));

		most = n > most ? n : most;
	}
	return (int)most;
}

/* The bounds that there are: 17..25, ..1, or nothing. */
static void bounds_text(
    const struct verdict *v, uint32_t row, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s", table_text(&v->expected, row, LOW),
	    is_bound(v, row) ? ".." : "", table_text(&v->expected, row, HIGH));
}

/* A heading when it is another than that of the row before. */
static void print_heading(
    const struct verdict *v, uint32_t row, int column, FILE *out)
{
	const char *heading = table_text(&v->expected, row, column);

	if (row &&
	    strcmp(table_text(&v->expected, row - 1, column), heading) == 0 &&
	    (column == EXPERIMENT ||
	        strcmp(table_text(&v->expected, row - 1, EXPERIMENT),
	            table_text(&v->expected, row, EXPERIMENT)) == 0))
		return;
	fprintf(out, column == EXPERIMENT ? "\n%s\n" : "  %s\n", heading);
}

void verdict_print(const struct verdict *v, FILE *out)
{
	int subject = widest(v, SUBJECT), published = widest(v, PUBLISHED);
	char text[40], bounds[40];

	fprintf(out, "%*s    %*s  %9s  %9s  holds\n", subject, "", published,
	    "published", "simulated", "bounds");
	for (uint32_t i = 0; i < v->expected.n_rows; i++) {
		print_heading(v, i, EXPERIMENT, out);
		print_heading(v, i, QUANTITY, out);
		simulated_text(v, i, text, sizeof text);
		bounds_text(v, i, bounds, sizeof bounds);
		fprintf(out, "    %-*s%*s  %9s  %9s  %s\n", subject,
		    table_text(&v->expected, i, SUBJECT), published,
		    table_text(&v->expected, i, PUBLISHED), text, bounds,
		    holds_text(v, i));
	}
}
