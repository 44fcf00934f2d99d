/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory, shares, faults and lives of environments in the simulated world,
 * each against a calculation by hand; and what the backend refuses.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/environment.h"
#include "sim/world.h"
#include "tests/support.h"

enum { MAX_HEARD = 64 };

#define seconds(x) ((int64_t)llround((x) * 1e9))
#define ck_near(a, b) ck_assert_int_le(llabs((a) - (b)), 2)
#define MIB(n) ((uint64_t)(n) * KIB_PER_MIB)

/* A policy that follows a script. */

/* Started at the first step not before `at_s`, once. */
struct line {
	double at_s;
	struct action action;
};

static const struct line *script;
static uint32_t n_lines, next_line;

static void script_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	(void)state;
	for (uint32_t v = 0; v < model->n_vms; v++) {
		struct action *a;

		if (obs->vms[v].state != VM_QUEUED)
			continue;
		a = plan_add(plan, ACTION_CREATE, (struct vm_id){v});
		a->to = model->vms[v].home;
		a->weight = WEIGHT_DEFAULT;
		a->mem_kib = model->vms[v].mem_kib;
	}
	while (next_line < n_lines &&
	       seconds(script[next_line].at_s) <= obs->now_ns) {
		struct action *a = plan_add(plan, ACTION_CREATE, NO_VM);

		*a = script[next_line++].action;
		a->from = obs->vms[a->vm.ix].host;
	}
}

static void *script_lay_out(
    struct arena *arena, const struct model *model, const double *values)
{
	(void)model;
	(void)values;
	return ARENA_TAKE(arena, 1, char);
}

static const struct policy scripted = {.abi = POLICY_ABI,
	.name = "scripted",
	.lay_out = script_lay_out,
	.decide = script_decide};

/* What is heard of a run. */

struct heard {
	struct sim_env_end ends[MAX_HEARD];
	const char *migration_outcome;
	uint32_t n_outcomes[N_OUTCOME_KINDS];
	uint32_t n_seen;
	struct vm_observation vm0[MAX_HEARD]; /* at each step */
	struct host_observation host0[MAX_HEARD];
	struct sim_metrics metrics;
};

static void hear_end(void *self, const struct sim_env_end *end)
{
	((struct heard *)self)->ends[end->env.ix] = *end;
}

static void hear_migration(void *self, const struct sim_migration *ended)
{
	((struct heard *)self)->migration_outcome = ended->outcome;
}

static void hear_observed(void *self, const struct observation *obs)
{
	struct heard *heard = self;

	if (heard->n_seen == MAX_HEARD)
		return;
	heard->vm0[heard->n_seen] = obs->vms[0];
	heard->host0[heard->n_seen++] = obs->hosts[0];
}

static void hear_outcome(void *self, const struct outcome *outcome)
{
	((struct heard *)self)->n_outcomes[outcome->kind]++;
}

static struct heard run(struct scenario *site, const struct line *lines,
    uint32_t n)
{
	struct heard heard = {0};
	struct sim_listener listener = {.self = &heard,
	    .env_ended = hear_end,
	    .migration_ended = hear_migration,
	    .manager = {.self = &heard,
	        .observed = hear_observed,
	        .heard = hear_outcome}};
	struct sim *sim;
	struct err err;

	script = lines;
	n_lines = n;
	next_line = 0;
	sim = site_sim(site, &scripted, &listener);
	while (sim_step(sim))
		ck_assert_msg(sim_check(sim, &err), "%s", err.text);
	heard.metrics = *sim_metrics(sim);
	sim_free(sim);
	return heard;
}

/* One environment of n VMs, all on host 0, in stages. */
static struct scenario *one_env(
    uint32_t n_hosts, uint32_t n_vms, const struct stage *stages, uint32_t n)
{
	struct scenario *site = site_new(1, n_hosts);
	uint32_t load = site_add_workload(site, (struct workload){
	    .kind = WORKLOAD_STAGES, .stages = stages, .n_stages = n});

	site_add_env(site, n_vms, false, load);
	for (uint32_t v = 0; v < n_vms; v++)
		site_vm(site, v)->home = (struct host_id){0};
	return site;
}

