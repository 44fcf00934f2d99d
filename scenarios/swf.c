/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Standard Workload Format; see swf.h. */
#include "scenarios/swf.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fields, numbered from 0. */
enum {
	SWF_NUMBER,
	SWF_SUBMIT,
	SWF_RUN = 3,
	SWF_ALLOCATED = 4,
	SWF_CPU = 5,
	SWF_USED_MEMORY = 6,
	SWF_REQUESTED = 7,
	N_FIELDS = 18
};

struct reader {
	const char *path;
	uint32_t line;
	struct swf_job *jobs;
	uint32_t n, max, n_skipped;
	struct err *err;
};

static bool split(struct reader *r, const char *text, double *x)
{
	const char *p = text + strspn(text, " \t\r");
	char *end;

	for (int i = 0; i < N_FIELDS; i++) {
		x[i] = strtod(p, &end);
		if (end == p || !isfinite(x[i]) ||
		    !strchr(" \t\r\n", *end))
			return err_set(r->err,
			    "%s:%u:%zu: field %d of %d must be a number, -1 if "
			    "it is unknown", r->path, r->line,
			    (size_t)(p - text) + 1, i + 1, N_FIELDS);
		p = end + strspn(end, " \t\r");
	}
	if (*p && *p != '\n')
		return err_set(r->err, "%s:%u:%zu: more than %d fields",
		    r->path, r->line, (size_t)(p - text) + 1, N_FIELDS);
	return true;
}

static bool check(struct reader *r, int field, double value, double most)
{
	if (value <= most)
		return true;
	return err_set(r->err, "%s:%u:1: field %d is %.10g; the most is %.10g",
	    r->path, r->line, field + 1, value, most);
}

static void append(struct reader *r, const struct swf_job *job)
{
	if (r->n == r->max) {
		r->max = r->max ? 2 * r->max : 256;
		r->jobs = reallocarray(r->jobs, r->max, sizeof *r->jobs);
		if (!r->jobs)
			abort();
	}
	r->jobs[r->n++] = *job;
}

static bool take_line(struct reader *r, const char *text)
{
	double x[N_FIELDS], processors;

	r->line++;
	if (text[strspn(text, " \t\r\n")] == '\0' ||
	    text[strspn(text, " \t")] == ';')
		return true;
	if (!split(r, text, x))
		return false;
	processors =
	    x[SWF_ALLOCATED] > 0 ? x[SWF_ALLOCATED] : x[SWF_REQUESTED];
	if (x[SWF_RUN] <= 0 || processors < 1 || x[SWF_SUBMIT] < 0) {
		r->n_skipped++;
		return true;
	}
	if (!check(r, SWF_SUBMIT, x[SWF_SUBMIT], 1e9) ||
	    !check(r, SWF_RUN, x[SWF_RUN], 1e9) ||
	    !check(r, SWF_ALLOCATED, processors, 1e6) ||
	    !check(r, SWF_USED_MEMORY, x[SWF_USED_MEMORY], 0x1p40) ||
	    !check(r, SWF_NUMBER, fabs(x[SWF_NUMBER]), 1e15))
		return false;
	append(r, &(struct swf_job){.number = (int64_t)x[SWF_NUMBER],
	    .submit_ns = llrint(x[SWF_SUBMIT] * 1e9),
	    .run_s = x[SWF_RUN],
	    .cpu_s = x[SWF_CPU] > 0 && x[SWF_CPU] < x[SWF_RUN] ? x[SWF_CPU]
	                                                       : x[SWF_RUN],
	    .processors = (uint32_t)processors,
	    .used_kib = x[SWF_USED_MEMORY] > 0
	                    ? (uint64_t)x[SWF_USED_MEMORY]
	                    : 0});
	return true;
}

/* Logs are sorted by submit time, nearly; ties keep the order of the log. */
static int by_submit(const void *pa, const void *pb)
{
	const struct swf_job *a = pa, *b = pb;

	if (a->submit_ns != b->submit_ns)
		return a->submit_ns < b->submit_ns ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static struct swf_log *finish(struct reader *r, struct pool *pool)
{
	struct swf_log *log = POOL_TAKE(pool, 1, struct swf_log);

	if (!r->n) {
		err_set(r->err, "%s:%u:1: no job that ran", r->path,
		    r->line ? r->line : 1);
		return NULL;
	}
	qsort(r->jobs, r->n, sizeof *r->jobs, by_submit);
	log->jobs = POOL_TAKE(pool, r->n, struct swf_job);
	memcpy(log->jobs, r->jobs, r->n * sizeof *r->jobs);
	log->n_jobs = r->n;
	log->n_skipped = r->n_skipped;
	return log;
}

struct swf_log *swf_read(
    struct pool *pool, const char *path, struct err *err)
{
	struct reader r = {.path = path, .err = err};
	struct swf_log *log = NULL;
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	if (!in) {
		err_set(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	errno = 0;
	while (ok && getline(&line, &size, in) > 0)
		ok = take_line(&r, line);
	if (ok && ferror(in))
		ok = err_set(err, "%s: %s", path, strerror(errno));
	if (ok)
		log = finish(&r, pool);
	fclose(in);
	free(line);
	free(r.jobs);
	return log;
}
