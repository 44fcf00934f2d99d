/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPU of the simulated hosts; see cpu.h. */
#include "sim/cpu.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fairshare.h"
#include "sim/couple.h"
#include "sim/workload.h"
#include "sim/world.h"

/* Work and use up to now. */
static inline void advance(struct cpu_vm *vm, int64_t now_ns)
{
	double got = vm->rate * ns_to_s(now_ns - vm->last_ns);

	vm->used_s += got;
	vm->left_s -= got * vm->speed;
	vm->last_ns = now_ns;
}

static inline void find_finish(struct world *w, struct cpu_vm *vm)
{
	double pace = vm->rate * vm->speed;

	vm->finish_ns = TIME_NEVER;
	if (pace > 0)
		vm->finish_ns = world_after(w, fmax(0, vm->left_s) / pace);
}

void cpu_touch_host(struct world *w, uint32_t h)
{
	if (h == ID_NONE || w->cpu_hosts[h].dirty)
		return;
	w->cpu_hosts[h].dirty = true;
	w->dirty_hosts[w->n_dirty_hosts++] = h;
}

static inline void list_vm(struct world *w, uint32_t v)
{
	struct cpu_vm *vm = &w->cpu_vms[v];
	struct cpu_host *host;

	if (vm->flags & CPU_LISTED || vm->host == ID_NONE)
		return;
	host = &w->cpu_hosts[vm->host];
	vm->place = host->n_listed;
	host->list[host->n_listed++] = v;
	vm->flags |= CPU_LISTED;
}

/* The last of the list takes its place. */
static inline void unlist_vm(struct world *w, uint32_t v)
{
	struct cpu_vm *vm = &w->cpu_vms[v];
	struct cpu_host *host;
	uint32_t last;

	if (!(vm->flags & CPU_LISTED))
		return;
	host = &w->cpu_hosts[vm->host];
	last = host->list[--host->n_listed];
	host->list[vm->place] = last;
	w->cpu_vms[last].place = vm->place;
	vm->flags &= (uint8_t)~CPU_LISTED;
}

void cpu_work(struct world *w, uint32_t v, double work_s)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	advance(vm, w->now_ns);
	vm->left_s = work_s;
	vm->flags |= CPU_WANTS;
	find_finish(w, vm);
	list_vm(w, v);
	cpu_touch_host(w, vm->host);
}

/* A VM without work leaves its host's list when that is next walked. */
void cpu_rest(struct world *w, uint32_t v)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	if (!(vm->flags & CPU_WANTS))
		return;
	vm->flags &= (uint8_t)~CPU_WANTS;
	couple_drop_vm(w, v);
	cpu_set_rate(w, v, 0);
	cpu_touch_host(w, vm->host);
}

static void find_bound(struct world *w, uint32_t v)
{
	const struct world_vm *vm = &w->vms[v];
	double bound = fmin(vm->demand_mcpu, w->model->vms[v].vcpu_mcpu);

	if (vm->cap_mcpu)
		bound = fmin(bound, vm->cap_mcpu);
	w->cpu_vms[v].bound_mcpu = (uint32_t)(bound + 0.5);
	cpu_touch_host(w, w->cpu_vms[v].host);
}

void cpu_demand(struct world *w, uint32_t v, double demand_mcpu)
{
	w->vms[v].demand_mcpu = demand_mcpu;
	find_bound(w, v);
}

void cpu_set_share(
    struct world *w, uint32_t v, uint32_t weight, uint32_t cap_mcpu)
{
	assert(weight >= 1 && weight <= WEIGHT_MAX);
	w->cpu_vms[v].weight = (uint16_t)weight;
	w->vms[v].cap_mcpu = cap_mcpu;
	find_bound(w, v);
}

void cpu_set_speed(struct world *w, uint32_t v, double speed)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	if (vm->speed == speed)
		return;
	advance(vm, w->now_ns);
	vm->speed = speed;
	find_finish(w, vm);
	if (vm->flags & CPU_PACES)
		world_touch_env(w, w->model->vms[v].env.ix);
	cpu_touch_host(w, vm->host);
}

void cpu_hold(struct world *w, uint32_t v, bool held)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	if (held) {
		vm->flags |= CPU_HELD;
		couple_drop_vm(w, v);
		cpu_set_rate(w, v, 0);
	} else {
		vm->flags &= (uint8_t)~CPU_HELD;
		if (vm->flags & CPU_WANTS)
			list_vm(w, v);
	}
	cpu_touch_host(w, vm->host);
}

static void make_room(struct cpu_host *host)
{
	uint32_t room = host->max_listed ? host->max_listed : CPU_FEW;
	uint32_t *longer;

	if (host->n_vms <= room)
		return;
	longer = realloc(host->max_listed ? host->list : NULL,
	    2 * room * sizeof *longer);
	if (!longer)
		abort();
	if (!host->max_listed)
		memcpy(longer, host->few, sizeof host->few);
	host->list = longer;
	host->max_listed = 2 * room;
}

void cpu_move(struct world *w, uint32_t v, uint32_t host)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	if (vm->host != ID_NONE) {
		unlist_vm(w, v);
		w->cpu_hosts[vm->host].n_vms--;
		cpu_touch_host(w, vm->host);
	}
	couple_drop_vm(w, v);
	cpu_set_rate(w, v, 0);
	vm->host = host;
	if (host == ID_NONE)
		return;
	w->cpu_hosts[host].n_vms++;
	make_room(&w->cpu_hosts[host]);
	if (vm->flags & CPU_WANTS)
		list_vm(w, v);
	cpu_touch_host(w, host);
}