static struct stage stage_of(double work_s, double mcpu, uint64_t mem_kib)
{
	return (struct stage){.work_s = work_s, .demand_mcpu = mcpu,
	    .iterations = 1, .mem_used_kib = mem_kib};
}

/* Memory. */

/* 1024 MiB in use, 512 allocated: half is swapped; at slowdown 1 half speed. */
START_TEST(swapping_half_its_memory_halves_the_speed)
{
	const struct stage stage = stage_of(50, 1000, MIB(1024));
	struct scenario *site = one_env(1, 1, &stage, 1);
	struct heard heard;

	site->envs[0].swap_kib = MIB(1024);
	site->envs[0].swap_slowdown = 1;
	heard = run(site, NULL, 0);
	ck_near(heard.ends[0].end_ns, seconds(100));
	site_free(site);
}
END_TEST

START_TEST(a_guest_without_swap_crashes_when_it_needs_more)
{
	const struct stage stages[] = {stage_of(10, 1000, MIB(100)),
	    stage_of(10, 1000, MIB(513))};
	struct scenario *site = one_env(1, 2, stages, 2);
	struct heard heard;

	heard = run(site, NULL, 0);
	ck_assert_str_eq(heard.ends[0].outcome, "crashed");
	ck_near(heard.ends[0].end_ns, seconds(20));
	site_free(site);
}
END_TEST

/* 512 MiB to 1024 at 100 MiB/s: 200 MiB in each period of 2 s; the target is
 * held of the host at once.  Then back. */
START_TEST(a_balloon_moves_at_its_speed_and_is_promised_room)
{
	const struct stage stage = stage_of(38, 1000, MIB(100));
	const struct line lines[] = {
	    {10, {.kind = ACTION_SET_MEM, .vm = {0}, .mem_kib = MIB(1024)}},
	    {20, {.kind = ACTION_SET_MEM, .vm = {0}, .mem_kib = MIB(512)}}};
	const uint64_t alloc[] = {512, 712, 912, 1024, 1024, 1024, 824, 624};
	struct scenario *site = one_env(1, 1, &stage, 1);
	struct heard heard;

	site->manager.period_ns = seconds(2);
	heard = run(site, lines, 2);
	for (int i = 0; i < 8; i++)
		ck_assert_uint_eq(
		    heard.vm0[5 + i].mem_alloc_kib, MIB(alloc[i]));
	ck_assert_uint_eq(heard.host0[5].mem_free_kib, MIB(4096 - 512));
	ck_assert_uint_eq(heard.host0[6].mem_free_kib, MIB(4096 - 1024));
	ck_assert_uint_eq(heard.host0[12].mem_free_kib, MIB(4096 - 624));
	ck_assert_uint_eq(heard.n_outcomes[OUTCOME_DONE], 3);
	site_free(site);
}
END_TEST

/* CPU. */

/* 10 s at full speed, then half: 10 + 90 / 0.5. */
START_TEST(a_cap_binds_from_when_it_is_set)
{
	const struct stage stage = stage_of(100, 1000, 1000);
	const struct line lines[] = {{10, {.kind = ACTION_SET_CPU, .vm = {0},
	    .weight = 256, .cap_mcpu = 500}}};
	struct scenario *site = one_env(1, 1, &stage, 1);
	struct heard heard = run(site, lines, 1);

	ck_near(heard.ends[0].end_ns, seconds(190));
	ck_assert_uint_eq(heard.vm0[2].cpu_used_mcpu, 500);
	ck_assert_uint_eq(heard.vm0[1].cpu_used_mcpu, 1000);
	site_free(site);
}
END_TEST

/* Two environments of one VM on one host, 30 s each, weights 3 : 1 from 10 s
 * on: 5 s done each, then 25 / 0.75 s; of the other 16.67 s are left. */
START_TEST(weights_divide_a_host)
{
	const struct stage stage = stage_of(30, 1000, 1000);
	const struct line lines[] = {{10, {.kind = ACTION_SET_CPU, .vm = {0},
	    .weight = 768}}};
	struct scenario *site = one_env(1, 1, &stage, 1);
	struct heard heard;

	site_add_env(site, 1, false, 0);
	site_vm(site, 1)->home = (struct host_id){0};
	heard = run(site, lines, 1);
	ck_near(heard.ends[0].end_ns, seconds(10 + 25 / 0.75));
	ck_near(heard.ends[1].end_ns, seconds(60));
	site_free(site);
}
END_TEST

