/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pre-copy rounds of migrations: what each sent, and what was dirtied
 * meanwhile; the last is the one while the VM was stopped.  One VM stands for
 * all of its environment that left together.
 */
#include <stdlib.h>
#include <string.h>

#include "plots/figures.h"
#include "plots/plot.h"
#include "sim/outdir.h"

enum { MAX_SHOWN = 6 };

enum column {
	VM,
	ROUND,
	SENT,
	SKIPPED,
	DURATION,
	DIRTIED,
	ENV,
	MIGRATION,
	START,
	N_COLUMNS
};

struct shown {
	const char *env, *migration, *vm;
	double start_s, end_s;
	uint32_t n_rounds;
};

/* Does row i begin a migration of another environment, or at another time? */
static bool is_new(const struct table *t, const int *c, uint32_t i,
    const struct shown *shown, uint32_t n)
{
	double start_s = table_number(t, i, c[START]);

	if (strcmp(table_text(t, i, c[ROUND]), "1") != 0)
		return false;
	for (uint32_t k = 0; k < n; k++)
		if (strcmp(shown[k].env, table_text(t, i, c[ENV])) == 0 &&
		    start_s < shown[k].start_s + 1)
			return false;
	return true;
}

static uint32_t find_shown(
    const struct table *t, const int *c, struct shown *shown)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_rows && n < MAX_SHOWN; i++)
		if (is_new(t, c, i, shown, n))
			shown[n++] =
			    (struct shown){.env = table_text(t, i, c[ENV]),
			        .migration = table_text(t, i, c[MIGRATION]),
			        .vm = table_text(t, i, c[VM]),
			        .start_s = table_number(t, i, c[START])};
	return n;
}

/* Durations differ by orders: 16 s, 1.2 s, 30 ms. */
static void put_duration(FILE *out, double seconds)
{
	if (seconds >= 10)
		fprintf(out, "\"%.0f s\"", seconds);
	else if (seconds >= 1)
		fprintf(out, "\"%.1f s\"", seconds);
	else
		fprintf(out, "\"%.0f ms\"", 1000 * seconds);
}

/* A row a round: its number, MiB sent, dirtied and skipped, how long. */
static void put_rounds(FILE *out, const struct table *t, const int *c,
    uint32_t number, struct shown *shown)
{
	fprintf(out, "%s# rounds%u\n", number ? "\n\n" : "", number);
	for (uint32_t i = 0; i < t->n_rows; i++) {
		double duration_s = table_number(t, i, c[DURATION]);

		if (strcmp(table_text(t, i, c[MIGRATION]), shown->migration))
			continue;
		fprintf(out, "%s %.3f %.3f %.3f ", table_text(t, i, c[ROUND]),
		    table_number(t, i, c[SENT]) / 256,
		    table_number(t, i, c[DIRTIED]) / 256,
		    table_number(t, i, c[SKIPPED]) / 256);
		put_duration(out, duration_s);
		putc('\n', out);
		shown->end_s = table_number(t, i, c[START]) + duration_s;
		shown->n_rounds++;
	}
}

static void put_settings(FILE *out, const struct shown *shown, uint32_t n)
{
	fprintf(out,
	    "n = %u\nheight = %u\narray title_of[%u]\n"
	    "array n_rounds[%u]\n",
	    n, 90 + 210 * ((n + 1) / 2), n, n);
	for (uint32_t k = 0; k < n; k++) {
		fprintf(out, "n_rounds[%u] = %u\ntitle_of[%u] = ", k + 1,
		    shown[k].n_rounds, k + 1);
		plot_put_text(out, shown[k].vm);
		fprintf(out, ".' from %.0f s, for %.1f s'\n", shown[k].start_s,
		    shown[k].end_s - shown[k].start_s);
	}
}

static bool draw(
    struct figure *figure, const struct table *t, const int *c, struct err *err)
{
	struct shown shown[MAX_SHOWN];
	uint32_t n = find_shown(t, c, shown);
	FILE *out = plot_data(figure->folder, "rounds", err);
	char *settings = NULL;
	size_t size;
	bool ok;

	if (!out)
		return false;
	for (uint32_t k = 0; k < n; k++)
		put_rounds(out, t, c, k, &shown[k]);
	if (!outdir_finish(out, figure->folder, "rounds.dat", err))
		return false;
	out = open_memstream(&settings, &size);
	put_settings(out, shown, n);
	fclose(out);
	ok = plot_draw(figure->folder, "rounds", "rounds", settings, err);
	free(settings);
	figure->n_drawn += ok;
	return ok;
}

bool figure_rounds(struct figure *figure, struct err *err)
{
	static const char *const columns[] = {"vm", "round", "sent_pages",
	    "skipped_pages", "duration_s", "dirtied_pages", "environment",
	    "migration", "start_s", NULL};
	struct table t;
	int c[N_COLUMNS];
	bool ok;

	if (!figure_read(&t, figure->run, "rounds.csv", columns, c, err))
		return false;
	ok = t.n_rows == 0 || draw(figure, &t, c, err);
	table_fini(&t);
	return ok;
}
