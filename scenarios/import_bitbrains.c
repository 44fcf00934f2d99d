/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bitbrains' utilisation of CPU and memory; see import.h. */
#include "scenarios/import.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/csv.h"
#include "scenarios/file.h"
#include "scenarios/folder.h"
#include "scenarios/pool.h"
#include "scenarios/quantity.h"

/* Columns that are used.  The archive heads its first one [ms], and fills it
 * with seconds. */
enum { COLUMN_TIME, COLUMN_CPU = 4, COLUMN_MEMORY = 6, N_COLUMNS = 11 };

struct sample {
	double time_s, percent, mib;
};

struct samples {
	struct sample *samples;
	uint32_t n, max;
};

static bool take_row(void *self, const struct csv_row *row, struct err *err)
{
	struct samples *s = self;
	struct sample sample;

	if (!csv_has_cells(row, N_COLUMNS, err))
		return false;
	if (row->index == 0) {
		if (strncmp(row->cells[0], "Timestamp", 9) == 0)
			return true;
		return csv_fail(row, 0, err,
		    "not the header of a Bitbrains trace, which begins with "
		    "\"Timestamp [ms]\"");
	}
	if (!csv_number(row, COLUMN_TIME, "the time", 0, 1e13, &sample.time_s,
		err) ||
	    !csv_number(row, COLUMN_CPU, "the CPU use (percent)", 0, 1e6,
		&sample.percent, err) ||
	    !csv_number(row, COLUMN_MEMORY, "the memory (KB)", 0, 1e15,
		&sample.mib, err))
		return false;
	if (s->n && sample.time_s < s->samples[s->n - 1].time_s)
		return csv_fail(row, 0, err,
		    "the time is %.40s, before that of the row above",
		    row->cells[0]);
	/* measured a little above what it can be, now and then */
	if (sample.percent > 100)
		sample.percent = 100;
	sample.mib /= 1024;
	if (s->n == s->max) {
		s->max = s->max ? 2 * s->max : 1024;
		s->samples =
		    reallocarray(s->samples, s->max, sizeof *s->samples);
		if (!s->samples)
			abort();
	}
	s->samples[s->n++] = sample;
	return true;
}

/* The common grid. */

struct grid {
	double first_s, last_s, interval_s;
	uint32_t n_steps;
};

enum { MAX_STEPS = 10000000 };

static int by_size(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* The usual distance of two samples: the median, as some are missing. */
static double usual_interval(const struct samples *s)
{
	double *d, usual;

	if (s->n < 2)
		return 0;
	d = reallocarray(NULL, s->n - 1, sizeof *d);
	if (!d)
		abort();
	for (uint32_t i = 0; i + 1 < s->n; i++)
		d[i] = s->samples[i + 1].time_s - s->samples[i].time_s;
	qsort(d, s->n - 1, sizeof *d, by_size);
	usual = d[(s->n - 2) / 2];
	free(d);
	return usual;
}

static bool find_grid(struct grid *grid, const struct samples *vms,
    uint32_t n_vms, const char *path, struct err *err)
{
	grid->first_s = vms[0].samples[0].time_s;
	for (uint32_t v = 0; v < n_vms; v++) {
		const struct samples *s = &vms[v];

		if (s->samples[0].time_s < grid->first_s)
			grid->first_s = s->samples[0].time_s;
		if (s->samples[s->n - 1].time_s > grid->last_s)
			grid->last_s = s->samples[s->n - 1].time_s;
		if (!grid->interval_s)
			grid->interval_s = usual_interval(s);
	}
	if (grid->interval_s <= 0)
		return err_set(err,
		    "%s: no VM has two samples; the interval is unknown", path);
	if ((grid->last_s - grid->first_s) / grid->interval_s >= MAX_STEPS)
		return err_set(err, "%s: more than %d steps of %.10g s", path,
		    MAX_STEPS, grid->interval_s);
	grid->n_steps =
	    (uint32_t)((grid->last_s - grid->first_s) / grid->interval_s) + 1;
	return true;
}

/* Writes one measure of all VMs; next[v] is the first sample not yet due. */
static bool write_measure(const struct grid *grid, const struct samples *vms,
    const struct folder *folder, bool memory, const char *path,
    struct err *err)
{
	uint32_t *next = calloc(folder->n, sizeof *next);
	char text[QUANTITY_TEXT_MAX];
	struct file_writer w;

	if (!next)
		abort();
	if (!file_begin(&w, path, err)) {
		free(next);
		return false;
	}
	fputs("time_s", w.out);
	for (uint32_t v = 0; v < folder->n; v++) {
		putc(',', w.out);
		csv_fwrite(
		    w.out, folder->names[v], strlen(folder->names[v]));
	}
	for (uint32_t step = 0; step < grid->n_steps; step++) {
		double at_s = step * grid->interval_s;

		fprintf(w.out, "\n%s", quantity_print_number(text, at_s));
		/* a sample up to half a step late is still this step's */
		at_s += grid->first_s + grid->interval_s / 2;
		for (uint32_t v = 0; v < folder->n; v++) {
			const struct samples *s = &vms[v];
			double x;

			while (next[v] < s->n &&
			       s->samples[next[v]].time_s < at_s)
				next[v]++;
			x = !next[v]  ? 0
			    : memory ? s->samples[next[v] - 1].mib
			             : s->samples[next[v] - 1].percent;
			fprintf(w.out, ",%s", quantity_print_number(text, x));
		}
	}
	putc('\n', w.out);
	free(next);
	return file_end(&w, true, err);
}

bool import_bitbrains(const char *path, const char *cpu_csv,
    const char *mem_csv, struct import_summary *summary, struct err *err)
{
	struct pool *pool = pool_new();
	struct grid grid = {0};
	struct folder folder;
	struct samples *vms = NULL;
	bool ok = folder_list(&folder, pool, path, ".csv", err);

	if (!ok)
		goto out;
	vms = POOL_TAKE(pool, folder.n, struct samples);
	for (uint32_t v = 0; ok && v < folder.n; v++) {
		ok = csv_read_file(
		    folder.paths[v], ';', take_row, &vms[v], err);
		if (ok && !vms[v].n)
			ok = err_set(err, "%s:2:1: no row below the header",
			    folder.paths[v]);
	}
	ok = ok && find_grid(&grid, vms, folder.n, path, err) &&
	     write_measure(&grid, vms, &folder, false, cpu_csv, err) &&
	     (!mem_csv ||
		 write_measure(&grid, vms, &folder, true, mem_csv, err));
	*summary = (struct import_summary){.n_vms = folder.n,
	    .n_steps = grid.n_steps, .interval_s = grid.interval_s};
out:
	for (uint32_t v = 0; vms && v < folder.n; v++)
		free(vms[v].samples);
	pool_free(pool);
	return ok;
}
