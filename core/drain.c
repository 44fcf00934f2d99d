/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Emptying hosts under any policy; see drain.h. */
#include "core/drain.h"

#include <string.h>

struct drain {
	const struct model *model;
	const struct observation *obs;
	uint64_t *promised_kib; /* of a host: to what is or will be there */
	uint32_t *next;         /* VM to leave a host; ID_NONE: none */
	uint8_t *busy;          /* hosts that something leaves already */
	uint8_t *planned;       /* VMs that the plan moves, ends or balloons */
};

struct drain *drain_lay_out(struct arena *arena, const struct model *model)
{
	struct drain *d = ARENA_TAKE(arena, 1, struct drain);
	struct drain made = {0};

	made.promised_kib = ARENA_TAKE(arena, model->n_hosts, uint64_t);
	made.next = ARENA_TAKE(arena, model->n_hosts, uint32_t);
	made.busy = ARENA_TAKE(arena, model->n_hosts, uint8_t);
	made.planned = ARENA_TAKE(arena, model->n_vms, uint8_t);
	if (d)
		*d = made;
	return d;
}

static bool is_drained(const struct drain *d, struct host_id host)
{
	return d->obs->hosts[host.ix].state == HOST_DRAINING;
}

static bool any_drained(const struct drain *d)
{
	for (uint32_t h = 0; h < d->model->n_hosts; h++)
		if (is_drained(d, (struct host_id){h}))
			return true;
	return false;
}

static void see_vms(struct drain *d)
{
	for (uint32_t v = 0; v < d->model->n_vms; v++) {
		const struct vm_observation *vm = &d->obs->vms[v];

		if (!vm_is_placed(vm))
			continue;
		d->promised_kib[vm->host.ix] += vm_held_kib(vm);
		if (host_none(vm->target))
			continue;
		d->promised_kib[vm->target.ix] += vm_held_kib(vm);
		d->busy[vm->host.ix] = 1;
	}
}

static void see_plan(struct drain *d, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_actions; i++) {
		const struct action *a = &plan->actions[i];

		if (a->vm.ix >= d->model->n_vms || a->kind == ACTION_SET_CPU)
			continue;
		d->planned[a->vm.ix] = 1;
		if (a->kind == ACTION_MIGRATE &&
		    a->from.ix < d->model->n_hosts)
			d->busy[a->from.ix] = 1;
		if (a->to.ix >= d->model->n_hosts)
			continue;
		d->promised_kib[a->to.ix] +=
		    a->kind == ACTION_CREATE
		        ? a->mem_kib
		        : vm_held_kib(&d->obs->vms[a->vm.ix]);
	}
}

static void find_next(struct drain *d)
{
	for (uint32_t v = 0; v < d->model->n_vms; v++) {
		const struct vm_observation *vm = &d->obs->vms[v];
		uint32_t *next;

		if (vm->state != VM_RUNNING || d->model->vms[v].is_head ||
		    d->planned[v] || !is_drained(d, vm->host))
			continue;
		next = &d->next[vm->host.ix];
		if (*next == ID_NONE ||
		    vm_held_kib(vm) < vm_held_kib(&d->obs->vms[*next]))
			*next = v;
	}
}

static bool has_room(const struct drain *d, uint32_t h, uint64_t kib)
{
	const struct host_observation *host = &d->obs->hosts[h];

	return host->state == HOST_UP && host->mem_free_kib >= kib &&
	       d->promised_kib[h] + kib <= d->model->hosts[h].mem_kib;
}

/* Better is: of its own domain, then with less of its CPU used, then first. */
static struct host_id find_target(const struct drain *d, uint32_t v)
{
	const struct vm_observation *vm = &d->obs->vms[v];
	struct domain_id own = d->model->hosts[vm->host.ix].domain;
	struct host_id best = NO_HOST;
	double best_load = 0;
	bool best_is_own = false;

	for (uint32_t h = 0; h < d->model->n_hosts; h++) {
		const struct host *host = &d->model->hosts[h];
		bool is_own = host->domain.ix == own.ix;
		double load = d->obs->hosts[h].cpu_used_mcpu /
		              (double)host->cpu_mcpu;

		if (!has_room(d, h, vm_held_kib(vm)) ||
		    (!host_none(best) &&
		        (is_own != best_is_own ? best_is_own
		                               : load >= best_load)))
			continue;
		best.ix = h;
		best_load = load;
		best_is_own = is_own;
	}
	return best;
}

static void drain_host(struct drain *d, uint32_t h, struct plan *plan)
{
	uint32_t v = d->next[h];
	struct host_id to = v == ID_NONE ? NO_HOST : find_target(d, v);
	struct action *a;

	if (host_none(to))
		return;
	a = plan_add(plan, ACTION_MIGRATE, (struct vm_id){v});
	a->from.ix = h;
	a->to = to;
	a->reason = (struct reason){"its host is to be emptied, and the policy "
				    "leaves it there",
	    0, 0};
	d->promised_kib[to.ix] += vm_held_kib(&d->obs->vms[v]);
}

void drain_hosts(struct drain *d, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	d->model = model;
	d->obs = obs;
	if (!any_drained(d))
		return;
	memset(d->promised_kib, 0, model->n_hosts * sizeof *d->promised_kib);
	memset(d->next, 0xff, model->n_hosts * sizeof *d->next);
	memset(d->busy, 0, model->n_hosts);
	memset(d->planned, 0, model->n_vms);
	see_vms(d);
	see_plan(d, plan);
	find_next(d);
	for (uint32_t h = 0; h < model->n_hosts; h++)
		if (is_drained(d, (struct host_id){h}) && !d->busy[h])
			drain_host(d, h, plan);
}
