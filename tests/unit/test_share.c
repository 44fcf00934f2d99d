/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim/share.h against calculations by hand.  Notation of a case: resources as
 * capacities, variables as weight, bound and what they need of each.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "sim/share.h"

#define NEAR(x, y) ck_assert_double_eq_tol(x, y, 1e-12)

static struct share *s;

static void setup(void)
{
	s = share_new();
	ck_assert_ptr_nonnull(s);
}

static void teardown(void)
{
	share_free(s);
}

static uint32_t resource(double capacity)
{
	return share_add_resource(s, capacity);
}

/* A variable that needs 1 of r, and of q unless that is SHARE_NONE. */
static uint32_t over(double weight, double bound, uint32_t r, uint32_t q)
{
	struct share_need needs[] = {{r, 1}, {q, 1}};

	return share_open(s, weight, bound, needs, q == SHARE_NONE ? 1 : 2);
}

static uint32_t on(double weight, double bound, uint32_t r)
{
	return over(weight, bound, r, SHARE_NONE);
}

static uint32_t solve(void)
{
	uint32_t n_changed;

	share_solve(s, &n_changed);
	return n_changed;
}

START_TEST(one_resource_is_shared_by_weight)
{
	uint32_t r = resource(12);
	uint32_t a = on(1, HUGE_VAL, r), b = on(2, HUGE_VAL, r);

	solve();
	NEAR(share_rate(s, a), 4);
	NEAR(share_rate(s, b), 8);
	NEAR(share_used(s, r), 12);
	ck_assert_uint_eq(share_users(s, r), 2);
}
END_TEST

/* 10 over weights 1, 1, 2 with bounds 1, none, none: the first stays at 1,
 * and 9 are shared 3 : 6. */
START_TEST(what_a_bound_leaves_goes_to_the_others_by_weight)
{
	uint32_t r = resource(10);
	uint32_t a = on(1, 1, r), b = on(1, HUGE_VAL, r);
	uint32_t c = on(2, HUGE_VAL, r);

	solve();
	NEAR(share_rate(s, a), 1);
	NEAR(share_rate(s, b), 3);
	NEAR(share_rate(s, c), 6);
}
END_TEST

/* The classic line: l over links of 10 and 6, a over the first, b over the
 * second.  The second fills at 3; then a gets what is left, 7. */
START_TEST(a_long_flow_is_limited_where_it_is_narrowest)
{
	uint32_t r = resource(10), q = resource(6);
	uint32_t l = over(1, HUGE_VAL, r, q);
	uint32_t a = on(1, HUGE_VAL, r), b = on(1, HUGE_VAL, q);

	solve();
	NEAR(share_rate(s, l), 3);
	NEAR(share_rate(s, a), 7);
	NEAR(share_rate(s, b), 3);
}
END_TEST

/*
 * Two environments that block at barriers, progress x and y in CPU seconds a
 * second for each VM; host 1 (1 CPU) has one VM of either, host 2 (1 CPU) two
 * of the first:  x + y <= 1,  2 x <= 1.  Equal levels would be 1/2, 1/2.
 * With y at a weight of 3, host 1 fills first: x = 1/4, y = 3/4.
 */
START_TEST(blocking_environments_are_coupled_over_hosts)
{
	uint32_t h1 = resource(1), h2 = resource(1);
	struct share_need first[] = {{h1, 1}, {h2, 2}}, second[] = {{h1, 1}};
	uint32_t x = share_open(s, 1, 1, first, 2);
	uint32_t y = share_open(s, 1, 1, second, 1);

	solve();
	NEAR(share_rate(s, x), 0.5);
	NEAR(share_rate(s, y), 0.5);
	share_set_weight(s, y, 3);
	ck_assert_uint_eq(solve(), 2);
	NEAR(share_rate(s, x), 0.25);
	NEAR(share_rate(s, y), 0.75);
	NEAR(share_used(s, h2), 0.5);
}
END_TEST

