/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run, from scenario to results; see run.h. */
#include "sim/run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sim/progress.h"

static void tell_progress(void *self, int64_t now_ns, int64_t until_ns)
{
	progress_tell(self, ns_to_s(now_ns), ns_to_s(until_ns));
}

/* Who is interrupted tidies up: no part of a directory stays. */
static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = number;
}

static bool run_to_end(struct sim *sim, struct err *err)
{
	const struct sigaction catch = {.sa_handler = interrupt};
	struct sigaction int_before, term_before;

	interrupted = 0;
	sigaction(SIGINT, &catch, &int_before);
	sigaction(SIGTERM, &catch, &term_before);
	while (!interrupted && sim_step(sim))
		;
	sigaction(SIGINT, &int_before, NULL);
	sigaction(SIGTERM, &term_before, NULL);
	if (interrupted)
		return err_set(err, "interrupted");
	return sim_run(sim, err);
}

static bool simulate(const struct run_spec *spec, const double *values,
    uint64_t seed, struct results *results, struct err *err)
{
	struct progress progress;
	const struct sim_listener watch = {
	    .self = &progress, .progress = tell_progress};
	struct sim *sim;
	bool ok;

	if (spec->progress)
		results_also_tell(results, &watch);
	sim = sim_new(spec->scenario, spec->policy, values, seed,
	    results_listener(results), err);
	if (!sim)
		return false;
	if (spec->progress)
		progress_begin(&progress, spec->progress);
	ok = run_to_end(sim, err);
	if (spec->progress)
		progress_end(&progress);
	ok = ok && results_finish(results, sim_metrics(sim), err);
	sim_free(sim);
	return ok;
}

struct results *run_scenario(const struct run_spec *spec, struct err *err)
{
	uint64_t seed = spec->seed ? spec->seed : spec->scenario->seed;
	uint32_t n = spec->policy->n_params;
	double *values = calloc(n ? n : 1, sizeof *values);
	struct results *results = NULL;

	if (!values) {
		err_set(err, "not enough memory");
		return NULL;
	}
	if (scenario_bind_policy(spec->scenario, spec->policy, values, err))
		results =
		    results_new(&(struct results_of){.scenario = spec->scenario,
		                    .policy = spec->policy,
		                    .values = values,
		                    .seed = seed},
		        spec->folder, err);
	if (results && !simulate(spec, values, seed, results, err)) {
		results_free(results);
		results = NULL;
	}
	free(values);
	return results;
}

bool run_split_set(
    const char *text, struct override *set, char **copy, struct err *err)
{
	const char *equals = strchr(text, '=');

	*copy = NULL;
	if (!equals || equals == text)
		return err_set(
		    err, "--set is \"%s\"; key.path=value is right", text);
	*copy = strdup(text);
	if (!*copy)
		return err_set(err, "not enough memory");
	(*copy)[equals - text] = '\0';
	*set = (struct override){*copy, *copy + (equals - text) + 1};
	return true;
}

struct scenario *run_load(
    const char *path, const struct opt_list *sets, struct err *err)
{
	struct override overrides[OPT_LIST_MAX] = {{NULL, NULL}};
	char *copies[OPT_LIST_MAX] = {NULL};
	struct scenario *scenario = NULL;
	uint32_t n = 0;

	while (n < sets->n &&
	       run_split_set(sets->values[n], &overrides[n], &copies[n], err))
		n++;
	if (n == sets->n)
		scenario = scenario_load(path, overrides, n, err);
	while (n > 0)
		free(copies[--n]);
	return scenario;
}
