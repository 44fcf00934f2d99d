/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small parts of the core, each against a calculation by hand. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/action.h"
#include "core/desire.h"
#include "core/err.h"
#include "core/fairshare.h"
#include "core/heap.h"
#include "core/observation.h"

static const struct desire_rule RULE = {0.35, 0.78, 0.60, 2};

/* c = 1; bounds 0.2, 1, 1: the first is content, the others share 0.8. */
START_TEST(fair_share_gives_what_the_content_leave)
{
	double w[] = {1, 1, 1}, b[] = {0.2, 1, 1}, x[3];

	fair_share(1, 3, w, b, x);
	ck_assert_double_eq_tol(x[0], 0.2, 1e-12);
	ck_assert_double_eq_tol(x[1], 0.4, 1e-12);
	ck_assert_double_eq_tol(x[2], 0.4, 1e-12);
}
END_TEST

/* Weights 3:1 over 1: 0.75 and 0.25. */
START_TEST(fair_share_follows_weights)
{
	double w[] = {3, 1}, b[] = {9, 9}, x[2];

	fair_share(1, 2, w, b, x);
	ck_assert_double_eq_tol(x[0], 0.75, 1e-12);
	ck_assert_double_eq_tol(x[1], 0.25, 1e-12);
}
END_TEST

START_TEST(fair_share_leaves_idle_what_nobody_wants)
{
	double w[] = {1, 5}, b[] = {0.1, 0.2}, x[2];

	fair_share(4, 2, w, b, x);
	ck_assert_double_eq(x[0], 0.1);
	ck_assert_double_eq(x[1], 0.2);
}
END_TEST

/* The definition itself, on random problems: one level L for all. */
START_TEST(fair_share_is_weighted_max_min)
{
	srand48(_i);
	for (int round = 0; round < 200; round++) {
		double w[12], b[12], x[12], sum = 0, want = 0, level = 0;
		double c = drand48() * 4;
		uint32_t n = 1 + (uint32_t)(lrand48() % 12);

		for (uint32_t i = 0; i < n; i++) {
			w[i] = 0.1 + drand48();
			b[i] = lrand48() % 4 ? drand48() : 0;
			want += b[i];
		}
		fair_share(c, n, w, b, x);
		for (uint32_t i = 0; i < n; i++) {
			sum += x[i];
			ck_assert(x[i] >= 0 && x[i] <= b[i] + 1e-12);
			if (x[i] < b[i] - 1e-12)
				level = x[i] / w[i];
		}
		ck_assert_double_eq_tol(sum, fmin(c, want), 1e-9);
		for (uint32_t i = 0; level > 0 && i < n; i++)
			ck_assert_double_eq_tol(
			    x[i], fmin(b[i], w[i] * level), 1e-9);
	}
}
END_TEST

/* Scenario 3 of the paper: 160 of 200 MB is outside, 400 MB is desired. */
START_TEST(desire_doubles_above_the_range)
{
	struct desire d = desire_next(&RULE, 200, 160, 0, 1, 1000);

	ck_assert_uint_eq(d.amount, 400);
	ck_assert_int_eq(d.change, DESIRE_GROWS);
}
END_TEST

START_TEST(desire_stays_inside_the_range)
{
	ck_assert_uint_eq(
	    desire_next(&RULE, 400, 300, 0, 1, 1000).amount, 400);
	ck_assert_uint_eq(
	    desire_next(&RULE, 400, 160, 0, 1, 1000).amount, 400);
}
END_TEST

/* 60 of 400 in use: 60 / 0.6 = 100. */
START_TEST(desire_shrinks_to_the_target)
{
	struct desire d = desire_next(&RULE, 400, 60, 400, 1, 1000);

	ck_assert_uint_eq(d.amount, 100);
	ck_assert_int_eq(d.change, DESIRE_SHRINKS);
}
END_TEST

START_TEST(desire_that_is_not_met_stays)
{
	ck_assert_uint_eq(
	    desire_next(&RULE, 500, 300, 1000, 1, 1000).amount, 1000);
}
END_TEST

