/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy `violin`: the heuristic of the paper (section 2.2.2), which
 * raises the performance of all with as few migrations as it can.
 *
 *	1. desire    what each VM should have, from what it uses of what it has
 *	2. memory    local: balloons of each host
 *	3. place     environments that are asked for (place.h)
 *	4. within    migrate VMs of overloaded hosts inside their domain
 *	5. between   migrate whole environments out of overloaded domains
 *	6. cpu       local: weights (or caps) of each host
 *
 * The paper's order is local, within, between.  CPU comes last only because
 * a VM that is about to leave keeps its weight.  Where nothing fits, nothing
 * moves: a destination must hold all that is desired, which is what keeps
 * environments from moving to and fro.
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
#include "core/desire.h"
#include "core/fairshare.h"
#include "core/place.h"
#include "core/policy.h"

#include <string.h>

enum {
	P_CPU_LOW,
	P_CPU_HIGH,
	P_CPU_TARGET,
	P_CPU_MIN,
	P_CPU_SLACK,
	P_CPU_CAPS,
	P_MEM_LOW,
	P_MEM_HIGH,
	P_MEM_TARGET,
	P_GROWTH,
	P_BUSY,
	P_COOL_DOWN,
	P_WITHIN,
	P_BETWEEN,
	N_PARAMS
};

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

/* A host is looked for among this many of the emptiest with memory too
 * little: more than a domain of the paper has, and a bound for huge ones. */
enum { MAX_PROBES = 64 };

struct violin {
	const double *values;
	struct desire_rule cpu_rule, mem_rule;
	struct want *want;     /* kept from step to step */
	struct tables tables;
	struct placer placer;
	uint8_t *ballooned;    /* VMs with a new target in this plan */
	uint8_t *migrates;     /* VMs that migrate in this plan */
	uint8_t *domain_moves; /* domains with a migration, seen or planned */
	uint32_t *env_domain;  /* where all of it is movable, or ID_NONE */
	uint8_t *tried;        /* domains, for one environment */
	struct host_id *chosen;/* by VM of one environment */
	struct heap hosts, vms, envs;
	double *weight, *bound, *share; /* by VM on one host */
	/* one step's, borrowed */
	const struct model *model;
	const struct observation *obs;
	struct plan *plan;
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

/* --- 1. desire --------------------------------------------------------------*/

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

static void step_desire(struct violin *s)
{
	for (uint32_t v = 0; v < s->model->n_vms; v++) {
		const struct vm_observation *seen = &s->obs->vms[v];

		if (!vm_is_placed(seen))
			s->want[v] = first_want(s, v);
		else if (vm_is_sampled(s->obs, seen))
			s->want[v] = next_want(s, v);
	}
}

/* --- 2. memory --------------------------------------------------------------*/

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

/* --- 4. within a domain -----------------------------------------------------*/

static double cpu_limit(const struct violin *s, const struct host_load *h)
{
	return h->cpu_cap_mcpu * (1 + s->values[P_CPU_SLACK]);
}

static bool host_answers(const struct violin *s, uint32_t h)
{
	enum host_state state = s->obs->hosts[h].state;

	return state == HOST_UP || state == HOST_DRAINING;
}

static bool is_short(const struct violin *s, uint32_t h)
{
	const struct host_load *load = &s->tables.hosts[h];

	return host_answers(s, h) && load->mem_kib > load->mem_cap_kib;
}

static bool is_overloaded(const struct violin *s, uint32_t h)
{
	const struct host_load *load = &s->tables.hosts[h];

	return is_short(s, h) || (host_answers(s, h) &&
	                             load->cpu_mcpu > cpu_limit(s, load));
}

static bool is_movable(const struct violin *s, uint32_t v)
{
	const struct vm *vm = &s->model->vms[v];
	const struct vm_observation *seen = &s->obs->vms[v];

	return !vm->is_head && vm_is_sampled(s->obs, seen) &&
	       !s->ballooned[v] && !s->migrates[v] &&
	       s->obs->envs[vm->env.ix].network_up &&
	       host_answers(s, seen->host.ix);
}

static struct want full_want(const struct violin *s, uint32_t v)
{
	return (struct want){s->want[v].cpu_mcpu,
	    want_held_kib(&s->obs->vms[v], &s->want[v])};
}

/* By rising CPU: the one with the most left, slack included, first. */
static void push_host(struct violin *s, uint32_t h)
{
	const struct host_load *load = &s->tables.hosts[h];

	heap_push(&s->hosts,
	    (struct heap_item){load->cpu_mcpu - cpu_limit(s, load), 0, h});
}

/*
 * Takes from s->hosts the first that has memory for it and, if cpu_too, holds
 * its CPU; the others stay.  ID_NONE: none.
 */
static uint32_t pop_host(struct violin *s, struct want want, bool cpu_too)
{
	uint32_t aside[MAX_PROBES], n = 0, found = ID_NONE;

	while (found == ID_NONE && n < MAX_PROBES && s->hosts.n_items > 0) {
		struct heap_item item = heap_pop(&s->hosts);
		const struct host_load *load = &s->tables.hosts[item.id];
		bool holds = !cpu_too || item.key + want.cpu_mcpu <= 0;

		if (holds && load->mem_kib + want.mem_kib <= load->mem_cap_kib)
			found = item.id;
		else
			aside[n++] = item.id;
		if (!holds)
			break;
	}
	while (n > 0)
		push_host(s, aside[--n]);
	return found;
}

static void migrate(struct violin *s, uint32_t v, uint32_t to, uint32_t group,
    struct reason reason)
{
	const struct vm_observation *seen = &s->obs->vms[v];
	struct host_load *from = &s->tables.hosts[seen->host.ix];
	struct action *a =
	    plan_add(s->plan, ACTION_MIGRATE, (struct vm_id){v});

