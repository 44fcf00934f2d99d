/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Emptying hosts under a policy that does not do it itself (policy.h,
 * `drains`): to drain a host is an order, and holds whatever the policy.
 *
 * From each host that is draining one VM leaves at a time, of those that the
 * policy leaves alone the one that holds the least memory: to the host with
 * room for it whose CPU is used least, in its own domain if there is any.  A
 * head VM stays.
 */
#ifndef CORE_DRAIN_H
#define CORE_DRAIN_H

#include "core/arena.h"
#include "core/model.h"
#include "core/observation.h"
#include "core/plan.h"

/* Its memory, reused from step to step. */
struct drain;

struct drain *drain_lay_out(struct arena *arena, const struct model *model);

/* Adds the moves to a plan that the policy has filled. */
void drain_hosts(struct drain *drain, const struct model *model,
    const struct observation *obs, struct plan *plan);

#endif
