/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy `drs`: load balance (A. Gulati, A. Holler, M. Ji, G.
 * Shanmuganathan, C. Waldspurger, X. Zhu, VMware Distributed Resource
 * Management: Design, Implementation, and Lessons Learned, VMware Technical
 * Journal 1(1), 2012).
 *
 *	entitlement   of a VM: the CPU it uses, or all its fair share while it
 *	              wants more than it gets
 *	load N_h      sum of entitlements on host h / its capacity
 *	imbalance     standard deviation of N_h over the hosts of a domain
 *
 * While a domain's imbalance is above a threshold, the one migration within
 * it that lowers the imbalance most is planned, if what it gains is worth
 * more than it costs:
 *
 *	gain  CPU that the VM gets more at the target, over `horizon`
 *	cost  CPU that the VM loses while its memory is copied (`slowdown` of
 *	      it), at the bandwidth of the domain's LAN, and in `downtime`
 *
 * Domains are what DRS calls clusters: between them nothing moves.
 */
#include "core/place.h"
#include "core/policy.h"

#include <math.h>
#include <string.h>

enum {
	P_THRESHOLD,
	P_MOVES,
	P_HORIZON,
	P_SLOWDOWN,
	P_DOWNTIME,
	P_BANDWIDTH,
	P_BUSY,
	N_PARAMS
};

static const struct param params[N_PARAMS] = {
    [P_THRESHOLD] = {"threshold", QUANTITY_NUMBER, 0.10, 0, 10,
        "an imbalance up to this is left alone"},
    [P_MOVES] = {"moves", QUANTITY_NUMBER, 8, 1, 1e6,
        "migrations planned in a domain and period, at most"},
    [P_HORIZON] = {"horizon", QUANTITY_TIME, 300, 0, 1e9,
        "a gain is expected to last this long"},
    [P_SLOWDOWN] = {"slowdown", QUANTITY_NUMBER, 0.10, 0, 1,
        "CPU that a VM is expected to lose while it is copied"},
    [P_DOWNTIME] = {"downtime", QUANTITY_TIME, 1, 0, 1e9,
        "a VM is expected to stand still this long"},
    [P_BANDWIDTH] = {"bandwidth-mbit", QUANTITY_NUMBER, 500, 0.001, 1e9,
        "copying is expected to go at this, where the model has no link"},
    [P_BUSY] = {"busy", QUANTITY_CPU, 0.05, 0, 1e6,
        "a VM that uses this much counts as busy when placing others"},
};

/* The most loaded hosts whose VMs are tried as movers, and the least loaded
 * that are tried as targets, in one round: moves from or to those in between
 * lower a deviation less. */
enum { ENDS = 8 };

/* A VM that uses this much of its fair share would use more. */
static const double HUNGRY = 0.95;

struct drs {
	const double *values;
	struct want *want; /* entitlements */
	struct tables tables;
	struct placer placer;
	uint8_t *moved;    /* VMs that migrate in this plan */
	const struct model *model;
	const struct observation *obs;
	struct plan *plan;
};

/* Sums over the hosts of a domain that take VMs. */
struct spread {
	uint32_t n;
	double sum, squares;
};

struct move {
	uint32_t vm, to;
	double deviation; /* after it */
};

static void *drs_lay_out(
    struct arena *arena, const struct model *m, const double *values)
{
	struct drs *s = ARENA_TAKE(arena, 1, struct drs);
	struct drs made = {.values = values};

	made.want = ARENA_TAKE(arena, m->n_vms, struct want);
	tables_lay_out(&made.tables, arena, m);
	placer_lay_out(&made.placer, arena, m);
	made.moved = ARENA_TAKE(arena, m->n_vms, uint8_t);
	if (s)
		*s = made;
	return s;
}

