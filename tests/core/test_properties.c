/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What holds of every policy in every world: random ones, from a seed that a
 * failure prints.  VIOLIN_SEED sets the first, VIOLIN_SEEDS how many.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/core/toy.h"

enum { MB = 1024, MEM_HOST_MB = 2000 };

static uint64_t state;

static uint32_t draw(uint32_t below)
{
	uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return (uint32_t)((z ^ z >> 31) % below);
}

static void draw_vm(struct toy *t, uint32_t v)
{
	uint32_t h = draw(t->model.n_hosts);
	struct vm_observation *vm = &t->seen_vms[v];
	uint32_t to;

	if (t->seen_hosts[h].mem_free_kib < t->vms[v].mem_kib)
		return;
	toy_run(t, v, h, draw(1001),
	    (uint64_t)draw(101) * t->vms[v].mem_kib / 100);
	vm->weight = 1 + draw(512);
	vm->cap_mcpu = draw(4) ? 0 : 1 + draw(1000);
	vm->since_ns = (int64_t)draw(101) * NS_PER_S;
	if (!draw(9))
		vm->mem_used_kib = MEM_UNKNOWN;
	to = draw(t->model.n_hosts);
	if (!draw(6) && to != h && !t->vms[v].is_head &&
	    t->seen_hosts[to].mem_free_kib >= t->vms[v].mem_kib) {
		vm->state = VM_MIGRATING;
		vm->target.ix = to;
		t->seen_hosts[to].mem_free_kib -= t->vms[v].mem_kib;
	}
}

/* A world with everything in it, its memory never over-committed. */
static struct toy *draw_world(uint64_t seed)
{
	struct toy *t = toy_new();
	uint32_t n_domains = 1 + draw(3), n_envs = 1 + draw(10);

	state = seed;
	for (uint32_t d = 0; d < n_domains; d++)
		toy_domain(t, 1 + draw(5), MEM_HOST_MB * MB);
	for (uint32_t e = 0; e < n_envs; e++) {
		uint32_t n = 1 + draw(6);

		toy_env(t, n, (64 + draw(800)) * MB);
		t->vms[t->envs[e].first_vm].is_head = n > 1 && draw(2);
		t->seen_envs[e].queued_ns = draw(3) * NS_PER_S;
		t->seen_envs[e].network_up = draw(5) > 0;
		for (uint32_t i = 0; draw(5) && i < n; i++)
			draw_vm(t, t->envs[e].first_vm + i);
	}
	for (uint32_t h = 0; h < t->model.n_hosts; h++)
		if (!draw(6))
			t->seen_hosts[h].state = HOST_DRAINING + draw(2);
	return t;
}

/* Memory of each host if every action so far were done, none undone. */
static void assert_prefix_holds(const struct toy *t, const uint64_t *taken)
{
	for (uint32_t h = 0; h < t->model.n_hosts; h++)
		ck_assert_uint_le(taken[h], MEM_HOST_MB * MB);
}

static void assert_valid_at_every_prefix(const struct toy *t)
{
	uint64_t taken[TOY_HOSTS] = {0};

	for (uint32_t h = 0; h < t->model.n_hosts; h++)
		taken[h] = MEM_HOST_MB * MB - t->seen_hosts[h].mem_free_kib;
	for (uint32_t i = 0; i < t->plan.n_actions; i++) {
		const struct action *a = &t->plan.actions[i];
		const struct vm_observation *vm = &t->seen_vms[a->vm.ix];

		if (a->refused)
			continue;
		if (a->kind == ACTION_CREATE)
			taken[a->to.ix] += a->mem_kib;
		if (a->kind == ACTION_MIGRATE) {
			ck_assert_uint_eq(t->vms[a->vm.ix].is_head, 0);
			ck_assert_int_eq(vm->state, VM_RUNNING);
			taken[a->to.ix] += vm->mem_alloc_kib;
		}
		if (a->kind == ACTION_SET_MEM &&
		    a->mem_kib > vm->mem_alloc_kib)
			taken[vm->host.ix] += a->mem_kib - vm->mem_alloc_kib;
		assert_prefix_holds(t, taken);
	}
}

static void assert_same_plan(const struct plan *a, const struct plan *b)
{
	ck_assert_uint_eq(a->n_actions, b->n_actions);
	for (uint32_t i = 0; i < a->n_actions; i++) {
		const struct action *x = &a->actions[i], *y = &b->actions[i];

		ck_assert_int_eq(x->kind, y->kind);
		ck_assert_uint_eq(x->vm.ix, y->vm.ix);
		ck_assert_uint_eq(x->to.ix, y->to.ix);
		ck_assert_uint_eq(x->weight, y->weight);
		ck_assert_uint_eq(x->mem_kib, y->mem_kib);
		ck_assert_uint_eq(x->group, y->group);
	}
}

static uint64_t seed_of(int i)
{
	const char *first = getenv("VIOLIN_SEED");
	uint64_t seed = (first ? strtoull(first, NULL, 0) : 1) + (uint64_t)i;

	state = seed;
	return seed;
}

#define FOR_EACH_POLICY(p) \
	for (uint32_t p = 0; policies[p]; p++)

