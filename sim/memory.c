/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of hosts and VMs; see memory.h. */
#include "sim/memory.h"

#include <assert.h>
#include <math.h>

#include "sim/environment.h"

#define SPEED_LEAST 0.01

bool memory_take(struct world *w, uint32_t h, uint64_t kib)
{
	struct world_host *host = &w->hosts[h];

	if (w->model->hosts[h].mem_kib - host->mem_held_kib < kib)
		return false;
	host->mem_held_kib += kib;
	return true;
}

void memory_give(struct world *w, uint32_t h, uint64_t kib)
{
	struct world_host *host = &w->hosts[h];

	assert(host->mem_held_kib >= kib);
	host->mem_held_kib -= kib;
	if (host->state == HOST_DRAINING && host->mem_held_kib == 0 &&
	    host->n_vms == 0)
		host->state = HOST_ABSENT;
}

uint64_t memory_held_kib(const struct world_vm *vm)
{
	return vm->mem_alloc_kib > vm->mem_target_kib ? vm->mem_alloc_kib
	                                              : vm->mem_target_kib;
}

/* What it holds has become less: on both hosts while it migrates. */
static void give_back(struct world *w, const struct world_vm *vm, uint64_t was)
{
	uint64_t kib = was - memory_held_kib(vm);

	memory_give(w, vm->host.ix, kib);
	if (!host_none(vm->target))
		memory_give(w, vm->target.ix, kib);
}

static double balloon_speed(const struct world *w, uint32_t v)
{
	return w->scenario->envs[w->model->vms[v].env.ix].balloon_kib_s;
}

void memory_advance(struct world *w, uint32_t v)
{
	struct world_vm *vm = &w->vms[v];
	uint64_t was = memory_held_kib(vm), moved;
	double reach;

	if (vm->mem_alloc_kib == vm->mem_target_kib ||
	    vm->balloon_ns == w->now_ns)
		return;
	reach = balloon_speed(w, v) * ns_to_s(w->now_ns - vm->balloon_ns);
	moved = reach < 1e18 ? (uint64_t)(reach + 0.5) : UINT64_MAX;
	vm->balloon_ns = w->now_ns;
	if (vm->mem_alloc_kib < vm->mem_target_kib) {
		uint64_t rest = vm->mem_target_kib - vm->mem_alloc_kib;

		vm->mem_alloc_kib += moved < rest ? moved : rest;
	} else {
		uint64_t rest = vm->mem_alloc_kib - vm->mem_target_kib;

		vm->mem_alloc_kib -= moved < rest ? moved : rest;
		give_back(w, vm, was);
	}
}

void memory_apply_speed(struct world *w, uint32_t v)
{
	const struct world_vm *vm = &w->vms[v];

	cpu_set_speed(w, v, vm->speed_copied * vm->speed_swapped);
}

/* False: it needs more than memory and swap together. */
static bool check_fit(struct world *w, uint32_t v)
{
	struct world_vm *vm = &w->vms[v];
	uint32_t e = w->model->vms[v].env.ix;
	const struct env_setup *setup = &w->scenario->envs[e];
	uint64_t lacks = vm->mem_used_kib > vm->mem_alloc_kib
	                     ? vm->mem_used_kib - vm->mem_alloc_kib
	                     : 0;
	double speed = 1;

	if (lacks > setup->swap_kib) {
		environment_kill(w, e, ENV_CRASHED, "crashed");
		return false;
	}
	if (lacks)
		speed = fmax(SPEED_LEAST,
		    1 - setup->swap_slowdown * (double)lacks /
		            (double)vm->mem_used_kib);
	vm->speed_swapped = speed;
	memory_apply_speed(w, v);
	return true;
}

/* The next instant at which a moving balloon matters: it is there, it meets
 * what is in use, or a second of swapping is over. */
static void set_balloon_timer(struct world *w, uint32_t v)
{
	const struct world_vm *vm = &w->vms[v];
	double a = (double)vm->mem_alloc_kib, t = (double)vm->mem_target_kib;
	double u = (double)vm->mem_used_kib, way = fabs(t - a);

	if (a == t) {
		world_cancel_timer(w, TIMER_BALLOON, v);
		return;
	}
	if (t < u && u < a)
		way = a - u + 1;
	else if (a < u)
		way = fmin(way, balloon_speed(w, v));
	world_set_timer(w, TIMER_BALLOON, v,
	    world_after(w, way / balloon_speed(w, v) + 1e-9));
}

void memory_balloon_fired(struct world *w, uint32_t v)
{
	struct world_vm *vm = &w->vms[v];

	memory_advance(w, v);
	if (!check_fit(w, v))
		return;
	if (vm->mem_alloc_kib == vm->mem_target_kib) {
		world_tell(w, vm->ballooning, OUTCOME_DONE, "");
		vm->ballooning = NO_TICKET;
	}
	set_balloon_timer(w, v);
}

uint64_t memory_grows_kib(const struct world_vm *vm, uint64_t target_kib)
{
	uint64_t held = memory_held_kib(vm);

	return target_kib > held ? target_kib - held : 0;
}

void memory_set_target(
    struct world *w, uint32_t v, uint64_t kib, struct ticket ticket)
{
	struct world_vm *vm = &w->vms[v];
	uint64_t was, grows;

	memory_advance(w, v);
	was = memory_held_kib(vm);
	grows = memory_grows_kib(vm, kib);
	world_tell(
	    w, vm->ballooning, OUTCOME_FAILED, "another target was set");
	vm->ballooning = ticket;
	vm->mem_target_kib = kib;
	vm->balloon_ns = w->now_ns;
	/* A target once higher was promised; it is not needed any more. */
	if (!grows && memory_held_kib(vm) < was)
		give_back(w, vm, was);
	set_balloon_timer(w, v);
	if (vm->mem_alloc_kib == kib) {
		world_tell(w, ticket, OUTCOME_DONE, "");
		vm->ballooning = NO_TICKET;
	}
}

bool memory_use(struct world *w, uint32_t v, uint64_t kib)
{
	w->vms[v].mem_used_kib = kib;
	memory_advance(w, v);
	if (!check_fit(w, v))
		return false;
	set_balloon_timer(w, v);
	return true;
}

void memory_leave(struct world *w, uint32_t v)
{
	struct world_vm *vm = &w->vms[v];
	uint64_t held = memory_held_kib(vm);

	vm->mem_alloc_kib = 0;
	vm->mem_target_kib = 0;
	memory_give(w, vm->host.ix, held);
	if (!host_none(vm->target))
		memory_give(w, vm->target.ix, held);
	world_cancel_timer(w, TIMER_BALLOON, v);
}