/* Workloads. */

/* Two VMs on one CPU: 10 s of 0.4 each, then 10 s of 0.8 each, of which 0.6 in
 * sum is not served; the last level goes on to the duration. */
START_TEST(a_trace_counts_what_was_not_served)
{
	static const float levels[] = {0.4f, 0.4f, 0.8f, 0.8f};
	static const struct trace trace = {.n_vms = 2, .n_steps = 2,
	    .interval_ns = 10 * NS_PER_S, .cpu = levels};
	struct scenario *site = site_new(1, 1);
	struct heard heard;

	site_add_env(site, 2, false, site_add_workload(site,
	    (struct workload){.kind = WORKLOAD_TRACE, .trace = &trace,
	        .duration_ns = seconds(30)}));
	site_vm(site, 0)->home = (struct host_id){0};
	site_vm(site, 1)->home = (struct host_id){0};
	heard = run(site, NULL, 0);
	ck_near(heard.ends[0].end_ns, seconds(30));
	ck_assert_double_eq_tol(heard.metrics.demand_s, 8 + 32, 1e-3);
	ck_assert_double_eq_tol(heard.metrics.unserved_s, 12, 1e-3);
	ck_assert_double_eq_tol(heard.metrics.energy_cpu_s, 28, 1e-3);
	site_free(site);
}
END_TEST

/* VM 0: thinks 1, works 2; VM 1: thinks 2, works 2, on one CPU.  0 starts at
 * 1, has done 1 when 1 comes at 2; both share: 0 ends at 4, 1 at 5. */
START_TEST(tasks_share_a_cpu)
{
	static const uint32_t first[] = {0, 1, 2};
	static const double think[] = {1, 2}, work[] = {2, 2};
	static const struct task_list tasks = {2, first, think, work};
	struct scenario *site = site_new(1, 1);
	struct heard heard;

	site_add_env(site, 2, true, site_add_workload(site,
	    (struct workload){.kind = WORKLOAD_TASKS, .tasks = &tasks,
	        .stop_ns = TIME_NEVER}));
	for (uint32_t v = 0; v < 3; v++)
		site_vm(site, v)->home = (struct host_id){0};
	heard = run(site, NULL, 0);
	ck_near(heard.ends[0].end_ns, seconds(5));
	ck_assert_double_eq_tol(heard.metrics.response_sum_s, 3 + 3, 1e-8);
	ck_assert_uint_eq(heard.metrics.n_tasks, 2);
	site_free(site);
}
END_TEST

/* The series. */

struct rows {
	uint32_t n;
	struct sim_host_row host0[MAX_HEARD];
	struct sim_vm_row vm0[MAX_HEARD];
};

static void hear_hosts(void *self, int64_t now_ns,
    const struct sim_host_row *rows, uint32_t n_rows)
{
	struct rows *heard = self;

	ck_assert_uint_eq(n_rows, 1);
	ck_assert_int_eq(now_ns, seconds(4.0 * (heard->n + 1)));
	heard->host0[heard->n] = rows[0];
}

static void hear_vms(void *self, int64_t now_ns,
    const struct sim_vm_row *rows, uint32_t n_rows)
{
	struct rows *heard = self;

	(void)now_ns;
	ck_assert_uint_eq(n_rows, 2);
	heard->vm0[heard->n++] = rows[0];
}

/* Two VMs of 6 s of work share a CPU: each has 0.5 of it until both end at
 * 12, then 0.1 until 20; rows every 4 s, and at the
 * end, when it is gone. */
