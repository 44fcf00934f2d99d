/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The CSV files that a scenario names.  What is returned lives in the pool;
 * NULL or false with err naming file, line and column.
 *
 *	utilisation	time_s,NAME,NAME,...	one row a step, steps of one
 *			length; CPU in percent of the VM's vCPUs
 *	memory		the same, in MiB used
 *	tasks		vm,think_s,work_s	in order, for each vm
 *	placement	vm,host
 *	stages		stage_columns in trace_stages.c, one row a stage
 */
#ifndef SCENARIOS_TRACE_H
#define SCENARIOS_TRACE_H

#include "scenarios/pool.h"
#include "scenarios/scenario.h"

/* mem_path may be NULL; else it has as many columns and steps.  interval_ns
 * is 0 if the file has but one step. */
struct trace *trace_read(struct pool *pool, const char *cpu_path,
    const char *mem_path, struct err *err);

struct task_list *trace_read_tasks(
    struct pool *pool, const char *path, struct err *err);

struct stage *trace_read_stages(struct pool *pool, const char *path,
    uint32_t *n_stages, struct err *err);

/* Writes stages so that reading gives the same bits. */
void trace_write_stages(
    const struct stage *stages, uint32_t n_stages, FILE *out);

/* Calls place for each row; it returns NULL, or what is wrong with vm or
 * host. */
typedef const char *trace_place_fn(
    void *self, const char *vm, const char *host, bool *wrong_vm);
bool trace_read_placement(
    const char *path, trace_place_fn *place, void *self, struct err *err);

#endif
