/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated world as a backend (core/backend.h): what the manager sees of
 * the tables of sim/world.h, and how it acts on them.  The world is a struct
 * world; it verifies every action itself, whatever the core's check has said.
 */
#include <math.h>
#include <stdio.h>

#include "sim/environment.h"
#include "sim/memory.h"
#include "sim/migrate.h"
#include "sim/world.h"

/* What the manager sees. */

/* A sample as its monitor reports it: with noise relative to its value. */
static double noisy(struct stream *stream, double noise, double value)
{
	if (noise <= 0)
		return value;
	return fmax(0, value * (1 + stream_gaussian(stream, noise)));
}

static uint32_t mean_mcpu(double used_s, double span_s)
{
	return span_s > 0 ? (uint32_t)(used_s / span_s * 1e3 + 0.5) : 0;
}

static void observe_hosts(
    struct world *w, struct host_observation *seen, double span_s)
{
	for (uint32_t h = 0; h < w->model->n_hosts; h++) {
		struct world_host *host = &w->hosts[h];
		double used_s = cpu_host_used_s(w, h);

		seen[h].state = host->state;
		seen[h].cpu_used_mcpu =
		    mean_mcpu(used_s - host->seen_used_s, span_s);
		seen[h].mem_free_kib =
		    w->model->hosts[h].mem_kib - host->mem_held_kib;
		host->seen_used_s = used_s;
	}
}

static void observe_envs(const struct world *w, struct env_observation *seen)
{
	for (uint32_t e = 0; e < w->model->n_envs; e++) {
		const struct world_env *env = &w->envs[e];

		seen[e].state = env->state;
		seen[e].network_up = !env->stalled;
		seen[e].queued_ns = env->queued_ns;
		seen[e].moved_ns = env->moved_ns;
	}
}

static void observe_vm(
    struct world *w, uint32_t v, struct vm_observation *seen, double span_s)
{
	struct world_vm *vm = &w->vms[v];
	double noise = w->scenario->manager.noise;
	double used_s = cpu_vm_used_s(w, v);
	double cpu_s = used_s - vm->seen_used_s;
	double mem = (double)vm->mem_used_kib;

	if (noise > 0) {
		struct stream stream = stream_of(
		    w->seed, "monitor", w->sequence << 32 | v);

		cpu_s = noisy(&stream, noise, cpu_s);
		mem = noisy(&stream, noise, mem);
	}
	vm->seen_used_s = used_s;
	*seen = (struct vm_observation){.state = vm->state,
	    .host = vm->host,
	    .target = vm->target,
	    .weight = w->cpu_vms[v].weight,
	    .cap_mcpu = vm->cap_mcpu,
	    .cpu_used_mcpu = mean_mcpu(cpu_s, span_s),
	    .mem_alloc_kib = vm->mem_alloc_kib,
	    .mem_target_kib = vm->mem_target_kib,
	    .mem_used_kib = (uint64_t)mem,
	    .since_ns = vm->since_ns};
}

static bool sim_observe(void *world, struct observation *obs, struct err *err)
{
	struct world *w = world;
	bool first = w->observed_ns < 0;

	(void)err;
	obs->now_ns = w->now_ns;
	obs->period_ns = first ? 0 : w->now_ns - w->observed_ns;
	obs->sequence = w->sequence;
	for (uint32_t v = 0; v < w->model->n_vms; v++)
		memory_advance(w, v);
	observe_hosts(w, obs->hosts, ns_to_s(obs->period_ns));
	observe_envs(w, obs->envs);
	for (uint32_t v = 0; v < w->model->n_vms; v++)
		observe_vm(w, v, &obs->vms[v], ns_to_s(obs->period_ns));
	w->observed_ns = w->now_ns;
	w->sequence++;
	return true;
}

/* What it does. */

static bool is_up(const struct world *w, struct host_id host)
{
	return host.ix < w->model->n_hosts &&
	       w->hosts[host.ix].state == HOST_UP;
}

/* A balloon that grows while its VM migrates would need room on both. */
static const char *verify_set_mem(
    struct world *w, const struct action *a, const struct vm *vm)
{
	const struct world_vm *now = &w->vms[a->vm.ix];

	if (now->state != VM_RUNNING)
		return "the VM is not running";
	if (a->mem_kib < vm->mem_min_kib || a->mem_kib > vm->mem_max_kib)
		return "the memory is outside the VM's limits";
	return memory_take(w, now->host.ix, memory_grows_kib(now, a->mem_kib))
	           ? NULL
	           : "the host has no room";
}

static const char *verify_create(
    struct world *w, const struct action *a, const struct vm *vm)
{
	if (w->vms[a->vm.ix].state != VM_QUEUED)
		return "nobody asks for this VM";
	if (!is_up(w, a->to))
		return "the host is not up";
	if (!host_none(vm->home) && !host_is(vm->home, a->to))
		return "the VM has another home";
	if (a->weight < 1 || a->weight > WEIGHT_MAX)
		return "the weight is not in 1..65535";
	return memory_take(w, a->to.ix, a->mem_kib) ? NULL
	                                            : "the host has no room";
}

static const char *verify_migrate(
    struct world *w, const struct action *a, const struct vm *vm)
{
	const struct world_vm *now = &w->vms[a->vm.ix];

	if (vm->is_head)
		return "a head VM does not move";
	if (now->state != VM_RUNNING)
		return "the VM is not running";
	if (!is_up(w, a->to) || host_is(a->to, now->host))
		return "the host is not up, or the VM is there";
	return memory_take(w, a->to.ix, memory_held_kib(now))
	           ? NULL
	           : "the host has no room";
}

