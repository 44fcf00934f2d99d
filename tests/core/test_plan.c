/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of a plan: what the world could not bear is refused. */
#include <check.h>
#include <stdlib.h>

#include "tests/core/toy.h"

enum { MB = 1024 };

static struct toy *t;

/* Two hosts of 1000 MB; VM 0 and 1 (one environment) run on host 0 with 300
 * MB each, VM 2 waits. */
static void set_up(void)
{
	t = toy_new();
	toy_domain(t, 2, 1000 * MB);
	toy_env(t, 2, 300 * MB);
	toy_env(t, 1, 500 * MB);
	toy_run(t, 0, 0, 500, 100 * MB);
	toy_run(t, 1, 0, 500, 100 * MB);
	toy_policy(t, &policy_none);
}

static void tear_down(void)
{
	toy_free(t);
}

static struct action *add(enum action_kind kind, uint32_t v, uint32_t to)
{
	struct action *a = plan_add(&t->plan, kind, (struct vm_id){v});

	a->from = t->seen_vms[v].host;
	a->to.ix = to;
	a->weight = 256;
	a->mem_kib = t->vms[v].mem_kib;
	return a;
}

static uint32_t check(void)
{
	return plan_check(t->check, &t->model, &t->obs, &t->limits, &t->plan);
}