START_TEST(series_are_means_over_their_interval)
{
	const struct stage stages[] = {
	    stage_of(6, 1000, 1000), stage_of(0.8, 100, 2000)};
	struct scenario *site = one_env(1, 2, stages, 2);
	struct rows rows = {0};
	struct sim_listener listener = {.self = &rows,
	    .series_hosts = hear_hosts, .series_vms = hear_vms};
	struct sim *sim;

	site->series_ns = seconds(4);
	sim = site_sim(site, &policy_none, &listener);
	ck_assert(sim_run(sim, NULL));
	ck_assert_uint_eq(rows.n, 5);
	ck_assert_uint_eq(rows.host0[4].n_vms, 0);
	ck_assert_double_eq_tol(rows.host0[4].cpu_used_mcpu, 200, 1e-6);
	ck_assert_double_eq_tol(rows.vm0[0].cpu_used_mcpu, 500, 1e-6);
	ck_assert_double_eq_tol(rows.host0[2].cpu_used_mcpu, 1000, 1e-6);
	ck_assert_double_eq_tol(rows.host0[3].cpu_used_mcpu, 200, 1e-6);
	ck_assert_double_eq_tol(rows.host0[0].cpu_alloc_mcpu, 2000, 1e-6);
	ck_assert_uint_eq(rows.vm0[3].mem_used_kib, 2000);
	ck_assert_uint_eq(rows.host0[0].n_vms, 2);
	ck_assert_uint_eq(rows.host0[0].mem_alloc_kib, MIB(1024));
	sim_free(sim);
	site_free(site);
}
END_TEST

/* Lives and faults. */

START_TEST(an_application_starts_when_all_have_booted)
{
	const struct stage stage = stage_of(10, 1000, 1000);
	struct scenario *site = one_env(1, 1, &stage, 1);
	struct heard heard;

	site->envs[0].start_ns = seconds(3);
	site->envs[0].boot_ns = seconds(7);
	heard = run(site, NULL, 0);
	ck_near(heard.ends[0].created_ns, seconds(3));
	ck_near(heard.ends[0].start_ns, seconds(17)); /* asked at step 10 s */
	ck_near(heard.ends[0].end_ns, seconds(27));
	site_free(site);
}
END_TEST

START_TEST(a_failing_host_takes_its_environments_and_no_others)
{
	const struct stage stage = stage_of(50, 1000, 1000);
	struct scenario *site = one_env(2, 1, &stage, 1);
	struct heard heard;

	site_add_env(site, 1, false, 0);
	site_vm(site, 1)->home = (struct host_id){1};
	site->hosts[0].fail_ns = seconds(20);
	heard = run(site, NULL, 0);
	ck_assert_str_eq(heard.ends[0].outcome, "failed");
	ck_near(heard.ends[0].end_ns, seconds(20));
	ck_assert_str_eq(heard.ends[1].outcome, "done");
	ck_near(heard.ends[1].end_ns, seconds(50));
	site_free(site);
}
END_TEST

/* It is drained at 15, its VM leaves at 20: 512 MiB at 1 Gbit/s, 4.3 s. */
START_TEST(a_drained_host_leaves_when_it_is_empty)
{
	const struct stage stage = stage_of(60, 1000, 1000);
	const struct line lines[] = {
	    {20, {.kind = ACTION_MIGRATE, .vm = {0}, .to = {1}}}};
	struct scenario *site = one_env(2, 1, &stage, 1);
	struct heard heard;

	site->hosts[0].leave_ns = seconds(15);
	heard = run(site, lines, 1);
	ck_assert_int_eq(heard.host0[1].state, HOST_UP);
	ck_assert_int_eq(heard.host0[2].state, HOST_DRAINING);
	ck_assert_int_eq(heard.host0[3].state, HOST_ABSENT);
	ck_assert_str_eq(heard.migration_outcome, "done");
	site_free(site);
}
END_TEST

START_TEST(an_aborted_migration_changes_nothing_but_time)
{
	const struct stage stage = stage_of(60, 1000, 1000);
	const struct line lines[] = {
	    {20, {.kind = ACTION_MIGRATE, .vm = {0}, .to = {1}}}};
	struct scenario *site = one_env(2, 1, &stage, 1);
	struct heard heard;

	site_add_event(site, (struct event_setup){.kind = TIMED_ABORT,
	    .at_ns = seconds(22)});
	site->migration.slowdown = 0.5;
	heard = run(site, lines, 1);
	ck_assert_str_eq(heard.migration_outcome, "aborted");
	ck_assert_uint_eq(heard.vm0[4].host.ix, 0);
	ck_near(heard.ends[0].end_ns, seconds(61)); /* 2 s at half speed */
	ck_assert_uint_eq(heard.n_outcomes[OUTCOME_FAILED], 1);
	site_free(site);
}
END_TEST

