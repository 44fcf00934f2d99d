/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy `violin`: the heuristic of the paper (section 2.2.2), which
 * raises the performance of all with as few migrations as it can.
 *
 *	1. desire    what each VM should have, from what it uses of what it has
 *	2. memory    local: balloons of each host
 *	3. cpu       local: weights (or caps) of each host
 *	4. place     environments that are asked for (place.h)
 *	5. within    migrate VMs of overloaded hosts inside their domain
 *	6. between   migrate whole environments out of overloaded domains
 *
 * Where nothing fits, nothing moves: a destination must hold all that is
 * desired, which is what keeps environments from moving to and fro.
 *
 * What the paper leaves open, and how it is read here:
 * - A host is overloaded when the desires on it exceed its CPU by more than
 *   cpu-slack.  Without slack a head VM's few percent beside a VM that wants
 *   a whole host would count as an overload worth a migration.
 * - Any VM of an overloaded host may be the one to go, the smallest first,
 *   not only the one that is over-utilised: scenario 2 consolidates VMs whose
 *   use has dropped.
 * - For CPU, a domain can take an environment when its free CPU in sum covers
 *   the environment's desire in sum: scenario 2's "imbalance between the
 *   hosts of D1" comes of exactly that.  Memory must fit host by host.
 * - An environment that waits for room has a claim on free CPU before one
 *   that would only run faster elsewhere.
 */
#include "core/violin.h"

#include "core/fairshare.h"

#include <string.h>

static const struct param params[N_PARAMS] = {
    [P_CPU_LOW] = {"cpu-low", QUANTITY_NUMBER, 0.35, 0, 1,
        "a VM that uses less of its CPU is given less"},
    [P_CPU_HIGH] = {"cpu-high", QUANTITY_NUMBER, 0.78, 0, 10,
        "a VM that uses this much of its CPU desires more"},
    [P_CPU_TARGET] = {"cpu-target", QUANTITY_NUMBER, 0.60, 0.01, 1,
        "a VM given less uses this much of it"},
    [P_CPU_MIN] = {"cpu-min", QUANTITY_CPU, 0.02, 0.001, 1e6,
        "the least CPU that a VM desires"},
    [P_CPU_SLACK] = {"cpu-slack", QUANTITY_NUMBER, 0.10, 0, 10,
        "desires above a host's CPU by this fraction are no overload"},
    [P_CPU_CAPS] = {"cpu-caps", QUANTITY_SWITCH, 0, 0, 1,
        "shares are caps too, not only weights"},
    [P_MEM_LOW] = {"mem-low", QUANTITY_NUMBER, 0.35, 0, 1,
        "a VM that uses less of its memory is given less"},
    [P_MEM_HIGH] = {"mem-high", QUANTITY_NUMBER, 0.78, 0, 10,
        "a VM that uses this much of its memory desires more"},
    [P_MEM_TARGET] = {"mem-target", QUANTITY_NUMBER, 0.60, 0.01, 1,
        "a VM given less memory uses this much of it"},
    [P_GROWTH] = {"growth", QUANTITY_NUMBER, 2, 1.01, 100,
        "a VM that desires more desires this times what it has"},
    [P_BUSY] = {"busy", QUANTITY_CPU, 0.05, 0, 1e6,
        "a VM that uses this much counts as busy when placing others"},
    [P_COOL_DOWN] = {"cool-down", QUANTITY_TIME, 60, 0, 1e9,
        "an environment stays this long in a domain it has moved to"},
    [P_WITHIN] = {"within-domain", QUANTITY_SWITCH, 1, 0, 1,
        "VMs may migrate between the hosts of their domain"},
    [P_BETWEEN] = {"between-domains", QUANTITY_SWITCH, 1, 0, 1,
        "environments may migrate between domains"},
};

static void *violin_lay_out(
    struct arena *arena, const struct model *m, const double *values)
{
	struct violin *s = ARENA_TAKE(arena, 1, struct violin);
	struct violin made = {.values = values};

