/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of an environment and of its VMs:
 *
 *	asked for -> queued -> VMs created, one by one -> all booted: its
 *	application begins -> ends -> destroyed, or kept idle
 *
 * A VM that dies (out of memory, its host failed) takes its environment with
 * it: all its VMs are dead then and hold nothing.
 */
#ifndef SIM_ENVIRONMENT_H
#define SIM_ENVIRONMENT_H

#include "sim/world.h"

/* It is asked for: its VMs wait for hosts. */
void environment_ask(struct world *world, uint32_t env);

/* Starts a queued VM on a host, whose memory has been taken. */
void environment_place_vm(struct world *world, uint32_t vm, uint32_t host,
    uint64_t mem_kib, uint32_t weight, struct ticket ticket);

/* A VM's boot is over. */
void environment_vm_booted(struct world *world, uint32_t vm);

/* Its application has done all its work. */
void environment_end(struct world *world, uint32_t env);

/* It ends before that; state is ENV_CRASHED or ENV_ENDED. */
void environment_kill(struct world *world, uint32_t env, enum env_state state,
    const char *outcome);

/* Destroys one VM of it: of an idle one that VM alone, else all of it. */
void environment_destroy_vm(struct world *world, uint32_t vm);

/* TIMER_ENV_NETWORK: its network is usable again, or lingers no more. */
void environment_network_fired(struct world *world, uint32_t env);

/* A VM of it is suspended for its move. */
void environment_cut(struct world *world, uint32_t env);
/* It runs again: elsewhere, maybe in another domain, where its network is
 * whole network_ns later; or where it was, where that is at once. */
void environment_landed(
    struct world *world, uint32_t env, bool across, int64_t network_ns);

/* Tells the listener how it stands when the run stops. */
void environment_stop(struct world *world, uint32_t env);

#endif
