/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workloads; see load.h. */
#include "scenarios/load.h"

#include <string.h>

#include "scenarios/swf.h"
#include "scenarios/trace.h"

enum kind {
	KIND_IDLE,
	KIND_CONSTANT,
	KIND_NEMO3D,
	KIND_STAGES,
	KIND_TRACE,
	KIND_TASKS,
};

static const char *const kinds[] = {
    "idle", "constant", "nemo3d", "stages", "trace", "tasks", NULL};

enum {
	IDLE = 1 << KIND_IDLE,
	CONSTANT = 1 << KIND_CONSTANT,
	NEMO3D = 1 << KIND_NEMO3D,
	STAGES = 1 << KIND_STAGES,
	TRACE = 1 << KIND_TRACE,
	TASKS = 1 << KIND_TASKS,
};

/* Which key belongs to which kinds. */
static const struct {
	const char *key;
	size_t raw;
	int kinds;
} keys[] = {
#define KEY(key, member, kinds) \
	{key, offsetof(struct raw_workload, member), kinds}
    KEY("barrier", barrier, NEMO3D | STAGES),
    KEY("particles", particles, NEMO3D),
    KEY("run-time", run_time, NEMO3D),
    KEY("iterations", iterations, NEMO3D),
    KEY("stages", stages, NEMO3D | STAGES),
    KEY("file", file, STAGES | TASKS),
    KEY("cpu", cpu, CONSTANT | TRACE),
    KEY("memory", memory, CONSTANT | TRACE | TASKS),
    KEY("interval", interval, TRACE),
    KEY("duration", duration, CONSTANT | TRACE),
    KEY("think", think, TASKS),
    KEY("work", work, TASKS),
    KEY("stop", stop, TASKS),
    KEY("dirty", dirty, CONSTANT | TRACE | TASKS),
#undef KEY
};

static bool check_keys(const struct loader *ld, const char *at,
    const struct raw_workload *raw, enum kind kind)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *member = (const char *)raw + keys[i].raw;
		void *p;

		memcpy(&p, member, sizeof p);
		if (p && !(keys[i].kinds & 1 << kind))
			return load_fail(ld, at, keys[i].key,
			    "%s is not for a workload of kind %s", keys[i].key,
			    kinds[kind]);
	}
	return true;
}

/* Stages. */

static bool load_barrier(const struct loader *ld, const char *at,
    struct raw_workload *raw, struct workload *w)
{
	static const char *const words[] = {"poll", "block", NULL};
	static const struct field field = {.key = "barrier",
	    .kind = FIELD_CHOICE, .initial = "poll", .words = words};
	uint32_t blocking;

	if (!load_field(ld, at, &field, &raw->barrier, &blocking))
		return false;
	w->blocking = blocking;
	return true;
}

/* The stages of a model or a file, then those that are listed. */
static bool load_stages(struct loader *ld, const char *at, enum kind kind,
    struct raw_workload *raw, const struct vm *vm, uint32_t n_vms,
    struct workload *w)
{
	struct stage *first = NULL, *all;
	uint32_t n_first = 0;
	char path[96];

	w->kind = WORKLOAD_STAGES;
	if (!load_barrier(ld, at, raw, w))
		return false;
	if (kind == KIND_NEMO3D)
		first = load_nemo3d(ld, at, raw, vm, n_vms, &n_first);
	else if (raw->file)
		first = trace_read_stages(ld->scratch,
		    load_file(ld, raw->file), &n_first, ld->err);
	if (!first && (kind == KIND_NEMO3D || raw->file))
		return false;
	w->n_stages = n_first + raw->stages_count;
	if (!w->n_stages)
		return load_fail(ld, at, "stages",
		    "a workload of kind stages needs stages, or a file");
	all = POOL_TAKE(ld->pool, w->n_stages, struct stage);
	if (n_first)
		memcpy(all, first, n_first * sizeof *all);
	w->stages = all;
	for (uint32_t i = 0; i < raw->stages_count; i++) {
		snprintf(path, sizeof path, "%s.stages[%u]", at, i);
		if (!load_stage(ld, path, &raw->stages[i], vm,
			&all[n_first + i]))
			return false;
	}
	return true;
}

/* Constant and trace. */

