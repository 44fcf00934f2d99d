/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run, from scenario to results: what run, compare and sweep repeat. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "sim/opts.h"
#include "sim/plugin.h"
#include "sim/results.h"

struct run_spec {
	const struct scenario *scenario;
	const struct policy *policy;
	uint64_t seed;        /* 0: the scenario's */
	const char *folder;   /* for the files; NULL: none */
	const char *progress; /* what to call it on a terminal; NULL: silent */
};

/* Runs it.  New results, finished; or NULL with err. */
struct results *run_scenario(const struct run_spec *spec, struct err *err);

/* Loads a scenario with the given `--set key.path=value`s; NULL with err. */
struct scenario *run_load(
    const char *path, const struct opt_list *sets, struct err *err);

/* "key.path=value" in two; the parts are in *copy, which the caller frees. */
bool run_split_set(
    const char *text, struct override *set, char **copy, struct err *err);

#endif
