/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A policy by its name, or from a shared object of somebody's own. */
#ifndef SIM_PLUGIN_H
#define SIM_PLUGIN_H

#include "core/err.h"
#include "core/policy.h"

struct plugin {
	const struct policy *policy;
	void *library; /* NULL: built in */
};

/*
 * A name is one of core/policy.h's; what has a slash is the path of a shared
 * object that defines `violin_policy`.  False with err for a name that nobody
 * has, an object that cannot be loaded, and one made for another ABI.
 */
bool plugin_open(struct plugin *plugin, const char *name, struct err *err);

/* Idempotent; nothing of the policy may be used any more. */
void plugin_close(struct plugin *plugin);

#endif
