/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many runs over all CPUs, each in a process of its own. */
#ifndef TESTS_PAPER_JOBS_H
#define TESTS_PAPER_JOBS_H

#include <stdbool.h>
#include <stdint.h>

enum { JOB_VALUES = 6, JOB_TEXT_MAX = 200 };

/* What a job gives back. */
struct job {
	double values[JOB_VALUES];
	char text[JOB_TEXT_MAX];
};

/*
 * Calls run(self, i, &job) for each i below n, in any order, as many at a
 * time as there are CPUs.  False when one did not come back; all others are
 * in jobs[].
 */
bool jobs_run(uint32_t n, void (*run)(void *self, uint32_t i, struct job *job),
    void *self, struct job *jobs);

#endif
