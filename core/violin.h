/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the policy `violin`: what its two files share.  policy_violin.c
 * has the steps on one host and the order of all, violin_moves.c the two that
 * migrate.
 */
#ifndef CORE_VIOLIN_H
#define CORE_VIOLIN_H

#include "core/desire.h"
#include "core/place.h"
#include "core/policy.h"

enum {
	P_CPU_LOW,
	P_CPU_HIGH,
	P_CPU_TARGET,
	P_CPU_MIN,
	P_CPU_SLACK,
	P_CPU_CAPS,
	P_MEM_LOW,
	P_MEM_HIGH,
	P_MEM_TARGET,
	P_GROWTH,
	P_BUSY,
	P_COOL_DOWN,
	P_WITHIN,
	P_BETWEEN,
	N_PARAMS
};

/* What the hosts of a domain that answer carry in sum. */
struct domain_load {
	double cpu_mcpu, cpu_cap_mcpu;
	uint32_t n_overloaded, n_short; /* hosts; short of memory */
};

struct violin {
	const double *values;
	struct desire_rule cpu_rule, mem_rule;
	struct want *want;     /* kept from step to step */
	struct tables tables;
	struct placer placer;
	uint8_t *ballooned;    /* VMs with a new target in this plan */
	uint8_t *migrates;     /* VMs that migrate in this plan */
	struct domain_load *loads;
	uint8_t *domain_moves; /* domains with a migration, seen or planned */
	uint32_t *env_domain;  /* where all of it is movable, or ID_NONE */
	uint8_t *tried;        /* domains, for one environment */
	struct host_id *chosen;/* by VM of one environment */
	struct heap hosts, vms, envs;
	double *weight, *bound, *share; /* by VM on one host */
	/* one step's, borrowed */
	const struct model *model;
	const struct observation *obs;
	struct plan *plan;
};

/* Does the host's daemon answer, so that actions reach it? */
static inline bool violin_host_answers(
    const struct observation *obs, uint32_t h)
{
	enum host_state state = obs->hosts[h].state;

	return state == HOST_UP || state == HOST_DRAINING;
}

/* Step 5: VMs of overloaded hosts of domain d to other hosts in it. */
void violin_step_within(struct violin *s, uint32_t d);

/* Step 6: environments out of overloaded domains, one a domain at most. */
void violin_step_between(struct violin *s);

#endif
