/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to hosts and links besides: hosts join, are drained and leave,
 * fail with all that is on them; and the events that a scenario commands.
 *
 *	absent --join--> up --drain--> draining --empty--> absent
 *	  up or draining --fail--> failed --join--> up
 *
 * When a host fails, the environments of its VMs crash; a migration to it
 * fails, and its VM goes on at the source, also one that was suspended.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "sim/world.h"

/* Sets the state of all hosts at the start, and their timers. */
void fault_init(struct world *world);

/* TIMER_HOST_FATE: the host joins, or is to leave. */
void fault_host_fired(struct world *world, uint32_t host);

void fault_host_join(struct world *world, uint32_t host);
void fault_host_drain(struct world *world, uint32_t host);
void fault_host_fail(struct world *world, uint32_t host);

/* TIMER_EVENT: an event of the scenario. */
void fault_event_fired(struct world *world, uint32_t event);

#endif