/* 2 s with half of either host's CPU. */
START_TEST(a_migration_takes_cpu_of_all_vms_of_both_hosts)
{
	const struct stage stage = stage_of(60, 1000, 1000);
	const struct line lines[] = {
	    {20, {.kind = ACTION_MIGRATE, .vm = {0}, .to = {1}}}};
	struct scenario *site = one_env(2, 1, &stage, 1);
	struct heard heard;

	site_add_env(site, 1, false, 0);
	site_vm(site, 1)->home = (struct host_id){1};
	site_add_event(site, (struct event_setup){.kind = TIMED_ABORT,
	    .at_ns = seconds(22)});
	site->migration.slowdown = 0;
	site->migration.cpu_mcpu = 500;
	heard = run(site, lines, 1);
	ck_near(heard.ends[0].end_ns, seconds(61));
	ck_near(heard.ends[1].end_ns, seconds(61));
	site_free(site);
}
END_TEST

/* Two that wait at barriers share a CPU; one does its work at half speed for
 * 2 s.  The other has its half of the CPU all the time. */
START_TEST(a_slow_environment_takes_no_more_cpu_than_its_share)
{
	const struct stage stage = stage_of(30, 1000, 1000);
	const struct line lines[] = {
	    {20, {.kind = ACTION_MIGRATE, .vm = {0}, .to = {1}}}};
	struct scenario *site = one_env(2, 1, &stage, 1);
	struct heard heard;

	site->workloads[0].blocking = true;
	site_add_env(site, 1, false, 0);
	site_vm(site, 1)->home = (struct host_id){0};
	site_add_event(site, (struct event_setup){.kind = TIMED_ABORT,
	    .at_ns = seconds(22)});
	site->migration.slowdown = 0.5;
	heard = run(site, lines, 1);
	ck_near(heard.ends[1].end_ns, seconds(60));
	ck_near(heard.ends[0].end_ns, seconds(60.5));
	site_free(site);
}
END_TEST

START_TEST(a_kept_environment_idles_until_it_is_destroyed)
{
	const struct stage stage = stage_of(10, 1000, MIB(300));
	struct scenario *site = one_env(1, 1, &stage, 1);
	struct heard heard;

	site_add_env(site, 1, false, 0);
	site_vm(site, 1)->home = (struct host_id){0};
	site->envs[1].start_ns = seconds(30);
	site->envs[0].at_end = AT_END_KEEP;
	site->envs[0].destroy_ns = seconds(35);
	heard = run(site, NULL, 0);
	ck_assert_str_eq(heard.ends[0].outcome, "done");
	ck_assert_uint_eq(heard.vm0[2].mem_used_kib, MIB(64));
	ck_assert_uint_eq(heard.vm0[2].cpu_used_mcpu, 0);
	ck_assert_int_eq(heard.vm0[3].state, VM_RUNNING);
	ck_assert_int_eq(heard.vm0[4].state, VM_ABSENT);
	site_free(site);
}
END_TEST

/* What the backend refuses. */

static const struct action refusals[] = {
    {.kind = ACTION_CREATE, .vm = {0}, .to = {9}, .weight = 256},
    {.kind = ACTION_CREATE, .vm = {0}, .to = {1}, .weight = 256},
    {.kind = ACTION_CREATE, .vm = {1}, .to = {0}, .weight = 0},
    {.kind = ACTION_CREATE, .vm = {1}, .to = {0}, .weight = 256,
        .mem_kib = MIB(5000)},
    {.kind = ACTION_MIGRATE, .vm = {1}, .to = {1}},
    {.kind = ACTION_SET_MEM, .vm = {1}, .mem_kib = MIB(100)},
    {.kind = ACTION_SET_CPU, .vm = {1}, .weight = 256},
    {.kind = ACTION_DESTROY, .vm = {1}},
};

