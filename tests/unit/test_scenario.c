/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenarios as they load and are overridden. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/scenario.h"

static struct scenario *load_with(const char *path, const char *text,
    const struct override *sets, uint32_t n_sets)
{
	struct err err = {""};
	struct scenario *sc =
	    text ? scenario_load_text(path, text, strlen(text), sets, n_sets,
		       &err)
	         : scenario_load(path, sets, n_sets, &err);

	ck_assert_msg(sc != NULL, "%s", err.text);
	return sc;
}

static struct scenario *load(const char *text)
{
	return load_with("scenarios/test.yaml", text, NULL, 0);
}

static const char small[] =
    "domains:\n"
    "  - name: D1\n"
    "    hosts:\n"
    "      - {count: 12, cpus: 4, memory: 1536 MiB}\n"
    "      - {name: big, cpus: 4, memory: 8 GiB, fail: 3 s}\n"
    "environments:\n"
    "  - name: V1\n"
    "    start: 1500 ms\n"
    "    head: {memory: 32 MiB, cpu: 0.01 host}\n"
    "    vms: {count: 10, vcpus: 2, memory: 1 GiB}\n"
    "    workload: {kind: constant, cpu: 0.25 host, duration: 1 min}\n"
    "  - name: W\n"
    "    count: 3\n"
    "    vms: {memory: 64 MiB}\n";

START_TEST(names_and_tables_are_as_written)
{
	struct scenario *sc = load(small);
	const struct model *m = &sc->model;

	ck_assert_uint_eq(m->n_domains, 1);
	ck_assert_uint_eq(m->n_hosts, 13);
	ck_assert_uint_eq(m->n_envs, 4);
	ck_assert_uint_eq(m->n_vms, 14);
	ck_assert_str_eq(sc->name, "test");
	ck_assert_str_eq(m->hosts[0].name, "D1-01");
	ck_assert_str_eq(m->hosts[11].name, "D1-12");
	ck_assert_str_eq(m->hosts[12].name, "big");
	ck_assert_uint_eq(m->hosts[12].mem_kib, 8 << 20);
	ck_assert_uint_eq(m->hosts[0].cpu_mcpu, 4000);
	ck_assert_int_eq(sc->hosts[12].fail_ns, 3 * NS_PER_S);
	ck_assert_int_eq(sc->hosts[0].fail_ns, TIME_NEVER);
	ck_assert_str_eq(m->vms[0].name, "V1-head");
	ck_assert_str_eq(m->vms[1].name, "V1-01");
	ck_assert_str_eq(m->vms[10].name, "V1-10");
	ck_assert_str_eq(m->envs[3].name, "W-3");
	ck_assert_str_eq(m->vms[13].name, "W-3-1");
	scenario_free(sc);
}
END_TEST

START_TEST(quantities_are_in_base_units)
{
	struct scenario *sc = load(small);
	const struct model *m = &sc->model;
	const struct workload *w = &sc->workloads[sc->envs[0].workload];

	ck_assert_int_eq(sc->envs[0].start_ns, 1500 * NS_PER_MS);
	ck_assert_double_eq(sc->envs[0].head_mcpu, 40);
	ck_assert_uint_eq(m->vms[0].is_head, 1);
	ck_assert_uint_eq(m->vms[0].mem_kib, 32 << 10);
	ck_assert_uint_eq(sc->envs[0].head_used_kib, (32 << 10) * 6 / 10);
	ck_assert_uint_eq(m->vms[1].is_head, 0);
	ck_assert_uint_eq(m->vms[1].mem_kib, 1 << 20);
	ck_assert_uint_eq(m->vms[1].mem_min_kib, 1 << 20);
	ck_assert_uint_eq(sc->envs[0].mem_idle_kib, 32 << 10);
	ck_assert_uint_eq(m->vms[1].mem_max_kib, 8 << 20);
	ck_assert_uint_eq(m->vms[1].vcpu_mcpu, 2000);
	ck_assert_uint_eq(m->vms[1].home.ix, ID_NONE);
	ck_assert_int_eq(w->kind, WORKLOAD_CONSTANT);
	ck_assert_double_eq(w->demand_mcpu, 1000);
	ck_assert_int_eq(w->duration_ns, 60 * NS_PER_S);
	ck_assert_uint_eq(w->mem_used_kib, (1 << 20) * 6 / 10);
	ck_assert_int_eq(
	    sc->workloads[sc->envs[3].workload].kind, WORKLOAD_IDLE);
	ck_assert_int_eq(sc->manager.period_ns, 10 * NS_PER_S);
	scenario_free(sc);
}
END_TEST