/* Why it cannot start; or NULL, and the memory that it needs is taken. */
static const char *verify(struct world *w, const struct action *a)
{
	const struct vm *vm = &w->model->vms[a->vm.ix];
	enum vm_state state = w->vms[a->vm.ix].state;

	memory_advance(w, a->vm.ix);
	switch (a->kind) {
	case ACTION_CREATE:
		return verify_create(w, a, vm);
	case ACTION_MIGRATE:
		return verify_migrate(w, a, vm);
	case ACTION_SET_MEM:
		return verify_set_mem(w, a, vm);
	case ACTION_SET_CPU:
		if (a->weight < 1 || a->weight > WEIGHT_MAX)
			return "the weight is not in 1..65535";
		break;
	case ACTION_DESTROY:
		break;
	default:
		return "there is no such action";
	}
	return state == VM_RUNNING || state == VM_STARTING ||
	               state == VM_MIGRATING
	           ? NULL
	           : "the VM is not running";
}

/* Gives back what verify has taken. */
static void undo(struct world *w, const struct action *a)
{
	const struct world_vm *vm = &w->vms[a->vm.ix];

	if (a->kind == ACTION_CREATE)
		memory_give(w, a->to.ix, a->mem_kib);
	if (a->kind == ACTION_MIGRATE)
		memory_give(w, a->to.ix, memory_held_kib(vm));
	if (a->kind == ACTION_SET_MEM)
		memory_give(w, vm->host.ix, memory_grows_kib(vm, a->mem_kib));
}

/* A creation may: by needing more memory than it is given. */
static bool may_end_vms(const struct action *a)
{
	return a->kind == ACTION_CREATE || a->kind == ACTION_DESTROY;
}

/* Is the VM still as it was verified?  Another of its group may have killed
 * its environment, by needing more memory than it has. */
static bool is_still(const struct world *w, const struct action *a)
{
	enum vm_state state = w->vms[a->vm.ix].state;

	if (a->kind == ACTION_CREATE)
		return state == VM_QUEUED;
	return state != VM_DEAD && state != VM_ABSENT;
}

static void carry_out(
    struct world *w, const struct action *a, struct ticket ticket)
{
	uint32_t v = a->vm.ix;

	if (!is_still(w, a)) {
		if (a->kind == ACTION_CREATE)
			undo(w, a);
		world_tell(w, ticket, OUTCOME_FAILED, "the VM is gone");
		return;
	}
	w->n_started++;
	switch (a->kind) {
	case ACTION_CREATE:
		environment_place_vm(
		    w, v, a->to.ix, a->mem_kib, a->weight, ticket);
		break;
	case ACTION_MIGRATE:
		migrate_start(w, v, a->to.ix, ticket);
		break;
	case ACTION_SET_MEM:
		memory_set_target(w, v, a->mem_kib, ticket);
		break;
	case ACTION_SET_CPU:
		cpu_set_share(w, v, a->weight, a->cap_mcpu);
		world_tell(w, ticket, OUTCOME_DONE, "");
		break;
	case ACTION_DESTROY:
		environment_destroy_vm(w, v);
		world_tell(w, ticket, OUTCOME_DONE, "");
		break;
	default:
		break;
	}
}

/* The accepted actions a[0..n-1] of one group: all of them, or none. */
static void start_group(struct world *w, uint64_t sequence,
    const struct action *actions, uint32_t first, uint32_t n)
{
	const char *why = NULL;
	uint32_t done = 0;

	while (done < n && !(why = verify(w, &actions[first + done])))
		done++;
	if (done < n)
		while (done > 0)
			undo(w, &actions[first + --done]);
	for (uint32_t i = first; why && i < first + n; i++)
		world_tell(
		    w, (struct ticket){sequence, i}, OUTCOME_REFUSED, why);
	/* What can end a VM comes after what has taken memory for one. */
	for (uint32_t i = first; !why && i < first + n; i++)
		if (!may_end_vms(&actions[i]))
			carry_out(w, &actions[i], (struct ticket){sequence, i});
	for (uint32_t i = first; !why && i < first + n; i++)
		if (may_end_vms(&actions[i]))
			carry_out(w, &actions[i], (struct ticket){sequence, i});
}

static bool sim_start(void *world, uint64_t sequence,
    const struct action *actions, uint32_t n_actions, struct err *err)
{
	uint32_t n = 0;

	(void)err;
	for (uint32_t i = 0; i < n_actions; i += n) {
		n = action_group_size(&actions[i], n_actions - i);
		if (!actions[i].refused)
			start_group(world, sequence, actions, i, n);
	}
	return true;
}

static uint32_t sim_outcomes(
    void *world, struct outcome *outcomes, uint32_t max)
{
	struct world *w = world;
	uint32_t n = 0;

	while (n < max && w->first_outcome < w->n_outcomes) {
		const struct world_outcome *told =
		    &w->outcomes[w->first_outcome++];

		outcomes[n] = (struct outcome){.ticket = told->ticket,
		    .kind = told->kind,
		    .at_ns = told->at_ns};
		snprintf(outcomes[n].text, sizeof outcomes[n].text, "%s",
		    told->text);
		n++;
	}
	return n;
}

const struct backend backend_sim = {
    .name = "sim",
    .observe = sim_observe,
    .start = sim_start,
    .outcomes = sim_outcomes,
};
