/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Utilisation traces, task lists and placements from CSV; see trace.h. */
#include "scenarios/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/csv.h"
#include "scenarios/names.h"

static void *grown(void *array, size_t n, size_t size)
{
	void *larger = reallocarray(array, n, size);

	if (!larger) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return larger;
}

/* Utilisation and memory. */

struct levels {
	uint32_t n_vms, n_steps;
	const char *what;    /* a cell is */
	double most, factor; /* of a cell; cell -> level */
	float *level;
	size_t max;          /* of level */
	double first_s, interval_s;
};

/* Steps must be of one length, for nothing else could be meant. */
static bool check_time(
    struct levels *t, const struct csv_row *row, struct err *err)
{
	double time_s, due_s;

	if (!csv_number(row, 0, "the time", -1e12, 1e12, &time_s, err))
		return false;
	if (t->n_steps == 0)
		t->first_s = time_s;
	if (t->n_steps == 1)
		t->interval_s = time_s - t->first_s;
	if (t->n_steps == 1 && !(t->interval_s >= 1e-3))
		return csv_fail(row, 0, err,
		    "the time is %.40s; it must rise from row to row",
		    row->cells[0]);
	due_s = t->first_s + t->n_steps * t->interval_s;
	if (fabs(time_s - due_s) > 1e-3 * t->interval_s)
		return csv_fail(row, 0, err,
		    "the time is %.40s; with steps of %.10g s it must be %.10g",
		    row->cells[0], t->interval_s, due_s);
	return true;
}

static bool take_levels(
    void *self, const struct csv_row *row, struct err *err)
{
	struct levels *t = self;
	double value;

	if (row->index == 0) {
		t->n_vms = row->n - 1;
		if (strcmp(row->cells[0], "time_s") != 0 || row->n < 2)
			return csv_fail(row, 0, err,
			    "not the header of a trace; write time_s and a "
			    "name for each VM");
		return true;
	}
	if (!csv_has_cells(row, t->n_vms + 1, err) ||
	    !check_time(t, row, err))
		return false;
	if ((size_t)(t->n_steps + 1) * t->n_vms > t->max) {
		t->max = 2 * (size_t)(t->n_steps + 1) * t->n_vms;
		t->level = grown(t->level, t->max, sizeof *t->level);
	}
	for (uint32_t i = 0; i < t->n_vms; i++) {
		if (!csv_number(row, i + 1, t->what, 0, t->most, &value, err))
			return false;
		t->level[(size_t)t->n_steps * t->n_vms + i] =
		    (float)(value * t->factor);
	}
	t->n_steps++;
	return true;
}

static bool read_levels(
    struct levels *t, const char *path, struct err *err)
{
	if (!csv_read_file(path, ',', take_levels, t, err))
		return false;
	if (!t->n_steps)
		return err_set(err, "%s:2:1: no row below the header", path);
	return true;
}

static const float *keep_levels(struct pool *pool, const struct levels *t)
{
	size_t n = (size_t)t->n_steps * t->n_vms;
	float *level = POOL_TAKE(pool, n, float);

	memcpy(level, t->level, n * sizeof *level);
	return level;
}

struct trace *trace_read(struct pool *pool, const char *cpu_path,
    const char *mem_path, struct err *err)
{
	struct levels cpu = {
	    .what = "the CPU use (percent)", .most = 100, .factor = 0.01};
	struct levels mem = {.what = "the memory (MiB)", .most = 1e9,
	    .factor = (double)KIB_PER_MIB};
	struct trace *trace = NULL;

	if (!read_levels(&cpu, cpu_path, err) ||
	    (mem_path && !read_levels(&mem, mem_path, err)))
		goto out;
	if (mem_path &&
	    (mem.n_vms != cpu.n_vms || mem.n_steps != cpu.n_steps)) {
		err_set(err,
		    "%s:1:1: %u VMs in %u steps; %s has %u in %u, and both "
		    "must agree", mem_path, mem.n_vms, mem.n_steps, cpu_path,
		    cpu.n_vms, cpu.n_steps);
		goto out;
	}
	trace = POOL_TAKE(pool, 1, struct trace);
	trace->n_vms = cpu.n_vms;
	trace->n_steps = cpu.n_steps;
	trace->interval_ns = llrint(cpu.interval_s * 1e9);
	trace->cpu = keep_levels(pool, &cpu);
	trace->mem_kib = mem_path ? keep_levels(pool, &mem) : NULL;
out:
	free(cpu.level);
	free(mem.level);
	return trace;
}

