/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenario P1 (tests/bench/p1.h) as a task list: what SimGrid 3.32, a plain C
 * yardstick and this simulator must agree on, to every digit printed.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/p1_site.h"

#define STOP_S 300.0

static const struct {
	uint32_t n_vms;
	const char *result;
} published[] = {
    {100, "3583 3546 6.863932899e12 2.295118 326.131889"},
    {1000, "36070 35774 7.136848553e13 2.316222 346.063715"},
    {10000, "362688 359882 7.133460144e14 2.276515 356.265088"},
};

/* tasks, of them before T, flop before T at 1e9 a CPU second, mean response
 * and last event in s; an exponent without its plus. */
static void print(char *text, size_t size, const struct sim_metrics *m)
{
	double flop = m->work_before_stop_s * 1e9;
	int exponent = (int)floor(log10(flop));

	snprintf(text, size, "%llu %llu %.9fe%d %.6f %.6f",
	    (unsigned long long)m->n_tasks,
	    (unsigned long long)m->n_tasks_before_stop,
	    flop / pow(10, exponent), exponent,
	    m->response_sum_s / (double)m->n_tasks_before_stop,
	    ns_to_s(m->end_ns));
}

START_TEST(task_lists_agree_with_other_simulators_to_the_last_digit)
{
	struct task_list tasks = p1_tasks(published[_i].n_vms, STOP_S);
	struct scenario *site =
	    p1_site(published[_i].n_vms, STOP_S, &tasks);
	struct sim *sim = site_sim(site, &policy_none, NULL);
	struct err err = {0};
	char text[256];

	ck_assert_msg(sim_run(sim, &err), "%s", err.text);
	print(text, sizeof text, sim_metrics(sim));
	ck_assert_str_eq(text, published[_i].result);
	sim_free(sim);
	site_free(site);
	free((void *)(uintptr_t)tasks.first);
	free((void *)(uintptr_t)tasks.think_s);
	free((void *)(uintptr_t)tasks.work_s);
}
END_TEST

int main(void)
{
	SRunner *runner;
	Suite *suite = suite_create("p1");
	TCase *tests = tcase_create("task lists");
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests,
	    task_lists_agree_with_other_simulators_to_the_last_digit, 0,
	    sizeof published / sizeof *published);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
