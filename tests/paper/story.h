/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run of one of the paper's scenarios, with all that its manager saw, so
 * that one can ask whether what the paper tells has happened in it.
 */
#ifndef TESTS_PAPER_STORY_H
#define TESTS_PAPER_STORY_H

#include "sim/results.h"

/* What the manager saw of the VMs at one of its steps. */
struct story_step {
	int64_t now_ns;
	struct vm_observation *vms; /* new */
};

struct story {
	struct scenario *scenario;
	struct results *results;
	struct story_step *steps;
	uint32_t n_steps, max_steps;
};

/* What to run: a scenario file with `--set`s, under a built-in policy. */
struct story_of {
	const char *file;
	const char *sets[4]; /* ended by NULL */
	const char *policy;
	uint64_t seed;      /* 0: the scenario's */
	const char *folder; /* for the result files; NULL: none */
};

/* Runs it.  False with err. */
bool story_run(struct story *story, const struct story_of *of, struct err *err);
void story_fini(struct story *story);

/* An environment by its name; there must be one. */
struct env_id story_env(const struct story *story, const char *name);
const struct result_env *story_end(const struct story *story, const char *name);

/* 100 (a / b - 1) of the execution times; the average of those that are done
 * in both; the overall time. */
double story_change(
    const struct story *a, const struct story *b, const char *name);
double story_average_change(const struct story *a, const struct story *b);
double story_overall_change(const struct story *a, const struct story *b);

/*
 * Did the manager decide as the paper tells?  False with err, which says what
 * was different.
 */
bool story_is_scenario1(const struct story *story, struct err *err);
bool story_is_scenario2(const struct story *story, struct err *err);

/* Scenario 3, by its parts. */
bool story_v1_makes_room(const struct story *story, struct err *err);
bool story_v3_grows_after(const struct story *story, struct err *err);
bool story_v4_comes_after(const struct story *story, struct err *err);
double story_least_peak_mb(const struct story *story, const char *name);

#endif