static const struct field duration_field[] = {
	FIELD("duration", NEVER, struct raw_workload, duration,
	    struct workload, duration_ns, .initial = "never",
	    .least = "1 ns"),
	{0}};

static bool load_constant(const struct loader *ld, const char *at,
    struct raw_workload *raw, const struct vm *vm, struct workload *w)
{
	w->kind = WORKLOAD_CONSTANT;
	return load_demand(ld, at, &raw->cpu, vm, &w->demand_mcpu) &&
	       load_fields(ld, at, duration_field, raw, w) &&
	       load_memory_used(
		   ld, at, &raw->memory, vm, &w->mem_used_kib) &&
	       load_dirty(ld, at, &raw->dirty, &raw->dirty_count, w->sets);
}

static bool load_interval(const struct loader *ld, const char *at,
    struct raw_workload *raw, struct trace *trace)
{
	static const struct field field = {
	    .key = "interval", .kind = FIELD_TIME, .least = "1 ms"};
	char canonical[QUANTITY_TEXT_MAX];

	if (!raw->interval && !trace->interval_ns)
		return load_fail(ld, at, "interval",
		    "the trace has but one step; write interval to say how "
		    "long it is");
	if (!raw->interval)
		load_set_text(&raw->interval, "%s",
		    quantity_print(canonical, MEASURE_TIME,
			trace->interval_ns));
	return load_field(
	    ld, at, &field, &raw->interval, &trace->interval_ns);
}

static bool load_trace(struct loader *ld, const char *at,
    struct raw_workload *raw, const struct vm *vm, struct workload *w)
{
	const char *cpu, *mem = NULL;
	char canonical[QUANTITY_TEXT_MAX];
	struct trace *trace;
	quantity_value kib;

	w->kind = WORKLOAD_TRACE;
	if (!raw->cpu)
		return load_fail(ld, at, "cpu",
		    "a workload of kind trace needs cpu, a CSV file");
	cpu = load_file(ld, raw->cpu);
	if (raw->memory && quantity_parse(raw->memory, MEASURE_MEMORY, 0, &kib))
		mem = load_file(ld, raw->memory);
	trace = trace_read(ld->pool, cpu, mem, ld->err);
	if (!trace || !load_interval(ld, at, raw, trace))
		return false;
	w->trace = trace;
	if (!raw->duration)
		load_set_text(&raw->duration, "%s",
		    quantity_print(canonical, MEASURE_TIME,
			(quantity_value)trace->interval_ns *
			    trace->n_steps));
	if (!mem && !load_memory_used(
			ld, at, &raw->memory, vm, &w->mem_used_kib))
		return false;
	return load_fields(ld, at, duration_field, raw, w) &&
	       load_dirty(ld, at, &raw->dirty, &raw->dirty_count, w->sets);
}

/* Tasks. */

static const char *const distributions[] = {"constant", "exponential",
    "uniform", "normal", "lognormal", "weibull", "pareto", NULL};

/* What the spread of each is: none, a time, or a number. */
static const struct field spread_fields[] = {
	[DIST_CONSTANT] = {0},
	[DIST_EXPONENTIAL] = {0},
	[DIST_UNIFORM] = {.key = "spread", .kind = FIELD_SECONDS},
	[DIST_NORMAL] = {.key = "spread", .kind = FIELD_SECONDS},
	[DIST_LOGNORMAL] = {.key = "spread", .kind = FIELD_SECONDS},
	[DIST_WEIBULL] = {.key = "spread", .kind = FIELD_NUMBER,
	    .least = "0.1", .most = "100"},
	[DIST_PARETO] = {.key = "spread", .kind = FIELD_NUMBER,
	    .least = "1.001", .most = "1000"},
};

static const struct field distribution_fields[] = {
	FIELD("distribution", CHOICE, struct raw_distribution, distribution,
	    struct distribution, kind, .initial = "exponential",
	    .words = distributions),
	FIELD("mean", SECONDS, struct raw_distribution, mean,
	    struct distribution, mean, .least = "0 s"),
	{0}};

