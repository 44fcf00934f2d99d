/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture of a world at an instant; see observation.h. */
#include "core/observation.h"

#include <assert.h>

void observation_lay_out(
    struct observation *obs, struct arena *arena, const struct model *model)
{
	obs->hosts = ARENA_TAKE(arena, model->n_hosts, struct host_observation);
	obs->envs = ARENA_TAKE(arena, model->n_envs, struct env_observation);
	obs->vms = ARENA_TAKE(arena, model->n_vms, struct vm_observation);
}

const char *host_state_name(enum host_state state)
{
	static const char *const names[N_HOST_STATES] = {
	    "absent", "up", "draining", "stale", "failed"};

	assert(state < N_HOST_STATES);
	return names[state];
}

const char *vm_state_name(enum vm_state state)
{
	static const char *const names[N_VM_STATES] = {"absent", "queued",
	    "starting", "running", "migrating", "leaving", "dead"};

	assert(state < N_VM_STATES);
	return names[state];
}

const char *env_state_name(enum env_state state)
{
	static const char *const names[N_ENV_STATES] = {
	    "absent", "queued", "running", "idle", "ended", "crashed"};

	assert(state < N_ENV_STATES);
	return names[state];
}

uint32_t weight_of_cpu(uint32_t cpu_mcpu)
{
	uint64_t weight =
	    ((uint64_t)cpu_mcpu * WEIGHT_DEFAULT + MCPU_PER_CPU - 1) /
	    MCPU_PER_CPU;

	if (weight < 1)
		return 1;
	return weight > WEIGHT_MAX ? WEIGHT_MAX : (uint32_t)weight;
}
