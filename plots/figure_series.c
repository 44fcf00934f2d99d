/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What hosts and VMs had and used, over time: hosts.csv and vms.csv. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/figures.h"
#include "plots/plot.h"
#include "sim/outdir.h"

/* Draws, and counts it. */
static bool finish(struct figure *figure, FILE *out, const char *name,
    const char *script, const char *settings, struct err *err)
{
	if (!outdir_finish(out, figure->folder, name, err) ||
	    !plot_draw(figure->folder, name, script, settings, err))
		return false;
	figure->n_drawn++;
	return true;
}

/* A row is the mean over an interval, and has the time of its end. */
static double interval_s(const struct table *t, int time)
{
	double first_s = t->n_rows ? table_number(t, 0, time) : 0;

	for (uint32_t i = 1; i < t->n_rows; i++)
		if (table_number(t, i, time) > first_s)
			return table_number(t, i, time) - first_s;
	return 0;
}

/* Hosts: a row each, time to the right, dark is busy. */

enum host_column { H_TIME, H_DOMAIN, H_HOST, H_USED, H_CPU };

/* Rows of the table an instant: all hosts, in the same order. */
static uint32_t count_hosts(const struct table *t, const int *c)
{
	uint32_t n = 0;

	while (n < t->n_rows && strcmp(table_text(t, n, c[H_TIME]),
	                            table_text(t, 0, c[H_TIME])) == 0)
		n++;
	return n;
}

/* The middle of the interval that a row is the mean of. */
static void put_utilisation(
    FILE *out, const struct table *t, const int *c, uint32_t n_hosts)
{
	double half_s = interval_s(t, c[H_TIME]) / 2;

	fputs("# used\n", out);
	for (uint32_t i = 0; i < t->n_rows; i++) {
		double used = table_number(t, i, c[H_USED]);
		double cpu = table_number(t, i, c[H_CPU]);

		fprintf(out, "%.3f %u %.2f\n",
		    table_number(t, i, c[H_TIME]) - half_s, i % n_hosts,
		    cpu > 0 ? 100 * used / cpu : 0);
	}
}

static void put_host_names(
    FILE *out, const struct table *t, const int *c, uint32_t n_hosts)
{
	uint32_t first = 0;

	fputs("\n\n# hosts\n", out);
	for (uint32_t h = 0; h < n_hosts; h++) {
		fprintf(out, "%u ", h);
		plot_put_text(out, table_text(t, h, c[H_HOST]));
		putc('\n', out);
	}
	fputs("\n\n# domains\n", out);
	for (uint32_t h = 1; h <= n_hosts; h++) {
		const char *name = table_text(t, first, c[H_DOMAIN]);

		if (h < n_hosts &&
		    strcmp(table_text(t, h, c[H_DOMAIN]), name) == 0)
			continue;
		/* Its middle, and where the next one begins. */
		fprintf(out, "%.1f %.1f ", (first + h - 1) / 2.0, h - 0.5);
		plot_put_text(out, name);
		putc('\n', out);
		first = h;
	}
}

bool figure_hosts(struct figure *figure, struct err *err)
{
	static const char *const columns[] = {
	    "time_s", "domain", "host", "cpu_used_mcpu", "cpu_mcpu", NULL};
	struct table t;
	int c[5];
	uint32_t n;
	FILE *out;
	char settings[200];
	bool ok = true;

	if (!figure_read(&t, figure->run, "hosts.csv", columns, c, err))
		return false;
	n = count_hosts(&t, c);
	if (n > 0 && t.n_rows >= 2 * n) {
		out = plot_data(figure->folder, "hosts", err);
		ok = out != NULL;
		if (ok) {
			put_utilisation(out, &t, c, n);
			put_host_names(out, &t, c, n);
			snprintf(settings, sizeof settings,
			    "n_hosts = %u\nend_s = %s\nheight = %u\n", n,
			    table_text(&t, t.n_rows - 1, c[H_TIME]),
			    n > 20 ? 640 : 140 + 24 * n);
			ok = finish(
			    figure, out, "hosts", "hosts", settings, err);
		}
	}
	table_fini(&t);
	return ok;
}

/* Usage: one VM of an environment. */

