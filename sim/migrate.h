/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Live migrations in the world: the rounds of sim/precopy.h over the flows of
 * sim/network.h, with what they do to the VM and its environment.
 *
 *	start	the target's memory has been taken; the VM slows down
 *	rounds	each ends when its pages are through, at whatever rate the
 *		flow gets meanwhile
 *	stop	the VM is suspended and its virtual network cut; the last round
 *	land	down_fixed_ns later it runs at the target; the source's memory
 *		is free, and the network begins to re-establish itself
 *
 * A migration may fail (at the end of its rounds, by migration_setup.failure;
 * or because the target fails) or be aborted: then the VM goes on where it
 * was.
 *
 * Meanwhile either host needs some CPU itself (cpu_migrates).
 *
 * Limits: that CPU does not follow the rate, nor the rate the CPU.
 */
#ifndef SIM_MIGRATE_H
#define SIM_MIGRATE_H

#include "core/err.h"
#include "sim/world.h"

struct migrate;

/* Returns new; NULL: out of memory. */
struct migrate *migrate_new(const struct world *world);
void migrate_free(struct migrate *migrate);

/* Starts; the VM runs, and what it holds has been taken of the target. */
void migrate_start(
    struct world *world, uint32_t vm, uint32_t to, struct ticket ticket);

/* TIMER_MIGRATION. */
void migrate_fired(struct world *world, uint32_t vm);

/* Ends it where it began: the VM goes on there.  outcome is a literal. */
void migrate_abort(struct world *world, uint32_t vm, const char *outcome);

/* Ends it because the VM is being removed; gives no memory back. */
void migrate_drop(struct world *world, uint32_t vm, const char *text);

/* Shares the network anew where flows have changed, and starts the rounds
 * that wait for their rates.  Part of world_settle. */
void migrate_settle(struct world *world);

/* The network has changed besides: a link. */
void migrate_touch(struct world *world);

/* How many are under way. */
uint32_t migrate_count(const struct world *world);

#endif
