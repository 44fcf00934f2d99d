/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violin run --backend xen: what a live run does is told to the same results
 * as a simulated one, so that figures, replay and comparison take both.  When
 * the site is read again, the next leg has a result directory of its own.
 */
#include "sim/cmd_run_xen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/run.h"
#include "sim/outdir.h"
#include "sim/run.h"

#ifdef HAVE_LIVE

/* One site as it was read, and what hears of it. */
struct leg {
	struct scenario *site;
	struct plugin plugin;
	double *values;
	struct outdir dir;
	struct results *results;
	const struct sim_listener *to;
	struct sim_env_end *envs;
	struct sim_host_row *host_rows;
	struct sim_vm_row *vm_rows;
	struct sim_metrics metrics;
	uint32_t n_migrations;
};

/* What is told to the results. */

static void vm_moved(void *self, int64_t now_ns, struct vm_id vm,
    struct host_id from, struct host_id to)
{
	struct leg *leg = self;

	leg->to->vm_moved(leg->to->self, now_ns, vm, from, to);
}

static void migration_ended(void *self, const struct live_migration *m)
{
	struct leg *leg = self;
	const struct sim_migration ended = {.vm = m->vm,
	    .from = m->from,
	    .to = m->to,
	    .migration = leg->n_migrations++,
	    .start_ns = m->start_ns,
	    .end_ns = m->end_ns,
	    .downtime_ns = m->down_ns,
	    .network_ns = m->network_ns,
	    .sent_bytes = (double)m->bytes,
	    .outcome = m->done ? "done" : "failed"};

	leg->metrics.n_migrations++;
	leg->metrics.n_migrations_failed += !m->done;
	leg->to->migration_ended(leg->to->self, &ended);
}

static void env_asked(void *self, int64_t now_ns, struct env_id env)
{
	struct leg *leg = self;

	leg->envs[env.ix] = (struct sim_env_end){.env = env,
	    .created_ns = now_ns,
	    .start_ns = -1,
	    .end_ns = -1,
	    .outcome = "queued"};
}

static void env_started(void *self, int64_t now_ns, struct env_id env)
{
	struct leg *leg = self;
	struct sim_env_end *end = &leg->envs[env.ix];

	if (end->created_ns < 0)
		end->created_ns = now_ns;
	end->env = env;
	end->start_ns = now_ns;
	end->end_ns = -1;
	end->outcome = "running";
}

static void env_ended(
    void *self, int64_t now_ns, struct env_id env, const char *outcome)
{
	struct leg *leg = self;
	struct sim_env_end *end = &leg->envs[env.ix];

	if (end->end_ns >= 0 || end->created_ns < 0)
		return;
	end->end_ns = now_ns;
	end->outcome = outcome;
	leg->to->env_ended(leg->to->self, end);
}

/* A row of the series for each step: what the core was told. */
static void tell_series(struct leg *leg, const struct observation *obs)
{
	const struct model *m = &leg->site->model;

	for (uint32_t h = 0; h < m->n_hosts; h++)
		leg->host_rows[h] = (struct sim_host_row){.host = {h},
		    .cpu_used_mcpu = obs->hosts[h].cpu_used_mcpu};
	for (uint32_t v = 0; v < m->n_vms; v++) {
		const struct vm_observation *seen = &obs->vms[v];
		struct sim_host_row *row;

		leg->vm_rows[v] = (struct sim_vm_row){.vm = {v},
		    .host = seen->host,
		    .state = seen->state,
		    .cpu_used_mcpu = seen->cpu_used_mcpu,
		    .cpu_alloc_mcpu = vm_cpu_alloc_mcpu(&m->vms[v], seen),
		    .mem_used_kib = seen->mem_used_kib,
		    .mem_alloc_kib = seen->mem_alloc_kib};
		if (!vm_is_placed(seen))
			continue;
		row = &leg->host_rows[seen->host.ix];
		row->n_vms++;
		row->cpu_alloc_mcpu += leg->vm_rows[v].cpu_alloc_mcpu;
		row->mem_alloc_kib += seen->mem_alloc_kib;
	}
	leg->to->series_hosts(
	    leg->to->self, obs->now_ns, leg->host_rows, m->n_hosts);
	leg->to->series_vms(
	    leg->to->self, obs->now_ns, leg->vm_rows, m->n_vms);
}

static void observed(void *self, const struct observation *obs)
{
	struct leg *leg = self;

	leg->metrics.n_steps++;
	leg->to->manager.observed(leg->to->manager.self, obs);
	tell_series(leg, obs);
}

/* Results that cannot be written are no reason not to manage. */
static void flush_results(struct leg *leg)
{
	struct err err = {""};

	if (!results_flush(leg->results, &err))
		fprintf(stderr,
		    "violin: %s; the run goes on, its results end here\n",
		    err.text);
}

static void planned(
    void *self, const struct observation *obs, const struct plan *plan)
{
	struct leg *leg = self;

	leg->to->manager.planned(leg->to->manager.self, obs, plan);
	flush_results(leg);
}

static void heard(void *self, const struct outcome *outcome)
{
	struct leg *leg = self;

	leg->to->manager.heard(leg->to->manager.self, outcome);
}

/* A leg. */

