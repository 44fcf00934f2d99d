/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sim/event.h against a sorted list, and sim/stream.h's promises. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/event.h"
#include "sim/stream.h"

enum { N_TIMERS = 300, N_OPERATIONS = 20000 };

/* The oracle: what is set, when, and as which setting. */
static struct {
	int64_t at_ns;
	uint64_t set; /* 0: not set */
} oracle[N_TIMERS];

static uint32_t oracle_first(void)
{
	uint32_t first = N_TIMERS;

	for (uint32_t t = 0; t < N_TIMERS; t++) {
		if (!oracle[t].set)
			continue;
		if (first == N_TIMERS ||
		    oracle[t].at_ns < oracle[first].at_ns ||
		    (oracle[t].at_ns == oracle[first].at_ns &&
		        oracle[t].set < oracle[first].set))
			first = t;
	}
	return first;
}

static void set_both(struct events *e, uint32_t t, int64_t at_ns, uint64_t n)
{
	if (!oracle[t].set || oracle[t].at_ns != at_ns)
		oracle[t].set = n;
	oracle[t].at_ns = at_ns;
	event_set(e, t, at_ns);
}

/* Times from a small range, so that many are equal. */
START_TEST(timers_fire_in_order_of_time_then_of_setting)
{
	struct stream s = stream_of(_i, "test", 0);
	struct events e;

	ck_assert(events_init(&e, N_TIMERS));
	for (uint64_t n = 1; n <= N_OPERATIONS; n++) {
		uint32_t t = (uint32_t)(stream_bits(&s) % N_TIMERS);
		int64_t at_ns = (int64_t)(stream_bits(&s) % 100);
		uint32_t first = oracle_first();
		uint64_t order;

		ck_assert_int_eq(events_next_ns(&e),
		    first < N_TIMERS ? oracle[first].at_ns : TIME_NEVER);
		switch (stream_bits(&s) % 4) {
		case 0:
			event_cancel(&e, t);
			oracle[t].set = 0;
			break;
		case 1:
			if (first == N_TIMERS)
				break;
			ck_assert_uint_eq(
			    event_fire_begin(&e, &order), first);
			if (at_ns % 2) /* its handler sets it again */
				set_both(&e, first, at_ns + 100, n);
			else
				oracle[first].set = 0;
			event_fire_end(&e, first, order);
			break;
		default:
			set_both(&e, t, at_ns, n);
		}
		ck_assert_int_eq(event_is_set(&e, t), oracle[t].set != 0);
	}
	events_fini(&e);
}
END_TEST

START_TEST(too_many_timers_are_refused)
{
	struct events e;

	ck_assert(!events_init(&e, UINT64_C(1) << EVENT_TIMER_BITS));
}
END_TEST

START_TEST(a_stream_depends_on_its_name_index_and_seed_alone)
{
	struct stream a = stream_of(1, "tasks", 5);
	struct stream again = stream_of(1, "tasks", 5);
	struct stream others[] = {stream_of(2, "tasks", 5),
	    stream_of(1, "work", 5), stream_of(1, "tasks", 6)};
	uint64_t bits = stream_bits(&a);

	ck_assert_uint_eq(bits, stream_bits(&again));
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ne(bits, stream_bits(&others[i]));
}
END_TEST

static const struct distribution distributions[] = {
    {DIST_CONSTANT, 5, 0},
    {DIST_EXPONENTIAL, 5, 0},
    {DIST_UNIFORM, 5, 2},
    {DIST_NORMAL, 5, 1},
    {DIST_LOGNORMAL, 5, 3},
    {DIST_WEIBULL, 5, 1.5},
    {DIST_PARETO, 5, 4},
};

/* Standard deviations of the above: of the exponential its mean, of the
 * uniform 2 / sqrt 3, of Weibull and Pareto by their moments. */
static const double deviations[] = {
    0, 5, 1.1547005, 1, 3, 3.3970, 1.767767};

/* 40,000 draws: the mean within 5 of its standard errors, and the deviation
 * within a tenth (Pareto's, whose fourth moment is infinite, within a half). */
START_TEST(draws_have_the_mean_and_spread_that_were_asked_for)
{
	enum { N = 40000 };
	struct stream s = stream_of(3, "draws", (uint64_t)_i);
	double sum = 0, squares = 0, mean, deviation;

	for (int n = 0; n < N; n++) {
		double x = stream_draw(&s, &distributions[_i]);

		ck_assert_double_ge(x, 0);
		sum += x;
		squares += x * x;
	}
	mean = sum / N;
	deviation = sqrt(fmax(0, squares / N - mean * mean));
	ck_assert_double_eq_tol(
	    mean, 5, 5 * deviations[_i] / sqrt(N) + 1e-9);
	ck_assert_double_eq_tol(deviation, deviations[_i],
	    (_i == 6 ? 0.5 : 0.1) * deviations[_i] + 1e-6);
}
END_TEST

int main(void)
{
	SRunner *runner;
	Suite *suite = suite_create("event");
	TCase *tests = tcase_create("events and streams");
	int failed;

	tcase_add_loop_test(
	    tests, timers_fire_in_order_of_time_then_of_setting, 0, 5);
	tcase_add_test(tests, too_many_timers_are_refused);
	tcase_add_test(
	    tests, a_stream_depends_on_its_name_index_and_seed_alone);
	tcase_add_loop_test(tests,
	    draws_have_the_mean_and_spread_that_were_asked_for, 0,
	    sizeof distributions / sizeof *distributions);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	printf("seeds 0..4\n");
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
