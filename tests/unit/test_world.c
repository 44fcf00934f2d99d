/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulated world as a whole: hand calculations of small runs. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

enum { MAX_ENDS = 16 };

struct heard {
	struct sim_env_end ends[MAX_ENDS]; /* by environment */
	struct sim_migration migrations[MAX_ENDS];
	uint32_t n_migrations;
	int64_t stalled_from_ns, stalled_until_ns;
};

static void hear_end(void *self, const struct sim_env_end *end)
{
	((struct heard *)self)->ends[end->env.ix] = *end;
}

static void hear_migration(void *self, const struct sim_migration *ended)
{
	struct heard *heard = self;

	if (heard->n_migrations < MAX_ENDS)
		heard->migrations[heard->n_migrations++] = *ended;
}

static void hear_stall(void *self, struct env_id env, int64_t from_ns,
    int64_t until_ns, int64_t linger_ns)
{
	struct heard *heard = self;

	(void)env;
	(void)linger_ns;
	heard->stalled_from_ns = from_ns;
	heard->stalled_until_ns = until_ns;
}

static struct heard run(struct scenario *site, const struct policy *policy)
{
	struct heard heard = {0};
	struct sim_listener listener = {.self = &heard,
	    .env_ended = hear_end,
	    .migration_ended = hear_migration,
	    .env_stalled = hear_stall};
	struct sim *sim = site_sim(site, policy, &listener);
	struct err err;

	while (sim_step(sim))
		ck_assert_msg(sim_check(sim, &err), "%s", err.text);
	sim_free(sim);
	return heard;
}

static uint32_t add_stages(
    struct scenario *site, const struct stage *stages, uint32_t n)
{
	return site_add_workload(site, (struct workload){
	    .kind = WORKLOAD_STAGES, .stages = stages, .n_stages = n,
	    .duration_ns = TIME_NEVER, .stop_ns = TIME_NEVER});
}

#define seconds(x) ((int64_t)llround((x) * 1e9))
#define ck_near(a, b) ck_assert_int_le(llabs((a) - (b)), 2)

/* 2 VMs on 2 hosts of one CPU, 100 s of work each: 100 s. */
START_TEST(alone_on_its_hosts_an_application_takes_its_work)
{
	const struct stage stage = {.work_s = 100, .demand_mcpu = 1000,
	    .iterations = 1, .mem_used_kib = 1000};
	struct scenario *site = site_new(1, 2);
	struct heard heard;

	site_add_env(site, 2, false, add_stages(site, &stage, 1));
	heard = run(site, &policy_none);
	ck_assert_str_eq(heard.ends[0].outcome, "done");
	ck_near(heard.ends[0].end_ns, seconds(100));
	site_free(site);
}
END_TEST

/* A on hosts 0 and 1, B on host 1 alone: each gets half of host 1, so A ends
 * 50 s of work at 0.5 after 100 s; B has 10 s left to do alone. */
START_TEST(the_slowest_vm_paces_the_whole_environment)
{
	const struct stage a = {.work_s = 50, .demand_mcpu = 1000,
	    .iterations = 1, .mem_used_kib = 1000};
	const struct stage b = {.work_s = 60, .demand_mcpu = 1000,
	    .iterations = 1, .mem_used_kib = 1000};
	struct scenario *site = site_new(1, 2);
	struct heard heard;

	site_add_env(site, 2, false, add_stages(site, &a, 1));
	site_add_env(site, 1, false, add_stages(site, &b, 1));
	site_vm(site, 0)->home = (struct host_id){0};
	site_vm(site, 1)->home = (struct host_id){1};
	site_vm(site, 2)->home = (struct host_id){1};
	heard = run(site, &policy_none);
	ck_near(heard.ends[0].end_ns, seconds(100));
	ck_near(heard.ends[1].end_ns, seconds(110));
	site_free(site);
}
END_TEST

/* The same with C on host 0 beside A's fast VM.  Polling, that VM burns half
 * of host 0 though A is held to 0.25 by three others on host 1; blocking, it
 * uses 0.25 and C gets 0.75. */
START_TEST(a_blocking_vm_frees_the_cpu_that_a_polling_one_burns)
{
	const struct stage stage = {.work_s = 25, .demand_mcpu = 1000,
	    .iterations = 1, .mem_used_kib = 1000};
	const double c_ends[] = {50, 100.0 / 3};

	for (int blocking = 0; blocking < 2; blocking++) {
		struct scenario *site = site_new(1, 2);
		uint32_t load = add_stages(site, &stage, 1);
		uint32_t burn = site_add_workload(site, (struct workload){
		    .kind = WORKLOAD_CONSTANT, .demand_mcpu = 1000,
		    .duration_ns = seconds(200), .stop_ns = TIME_NEVER});
		uint32_t c = add_stages(site, &stage, 1);
		struct heard heard;

		site->workloads[load].blocking = blocking;
		site_add_env(site, 2, false, load);
		site_add_env(site, 1, false, c);
		site_add_env(site, 3, false, burn);
		site_vm(site, 0)->home = (struct host_id){0};
		site_vm(site, 2)->home = (struct host_id){0};
		for (uint32_t v = 1; v < 6; v++)
			if (v != 2)
				site_vm(site, v)->home = (struct host_id){1};
		heard = run(site, &policy_none);
		ck_near(heard.ends[0].end_ns, seconds(100));
		ck_near(heard.ends[1].end_ns, seconds(c_ends[blocking]));
		site_free(site);
	}
}
END_TEST

/* 512 MiB at 1 Gbit/s of an idle guest's memory, one round of all, one of
 * nothing, 50 ms: lands; then the network is away 9 s, until the first
 * retransmission after that: the cut + 12.6 s. */
START_TEST(a_commanded_migration_costs_what_its_parts_cost)
{
	const struct stage stage = {.work_s = 100, .demand_mcpu = 1000,
	    .iterations = 1, .mem_used_kib = 1000};
	double copy_s = 512.0 * 1048576 * 8 / 1e9;
	struct scenario *site = site_new(2, 1);
	struct heard heard;

	site_add_env(site, 1, false, add_stages(site, &stage, 1));
	site_vm(site, 0)->home = (struct host_id){0};
	site_add_event(site, (struct event_setup){.kind = TIMED_MIGRATE,
	    .at_ns = seconds(10), .domain = {1}});
	heard = run(site, &policy_none);
	ck_assert_uint_eq(heard.n_migrations, 1);
	ck_assert_str_eq(heard.migrations[0].outcome, "done");
	ck_near(heard.migrations[0].downtime_ns, seconds(0.05));
	ck_near(heard.migrations[0].end_ns, seconds(10 + copy_s + 0.05));
	ck_near(heard.stalled_from_ns, seconds(10 + copy_s));
	ck_near(heard.stalled_until_ns, seconds(10 + copy_s + 12.6));
	ck_near(heard.ends[0].end_ns, seconds(100 + 12.6));
	site_free(site);
}
END_TEST

int main(void)
{
	SRunner *runner;
	Suite *suite = suite_create("world");
	TCase *tests = tcase_create("hand calculations");
	int failed;

	tcase_add_test(
	    tests, alone_on_its_hosts_an_application_takes_its_work);
	tcase_add_test(tests, the_slowest_vm_paces_the_whole_environment);
	tcase_add_test(
	    tests, a_blocking_vm_frees_the_cpu_that_a_polling_one_burns);
	tcase_add_test(
	    tests, a_commanded_migration_costs_what_its_parts_cost);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