/* 60 s at full speed of one CPU, then 570 s at 0.12: 68.4 CPU seconds. */
START_TEST(stages_follow_the_model)
{
	struct scenario *sc = load(
	    "domains: [{name: D, hosts: [{memory: 1 GiB}]}]\n"
	    "environments:\n"
	    "  - name: V\n"
	    "    vms: {count: 6, memory: 256 MiB}\n"
	    "    workload:\n"
	    "      kind: nemo3d\n"
	    "      run-time: 60 s\n"
	    "      stages: [{run-time: 570 s, cpu: 0.12 host}]\n");
	const struct workload *w = &sc->workloads[sc->envs[0].workload];
	double model_s = 0;

	ck_assert_int_eq(w->kind, WORKLOAD_STAGES);
	for (uint32_t i = 0; i + 1 < w->n_stages; i++)
		model_s += w->stages[i].work_s;
	ck_assert_double_eq_tol(model_s, 60, 1e-9);
	ck_assert_double_eq_tol(
	    w->stages[w->n_stages - 1].work_s, 68.4, 1e-9);
	ck_assert_double_eq(w->stages[w->n_stages - 1].demand_mcpu, 120);
	scenario_free(sc);
}
END_TEST

/* The narrowest line: link 500, uplinks 1000 and 200, background a fifth. */
START_TEST(link_rates_are_those_of_the_narrowest_line)
{
	struct scenario *sc = load(
	    "domains:\n"
	    "  - {name: A, hosts: [{memory: 1 GiB, nic: 10 Mbit/s}]}\n"
	    "  - {name: B, hosts: [{memory: 1 GiB}]}\n"
	    "  - {name: C, hosts: [{memory: 1 GiB}],\n"
	    "     uplink: {bandwidth: 200 Mbit/s},\n"
	    "     lan: {bandwidth: 5 Gbit/s}}\n"
	    "  - {name: D, hosts: [{memory: 1 GiB}]}\n"
	    "links:\n"
	    "  - {between: [A, B], bandwidth: 500 Mbit/s, background: 0.2}\n"
	    "  - {between: [B, C], bandwidth: 2 Gbit/s}\n"
	    "environments: [{name: V, vms: {memory: 1 MiB}}]\n");
	const double *bps = sc->model.link_bps;

	ck_assert_double_eq(bps[0 * 4 + 1], 400e6);
	ck_assert_double_eq(bps[1 * 4 + 0], 400e6);
	ck_assert_double_eq(bps[1 * 4 + 2], 200e6);
	ck_assert_double_eq(bps[0 * 4 + 2], 200e6); /* by way of B */
	ck_assert_double_eq(bps[0 * 4 + 3], 0);
	ck_assert_double_eq(bps[0 * 4 + 0], 10e6);
	ck_assert_double_eq(bps[2 * 4 + 2], 5e9);
	scenario_free(sc);
}
END_TEST

