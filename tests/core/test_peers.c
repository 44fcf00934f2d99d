/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The policies to compare with: what sandpiper and drs promise. */
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

static void two_on_one_of_two_hosts(const struct policy *policy)
{
	toy_domain(t, 2, 1536 * MB);
	toy_env(t, 1, 400 * MB);
	toy_env(t, 1, 200 * MB);
	toy_run(t, 0, 0, 500, 100 * MB);
	toy_run(t, 1, 0, 500, 100 * MB);
	toy_policy(t, policy);
}

START_TEST(none_only_places)
{
	two_on_one_of_two_hosts(&policy_none);
	toy_step(t);
	ck_assert_uint_eq(t->plan.n_actions, 0);
}
END_TEST

/* k = 3 of n = 5: acts at the third hot observation, not before. */
START_TEST(sandpiper_waits_for_k_of_n)
{
	two_on_one_of_two_hosts(&policy_sandpiper);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 1);
}
END_TEST

/* Equal CPU: 200 MB moves the same load for fewer bytes than 400 MB. */
START_TEST(sandpiper_moves_the_most_volume_for_its_size)
{
	two_on_one_of_two_hosts(&policy_sandpiper);
	toy_set(t, "k", 1);
	toy_step(t);
	ck_assert_ptr_nonnull(toy_find(t, ACTION_MIGRATE, 1));
	ck_assert_uint_eq(toy_find(t, ACTION_MIGRATE, 1)->to.ix, 1);
}
END_TEST

START_TEST(sandpiper_makes_no_new_hot_spot)
{
	two_on_one_of_two_hosts(&policy_sandpiper);
	toy_env(t, 1, 100 * MB);
	toy_run(t, 2, 1, 600, 10 * MB);
	free(t->memory);
	toy_policy(t, &policy_sandpiper);
	toy_set(t, "k", 1);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

/* Loads 2 and 0 have deviation 1; after one move 1 and 1 have none. */
START_TEST(drs_lowers_the_deviation)
{
	const struct action *a;

	two_on_one_of_two_hosts(&policy_drs);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 1);
	a = &t->plan.actions[0];
	ck_assert_double_eq_tol(a->reason.x, 1, 1e-9);
	ck_assert_double_eq_tol(a->reason.y, 0, 1e-9);
}
END_TEST

START_TEST(drs_leaves_what_is_balanced)
{
	two_on_one_of_two_hosts(&policy_drs);
	toy_set(t, "threshold", 1.01);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

/* 0.5 CPU gained for 0.1 s against 1 s of down-time: not worth it. */
START_TEST(drs_weighs_gain_against_cost)
{
	two_on_one_of_two_hosts(&policy_drs);
	toy_set(t, "horizon", 0.1);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

START_TEST(drs_stays_inside_a_domain)
{
	toy_domain(t, 1, 1536 * MB);
	toy_domain(t, 1, 1536 * MB);
	toy_env(t, 1, 400 * MB);
	toy_env(t, 1, 200 * MB);
	toy_run(t, 0, 0, 500, 100 * MB);
	toy_run(t, 1, 0, 500, 100 * MB);
	toy_policy(t, &policy_drs);
	toy_step(t);
	ck_assert_uint_eq(toy_count(t, ACTION_MIGRATE), 0);
}
END_TEST

START_TEST(policies_are_found_by_name)
{
	for (uint32_t i = 0; policies[i]; i++) {
		const struct policy *p = policies[i];

		ck_assert_ptr_eq(policy_find(p->name), p);
		ck_assert_uint_eq(p->abi, POLICY_ABI);
		for (uint32_t k = 0; k < p->n_params; k++) {
			const struct param *a = &p->params[k];

			ck_assert_int_eq(
			    policy_find_param(p, a->name), (int)k);
			ck_assert(a->min <= a->initial);
			ck_assert(a->initial <= a->max);
		}
	}
	ck_assert_ptr_null(policy_find("random"));
	ck_assert_int_eq(policy_find_param(&policy_violin, "nothing"), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policies to compare with");
	TCase *c = tcase_create("policies");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, none_only_places);
	tcase_add_test(c, sandpiper_waits_for_k_of_n);
	tcase_add_test(c, sandpiper_moves_the_most_volume_for_its_size);
	tcase_add_test(c, sandpiper_makes_no_new_hot_spot);
	tcase_add_test(c, drs_lowers_the_deviation);
	tcase_add_test(c, drs_leaves_what_is_balanced);
	tcase_add_test(c, drs_weighs_gain_against_cost);
	tcase_add_test(c, drs_stays_inside_a_domain);
	tcase_add_test(c, policies_are_found_by_name);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
