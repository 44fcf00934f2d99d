/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory of hosts and VMs.
 *
 * Variables
 *	A	allocated to a VM, KiB; T the target of its balloon; U in use
 *	v	speed of the balloon, KiB/s
 *	S	its swap space, KiB; k its slowdown
 *
 * Equations
 *	dA/dt = +-v until A = T
 *	held on its host: H = max(A, T), so that a balloon that grows never
 *	meets a host that is full; on both hosts while it migrates
 *	sum of H <= the host's memory, always: who asks for more is refused
 *	U > A: the VM swaps U - A, and its speed is
 *		s = max(0.01, 1 - k (U - A) / U)
 *	U - A > S: it dies (S = 0: the paper's case)
 *
 * While a VM swaps and its balloon moves, s is found anew every second.
 * Source: k is a parameter, not a law: how slow swapping is depends on what
 * is swapped.  Limits: no page cache, no sharing of pages.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include "sim/world.h"

/* Takes memory of a host, or returns false where it has not that much. */
bool memory_take(struct world *world, uint32_t host, uint64_t kib);
void memory_give(struct world *world, uint32_t host, uint64_t kib);

/* What it holds: on its host, and on the one to which it migrates. */
uint64_t memory_held_kib(const struct world_vm *vm);

/* Brings a moving balloon up to now. */
void memory_advance(struct world *world, uint32_t vm);

/*
 * Moves the balloon to a target.  What it grows by must have been taken from
 * its hosts; see memory_grows_kib.
 */
void memory_set_target(struct world *world, uint32_t vm, uint64_t kib,
    struct ticket ticket);
uint64_t memory_grows_kib(const struct world_vm *vm, uint64_t target_kib);

/* The VM uses this much from now on.  False: it did not survive that. */
bool memory_use(struct world *world, uint32_t vm, uint64_t kib);

/* TIMER_BALLOON. */
void memory_balloon_fired(struct world *world, uint32_t vm);

/* The VM is gone from its host: gives back all it holds. */
void memory_leave(struct world *world, uint32_t vm);

/* Its speed, of all that slows it: applied to the CPU. */
void memory_apply_speed(struct world *world, uint32_t vm);

#endif
