/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin run: one scenario under one policy. */
#include "sim/cmd.h"

#include <stdio.h>
#include <string.h>

#include "sim/cmd_run_xen.h"
#include "sim/outdir.h"
#include "sim/run.h"

struct args {
	const char *out, *policy;
	struct opt_list sets;
	uint64_t seed;
	bool force, json, act;
	const char *backend, *control, *metrics, *state, *die_at;
	uint64_t rate_mbit;
};

/* Runs, writes and prints; the directory is committed last, so that what is
 * there is whole. */
static int run_into(const struct args *args, const struct run_spec *spec,
    struct outdir *dir, struct err *err)
{
	struct results *results = run_scenario(spec, err);

	if (!results)
		return EXIT_FAILED;
	if (args->json)
		results_print_json(results, stdout);
	else
		results_print(results, stdout);
	results_free(results);
	return !args->out || outdir_commit(dir, err) ? EXIT_DONE : EXIT_FAILED;
}

static int run_with(const struct args *args, const struct scenario *scenario,
    const struct policy *policy, struct err *err)
{
	struct run_spec spec = {.scenario = scenario,
	    .policy = policy,
	    .seed = args->seed,
	    .progress = "run"};
	struct outdir dir = {0};
	int status;

	if (args->out && !outdir_open(&dir, args->out, args->force, err))
		return EXIT_USAGE;
	spec.folder = dir.build;
	status = run_into(args, &spec, &dir, err);
	outdir_close(&dir);
	return status;
}

static int run_sim(const struct args *args, const char *path, struct err *err)
{
	struct scenario *scenario = run_load(path, &args->sets, err);
	struct plugin plugin = {0};
	int status = EXIT_USAGE;

	if (scenario &&
	    plugin_open(&plugin,
	        args->policy ? args->policy : scenario->manager.policy, err))
		status = run_with(args, scenario, plugin.policy, err);
	plugin_close(&plugin);
	scenario_free(scenario);
	return status;
}

static int run_on_backend(
    const struct args *args, const char *path, struct err *err)
{
	const struct run_xen_args xen = {.path = path,
	    .sets = args->sets,
	    .policy = args->policy,
	    .out = args->out,
	    .control = args->control,
	    .metrics = args->metrics,
	    .state = args->state,
	    .die_at = args->die_at,
	    .rate_mbit = args->rate_mbit,
	    .act = args->act,
	    .force = args->force,
	    .json = args->json};
	bool is_xen = args->backend && strcmp(args->backend, "xen") == 0;
	bool live = args->act || args->control || args->metrics ||
	            args->state || args->rate_mbit || args->die_at;

	if (is_xen && !args->seed)
		return run_xen(&xen, err);
	if (is_xen)
		return err_set(err, "--seed is for --backend sim: nothing is "
		                    "drawn on real hosts"),
		       EXIT_USAGE;
	if (args->backend && strcmp(args->backend, "sim") != 0)
		err_set(err, "--backend is \"%s\"; sim or xen is right",
		    args->backend);
	else if (live)
		err_set(err, "--act, --control, --metrics, --state, --rate and "
		             "--die-at are for --backend xen");
	else
		return run_sim(args, path, err);
	return EXIT_USAGE;
}

int cmd_run(int argc, char **argv)
{
	struct args args = {0};
	const struct opt table[] = {
	    {'o', "output", "DIR", "write the results into DIR, made new",
	        .text = &args.out},
	    {'p', "policy", "P", "instead of the scenario's: a name, or ./P.so",
	        .text = &args.policy},
	    {'s', "seed", "N", "instead of the scenario's",
	        .number = &args.seed},
	    {0, "set", "KEY=VALUE", "override a value of the scenario",
	        .list = &args.sets},
	    {'f', "force", NULL, "replace DIR if it is there",
	        .flag = &args.force},
	    {0, "json", NULL, "print the summary as JSON", .flag = &args.json},
	    {'b', "backend", "B", "sim (the default), or xen: FILE is a site",
	        .text = &args.backend},
	    {0, "act", NULL, "xen: act; else it only shows what it would do",
	        .flag = &args.act},
	    {0, "control", "PATH", "xen: of the control socket",
	        .text = &args.control},
	    {0, "metrics", "ADDR:PORT", "xen: serve Prometheus there",
	        .text = &args.metrics},
	    {0, "state", "DIR", "xen: keep operators' wishes there",
	        .text = &args.state},
	    {0, "rate", "MBIT/S", "xen: at most this for a migration",
	        .number = &args.rate_mbit},
	    {0, "die-at", "TEXT", "xen: for tests: kill itself at this line",
	        .text = &args.die_at},
	    {0}};
	const struct opts opts = {"run", "FILE",
	    "Runs a scenario and prints when each environment ended.", 1, 1,
	    table};
	struct err err = {0};
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	status = run_on_backend(&args, argv[first], &err);
	return status ? opts_fail(&opts, status, err.text) : status;
}
