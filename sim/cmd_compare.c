/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin compare: one scenario under several policies, side by side. */
#include "sim/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/comparison.h"
#include "sim/outdir.h"
#include "sim/run.h"

struct args {
	const char *out;
	struct opt_list sets, policies;
	uint64_t seed;
	bool force, json;
};

struct compare {
	const struct args *args;
	const struct scenario *scenario;
	struct plugin plugins[COMPARISON_MAX];
	struct results *results[COMPARISON_MAX];
	uint32_t n; /* policies */
	struct outdir dir;
};

/* The name of a policy is that of its folder and its columns. */
static bool name_is_plain(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
	                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] ==
	       '\0';
}

static bool open_policies(struct compare *c, struct err *err)
{
	const struct opt_list *names = &c->args->policies;

	for (uint32_t i = 0; i < names->n; i++) {
		if (i == COMPARISON_MAX)
			return err_set(
			    err, "more than %d policies", COMPARISON_MAX);
		if (!plugin_open(&c->plugins[i], names->values[i], err))
			return false;
		c->n++;
		if (!name_is_plain(c->plugins[i].policy->name))
			return err_set(err,
			    "%s: a policy's name is of "
			    "letters, digits, - and _, not \"%s\"",
			    names->values[i], c->plugins[i].policy->name);
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(c->plugins[k].policy->name,
			        c->plugins[i].policy->name) == 0)
				return err_set(err,
				    "two policies are called "
				    "%s",
				    c->plugins[i].policy->name);
	}
	return true;
}

static bool run_one(struct compare *c, uint32_t i, struct err *err)
{
	const struct policy *policy = c->plugins[i].policy;
	struct run_spec spec = {.scenario = c->scenario,
	    .policy = policy,
	    .seed = c->args->seed,
	    .progress = policy->name};
	char *folder = NULL;

	if (c->dir.build) {
		folder = outdir_join(c->dir.build, policy->name);
		if (!outdir_mkdir(c->dir.build, policy->name, err)) {
			free(folder);
			return false;
		}
	}
	spec.folder = folder;
	c->results[i] = run_scenario(&spec, err);
	free(folder);
	return c->results[i] || err_prefix(err, "policy %s", policy->name);
}

static bool write_file(const struct compare *c, const char *name,
    const struct comparison *comparison,
    void (*write)(const struct comparison *c, FILE *out), struct err *err)
{
	FILE *file = outdir_create(c->dir.build, name, err);

	if (!file)
		return false;
	write(comparison, file);
	return outdir_finish(file, c->dir.build, name, err);
}

static bool tell(struct compare *c, struct err *err)
{
	struct comparison comparison = {.n = c->n};

	for (uint32_t i = 0; i < c->n; i++)
		comparison.results[i] = c->results[i];
	if (c->args->json)
		comparison_print_json(&comparison, stdout);
	else
		comparison_print(&comparison, stdout);
	return !c->dir.build || (write_file(c, "comparison.csv", &comparison,
	                             comparison_write_csv, err) &&
	                            write_file(c, "summary.json", &comparison,
	                                comparison_print_json, err) &&
	                            outdir_commit(&c->dir, err));
}

static int compare(struct compare *c, struct err *err)
{
	const struct args *args = c->args;

	if (!open_policies(c, err))
		return EXIT_USAGE;
	if (args->out && !outdir_open(&c->dir, args->out, args->force, err))
		return EXIT_USAGE;
	for (uint32_t i = 0; i < c->n; i++)
		if (!run_one(c, i, err))
			return EXIT_FAILED;
	return tell(c, err) ? EXIT_DONE : EXIT_FAILED;
}

static void compare_fini(struct compare *c)
{
	for (uint32_t i = 0; i < COMPARISON_MAX; i++) {
		results_free(c->results[i]);
		plugin_close(&c->plugins[i]);
	}
	outdir_close(&c->dir);
}

int cmd_compare(int argc, char **argv)
{
	struct args args = {0};
	const struct opt table[] = {
	    {'o', "output", "DIR", "write the results into DIR, made new",
	        .text = &args.out},
	    {'p', "policy", "P", "one more to compare (none, violin)",
	        .list = &args.policies},
	    {'s', "seed", "N", "instead of the scenario's",
	        .number = &args.seed},
	    {0, "set", "KEY=VALUE", "override a value of the scenario",
	        .list = &args.sets},
	    {'f', "force", NULL, "replace DIR if it is there",
	        .flag = &args.force},
	    {0, "json", NULL, "print the comparison as JSON",
	        .flag = &args.json},
	    {0}};
	const struct opts opts = {"compare", "FILE",
	    "Runs a scenario under several policies and prints the execution\n"
	    "times; the first policy is what the others are held against.",
	    1, 1, table};
	struct err err = {0};
	struct scenario *scenario;
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	if (args.policies.n == 0)
		args.policies = (struct opt_list){{"none", "violin"}, 2};
	scenario = run_load(argv[first], &args.sets, &err);
	if (scenario) {
		struct compare c = {.args = &args, .scenario = scenario};

		status = compare(&c, &err);
		compare_fini(&c);
	}
	scenario_free(scenario);
	return status ? opts_fail(&opts, status, err.text) : status;
}
