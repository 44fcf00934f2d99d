/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin sweep: one scenario for many seeds, values and policies. */
#include "sim/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/run.h"
#include "sim/sweep.h"

struct args {
	const char *out, *seeds, *part;
	struct opt_list sets, policies, varied;
	uint64_t jobs;
};

/* "20" is 1 to 20, "5-8" is 5 to 8. */
static bool take_seeds(struct sweep *sweep, const char *text, struct err *err)
{
	unsigned long long first, last;
	char end;
	int n = sscanf(text, "%llu-%llu%c", &first, &last, &end);

	if (n == 1 && sscanf(text, "%llu%c", &last, &end) == 1)
		first = 1;
	else if (n != 2)
		first = last = 0;
	if (first < 1 || last < first || last - first >= 1000000)
		return err_set(
		    err, "--seeds is \"%s\"; 20, or 5-8, is right", text);
	sweep->first_seed = first;
	sweep->n_seeds = last - first + 1;
	return true;
}

static bool take_part(struct sweep *sweep, const char *text, struct err *err)
{
	unsigned long long part, n;
	char end;

	if (sscanf(text, "%llu/%llu%c", &part, &n, &end) != 2 || part < 1 ||
	    part > n)
		return err_set(err, "--part is \"%s\"; 1/4 is right", text);
	sweep->part = part - 1;
	sweep->n_parts = n;
	return true;
}

/* A mistake is told before any process starts. */
static bool is_right(const struct sweep *sweep, struct err *err)
{
	bool ok = sweep_check(sweep, err);

	for (uint32_t i = 0; ok && i < sweep->n_policies; i++) {
		struct plugin plugin;

		ok = plugin_open(&plugin, sweep->policies[i], err);
		if (ok)
			plugin_close(&plugin);
	}
	return ok;
}

static bool take_args(
    struct sweep *sweep, const struct args *args, struct err *err)
{
	if (!args->out)
		return err_set(err, "-o DIR is missing");
	sweep->folder = args->out;
	sweep->sets = &args->sets;
	sweep->n_policies = args->policies.n;
	for (uint32_t i = 0; i < args->policies.n; i++)
		sweep->policies[i] = args->policies.values[i];
	sweep->n_jobs = args->jobs;
	if (!sweep->n_jobs)
		sweep->n_jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	for (uint32_t i = 0; i < args->varied.n; i++)
		if (!sweep_vary(sweep, args->varied.values[i], err))
			return false;
	return take_seeds(sweep, args->seeds, err) &&
	       take_part(sweep, args->part, err) && is_right(sweep, err);
}

static int sweep_all(
    struct sweep *sweep, const struct args *args, struct err *err)
{
	if (!take_args(sweep, args, err))
		return EXIT_USAGE;
	if (!sweep_run(sweep, err))
		return EXIT_FAILED;
	if (!sweep_is_complete(sweep)) {
		puts("this part is complete; others are not in the directory");
		return EXIT_DONE;
	}
	return sweep_summarise(sweep, stdout, err) ? EXIT_DONE : EXIT_FAILED;
}

int cmd_sweep(int argc, char **argv)
{
	struct args args = {.seeds = "20", .part = "1/1"};
	const struct opt table[] = {
	    {'o', "output", "DIR", "where the rows go; goes on if it is there",
	        .text = &args.out},
	    {'p', "policy", "P", "one more to run (none, violin)",
	        .list = &args.policies},
	    {'s', "seeds", "N|A-B", "1 to N (20), or A to B",
	        .text = &args.seeds},
	    {0, "vary", "KEY=V,V...", "run for each of these values",
	        .list = &args.varied},
	    {0, "set", "KEY=VALUE", "override a value of the scenario",
	        .list = &args.sets},
	    {'j', "jobs", "N", "processes at a time (as many as CPUs)",
	        .number = &args.jobs},
	    {0, "part", "I/N", "only every Nth run, from the Ith on",
	        .text = &args.part},
	    {0}};
	const struct opts opts = {"sweep", "FILE",
	    "Runs a scenario for every policy, every combination of varied\n"
	    "values and every seed.  DIR/runs.csv gets a row a run, as they\n"
	    "end; DIR/summary.csv means and 95 % intervals over the seeds.\n"
	    "The same command goes on with a sweep that was interrupted.  For\n"
	    "several machines, give each a --part and a DIR, and put the rows\n"
	    "of all into one.",
	    1, 1, table};
	struct sweep sweep = {0};
	struct err err = {0};
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	if (args.policies.n == 0)
		args.policies = (struct opt_list){{"none", "violin"}, 2};
	sweep.scenario = argv[first];
	status = sweep_all(&sweep, &args, &err);
	sweep_fini(&sweep);
	return status ? opts_fail(&opts, status, err.text) : status;
}
