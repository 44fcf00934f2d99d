/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The policies that are built in; see policy.h. */
#include "core/policy.h"

#include <string.h>

const struct policy *const policies[] = {
    &policy_none, &policy_violin, &policy_sandpiper, &policy_drs, NULL};

const struct policy *policy_find(const char *name)
{
	for (uint32_t i = 0; policies[i]; i++)
		if (strcmp(policies[i]->name, name) == 0)
			return policies[i];
	return NULL;
}

int policy_find_param(const struct policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->n_params; i++)
		if (strcmp(policy->params[i].name, name) == 0)
			return (int)i;
	return -1;
}