	made.want = ARENA_TAKE(arena, m->n_vms, struct want);
	tables_lay_out(&made.tables, arena, m);
	placer_lay_out(&made.placer, arena, m);
	made.ballooned = ARENA_TAKE(arena, m->n_vms, uint8_t);
	made.migrates = ARENA_TAKE(arena, m->n_vms, uint8_t);
	made.loads = ARENA_TAKE(arena, m->n_domains, struct domain_load);
	made.domain_moves = ARENA_TAKE(arena, m->n_domains, uint8_t);
	made.env_domain = ARENA_TAKE(arena, m->n_envs, uint32_t);
	made.tried = ARENA_TAKE(arena, m->n_domains, uint8_t);
	made.chosen = ARENA_TAKE(arena, m->n_vms, struct host_id);
	heap_lay_out(&made.hosts, arena, m->n_hosts);
	heap_lay_out(&made.vms, arena, m->n_vms);
	heap_lay_out(&made.envs, arena,
	    m->n_envs > m->n_hosts ? m->n_envs : m->n_hosts);
	made.weight = ARENA_TAKE(arena, m->n_vms, double);
	made.bound = ARENA_TAKE(arena, m->n_vms, double);
	made.share = ARENA_TAKE(arena, m->n_vms, double);
	if (!s)
		return NULL;
	made.cpu_rule = (struct desire_rule){values[P_CPU_LOW],
	    values[P_CPU_HIGH], values[P_CPU_TARGET], values[P_GROWTH]};
	made.mem_rule = (struct desire_rule){values[P_MEM_LOW],
	    values[P_MEM_HIGH], values[P_MEM_TARGET], values[P_GROWTH]};
	*s = made;
	return s;
}

/* Step 1: desire. */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t cpu_min(const struct violin *s)
{
	return (uint32_t)(s->values[P_CPU_MIN] * MCPU_PER_CPU);
}

/* Until its first sample a compute VM desires all the CPU it can use, a head
 * VM, which serves, the least. */
static struct want first_want(const struct violin *s, uint32_t v)
{
	const struct vm *vm = &s->model->vms[v];
	uint32_t cpu = vm->is_head ? least(cpu_min(s), vm->vcpu_mcpu)
	                           : vm->vcpu_mcpu;

	return (struct want){cpu, vm->mem_kib};
}

static struct want next_want(const struct violin *s, uint32_t v)
{
	const struct vm *vm = &s->model->vms[v];
	const struct vm_observation *seen = &s->obs->vms[v];
	const struct want *old = &s->want[v];
	uint32_t ceiling =
	    least(vm->vcpu_mcpu, s->model->hosts[seen->host.ix].cpu_mcpu);
	struct want want = {.mem_kib = seen->mem_target_kib};

	want.cpu_mcpu = (uint32_t)desire_next(&s->cpu_rule,
	    vm_cpu_alloc_mcpu(vm, seen), seen->cpu_used_mcpu, old->cpu_mcpu,
	    least(cpu_min(s), ceiling), ceiling)
	                    .amount;
	if (seen->mem_used_kib != MEM_UNKNOWN)
		want.mem_kib = desire_next(&s->mem_rule, seen->mem_target_kib,
		    seen->mem_used_kib, old->mem_kib, vm->mem_min_kib,
		    vm->mem_max_kib)
		                   .amount;
	return want;
}

/* What it has, for a VM that ran before this policy saw it: a manager that
 * has been started anew takes over without a stir. */
static struct want present_want(const struct violin *s, uint32_t v)
{
	return (struct want){
	    vm_cpu_alloc_mcpu(&s->model->vms[v], &s->obs->vms[v]),
	    s->obs->vms[v].mem_target_kib};
}

static void step_desire(struct violin *s)
{
	for (uint32_t v = 0; v < s->model->n_vms; v++) {
		const struct vm_observation *seen = &s->obs->vms[v];

		if (!vm_is_placed(seen)) {
			s->want[v] = first_want(s, v);
			continue;
		}
		if (s->want[v].cpu_mcpu == 0)
			s->want[v] = present_want(s, v);
		if (vm_is_sampled(s->obs, seen))
			s->want[v] = next_want(s, v);
	}
}

/* Step 2: memory. */

static void balloon(struct violin *s, uint32_t v, const char *why)
{
	const struct vm_observation *seen = &s->obs->vms[v];
	struct action *a =
	    plan_add(s->plan, ACTION_SET_MEM, (struct vm_id){v});

	a->from = seen->host;
	a->mem_kib = s->want[v].mem_kib;
	a->reason.text = why;
	a->reason.x = 100.0 * (double)seen->mem_used_kib /
	              (double)seen->mem_target_kib;
	s->ballooned[v] = 1;
}

