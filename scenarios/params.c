/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scenario's parameters for a policy; see scenario.h. */
#include "scenarios/scenario.h"

#include <string.h>

#include "scenarios/quantity.h"
#include "scenarios/tree.h"
#include "scenarios/words.h"

/* How a parameter is written, and what one of its units is in core/policy.h's
 * unit. */
static const struct {
	enum measure measure;
	quantity_value factor;
} param_kinds[] = {
	[QUANTITY_NUMBER] = {MEASURE_NUMBER, 1},
	[QUANTITY_TIME] = {MEASURE_TIME, 1e9L},
	[QUANTITY_CPU] = {MEASURE_CPU, 1000},
	[QUANTITY_MEMORY] = {MEASURE_MEMORY, 1},
};

__attribute__((format(printf, 4, 5))) static bool param_fail(
    const struct scenario *sc, uint32_t i, struct err *err,
    const char *format, ...)
{
	struct node node = {.line = sc->manager.params[i].line,
	    .column = sc->manager.params[i].column};
	char text[ERR_TEXT_MAX], path[160];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (!node.line) {
		snprintf(path, sizeof path, "manager.parameters.%.120s",
		    sc->manager.params[i].name);
		node.override = path;
	}
	return node_error(&node, sc->path, err, "%s", text);
}

static bool unknown_param(const struct scenario *sc, uint32_t i,
    const struct policy *policy, struct err *err)
{
	const char *name = sc->manager.params[i].name, *nearest;
	const char *words[64];
	char list[ERR_TEXT_MAX / 2] = "";
	uint32_t n = 0;

	for (; n < policy->n_params && n < 64; n++) {
		words[n] = policy->params[n].name;
		if (strlen(list) + strlen(words[n]) + 3 < sizeof list)
			strcat(strcat(list, n ? ", " : ""), words[n]);
	}
	nearest = nearest_word(name, words, n);
	if (nearest)
		return param_fail(sc, i, err,
		    "policy %s has no parameter \"%.40s\"; did you mean "
		    "\"%s\"?", policy->name, name, nearest);
	return param_fail(sc, i, err,
	    "policy %s has no parameter \"%.40s\"; it has: %s", policy->name,
	    name, n ? list : "none");
}

static const char *param_parse(
    const struct param *param, const char *text, double *value)
{
	quantity_value x;
	const char *wanted;

	if (param->quantity == QUANTITY_SWITCH) {
		*value = strcmp(text, "yes") == 0;
		return *value > 0 || strcmp(text, "no") == 0 ? NULL
		                                             : "yes or no";
	}
	wanted = quantity_parse(
	    text, param_kinds[param->quantity].measure, 0, &x);
	if (!wanted)
		*value = (double)(x / param_kinds[param->quantity].factor);
	return wanted;
}

static void param_print(char *text, const struct param *param, double value)
{
	if (param->quantity == QUANTITY_SWITCH)
		strcpy(text, value > 0 ? "yes" : "no");
	else
		quantity_print(text, param_kinds[param->quantity].measure,
		    (quantity_value)value *
			param_kinds[param->quantity].factor);
}

/* Is this the policy that the scenario is written for?  A shared object can
 * only be told from those that are built in. */
static bool is_named(const struct scenario *sc, const struct policy *policy)
{
	const char *named = sc->manager.policy;

	if (strchr(named, '/'))
		return policy_find(policy->name) != policy;
	return strcmp(named, policy->name) == 0;
}

bool scenario_bind_policy(const struct scenario *sc,
    const struct policy *policy, double *values, struct err *err)
{
	char least[QUANTITY_TEXT_MAX], most[QUANTITY_TEXT_MAX];

	for (uint32_t k = 0; k < policy->n_params; k++)
		values[k] = policy->params[k].initial;
	for (uint32_t i = 0; i < sc->manager.n_params; i++) {
		const char *name = sc->manager.params[i].name;
		const char *text = sc->manager.params[i].value, *wanted;
		int k = policy_find_param(policy, name);
		const struct param *param;

		if (k < 0 && !is_named(sc, policy))
			continue;
		if (k < 0)
			return unknown_param(sc, i, policy, err);
		param = &policy->params[k];
		wanted = param_parse(param, text, &values[k]);
		if (wanted)
			return param_fail(sc, i, err, "%s is \"%.40s\", not %s",
			    name, text, wanted);
		if (values[k] >= param->min && values[k] <= param->max)
			continue;
		param_print(least, param, param->min);
		param_print(most, param, param->max);
		return param_fail(sc, i, err, "%s is %.40s; it can be %s to %s",
		    name, text, least, most);
	}
	return true;
}
