/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPU shares that are coupled across hosts: a bulk-synchronous environment
 * whose VMs free their CPU while they wait at a barrier.
 *
 * Variables
 *	y_e	work that each VM of environment e does a second
 *	s_i	speed of its VM i (cpu.h), on host h(i)
 *	w_i,b_i	weight and bound of VM i
 *	x_i	CPUs that VM i uses, on average over compute and exchange
 *	W, X	work of one iteration, and the time of its exchange
 *
 * Equations
 *	x_i = y_e / s_i				all VMs keep step
 *	y_e <= W / (W / min_i(b_i s_i) + X)	even with all CPU there is
 *	weight of e = min_i w_i s_i		CPU is shared by weight, not y
 *	y and the x of all other VMs: weighted max-min fair over the hosts
 *	(share.h; another VM is a variable that needs its host alone)
 *
 * The slowest VM's host paces the environment, and what its other VMs leave
 * goes to their neighbours, whose environments may then speed up elsewhere:
 * share.h solves all that is connected at once.
 *
 * Limits: means over an iteration, not its phases.
 */
#ifndef SIM_COUPLE_H
#define SIM_COUPLE_H

#include <stdint.h>

#include "core/err.h"

struct couple;
struct world;

/* Returns new; NULL: out of memory. */
struct couple *couple_new(const struct world *world);
void couple_free(struct couple *couple);

/* The VM no longer wants CPU where it was. */
void couple_drop_vm(struct world *world, uint32_t vm);

/* A host's CPU for VMs is another. */
void couple_set_host(struct world *world, uint32_t host);

/* Finds the rates of all that is connected with what was touched. */
void couple_settle(struct world *world);

#endif
