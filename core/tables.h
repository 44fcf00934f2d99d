/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables: what every host would carry if each VM had what it desires.
 * Filled once a step from an observation and the policy's desires; what-if
 * moves and creations change them, so that later choices see earlier ones.
 *
 * A migrating VM counts at its target; what it holds at its source until it
 * has left counts there as memory.
 */
#ifndef CORE_TABLES_H
#define CORE_TABLES_H

#include "core/arena.h"
#include "core/model.h"
#include "core/observation.h"

/* What a VM should have. */
struct want {
	uint32_t cpu_mcpu;
	uint64_t mem_kib;
};

struct host_load {
	double cpu_mcpu;     /* sum of desired CPU */
	double cpu_cap_mcpu; /* of a host that is to be emptied: only what its
	                        head VMs, which stay, have */
	uint64_t mem_kib;    /* sum of max(held, desired) memory */
	uint64_t held_kib;   /* sum of held memory, arriving and leaving */
	uint64_t mem_cap_kib;
	uint32_t takes_vms;  /* up */
	uint32_t n_vms;      /* on or heading to it */
};

struct tables {
	struct host_load *hosts;
	/* The hosts of domain d: domain_hosts[domain_first[d]] and on, in
	 * rising order; the VMs on host h likewise, by observed `host`. */
	uint32_t *domain_first, *domain_hosts;
	uint32_t *host_first, *host_vms;
};

void tables_lay_out(
    struct tables *t, struct arena *arena, const struct model *model);

/* Fills all; want has an entry for every VM. */
void tables_fill(struct tables *t, const struct model *model,
    const struct observation *obs, const struct want *want);

/* What-if: a VM with this want is added to a host, or taken off. */
void tables_add(struct tables *t, struct host_id host, struct want want);
void tables_remove(struct tables *t, struct host_id host, struct want want);

/* What a placed VM counts in memory: the most of held and wanted. */
static inline uint64_t want_held_kib(
    const struct vm_observation *vm, const struct want *want)
{
	uint64_t held = vm_held_kib(vm);

	return want->mem_kib > held ? want->mem_kib : held;
}

#endif
