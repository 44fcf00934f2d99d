/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a run gives: heard from the simulation as it happens, kept in memory
 * where it is small, and written into a folder if one is asked for.  The
 * files and their columns are described in violin-results(5):
 *
 *	environments.csv  when each environment came, ran and ended
 *	actions.csv       what the manager started, and why
 *	migrations.csv    each migration, rounds.csv each of its rounds
 *	placements.csv    where each VM was, from when on
 *	hosts.csv vms.csv allocation and use over time
 *	record            observations, plans, outcomes (core/record.h)
 *	summary.json      what was run, by what, and the sums
 *
 * The same scenario, policy and seed give the same bytes.
 */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include "sim/sim.h"

/* What is run; scenario and policy are borrowed as long as the results. */
struct results_of {
	const struct scenario *scenario;
	const struct policy *policy;
	const double *values; /* the policy's parameters */
	uint64_t seed;        /* as used */
};

/* What became of an environment. */
struct result_env {
	int64_t created_ns, start_ns, end_ns; /* -1: never */
	const char *outcome; /* sim/sim.h; "absent" if never asked for */
	int64_t stalled_ns;  /* stopped while its network was cut, in sum */
	int64_t linger_ns;   /* and slow after that */
};

struct results;

/* folder: of a directory that exists and is empty (sim/outdir.h), or NULL to
 * write nothing.  New, or NULL with err. */
struct results *results_new(
    const struct results_of *of, const char *folder, struct err *err);

/* What to give to sim_new. */
const struct sim_listener *results_listener(const struct results *results);

/* Hears too, after the results, what is in *listener; before sim_new. */
void results_also_tell(
    struct results *results, const struct sim_listener *listener);

/* What was written so far can be read by others.  False, once, when it cannot
 * be written any more: then each file is cut off after its last whole line
 * and closed, and nothing more is written. */
bool results_flush(struct results *results, struct err *err);

/* After the run: completes the files.  False when one could not be written. */
bool results_finish(struct results *results, const struct sim_metrics *metrics,
    struct err *err);

void results_free(struct results *results);

/* After results_finish. */

/* As many as the model has environments. */
const struct result_env *results_envs(const struct results *results);

/* Migrations in the order in which they ended. */
const struct sim_migration *results_migrations(
    const struct results *results, uint32_t *n);

const struct sim_metrics *results_metrics(const struct results *results);

const struct results_of *results_what(const struct results *results);

/* The time of an environment's application: NAN unless it is "done". */
double result_execution_s(const struct result_env *env);

/* The mean of these over the environments that are done; NAN for none. */
double results_mean_execution_s(const struct results *results);

/* From the first start to the last end; NAN if nothing ended. */
double results_overall_s(const struct results *results);

/* The text of summary.json. */
void results_print_json(const struct results *results, FILE *out);

/* For people: a line an environment, and the sums. */
void results_print(const struct results *results, FILE *out);

#endif
