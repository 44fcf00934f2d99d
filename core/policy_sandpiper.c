/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy `sandpiper`: hot spots (T. Wood, P. Shenoy, A. Venkataramani,
 * M. Yousif, Black-box and Gray-box Strategies for Virtual Machine Migration,
 * NSDI 2007), on CPU and memory.
 *
 *	utilisation   of a host: CPU used, and memory held, over what it has
 *	hot spot      a host over a threshold in at least k of the last n
 *	              observations, and in this one
 *	volume        1 / ((1 - cpu) (1 - memory)), of hosts and of VMs
 *	size ratio    a VM's volume over its memory: load moved for each byte
 *
 * Hosts in falling order of volume: each sheds VMs in falling order of their
 * volume to size ratio, to the host with the least volume that stays under
 * the thresholds with it, until it would be no hot spot.  Hosts of its own
 * domain come first, others only when none of those can.
 *
 * Different from the paper: no network volume (nothing measures it), no
 * swap of two VMs, and the prediction of the trend is left to k of n.
 */
#include "core/heap.h"
#include "core/place.h"
#include "core/policy.h"

#include <string.h>

enum { P_CPU, P_MEM, P_K, P_N, P_GROWTH, P_BUSY, P_BETWEEN, N_PARAMS };

static const struct param params[N_PARAMS] = {
    [P_CPU] = {"cpu-threshold", QUANTITY_NUMBER, 0.75, 0, 10,
        "a host that uses more of its CPU is hot"},
    [P_MEM] = {"mem-threshold", QUANTITY_NUMBER, 0.95, 0, 1,
        "a host with more of its memory held is hot"},
    [P_K] = {"k", QUANTITY_NUMBER, 3, 1, 32,
        "a hot spot was hot in k of the last n observations"},
    [P_N] = {"n", QUANTITY_NUMBER, 5, 1, 32, "see k"},
    [P_GROWTH] = {"mem-step", QUANTITY_MEMORY, 32768, 1024, 1e12,
        "memory given to a VM that uses nearly all of its own"},
    [P_BUSY] = {"busy", QUANTITY_CPU, 0.05, 0, 1e6,
        "a VM that uses this much counts as busy when placing others"},
    [P_BETWEEN] = {"between-domains", QUANTITY_SWITCH, 1, 0, 1,
        "VMs may migrate to other domains"},
};

/* Utilisation is cut below one so that a volume is finite. */
static const double FULL = 0.99;
/* A guest is given memory when it uses this much of its own (the paper's
 * gray-box rule acts on swap activity, which nothing tells us here). */
static const double MEM_TIGHT = 0.90;

/* A target is looked for among this many of a domain's coolest hosts. */
enum { MAX_PROBES = 16 };

struct sandpiper {
	const double *values;
	struct want *want;  /* what is used: load that moves with a VM */
	struct tables tables;
	struct placer placer;
	uint32_t *history;  /* by host: bit i set, hot i observations ago */
	struct heap hot, vms;
	struct heap *cool;  /* by domain, over cool_items */
	struct heap_item *cool_items;
	uint8_t *taken;     /* VMs with an action in this plan */
	const struct model *model;
	const struct observation *obs;
	struct plan *plan;
};

static void *sandpiper_lay_out(
    struct arena *arena, const struct model *m, const double *values)
{
	struct sandpiper *s = ARENA_TAKE(arena, 1, struct sandpiper);
	struct sandpiper made = {.values = values};

	made.want = ARENA_TAKE(arena, m->n_vms, struct want);
	tables_lay_out(&made.tables, arena, m);
	placer_lay_out(&made.placer, arena, m);
	made.history = ARENA_TAKE(arena, m->n_hosts, uint32_t);
	heap_lay_out(&made.hot, arena, m->n_hosts);
	heap_lay_out(&made.vms, arena, m->n_vms);
	made.cool = ARENA_TAKE(arena, m->n_domains, struct heap);
	made.cool_items = ARENA_TAKE(arena, m->n_hosts, struct heap_item);
	made.taken = ARENA_TAKE(arena, m->n_vms, uint8_t);
	if (s)
		*s = made;
	return s;
}

static double volume(double cpu, double mem)
{
	cpu = cpu < FULL ? cpu : FULL;
	mem = mem < FULL ? mem : FULL;
	return 1 / ((1 - cpu) * (1 - mem));
}

static double part(double used, double of)
{
	return of > 0 ? used / of : 1;
}

