/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenarios printed normalised: they load to the same, also random ones; and
 * the digest, which is of what is printed. */
#include <check.h>
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

/* Normalised. */

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

/* The digest. */

static const char small[] =
    "domains: [{name: D, hosts: [{memory: 1 GiB}]}]\n"
    "environments: [{name: V, vms: {memory: 64 MiB}}]\n";

START_TEST(the_digest_is_of_what_is_meant_not_of_how_it_is_written)
{
	const struct override same = {"manager.period", "10000 ms"};
	const struct override other = {"manager.period", "10.001 s"};
	struct scenario *a, *b, *c;

	a = load_with("scenarios/test.yaml", small, NULL, 0);
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

/* The reference. */

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

int main(void)
{
	const char *seed = getenv("SEED");
	Suite *suite = suite_create("scenario print");
	TCase *tc = tcase_create("scenario");
	SRunner *runner;
	int failed;

	state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("SEED=%" PRIu64 "\n", state);
	state = state * 2 + 1;
	tcase_add_test(tc, what_is_printed_loads_to_the_same);
	tcase_add_test(tc, a_random_scenario_that_loads_comes_back_the_same);
	tcase_add_test(
	    tc, the_digest_is_of_what_is_meant_not_of_how_it_is_written);
	tcase_add_test(tc, the_digest_is_of_the_files_that_are_named_too);
	tcase_add_test(tc, the_reference_has_every_key);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
