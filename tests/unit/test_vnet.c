/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sim/vnet.h against calculations by hand. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "sim/vnet.h"

static const struct vnet_setup usual = {
    .reestablish_ns = 9 * NS_PER_S,
    .reestablish_spread = 0.2,
    .within_ns = 1 * NS_PER_S,
    .rto_min_ns = 200 * NS_PER_MS,
};

static int64_t ms(double n)
{
	return llround(n * (double)NS_PER_MS);
}

/* 0.2 (2^k - 1) s after the cut: just in time, and 1 ns late. */
START_TEST(connections_resume_at_the_doubling_retransmissions)
{
	static const double offset_ms[] = {200, 600, 1400, 3000, 6200, 12600};
	int64_t cut = 5 * NS_PER_S;

	for (int k = 0; k < 6; k++)
		ck_assert_int_eq(cut + ms(offset_ms[k]),
		    vnet_retransmission_ns(
		        cut, cut + ms(offset_ms[k]), usual.rto_min_ns));
	for (int k = 0; k < 5; k++)
		ck_assert_int_eq(cut + ms(offset_ms[k + 1]),
		    vnet_retransmission_ns(
		        cut, cut + ms(offset_ms[k]) + 1, usual.rto_min_ns));
}
END_TEST

/* 0.2 * 2^9 = 102.4 s is the last time-out below 120 s; it ends at
 * 0.2 (2^10 - 1) = 204.6 s, and the next come each 120 s. */
START_TEST(time_outs_double_up_to_two_minutes)
{
	ck_assert_int_eq(
	    ms(204600), vnet_retransmission_ns(0, ms(150000), ms(200)));
	ck_assert_int_eq(
	    ms(324600), vnet_retransmission_ns(0, ms(204601), ms(200)));
	ck_assert_int_eq(
	    ms(444600), vnet_retransmission_ns(0, ms(324601), ms(200)));
}
END_TEST

START_TEST(without_a_time_out_it_resumes_when_whole)
{
	ck_assert_int_eq(ms(77), vnet_retransmission_ns(ms(5), ms(77), 0));
}
END_TEST

/* Log-normal of mean 9 and deviation 1.8: q^2 = ln 1.04 = 0.0392207, the
 * median 9 exp(-q^2 / 2) = 8.825226 s; at z = 2 x exp(2 q) = 1.4860. */
START_TEST(reestablishment_is_log_normal)
{
	ck_assert_double_eq_tol(8.825226,
	    ns_to_s(vnet_reestablish_ns(&usual, false, 0)), 1e-6);
	ck_assert_double_eq_tol(13.1143,
	    ns_to_s(vnet_reestablish_ns(&usual, false, 2)), 1e-3);
	ck_assert_double_eq_tol(8.825226 / 9,
	    ns_to_s(vnet_reestablish_ns(&usual, true, 0)), 1e-6);
}
END_TEST

/* Mean and deviation by the trapezoid rule over z. */
START_TEST(reestablishment_has_the_mean_and_spread_asked_for)
{
	double sum = 0, squares = 0, weight = 0, h = 1e-3;

	for (double z = -8; z < 8; z += h) {
		double p = exp(-z * z / 2);
		double x = ns_to_s(vnet_reestablish_ns(&usual, false, z));

		weight += p;
		sum += p * x;
		squares += p * x * x;
	}
	sum /= weight;
	ck_assert_double_eq_tol(sum, 9, 1e-5);
	ck_assert_double_eq_tol(
	    sqrt(squares / weight - sum * sum) / sum, 0.2, 1e-4);
}
END_TEST

/* A VM is down from 100.0 to 100.3 s and reachable 9 s later, 9.3 s after the
 * cut: the sixth retransmission, 112.6 s. */
START_TEST(one_move_by_hand)
{
	struct vnet net = {0};

	ck_assert_int_eq(vnet_resume_ns(&net, &usual), 0);
	vnet_cut(&net, &usual, ms(100000));
	ck_assert_int_eq(vnet_resume_ns(&net, &usual), TIME_NEVER);
	vnet_land(&net, ms(100300), ms(9000));
	ck_assert_int_eq(vnet_resume_ns(&net, &usual), ms(112600));
}
END_TEST

/* Four at once, the last cut at 1 s and landing at 1.5 s + 4 s: whole 5.5 s
 * after the first was cut, so 6.2 s. */
START_TEST(an_environment_waits_for_its_last_vm)
{
	struct vnet net = {0};

	for (int i = 0; i < 4; i++)
		vnet_cut(&net, &usual, ms(10000 + 1000.0 / 3 * i));
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(vnet_resume_ns(&net, &usual), TIME_NEVER);
		vnet_land(&net, ms(11500), ms(i == 2 ? 4000 : 100));
	}
	ck_assert_int_eq(vnet_resume_ns(&net, &usual), ms(16200));
}
END_TEST

/* Whole at 2.5 s, TCP waits until 3.0 s; a cut at 2.9 s lengthens it, the
 * same cut at 3.0 s is an outage of its own. */
START_TEST(outages_join_only_until_the_application_has_resumed)
{
	struct vnet net = {0}, other;

	vnet_cut(&net, &usual, ms(100));
	vnet_land(&net, ms(600), ms(2000));
	ck_assert_int_eq(vnet_resume_ns(&net, &usual), ms(3100));
	other = net;
	vnet_cut(&net, &usual, ms(3099));
	vnet_land(&net, ms(3150), ms(1000));
	ck_assert_int_eq(vnet_resume_ns(&net, &usual), ms(100 + 6200));
	vnet_cut(&other, &usual, ms(3100));
	vnet_land(&other, ms(3150), ms(1000));
	ck_assert_int_eq(vnet_resume_ns(&other, &usual), ms(3100 + 1400));
}
END_TEST

START_TEST(an_aborted_move_costs_its_down_time_alone)
{
	struct vnet net = {0};

	vnet_cut(&net, &usual, ms(1000));
	vnet_land(&net, ms(1150), 0);
	ck_assert_int_eq(vnet_resume_ns(&net, &usual), ms(1200));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vnet");
	TCase *tc = tcase_create("by hand");
	SRunner *runner;
	int failed;

	tcase_add_test(
	    tc, connections_resume_at_the_doubling_retransmissions);
	tcase_add_test(tc, time_outs_double_up_to_two_minutes);
	tcase_add_test(tc, without_a_time_out_it_resumes_when_whole);
	tcase_add_test(tc, reestablishment_is_log_normal);
	tcase_add_test(
	    tc, reestablishment_has_the_mean_and_spread_asked_for);
	tcase_add_test(tc, one_move_by_hand);
	tcase_add_test(tc, an_environment_waits_for_its_last_vm);
	tcase_add_test(
	    tc, outages_join_only_until_the_application_has_resumed);
	tcase_add_test(tc, an_aborted_move_costs_its_down_time_alone);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
