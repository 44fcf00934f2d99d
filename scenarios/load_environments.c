/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Environments and their VMs; see load.h. */
#include "scenarios/load.h"

#include <string.h>

#include "scenarios/swf.h"

/* What one entry of `environments` says of each of them. */
struct env_group {
	char at[48]; /* "environments[2]" */
	struct raw_env *raw;
	uint32_t count;
	uint32_t n_compute, vcpus;
	uint32_t n_heads, head_vcpus;
	uint64_t head_kib;
	struct vm vm;              /* a compute VM */
	struct env_setup setup;
	const struct swf_log *log; /* jobs, or NULL */
	uint32_t processors, first_job;
};

static const char *const at_ends[] = {"destroy", "keep", NULL};

static const struct field env_fields[] = {
	FIELD("count", COUNT, struct raw_env, count, struct env_group, count,
	    .initial = "1", .least = "1"),
	FIELD("start", NEVER, struct raw_env, start, struct env_group,
	    setup.start_ns, .initial = "0 s"),
	FIELD("destroy", NEVER, struct raw_env, destroy, struct env_group,
	    setup.destroy_ns, .initial = "never"),
	FIELD("boot", TIME, struct raw_env, boot, struct env_group,
	    setup.boot_ns, .initial = "0 s"),
	FIELD("at-end", CHOICE, struct raw_env, at_end, struct env_group,
	    setup.at_end, .initial = "destroy", .words = at_ends),
	FIELD("balloon", SPEED, struct raw_env, balloon, struct env_group,
	    setup.balloon_kib_s, .initial = "256 MiB/s", .least = "1 KiB/s"),
	FIELD("swap", MEMORY, struct raw_env, swap, struct env_group,
	    setup.swap_kib, .initial = "0 MiB"),
	FIELD("swap-slowdown", NUMBER, struct raw_env, swap_slowdown,
	    struct env_group, setup.swap_slowdown, .initial = "1",
	    .most = "1000"),
	{0}};

static const struct field vm_fields[] = {
	FIELD("count", COUNT, struct raw_vms, count, struct env_group,
	    n_compute, .initial = "1", .least = "1"),
	FIELD("vcpus", COUNT, struct raw_vms, vcpus, struct env_group, vcpus,
	    .initial = "1", .least = "1", .most = "100000"),
	FIELD("memory", MEMORY, struct raw_vms, memory, struct env_group,
	    vm.mem_kib, .least = "1 MiB"),
	FIELD("memory-min", MEMORY, struct raw_vms, memory_min,
	    struct env_group, vm.mem_min_kib, .least = "1 MiB"),
	FIELD("memory-max", MEMORY, struct raw_vms, memory_max,
	    struct env_group, vm.mem_max_kib, .least = "1 MiB"),
	FIELD("memory-idle", MEMORY, struct raw_vms, memory_idle,
	    struct env_group, setup.mem_idle_kib, .least = "1 KiB"),
	{0}};

static const struct field head_fields[] = {
	FIELD("memory", MEMORY, struct raw_head, memory, struct env_group,
	    head_kib, .initial = "32 MiB", .least = "1 MiB"),
	FIELD("memory-used", MEMORY, struct raw_head, memory_used,
	    struct env_group, setup.head_used_kib, .least = "1 KiB"),
	FIELD("vcpus", COUNT, struct raw_head, vcpus, struct env_group,
	    head_vcpus, .initial = "1", .least = "1", .most = "100000"),
	FIELD("cpu", CPU, struct raw_head, cpu, struct env_group,
	    setup.head_mcpu, .initial = "10 mcpu"),
	{0}};

static const struct field jobs_fields[] = {
	FIELD("processors", COUNT, struct raw_jobs, processors,
	    struct env_group, processors, .initial = "1", .least = "1",
	    .most = "100000"),
	FIELD("first", COUNT, struct raw_jobs, first, struct env_group,
	    first_job, .initial = "0"),
	FIELD("count", COUNT, struct raw_jobs, count, struct env_group, count,
	    .least = "1"),
	{0}};

