/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPU of the simulated hosts; see cpu.h. */
#include "sim/cpu.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fairshare.h"
#include "sim/couple.h"
#include "sim/environment.h"
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

	if (vm->host == ID_NONE || vm->flags & CPU_WAITS)
		return;
	w->cpu_hosts[vm->host].due_ns[vm->seat] =
	    pace > 0 ? world_after(w, fmax(0, vm->left_s) / pace)
	             : TIME_NEVER;
}

void cpu_touch_host(struct world *w, uint32_t h)
{
	if (h == ID_NONE || w->cpu_hosts[h].dirty)
		return;
	w->cpu_hosts[h].dirty = true;
	w->dirty_hosts[w->n_dirty_hosts++] = h;
}

/* Two VMs of a host change seats. */
static inline void swap_seats(
    struct world *w, struct cpu_host *host, uint32_t a, uint32_t b)
{
	uint32_t vm = host->vms[a];
	int64_t due_ns = host->due_ns[a];

	host->vms[a] = host->vms[b];
	host->due_ns[a] = host->due_ns[b];
	host->vms[b] = vm;
	host->due_ns[b] = due_ns;
	w->cpu_vms[host->vms[a]].seat = a;
	w->cpu_vms[vm].seat = b;
}

/* Seats a VM among those that want CPU, */
static inline void join_eager(struct world *w, uint32_t v)
{
	const struct cpu_vm *vm = &w->cpu_vms[v];
	struct cpu_host *host;

	if (vm->host == ID_NONE)
		return;
	host = &w->cpu_hosts[vm->host];
	if (vm->seat >= host->n_eager)
		swap_seats(w, host, vm->seat, host->n_eager++);
}

/* and behind them again. */
static inline void leave_eager(struct world *w, uint32_t v)
{
	const struct cpu_vm *vm = &w->cpu_vms[v];
	struct cpu_host *host = &w->cpu_hosts[vm->host];

	if (vm->seat < host->n_eager)
		swap_seats(w, host, vm->seat, --host->n_eager);
}

void cpu_work(struct world *w, uint32_t v, double work_s)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	assert(!(vm->flags & CPU_WAITS) || work_s == WORK_ENDLESS);
	advance(vm, w->now_ns);
	vm->left_s = work_s;
	vm->flags |= CPU_WANTS;
	find_finish(w, vm);
	join_eager(w, v);
	cpu_touch_host(w, vm->host);
}

/* A VM without work keeps its seat until its host is next looked at. */
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

void cpu_wake(struct world *w, uint32_t v, int64_t at_ns)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	if (vm->host == ID_NONE)
		return;
	if (at_ns == TIME_NEVER)
		vm->flags &= (uint8_t)~CPU_WAITS;
	else
		vm->flags |= CPU_WAITS;
	w->cpu_hosts[vm->host].due_ns[vm->seat] = at_ns;
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
			join_eager(w, v);
	}
	cpu_touch_host(w, vm->host);
}

void cpu_init_host(struct cpu_host *host, uint32_t cpu_mcpu)
{
	host->cpu_mcpu = cpu_mcpu;
	host->due_ns = host->few_due_ns;
	host->vms = host->few_vms;
}

void cpu_migrates(struct world *w, uint32_t h, int change)
{
	struct cpu_host *host = &w->cpu_hosts[h];
	double all = w->model->hosts[h].cpu_mcpu, left = all;

	host->n_migrations += (uint32_t)change;
	if (host->n_migrations > 0)
		left = fmax(all / 100, all - w->scenario->migration.cpu_mcpu);
	if ((uint32_t)left == host->cpu_mcpu)
		return;
	host->cpu_mcpu = (uint32_t)left;
	if (w->couple)
		couple_set_host(w, h);
	cpu_touch_host(w, h);
}

void cpu_fini_host(struct cpu_host *host)
{
	if (host->max_vms)
		free(host->due_ns);
}

/* Twice as long, both arrays in one piece. */
static void make_room(struct cpu_host *host)
{
	uint32_t room = host->max_vms ? host->max_vms : CPU_FEW;
	size_t n = 2 * (size_t)room;
	int64_t *due_ns;
	uint32_t *vms;

	if (host->n_vms < room)
		return;
	due_ns = malloc(n * (sizeof *due_ns + sizeof *vms));
	if (!due_ns)
		abort();
	vms = (uint32_t *)(due_ns + n);
	memcpy(due_ns, host->due_ns, room * sizeof *due_ns);
	memcpy(vms, host->vms, room * sizeof *vms);
	cpu_fini_host(host);
	host->due_ns = due_ns;
	host->vms = vms;
	host->max_vms = (uint32_t)n;
}

static void sit_down(struct world *w, uint32_t v, int64_t due_ns)
{
	struct cpu_vm *vm = &w->cpu_vms[v];
	struct cpu_host *host = &w->cpu_hosts[vm->host];

	make_room(host);
	vm->seat = host->n_vms++;
	host->vms[vm->seat] = v;
	host->due_ns[vm->seat] = due_ns;
}

