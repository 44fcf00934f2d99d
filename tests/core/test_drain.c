/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * To drain a host is an order: it holds under every policy, whether it knows
 * how or not, and a head VM stays.  The world moves what it is told at once.
 */
#include <check.h>
#include <stdio.h>

#include "tests/core/toy.h"

#define MIB(n) ((uint64_t)(n) * KIB_PER_MIB)

/* One of a researcher's own, which does nothing, or sends VM 0 to host 1. */
static bool sends;

static void *mute_lay_out(
    struct arena *arena, const struct model *model, const double *values)
{
	(void)model;
	(void)values;
	return ARENA_TAKE(arena, 1, char);
}

static void mute_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	struct action *a;

	(void)state;
	(void)model;
	if (!sends)
		return;
	a = plan_add(plan, ACTION_MIGRATE, (struct vm_id){0});
	a->from = obs->vms[0].host;
	a->to.ix = 1;
}

static const struct policy mute = {.abi = POLICY_ABI,
    .name = "mute",
    .lay_out = mute_lay_out,
    .decide = mute_decide};

/* The world. */

static uint32_t n_moves;
static struct action last;

static bool world_observe(
    void *world, struct observation *obs, struct err *err)
{
	struct toy *t = world;

	(void)err;
	t->obs.now_ns += TOY_PERIOD_NS;
	obs->now_ns = t->obs.now_ns;
	obs->period_ns = TOY_PERIOD_NS;
	obs->sequence = t->obs.sequence++;
	memcpy(obs->hosts, t->seen_hosts,
	    t->model.n_hosts * sizeof *obs->hosts);
	memcpy(obs->envs, t->seen_envs, t->model.n_envs * sizeof *obs->envs);
	memcpy(obs->vms, t->seen_vms, t->model.n_vms * sizeof *obs->vms);
	return true;
}

static bool world_start(void *world, uint64_t sequence,
    const struct action *actions, uint32_t n, struct err *err)
{
	struct toy *t = world;

	(void)sequence;
	(void)err;
	n_moves = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct vm_observation *vm = &t->seen_vms[actions[i].vm.ix];

		if (actions[i].refused || actions[i].kind != ACTION_MIGRATE)
			continue;
		n_moves++;
		last = actions[i];
		t->seen_hosts[vm->host.ix].mem_free_kib += vm_held_kib(vm);
		vm->host = actions[i].to;
		t->seen_hosts[vm->host.ix].mem_free_kib -= vm_held_kib(vm);
		vm->since_ns = t->obs.now_ns;
	}
	return true;
}

static uint32_t world_outcomes(
    void *world, struct outcome *outcomes, uint32_t max)
{
	(void)world;
	(void)outcomes;
	(void)max;
	return 0;
}

static const struct backend world = {
    .name = "toy",
    .observe = world_observe,
    .start = world_start,
    .outcomes = world_outcomes};

static struct manager *manager_over(struct toy *t, const struct policy *policy)
{
	static struct manager_options options;
	struct arena count = {0}, real = {0};

	for (uint32_t i = 0; i < policy->n_params; i++)
		t->values[i] = policy->params[i].initial;
	manager_lay_out(&count, &t->model, policy, t->values, &options, NULL);
	real.size = count.used;
	real.base = t->memory = calloc(1, count.used + 64);
	return manager_lay_out(
	    &real, &t->model, policy, t->values, &options, NULL);
}

static void step(struct toy *t, struct manager *manager)
{
	ck_assert(manager_step(manager, &world, t, NULL));
}

static uint32_t count_on(const struct toy *t, uint32_t host)
{
	uint32_t n = 0;

	for (uint32_t v = 0; v < t->model.n_vms; v++)
		n += t->seen_vms[v].host.ix == host;
	return n;
}

/* Two domains of two hosts; host 0 has a head VM and three others. */
static struct toy *site(void)
{
	struct toy *t = toy_new();

	toy_domain(t, 2, MIB(2048));
	toy_domain(t, 2, MIB(2048));
	toy_env(t, 4, MIB(256));
	t->vms[0].is_head = true;
	for (uint32_t v = 0; v < 4; v++)
		toy_run(t, v, 0, 100, MIB(100));
	t->seen_hosts[0].state = HOST_DRAINING;
	sends = false;
	return t;
}