/* What a table cannot say. */

static void print_memory(char **text, uint64_t kib)
{
	char canonical[QUANTITY_TEXT_MAX];

	load_set_text(text, "%s",
	    quantity_print(canonical, MEASURE_MEMORY, kib));
}

/*
 * What is left out depends on what is not.  Unless told, a VM keeps at least
 * what it was created with: a policy cannot know that an application which
 * uses little now will need it again, and a guest without swap crashes then.
 */
static void default_memory(const struct loader *ld, struct env_group *g)
{
	struct raw_vms *raw = &g->raw->vms;
	struct vm *vm = &g->vm;

	if (!raw->memory_min)
		vm->mem_min_kib = vm->mem_kib;
	/* a real guest boots with as little as its configuration has */
	if (!raw->memory_max)
		vm->mem_max_kib = raw->config ? vm->mem_kib : ld->largest_kib;
	if (!raw->memory_idle)
		g->setup.mem_idle_kib = vm->mem_kib < 32 * KIB_PER_MIB
		                            ? vm->mem_kib
		                            : 32 * KIB_PER_MIB;
	print_memory(&raw->memory_min, vm->mem_min_kib);
	print_memory(&raw->memory_max, vm->mem_max_kib);
	print_memory(&raw->memory_idle, g->setup.mem_idle_kib);
}

static bool check_memory(const struct loader *ld, const char *at,
    const struct env_group *g)
{
	const struct vm *vm = &g->vm;
	char largest[QUANTITY_TEXT_MAX];

	quantity_print(largest, MEASURE_MEMORY, ld->largest_kib);
	if (vm->mem_kib > ld->largest_kib)
		return load_fail(ld, at, "memory",
		    "a VM of %s is larger than any host; the largest has %s",
		    g->raw->vms.memory, largest);
	if (vm->mem_min_kib > vm->mem_kib)
		return load_fail(ld, at, "memory-min",
		    "memory-min is %s, more than memory, which is %s",
		    g->raw->vms.memory_min, g->raw->vms.memory);
	if (vm->mem_max_kib < vm->mem_kib)
		return load_fail(ld, at, "memory-max",
		    "memory-max is %s, less than memory, which is %s",
		    g->raw->vms.memory_max, g->raw->vms.memory);
	if (g->setup.mem_idle_kib > vm->mem_kib)
		return load_fail(ld, at, "memory-idle",
		    "memory-idle is %s, more than memory, which is %s",
		    g->raw->vms.memory_idle, g->raw->vms.memory);
	return true;
}

static bool check_vcpus(const struct loader *ld, const char *at,
    uint32_t vcpus)
{
	if (vcpus <= ld->largest_mcpu / MCPU_PER_CPU)
		return true;
	return load_fail(ld, at, "vcpus",
	    "a VM of %u CPUs is larger than any host; the largest has %u",
	    vcpus, ld->largest_mcpu / MCPU_PER_CPU);
}

static bool load_vms(const struct loader *ld, struct env_group *g)
{
	char at[64];

	snprintf(at, sizeof at, "%s.vms", g->at);
	if (!load_fields(ld, at, vm_fields, &g->raw->vms, g))
		return false;
	g->vm.vcpu_mcpu = g->vcpus * MCPU_PER_CPU;
	g->vm.home = NO_HOST;
	default_memory(ld, g);
	return check_memory(ld, at, g) && check_vcpus(ld, at, g->vcpus);
}

static bool load_head(const struct loader *ld, struct env_group *g)
{
	struct raw_head *raw = g->raw->head;
	char at[64];

	if (!raw)
		return true;
	snprintf(at, sizeof at, "%s.head", g->at);
	g->n_heads = 1;
	if (!load_fields(ld, at, head_fields, raw, g))
		return false;
	if (!raw->memory_used) {
		g->setup.head_used_kib = g->head_kib * 6 / 10;
		print_memory(&raw->memory_used, g->setup.head_used_kib);
	}
	if (g->head_kib > ld->largest_kib)
		return load_fail(ld, at, "memory",
		    "a VM of %s is larger than any host", raw->memory);
	if (g->setup.head_used_kib > g->head_kib)
		return load_fail(ld, at, "memory-used",
		    "memory-used is %s, more than memory, which is %s",
		    raw->memory_used, raw->memory);
	return check_vcpus(ld, at, g->head_vcpus);
}

