/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin run --backend xen: a site, live; used by cmd_run.c. */
#ifndef SIM_CMD_RUN_XEN_H
#define SIM_CMD_RUN_XEN_H

#include "core/err.h"
#include "sim/opts.h"

struct run_xen_args {
	const char *path; /* of the site */
	struct opt_list sets;
	const char *policy, *out, *control, *metrics, *state, *die_at;
	uint64_t rate_mbit; /* of one migration; 0: all there is */
	bool act, force, json;
};

/* Returns the exit status; err says why it is not 0. */
int run_xen(const struct run_xen_args *args, struct err *err);

#endif
