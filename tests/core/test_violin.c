/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy violin, step by step, each claim on the smallest world that
 * shows it; the numbers are those of the steps in core/policy_violin.c.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/core/toy.h"

enum { MB = 1024 };

static struct toy *t;

static void set_up(void)
{
	t = toy_new();
}

static void tear_down(void)
{
	toy_free(t);
}

/* Two domains of two hosts, two environments of two VMs that want all. */
static void two_busy_in_one_domain(void)
{
	toy_domain(t, 2, 1536 * MB);
	toy_domain(t, 2, 1536 * MB);
	for (uint32_t e = 0; e < 2; e++) {
		toy_env(t, 2, 400 * MB);
		for (uint32_t i = 0; i < 2; i++)
			toy_run(t, 2 * e + i, i, 500, 240 * MB);
	}
	for (uint32_t v = 0; v < 4; v++)
		t->seen_vms[v].weight = WEIGHT_DEFAULT / 2;
	toy_policy(t, &policy_violin);
}

/* Step 1 and 2: 160 of 200 MB used, 400 desired, and there is room. */
START_TEST(memory_grows_where_it_fits)
{
	const struct action *a;

	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 1, 200 * MB);
	toy_run(t, 0, 0, 700, 160 * MB);
	toy_policy(t, &policy_violin);
	toy_step(t);
	a = toy_find(t, ACTION_SET_MEM, 0);
	ck_assert_ptr_nonnull(a);
	ck_assert_uint_eq(a->mem_kib, 400 * MB);
	ck_assert_ptr_null(a->refused);
}
END_TEST

START_TEST(memory_waits_where_it_does_not_fit)
{
	toy_domain(t, 1, 390 * MB);
	toy_env(t, 1, 200 * MB);
	toy_run(t, 0, 0, 700, 160 * MB);
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_SET_MEM), 0);
}
END_TEST

START_TEST(memory_of_a_guest_that_says_nothing_is_left_alone)
{
	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 1, 200 * MB);
	toy_run(t, 0, 0, 700, MEM_UNKNOWN);
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_SET_MEM), 0);
}
END_TEST

/* Smallest increase first: 100 -> 200 fits into 120 free, 300 -> 600 not. */
START_TEST(memory_increases_go_smallest_first)
{
	toy_domain(t, 1, 520 * MB);
	toy_env(t, 1, 300 * MB);
	toy_env(t, 1, 100 * MB);
	toy_run(t, 0, 0, 100, 290 * MB);
	toy_run(t, 1, 0, 100, 95 * MB);
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_ptr_null(toy_find(t, ACTION_SET_MEM, 0));
	ck_assert_ptr_nonnull(toy_find(t, ACTION_SET_MEM, 1));
}
END_TEST

/* Step 4: 4 VMs go to the six hosts (4/6 < 4/4), the next 4 to the four. */
START_TEST(placement_takes_the_least_loaded_domain)
{
	toy_domain(t, 6, 1536 * MB);
	toy_domain(t, 4, 1536 * MB);
	toy_env(t, 4, 400 * MB);
	toy_env(t, 4, 400 * MB);
	toy_policy(t, &policy_violin);
	ck_assert_uint_eq(toy_step(t), 8);
	for (uint32_t v = 0; v < 8; v++) {
		const struct action *a = toy_find(t, ACTION_CREATE, v);

		ck_assert_uint_eq(a->to.ix, v < 4 ? v : 6 + v - 4);
	}
}
END_TEST

START_TEST(placement_waits_for_memory_as_a_whole)
{
	toy_domain(t, 2, 500 * MB);
	toy_env(t, 3, 400 * MB);
	toy_policy(t, &policy_violin);
	ck_assert_uint_eq(toy_step(t), 0);
	ck_assert_uint_eq(t->plan.n_actions, 0);
}
END_TEST

/* Step 5: hosts of 1.2 and 0; the smaller VM goes to the empty one. */
START_TEST(overloaded_host_sheds_its_smallest_vm)
{
	const struct action *a;

	toy_domain(t, 2, 1536 * MB);
	toy_env(t, 1, 400 * MB);
	toy_env(t, 1, 400 * MB);
	toy_run(t, 0, 0, 1000, 240 * MB);
	toy_run(t, 1, 0, 120, 240 * MB);
	toy_policy(t, &policy_violin);
	toy_step(t);
	a = toy_find(t, ACTION_MIGRATE, 1);
	ck_assert_ptr_nonnull(a);
	ck_assert_uint_eq(a->to.ix, 1);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 1);
}
END_TEST