/* Task lists. */

struct task {
	double think_s, work_s;
	uint32_t vm;
};

struct tasks {
	struct pool *names_pool;
	struct names *names; /* of the VMs, numbered as they come */
	uint32_t n_names, max_names;
	struct task *tasks;
	uint32_t n, max;
};

enum { MAX_TASK_VMS = 1 << 21 };

static bool find_task_vm(struct tasks *t, const struct csv_row *row,
    uint32_t *vm, struct err *err)
{
	const char *name = row->cells[0];

	if (!*name)
		return csv_fail(row, 0, err, "no VM is named here");
	/* rows of one VM mostly follow each other, but need not */
	*vm = names_find(t->names, name);
	if (*vm != ID_NONE)
		return true;
	if (t->n_names == MAX_TASK_VMS)
		return csv_fail(row, 0, err, "more than %d VMs", MAX_TASK_VMS);
	*vm = t->n_names++;
	names_add(t->names,
	    pool_copy(t->names_pool, name, strlen(name)), *vm);
	return true;
}

static bool take_task(void *self, const struct csv_row *row, struct err *err)
{
	static const char *const header[] = {"vm", "think_s", "work_s", NULL};
	struct tasks *t = self;
	struct task task;

	if (row->index == 0)
		return csv_is_header(row, header, err);
	if (!csv_has_cells(row, 3, err) ||
	    !find_task_vm(t, row, &task.vm, err) ||
	    !csv_number(
		row, 1, "the think time", 0, 1e9, &task.think_s, err) ||
	    !csv_number(row, 2, "the work", 0, 1e9, &task.work_s, err))
		return false;
	if (t->n == t->max) {
		t->max = t->max ? 2 * t->max : 1024;
		t->tasks = grown(t->tasks, t->max, sizeof *t->tasks);
	}
	t->tasks[t->n++] = task;
	return true;
}

/* Sorts by VM, stably: counts, then fills. */
static struct task_list *sort_tasks(struct pool *pool, const struct tasks *t)
{
	struct task_list *list = POOL_TAKE(pool, 1, struct task_list);
	uint32_t *first = POOL_TAKE(pool, t->n_names + 1, uint32_t);
	uint32_t *next = POOL_TAKE(t->names_pool, t->n_names, uint32_t);
	double *think_s = POOL_TAKE(pool, t->n, double);
	double *work_s = POOL_TAKE(pool, t->n, double);

	for (uint32_t i = 0; i < t->n; i++)
		first[t->tasks[i].vm + 1]++;
	for (uint32_t v = 0; v < t->n_names; v++) {
		next[v] = first[v];
		first[v + 1] += first[v];
	}
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t to = next[t->tasks[i].vm]++;

		think_s[to] = t->tasks[i].think_s;
		work_s[to] = t->tasks[i].work_s;
	}
	*list = (struct task_list){t->n_names, first, think_s, work_s};
	return list;
}

struct task_list *trace_read_tasks(
    struct pool *pool, const char *path, struct err *err)
{
	struct tasks t = {
	    .names_pool = pool_new(), .names = names_new()};
	struct task_list *list = NULL;

	if (csv_read_file(path, ',', take_task, &t, err)) {
		if (t.n)
			list = sort_tasks(pool, &t);
		else
			err_set(err, "%s:2:1: no row below the header", path);
	}
	free(t.tasks);
	names_free(t.names);
	pool_free(t.names_pool);
	return list;
}

/* Placement. */

struct placing {
	trace_place_fn *place;
	void *self;
};

static bool take_place(void *self, const struct csv_row *row, struct err *err)
{
	static const char *const header[] = {"vm", "host", NULL};
	const struct placing *p = self;
	bool wrong_vm = false;
	const char *wrong;

	if (row->index == 0)
		return csv_is_header(row, header, err);
	if (!csv_has_cells(row, 2, err))
		return false;
	wrong = p->place(p->self, row->cells[0], row->cells[1], &wrong_vm);
	if (wrong)
		return csv_fail(row, wrong_vm ? 0 : 1, err, "\"%.60s\" %s",
		    row->cells[wrong_vm ? 0 : 1], wrong);
	return true;
}

bool trace_read_placement(
    const char *path, trace_place_fn *place, void *self, struct err *err)
{
	struct placing p = {place, self};

	return csv_read_file(path, ',', take_place, &p, err);
}