	a->from = seen->host;
	a->to.ix = to;
	a->group = group;
	a->reason = reason;
	/* Its memory stays at the source until it has left. */
	from->cpu_mcpu -= s->want[v].cpu_mcpu;
	from->mem_kib -= full_want(s, v).mem_kib - vm_held_kib(seen);
	tables_add(&s->tables, (struct host_id){to}, full_want(s, v));
	s->migrates[v] = 1;
	s->domain_moves[s->model->hosts[seen->host.ix].domain.ix] = 1;
	s->domain_moves[s->model->hosts[to].domain.ix] = 1;
}

/* What of an overloaded host would be over if the leaving had left. */
static void relieve_host(struct violin *s, uint32_t h)
{
	struct host_load *load = &s->tables.hosts[h];
	uint64_t leaving_kib = 0;

	heap_clear(&s->vms);
	for (uint32_t k = s->tables.host_first[h];
	     k < s->tables.host_first[h + 1]; k++) {
		uint32_t v = s->tables.host_vms[k];

		if (is_movable(s, v))
			heap_push(&s->vms,
			    (struct heap_item){s->want[v].cpu_mcpu,
			        (double)full_want(s, v).mem_kib, v});
	}
	while (s->vms.n_items > 0 &&
	       (load->cpu_mcpu > cpu_limit(s, load) ||
	           load->mem_kib > load->mem_cap_kib + leaving_kib)) {
		uint32_t v = heap_pop(&s->vms).id;
		uint32_t to = pop_host(s, full_want(s, v), true);
		struct reason why = {
		    "its host is overloaded, {} CPUs desired of {}; the least "
		    "loaded in the domain holds it",
		    load->cpu_mcpu / MCPU_PER_CPU,
		    s->model->hosts[h].cpu_mcpu / (double)MCPU_PER_CPU};

		if (to == ID_NONE)
			continue;
		migrate(s, v, to, 0, why);
		push_host(s, to);
		leaving_kib += vm_held_kib(&s->obs->vms[v]);
	}
}

/* Most overloaded first: the most desired for what the host has. */
static double overload(const struct host_load *h)
{
	double cpu, mem;

	if (h->cpu_cap_mcpu <= 0)
		return 1e9;
	cpu = h->cpu_mcpu / h->cpu_cap_mcpu;
	mem = (double)h->mem_kib / (double)h->mem_cap_kib;
	return cpu > mem ? cpu : mem;
}

static void step_within(struct violin *s, uint32_t d)
{
	const struct tables *t = &s->tables;

	heap_clear(&s->hosts);
	heap_clear(&s->envs); /* here: the overloaded hosts */
	for (uint32_t k = t->domain_first[d]; k < t->domain_first[d + 1];
	     k++) {
		uint32_t h = t->domain_hosts[k];

		if (is_overloaded(s, h))
			heap_push(&s->envs,
			    (struct heap_item){
			        -overload(&t->hosts[h]), 0, h});
		else if (t->hosts[h].takes_vms)
			push_host(s, h);
	}
	while (s->envs.n_items > 0 && s->values[P_WITHIN] > 0)
		relieve_host(s, heap_pop(&s->envs).id);
}

/* --- 5. between domains -----------------------------------------------------*/

struct domain_load {
	double cpu_mcpu, cpu_cap_mcpu;
	bool overloaded, short_of_mem;
};

static struct domain_load load_of(const struct violin *s, uint32_t d)
{
	struct domain_load sum = {0};
	const struct tables *t = &s->tables;

