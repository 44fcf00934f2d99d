/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model: what exists or may exist, and does not change while deciding.
 * Domains with their hosts, environments with their VMs.  A scenario file
 * (simulated) or a site file (live) is loaded into one; what is true at an
 * instant is an observation (observation.h).
 *
 * Tables are flat, ids index them (ids.h).  The VMs of an environment are
 * contiguous, its head VM first.  A model borrows its strings and tables
 * from whoever built it, who keeps them as long as the model.  Tables may
 * grow at the end between two steps of a manager (a live host is added),
 * with a new manager over the grown model; ids stay.
 */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include "core/ids.h"
#include "core/units.h"

/* An administrative domain: one owner, its hosts, its LAN. */
struct domain {
	const char *name;
};

struct host {
	const char *name;
	struct domain_id domain;
	uint32_t cpu_mcpu; /* all its physical CPUs together */
	uint64_t mem_kib;  /* what it has for VMs */
};

/* A virtual environment: head VM (if any) and compute VMs on one network. */
struct environment {
	const char *name;
	uint32_t first_vm;
	uint32_t n_vms;
};

struct vm {
	const char *name;
	struct env_id env;
	struct host_id home;  /* must be created there; NO_HOST: anywhere */
	uint32_t vcpu_mcpu;   /* the most CPU it can use (its vCPUs) */
	uint32_t is_head;     /* 1: the head VM, which never moves */
	uint64_t mem_kib;     /* allocated when created */
	uint64_t mem_min_kib; /* never less */
	uint64_t mem_max_kib; /* never more */
};

struct model {
	const struct domain *domains;
	const struct host *hosts;
	const struct environment *envs;
	const struct vm *vms;
	uint32_t n_domains, n_hosts, n_envs, n_vms;
	/* Bandwidth, bits/s, of the narrowest link between two domains, or of
	 * the LAN within one: link_bps[a * n_domains + b].  For estimates of
	 * what a migration costs; NULL: unknown. */
	const double *link_bps;
};

#endif
