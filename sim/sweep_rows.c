/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a sweep; see sweep_rows.h. */
#include "sim/sweep_rows.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/outdir.h"
#include "sim/table.h"

/* What is measured of a run, and has a mean and an interval over the seeds. */
enum { N_MEASURES = 8 };

static const char *const measures[N_MEASURES] = {"mean_execution_s",
    "overall_s", "done", "crashed", "migrations", "migrations_failed",
    "mean_response_s", "unserved_s"};

static double count_outcome(const struct results *results, const char *outcome)
{
	uint32_t n = results_what(results)->scenario->model.n_envs, k = 0;

	for (uint32_t i = 0; i < n; i++)
		k += strcmp(results_envs(results)[i].outcome, outcome) == 0;
	return k;
}

static void measure(const struct results *results, double values[N_MEASURES])
{
	const struct sim_metrics *m = results_metrics(results);
	double n_tasks = (double)m->n_tasks_before_stop;

	values[0] = results_mean_execution_s(results);
	values[1] = results_overall_s(results);
	values[2] = count_outcome(results, "done");
	values[3] = count_outcome(results, "crashed");
	values[4] = (double)m->n_migrations;
	values[5] = (double)m->n_migrations_failed;
	values[6] = n_tasks > 0 ? m->response_sum_s / n_tasks : (double)NAN;
	values[7] = m->unserved_s;
}

static void put_header(const struct sweep *sweep, FILE *out)
{
	fputs("run,policy,seed", out);
	for (uint32_t i = 0; i < sweep->n_varied; i++) {
		putc(',', out);
		table_put_text(out, sweep->varied[i].key);
	}
	for (int i = 0; i < N_MEASURES; i++)
		fprintf(out, ",%s", measures[i]);
	putc('\n', out);
}

static void put_number(FILE *out, double number)
{
	putc(',', out);
	if (isfinite(number))
		fprintf(out, "%.6f", number);
}

void sweep_put_row(const struct sweep *sweep, const struct sweep_point *point,
    const struct results *results, FILE *out)
{
	double values[N_MEASURES];

	measure(results, values);
	fprintf(out, "%llu,", (unsigned long long)point->run);
	table_put_text(out, point->policy);
	fprintf(out, ",%llu", (unsigned long long)point->seed);
	for (uint32_t i = 0; i < sweep->n_varied; i++) {
		putc(',', out);
		table_put_text(out, point->value[i]);
	}
	for (int i = 0; i < N_MEASURES; i++)
		put_number(out, values[i]);
	putc('\n', out);
}

/* Going on where it stopped. */

/* All that decides what the runs are, as text: two sweeps are one if it is
 * the same. */
static void put_plan(const struct sweep *sweep, FILE *out)
{
	fprintf(out, "scenario\t%s\n", sweep->scenario);
	for (uint32_t i = 0; i < sweep->sets->n; i++)
		fprintf(out, "set\t%s\n", sweep->sets->values[i]);
	for (uint32_t i = 0; i < sweep->n_policies; i++)
		fprintf(out, "policy\t%s\n", sweep->policies[i]);
	for (uint32_t i = 0; i < sweep->n_varied; i++) {
		fprintf(out, "vary\t%s", sweep->varied[i].key);
		for (uint32_t k = 0; k < sweep->varied[i].n; k++)
			fprintf(out, "\t%s", sweep->varied[i].values[k]);
		putc('\n', out);
	}
	fprintf(out, "seeds\t%llu\t%llu\n",
	    (unsigned long long)sweep->first_seed,
	    (unsigned long long)sweep->n_seeds);
}

static char *read_whole(const char *folder, const char *name)
{
	char *path = outdir_join(folder, name), *text = NULL;
	FILE *file = path ? fopen(path, "re") : NULL;
	size_t size = 0;

	if (file && getdelim(&text, &size, '\0', file) < 0 && !text)
		text = strdup("");
	if (file)
		fclose(file);
	free(path);
	return text;
}

/* Writes a file under another name first, so that it is there whole. */
static bool replace_file(const struct sweep *sweep, const char *name,
    const char *text, struct err *err)
{
	char *part = NULL, *from = NULL, *to = outdir_join(sweep->folder, name);
	FILE *file = NULL;
	bool ok = false;

	if (to && asprintf(&part, "%s.part", name) > 0 &&
	    (from = outdir_join(sweep->folder, part))) {
		unlink(from);
		file = outdir_create(sweep->folder, part, err);
	}
	if (file) {
		fputs(text, file);
		ok = outdir_finish(file, sweep->folder, part, err) &&
		     (rename(from, to) == 0 ||
		         err_set(err, "%s: %s", to, strerror(errno)));
	}
	free(part);
	free(from);
	free(to);
	return ok;
}

static bool same_plan(const struct sweep *sweep, struct err *err)
{
	char *was = read_whole(sweep->folder, "plan"), *plan = NULL;
	size_t size;
	FILE *out = open_memstream(&plan, &size);
	bool ok;

	put_plan(sweep, out);
	fclose(out);
	if (was)
		ok = strcmp(was, plan) == 0 ||
		     err_set(err,
		         "%s holds another sweep; what it was is in "
		         "its file plan",
		         sweep->folder);
	else
		ok = replace_file(sweep, "plan", plan, err);
	free(was);
	free(plan);
	return ok;
}

