/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stage, and what it and other workloads have: CPU, memory; see load.h. */
#include "scenarios/load.h"

#include <stdlib.h>

static const struct field working_set_fields[] = {
	FIELD("fraction", NUMBER, struct raw_working_set, fraction,
	    struct working_set, fraction, .most = "1"),
	FIELD("rate", RATE, struct raw_working_set, rate, struct working_set,
	    dirty_bps, .least = "0 bit/s"),
	{0}};

/* A small writable working set, and the rest of the memory that is used. */
static void default_dirty(struct raw_working_set **raw, uint32_t *n_raw)
{
	*n_raw = 2;
	*raw = calloc(2, sizeof **raw);
	if (!*raw)
		abort();
	load_set_text(&(*raw)[0].fraction, "0.02");
	load_set_text(&(*raw)[0].rate, "200 Mbit/s");
	load_set_text(&(*raw)[1].fraction, "0.98");
	load_set_text(&(*raw)[1].rate, "2 Mbit/s");
}

bool load_dirty(const struct loader *ld, const char *at,
    struct raw_working_set **raw, uint32_t *n_raw, struct working_set *sets)
{
	double sum = 0;
	char path[128];

	if (!*n_raw)
		default_dirty(raw, n_raw);
	for (uint32_t i = 0; i < *n_raw; i++) {
		snprintf(path, sizeof path, "%s.dirty[%u]", at, i);
		if (!load_fields(
			ld, path, working_set_fields, &(*raw)[i], &sets[i]))
			return false;
		sum += sets[i].fraction;
	}
	if (sum > 1 + 1e-9)
		return load_fail(ld, at, "dirty",
		    "the fractions add up to %.10g; the most is 1", sum);
	return true;
}

/* The usual use: 60 % of what is allocated. */
bool load_memory_used(const struct loader *ld, const char *at,
    char **text, const struct vm *vm, uint64_t *used_kib)
{
	static const struct field field = {.key = "memory",
	    .kind = FIELD_MEMORY, .least = "1 KiB"};
	char canonical[QUANTITY_TEXT_MAX];

	if (!*text)
		load_set_text(text, "%s",
		    quantity_print(canonical, MEASURE_MEMORY,
			vm->mem_kib * 6 / 10));
	return load_field(ld, at, &field, text, used_kib);
}

bool load_demand(const struct loader *ld, const char *at, char **text,
    const struct vm *vm, double *mcpu)
{
	static const struct field field = {
	    .key = "cpu", .kind = FIELD_CPU, .least = "1 mcpu"};
	char canonical[QUANTITY_TEXT_MAX];

	if (!*text)
		load_set_text(text, "%s",
		    quantity_print(canonical, MEASURE_CPU, vm->vcpu_mcpu));
	if (!load_field(ld, at, &field, text, mcpu))
		return false;
	if (*mcpu > vm->vcpu_mcpu)
		return load_fail(ld, at, "cpu",
		    "cpu is %s, more than the %u vcpus of the VM", *text,
		    vm->vcpu_mcpu / MCPU_PER_CPU);
	return true;
}

struct stage_times {
	double run_s;
	struct stage stage;
};

static const struct field stage_fields[] = {
	FIELD("run-time", SECONDS, struct raw_stage, run_time,
	    struct stage_times, run_s, .least = "1 ns"),
	FIELD("iterations", NUMBER, struct raw_stage, iterations,
	    struct stage_times, stage.iterations, .initial = "1",
	    .least = "1", .most = "1e12"),
	FIELD("exchange", DATA, struct raw_stage, exchange,
	    struct stage_times, stage.exchange_bytes, .initial = "0 B"),
	{0}};

bool load_stage(const struct loader *ld, const char *at,
    struct raw_stage *raw, const struct vm *vm, struct stage *stage)
{
	struct stage_times t = {0};

	if (!load_fields(ld, at, stage_fields, raw, &t) ||
	    !load_demand(ld, at, &raw->cpu, vm, &t.stage.demand_mcpu) ||
	    !load_memory_used(
		ld, at, &raw->memory, vm, &t.stage.mem_used_kib) ||
	    !load_dirty(
		ld, at, &raw->dirty, &raw->dirty_count, t.stage.sets))
		return false;
	t.stage.work_s = t.run_s * t.stage.demand_mcpu / MCPU_PER_CPU;
	*stage = t.stage;
	return true;
}
