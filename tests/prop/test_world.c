/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Properties of the simulated world over random scenarios: its invariants
 * (sim/check.h) after every event, whatever the policy asks and whatever
 * fails; the same seed gives the same run.
 *
 * TEST_SEED=N repeats one case; each failure names its own.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/stream.h"
#include "tests/support.h"

enum { CASES = 150, MONKEY_CASES = 12, N_STAGES = 3, TRACE_STEPS = 12 };

/* Random scenarios. */

static struct stage stages[N_STAGES];
static float levels[2 * TRACE_STEPS], used_kib[2 * TRACE_STEPS];
static struct trace trace = {.n_vms = 2, .n_steps = TRACE_STEPS,
	.interval_ns = 15 * NS_PER_S, .cpu = levels};
static const uint32_t task_first[] = {0, 3, 5};
static double task_think[5], task_work[5];
static const struct task_list task_list = {
	2, task_first, task_think, task_work};

static double pick(struct stream *s, double low, double high)
{
	return low + (high - low) * stream_uniform(s);
}

static uint32_t choose(struct stream *s, uint32_t n)
{
	return (uint32_t)(stream_uniform(s) * n);
}

static void draw_tables(struct stream *s)
{
	for (int i = 0; i < N_STAGES; i++) {
		stages[i] = (struct stage){.work_s = pick(s, 0, 60),
		    .demand_mcpu = pick(s, 50, 2000),
		    .iterations = 1 + choose(s, 200),
		    .exchange_bytes = choose(s, 2) ? pick(s, 0, 1e6) : 0,
		    .mem_used_kib = (uint64_t)pick(s, 1e5, 6e5)};
		stages[i].sets[0] = (struct working_set){0.1, 2e8};
		stages[i].sets[1] = (struct working_set){0.5, 1e6};
	}
	for (int i = 0; i < 2 * TRACE_STEPS; i++) {
		levels[i] = (float)pick(s, 0, 1);
		used_kib[i] = (float)pick(s, 1e5, 6e5);
	}
	trace.mem_kib = choose(s, 2) ? used_kib : NULL;
	for (int i = 0; i < 5; i++) {
		task_think[i] = pick(s, 0, 20);
		task_work[i] = choose(s, 4) ? pick(s, 0, 20) : 0;
	}
}

static struct workload draw_workload(struct stream *s)
{
	struct workload load = {
	    .kind = (enum workload_kind)(1 + choose(s, 4)),
	    .blocking = choose(s, 2),
	    .stages = stages,
	    .n_stages = 1 + choose(s, N_STAGES),
	    .demand_mcpu = pick(s, 0, 1500),
	    .duration_ns = (int64_t)(pick(s, 10, 200) * 1e9),
	    .trace = &trace,
	    .tasks = choose(s, 2) ? &task_list : NULL,
	    .think_s = {DIST_EXPONENTIAL, 4, 0},
	    .work_s = {DIST_UNIFORM, 3, 2},
	    .stop_ns = 150 * NS_PER_S,
	    .sets = {{0.2, 5e7}, {0.8, 1e5}}};

	return load;
}

static void draw_env(struct stream *s, struct scenario *site)
{
	uint32_t load = site_add_workload(site, draw_workload(s));
	uint32_t e = site_add_env(
	    site, 1 + choose(s, 5), choose(s, 2), load);
	const struct environment *env = &site->model.envs[e];
	struct env_setup *setup = &site->envs[e];

	setup->start_ns = choose(s, 2) * (int64_t)(pick(s, 0, 100) * 1e9);
	setup->boot_ns = choose(s, 2) * 5 * NS_PER_S;
	setup->at_end = choose(s, 2) ? AT_END_KEEP : AT_END_DESTROY;
	setup->head_mcpu = pick(s, 0, 100);
	setup->swap_kib = choose(s, 3) ? 1 << 20 : 0;
	setup->swap_slowdown = pick(s, 0, 2);
	setup->balloon_kib_s = pick(s, 1e3, 1e6);
	setup->trace_first = choose(s, 3);
	if (choose(s, 6) == 0)
		setup->destroy_ns = (int64_t)(pick(s, 1, 200) * 1e9);
	for (uint32_t i = 0; i < env->n_vms; i++) {
		struct vm *vm = site_vm(site, env->first_vm + i);

		vm->vcpu_mcpu = 1000 * (1 + choose(s, 2));
		vm->mem_kib = (uint64_t)pick(s, 2e5, 8e5);
		vm->mem_max_kib = vm->mem_kib * 2;
		if (choose(s, 5) == 0)
			vm->home.ix = choose(s, site->model.n_hosts);
	}
}