/* Cuts off a row that an interruption left without its end. */
static bool mend_rows(const struct sweep *sweep, struct err *err)
{
	char *rows = read_whole(sweep->folder, "runs.csv"), *header = NULL;
	char *end = rows ? strrchr(rows, '\n') : NULL;
	size_t size;
	FILE *out;
	bool ok;

	if (end) {
		end[1] = '\0';
		ok = replace_file(sweep, "runs.csv", rows, err);
	} else {
		out = open_memstream(&header, &size);
		put_header(sweep, out);
		fclose(out);
		ok = replace_file(sweep, "runs.csv", header, err);
	}
	free(rows);
	free(header);
	return ok;
}

static bool read_rows(
    const struct sweep *sweep, struct table *table, struct err *err)
{
	char *path = outdir_join(sweep->folder, "runs.csv");
	bool ok = path ? table_read(table, path, err)
	               : err_set(err, "not enough memory");

	free(path);
	return ok;
}

bool sweep_find_done(struct sweep *sweep, struct err *err)
{
	struct table table;

	if (!read_rows(sweep, &table, err))
		return false;
	for (uint32_t i = 0; i < table.n_rows; i++) {
		double run = table_number(&table, i, 0);

		if (run >= 0 && run < (double)sweep->n_runs)
			sweep->done[(uint64_t)run] = 1;
	}
	table_fini(&table);
	return true;
}

bool sweep_begin_rows(struct sweep *sweep, struct err *err)
{
	return same_plan(sweep, err) && mend_rows(sweep, err) &&
	       sweep_find_done(sweep, err);
}

/* When all are there. */

struct order {
	const struct table *table;
	uint32_t *row_of; /* by run */
};

static void put_ordered(
    const struct sweep *sweep, const struct order *order, FILE *out)
{
	const struct table *t = order->table;

	put_header(sweep, out);
	for (uint64_t run = 0; run < sweep->n_runs; run++) {
		for (uint32_t c = 0; c < t->n_columns; c++) {
			if (c)
				putc(',', out);
			table_put_text(
			    out, table_text(t, order->row_of[run], (int)c));
		}
		putc('\n', out);
	}
}

/* The mean and the half width of its 95 % interval, by Student's t. */
static void put_estimate(FILE *out, const double *values, size_t n)
{
	double mean, half = (double)NAN;

	if (n == 0) {
		fputs(",,", out);
		return;
	}
	mean = gsl_stats_mean(values, 1, n);
	if (n > 1)
		half = gsl_cdf_tdist_Pinv(0.975, (double)(n - 1)) *
		       gsl_stats_sd(values, 1, n) / sqrt((double)n);
	put_number(out, mean);
	put_number(out, half);
}

static void put_group(const struct sweep *sweep, const struct order *order,
    uint64_t first, double *values, FILE *out)
{
	const struct table *t = order->table;
	uint32_t n_keys = 3 + sweep->n_varied;
	uint32_t row = order->row_of[first];

	table_put_text(out, table_text(t, row, 1));
	for (uint32_t c = 3; c < n_keys; c++) {
		putc(',', out);
		table_put_text(out, table_text(t, row, (int)c));
	}
	fprintf(out, ",%llu", (unsigned long long)sweep->n_seeds);
	for (int m = 0; m < N_MEASURES; m++) {
		size_t n = 0;

		for (uint64_t s = 0; s < sweep->n_seeds; s++) {
			double value = table_number(
			    t, order->row_of[first + s], (int)n_keys + m);

			if (isfinite(value))
				values[n++] = value;
		}
		put_estimate(out, values, n);
	}
	putc('\n', out);
}

static void put_summary(const struct sweep *sweep, const struct order *order,
    double *values, FILE *out)
{
	fputs("policy", out);
	for (uint32_t i = 0; i < sweep->n_varied; i++) {
		putc(',', out);
		table_put_text(out, sweep->varied[i].key);
	}
	fputs(",runs", out);
	for (int i = 0; i < N_MEASURES; i++)
		fprintf(out, ",%s,%s_ci95", measures[i], measures[i]);
	putc('\n', out);
	for (uint64_t run = 0; run < sweep->n_runs; run += sweep->n_seeds)
		put_group(sweep, order, run, values, out);
}

static bool write_both(const struct sweep *sweep, const struct order *order,
    double *values, FILE *print, struct err *err)
{
	char *rows = NULL, *summary = NULL;
	size_t size;
	FILE *out = open_memstream(&rows, &size);
	bool ok;

	put_ordered(sweep, order, out);
	fclose(out);
	out = open_memstream(&summary, &size);
	put_summary(sweep, order, values, out);
	fclose(out);
	ok = replace_file(sweep, "runs.csv", rows, err) &&
	     replace_file(sweep, "summary.csv", summary, err);
	if (ok)
		fputs(summary, print);
	free(rows);
	free(summary);
	return ok;
}

bool sweep_summarise(const struct sweep *sweep, FILE *out, struct err *err)
{
	struct table table;
	struct order order = {.table = &table};
	double *values = calloc(sweep->n_seeds + 1, sizeof *values);
	bool ok;

	order.row_of = calloc(sweep->n_runs + 1, sizeof *order.row_of);
	if (!values || !order.row_of)
		ok = err_set(err, "not enough memory");
	else
		ok = read_rows(sweep, &table, err);
	if (ok) {
		for (uint32_t i = 0; i < table.n_rows; i++)
			order.row_of[(uint64_t)table_number(&table, i, 0)] = i;
		ok = write_both(sweep, &order, values, out, err);
		table_fini(&table);
	}
	free(values);
	free(order.row_of);
	return ok;
}
