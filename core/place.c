/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placement of environments that are asked for; see place.h. */
#include "core/place.h"

#include <string.h>

/* One step's, all borrowed. */
struct placing {
	struct placer *p;
	const struct model *model;
	const struct observation *obs;
	const struct want *want;
	struct tables *t;
	struct plan *plan;
};

void placer_lay_out(
    struct placer *p, struct arena *arena, const struct model *model)
{
	*p = (struct placer){0};
	p->busy_mcpu = ARENA_TAKE(arena, model->n_hosts, double);
	p->domain_busy = ARENA_TAKE(arena, model->n_domains, double);
	p->domain_cpu = ARENA_TAKE(arena, model->n_domains, double);
	p->tried = ARENA_TAKE(arena, model->n_domains, uint8_t);
	p->set_aside = ARENA_TAKE(arena, model->n_hosts, uint32_t);
	p->chosen = ARENA_TAKE(arena, model->n_vms, struct host_id);
	heap_lay_out(&p->heap, arena, model->n_hosts);
	heap_lay_out(&p->queue, arena, model->n_envs);
}

static struct host_id heads_to(const struct vm_observation *vm)
{
	return host_none(vm->target) ? vm->host : vm->target;
}

static void add_busy(struct placing *g, uint32_t v, struct host_id host)
{
	double mcpu = g->model->vms[v].vcpu_mcpu;

	if (g->model->vms[v].is_head)
		return;
	g->p->busy_mcpu[host.ix] += mcpu;
	g->p->domain_busy[g->model->hosts[host.ix].domain.ix] += mcpu;
}

static void count_busy(struct placing *g, uint32_t busy_mcpu)
{
	const struct model *m = g->model;
	struct placer *p = g->p;

	memset(p->busy_mcpu, 0, m->n_hosts * sizeof(double));
	memset(p->domain_busy, 0, m->n_domains * sizeof(double));
	memset(p->domain_cpu, 0, m->n_domains * sizeof(double));
	for (uint32_t h = 0; h < m->n_hosts; h++)
		if (g->t->hosts[h].takes_vms)
			p->domain_cpu[m->hosts[h].domain.ix] +=
			    m->hosts[h].cpu_mcpu;
	for (uint32_t v = 0; v < m->n_vms; v++) {
		const struct vm_observation *vm = &g->obs->vms[v];
		bool idle = vm_is_sampled(g->obs, vm) &&
		            vm->cpu_used_mcpu < busy_mcpu;

		if (vm_is_placed(vm) && vm->state != VM_LEAVING && !idle)
			add_busy(g, v, heads_to(vm));
	}
}

static bool has_room(const struct placing *g, uint32_t h, uint64_t mem_kib)
{
	const struct host_load *load = &g->t->hosts[h];

	return load->takes_vms && load->mem_kib + mem_kib <= load->mem_cap_kib;
}

static void push_host(struct placing *g, uint32_t h)
{
	heap_push(&g->p->heap,
	    (struct heap_item){g->p->busy_mcpu[h] / g->model->hosts[h].cpu_mcpu,
	        g->t->hosts[h].n_vms, h});
}

static struct want new_want(const struct placing *g, uint32_t v)
{
	return (struct want){g->want[v].cpu_mcpu, g->model->vms[v].mem_kib};
}

/* The first host, by rising load, with room for this VM; ID_NONE: none. */
static uint32_t pop_host(struct placing *g, uint64_t mem_kib)
{
	uint32_t found = ID_NONE, n = 0;

	while (found == ID_NONE && g->p->heap.n_items > 0) {
		uint32_t h = heap_pop(&g->p->heap).id;

		if (has_room(g, h, mem_kib))
			found = h;
		else
			g->p->set_aside[n++] = h;
	}
	while (n > 0)
		push_host(g, g->p->set_aside[--n]);
	return found;
}

static bool choose_host(struct placing *g, uint32_t v, struct host_id *chosen)
{
	const struct vm *vm = &g->model->vms[v];

	*chosen = vm->home;
	if (!host_none(vm->home)) {
		if (!has_room(g, vm->home.ix, vm->mem_kib))
			return false;
		tables_add(g->t, vm->home, new_want(g, v));
		return true;
	}
	chosen->ix = pop_host(g, vm->mem_kib);
	if (host_none(*chosen))
		return false;
	tables_add(g->t, *chosen, new_want(g, v));
	if (!vm->is_head)
		g->p->busy_mcpu[chosen->ix] += vm->vcpu_mcpu;
	push_host(g, chosen->ix);
	return true;
}