static void draw_event(struct stream *s, struct scenario *site)
{
	site_add_event(site, (struct event_setup){
	    .kind = (enum event_kind)choose(
	        s, site->n_links ? TIMED_LINK + 1 : TIMED_LINK),
	    .at_ns = (int64_t)(pick(s, 0, 150) * 1e9),
	    .env = {choose(s, site->model.n_envs)},
	    .domain = {choose(s, site->model.n_domains)},
	    .host = {choose(s, site->model.n_hosts)},
	    .link = site->n_links ? choose(s, site->n_links) : 0,
	    .bps = choose(s, 2) ? 1e8 : 0});
}

static void draw_hosts(struct stream *s, struct scenario *site)
{
	for (uint32_t h = 0; h < site->model.n_hosts; h++) {
		struct host_setup *host = &site->hosts[h];

		site_host(site, h)->cpu_mcpu = 1000 * (1 + choose(s, 4));
		site_host(site, h)->mem_kib = (uint64_t)pick(s, 1e6, 4e6);
		if (choose(s, 8) == 0)
			host->join_ns = (int64_t)(pick(s, 1, 60) * 1e9);
		if (choose(s, 8) == 0)
			host->leave_ns = (int64_t)(pick(s, 61, 120) * 1e9);
		if (choose(s, 8) == 0)
			host->fail_ns = (int64_t)(pick(s, 1, 200) * 1e9);
	}
}

static struct scenario *draw_scenario(uint64_t seed)
{
	struct stream s = stream_of(seed, "scenario", 0);
	struct scenario *site = site_new(1 + choose(&s, 3), 1 + choose(&s, 4));

	draw_tables(&s);
	draw_hosts(&s, site);
	for (uint32_t n = 1 + choose(&s, 6); n > 0; n--)
		draw_env(&s, site);
	for (uint32_t n = choose(&s, 8); n > 0; n--)
		draw_event(&s, site);
	site->seed = seed;
	site->stop_ns = 600 * NS_PER_S;
	site->manager.noise = choose(&s, 2) * 0.05;
	site->variation.work = choose(&s, 2) * 0.15;
	site->variation.start_ns = choose(&s, 2) * 15 * NS_PER_S;
	site->migration.rules =
	    choose(&s, 2) ? PRECOPY_XEN_3_0 : PRECOPY_XEN_4_17;
	site->migration.max_rounds = 5;
	site->migration.max_factor = 3;
	site->migration.slowdown = pick(&s, 0, 0.9);
	site->migration.cpu_mcpu = pick(&s, 0, 1500);
	site->migration.failure = choose(&s, 2) * 0.3;
	site->vnet.linger_ns = choose(&s, 2) * 5 * NS_PER_S;
	site->vnet.linger_slowdown = 0.5;
	return site;
}

/* A policy that asks for anything. */

static void *chaos_lay_out(
    struct arena *arena, const struct model *model, const double *values)
{
	struct stream *s = ARENA_TAKE(arena, 1, struct stream);

	(void)values;
	if (s)
		*s = stream_of(model->n_vms, "chaos", model->n_hosts);
	return s;
}

static void chaos_decide(void *state, const struct model *model,
    const struct observation *obs, struct plan *plan)
{
	struct stream *s = state;
	uint32_t group = choose(s, 2) ? plan_new_group(plan) : 0;

	for (uint32_t v = 0; v < model->n_vms; v++) {
		bool queued = obs->vms[v].state == VM_QUEUED;
		const struct vm *vm = &model->vms[v];
		struct action *a;

		if (!queued && choose(s, 3))
			continue;
		a = plan_add(plan, queued ? ACTION_CREATE
		    : (enum action_kind)choose(s, N_ACTION_KINDS),
		    (struct vm_id){v});
		if (a->kind == ACTION_DESTROY && choose(s, 20))
			a->kind = ACTION_SET_MEM;
		a->from = obs->vms[v].host;
		a->to.ix = choose(s, model->n_hosts);
		if (queued && !host_none(vm->home))
			a->to = vm->home;
		a->group = queued ? 0 : group;
		a->weight = 1 + choose(s, 1000);
		a->cap_mcpu = choose(s, 2) * choose(s, 1500);
		a->mem_kib = vm->mem_min_kib + choose(s,
		    (uint32_t)(vm->mem_max_kib - vm->mem_min_kib));
	}
}