/* Step 6: all of the first environment, in one group. */
START_TEST(overloaded_domain_gives_up_one_whole_environment)
{
	two_busy_in_one_domain();
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 2);
	for (uint32_t v = 0; v < 2; v++) {
		const struct action *a = toy_find(t, ACTION_MIGRATE, v);

		ck_assert_ptr_nonnull(a);
		ck_assert_uint_eq(a->to.ix, 2 + v);
		ck_assert_uint_eq(a->group, 1);
		ck_assert_ptr_null(a->refused);
	}
}
END_TEST

START_TEST(nothing_moves_where_the_whole_does_not_fit)
{
	two_busy_in_one_domain();
	toy_env(t, 1, 400 * MB);
	toy_run(t, 4, 3, 1000, 240 * MB);
	free(t->memory);
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

START_TEST(nothing_moves_while_a_migration_is_under_way)
{
	two_busy_in_one_domain();
	t->seen_vms[0].state = VM_MIGRATING;
	t->seen_vms[0].target.ix = 2;
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

START_TEST(environment_cools_down_after_a_move)
{
	two_busy_in_one_domain();
	for (uint32_t e = 0; e < 2; e++)
		t->seen_envs[e].moved_ns = t->obs.now_ns - 59 * NS_PER_S;
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
	t->seen_envs[1].moved_ns = t->obs.now_ns - 60 * NS_PER_S;
	toy_step(t);
	ck_assert_ptr_nonnull(toy_find(t, ACTION_MIGRATE, 2));
}
END_TEST

START_TEST(head_vm_stays_when_its_environment_moves)
{
	two_busy_in_one_domain();
	t->vms[0].is_head = 1;
	toy_step(t);
	ck_assert_ptr_null(toy_find(t, ACTION_MIGRATE, 0));
}
END_TEST

START_TEST(the_ablation_switch_keeps_environments_in_their_domain)
{
	two_busy_in_one_domain();
	toy_set(t, "between-domains", 0);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

/* An environment that waits has the first claim on what is free. */
START_TEST(who_waits_for_room_goes_first)
{
	two_busy_in_one_domain();
	toy_env(t, 2, 1600 * MB); /* larger than any host: waits for ever */
	free(t->memory);
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

/* Memory trigger: 200 + 1200 + 200 desired more than 1536; the other domain
 * has room for the 1200 and no more load after than this one before. */
START_TEST(shortage_of_memory_moves_the_one_whose_going_ends_it)
{
	toy_domain(t, 1, 1536 * MB);
	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 1, 1200 * MB);
	toy_env(t, 1, 300 * MB);
	toy_env(t, 1, 200 * MB);
	toy_run(t, 0, 0, 500, 800 * MB);
	toy_run(t, 1, 1, 1000, 200 * MB);
	toy_run(t, 2, 0, 500, 160 * MB);
	t->seen_vms[0].weight = t->seen_vms[2].weight = WEIGHT_DEFAULT / 2;
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 1);
	ck_assert_uint_eq(toy_find(t, ACTION_MIGRATE, 0)->to.ix, 1);
}
END_TEST

/* Step 3: 1.0 and 0.2 desired on one CPU: 0.8 and 0.2. */
START_TEST(weights_give_the_fair_share_of_the_desires)
{
	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 1, 400 * MB);
	toy_env(t, 1, 400 * MB);
	toy_run(t, 0, 0, 1000, 240 * MB);
	toy_run(t, 1, 0, 120, 240 * MB);
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_find(t, ACTION_SET_CPU, 0)->weight, 205);
	ck_assert_uint_eq(toy_find(t, ACTION_SET_CPU, 1)->weight, 52);
	ck_assert_uint_eq(toy_find(t, ACTION_SET_CPU, 1)->cap_mcpu, 0);
	toy_set(t, "cpu-caps", 1);
	toy_step(t);
	ck_assert_uint_eq(toy_find(t, ACTION_SET_CPU, 1)->cap_mcpu, 203);
}
END_TEST