START_TEST(desire_keeps_its_limits)
{
	ck_assert_uint_eq(
	    desire_next(&RULE, 800, 800, 0, 1, 1000).amount, 1000);
	ck_assert_uint_eq(desire_next(&RULE, 100, 0, 0, 20, 1000).amount, 20);
	ck_assert_uint_eq(desire_next(&RULE, 0, 5, 0, 20, 1000).amount, 20);
}
END_TEST

START_TEST(heap_gives_keys_in_order_and_ties_by_id)
{
	struct heap_item items[256];
	struct heap heap = {items, 0, 256};
	struct heap_item last = {-1, 0, 0};

	srand48(_i);
	for (uint32_t i = 0; i < 256; i++)
		heap_push(&heap, (struct heap_item){(double)(lrand48() % 9),
		                     (double)(lrand48() % 3), i});
	while (heap.n_items > 0) {
		struct heap_item x = heap_pop(&heap);

		ck_assert(x.key > last.key ||
		          (x.key >= last.key &&
		              (x.second > last.second ||
		                  (x.second >= last.second &&
		                      x.id > last.id))));
		last = x;
	}
}
END_TEST

START_TEST(weight_keeps_a_share_of_cpu)
{
	ck_assert_uint_eq(cpu_of_weight(weight_of_cpu(1000)), 1000);
	ck_assert_uint_eq(cpu_of_weight(weight_of_cpu(500)), 500);
	ck_assert_uint_eq(weight_of_cpu(0), 1);
	ck_assert_uint_eq(weight_of_cpu(UINT32_MAX), WEIGHT_MAX);
	for (uint32_t mcpu = 4; mcpu < 60000; mcpu += 7) {
		uint32_t back = cpu_of_weight(weight_of_cpu(mcpu));

		ck_assert(back >= mcpu && back < mcpu + 4);
	}
}
END_TEST

START_TEST(reason_shows_its_numbers)
{
	char text[64], tiny[8];
	struct reason r = {"uses {} % of {} CPUs {}", 93.5, 2};

	ck_assert_str_eq(reason_print(&r, text, sizeof text),
	    "uses 93.5 % of 2 CPUs {}");
	ck_assert_str_eq(reason_print(&r, tiny, sizeof tiny), "uses 93");
	r = (struct reason){NULL, 0, 0};
	ck_assert_str_eq(reason_print(&r, text, sizeof text), "");
}
END_TEST

START_TEST(err_keeps_what_fits)
{
	struct err err;
	char text[ERR_TEXT_MAX * 2];

	ck_assert(!err_set(&err, "%s has %d", "V1", 2));
	ck_assert(!err_prefix(&err, "f.yaml:3"));
	ck_assert_str_eq(err.text, "f.yaml:3: V1 has 2");
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	err_set(&err, "%s", text);
	err_prefix(&err, "p");
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	ck_assert(!err_set(NULL, "ignored"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("parts of the core");
	TCase *c = tcase_create("parts");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(c, fair_share_gives_what_the_content_leave);
	tcase_add_test(c, fair_share_follows_weights);
	tcase_add_test(c, fair_share_leaves_idle_what_nobody_wants);
	tcase_add_loop_test(c, fair_share_is_weighted_max_min, 1, 21);
	tcase_add_test(c, desire_doubles_above_the_range);
	tcase_add_test(c, desire_stays_inside_the_range);
	tcase_add_test(c, desire_shrinks_to_the_target);
	tcase_add_test(c, desire_that_is_not_met_stays);
	tcase_add_test(c, desire_keeps_its_limits);
	tcase_add_loop_test(
	    c, heap_gives_keys_in_order_and_ties_by_id, 1, 11);
	tcase_add_test(c, weight_keeps_a_share_of_cpu);
	tcase_add_test(c, reason_shows_its_numbers);
	tcase_add_test(c, err_keeps_what_fits);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
