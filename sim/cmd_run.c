/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin run: one scenario under one policy. */
#include "sim/cmd.h"

#include <stdio.h>

#include "sim/outdir.h"
#include "sim/run.h"

struct args {
	const char *out, *policy;
	struct opt_list sets;
	uint64_t seed;
	bool force, json;
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
	    {0}};
	const struct opts opts = {"run", "FILE",
	    "Runs a scenario and prints when each environment ended.", 1, 1,
	    table};
	struct err err = {0};
	struct scenario *scenario;
	struct plugin plugin = {0};
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	scenario = run_load(argv[first], &args.sets, &err);
	if (scenario &&
	    plugin_open(&plugin,
	        args.policy ? args.policy : scenario->manager.policy, &err))
		status = run_with(&args, scenario, plugin.policy, &err);
	plugin_close(&plugin);
	scenario_free(scenario);
	return status ? opts_fail(&opts, status, err.text) : status;
}
