/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A policy by its name or from a shared object; see plugin.h. */
#include "sim/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static bool find_built_in(
    struct plugin *plugin, const char *name, struct err *err)
{
	char names[256] = "";

	plugin->policy = policy_find(name);
	if (plugin->policy)
		return true;
	for (size_t i = 0; policies[i]; i++) {
		size_t n = strlen(names);

		snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "",
		    policies[i]->name);
	}
	return err_set(err,
	    "no policy is called \"%s\"; there are %s, and "
	    "what ./FILE.so defines",
	    name, names);
}

/* Is what a stranger's object defines a policy that can be run? */
static bool is_sound(const struct policy *policy, struct err *err)
{
	if (policy->abi != POLICY_ABI)
		return err_set(err,
		    "made for ABI %u of core/policy.h; this "
		    "program has %u: compile it again",
		    policy->abi, POLICY_ABI);
	if (!policy->name || !policy->name[0] || !policy->lay_out ||
	    !policy->decide || (policy->n_params && !policy->params))
		return err_set(err, "violin_policy lacks name, lay_out, decide "
		                    "or params");
	return true;
}

bool plugin_open(struct plugin *plugin, const char *name, struct err *err)
{
	*plugin = (struct plugin){0};
	if (!strchr(name, '/'))
		return find_built_in(plugin, name, err);
	plugin->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!plugin->library)
		return err_set(err, "%s", dlerror());
	plugin->policy = dlsym(plugin->library, "violin_policy");
	if (!plugin->policy)
		err_set(err, "it does not define violin_policy");
	if (plugin->policy && is_sound(plugin->policy, err))
		return true;
	plugin_close(plugin);
	return err_prefix(err, "%s", name);
}

void plugin_close(struct plugin *plugin)
{
	if (plugin->library)
		dlclose(plugin->library);
	*plugin = (struct plugin){0};
}