static double host_volume(const struct host_load *h)
{
	return volume(part(h->cpu_mcpu, h->cpu_cap_mcpu),
	    part((double)h->mem_kib, (double)h->mem_cap_kib));
}

static bool is_hot(const struct sandpiper *s, const struct host_load *h)
{
	return h->cpu_mcpu > s->values[P_CPU] * h->cpu_cap_mcpu ||
	       (double)h->mem_kib >
	           s->values[P_MEM] * (double)h->mem_cap_kib;
}

static uint32_t count_bits(uint32_t bits)
{
	uint32_t n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* k of the last n, this one among them. */
static bool is_hot_spot(struct sandpiper *s, uint32_t h)
{
	uint32_t n = (uint32_t)s->values[P_N];
	uint32_t window = n >= 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
	uint32_t hot = is_hot(s, &s->tables.hosts[h]);

	s->history[h] = s->history[h] << 1 | hot;
	return hot &&
	       count_bits(s->history[h] & window) >= (uint32_t)s->values[P_K];
}

static bool host_answers(const struct sandpiper *s, uint32_t h)
{
	enum host_state state = s->obs->hosts[h].state;

	return state == HOST_UP || state == HOST_DRAINING;
}

static bool is_movable(const struct sandpiper *s, uint32_t v)
{
	const struct vm *vm = &s->model->vms[v];
	const struct vm_observation *seen = &s->obs->vms[v];

	return !vm->is_head && vm_is_sampled(s->obs, seen) && !s->taken[v] &&
	       s->obs->envs[vm->env.ix].network_up;
}

static struct want load_of(const struct sandpiper *s, uint32_t v)
{
	return (struct want){
	    s->want[v].cpu_mcpu, vm_held_kib(&s->obs->vms[v])};
}

static void push_host(struct sandpiper *s, uint32_t h)
{
	heap_push(&s->cool[s->model->hosts[h].domain.ix],
	    (struct heap_item){host_volume(&s->tables.hosts[h]), 0, h});
}

/* Every host that takes VMs and is not hot, by rising volume. */
static void rank_hosts(struct sandpiper *s)
{
	const struct tables *t = &s->tables;

	for (uint32_t d = 0; d < s->model->n_domains; d++) {
		uint32_t first = t->domain_first[d];

		s->cool[d] = (struct heap){s->cool_items + first, 0,
		    t->domain_first[d + 1] - first};
		for (uint32_t k = first; k < t->domain_first[d + 1]; k++) {
			uint32_t h = t->domain_hosts[k];

			if (t->hosts[h].takes_vms &&
			    !is_hot(s, &t->hosts[h]))
				push_host(s, h);
		}
	}
}

/* Takes from the domain's hosts the one with the least volume that stays
 * under the thresholds with the VM; ID_NONE: none. */
static uint32_t pop_coolest(struct sandpiper *s, uint32_t d, struct want more)
{
	uint32_t aside[MAX_PROBES], n = 0, found = ID_NONE;

	while (found == ID_NONE && n < MAX_PROBES && s->cool[d].n_items > 0) {
		uint32_t h = heap_pop(&s->cool[d]).id;
		struct host_load with = s->tables.hosts[h];

		with.cpu_mcpu += more.cpu_mcpu;
		with.mem_kib += more.mem_kib;
		if (is_hot(s, &with) || with.mem_kib > with.mem_cap_kib)
			aside[n++] = h;
		else
			found = h;
	}
	while (n > 0)
		push_host(s, aside[--n]);
	return found;
}

/* In its own domain if there is one, else in the first that has one. */
static uint32_t find_target(struct sandpiper *s, uint32_t v, uint32_t domain)
{
	struct want more = load_of(s, v);
	uint32_t to = pop_coolest(s, domain, more);

	for (uint32_t d = 0; to == ID_NONE && d < s->model->n_domains; d++)
		if (d != domain && s->values[P_BETWEEN] > 0)
			to = pop_coolest(s, d, more);
	return to;
}

static void migrate(struct sandpiper *s, uint32_t v, uint32_t to)
{
	struct host_id from = s->obs->vms[v].host;
	struct action *a =
	    plan_add(s->plan, ACTION_MIGRATE, (struct vm_id){v});

	a->from = from;
	a->to.ix = to;
	a->reason = (struct reason){
	    "its host is a hot spot of volume {}; goes where the volume is {}",
	    host_volume(&s->tables.hosts[from.ix]),
	    host_volume(&s->tables.hosts[to])};
	tables_remove(&s->tables, from, load_of(s, v));
	tables_add(&s->tables, a->to, load_of(s, v));
	s->taken[v] = 1;
}

/* By falling volume to size ratio. */
static void rank_vms(struct sandpiper *s, uint32_t h)
{
	const struct host_load *load = &s->tables.hosts[h];
	const struct tables *t = &s->tables;

	heap_clear(&s->vms);
	for (uint32_t k = t->host_first[h]; k < t->host_first[h + 1]; k++) {
		uint32_t v = t->host_vms[k];
		struct want w = load_of(s, v);
		double size = (double)w.mem_kib;

		if (is_movable(s, v) && size > 0)
			heap_push(&s->vms,
			    (struct heap_item){
			        -volume(part(w.cpu_mcpu, load->cpu_cap_mcpu),
			            part(size, (double)load->mem_cap_kib)) /
			            size,
			        0, v});
	}
}

static void cool(struct sandpiper *s, uint32_t h)
{
	uint32_t domain = s->model->hosts[h].domain.ix;

	rank_vms(s, h);
	while (s->vms.n_items > 0 && is_hot(s, &s->tables.hosts[h])) {
		uint32_t v = heap_pop(&s->vms).id;
		uint32_t to = find_target(s, v, domain);

		if (to == ID_NONE)
			continue;
		migrate(s, v, to);
		push_host(s, to);
	}
}

/* A guest that runs out of memory gets a step more, where there is room. */
static void feed(struct sandpiper *s, uint32_t v)
{
	const struct vm_observation *seen = &s->obs->vms[v];
	struct host_load *h = &s->tables.hosts[seen->host.ix];
	uint64_t most = s->model->vms[v].mem_max_kib;
	uint64_t held = vm_held_kib(seen);
	uint64_t want = seen->mem_target_kib + (uint64_t)s->values[P_GROWTH];
	struct action *a;

	if (want > most)
		want = most;
	if (want <= held || h->held_kib - held + want > h->mem_cap_kib)
		return;
	h->held_kib += want - held;
	a = plan_add(s->plan, ACTION_SET_MEM, (struct vm_id){v});
	a->from = seen->host;
	a->mem_kib = want;
	a->reason = (struct reason){"uses {} % of its memory",
	    100 * part((double)seen->mem_used_kib,
	              (double)seen->mem_target_kib),
	    0};
	s->taken[v] = 1;
}

static void begin_step(struct sandpiper *s)
{
	memset(s->taken, 0, s->model->n_vms);
	for (uint32_t v = 0; v < s->model->n_vms; v++) {
		const struct vm_observation *seen = &s->obs->vms[v];
		bool placed = vm_is_placed(seen);

		s->want[v].cpu_mcpu = placed ? seen->cpu_used_mcpu
		                             : s->model->vms[v].vcpu_mcpu;
		s->want[v].mem_kib = placed ? vm_held_kib(seen) : 0;
	}
}

static void sandpiper_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	struct sandpiper *s = state;

	s->model = model;
	s->obs = obs;
	s->plan = plan;
	begin_step(s);
	tables_fill(&s->tables, model, obs, s->want);
	place_queued(&s->placer, model, obs,
	    (uint32_t)(s->values[P_BUSY] * MCPU_PER_CPU), s->want,
	    &s->tables, plan);
	rank_hosts(s);
	heap_clear(&s->hot);
	for (uint32_t h = 0; h < model->n_hosts; h++)
		if (host_answers(s, h) && is_hot_spot(s, h))
			heap_push(&s->hot,
			    (struct heap_item){
			        -host_volume(&s->tables.hosts[h]), 0, h});
	while (s->hot.n_items > 0)
		cool(s, heap_pop(&s->hot).id);
	for (uint32_t v = 0; v < model->n_vms; v++) {
		const struct vm_observation *seen = &obs->vms[v];

		if (!s->taken[v] && vm_is_sampled(obs, seen) &&
		    seen->mem_used_kib != MEM_UNKNOWN &&
		    (double)seen->mem_used_kib >
		        MEM_TIGHT * (double)seen->mem_target_kib)
			feed(s, v);
	}
}

const struct policy policy_sandpiper = {
    .abi = POLICY_ABI,
    .name = "sandpiper",
    .summary = "hot spots, by volume to size ratio (NSDI 2007)",
    .params = params,
    .n_params = N_PARAMS,
    .lay_out = sandpiper_lay_out,
    .decide = sandpiper_decide,
};
