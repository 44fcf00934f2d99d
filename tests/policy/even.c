/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A policy of one's own, as a researcher would write it: `even` moves one VM
 * a step from the host with the most VMs to the one with the fewest of the
 * same domain, whatever they use.  It is compiled to a shared object and
 * loaded by
 *
 *	violin run --policy ./even.so FILE
 *
 * What it takes from the core (tables, placement) is in the program.
 */
#include "core/place.h"
#include "core/policy.h"

enum { P_GAP, N_PARAMS };

static const struct param params[N_PARAMS] = {
    [P_GAP] = {"gap", QUANTITY_NUMBER, 2, 1, 1000,
        "hosts that differ by fewer VMs are even enough"},
};

struct even {
	const double *values;
	struct want *want;
	struct tables tables;
	struct placer placer;
};

static void *even_lay_out(
    struct arena *arena, const struct model *model, const double *values)
{
	struct even *s = ARENA_TAKE(arena, 1, struct even);
	struct even made = {.values = values};

	made.want = ARENA_TAKE(arena, model->n_vms, struct want);
	tables_lay_out(&made.tables, arena, model);
	placer_lay_out(&made.placer, arena, model);
	if (s)
		*s = made;
	return s;
}

/* The first VM on the host that may move and fits on the other, or none. */
static uint32_t find_vm(const struct even *s, const struct model *model,
    const struct observation *obs, uint32_t from, uint32_t to)
{
	const struct tables *t = &s->tables;
	uint64_t room = t->hosts[to].mem_cap_kib - t->hosts[to].mem_kib;

	for (uint32_t k = t->host_first[from]; k < t->host_first[from + 1];
	     k++) {
		uint32_t v = t->host_vms[k];
		const struct vm_observation *vm = &obs->vms[v];

		if (!model->vms[v].is_head && vm_is_sampled(obs, vm) &&
		    vm_held_kib(vm) <= room)
			return v;
	}
	return ID_NONE;
}

static void even_out(const struct even *s, uint32_t d,
    const struct model *model, const struct observation *obs,
    struct plan *plan)
{
	const struct tables *t = &s->tables;
	uint32_t most = ID_NONE, fewest = ID_NONE, v;
	struct action *a;

	for (uint32_t k = t->domain_first[d]; k < t->domain_first[d + 1];
	     k++) {
		uint32_t h = t->domain_hosts[k];

		if (!t->hosts[h].takes_vms)
			continue;
		if (most == ID_NONE || t->hosts[h].n_vms > t->hosts[most].n_vms)
			most = h;
		if (fewest == ID_NONE ||
		    t->hosts[h].n_vms < t->hosts[fewest].n_vms)
			fewest = h;
	}
	if (most == ID_NONE ||
	    t->hosts[most].n_vms - t->hosts[fewest].n_vms < s->values[P_GAP])
		return;
	v = find_vm(s, model, obs, most, fewest);
	if (v == ID_NONE)
		return;
	a = plan_add(plan, ACTION_MIGRATE, (struct vm_id){v});
	a->from.ix = most;
	a->to.ix = fewest;
	a->reason = (struct reason){"its host has {} VMs, the other {}",
	    t->hosts[most].n_vms, t->hosts[fewest].n_vms};
}

static void even_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	struct even *s = state;

	for (uint32_t v = 0; v < model->n_vms; v++)
		s->want[v].cpu_mcpu = model->vms[v].vcpu_mcpu;
	tables_fill(&s->tables, model, obs, s->want);
	place_queued(
	    &s->placer, model, obs, 0, s->want, &s->tables, plan);
	for (uint32_t d = 0; d < model->n_domains; d++)
		even_out(s, d, model, obs, plan);
}

const struct policy violin_policy = {
    .abi = POLICY_ABI,
    .name = "even",
    .summary = "as many VMs here as there",
    .params = params,
    .n_params = N_PARAMS,
    .lay_out = even_lay_out,
    .decide = even_decide,
};