	for (uint32_t k = t->domain_first[d]; k < t->domain_first[d + 1];
	     k++) {
		uint32_t h = t->domain_hosts[k];

		if (!host_answers(s, h))
			continue;
		sum.cpu_mcpu += t->hosts[h].cpu_mcpu;
		sum.cpu_cap_mcpu += t->hosts[h].cpu_cap_mcpu;
		sum.overloaded |= is_overloaded(s, h);
		sum.short_of_mem |= is_short(s, h);
	}
	return sum;
}

/* The domain in which all compute VMs of e are, ready to move, or ID_NONE. */
static uint32_t movable_domain(const struct violin *s, uint32_t e)
{
	const struct environment *env = &s->model->envs[e];
	const struct env_observation *seen = &s->obs->envs[e];
	int64_t cool_ns = (int64_t)(s->values[P_COOL_DOWN] * 1e9);
	uint32_t domain = ID_NONE;

	if (seen->moved_ns >= 0 && s->obs->now_ns - seen->moved_ns < cool_ns)
		return ID_NONE;
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i, d;

		if (s->model->vms[v].is_head)
			continue;
		if (!is_movable(s, v))
			return ID_NONE;
		d = s->model->hosts[s->obs->vms[v].host.ix].domain.ix;
		if (domain != ID_NONE && d != domain)
			return ID_NONE;
		domain = d;
	}
	return domain;
}

/* Is one of its VMs where it is too tight? */
static bool suffers(const struct violin *s, uint32_t e, bool of_memory)
{
	const struct environment *env = &s->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;
		uint32_t h = s->obs->vms[v].host.ix;

		if (!s->model->vms[v].is_head &&
		    (of_memory ? is_short(s, h) : is_overloaded(s, h)))
			return true;
	}
	return false;
}

/* Compute VMs of e, largest memory first, into s->vms. */
static void push_vms(struct violin *s, uint32_t e)
{
	const struct environment *env = &s->model->envs[e];

	heap_clear(&s->vms);
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (!s->model->vms[v].is_head)
			heap_push(&s->vms,
			    (struct heap_item){
			        -(double)full_want(s, v).mem_kib, 0, v});
	}
}

/* Memory, host by host: chooses a host in d for every compute VM. */
static bool places_in(struct violin *s, uint32_t e, uint32_t d)
{
	const struct environment *env = &s->model->envs[e];
	const struct tables *t = &s->tables;
	bool fits = true;

	heap_clear(&s->hosts);
	for (uint32_t k = t->domain_first[d]; k < t->domain_first[d + 1]; k++)
		if (t->hosts[t->domain_hosts[k]].takes_vms)
			push_host(s, t->domain_hosts[k]);
	push_vms(s, e);
	for (uint32_t i = 0; i < env->n_vms; i++)
		s->chosen[i] = NO_HOST;
	while (fits && s->vms.n_items > 0) {
		uint32_t v = heap_pop(&s->vms).id;
		struct host_id to = {pop_host(s, full_want(s, v), false)};

		fits = !host_none(to);
		s->chosen[v - env->first_vm] = to;
		if (!fits)
			break;
		tables_add(&s->tables, to, full_want(s, v));
		push_host(s, to.ix);
	}
	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!host_none(s->chosen[i]))
			tables_remove(&s->tables, s->chosen[i],
			    full_want(s, env->first_vm + i));
	return fits;
}

static double desired_mcpu(const struct violin *s, uint32_t e)
{
	const struct environment *env = &s->model->envs[e];
	double sum = 0;

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!s->model->vms[env->first_vm + i].is_head)
			sum += s->want[env->first_vm + i].cpu_mcpu;
	return sum;
}

/* Would no host of its domain be short of memory without e? */
static bool leaves_enough(struct violin *s, uint32_t e, uint32_t d)
{
	const struct environment *env = &s->model->envs[e];
	bool enough;

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!s->model->vms[env->first_vm + i].is_head)
			tables_remove(&s->tables,
			    s->obs->vms[env->first_vm + i].host,
			    full_want(s, env->first_vm + i));
	enough = !load_of(s, d).short_of_mem;
	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!s->model->vms[env->first_vm + i].is_head)
			tables_add(&s->tables,
			    s->obs->vms[env->first_vm + i].host,
			    full_want(s, env->first_vm + i));
	return enough;
}

static bool may_move(
    struct violin *s, uint32_t e, uint32_t from, uint32_t to)
{
	struct domain_load src = load_of(s, from), dst = load_of(s, to);
	double slack = s->values[P_CPU_SLACK];
	double need = desired_mcpu(s, e);