/* An environment for each job, as many as are asked for or left. */
static bool load_jobs(struct loader *ld, struct env_group *g)
{
	struct raw_jobs *raw = g->raw->jobs;
	uint32_t left;
	char at[64];

	if (!raw)
		return true;
	snprintf(at, sizeof at, "%s.jobs", g->at);
	if (g->count != 1)
		return load_fail(ld, g->at, "count",
		    "count is for environments without jobs; one is made for "
		    "each job");
	if (g->n_compute != 1)
		return load_fail(ld, g->at, "vms.count",
		    "the count of VMs is the job's processors; leave it out");
	if (!load_fields(ld, at, jobs_fields, raw, g))
		return false;
	g->log = swf_read(ld->scratch, load_file(ld, raw->file), ld->err);
	if (!g->log)
		return false;
	if (g->first_job >= g->log->n_jobs)
		return load_fail(ld, at, "first",
		    "first is %u, but there are %u jobs", g->first_job,
		    g->log->n_jobs);
	left = g->log->n_jobs - g->first_job;
	if (!raw->count)
		g->count = left;
	if (g->count > left)
		return load_fail(ld, at, "count",
		    "count is %u, but %u jobs are left", g->count, left);
	load_set_text(&raw->count, "%u", g->count);
	return true;
}

static bool load_group(struct loader *ld, uint32_t i, struct env_group *g)
{
	g->raw = &ld->raw->environments[i];
	snprintf(g->at, sizeof g->at, "environments[%u]", i);
	if (!load_name(ld, g->at, g->raw->name) ||
	    !load_fields(ld, g->at, env_fields, g->raw, g) ||
	    !load_vms(ld, g) || !load_head(ld, g) || !load_jobs(ld, g))
		return false;
	if (g->setup.destroy_ns <= g->setup.start_ns &&
	    g->setup.start_ns != TIME_NEVER)
		return load_fail(ld, g->at, "destroy",
		    "destroyed before it starts; destroy must be later");
	return true;
}

/* VMs. */

static uint32_t job_vms(const struct env_group *g, uint32_t i)
{
	if (!g->log)
		return g->n_compute;
	return (g->log->jobs[g->first_job + i].processors + g->processors - 1) /
	       g->processors;
}

static bool count_vms(
    const struct loader *ld, const struct env_group *g, uint64_t *n_vms)
{
	for (uint32_t i = 0; i < g->count; i++) {
		*n_vms += g->n_heads + job_vms(g, i);
		if (*n_vms > MAX_VMS)
			return load_fail(ld, g->at, "vms.count",
			    "more than %d VMs", MAX_VMS);
	}
	return true;
}

static void add_vms(const struct loader *ld, const struct env_group *g,
    const char *name, uint32_t e, uint32_t n, struct vm *vm)
{
	int digits = snprintf(NULL, 0, "%u", n);
	char text[160];

	if (g->n_heads) {
		*vm = g->vm;
		vm->name = pool_print(ld->pool, "%s-head", name);
		vm->env.ix = e;
		vm->is_head = 1;
		vm->vcpu_mcpu = g->head_vcpus * MCPU_PER_CPU;
		vm->mem_kib = g->head_kib;
		vm->mem_min_kib = g->head_kib;
		vm->mem_max_kib = g->head_kib;
		vm++;
	}
	for (uint32_t i = 0; i < n; i++, vm++) {
		*vm = g->vm;
		vm->env.ix = e;
		vm->name = pool_copy(ld->pool, text,
		    (size_t)snprintf(text, sizeof text, "%s-%0*u", name,
			digits, i + 1));
	}
}

static bool add_env(struct loader *ld, const struct env_group *g, uint32_t i,
    struct environment *envs, struct vm *vms, uint32_t e, uint32_t *n_vms)
{
	struct environment *env = &envs[e];
	uint32_t n = job_vms(g, i);