START_TEST(draining_host_is_emptied)
{
	toy_domain(t, 2, 1536 * MB);
	toy_env(t, 1, 400 * MB);
	toy_run(t, 0, 0, 500, 240 * MB);
	t->seen_hosts[0].state = HOST_DRAINING;
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_find(t, ACTION_MIGRATE, 0)->to.ix, 1);
}
END_TEST

/* Its domain has no other host; the other domain is as loaded already. */
START_TEST(draining_sends_environments_away_but_not_their_heads)
{
	toy_domain(t, 1, 1536 * MB);
	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 2, 400 * MB);
	toy_env(t, 1, 400 * MB);
	t->vms[0].is_head = 1;
	toy_run(t, 0, 0, 10, 240 * MB);
	toy_run(t, 1, 0, 1000, 240 * MB);
	toy_run(t, 2, 1, 1000, 240 * MB);
	t->seen_hosts[0].state = HOST_DRAINING;
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 1);
	ck_assert_uint_eq(toy_find(t, ACTION_MIGRATE, 1)->to.ix, 1);
	ck_assert_ptr_null(toy_find(t, ACTION_MIGRATE, 1)->refused);
}
END_TEST

/* Nothing of it is left there to move. */
START_TEST(drained_host_may_keep_a_head)
{
	toy_domain(t, 2, 1536 * MB);
	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 2, 400 * MB);
	t->vms[0].is_head = 1;
	toy_run(t, 0, 0, 10, 240 * MB);
	toy_run(t, 1, 1, 900, 240 * MB);
	t->seen_hosts[0].state = HOST_DRAINING;
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

/* A manager that is started anew has seen no period yet. */
START_TEST(first_look_at_what_runs_changes_nothing)
{
	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 2, 400 * MB);
	toy_run(t, 0, 0, 0, 10 * MB);
	toy_run(t, 1, 0, 0, 10 * MB);
	t->seen_vms[0].weight = t->seen_vms[1].weight = WEIGHT_DEFAULT / 2;
	t->obs.period_ns = 0;
	toy_policy(t, &policy_violin);
	toy_step(t);
	ck_assert_uint_eq(t->plan.n_actions, 0);
}
END_TEST

START_TEST(stale_host_is_left_alone)
{
	toy_domain(t, 2, 1536 * MB);
	toy_env(t, 2, 400 * MB);
	toy_env(t, 1, 400 * MB);
	for (uint32_t v = 0; v < 3; v++)
		toy_run(t, v, 0, 333, 390 * MB);
	t->seen_hosts[0].state = HOST_STALE;
	toy_policy(t, &policy_violin);
	toy_step(t);
	for (uint32_t i = 0; i < t->plan.n_actions; i++)
		ck_assert_ptr_nonnull(t->plan.actions[i].refused);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy violin");
	TCase *c = tcase_create("steps");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, memory_grows_where_it_fits);
	tcase_add_test(c, memory_waits_where_it_does_not_fit);
	tcase_add_test(
	    c, memory_of_a_guest_that_says_nothing_is_left_alone);
	tcase_add_test(c, memory_increases_go_smallest_first);
	tcase_add_test(c, placement_takes_the_least_loaded_domain);
	tcase_add_test(c, placement_waits_for_memory_as_a_whole);
	tcase_add_test(c, overloaded_host_sheds_its_smallest_vm);
	tcase_add_test(c, overloaded_domain_gives_up_one_whole_environment);
	tcase_add_test(c, nothing_moves_where_the_whole_does_not_fit);
	tcase_add_test(c, nothing_moves_while_a_migration_is_under_way);
	tcase_add_test(c, environment_cools_down_after_a_move);
	tcase_add_test(c, head_vm_stays_when_its_environment_moves);
	tcase_add_test(
	    c, the_ablation_switch_keeps_environments_in_their_domain);
	tcase_add_test(c, who_waits_for_room_goes_first);
	tcase_add_test(
	    c, shortage_of_memory_moves_the_one_whose_going_ends_it);
	tcase_add_test(c, weights_give_the_fair_share_of_the_desires);
	tcase_add_test(c, draining_host_is_emptied);
	tcase_add_test(
	    c, draining_sends_environments_away_but_not_their_heads);
	tcase_add_test(c, drained_host_may_keep_a_head);
	tcase_add_test(c, first_look_at_what_runs_changes_nothing);
	tcase_add_test(c, stale_host_is_left_alone);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