START_TEST(what_cannot_start_is_refused_with_a_reason)
{
	const struct stage stage = stage_of(10, 1000, 1000);
	struct scenario *site = one_env(2, 2, &stage, 1);
	struct sim_listener none = {0};
	struct world *w = world_new(site, 1, &none, NULL);
	struct outcome outcome;

	environment_ask(w, 0);
	ck_assert(backend_sim.start(w, 7, &refusals[_i], 1, NULL));
	ck_assert_uint_eq(backend_sim.outcomes(w, &outcome, 1), 1);
	ck_assert_int_eq(outcome.kind, OUTCOME_REFUSED);
	ck_assert_uint_eq(outcome.ticket.sequence, 7);
	ck_assert_str_ne(outcome.text, "");
	ck_assert_uint_eq(w->hosts[0].mem_held_kib, 0);
	world_free(w);
	site_free(site);
}
END_TEST

/* The second does not fit beside the first: neither starts; alone, one does. */
START_TEST(a_group_starts_together_or_not_at_all)
{
	struct action pair[] = {
	    {.kind = ACTION_CREATE, .vm = {0}, .to = {0}, .weight = 256,
	        .mem_kib = MIB(2500), .group = 1},
	    {.kind = ACTION_CREATE, .vm = {1}, .to = {0}, .weight = 256,
	        .mem_kib = MIB(2500), .group = 1}};
	const struct stage stage = stage_of(10, 1000, 1000);
	struct scenario *site = one_env(1, 2, &stage, 1);
	struct sim_listener none = {0};
	struct world *w = world_new(site, 1, &none, NULL);
	struct outcome outcomes[4];

	environment_ask(w, 0);
	backend_sim.start(w, 0, pair, 2, NULL);
	ck_assert_uint_eq(backend_sim.outcomes(w, outcomes, 4), 2);
	ck_assert_int_eq(outcomes[0].kind, OUTCOME_REFUSED);
	ck_assert_int_eq(outcomes[1].kind, OUTCOME_REFUSED);
	ck_assert_uint_eq(w->hosts[0].mem_held_kib, 0);
	pair[1].group = 0;
	backend_sim.start(w, 1, pair, 2, NULL);
	ck_assert_uint_eq(backend_sim.outcomes(w, outcomes, 4), 2);
	ck_assert_int_eq(outcomes[0].kind, OUTCOME_DONE);
	ck_assert_int_eq(outcomes[1].kind, OUTCOME_REFUSED);
	ck_assert_uint_eq(w->hosts[0].mem_held_kib, MIB(2500));
	world_free(w);
	site_free(site);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, swapping_half_its_memory_halves_the_speed);
	tcase_add_test(t, a_guest_without_swap_crashes_when_it_needs_more);
	tcase_add_test(t, a_balloon_moves_at_its_speed_and_is_promised_room);
	tcase_add_test(t, a_cap_binds_from_when_it_is_set);
	tcase_add_test(t, weights_divide_a_host);
	tcase_add_test(t, a_trace_counts_what_was_not_served);
	tcase_add_test(t, tasks_share_a_cpu);
	tcase_add_test(t, series_are_means_over_their_interval);
	tcase_add_test(t, an_application_starts_when_all_have_booted);
	tcase_add_test(t, a_failing_host_takes_its_environments_and_no_others);
	tcase_add_test(t, a_drained_host_leaves_when_it_is_empty);
	tcase_add_test(t, an_aborted_migration_changes_nothing_but_time);
	tcase_add_test(t, a_migration_takes_cpu_of_all_vms_of_both_hosts);
	tcase_add_test(t, a_slow_environment_takes_no_more_cpu_than_its_share);
	tcase_add_test(t, a_kept_environment_idles_until_it_is_destroyed);
	tcase_add_loop_test(t, what_cannot_start_is_refused_with_a_reason, 0,
	    sizeof refusals / sizeof *refusals);
	tcase_add_test(t, a_group_starts_together_or_not_at_all);
}

int main(void)
{
	SRunner *runner;
	Suite *suite = suite_create("lives");
	TCase *tests = tcase_create("lives");
	int failed;

	add_tests(tests);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