	env->name = load_numbered(ld, g->raw->name, i, g->count);
	env->first_vm = *n_vms;
	env->n_vms = n + g->n_heads;
	add_vms(ld, g, env->name, e, n, vms + *n_vms);
	*n_vms += env->n_vms;
	ld->sc->envs[e] = g->setup;
	ld->sc->envs[e].trace_first = i * g->n_compute;
	if (g->log && g->setup.start_ns != TIME_NEVER)
		ld->sc->envs[e].start_ns +=
		    g->log->jobs[g->first_job + i].submit_ns;
	if (names_add(ld->envs, env->name, e))
		return true;
	return load_fail(ld, g->at, "name",
	    "two environments are named %s; each needs a name of its own",
	    env->name);
}

/* All of it. */

/* One workload for all of a group, or one for each job. */
static bool add_workloads(struct loader *ld, const struct env_group *g,
    uint32_t first_env, uint32_t *n)
{
	char at[64];
	uint32_t compute = g->n_compute;
	struct workload *w = &ld->sc->workloads[*n];
	struct raw_workload *raw = &g->raw->workload;

	snprintf(at, sizeof at, "%s.workload", g->at);
	if (g->log && raw->kind)
		return load_fail(ld, at, NULL,
		    "an environment of jobs has the work of its job; leave "
		    "workload out");
	for (uint32_t i = 0; i < g->count; i++)
		ld->sc->envs[first_env + i].workload = *n + (g->log ? i : 0);
	*n += g->log ? g->count : 1;
	if (!g->log)
		return load_workload(ld, at, raw, &g->vm, compute, w);
	for (uint32_t i = 0; i < g->count; i++)
		load_job(ld, &g->log->jobs[g->first_job + i], g->processors,
		    &g->vm, &w[i]);
	return true;
}

static bool fill(struct loader *ld, const struct env_group *groups,
    struct environment *envs, struct vm *vms)
{
	uint32_t e = 0, n_vms = 0, n_workloads = 0;

	for (uint32_t i = 0; i < ld->raw->environments_count; i++) {
		uint32_t first_env = e;

		for (uint32_t k = 0; k < groups[i].count; k++)
			if (!add_env(ld, &groups[i], k, envs, vms, e++,
				&n_vms))
				return false;
		if (!add_workloads(ld, &groups[i], first_env, &n_workloads))
			return false;
	}
	ld->sc->n_workloads = n_workloads;
	e = 0;
	for (uint32_t i = 0; i < ld->raw->environments_count; i++) {
		if (!load_placement(ld, groups[i].at,
			&groups[i].raw->placement, e, groups[i].count, vms))
			return false;
		e += groups[i].count;
	}
	return true;
}

bool load_environments(struct loader *ld)
{
	uint32_t n = ld->raw->environments_count, n_workloads = 0;
	struct env_group *groups = POOL_TAKE(ld->scratch, n, struct env_group);
	struct model *model = &ld->sc->model;
	uint64_t n_envs = 0, n_vms = 0;
	struct environment *envs;
	struct vm *vms;

	for (uint32_t i = 0; i < n; i++) {
		if (!load_group(ld, i, &groups[i]) ||
		    !count_vms(ld, &groups[i], &n_vms))
			return false;
		n_envs += groups[i].count;
		n_workloads += groups[i].log ? groups[i].count : 1;
	}
	envs = POOL_TAKE(ld->pool, n_envs, struct environment);
	vms = POOL_TAKE(ld->pool, n_vms, struct vm);
	ld->sc->envs = POOL_TAKE(ld->pool, n_envs, struct env_setup);
	ld->sc->workloads = POOL_TAKE(ld->pool, n_workloads, struct workload);
	ld->envs = names_new();
	model->envs = envs;
	model->vms = vms;
	model->n_envs = (uint32_t)n_envs;
	model->n_vms = (uint32_t)n_vms;
	return fill(ld, groups, envs, vms);
}