static const struct policy chaos = {.abi = POLICY_ABI,
	.name = "chaos",
	.lay_out = chaos_lay_out,
	.decide = chaos_decide};

static const struct policy *policy_of(uint64_t seed)
{
	const struct policy *const all[] = {&chaos, &policy_none,
	    &policy_violin, &policy_sandpiper, &policy_drs};

	return all[seed % 5];
}

/* Properties. */

/* Every environment's end is told, once. */
struct ends {
	uint32_t n;
	uint32_t told[64];
};

static void hear_end(void *self, const struct sim_env_end *end)
{
	struct ends *ends = self;

	ends->n++;
	ends->told[end->env.ix % 64]++;
	ck_assert(end->end_ns == -1 || end->end_ns >= end->start_ns);
	ck_assert_uint_eq(ends->told[end->env.ix % 64], 1);
}

/* Runs it, checking after each event; returns the digest of its events. */
static uint64_t run_checked(struct scenario *site, uint64_t seed)
{
	struct ends ends = {0};
	struct sim_listener listener = {.self = &ends, .env_ended = hear_end};
	struct sim *sim = site_sim(site, policy_of(seed), &listener);
	struct err err = {0};
	uint64_t digest;

	while (sim_step(sim))
		ck_assert_msg(sim_check(sim, &err),
		    "TEST_SEED=%llu at %.9f s: %s", (unsigned long long)seed,
		    ns_to_s(sim_metrics(sim)->end_ns), err.text);
	ck_assert_uint_eq(ends.n, site->model.n_envs);
	digest = sim_metrics(sim)->event_digest;
	sim_free(sim);
	return digest;
}

static uint64_t seed_of(int i)
{
	const char *given = getenv("TEST_SEED");

	return given ? strtoull(given, NULL, 10) : (uint64_t)i + 1;
}

START_TEST(invariants_hold_after_every_event)
{
	struct scenario *site = draw_scenario(seed_of(_i));

	run_checked(site, seed_of(_i));
	site_free(site);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_events)
{
	struct scenario *one = draw_scenario(seed_of(_i));
	uint64_t digest = run_checked(one, seed_of(_i));
	struct scenario *two = draw_scenario(seed_of(_i));

	ck_assert_msg(run_checked(two, seed_of(_i)) == digest,
	    "TEST_SEED=%llu", (unsigned long long)seed_of(_i));
	site_free(one);
	site_free(two);
}
END_TEST

enum { STAMPS_MAX = 4000 };

/* The times of a run's events, each once. */
static uint32_t find_stamps(
    struct scenario *site, uint64_t seed, int64_t *stamps)
{
	struct sim *sim = site_sim(site, policy_of(seed), NULL);
	uint32_t n = 0;

	while (sim_step(sim) && n < STAMPS_MAX) {
		int64_t now_ns = sim_metrics(sim)->end_ns;

		if (n == 0 || stamps[n - 1] != now_ns)
			stamps[n++] = now_ns;
	}
	sim_free(sim);
	return n;
}

/* The chaos monkey: each host is killed at time stamps of the run, evenly
 * spread over them; also a nanosecond later. */
START_TEST(any_host_killed_at_any_event_leaves_the_world_consistent)
{
	static int64_t stamps[STAMPS_MAX];
	uint64_t seed = seed_of(_i) + 1000;
	struct scenario *site = draw_scenario(seed);
	uint32_t n = find_stamps(site, seed, stamps);
	uint32_t stride = n / 25 + 1;
	uint32_t last;

	site_add_event(site, (struct event_setup){.kind = TIMED_FAIL});
	last = site->n_events - 1;
	for (uint32_t h = 0; h < site->model.n_hosts; h++)
		for (uint32_t i = h % stride; i < n; i += stride) {
			site->events[last].host.ix = h;
			site->events[last].at_ns = stamps[i] + i % 2;
			run_checked(site, seed);
		}
	site_free(site);
}
END_TEST

int main(void)
{
	SRunner *runner;
	Suite *suite = suite_create("world");
	TCase *tests = tcase_create("properties");
	int failed;

	printf("seeds 1..%d, and from 1001 %d; TEST_SEED=N for one\n", CASES,
	    MONKEY_CASES);
	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(
	    tests, invariants_hold_after_every_event, 0, CASES);
	tcase_add_loop_test(
	    tests, the_same_seed_gives_the_same_events, 0, CASES / 5);
	tcase_add_loop_test(tests,
	    any_host_killed_at_any_event_leaves_the_world_consistent, 0,
	    MONKEY_CASES);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