START_TEST(needs_of_one_resource_add_up)
{
	uint32_t r = resource(6);
	struct share_need twice[] = {{r, 1}, {r, 2}};
	uint32_t v = share_open(s, 1, HUGE_VAL, twice, 2);

	solve();
	NEAR(share_rate(s, v), 2);
	ck_assert_uint_eq(share_users(s, r), 1);
}
END_TEST

START_TEST(bound_zero_suspends)
{
	uint32_t r = resource(4);
	uint32_t a = on(1, HUGE_VAL, r), b = on(1, HUGE_VAL, r);

	solve();
	share_set_bound(s, a, 0);
	solve();
	ck_assert_double_eq(share_rate(s, a), 0);
	NEAR(share_rate(s, b), 4);
}
END_TEST

START_TEST(a_cut_resource_stops_its_users_alone)
{
	uint32_t r = resource(4), q = resource(5);
	uint32_t a = on(1, HUGE_VAL, r), b = on(1, HUGE_VAL, q);
	uint32_t n_changed;
	const uint32_t *changed;

	solve();
	share_set_capacity(s, r, 0);
	changed = share_solve(s, &n_changed);
	ck_assert_uint_eq(n_changed, 1);
	ck_assert_uint_eq(changed[0], a);
	ck_assert_double_eq(share_rate(s, a), 0);
	NEAR(share_rate(s, b), 5);
}
END_TEST

START_TEST(nothing_limits_one_without_bound_and_needs)
{
	uint32_t v = share_open(s, 1, HUGE_VAL, NULL, 0);
	uint32_t w = on(1, HUGE_VAL, resource(HUGE_VAL));
	uint32_t u = share_open(s, 1, 7, NULL, 0);

	solve();
	ck_assert_double_eq(share_rate(s, v), HUGE_VAL);
	ck_assert_double_eq(share_rate(s, w), HUGE_VAL);
	ck_assert_double_eq(share_rate(s, u), 7);
}
END_TEST

START_TEST(closing_gives_back_and_the_id_is_used_again)
{
	uint32_t r = resource(8);
	uint32_t a = on(1, HUGE_VAL, r), b = on(1, HUGE_VAL, r);

	solve();
	share_close(s, a);
	ck_assert_uint_eq(solve(), 1);
	NEAR(share_rate(s, b), 8);
	ck_assert_uint_eq(on(3, HUGE_VAL, r), a);
	ck_assert_double_eq(share_rate(s, a), 0);
	ck_assert_uint_eq(solve(), 2);
	NEAR(share_rate(s, a), 6);
}
END_TEST

START_TEST(solving_twice_changes_nothing)
{
	uint32_t r = resource(7);

	on(1, HUGE_VAL, r);
	on(3, 2, r);
	ck_assert_uint_eq(solve(), 2);
	ck_assert_uint_eq(solve(), 0);
	share_set_capacity(s, r, 7);
	ck_assert_uint_eq(solve(), 0);
}
END_TEST

START_TEST(opened_and_closed_before_solving_leaves_no_trace)
{
	uint32_t r = resource(7);
	uint32_t a = on(1, HUGE_VAL, r);

	solve();
	share_close(s, on(1, HUGE_VAL, r));
	ck_assert_uint_eq(solve(), 0);
	NEAR(share_rate(s, a), 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("share");
	TCase *tc = tcase_create("by hand");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_resource_is_shared_by_weight);
	tcase_add_test(
	    tc, what_a_bound_leaves_goes_to_the_others_by_weight);
	tcase_add_test(tc, a_long_flow_is_limited_where_it_is_narrowest);
	tcase_add_test(tc, blocking_environments_are_coupled_over_hosts);
	tcase_add_test(tc, needs_of_one_resource_add_up);
	tcase_add_test(tc, bound_zero_suspends);
	tcase_add_test(tc, a_cut_resource_stops_its_users_alone);
	tcase_add_test(tc, nothing_limits_one_without_bound_and_needs);
	tcase_add_test(tc, closing_gives_back_and_the_id_is_used_again);
	tcase_add_test(tc, solving_twice_changes_nothing);
	tcase_add_test(
	    tc, opened_and_closed_before_solving_leaves_no_trace);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
