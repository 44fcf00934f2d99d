/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenarios as they load, are overridden, and are printed normalised. */
#include <check.h>
#include <cyaml/cyaml.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scenarios/scenario.h"
#include "scenarios/schema_tables.h"

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

static char *print(const struct scenario *sc)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct err err = {""};

	ck_assert_ptr_nonnull(out);
	ck_assert_msg(scenario_print(sc, out, &err), "%s", err.text);
	fclose(out);
	return text;
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

/* --- normalised ---------------------------------------------------------- */

static bool same_double(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void same_stages(const struct workload *a, const struct workload *b)
{
	ck_assert_uint_eq(a->n_stages, b->n_stages);
	for (uint32_t i = 0; i < a->n_stages; i++)
		ck_assert_int_eq(memcmp(&a->stages[i], &b->stages[i],
		                     sizeof *a->stages), 0);
}

static void same_workload(const struct workload *a, const struct workload *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_int_eq(a->blocking, b->blocking);
	ck_assert(same_double(a->demand_mcpu, b->demand_mcpu));
	ck_assert_int_eq(a->duration_ns, b->duration_ns);
	ck_assert_int_eq(a->stop_ns, b->stop_ns);
	ck_assert_uint_eq(a->mem_used_kib, b->mem_used_kib);
	ck_assert(same_double(a->think_s.mean, b->think_s.mean));
	ck_assert(same_double(a->work_s.spread, b->work_s.spread));
	ck_assert_int_eq(a->work_s.kind, b->work_s.kind);
	ck_assert_int_eq(memcmp(a->sets, b->sets, sizeof a->sets), 0);
	ck_assert_int_eq(a->trace == NULL, b->trace == NULL);
	if (a->trace)
		ck_assert_int_eq(
		    a->trace->interval_ns, b->trace->interval_ns);
	same_stages(a, b);
}

static void same_tables(const struct scenario *a, const struct scenario *b)
{
	const struct model *m = &a->model, *n = &b->model;

	for (uint32_t i = 0; i < m->n_hosts; i++) {
		ck_assert_str_eq(m->hosts[i].name, n->hosts[i].name);
		ck_assert_uint_eq(m->hosts[i].mem_kib, n->hosts[i].mem_kib);
		ck_assert_int_eq(memcmp(&a->hosts[i], &b->hosts[i],
		                     sizeof *a->hosts), 0);
	}
	for (uint32_t i = 0; i < m->n_vms; i++) {
		struct vm va = m->vms[i], vb = n->vms[i];

		ck_assert_str_eq(va.name, vb.name);
		va.name = vb.name = NULL;
		ck_assert_int_eq(memcmp(&va, &vb, sizeof va), 0);
	}
	for (uint32_t i = 0; i < m->n_envs; i++) {
		ck_assert_str_eq(m->envs[i].name, n->envs[i].name);
		ck_assert_int_eq(
		    a->envs[i].start_ns, b->envs[i].start_ns);
		ck_assert_uint_eq(
		    a->envs[i].workload, b->envs[i].workload);
		ck_assert(same_double(
		    a->envs[i].balloon_kib_s, b->envs[i].balloon_kib_s));
	}
}

static void same_scenario(const struct scenario *a, const struct scenario *b)
{
	ck_assert_str_eq(a->digest, b->digest);
	ck_assert_str_eq(a->name, b->name);
	ck_assert_uint_eq(a->seed, b->seed);
	ck_assert_uint_eq(a->model.n_hosts, b->model.n_hosts);
	ck_assert_uint_eq(a->model.n_vms, b->model.n_vms);
	ck_assert_uint_eq(a->model.n_envs, b->model.n_envs);
	ck_assert_uint_eq(a->n_links, b->n_links);
	ck_assert_uint_eq(a->n_events, b->n_events);
	ck_assert_uint_eq(a->n_workloads, b->n_workloads);
	same_tables(a, b);
	ck_assert_int_eq(
	    memcmp(&a->migration, &b->migration, sizeof a->migration), 0);
	ck_assert_int_eq(memcmp(&a->vnet, &b->vnet, sizeof a->vnet), 0);
	for (uint32_t i = 0; i < a->n_workloads; i++)
		same_workload(&a->workloads[i], &b->workloads[i]);
}

/* Loads what was printed, as if it stood beside the scenario. */
static void check_round_trip(const struct scenario *sc)
{
	char *once = print(sc), *twice;
	struct scenario *again = load_with(sc->path, once, NULL, 0);

	twice = print(again);
	ck_assert_str_eq(once, twice);
	same_scenario(sc, again);
	scenario_free(again);
	free(once);
	free(twice);
}

START_TEST(what_is_printed_loads_to_the_same)
{
	static const char *const patterns[] = {
	    "scenarios/*.yaml", "scenarios/paper/*.yaml"};
	glob_t files = {0};

	for (int i = 0; i < 2; i++)
		glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &files);
	ck_assert_uint_ge(files.gl_pathc, 9);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct scenario *sc =
		    load_with(files.gl_pathv[i], NULL, NULL, 0);

		check_round_trip(sc);
		scenario_free(sc);
	}
	globfree(&files);
}
END_TEST

