/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who was where and when, read back from the files of a run. */
#ifndef PLOTS_TIMELINE_H
#define PLOTS_TIMELINE_H

#include "sim/table.h"

/* Names, numbered as they come. */
struct names {
	const char **text; /* borrowed from the tables */
	uint32_t n;
};

/* A VM on a host, until it goes to another. */
struct stay {
	uint32_t vm, host;
	double from_s, to_s;
};

/* A VM on its way. */
struct move {
	uint32_t vm, from, to; /* hosts */
	double start_s, end_s;
};

struct timeline {
	struct names domains, hosts, envs;
	uint32_t *host_domain;
	/* VMs, numbered by environment, then as they come */
	uint32_t n_vms;
	uint32_t *vm_env;
	bool *vm_head;
	struct stay *stays; /* by time of arrival */
	uint32_t n_stays;
	struct move *moves; /* by time of ending */
	uint32_t n_moves;
	double end_s; /* of all that is known */
	/* what it was read from, which the names are borrowed from */
	struct table environments, placements, migrations, series;
	struct names vms;
};

/* Reads the files of a run; false with err. */
bool timeline_read(
    struct timeline *timeline, const char *folder, struct err *err);
void timeline_fini(struct timeline *timeline);

/* Is the VM on a host at that time?  Its host, or the number of hosts. */
uint32_t timeline_host_at(
    const struct timeline *timeline, uint32_t vm, double at_s);

/* The migration that the VM is in at that time; NULL: none. */
const struct move *timeline_move_at(
    const struct timeline *timeline, uint32_t vm, double at_s);

#endif