/* A policy's own plans need no refusal, but for what it cannot know of. */
START_TEST(plan_is_valid_at_every_prefix)
{
	uint64_t seed = seed_of(_i);

	FOR_EACH_POLICY(p)
	{
		struct toy *t = draw_world(seed);

		toy_policy(t, policies[p]);
		for (int step = 0; step < 4; step++) {
			toy_step(t);
			assert_valid_at_every_prefix(t);
		}
		toy_free(t);
		seed_of(_i);
	}
}
END_TEST

START_TEST(same_observations_give_the_same_plan)
{
	uint64_t seed = seed_of(_i);

	FOR_EACH_POLICY(p)
	{
		struct toy *a = draw_world(seed), *b;

		seed_of(_i);
		b = draw_world(seed);
		toy_policy(a, policies[p]);
		toy_policy(b, policies[p]);
		for (int step = 0; step < 4; step++) {
			toy_step(a);
			toy_step(b);
			assert_same_plan(&a->plan, &b->plan);
		}
		toy_free(a);
		toy_free(b);
		seed_of(_i);
	}
}
END_TEST

/* Nothing of an environment that is not affected by names: they differ. */
START_TEST(names_do_not_matter)
{
	static const char *const other[] = {"z", "y", "x", "w"};
	uint64_t seed = seed_of(_i);

	FOR_EACH_POLICY(p)
	{
		struct toy *a = draw_world(seed), *b;

		seed_of(_i);
		b = draw_world(seed);
		for (uint32_t v = 0; v < b->model.n_vms; v++)
			b->vms[v].name = other[v % 4];
		for (uint32_t h = 0; h < b->model.n_hosts; h++)
			b->hosts[h].name = other[h % 4];
		toy_policy(a, policies[p]);
		toy_policy(b, policies[p]);
		toy_step(a);
		toy_step(b);
		assert_same_plan(&a->plan, &b->plan);
		toy_free(a);
		toy_free(b);
		seed_of(_i);
	}
}
END_TEST

/*
 * Renamed ids: environment ids shift by one that nobody asks for, and host
 * ids by a domain that is absent; the plan is the same but for the shift.
 */
START_TEST(renamed_ids_give_the_renamed_plan)
{
	uint64_t seed = seed_of(_i);

	FOR_EACH_POLICY(p)
	{
		struct toy *a = draw_world(seed), *b = toy_new();

		toy_domain(b, 2, MEM_HOST_MB * MB);
		b->seen_hosts[0].state = b->seen_hosts[1].state = HOST_ABSENT;
		b->seen_envs[toy_env(b, 1, 100 * MB)].state = ENV_ABSENT;
		b->seen_vms[0].state = VM_ABSENT;
		for (uint32_t d = 0; d < a->model.n_domains; d++)
			b->domains[b->model.n_domains++] = a->domains[d];
		for (uint32_t h = 0; h < a->model.n_hosts; h++) {
			b->seen_hosts[b->model.n_hosts] = a->seen_hosts[h];
			b->hosts[b->model.n_hosts] = a->hosts[h];
			b->hosts[b->model.n_hosts++].domain.ix++;
		}
		for (uint32_t e = 0; e < a->model.n_envs; e++) {
			b->seen_envs[b->model.n_envs] = a->seen_envs[e];
			b->envs[b->model.n_envs] = a->envs[e];
			b->envs[b->model.n_envs++].first_vm++;
		}
		for (uint32_t v = 0; v < a->model.n_vms; v++) {
			struct vm_observation vm = a->seen_vms[v];

			vm.host.ix += host_none(vm.host) ? 0 : 2;
			vm.target.ix += host_none(vm.target) ? 0 : 2;
			b->seen_vms[b->model.n_vms] = vm;
			b->vms[b->model.n_vms] = a->vms[v];
			b->vms[b->model.n_vms++].env.ix++;
		}
		toy_policy(a, policies[p]);
		toy_policy(b, policies[p]);
		toy_step(a);
		toy_step(b);
		for (uint32_t i = 0; i < b->plan.n_actions; i++) {
			b->plan.actions[i].vm.ix--;
			if (!host_none(b->plan.actions[i].to))
				b->plan.actions[i].to.ix -= 2;
		}
		assert_same_plan(&a->plan, &b->plan);
		toy_free(a);
		toy_free(b);
		seed_of(_i);
	}
}
END_TEST

int main(void)
{
	const char *seeds = getenv("VIOLIN_SEEDS");
	int n = seeds ? atoi(seeds) : 300;
	Suite *s = suite_create("properties of the policies");
	TCase *c = tcase_create("properties");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 60);
	printf("seeds %llu and on, %d of them\n",
	    (unsigned long long)seed_of(0), n);
	tcase_add_loop_test(c, plan_is_valid_at_every_prefix, 0, n);
	tcase_add_loop_test(c, same_observations_give_the_same_plan, 0, n);
	tcase_add_loop_test(c, names_do_not_matter, 0, n / 10);
	tcase_add_loop_test(c, renamed_ids_give_the_renamed_plan, 0, n);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
