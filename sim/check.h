/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The invariants of the simulated world, between two events:
 *
 *  1. what a host's VMs hold, arriving and leaving ones too, is what the host
 *     counts, and never more than it has
 *  2. every VM is in one place: placed on a host that is there, or on none
 *     and then it holds nothing and has no CPU; heads never migrate
 *  3. a migrating VM has a target and a migration; no other VM has
 *  4. the shares of a host: none above its bound, in sum never above the
 *     host's CPUs; all CPUs are given or all bounds are met
 *  5. environments: the counts of their VMs are right; crashed or ended ones
 *     have none
 *
 * Slow; for tests.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "sim/world.h"

/* False, with err saying which does not hold and where. */
bool world_check(const struct world *world, struct err *err);

#endif