static uint64_t state;

static uint64_t draw(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

/* A value of a kind that often fits, in a unit that is not always canonical. */
static const char *any_value(char *text, size_t size)
{
	static const char *const units[] = {" ms", " s", " min", " us", " MiB",
	    " KiB", " GiB", " kbit/s", " Gbit/s", " mcpu", " cpu", " host",
	    " %", "", " KiB/s", " B"};

	snprintf(text, size, "%" PRIu64 ".%03" PRIu64 "%s", draw(300),
	    draw(1000), units[draw(16)]);
	if (draw(3) == 0)
		snprintf(text, size, "%" PRIu64 "%s", draw(20),
		    units[draw(16)]);
	return text;
}

/* Sets one random value somewhere in the reference; most do not fit, those
 * that do must come back. */
START_TEST(a_random_scenario_that_loads_comes_back_the_same)
{
	static const char *const paths[] = {"manager.period", "manager.noise",
	    "series", "stop", "domains.D1.uplink.latency",
	    "domains.D1.hosts.D1.nic", "domains.D1.hosts.D1.memory",
	    "links[0].bandwidth", "links[0].background",
	    "migration.down-time", "migration.rate-max", "migration.slowdown",
	    "network.rto-min", "network.reestablish-spread",
	    "environments.V1.start", "environments.V1.balloon",
	    "environments.V1.swap", "environments.V1.swap-slowdown",
	    "environments.V1.head.cpu", "environments.V1.vms.memory-min",
	    "environments.V1.vms.count", "environments.V1.workload.run-time",
	    "environments.V1.workload.particles",
	    "environments.V1.workload.stages[0].cpu",
	    "environments.V1.workload.stages[0].exchange",
	    "environments.V1.workload.stages[0].memory",
	    "environments.V1.workload.stages[0].dirty[0].rate",
	    "environments.steady.workload.cpu",
	    "environments.steady.workload.duration",
	    "environments.users.workload.think.mean",
	    "environments.users.workload.work.spread",
	    "environments.database.workload.interval", "variation.work",
	    "variation.start", "events[0].at"};
	int n_loaded = 0;

	for (int i = 0; i < 1000; i++) {
		char values[3][64];
		struct override sets[3];
		struct err err = {""};
		struct scenario *sc;

		for (int k = 0; k < 3; k++)
			sets[k] = (struct override){
			    paths[draw(sizeof paths / sizeof *paths)],
			    any_value(values[k], sizeof values[k])};
		sc = scenario_load("scenarios/reference.yaml", sets,
		    (uint32_t)draw(4), &err);
		ck_assert_int_eq(sc == NULL, *err.text != '\0');
		if (!sc)
			continue;
		n_loaded++;
		check_round_trip(sc);
		scenario_free(sc);
	}
	ck_assert_int_ge(n_loaded, 50);
}
END_TEST

/* --- digest -------------------------------------------------------------- */

START_TEST(the_digest_is_of_what_is_meant_not_of_how_it_is_written)
{
	const struct override same = {"manager.period", "10000 ms"};
	const struct override other = {"manager.period", "10.001 s"};
	struct scenario *a = load(small), *b, *c;

	b = load_with("scenarios/test.yaml", small, &same, 1);
	c = load_with("scenarios/test.yaml", small, &other, 1);
	ck_assert_str_eq(a->digest, b->digest);
	ck_assert_str_ne(a->digest, c->digest);
	ck_assert_uint_eq(strlen(a->digest), 64);
	scenario_free(a);
	scenario_free(b);
	scenario_free(c);
}
END_TEST

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

START_TEST(the_digest_is_of_the_files_that_are_named_too)
{
	static const char text[] =
	    "domains: [{name: D, hosts: [{memory: 1 GiB}]}]\n"
	    "environments:\n"
	    "  - {name: V, vms: {memory: 64 MiB},\n"
	    "     workload: {kind: trace, cpu: t.csv}}\n";
	const char *folder = getenv("TMPDIR");
	char yaml[512], csv[512];
	struct scenario *a, *b;

	ck_assert_ptr_nonnull(folder);
	snprintf(yaml, sizeof yaml, "%s/t.yaml", folder);
	snprintf(csv, sizeof csv, "%s/t.csv", folder);
	write_file(csv, "time_s,a\n0,10\n60,20\n");
	a = load_with(yaml, text, NULL, 0);
	write_file(csv, "time_s,a\n0,10\n60,21\n");
	b = load_with(yaml, text, NULL, 0);
	ck_assert_str_ne(a->digest, b->digest);
	ck_assert_uint_eq(a->workloads[0].trace->n_steps, 2);
	ck_assert_int_eq(a->workloads[0].duration_ns, 120 * NS_PER_S);
	scenario_free(a);
	scenario_free(b);
	unlink(csv);
}
END_TEST

/* --- the reference ------------------------------------------------------- */

/* Keys of live sites, which have a manual of their own, violin-site(5). */
static bool is_of_site(const char *key)
{
	return strcmp(key, "address") == 0 || strcmp(key, "key") == 0 ||
	       strcmp(key, "config") == 0;
}

/* Looks for the keys of a table, and of all below, in the text. */
static void keys_in(const cyaml_schema_value_t *value, const char *text)
{
	const cyaml_schema_field_t *f;

	if (value->type == CYAML_SEQUENCE)
		value = value->sequence.entry;
	if (value->type != CYAML_MAPPING || value == &schema_param)
		return;
	for (f = value->mapping.fields; f->key; f++) {
		char key[64];

		if (is_of_site(f->key))
			continue;
		snprintf(key, sizeof key, "%s:", f->key);
		ck_assert_msg(strstr(text, key) != NULL,
		    "the reference lacks the key %s", f->key);
		keys_in(&f->value, text);
	}
}

START_TEST(the_reference_has_every_key)
{
	struct scenario *sc =
	    load_with("scenarios/reference.yaml", NULL, NULL, 0);
	char *text = print(sc);

	keys_in(&schema_root, text);
	free(text);
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
	const char *seed = getenv("SEED");
	Suite *suite = suite_create("scenario");
	TCase *tc = tcase_create("scenario");
	SRunner *runner;
	int failed;

	state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("SEED=%" PRIu64 "\n", state);
	state = state * 2 + 1;
	tcase_add_test(tc, names_and_tables_are_as_written);
	tcase_add_test(tc, quantities_are_in_base_units);
	tcase_add_test(tc, stages_follow_the_model);
	tcase_add_test(tc, link_rates_are_those_of_the_narrowest_line);
	tcase_add_test(tc, a_merge_takes_what_is_not_said_and_shares_nothing);
	tcase_add_test(tc, overrides_replace_and_add_values);
	tcase_add_test(tc, random_homes_are_those_of_p1);
	tcase_add_test(tc, what_is_printed_loads_to_the_same);
	tcase_add_test(tc, a_random_scenario_that_loads_comes_back_the_same);
	tcase_add_test(
	    tc, the_digest_is_of_what_is_meant_not_of_how_it_is_written);
	tcase_add_test(tc, the_digest_is_of_the_files_that_are_named_too);
	tcase_add_test(tc, the_reference_has_every_key);
	tcase_add_test(tc, each_job_is_an_environment);
	tcase_add_test(tc, a_million_vms_load);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