START_TEST(good_plan_is_accepted)
{
	add(ACTION_MIGRATE, 0, 1);
	add(ACTION_SET_CPU, 1, ID_NONE);
	add(ACTION_CREATE, 2, 1);
	ck_assert_uint_eq(check(), 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_ptr_null(t->plan.actions[i].refused);
}
END_TEST

/* 1000 - 300 leaves 700: 500 and 300 do not both fit. */
START_TEST(memory_is_counted_along_the_plan)
{
	struct action *a, *b;

	t->seen_hosts[1].mem_free_kib = 700 * MB;
	a = add(ACTION_CREATE, 2, 1);
	b = add(ACTION_MIGRATE, 0, 1);
	ck_assert_uint_eq(check(), 1);
	ck_assert_ptr_null(a->refused);
	ck_assert_str_eq(b->refused, "the host has no room");
}
END_TEST

/* 400 free on host 0; the first gives 200 back, but only when it has. */
START_TEST(what_shrinks_is_not_free_yet)
{
	add(ACTION_SET_MEM, 0, ID_NONE)->mem_kib = 100 * MB;
	add(ACTION_SET_MEM, 1, ID_NONE)->mem_kib = 800 * MB;
	ck_assert_uint_eq(check(), 1);
	ck_assert_str_eq(t->plan.actions[1].refused, "the host has no room");
	t->plan.actions[1].mem_kib = 700 * MB;
	ck_assert_uint_eq(check(), 2);
}
END_TEST

START_TEST(group_is_refused_as_a_whole_and_gives_back)
{
	t->seen_hosts[1].mem_free_kib = 500 * MB;
	add(ACTION_MIGRATE, 0, 1)->group = 1;
	add(ACTION_MIGRATE, 1, 1)->group = 1;
	add(ACTION_CREATE, 2, 1);
	ck_assert_uint_eq(check(), 1);
	ck_assert_str_eq(
	    t->plan.actions[0].refused, "another of its group is refused");
	ck_assert_str_eq(t->plan.actions[1].refused, "the host has no room");
	ck_assert_ptr_null(t->plan.actions[2].refused);
}
END_TEST

START_TEST(one_vm_gets_one_action_of_a_kind)
{
	add(ACTION_SET_CPU, 0, ID_NONE);
	add(ACTION_SET_MEM, 0, ID_NONE);
	add(ACTION_SET_CPU, 0, ID_NONE);
	add(ACTION_MIGRATE, 0, 1);
	ck_assert_uint_eq(check(), 2);
	ck_assert_ptr_null(t->plan.actions[1].refused);
}
END_TEST

START_TEST(share_may_be_set_before_a_move_not_after)
{
	add(ACTION_SET_CPU, 0, ID_NONE);
	add(ACTION_MIGRATE, 0, 1);
	add(ACTION_MIGRATE, 1, 1);
	add(ACTION_SET_CPU, 1, ID_NONE);
	ck_assert_uint_eq(check(), 3);
	ck_assert_ptr_nonnull(t->plan.actions[3].refused);
}
END_TEST

START_TEST(vm_in_flight_is_not_touched)
{
	t->seen_vms[0].state = VM_MIGRATING;
	t->seen_vms[0].target.ix = 1;
	add(ACTION_SET_CPU, 0, ID_NONE);
	add(ACTION_SET_MEM, 0, ID_NONE);
	add(ACTION_MIGRATE, 0, 1);
	add(ACTION_DESTROY, 0, ID_NONE);
	ck_assert_uint_eq(check(), 0);
}
END_TEST

START_TEST(head_vm_never_moves)
{
	t->vms[0].is_head = 1;
	add(ACTION_MIGRATE, 0, 1);
	ck_assert_uint_eq(check(), 0);
	ck_assert_str_eq(
	    t->plan.actions[0].refused, "a head VM does not move");
}
END_TEST

START_TEST(nothing_goes_to_a_host_that_is_not_up)
{
	enum host_state states[] = {
	    HOST_ABSENT, HOST_DRAINING, HOST_STALE, HOST_FAILED};

	for (int i = 0; i < 4; i++) {
		plan_clear(&t->plan);
		t->seen_hosts[1].state = states[i];
		add(ACTION_MIGRATE, 0, 1);
		add(ACTION_CREATE, 2, 1);
		ck_assert_uint_eq(check(), 0);
	}
}
END_TEST

START_TEST(stale_host_gets_no_actions)
{
	t->seen_hosts[0].state = HOST_STALE;
	add(ACTION_MIGRATE, 0, 1);
	add(ACTION_SET_CPU, 1, ID_NONE);
	ck_assert_uint_eq(check(), 0);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	add(ACTION_CREATE, 0, 1);
	add(ACTION_CREATE, 2, 9);
	add(ACTION_SET_MEM, 0, ID_NONE)->mem_kib = 0;
	add(ACTION_SET_CPU, 0, ID_NONE)->weight = 0;
	add(ACTION_MIGRATE, 1, 0);
	add(ACTION_MIGRATE, 1, 1)->from.ix = 1;
	add(ACTION_DESTROY, 2, ID_NONE);
	add(ACTION_CREATE, 2, 1)->kind = N_ACTION_KINDS;
	add(ACTION_CREATE, 2, 1)->vm.ix = 99;
	ck_assert_uint_eq(check(), 0);
}
END_TEST

START_TEST(operator_limits_hold)
{
	t->limits.migrations_per_env = 1;
	add(ACTION_MIGRATE, 0, 1);
	add(ACTION_MIGRATE, 1, 1);
	add(ACTION_CREATE, 2, 0);
	ck_assert_uint_eq(check(), 1);
	t->seen_hosts[0].mem_free_kib = 1000 * MB;
	t->limits = (struct plan_limits){.actions_per_period = 1};
	ck_assert_uint_eq(check(), 1);
	ck_assert_str_eq(t->plan.actions[1].refused,
	    "the period has had its actions");
}
END_TEST

/* What the hypervisor says is free counts more than what we know of. */
START_TEST(memory_held_by_strangers_counts)
{
	t->seen_hosts[1].mem_free_kib = 100 * MB;
	add(ACTION_MIGRATE, 0, 1);
	ck_assert_uint_eq(check(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check of a plan");
	TCase *c = tcase_create("check");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, good_plan_is_accepted);
	tcase_add_test(c, memory_is_counted_along_the_plan);
	tcase_add_test(c, what_shrinks_is_not_free_yet);
	tcase_add_test(c, group_is_refused_as_a_whole_and_gives_back);
	tcase_add_test(c, one_vm_gets_one_action_of_a_kind);
	tcase_add_test(c, share_may_be_set_before_a_move_not_after);
	tcase_add_test(c, vm_in_flight_is_not_touched);
	tcase_add_test(c, head_vm_never_moves);
	tcase_add_test(c, nothing_goes_to_a_host_that_is_not_up);
	tcase_add_test(c, stale_host_gets_no_actions);
	tcase_add_test(c, nonsense_is_refused);
	tcase_add_test(c, operator_limits_hold);
	tcase_add_test(c, memory_held_by_strangers_counts);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