START_TEST(a_merge_takes_what_is_not_said_and_shares_nothing)
{
	const struct override set = {"environments.W.vms.count", "5"};
	struct scenario *sc = load_with("t.yaml",
	    "domains: [{name: D, hosts: [{memory: 1 GiB}]}]\n"
	    "environments:\n"
	    "  - &v\n"
	    "    name: V\n"
	    "    start: 9 s\n"
	    "    vms: {count: 2, memory: 64 MiB}\n"
	    "  - <<: *v\n"
	    "    name: W\n",
	    &set, 1);

	ck_assert_int_eq(sc->envs[1].start_ns, 9 * NS_PER_S);
	ck_assert_uint_eq(sc->model.envs[0].n_vms, 2);
	ck_assert_uint_eq(sc->model.envs[1].n_vms, 5);
	scenario_free(sc);
}
END_TEST

START_TEST(overrides_replace_and_add_values)
{
	const struct override sets[] = {
	    {"manager.period", "5 s"},
	    {"environments.V1.workload.duration", "7 s"},
	    {"environments[1].start", "3 s"},
	    {"domains.D1.hosts.big.memory", "16 GiB"},
	    {"events", "[{at: 4 s, drain: big}]"},
	    {"seed", "18446744073709551615"},
	    {"seed", "12"},
	};
	struct scenario *sc = load_with(
	    "t.yaml", small, sets, sizeof sets / sizeof *sets);

	ck_assert_int_eq(sc->manager.period_ns, 5 * NS_PER_S);
	ck_assert_int_eq(sc->workloads[0].duration_ns, 7 * NS_PER_S);
	ck_assert_int_eq(sc->envs[1].start_ns, 3 * NS_PER_S);
	ck_assert_int_eq(sc->envs[3].start_ns, 3 * NS_PER_S);
	ck_assert_uint_eq(sc->model.hosts[12].mem_kib, 16 << 20);
	ck_assert_uint_eq(sc->n_events, 1);
	ck_assert_int_eq(sc->events[0].kind, TIMED_DRAIN);
	ck_assert_uint_eq(sc->events[0].host.ix, 12);
	ck_assert_uint_eq(sc->seed, 12);
	scenario_free(sc);
}
END_TEST

/* The formula is that of scenario P1, so that other simulators can draw the
 * same; seed 42, 100 hosts, VMs 0 to 3. */
START_TEST(random_homes_are_those_of_p1)
{
	struct scenario *sc = load_with("scenarios/p1.yaml", NULL, NULL, 0);

	for (uint64_t v = 0; v < 1000; v++) {
		uint64_t s = 42 * 7919 + v * UINT64_C(0x2545F4914F6CDD1D);
		uint64_t z = 0;

		for (int i = 0; i < 2; i++) {
			z = (s += UINT64_C(0x9E3779B97F4A7C15));
			z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
			z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
			z ^= z >> 31;
		}
		ck_assert_uint_eq(sc->model.vms[v].home.ix, z % 100);
	}
	ck_assert_int_eq(sc->envs[0].placement, PLACE_HOME);
	scenario_free(sc);
}
END_TEST

/* Job 1: 300 s on 2 processors, of which it used 280 s and 120,000 KB each;
 * job 3 never ran, and the next one, job 4, has 4 processors. */
START_TEST(each_job_is_an_environment)
{
	struct scenario *sc =
	    load_with("scenarios/reference.yaml", NULL, NULL, 0);
	const struct model *m = &sc->model;
	const struct workload *w;
	uint32_t e = m->n_envs - 5;

	ck_assert_str_eq(m->envs[e].name, "batch-1");
	ck_assert_int_eq(sc->envs[e].start_ns, 600 * NS_PER_S);
	ck_assert_uint_eq(m->envs[e].n_vms, 2);
	w = &sc->workloads[sc->envs[e].workload];
	ck_assert_double_eq_tol(w->stages[0].work_s, 280, 1e-9);
	ck_assert_double_eq_tol(
	    w->stages[0].demand_mcpu, 1000 * 280 / 300.0, 1e-9);
	ck_assert_uint_eq(w->stages[0].mem_used_kib, 120000);
	/* job 3 was cancelled; job 4 is the third that ran */
	ck_assert_int_eq(sc->envs[e + 2].start_ns, 800 * NS_PER_S);
	ck_assert_uint_eq(m->envs[e + 2].n_vms, 4);
	scenario_free(sc);
}
END_TEST