/* The CPU a VM could use: all its vCPUs while it uses what it can get. */
static uint32_t entitlement(const struct drs *s, uint32_t v)
{
	const struct vm_observation *seen = &s->obs->vms[v];
	const struct vm *vm = &s->model->vms[v];
	uint32_t h = seen->host.ix;
	uint32_t n = s->tables.host_first[h + 1] - s->tables.host_first[h];
	double fair = s->model->hosts[h].cpu_mcpu / (double)n;

	if (fair > vm->vcpu_mcpu)
		fair = vm->vcpu_mcpu;
	if (!vm_is_sampled(s->obs, seen))
		return s->want[v].cpu_mcpu;
	return seen->cpu_used_mcpu >= HUNGRY * fair ? vm->vcpu_mcpu
	                                            : seen->cpu_used_mcpu;
}

static double load_of(const struct drs *s, uint32_t h)
{
	return s->tables.hosts[h].cpu_mcpu / s->model->hosts[h].cpu_mcpu;
}

static double deviation(struct spread sp)
{
	double mean = sp.sum / sp.n;
	double variance = sp.squares / sp.n - mean * mean;

	return variance > 0 ? sqrt(variance) : 0;
}

static void spread_change(struct spread *sp, double from, double to)
{
	sp->sum += to - from;
	sp->squares += to * to - from * from;
}

static struct spread spread_of(const struct drs *s, uint32_t d)
{
	const struct tables *t = &s->tables;
	struct spread sp = {0};

	for (uint32_t k = t->domain_first[d]; k < t->domain_first[d + 1];
	     k++) {
		uint32_t h = t->domain_hosts[k];

		if (!t->hosts[h].takes_vms)
			continue;
		sp.n++;
		spread_change(&sp, 0, load_of(s, h));
	}
	return sp;
}

/* Keeps the ENDS hosts of domain d with the lowest sign x load, in order. */
static uint32_t pick_ends(
    const struct drs *s, uint32_t d, double sign, uint32_t *ends)
{
	const struct tables *t = &s->tables;
	uint32_t n = 0;

	for (uint32_t k = t->domain_first[d]; k < t->domain_first[d + 1];
	     k++) {
		uint32_t h = t->domain_hosts[k], at = n;

		if (!t->hosts[h].takes_vms)
			continue;
		while (at > 0 &&
		       sign * load_of(s, ends[at - 1]) > sign * load_of(s, h))
			at--;
		if (at == ENDS)
			continue;
		if (n < ENDS)
			n++;
		memmove(&ends[at + 1], &ends[at],
		    (n - 1 - at) * sizeof *ends);
		ends[at] = h;
	}
	return n;
}

static bool is_movable(const struct drs *s, uint32_t v)
{
	const struct vm *vm = &s->model->vms[v];
	const struct vm_observation *seen = &s->obs->vms[v];

	return !vm->is_head && vm_is_sampled(s->obs, seen) && !s->moved[v] &&
	       s->obs->envs[vm->env.ix].network_up;
}

/* CPU seconds that it costs to copy a VM's memory. */
static double cost_s(const struct drs *s, uint32_t v, uint32_t d)
{
	const struct model *m = s->model;
	double bps = s->values[P_BANDWIDTH] * 1e6;
	double cpu = s->want[v].cpu_mcpu / (double)MCPU_PER_CPU;

	if (m->link_bps && m->link_bps[d * m->n_domains + d] > 0)
		bps = m->link_bps[d * m->n_domains + d];
	return cpu *
	       (s->values[P_SLOWDOWN] *
	               (double)vm_held_kib(&s->obs->vms[v]) * 8192 / bps +
	           s->values[P_DOWNTIME]);
}

/* CPU seconds that it gains: what its share grows by, for the horizon. */
static double gain_s(const struct drs *s, uint32_t v, uint32_t to)
{
	double need = s->want[v].cpu_mcpu;
	double load = load_of(s, s->obs->vms[v].host.ix);
	double after = (s->tables.hosts[to].cpu_mcpu + need) /
	               s->model->hosts[to].cpu_mcpu;
	double now = load > 1 ? need / load : need;
	double then = after > 1 ? need / after : need;

	return (then - now) / MCPU_PER_CPU * s->values[P_HORIZON];
}

static void try_move(const struct drs *s, uint32_t v, uint32_t to, uint32_t d,
    struct spread sp, struct move *best)
{
	uint32_t from = s->obs->vms[v].host.ix;
	const struct host_load *target = &s->tables.hosts[to];
	double cpu = s->want[v].cpu_mcpu, after;

