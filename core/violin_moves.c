/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps of the policy `violin` that migrate: within a domain, and between
 * domains; policy_violin.c says how the paper is read.
 */
#include "core/violin.h"

#include <string.h>

/* A host is looked for among this many of the emptiest with memory too
 * little: more than a domain of the paper has, and a bound for huge ones. */
enum { MAX_PROBES = 64 };

/* Step 5: within a domain. */

static double cpu_limit(const struct violin *s, const struct host_load *h)
{
	return h->cpu_cap_mcpu * (1 + s->values[P_CPU_SLACK]);
}

static bool is_drained(const struct violin *s, uint32_t h)
{
	return s->obs->hosts[h].state == HOST_DRAINING;
}

static bool is_short(const struct violin *s, uint32_t h)
{
	const struct host_load *load = &s->tables.hosts[h];

	return violin_host_answers(s->obs, h) &&
	       load->mem_kib > load->mem_cap_kib;
}

static bool is_overloaded(const struct violin *s, uint32_t h)
{
	const struct host_load *load = &s->tables.hosts[h];

	return is_short(s, h) || (violin_host_answers(s->obs, h) &&
	                             load->cpu_mcpu > cpu_limit(s, load));
}

static bool is_movable(const struct violin *s, uint32_t v)
{
	const struct vm *vm = &s->model->vms[v];
	const struct vm_observation *seen = &s->obs->vms[v];

	return !vm->is_head && vm_is_sampled(s->obs, seen) &&
	       !s->ballooned[v] && !s->migrates[v] &&
	       s->obs->envs[vm->env.ix].network_up &&
	       violin_host_answers(s->obs, seen->host.ix);
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

static struct reason why_leave(const struct violin *s, uint32_t h)
{
	if (is_drained(s, h))
		return (struct reason){"its host is to be emptied; the least "
				       "loaded in the domain holds it",
		    0, 0};
	return (struct reason){"its host is overloaded, {} CPUs desired of "
			       "{}; the least loaded in the domain holds it",
	    s->tables.hosts[h].cpu_mcpu / MCPU_PER_CPU,
	    s->model->hosts[h].cpu_mcpu / (double)MCPU_PER_CPU};
}

/* Sends VMs away, the smallest first, until it would not be overloaded if
 * those that leave had left. */
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
		uint32_t to = pop_host(s, full_want(s, v), !is_drained(s, h));
		struct reason why = why_leave(s, h);

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

void violin_step_within(struct violin *s, uint32_t d)
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
	while (s->envs.n_items > 0) {
		uint32_t h = heap_pop(&s->envs).id;

		/* To empty one is an order. */
		if (s->values[P_WITHIN] > 0 || is_drained(s, h))
			relieve_host(s, h);
	}
}

/* Step 6: between domains. */

static struct domain_load load_of(const struct violin *s, uint32_t d)
{
	struct domain_load sum = {0};
	const struct tables *t = &s->tables;

	for (uint32_t k = t->domain_first[d]; k < t->domain_first[d + 1];
	     k++) {
		uint32_t h = t->domain_hosts[k];

		if (!violin_host_answers(s->obs, h))
			continue;
		sum.cpu_mcpu += t->hosts[h].cpu_mcpu;
		sum.cpu_cap_mcpu += t->hosts[h].cpu_cap_mcpu;
		sum.n_overloaded += is_overloaded(s, h);
		sum.n_short += is_short(s, h);
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
	uint32_t n_short = s->loads[d].n_short;

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;
		uint32_t h = s->obs->vms[v].host.ix;

		if (s->model->vms[v].is_head)
			continue;
		n_short -= is_short(s, h);
		tables_remove(
		    &s->tables, (struct host_id){h}, full_want(s, v));
		n_short += is_short(s, h);
	}
	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!s->model->vms[env->first_vm + i].is_head)
			tables_add(&s->tables,
			    s->obs->vms[env->first_vm + i].host,
			    full_want(s, env->first_vm + i));
	return n_short == 0;
}

/* Does a compute VM of it stand on a host that is to be emptied? */
static bool has_to_leave(const struct violin *s, uint32_t e)
{
	const struct environment *env = &s->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!s->model->vms[env->first_vm + i].is_head &&
		    is_drained(s, s->obs->vms[env->first_vm + i].host.ix))
			return true;
	return false;
}

static bool may_move(
    struct violin *s, uint32_t e, uint32_t from, uint32_t to)
{
	struct domain_load src = s->loads[from], dst = s->loads[to];
	double slack = s->values[P_CPU_SLACK];
	double need = desired_mcpu(s, e);

	if (dst.cpu_cap_mcpu <= 0)
		return false;
	if (has_to_leave(s, e))
		return places_in(s, e, to);
	if (src.n_short > 0)
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
	struct domain_load load = s->loads[from];
	uint32_t group = plan_new_group(s->plan);
	struct reason why = {
	    has_to_leave(s, e)
	        ? "a host of its domain is to be emptied ({} CPUs desired of "
	          "{} left); the other has room for all of it"
	    : load.n_short > 0
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
		struct domain_load load = s->loads[d];

		if (s->tried[d] || s->domain_moves[d])
			continue;
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
static void leave_domain(struct violin *s, uint32_t d)
{
	bool of_memory = s->loads[d].n_short > 0;
	bool moved = false;

	if (s->loads[d].n_overloaded == 0 || s->domain_moves[d])
		return;
	heap_clear(&s->envs);
	for (uint32_t e = 0; e < s->model->n_envs; e++)
		if (s->env_domain[e] == d && suffers(s, e, of_memory))
			heap_push(&s->envs,
			    (struct heap_item){s->model->envs[e].n_vms,
			        (double)s->obs->envs[e].queued_ns, e});
	while (!moved && s->envs.n_items > 0)
		moved = move_somewhere(s, heap_pop(&s->envs).id, d);
}

void violin_step_between(struct violin *s)
{
	if (s->values[P_BETWEEN] <= 0)
		return;
	for (uint32_t e = 0; e < s->model->n_envs; e++)
		s->env_domain[e] = movable_domain(s, e);
	/* A move ends what may move in both its domains, so that loads need
	 * not follow it. */
	for (uint32_t d = 0; d < s->model->n_domains; d++)
		s->loads[d] = load_of(s, d);
	for (uint32_t d = 0; d < s->model->n_domains; d++)
		leave_domain(s, d);
}