void cpu_set_rate(struct world *w, uint32_t v, double rate)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	if (vm->rate == rate)
		return;
	advance(vm, w->now_ns);
	vm->rate = rate;
	find_finish(w, vm);
	if (vm->flags & CPU_PACES)
		world_touch_env(w, w->model->vms[v].env.ix);
}

/* Unlists who no longer wants CPU. */
void cpu_prune_host(struct world *w, uint32_t h)
{
	struct cpu_host *host = &w->cpu_hosts[h];

	for (uint32_t i = host->n_listed; i > 0; i--)
		if (!cpu_is_active(&w->cpu_vms[host->list[i - 1]]))
			unlist_vm(w, host->list[i - 1]);
}

/* The rule of sharing, where there is not enough for all. */
static void share_scarce(struct world *w, const struct cpu_host *host)
{
	uint32_t n = host->n_listed;

	for (uint32_t i = 0; i < n; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[host->list[i]];

		w->weights[i] = vm->weight;
		w->bounds[i] = vm->bound_mcpu * 1e-3;
	}
	fair_share(host->cpu_mcpu * 1e-3, n, w->weights, w->bounds, w->shares);
	for (uint32_t i = 0; i < n; i++)
		cpu_set_rate(w, host->list[i], w->shares[i]);
}

static inline void set_host_rate(
    struct world *w, struct cpu_host *host, double rate)
{
	if (host->rate != rate) {
		host->used_s += host->rate * ns_to_s(w->now_ns - host->last_ns);
		host->last_ns = w->now_ns;
		host->rate = rate;
	}
	host->dirty = false;
}

void cpu_finish_host(struct world *w, uint32_t h)
{
	struct cpu_host *host = &w->cpu_hosts[h];
	int64_t first_ns = TIME_NEVER;
	double rate = 0;

	for (uint32_t i = 0; i < host->n_listed; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[host->list[i]];

		rate += vm->rate;
		if (vm->finish_ns < first_ns)
			first_ns = vm->finish_ns;
	}
	set_host_rate(w, host, rate);
	world_set_timer(w, TIMER_HOST, h, first_ns);
}

/* All get their bounds; or, where scarce and all alike, even parts. */
static void share_simply(struct world *w, uint32_t h, bool scarce)
{
	struct cpu_host *host = &w->cpu_hosts[h];
	double even = scarce ? host->cpu_mcpu * 1e-3 / host->n_listed : 0;
	int64_t first_ns = TIME_NEVER;
	double sum = 0;

	for (uint32_t i = 0; i < host->n_listed; i++) {
		struct cpu_vm *vm = &w->cpu_vms[host->list[i]];
		double rate = scarce ? even : vm->bound_mcpu * 1e-3;

		if (vm->rate != rate)
			cpu_set_rate(w, host->list[i], rate);
		sum += rate;
		if (vm->finish_ns < first_ns)
			first_ns = vm->finish_ns;
	}
	set_host_rate(w, host, sum);
	world_set_timer(w, TIMER_HOST, h, first_ns);
}

/*
 * One walk prunes, sums the bounds, and finds whether all are alike; where
 * all fit, or all are alike, no more is needed to know the shares.
 */
static void share_host(struct world *w, uint32_t h)
{
	struct cpu_host *host = &w->cpu_hosts[h];
	const struct cpu_vm *one = NULL;
	uint64_t wanted_mcpu = 0;
	bool alike = true, scarce;

	for (uint32_t i = host->n_listed; i > 0; i--) {
		const struct cpu_vm *vm = &w->cpu_vms[host->list[i - 1]];

		if (!cpu_is_active(vm)) {
			unlist_vm(w, host->list[i - 1]);
			continue;
		}
		wanted_mcpu += vm->bound_mcpu;
		alike &= !one || (vm->weight == one->weight &&
		                     vm->bound_mcpu == one->bound_mcpu);
		one = vm;
	}
	scarce = wanted_mcpu > host->cpu_mcpu;
	if (!scarce || alike) {
		share_simply(w, h, scarce);
		return;
	}
	share_scarce(w, host);
	cpu_finish_host(w, h);
}

void cpu_settle(struct world *w)
{
	if (w->couple) {
		couple_settle(w);
		return;
	}
	for (uint32_t i = 0; i < w->n_dirty_hosts; i++)
		share_host(w, w->dirty_hosts[i]);
	w->n_dirty_hosts = 0;
}

/* First takes note of all that are done, for what is told to a workload may
 * change the list. */
void cpu_host_fired(struct world *w, uint32_t h)
{
	const struct cpu_host *host = &w->cpu_hosts[h];
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_listed; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[host->list[i]];

		if (vm->finish_ns <= w->now_ns && cpu_is_active(vm))
			w->ids[n++] = host->list[i];
	}
	for (uint32_t i = 0; i < n; i++) {
		struct cpu_vm *vm = &w->cpu_vms[w->ids[i]];

		if (vm->host != h || !cpu_is_active(vm))
			continue;
		cpu_rest(w, w->ids[i]);
		vm->left_s = 0;
		workload_vm_done(w, w->ids[i]);
	}
	cpu_touch_host(w, h);
}

double cpu_vm_used_s(const struct world *w, uint32_t v)
{
	const struct cpu_vm *vm = &w->cpu_vms[v];

	return vm->used_s + vm->rate * ns_to_s(w->now_ns - vm->last_ns);
}

double cpu_host_used_s(const struct world *w, uint32_t h)
{
	const struct cpu_host *host = &w->cpu_hosts[h];

	return host->used_s + host->rate * ns_to_s(w->now_ns - host->last_ns);
}
