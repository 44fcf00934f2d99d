/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin check: is this scenario right, and what does it say in full? */
#include "sim/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/run.h"

/* The file is right only if its policy takes the parameters, too. */
static bool binds(const struct scenario *scenario, struct err *err)
{
	struct plugin plugin;
	double *values;
	bool ok;

	if (!plugin_open(&plugin, scenario->manager.policy, err))
		return false;
	values = calloc(plugin.policy->n_params + 1, sizeof *values);
	ok = values ? scenario_bind_policy(scenario, plugin.policy, values, err)
	            : err_set(err, "not enough memory");
	free(values);
	plugin_close(&plugin);
	return ok;
}

static void print_counts(const struct scenario *scenario)
{
	const struct model *model = &scenario->model;

	printf("%s: right; %u domains, %u hosts, %u environments, %u VMs\n",
	    scenario->path, model->n_domains, model->n_hosts, model->n_envs,
	    model->n_vms);
}

int cmd_check(int argc, char **argv)
{
	struct opt_list sets = {0};
	bool verbose = false;
	const struct opt table[] = {
	    {'v', "verbose", NULL, "print it normalised: every key, one form",
	        .flag = &verbose},
	    {0, "set", "KEY=VALUE", "override a value of the scenario",
	        .list = &sets},
	    {0}};
	const struct opts opts = {"check", "FILE",
	    "Checks a scenario file.  A mistake is named with file, line and\n"
	    "column, and what would be right.",
	    1, 1, table};
	struct err err = {0};
	struct scenario *scenario;
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	scenario = run_load(argv[first], &sets, &err);
	if (scenario && binds(scenario, &err)) {
		status = EXIT_DONE;
		if (!verbose)
			print_counts(scenario);
		else if (!scenario_print(scenario, stdout, &err))
			status = EXIT_FAILED;
	}
	scenario_free(scenario);
	return status ? opts_fail(&opts, status, err.text) : status;
}