/* Chooses a host for every VM of the environment, or for none. */
static bool fits_domain(
    struct placing *g, const struct environment *env, uint32_t d)
{
	uint32_t i = 0;

	heap_clear(&g->p->heap);
	for (uint32_t k = g->t->domain_first[d];
	     k < g->t->domain_first[d + 1]; k++)
		if (g->t->hosts[g->t->domain_hosts[k]].takes_vms)
			push_host(g, g->t->domain_hosts[k]);
	while (i < env->n_vms &&
	       choose_host(g, env->first_vm + i, &g->p->chosen[i]))
		i++;
	/* choose_host counts for the choice only what the heap needs. */
	for (uint32_t k = 0; k < i; k++) {
		uint32_t v = env->first_vm + k;

		if (host_none(g->model->vms[v].home) &&
		    !g->model->vms[v].is_head)
			g->p->busy_mcpu[g->p->chosen[k].ix] -=
			    g->model->vms[v].vcpu_mcpu;
		if (i < env->n_vms)
			tables_remove(
			    g->t, g->p->chosen[k], new_want(g, v));
	}
	return i == env->n_vms;
}

static double compute_mcpu(
    const struct model *m, const struct environment *env)
{
	double sum = 0;

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!m->vms[env->first_vm + i].is_head)
			sum += m->vms[env->first_vm + i].vcpu_mcpu;
	return sum;
}

/* The domain not tried yet with the lowest load, or ID_NONE. */
static uint32_t next_domain(const struct placing *g, double more, double *load)
{
	uint32_t best = ID_NONE;

	for (uint32_t d = 0; d < g->model->n_domains; d++) {
		double l = (g->p->domain_busy[d] + more) / g->p->domain_cpu[d];

		if (g->p->tried[d] || g->p->domain_cpu[d] <= 0)
			continue;
		if (best == ID_NONE || l < *load) {
			best = d;
			*load = l;
		}
	}
	return best;
}

static void plan_creation(
    struct placing *g, const struct environment *env, double load)
{
	uint32_t group = plan_new_group(g->plan);

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;
		struct action *a =
		    plan_add(g->plan, ACTION_CREATE, (struct vm_id){v});

		a->to = g->p->chosen[i];
		a->group = group;
		a->weight = WEIGHT_DEFAULT;
		a->mem_kib = g->model->vms[v].mem_kib;
		a->reason = (struct reason){
		    "asked for; its domain, the least loaded with room, will "
		    "have {} busy vCPUs a CPU",
		    load, 0};
		add_busy(g, v, a->to);
	}
}

static void place_one(struct placing *g, uint32_t e)
{
	const struct environment *env = &g->model->envs[e];
	double more = compute_mcpu(g->model, env), load = 0;
	uint32_t d;

	memset(g->p->tried, 0, g->model->n_domains);
	while ((d = next_domain(g, more, &load)) != ID_NONE) {
		if (fits_domain(g, env, d)) {
			plan_creation(g, env, load);
			return;
		}
		g->p->tried[d] = 1;
	}
	g->p->n_waiting += env->n_vms;
	g->p->waiting_mcpu += (uint64_t)more;
}

void place_queued(struct placer *p, const struct model *model,
    const struct observation *obs, uint32_t busy_mcpu,
    const struct want *want, struct tables *t, struct plan *plan)
{
	struct placing g = {p, model, obs, want, t, plan};

	p->n_waiting = 0;
	p->waiting_mcpu = 0;
	heap_clear(&p->queue);
	for (uint32_t e = 0; e < model->n_envs; e++)
		if (obs->envs[e].state == ENV_QUEUED)
			heap_push(&p->queue,
			    (struct heap_item){
			        (double)obs->envs[e].queued_ns, 0, e});
	if (p->queue.n_items > 0)
		count_busy(&g, busy_mcpu);
	while (p->queue.n_items > 0)
		place_one(&g, heap_pop(&p->queue).id);
}
