/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Placement of environments that are asked for: the one rule that all
 * policies share, so that they differ only in what they do afterwards.
 *
 * In the order in which they were asked for, an environment goes whole into
 * the domain with the lowest (busy CPU + its own) / CPU in which its memory
 * fits, the lower index at a tie; there, head VM first, each VM goes to the
 * host with the least busy CPU for its size, at a tie with the fewest VMs,
 * then the lowest index.  Busy CPU counts the vCPUs of compute VMs that were
 * seen busy or not seen yet, so that a placement does not depend on what
 * the hosts' present shares happen to be.  A VM with a home goes there.  An
 * environment that fits nowhere waits; those after it may pass.
 */
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include "core/heap.h"
#include "core/plan.h"
#include "core/tables.h"

struct placer {
	double *busy_mcpu;     /* by host */
	double *domain_busy, *domain_cpu;
	uint8_t *tried;        /* by domain, for one environment */
	uint32_t *set_aside;   /* hosts without memory, for one VM */
	struct host_id *chosen;/* by VM of one environment */
	struct heap heap;      /* hosts of a domain, by rising load */
	struct heap queue;     /* environments, by time of asking */
	uint32_t n_waiting;    /* VMs that found no room in the last step */
	uint64_t waiting_mcpu; /* and the CPU that they ask for */
};

void placer_lay_out(
    struct placer *p, struct arena *arena, const struct model *model);

/*
 * Adds the creations that are possible now to the plan, and their load to
 * the tables: CPU as in want, memory as in the model.  A VM that used
 * busy_mcpu or more counts as busy.
 */
void place_queued(struct placer *p, const struct model *model,
    const struct observation *obs, uint32_t busy_mcpu,
    const struct want *want, struct tables *t, struct plan *plan);

#endif