/* Two processors in a VM: half the VMs, twice the memory in use of each. */
START_TEST(jobs_may_share_vms_among_their_processors)
{
	const struct override set = {"environments.batch.jobs.processors", "2"};
	struct scenario *sc =
	    load_with("scenarios/reference.yaml", NULL, &set, 1);
	const struct model *m = &sc->model;
	uint32_t e = m->n_envs - 5;

	ck_assert_uint_eq(m->envs[e].n_vms, 1);
	ck_assert_uint_eq(sc->workloads[sc->envs[e].workload]
	                      .stages[0].mem_used_kib, 240000);
	ck_assert_uint_eq(m->envs[e + 1].n_vms, 1);
	ck_assert_uint_eq(m->envs[e + 2].n_vms, 2);
	scenario_free(sc);
}
END_TEST

static const struct vm *find_vm(const struct model *m, const char *name)
{
	for (uint32_t v = 0; v < m->n_vms; v++)
		if (strcmp(m->vms[v].name, name) == 0)
			return &m->vms[v];
	ck_abort_msg("no VM %s", name);
	return NULL;
}

START_TEST(a_placement_file_says_where_each_vm_is)
{
	struct scenario *sc =
	    load_with("scenarios/reference.yaml", NULL, NULL, 0);
	const struct model *m = &sc->model;
	const struct vm *first = find_vm(m, "service-1");

	ck_assert_str_eq(m->hosts[first->home.ix].name, "spare");
	ck_assert_str_eq(
	    m->hosts[find_vm(m, "service-2")->home.ix].name, "D2-1");
	ck_assert_uint_eq(find_vm(m, "V1-1")->home.ix, ID_NONE);
	ck_assert_int_eq(sc->envs[first->env.ix].placement, PLACE_HOME);
	scenario_free(sc);
}
END_TEST

START_TEST(a_vm_that_the_placement_file_leaves_out_is_an_error)
{
	const struct override set = {"environments.service.vms.count", "3"};
	struct err err = {""};

	ck_assert_ptr_null(
	    scenario_load("scenarios/reference.yaml", &set, 1, &err));
	ck_assert_ptr_nonnull(strstr(err.text,
	    "placement.csv says nothing of VM service-3"));
}
END_TEST

START_TEST(a_million_vms_load)
{
	const struct override sets[] = {
	    {"domains.D1.hosts[0].count", "100000"},
	    {"environments.P1.vms.count", "1000000"}};
	struct scenario *sc = load_with("scenarios/p1.yaml", NULL, sets, 2);

	ck_assert_uint_eq(sc->model.n_hosts, 100000);
	ck_assert_uint_eq(sc->model.n_vms, 1000000);
	ck_assert_str_eq(sc->model.vms[0].name, "P1-0000001");
	ck_assert_str_eq(sc->model.vms[999999].name, "P1-1000000");
	scenario_free(sc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scenario");
	TCase *tc = tcase_create("scenario");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, names_and_tables_are_as_written);
	tcase_add_test(tc, quantities_are_in_base_units);
	tcase_add_test(tc, stages_follow_the_model);
	tcase_add_test(tc, link_rates_are_those_of_the_narrowest_line);
	tcase_add_test(tc, a_merge_takes_what_is_not_said_and_shares_nothing);
	tcase_add_test(tc, overrides_replace_and_add_values);
	tcase_add_test(tc, random_homes_are_those_of_p1);
	tcase_add_test(tc, each_job_is_an_environment);
	tcase_add_test(tc, jobs_may_share_vms_among_their_processors);
	tcase_add_test(tc, a_placement_file_says_where_each_vm_is);
	tcase_add_test(tc, a_vm_that_the_placement_file_leaves_out_is_an_error);
	tcase_add_test(tc, a_million_vms_load);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