	if (to == from || target->mem_kib + vm_held_kib(&s->obs->vms[v]) >
	                      target->mem_cap_kib)
		return;
	spread_change(&sp, load_of(s, from),
	    load_of(s, from) - cpu / s->model->hosts[from].cpu_mcpu);
	spread_change(&sp, load_of(s, to),
	    load_of(s, to) + cpu / s->model->hosts[to].cpu_mcpu);
	after = deviation(sp);
	if (after < best->deviation && gain_s(s, v, to) > cost_s(s, v, d))
		*best = (struct move){v, to, after};
}

static struct move best_move(
    const struct drs *s, uint32_t d, struct spread sp)
{
	uint32_t low[ENDS], high[ENDS];
	uint32_t n_low = pick_ends(s, d, 1, low);
	uint32_t n_high = pick_ends(s, d, -1, high);
	struct move best = {ID_NONE, ID_NONE, deviation(sp)};

	for (uint32_t i = 0; i < n_high; i++) {
		const struct tables *t = &s->tables;
		uint32_t h = high[i];

		for (uint32_t k = t->host_first[h]; k < t->host_first[h + 1];
		     k++)
			for (uint32_t j = 0;
			     j < n_low && is_movable(s, t->host_vms[k]); j++)
				try_move(
				    s, t->host_vms[k], low[j], d, sp, &best);
	}
	return best;
}

static void migrate(struct drs *s, struct move move, double before)
{
	struct host_id from = s->obs->vms[move.vm].host;
	struct action *a =
	    plan_add(s->plan, ACTION_MIGRATE, (struct vm_id){move.vm});
	struct want load = {s->want[move.vm].cpu_mcpu,
	    vm_held_kib(&s->obs->vms[move.vm])};

	a->from = from;
	a->to.ix = move.to;
	a->reason = (struct reason){
	    "lowers the imbalance of its domain from {} to {}", before,
	    move.deviation};
	tables_remove(&s->tables, from, load);
	tables_add(&s->tables, a->to, load);
	s->moved[move.vm] = 1;
}

static void balance(struct drs *s, uint32_t d)
{
	double n_moves = 0;
	bool more = true;

	while (more && n_moves < s->values[P_MOVES]) {
		struct spread sp = spread_of(s, d);
		struct move best = {.vm = ID_NONE};

		if (sp.n > 1 && deviation(sp) > s->values[P_THRESHOLD])
			best = best_move(s, d, sp);
		more = best.vm != ID_NONE;
		if (more)
			migrate(s, best, deviation(sp));
		n_moves++;
	}
}

static void first_wants(struct drs *s)
{
	for (uint32_t v = 0; v < s->model->n_vms; v++)
		s->want[v] = (struct want){s->model->vms[v].is_head
		                               ? 0
		                               : s->model->vms[v].vcpu_mcpu,
		    vm_is_placed(&s->obs->vms[v])
		        ? vm_held_kib(&s->obs->vms[v])
		        : 0};
}

static void drs_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	struct drs *s = state;

	s->model = model;
	s->obs = obs;
	s->plan = plan;
	memset(s->moved, 0, model->n_vms);
	first_wants(s);
	tables_fill(&s->tables, model, obs, s->want);
	for (uint32_t v = 0; v < model->n_vms; v++)
		if (vm_is_placed(&obs->vms[v]))
			s->want[v].cpu_mcpu = entitlement(s, v);
	tables_fill(&s->tables, model, obs, s->want);
	place_queued(&s->placer, model, obs,
	    (uint32_t)(s->values[P_BUSY] * MCPU_PER_CPU), s->want,
	    &s->tables, plan);
	for (uint32_t d = 0; d < model->n_domains; d++)
		balance(s, d);
}

const struct policy policy_drs = {
    .abi = POLICY_ABI,
    .name = "drs",
    .summary = "balance of load inside domains (VMware DRS)",
    .params = params,
    .n_params = N_PARAMS,
    .lay_out = drs_lay_out,
    .decide = drs_decide,
};
