/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin policies: what there is to choose from, and every parameter. */
#include "sim/cmd.h"

#include <stdio.h>

#include "sim/opts.h"
#include "sim/plugin.h"
#include "sim/table.h"

/* As a scenario file writes a value of this quantity. */
static const char *value_text(
    enum quantity quantity, double value, char *text, size_t size)
{
	static const char *const units[] = {[QUANTITY_NUMBER] = "",
	    [QUANTITY_TIME] = " s",
	    [QUANTITY_CPU] = " cpu",
	    [QUANTITY_MEMORY] = " KiB"};

	if (quantity == QUANTITY_SWITCH)
		return value != 0 ? "yes" : "no";
	snprintf(text, size, "%g%s", value, units[quantity]);
	return text;
}

static void print_param(const struct param *param)
{
	char initial[40], min[40], max[40];
	enum quantity q = param->quantity;

	printf("  %-20s %-10s %s", param->name,
	    value_text(q, param->initial, initial, sizeof initial),
	    param->help);
	if (q == QUANTITY_SWITCH)
		puts("");
	else
		printf(" (%s to %s)\n",
		    value_text(q, param->min, min, sizeof min),
		    value_text(q, param->max, max, sizeof max));
}

static void print_policy(const struct policy *policy)
{
	printf("%s: %s\n", policy->name, policy->summary);
	for (uint32_t i = 0; i < policy->n_params; i++)
		print_param(&policy->params[i]);
}

static void print_json(const struct policy *policy)
{
	fputs("{\"name\": ", stdout);
	json_put_text(stdout, policy->name);
	fputs(", \"summary\": ", stdout);
	json_put_text(stdout, policy->summary);
	fputs(", \"parameters\": [", stdout);
	for (uint32_t i = 0; i < policy->n_params; i++) {
		const struct param *param = &policy->params[i];

		fputs(i ? ",\n  {\"name\": " : "\n  {\"name\": ", stdout);
		json_put_text(stdout, param->name);
		fputs(", \"initial\": ", stdout);
		json_put_number(stdout, param->initial);
		fputs(", \"min\": ", stdout);
		json_put_number(stdout, param->min);
		fputs(", \"max\": ", stdout);
		json_put_number(stdout, param->max);
		fputs(", \"help\": ", stdout);
		json_put_text(stdout, param->help);
		putchar('}');
	}
	fputs("]}", stdout);
}

static void print_all(const struct policy *const *all, bool json)
{
	for (uint32_t i = 0; all[i]; i++) {
		if (json) {
			fputs(i ? ",\n" : "[", stdout);
			print_json(all[i]);
		} else {
			fputs(i ? "\n" : "", stdout);
			print_policy(all[i]);
		}
	}
	if (json)
		puts("]");
}

int cmd_policies(int argc, char **argv)
{
	bool json = false;
	const struct opt table[] = {
	    {0, "json", NULL, "print as JSON", .flag = &json}, {0}};
	const struct opts opts = {"policies", "[P]...",
	    "Lists the policies and their parameters: name, initial value,\n"
	    "meaning.  P is a name, or the path of a shared object.",
	    0, OPT_LIST_MAX, table};
	struct err err = {0};
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	if (first == argc)
		print_all(policies, json);
	for (int i = first; i < argc; i++) {
		struct plugin plugin;
		const struct policy *one[2] = {NULL, NULL};

		if (!plugin_open(&plugin, argv[i], &err))
			return opts_fail(&opts, EXIT_USAGE, err.text);
		one[0] = plugin.policy;
		print_all(one, json);
		plugin_close(&plugin);
	}
	return EXIT_DONE;
}
