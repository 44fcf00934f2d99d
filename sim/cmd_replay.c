/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin replay: does the core still plan what a record says it planned? */
#include "sim/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/digest.h"
#include "sim/opts.h"
#include "sim/plugin.h"
#include "sim/replay.h"

static void print_difference(const char *path, const struct replay_result *r)
{
	printf("%s:%llu: at %.3f s the plan differs, after %llu that were "
	       "alike\n--- recorded\n%s+++ now\n%s",
	    path, (unsigned long long)r->line, ns_to_s(r->at_ns),
	    (unsigned long long)r->n_plans, r->recorded, r->now);
}

static int replay(
    const struct opts *opts, const char *path, const struct policy *policy)
{
	struct replay_result result;
	struct err err;
	FILE *in = fopen(path, "re");
	int status = EXIT_DONE;

	if (!in) {
		err_set(&err, "%s: %s", path, strerror(errno));
		return opts_fail(opts, EXIT_USAGE, err.text);
	}
	if (!replay_record(in, path, policy, &result, &err)) {
		status = opts_fail(opts, EXIT_USAGE, err.text);
	} else if (result.differs) {
		print_difference(path, &result);
		status = EXIT_FAILED;
	} else {
		printf("%s: %llu plans, %llu actions, all alike\n", path,
		    (unsigned long long)result.n_plans,
		    (unsigned long long)result.n_actions);
	}
	if (status != EXIT_USAGE && strcmp(result.core, core_digest) != 0)
		fprintf(stderr,
		    "violin replay: recorded by the core %.12s, "
		    "replayed by %.12s\n",
		    result.core, core_digest);
	fclose(in);
	replay_result_fini(&result);
	return status;
}

int cmd_replay(int argc, char **argv)
{
	const char *policy = NULL;
	const struct opt table[] = {
	    {'p', "policy", "P", "the policy, if it is not built in: ./P.so",
	        .text = &policy},
	    {0}};
	const struct opts opts = {"replay", "RECORD",
	    "Gives the observations of a record to the core again, and fails\n"
	    "on the first plan that differs, printing both.",
	    1, 1, table};
	struct plugin plugin = {0};
	struct err err = {0};
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	if (policy && !plugin_open(&plugin, policy, &err))
		return opts_fail(&opts, EXIT_USAGE, err.text);
	status = replay(&opts, argv[first], plugin.policy);
	plugin_close(&plugin);
	return status;
}