static const struct policy *const all[] = {&policy_none, &policy_violin,
    &policy_sandpiper, &policy_drs, &mute};

START_TEST(every_policy_empties_a_draining_host)
{
	struct toy *t = site();
	struct manager *manager = manager_over(t, all[_i]);

	for (int i = 0; i < 20; i++)
		step(t, manager);
	ck_assert_msg(
	    count_on(t, 0) == 1, "%s leaves %u", all[_i]->name, count_on(t, 0));
	ck_assert_uint_eq(t->seen_vms[0].host.ix, 0); /* the head */
	/* And nothing comes back. */
	for (int i = 0; i < 5; i++)
		step(t, manager);
	ck_assert_uint_eq(count_on(t, 0), 1);
	toy_free(t);
}
END_TEST

START_TEST(one_leaves_at_a_time_the_smallest_first)
{
	struct toy *t = site();
	struct manager *manager = manager_over(t, &mute);

	t->seen_vms[2].mem_alloc_kib = t->seen_vms[2].mem_target_kib = MIB(200);
	step(t, manager);
	ck_assert_uint_eq(n_moves, 1);
	ck_assert_uint_eq(last.vm.ix, 2);
	/* While it is under way none follows it. */
	t->seen_vms[2].state = VM_MIGRATING;
	t->seen_vms[2].target = t->seen_vms[2].host;
	t->seen_vms[2].host.ix = 0;
	step(t, manager);
	ck_assert_uint_eq(n_moves, 0);
	toy_free(t);
}
END_TEST

START_TEST(it_goes_to_the_least_used_host_of_its_domain_with_room)
{
	struct toy *t = toy_new();
	struct manager *manager;

	toy_domain(t, 4, MIB(1024));
	toy_domain(t, 1, MIB(1024));
	toy_env(t, 3, MIB(512));
	for (uint32_t v = 0; v < 3; v++)
		toy_run(t, v, v == 2 ? 1 : 0, 100, MIB(100));
	t->seen_hosts[0].state = HOST_DRAINING;
	t->seen_hosts[1].cpu_used_mcpu = 0;
	t->seen_hosts[1].mem_free_kib = MIB(500); /* another's are there */
	t->seen_hosts[2].cpu_used_mcpu = 300;
	t->seen_hosts[3].cpu_used_mcpu = 200;
	t->seen_hosts[4].cpu_used_mcpu = 0;
	manager = manager_over(t, &mute);
	step(t, manager);
	ck_assert_uint_eq(last.to.ix, 3);
	/* No room in its domain: the other one. */
	t->seen_hosts[2].state = t->seen_hosts[3].state = HOST_STALE;
	step(t, manager);
	ck_assert_uint_eq(last.to.ix, 4);
	toy_free(t);
}
END_TEST

START_TEST(what_fits_nowhere_stays)
{
	struct toy *t = site();
	struct manager *manager = manager_over(t, &mute);

	for (uint32_t h = 1; h < 4; h++)
		t->seen_hosts[h].mem_free_kib = MIB(255);
	step(t, manager);
	ck_assert_uint_eq(n_moves, 0);
	ck_assert_uint_eq(manager_plan(manager)->n_actions, 0);
	toy_free(t);
}
END_TEST

START_TEST(what_the_policy_sends_is_left_to_it)
{
	struct toy *t = site();
	struct manager *manager;

	sends = true;
	t->vms[0].is_head = false;
	t->seen_hosts[1].cpu_used_mcpu = 900; /* where nobody else would go */
	manager = manager_over(t, &mute);
	step(t, manager);
	ck_assert_uint_eq(manager_plan(manager)->n_actions, 1);
	ck_assert_uint_eq(last.vm.ix, 0);
	ck_assert_uint_eq(last.to.ix, 1);
	toy_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("drain");
	TCase *t = tcase_create("drain");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(t, every_policy_empties_a_draining_host, 0,
	    sizeof all / sizeof all[0]);
	tcase_add_test(t, one_leaves_at_a_time_the_smallest_first);
	tcase_add_test(
	    t, it_goes_to_the_least_used_host_of_its_domain_with_room);
	tcase_add_test(t, what_fits_nowhere_stays);
	tcase_add_test(t, what_the_policy_sends_is_left_to_it);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