/* All decreases; then increases, smallest first, each where it fits whole. */
static void step_memory(struct violin *s)
{
	heap_clear(&s->vms);
	for (uint32_t v = 0; v < s->model->n_vms; v++) {
		const struct vm_observation *seen = &s->obs->vms[v];
		uint64_t want = s->want[v].mem_kib;

		if (seen->mem_used_kib == MEM_UNKNOWN ||
		    !vm_is_sampled(s->obs, seen))
			continue;
		if (want < seen->mem_target_kib)
			balloon(s, v,
			    "uses {} % of its memory, below its range");
		else if (want > seen->mem_target_kib)
			heap_push(&s->vms,
			    (struct heap_item){
			        (double)(want - seen->mem_target_kib), 0, v});
	}
	while (s->vms.n_items > 0) {
		uint32_t v = heap_pop(&s->vms).id;
		struct host_load *h =
		    &s->tables.hosts[s->obs->vms[v].host.ix];
		uint64_t held = vm_held_kib(&s->obs->vms[v]);

		if (h->held_kib - held + s->want[v].mem_kib > h->mem_cap_kib)
			continue;
		h->held_kib += s->want[v].mem_kib - held;
		balloon(s, v, "uses {} % of its memory, above its range");
	}
}

/* Step 3: cpu. */

static void set_cpu(struct violin *s, uint32_t v, double share_mcpu,
    double desired_mcpu_all)
{
	const struct vm_observation *seen = &s->obs->vms[v];
	uint32_t mcpu = (uint32_t)(share_mcpu + 0.5);
	uint32_t weight = weight_of_cpu(mcpu);
	uint32_t cap = s->values[P_CPU_CAPS] > 0 ? cpu_of_weight(weight) : 0;
	struct action *a;

	if (seen->state != VM_RUNNING ||
	    (weight == seen->weight && cap == seen->cap_mcpu))
		return;
	a = plan_add(s->plan, ACTION_SET_CPU, (struct vm_id){v});
	a->from = seen->host;
	a->weight = weight;
	a->cap_mcpu = cap;
	a->reason = (struct reason){"desires {} CPUs of {} desired on its host",
	    s->want[v].cpu_mcpu / (double)MCPU_PER_CPU,
	    desired_mcpu_all / MCPU_PER_CPU};
}

/* Weights give each VM its max-min fair share over the desires. */
static void step_cpu(struct violin *s, uint32_t h)
{
	const uint32_t *vms = s->tables.host_vms + s->tables.host_first[h];
	uint32_t n = s->tables.host_first[h + 1] - s->tables.host_first[h];
	double all = 0;

	if (n == 0 || !violin_host_answers(s->obs, h))
		return;
	for (uint32_t i = 0; i < n; i++) {
		s->weight[i] = 1;
		s->bound[i] = s->want[vms[i]].cpu_mcpu;
		all += s->bound[i];
	}
	fair_share(s->model->hosts[h].cpu_mcpu, n, s->weight, s->bound,
	    s->share);
	for (uint32_t i = 0; i < n; i++)
		set_cpu(s, vms[i], s->share[i], all);
}


static void begin_step(struct violin *s)
{
	const struct model *m = s->model;

	memset(s->ballooned, 0, m->n_vms);
	memset(s->migrates, 0, m->n_vms);
	memset(s->domain_moves, 0, m->n_domains);
	for (uint32_t v = 0; v < m->n_vms; v++) {
		const struct vm_observation *vm = &s->obs->vms[v];

		if (vm->state != VM_MIGRATING)
			continue;
		s->domain_moves[m->hosts[vm->host.ix].domain.ix] = 1;
		s->domain_moves[m->hosts[vm->target.ix].domain.ix] = 1;
	}
}

static void violin_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	struct violin *s = state;

	s->model = model;
	s->obs = obs;
	s->plan = plan;
	begin_step(s);
	step_desire(s);
	tables_fill(&s->tables, model, obs, s->want);
	step_memory(s);
	for (uint32_t h = 0; h < model->n_hosts; h++)
		step_cpu(s, h);
	place_queued(&s->placer, model, obs,
	    (uint32_t)(s->values[P_BUSY] * MCPU_PER_CPU), s->want,
	    &s->tables, plan);
	for (uint32_t d = 0; d < model->n_domains; d++)
		violin_step_within(s, d);
	violin_step_between(s);
}

const struct policy policy_violin = {
    .abi = POLICY_ABI,
    .name = "violin",
    .summary = "the paper's heuristic: scale, migrate within, then between "
               "domains",
    .params = params,
    .n_params = N_PARAMS,
    .lay_out = violin_lay_out,
    .decide = violin_decide,
    .drains = 1,
};