static bool load_distribution(const struct loader *ld, const char *at,
    const char *key, struct raw_distribution *raw, struct distribution *d)
{
	const struct field *spread;
	char path[96];

	snprintf(path, sizeof path, "%s.%s", at, key);
	if (!raw)
		return load_fail(ld, at, key,
		    "a workload of kind tasks needs think and work, or a file");
	if (!load_fields(ld, path, distribution_fields, raw, d))
		return false;
	spread = &spread_fields[d->kind];
	if (raw->spread && !spread->key)
		return load_fail(ld, path, "spread",
		    "spread is not for the distribution %s",
		    raw->distribution);
	if (!raw->spread && spread->key)
		return load_fail(ld, path, "spread",
		    "\"spread\" is missing; the distribution %s needs it",
		    raw->distribution);
	if (spread->key &&
	    !load_field(ld, path, spread, &raw->spread, &d->spread))
		return false;
	if (d->kind == DIST_UNIFORM && d->spread > d->mean)
		return load_fail(ld, path, "spread",
		    "spread is %s, half the width; the most is the mean, %s",
		    raw->spread, raw->mean);
	return true;
}

static bool load_tasks(struct loader *ld, const char *at,
    struct raw_workload *raw, const struct vm *vm, struct workload *w)
{
	static const struct field stop = {
	    .key = "stop", .kind = FIELD_NEVER, .initial = "never"};

	w->kind = WORKLOAD_TASKS;
	if (raw->file && (raw->think || raw->work))
		return load_fail(ld, at, "file",
		    "tasks come from a file or from think and work, not both");
	if (raw->file) {
		w->tasks = trace_read_tasks(
		    ld->pool, load_file(ld, raw->file), ld->err);
		if (!w->tasks)
			return false;
	} else if (!load_distribution(
		       ld, at, "think", raw->think, &w->think_s) ||
		   !load_distribution(
		       ld, at, "work", raw->work, &w->work_s)) {
		return false;
	}
	if (!load_field(ld, at, &stop, &raw->stop, &w->stop_ns))
		return false;
	if (!raw->file && w->think_s.mean + w->work_s.mean <= 0)
		return load_fail(ld, at, "work",
		    "neither think nor work takes any time");
	return load_memory_used(
		   ld, at, &raw->memory, vm, &w->mem_used_kib) &&
	       load_dirty(ld, at, &raw->dirty, &raw->dirty_count, w->sets);
}

/* All of them. */

bool load_workload(struct loader *ld, const char *at, struct raw_workload *raw,
    const struct vm *vm, uint32_t n_vms, struct workload *w)
{
	static const struct field field = {.key = "kind",
	    .kind = FIELD_CHOICE, .initial = "idle", .words = kinds};
	uint32_t kind;

	w->duration_ns = TIME_NEVER;
	w->stop_ns = TIME_NEVER;
	if (!load_field(ld, at, &field, &raw->kind, &kind) ||
	    !check_keys(ld, at, raw, kind))
		return false;
	switch ((enum kind)kind) {
	case KIND_CONSTANT:
		return load_constant(ld, at, raw, vm, w);
	case KIND_NEMO3D:
	case KIND_STAGES:
		return load_stages(ld, at, kind, raw, vm, n_vms, w);
	case KIND_TRACE:
		return load_trace(ld, at, raw, vm, w);
	case KIND_TASKS:
		return load_tasks(ld, at, raw, vm, w);
	case KIND_IDLE:
		break;
	}
	w->kind = WORKLOAD_IDLE;
	return true;
}

/* A job: one stage; it leaves CPU idle where the log says so. */
void load_job(const struct loader *ld, const struct swf_job *job,
    uint32_t processors, const struct vm *vm, struct workload *w)
{
	struct stage *stage = POOL_TAKE(ld->pool, 1, struct stage);
	double busy = job->cpu_s / job->run_s;

	stage->demand_mcpu = busy * vm->vcpu_mcpu;
	if (stage->demand_mcpu < 1)
		stage->demand_mcpu = 1;
	stage->work_s = job->run_s * stage->demand_mcpu / MCPU_PER_CPU;
	stage->iterations = 1;
	stage->mem_used_kib = vm->mem_kib * 6 / 10;
	if (job->used_kib) {
		uint64_t used_kib = job->used_kib * processors;

		stage->mem_used_kib =
		    used_kib < vm->mem_kib ? used_kib : vm->mem_kib;
	}
	w->kind = WORKLOAD_STAGES;
	w->duration_ns = TIME_NEVER;
	w->stop_ns = TIME_NEVER;
	w->stages = stage;
	w->n_stages = 1;
}