	if (dst.cpu_cap_mcpu <= 0)
		return false;
	if (src.short_of_mem)
		return (dst.cpu_mcpu + need) * src.cpu_cap_mcpu <=
		           (src.cpu_mcpu + slack * src.cpu_cap_mcpu) *
		               dst.cpu_cap_mcpu &&
		       leaves_enough(s, e, from) && places_in(s, e, to);
	return dst.cpu_mcpu + need + (double)s->placer.waiting_mcpu <=
	           dst.cpu_cap_mcpu * (1 + slack) &&
	       places_in(s, e, to);
}

static void move_env(struct violin *s, uint32_t e, uint32_t from)
{
	const struct environment *env = &s->model->envs[e];
	struct domain_load load = load_of(s, from);
	uint32_t group = plan_new_group(s->plan);
	struct reason why = {
	    load.short_of_mem
	        ? "memory is short in its domain ({} CPUs desired of {}), and "
	          "enough without it; the other has room for all of it"
	        : "its domain is overloaded, {} CPUs desired of {}; the other "
	          "has all that it desires",
	    load.cpu_mcpu / MCPU_PER_CPU, load.cpu_cap_mcpu / MCPU_PER_CPU};

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!host_none(s->chosen[i]))
			migrate(s, env->first_vm + i, s->chosen[i].ix, group,
			    why);
}

/* The domain not tried yet with the lowest load, or ID_NONE. */
static uint32_t next_domain(const struct violin *s)
{
	uint32_t best = ID_NONE;
	double lowest = 0;

	for (uint32_t d = 0; d < s->model->n_domains; d++) {
		struct domain_load load;

		if (s->tried[d] || s->domain_moves[d])
			continue;
		load = load_of(s, d);
		if (load.cpu_cap_mcpu > 0 &&
		    (best == ID_NONE ||
		        load.cpu_mcpu / load.cpu_cap_mcpu < lowest)) {
			best = d;
			lowest = load.cpu_mcpu / load.cpu_cap_mcpu;
		}
	}
	return best;
}

/* Tries every domain but its own; true when it moves. */
static bool move_somewhere(struct violin *s, uint32_t e, uint32_t from)
{
	uint32_t to;

	memset(s->tried, 0, s->model->n_domains);
	s->tried[from] = 1;
	while ((to = next_domain(s)) != ID_NONE) {
		if (may_move(s, e, from, to)) {
			move_env(s, e, from);
			return true;
		}
		s->tried[to] = 1;
	}
	return false;
}

/* One environment at most, and none while a migration is under way in d. */
static void step_between(struct violin *s, uint32_t d)
{
	struct domain_load load = load_of(s, d);
	bool moved = false;

	if (!load.overloaded || s->domain_moves[d] ||
	    s->values[P_BETWEEN] <= 0)
		return;
	heap_clear(&s->envs);
	for (uint32_t e = 0; e < s->model->n_envs; e++)
		if (s->env_domain[e] == d && suffers(s, e, load.short_of_mem))
			heap_push(&s->envs,
			    (struct heap_item){s->model->envs[e].n_vms,
			        (double)s->obs->envs[e].queued_ns, e});
	while (!moved && s->envs.n_items > 0)
		moved = move_somewhere(s, heap_pop(&s->envs).id, d);
}

/* --- 6. cpu -----------------------------------------------------------------*/

static void set_cpu(struct violin *s, uint32_t v, double share_mcpu,
    double desired_mcpu_all)
{
	const struct vm_observation *seen = &s->obs->vms[v];
	uint32_t mcpu = (uint32_t)(share_mcpu + 0.5);
	uint32_t weight = weight_of_cpu(mcpu);
	uint32_t cap = s->values[P_CPU_CAPS] > 0 ? cpu_of_weight(weight) : 0;
	struct action *a;

	if (seen->state != VM_RUNNING || s->migrates[v] ||
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

	if (n == 0 || !host_answers(s, h))
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

/* --------------------------------------------------------------------------- */

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
	place_queued(&s->placer, model, obs,
	    (uint32_t)(s->values[P_BUSY] * MCPU_PER_CPU), s->want,
	    &s->tables, plan);
	for (uint32_t d = 0; d < model->n_domains; d++)
		step_within(s, d);
	for (uint32_t e = 0; e < model->n_envs; e++)
		s->env_domain[e] = movable_domain(s, e);
	for (uint32_t d = 0; d < model->n_domains; d++)
		step_between(s, d);
	for (uint32_t h = 0; h < model->n_hosts; h++)
		step_cpu(s, h);
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
};