static bool take_tables(struct leg *leg, struct err *err)
{
	const struct model *m = &leg->site->model;
	uint32_t n_params = leg->plugin.policy->n_params;

	leg->values = calloc(n_params + 1, sizeof *leg->values);
	leg->envs = calloc(m->n_envs + 1, sizeof *leg->envs);
	leg->host_rows = calloc(m->n_hosts + 1, sizeof *leg->host_rows);
	leg->vm_rows = calloc(m->n_vms + 1, sizeof *leg->vm_rows);
	if (!leg->values || !leg->envs || !leg->host_rows || !leg->vm_rows)
		return err_set(err, "not enough memory");
	for (uint32_t e = 0; e < m->n_envs; e++)
		leg->envs[e] = (struct sim_env_end){.env = {e},
		    .created_ns = -1,
		    .start_ns = -1,
		    .end_ns = -1,
		    .outcome = "absent"};
	return true;
}

/* "DIR", then "DIR.2", "DIR.3", ... for the legs after the first. */
static bool open_dir(
    struct leg *leg, const struct run_xen_args *args, int n, struct err *err)
{
	char path[4096];

	if (!args->out)
		return true;
	snprintf(path, sizeof path, n > 1 ? "%s.%d" : "%s", args->out, n);
	return outdir_open(&leg->dir, path, args->force, err);
}

static bool open_leg(
    struct leg *leg, const struct run_xen_args *args, int n, struct err *err)
{
	struct results_of of = {0};

	*leg = (struct leg){.site = run_load(args->path, &args->sets, err)};
	if (!leg->site ||
	    !plugin_open(&leg->plugin,
		args->policy ? args->policy : leg->site->manager.policy,
		err) ||
	    !take_tables(leg, err) ||
	    !scenario_bind_policy(
		leg->site, leg->plugin.policy, leg->values, err) ||
	    !open_dir(leg, args, n, err))
		return false;
	of = (struct results_of){.scenario = leg->site,
	    .policy = leg->plugin.policy,
	    .values = leg->values,
	    .seed = leg->site->seed};
	leg->results = results_new(&of, leg->dir.build, err);
	if (leg->results)
		leg->to = results_listener(leg->results);
	return leg->results != NULL;
}

static void close_leg(struct leg *leg)
{
	results_free(leg->results);
	outdir_close(&leg->dir);
	plugin_close(&leg->plugin);
	scenario_free(leg->site);
	free(leg->values);
	free(leg->envs);
	free(leg->host_rows);
	free(leg->vm_rows);
}

/* What was not over is told as it is. */
static bool finish_leg(struct leg *leg, const struct run_xen_args *args,
    int64_t now_ns, struct err *err)
{
	for (uint32_t e = 0; e < leg->site->model.n_envs; e++)
		if (leg->envs[e].end_ns < 0 && leg->envs[e].created_ns >= 0)
			leg->to->env_ended(leg->to->self, &leg->envs[e]);
	leg->metrics.end_ns = now_ns;
	if (!results_finish(leg->results, &leg->metrics, err)) {
		/* What there is of a live run is not to be had again. */
		outdir_keep(&leg->dir);
		return false;
	}
	if (args->json)
		results_print_json(leg->results, stdout);
	else
		results_print(leg->results, stdout);
	return !args->out || outdir_commit(&leg->dir, err);
}

static enum live_run_end run_leg(
    struct live_run *run, struct leg *leg, struct err *err)
{
	const struct live_run_listener listener = {
	    .manager = {leg, observed, planned, heard},
	    .live = {leg, vm_moved, migration_ended, env_asked, env_started,
	        env_ended}};

	return live_run(run, leg->site, leg->plugin.policy, leg->values,
	    &listener, err);
}

/* All that a leg would read, read once before the old one ends. */
static bool is_readable(void *self, struct err *err)
{
	const struct run_xen_args *args = self;
	struct scenario *site = run_load(args->path, &args->sets, err);
	bool ok = site && live_run_check(site, err);

	scenario_free(site);
	return ok;
}

static int run_legs(const struct run_xen_args *args, struct live_run *run,
    struct leg *leg, struct err *err)
{
	enum live_run_end end = LIVE_RUN_RELOAD;
	int n = 1;

	while (end == LIVE_RUN_RELOAD) {
		struct err finish = {""};

		end = run_leg(run, leg, err);
		if (!finish_leg(leg, args, live_run_now_ns(run), &finish)) {
			*err = finish;
			end = LIVE_RUN_FAILED;
		}
		if (end != LIVE_RUN_RELOAD)
			break;
		close_leg(leg);
		if (!open_leg(leg, args, ++n, err))
			end = LIVE_RUN_FAILED;
	}
	return end == LIVE_RUN_ENDED ? EXIT_DONE : EXIT_FAILED;
}

int run_xen(const struct run_xen_args *args, struct err *err)
{
	struct run_xen_args copy = *args;
	const struct live_run_options options = {
	    .control =
		args->control ? args->control : live_run_default_control(),
	    .metrics = args->metrics,
	    .state = args->act ? args->state : NULL,
	    .die_at = args->die_at,
	    .act = args->act,
	    .is_readable = is_readable,
	    .self = &copy,
	    .rate_bps = args->rate_mbit * 1000000};
	struct live_run *run = NULL;
	int status = EXIT_USAGE;
	struct leg leg;

	if (open_leg(&leg, args, 1, err) &&
	    live_run_check(leg.site, err) &&
	    (run = live_run_open(&options, err)))
		status = run_legs(args, run, &leg, err);
	close_leg(&leg);
	live_run_close(run);
	return status;
}

#else

int run_xen(const struct run_xen_args *args, struct err *err)
{
	err_set(err, "%s: live mode is not in this program: ZeroMQ, libsodium "
		     "and libmnl were not there when it was built", args->path);
	return EXIT_FAILED;
}

#endif