enum vm_column { V_TIME, V_ENV, V_VM, V_CPU, V_CPU_ALLOC, V_MEM, V_MEM_ALLOC };

static void put_usage_row(
    FILE *out, const struct table *t, const int *c, uint32_t row, double at_s)
{
	fprintf(out, "%.3f %.2f %.2f %.1f %.1f\n", at_s,
	    table_number(t, row, c[V_CPU]) / 10,
	    table_number(t, row, c[V_CPU_ALLOC]) / 10,
	    table_number(t, row, c[V_MEM]) / 1024,
	    table_number(t, row, c[V_MEM_ALLOC]) / 1024);
}

/* Steps that begin where their intervals do, and the end of the last. */
static void put_usage(
    FILE *out, const struct table *t, const int *c, uint32_t first)
{
	double before_s = interval_s(t, c[V_TIME]);
	uint32_t last = first;
	const char *env = table_text(t, first, c[V_ENV]);
	const char *vm = table_text(t, first, c[V_VM]);

	for (uint32_t i = first; i < t->n_rows; i++)
		if (strcmp(table_text(t, i, c[V_ENV]), env) == 0 &&
		    strcmp(table_text(t, i, c[V_VM]), vm) == 0) {
			put_usage_row(out, t, c, i,
			    table_number(t, i, c[V_TIME]) - before_s);
			last = i;
		}
	put_usage_row(out, t, c, last, table_number(t, last, c[V_TIME]));
}

/* usage-V1, of letters that any file system takes. */
static void usage_name(char *name, size_t size, const char *env)
{
	size_t n = (size_t)snprintf(name, size, "usage-%s", env);

	if (n >= size)
		n = size - 1;
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
		            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
		        name[i]))
			name[i] = '_';
}

static bool draw_usage(struct figure *figure, const struct table *t,
    const int *c, uint32_t first, struct err *err)
{
	const char *env = table_text(t, first, c[V_ENV]);
	char name[80], *settings = NULL;
	size_t size;
	FILE *out, *text;
	bool ok;

	usage_name(name, sizeof name, env);
	out = plot_data(figure->folder, name, err);
	if (!out)
		return false;
	put_usage(out, t, c, first);
	text = open_memstream(&settings, &size);
	fprintf(text,
	    "end_s = %s\nwho = ", table_text(t, t->n_rows - 1, c[V_TIME]));
	plot_put_text(text, table_text(t, first, c[V_VM]));
	fputs("\nof = ", text);
	plot_put_text(text, env);
	putc('\n', text);
	fclose(text);
	ok = finish(figure, out, name, "usage", settings, err);
	free(settings);
	return ok;
}

/* The VM that stands for its environment: the last that its series begin
 * with at once, for the first may be its head. */
static uint32_t last_of_block(
    const struct table *t, const int *c, uint32_t first)
{
	uint32_t i = first;

	while (i + 1 < t->n_rows &&
	       strcmp(table_text(t, i + 1, c[V_ENV]),
	           table_text(t, first, c[V_ENV])) == 0 &&
	       strcmp(table_text(t, i + 1, c[V_TIME]),
	           table_text(t, first, c[V_TIME])) == 0)
		i++;
	return i;
}

bool figure_usage(struct figure *figure, struct err *err)
{
	enum { MAX_ENVS = 8 };
	static const char *const columns[] = {"time_s", "environment", "vm",
	    "cpu_used_mcpu", "cpu_alloc_mcpu", "mem_used_kib", "mem_alloc_kib",
	    NULL};
	const char *drawn[MAX_ENVS];
	uint32_t n_drawn = 0;
	struct table t;
	int c[7];
	bool ok = true;

	if (!figure_read(&t, figure->run, "vms.csv", columns, c, err))
		return false;
	for (uint32_t i = 0; ok && n_drawn < MAX_ENVS && i < t.n_rows; i++) {
		const char *env = table_text(&t, i, c[V_ENV]);
		uint32_t k = 0;

		while (k < n_drawn && strcmp(drawn[k], env) != 0)
			k++;
		if (k < n_drawn)
			continue;
		drawn[n_drawn++] = env;
		ok = draw_usage(figure, &t, c, last_of_block(&t, c, i), err);
	}
	table_fini(&t);
	return ok;
}