/* Returns what it waits for. */
static int64_t stand_up(struct world *w, uint32_t v)
{
	const struct cpu_vm *vm = &w->cpu_vms[v];
	struct cpu_host *host = &w->cpu_hosts[vm->host];
	int64_t due_ns =
	    vm->flags & CPU_WAITS ? host->due_ns[vm->seat] : TIME_NEVER;

	leave_eager(w, v);
	swap_seats(w, host, vm->seat, --host->n_vms);
	return due_ns;
}

void cpu_move(struct world *w, uint32_t v, uint32_t host)
{
	struct cpu_vm *vm = &w->cpu_vms[v];
	int64_t due_ns = TIME_NEVER;

	couple_drop_vm(w, v);
	cpu_set_rate(w, v, 0);
	if (vm->host != ID_NONE) {
		due_ns = stand_up(w, v);
		cpu_touch_host(w, vm->host);
	}
	vm->host = host;
	if (host == ID_NONE) {
		vm->flags &= (uint8_t)~CPU_WAITS;
		return;
	}
	sit_down(w, v, due_ns);
	if (vm->flags & CPU_WANTS)
		join_eager(w, v);
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

/* Seats who no longer wants CPU behind who does. */
void cpu_prune_host(struct world *w, uint32_t h)
{
	struct cpu_host *host = &w->cpu_hosts[h];

	for (uint32_t i = host->n_eager; i > 0; i--)
		if (!cpu_is_active(&w->cpu_vms[host->vms[i - 1]]))
			leave_eager(w, host->vms[i - 1]);
}

/* The rule of sharing, where there is not enough for all. */
static void share_scarce(struct world *w, const struct cpu_host *host)
{
	uint32_t n = host->n_eager;

	for (uint32_t i = 0; i < n; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[host->vms[i]];

		w->weights[i] = vm->weight;
		w->bounds[i] = vm->bound_mcpu * 1e-3;
	}
	fair_share(host->cpu_mcpu * 1e-3, n, w->weights, w->bounds, w->shares);
	for (uint32_t i = 0; i < n; i++)
		cpu_set_rate(w, host->vms[i], w->shares[i]);
}

/* The sum of its VMs' rates, and the next of its events. */
static inline void settle_host(struct world *w, uint32_t h, double rate)
{
	struct cpu_host *host = &w->cpu_hosts[h];
	int64_t first_ns = TIME_NEVER;

	for (uint32_t i = 0; i < host->n_vms; i++)
		if (host->due_ns[i] < first_ns)
			first_ns = host->due_ns[i];
	world_set_timer(w, TIMER_HOST, h, first_ns);
	if (host->rate != rate) {
		host->used_s += host->rate * ns_to_s(w->now_ns - host->last_ns);
		host->last_ns = w->now_ns;
		host->rate = rate;
	}
	host->dirty = false;
}

void cpu_finish_host(struct world *w, uint32_t h)
{
	const struct cpu_host *host = &w->cpu_hosts[h];
	double rate = 0;

	for (uint32_t i = 0; i < host->n_eager; i++)
		rate += w->cpu_vms[host->vms[i]].rate;
	settle_host(w, h, rate);
}

/* All get their bounds; or, where scarce and all alike, even parts. */
static void share_simply(struct world *w, uint32_t h, bool scarce)
{
	const struct cpu_host *host = &w->cpu_hosts[h];
	double even = scarce ? host->cpu_mcpu * 1e-3 / host->n_eager : 0;
	double sum = 0;

	for (uint32_t i = 0; i < host->n_eager; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[host->vms[i]];
		double rate = scarce ? even : vm->bound_mcpu * 1e-3;

		if (vm->rate != rate)
			cpu_set_rate(w, host->vms[i], rate);
		sum += rate;
	}
	settle_host(w, h, sum);
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

	for (uint32_t i = host->n_eager; i > 0; i--) {
		const struct cpu_vm *vm = &w->cpu_vms[host->vms[i - 1]];

		if (!cpu_is_active(vm)) {
			leave_eager(w, host->vms[i - 1]);
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

/* What a VM was waiting for has come. */
static void fire_vm(struct world *w, uint32_t v)
{
	struct cpu_vm *vm = &w->cpu_vms[v];

	if (vm->flags & CPU_WAITS) {
		cpu_wake(w, v, TIME_NEVER);
		if (vm->flags & CPU_BOOTS)
			environment_vm_booted(w, v);
		else
			workload_model(vm->workload)->vm_fired(w, v);
	} else if (cpu_is_active(vm)) {
		cpu_rest(w, v);
		vm->left_s = 0;
		workload_vm_done(w, v);
	}
}

/* First takes note of all that are due, for what is told to a workload may
 * change who is on the host. */
void cpu_host_fired(struct world *w, uint32_t h)
{
	const struct cpu_host *host = &w->cpu_hosts[h];
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_eager; i++)
		__builtin_prefetch(&w->cpu_vms[host->vms[i]], 1);
	for (uint32_t i = 0; i < host->n_vms; i++)
		if (host->due_ns[i] <= w->now_ns)
			w->ids[n++] = host->vms[i];
	for (uint32_t i = 0; i < n; i++) {
		const struct cpu_vm *vm = &w->cpu_vms[w->ids[i]];

		if (vm->host == h && host->due_ns[vm->seat] <= w->now_ns)
			fire_vm(w, w->ids[i]);
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
