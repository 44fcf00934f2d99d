/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Standard Workload Format, version 2.2: what batch systems logged, one
 * job a line of 18 numbers, -1 where unknown, and comments that begin with
 * ';' (Chapin et al. 1999; the Parallel Workloads Archive).
 */
#ifndef SCENARIOS_SWF_H
#define SCENARIOS_SWF_H

#include <stdint.h>

#include "core/err.h"
#include "scenarios/pool.h"

struct swf_job {
	int64_t number;     /* 1, 2, ... */
	int64_t submit_ns;  /* since the log's start */
	double run_s;       /* wall clock */
	double cpu_s;       /* used on average by each processor; or run_s */
	uint32_t processors;
	uint64_t used_kib;  /* by each processor; 0: unknown */
};

struct swf_log {
	struct swf_job *jobs; /* by submit time */
	uint32_t n_jobs;
	uint32_t n_skipped;   /* jobs that never ran: cancelled, or unknown */
};

/* Reads a log into the pool; NULL with err naming file, line and column. */
struct swf_log *swf_read(
    struct pool *pool, const char *path, struct err *err);

#endif
