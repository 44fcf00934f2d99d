/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The time series of a run: every series_ns, for each host and each VM, means
 * over the interval that ends now.  Nothing where nobody listens.
 */
#ifndef SIM_SERIES_H
#define SIM_SERIES_H

#include "sim/world.h"

struct series {
	struct sim_host_row *hosts;
	struct sim_vm_row *vms;
	int64_t last_ns;
};

/* Sets the timer, if it is wanted.  False: out of memory. */
bool series_init(struct series *series, struct world *world);
void series_fini(struct series *series);

/* TIMER_SERIES. */
void series_fired(struct series *series, struct world *world);

/* The run is over: the last row, of what is left of an interval. */
void series_end(struct series *series, struct world *world);

#endif
