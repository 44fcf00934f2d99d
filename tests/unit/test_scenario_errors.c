/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every error of a scenario file: where it points, and what it says would be
 * right.  Each case changes one piece of a scenario that is fine.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/scenario.h"

static const char base[] =
    "seed: 3\n"                                                    /* 1 */
    "manager: {policy: violin, period: 10 s}\n"                    /* 2 */
    "domains:\n"                                                   /* 3 */
    "  - name: D1\n"                                               /* 4 */
    "    hosts: [{count: 2, memory: 1 GiB}]\n"                     /* 5 */
    "  - name: D2\n"                                               /* 6 */
    "    hosts: [{count: 2, cpus: 2, memory: 2 GiB}]\n"            /* 7 */
    "links:\n"                                                     /* 8 */
    "  - {between: [D1, D2], bandwidth: 1 Gbit/s}\n"               /* 9 */
    "environments:\n"                                              /* 10 */
    "  - name: V1\n"                                               /* 11 */
    "    start: 5 s\n"                                             /* 12 */
    "    vms: {count: 2, memory: 512 MiB}\n"                       /* 13 */
    "    workload: {kind: constant, cpu: 0.5 cpu}\n"               /* 14 */
    "  - name: V2\n"                                               /* 15 */
    "    vms: {memory: 512 MiB}\n"                                 /* 16 */
    "events:\n"                                                    /* 17 */
    "  - {at: 9 s, fail: D1-1}\n";                                 /* 18 */

static const struct {
	const char *from, *to;
	const char *error; /* its beginning */
} cases[] = {
	/* keys */
	{"seed: 3", "sede: 3",
	    "f.yaml:1:1: unknown key \"sede\"; did you mean \"seed\"?"},
	{"seed: 3", "zzz: 3",
	    "f.yaml:1:1: unknown key \"zzz\"; here can be: name, seed,"},
	{"period: 10 s", "perod: 10 s",
	    "f.yaml:2:27: unknown key \"perod\"; did you mean \"period\"?"},
	{"{count: 2, memory: 1 GiB}", "{count: 2}",
	    "f.yaml:5:13: \"memory\" is missing in hosts"},
	{"links:\n", "lnks:\n", "f.yaml:8:1: unknown key \"lnks\""},
	{"links:\n  - {between: [D1, D2], bandwidth: 1 Gbit/s}\n", "",
	    "f.yaml:4:3: there are several domains but no \"links\""},
	{"seed: 3", "seed: 3\nseed: 4",
	    "f.yaml:2:1: \"seed\" stands here twice; remove one"},
	{"start: 5 s", "start:", "f.yaml:12:11: start has no value"},
	{"start: 5 s", "start: [5 s]",
	    "f.yaml:12:12: start is one plain value"},
	{"{policy: violin, period: 10 s}", "violin",
	    "f.yaml:2:10: manager is a mapping"},
	{"[{count: 2, memory: 1 GiB}]", "{count: 2, memory: 1 GiB}",
	    "f.yaml:5:12: hosts is a list"},
	{"[{count: 2, memory: 1 GiB}]", "[]",
	    "f.yaml:5:12: hosts has 0 entries; write at least 1"},
	{"[D1, D2]", "[D1]",
	    "f.yaml:9:15: between has 1 entries; write at least 2"},
	{"seed: 3", "- 3", "f.yaml:2:1: this is not YAML: "},
	{"seed: 3", "seed: \"a\\x01b\"", "f.yaml:1:7: a control character"},
	{"seed: 3", "? [a]\n: b", "f.yaml:1:3: a key is plain text"},
	{"seed: 3", "seed: &a [*a]", "f.yaml:1:"},
	{"seed: 3", "<<: 3", "f.yaml:1:1: << merges a mapping"},
	{"seed: 3", "manager: {parameters: {a: [1]}}",
	    "f.yaml:2:1: \"manager\" stands here twice"},
	{"period: 10 s", "parameters: {a: [1]}",
	    "f.yaml:2:43: each of parameters is one plain value"},
	{"period: 10 s", "limits: {actions: 1}",
	    "f.yaml:2:45: V1, of 2 VMs, could never be created: right is at"},
	/* units and ranges */
	{"start: 5 s", "start: 5",
	    "f.yaml:12:12: start is \"5\", not a time such as \"10 s\""},
	{"start: 5 s", "start: 5 MiB", "f.yaml:12:12: start is \"5 MiB\", not"},
	{"start: 5 s", "start: -1 s",
	    "f.yaml:12:12: start is -1 s; the least is 0"},
	{"start: 5 s", "start: 1e30 s", "f.yaml:12:12: start is 1e30 s; the "
	                                "most is "},
	{"memory: 1 GiB", "memory: 1 GB",
	    "f.yaml:5:32: memory is \"1 GB\", not a memory size such as"},
	{"bandwidth: 1 Gbit/s", "bandwidth: 0 bit/s",
	    "f.yaml:9:36: bandwidth is 0 bit/s; the least is 1 bit/s"},
	{"count: 2, cpus", "count: 0, cpus",
	    "f.yaml:7:21: count is 0; it can be 1 to 4294967295"},
	{"count: 2, cpus", "count: 2.5, cpus",
	    "f.yaml:7:21: count is \"2.5\", not a whole number"},
	{"count: 2, cpus", "count: 99999999, cpus",
	    "f.yaml:7:21: more than 10000000 hosts"},
	{"count: 2, memory: 512", "count: 99999999, memory: 512",
	    "f.yaml:13:18: more than 50000000 VMs"},
	{"seed: 3", "record: maybe", "f.yaml:1:9: record is \"maybe\"; write "
	                             "yes or no"},
	{"seed: 3", "stop: later",
	    "f.yaml:1:7: stop is \"later\", not a time such as"},
	{"cpu: 0.5 cpu", "cpu: 0.5 host",
	    "f.yaml:14:37: cpu is \"0.5 host\", but hosts differ in their "
	    "CPUs"},
	{"cpu: 0.5 cpu", "cpu: 1.5 cpu",
	    "f.yaml:14:37: cpu is 1.5 cpu, more than the 1 vcpus of the VM"},
	{"seed: 3", "migration: {rules: xen-4}",
	    "f.yaml:1:20: rules is \"xen-4\"; it can be: xen-3.0, xen-4.17"},
	/* what cannot be */
	{"memory: 512 MiB}\nevents", "memory: 3 GiB}\nevents",
	    "f.yaml:16:19: a VM of 3 GiB is larger than any host; the largest "
	    "has 2 GiB"},
	{"memory: 512 MiB}\nevents", "memory: 512 MiB, vcpus: 4}\nevents",
	    "f.yaml:16:35: a VM of 4 CPUs is larger than any host; the "
	    "largest has 2"},
	{"memory: 512 MiB}\nevents",
	    "memory: 512 MiB, memory-min: 600 MiB}\nevents",
	    "f.yaml:16:40: memory-min is 600 MiB, more than memory"},
	{"memory: 512 MiB}\nevents",
	    "memory: 512 MiB, memory-max: 500 MiB}\nevents",
	    "f.yaml:16:40: memory-max is 500 MiB, less than memory"},
	{"start: 5 s", "destroy: 0 s",
	    "f.yaml:12:14: destroyed before it starts"},
	{"start: 5 s", "head: {memory: 3 GiB}",
	    "f.yaml:12:20: a VM of 3 GiB is larger than any host"},
	{"{count: 2, memory: 1 GiB}",
	    "{count: 2, memory: 1 GiB, join: 9 s, leave: 9 s}",
	    "f.yaml:5:57: the host leaves before it joins"},
	/* names */
	{"- name: D2", "- name: D1",
	    "f.yaml:6:11: two domains are named D1"},
	{"- name: V2", "- name: V1",
	    "f.yaml:15:11: two environments are named V1"},
	{"{count: 2, cpus: 2, memory: 2 GiB}",
	    "{name: D1, count: 2, memory: 1 GiB}",
	    "f.yaml:7:20: two hosts are named D1-1"},
	{"- name: V2", "- name: \"V 2\"", "f.yaml:15:11: \"V 2\" is no name"},
	{"[D1, D2]", "[D1, D3]",
	    "f.yaml:9:20: there is no domain \"D3\"; did you mean"},
	{"[D1, D2]", "[D1, D1]", "f.yaml:9:15: a link from D1 to itself"},
	{"1 Gbit/s}\n", "1 Gbit/s}\n  - {between: [D2, D1], bandwidth: 1 "
	                "Gbit/s}\n",
	    "f.yaml:10:15: a second link between D2 and D1"},
	/* events */
	{"fail: D1-1", "fail: D1-9",
	    "f.yaml:18:21: there is no host \"D1-9\"; did you mean \"D1-"},
	{"fail: D1-1", "fial: D1-1",
	    "f.yaml:18:15: unknown key \"fial\"; did you mean \"fail\"?"},
	{"fail: D1-1", "migrate: V1",
	    "f.yaml:18:5: \"to\" is missing: the domain to migrate to"},
	{"fail: D1-1", "migrate: V3, to: D1",
	    "f.yaml:18:24: there is no environment \"V3\""},
	{"fail: D1-1", "fail: D1-1, drain: D1-2",
	    "f.yaml:18:5: an event has one of migrate, abort,"},
	{"fail: D1-1", "fail: D1-1, to: D2", "f.yaml:18:31: \"to\" is for"},
	{"fail: D1-1", "link: [D1, D2]",
	    "f.yaml:18:5: \"bandwidth\" is missing"},
	{"at: 9 s", "at: -9 s", "f.yaml:18:10: at is -9 s; the least is 0 s"},
	/* workloads */
	{"kind: constant", "kind: constnat",
	    "f.yaml:14:22: kind is \"constnat\"; did you mean \"constant\"?"},
	{"cpu: 0.5 cpu", "particles: 5",
	    "f.yaml:14:43: particles is not for a workload of kind constant"},
	{"kind: constant, cpu: 0.5 cpu", "kind: tasks",
	    "f.yaml:14:15: a workload of kind tasks needs think and work"},
	{"kind: constant, cpu: 0.5 cpu", "kind: stages",
	    "f.yaml:14:15: a workload of kind stages needs stages"},
	{"kind: constant, cpu: 0.5 cpu", "kind: trace",
	    "f.yaml:14:15: a workload of kind trace needs cpu"},
	{"kind: constant, cpu: 0.5 cpu",
	    "kind: trace, cpu: no/such.csv", "no/such.csv: No such file"},
	{"kind: constant, cpu: 0.5 cpu",
	    "kind: tasks, think: {mean: 1 s}, work: {distribution: pareto, "
	    "mean: 1 s}",
	    "f.yaml:14:55: \"spread\" is missing"},
	{"kind: constant, cpu: 0.5 cpu",
	    "kind: tasks, think: {mean: 1 s, spread: 1 s}, work: {mean: 1 s}",
	    "f.yaml:14:56: spread is not for the distribution exponential"},
	{"cpu: 0.5 cpu", "dirty: [{fraction: 0.7, rate: 1 Mbit/s}, "
	                 "{fraction: 0.7, rate: 1 Mbit/s}]",
	    "f.yaml:14:39: the fractions add up to 1.4; the most is 1"},
	{"start: 5 s", "placement: nowhere",
	    "f.yaml:12:16: placement is \"nowhere\"; it can be: policy"},
	{"start: 5 s", "jobs: {file: no/such.swf}",
	    "f.yaml:13:18: the count of VMs is the job's processors; leave"},
	{"vms: {memory: 512 MiB}",
	    "jobs: {file: no/such.swf}\n    vms: {memory: 512 MiB}",
	    "no/such.swf: No such"},
};

enum { N_CASES = sizeof cases / sizeof *cases };

/* base with the first `from` in it replaced. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(base, from);
	char *text;

	ck_assert_msg(at != NULL, "no \"%s\" in the scenario", from);
	ck_assert_int_gt(asprintf(&text, "%.*s%s%s", (int)(at - base), base, to,
	                     at + strlen(from)), 0);
	return text;
}

START_TEST(an_error_names_its_place_and_what_would_be_right)
{
	const char *error = cases[_i].error;
	char *text = changed(cases[_i].from, cases[_i].to);
	struct err err = {""};
	struct scenario *sc =
	    scenario_load_text("f.yaml", text, strlen(text), NULL, 0, &err);

	ck_assert_msg(sc == NULL, "took \"%s\"", cases[_i].to);
	ck_assert_msg(strncmp(err.text, error, strlen(error)) == 0,
	    "\"%s\"\ngave  %s\nnot   %s", cases[_i].to, err.text, error);
	free(text);
}
END_TEST

START_TEST(what_the_cases_change_is_fine)
{
	struct err err = {""};
	struct scenario *sc =
	    scenario_load_text("f.yaml", base, strlen(base), NULL, 0, &err);

	ck_assert_msg(sc != NULL, "%s", err.text);
	scenario_free(sc);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
	struct err err = {""};

	ck_assert_ptr_null(scenario_load("no/such.yaml", NULL, 0, &err));
	ck_assert_str_eq(err.text, "no/such.yaml: No such file or directory");
	ck_assert_ptr_null(scenario_load_text("e.yaml", "", 0, NULL, 0, &err));
	ck_assert_str_eq(err.text, "e.yaml:1:1: the file is empty");
}
END_TEST

/* --set: the path is the place. */
static const struct {
	struct override set;
	const char *error;
} sets[] = {
	{{"manager.period", "5"}, "--set manager.period: period is \"5\", not"},
	{{"manager.perod", "5 s"}, "--set manager.perod: unknown key"},
	{{"environments.V9.start", "5 s"},
	    "--set environments.V9.start: no entry \"V9\" in a list of 2"},
	{{"environments[2].start", "5 s"},
	    "--set environments[2].start: no entry \"2\" in a list of 2"},
	{{"seed.x", "5"}, "--set seed.x: \"x\" stands below a plain value"},
	{{"manager[0]", "5"}, "--set manager[0]: no list to take [0] of"},
	{{"", "5"}, "--set: no key; write KEY.PATH=VALUE"},
	{{"a[", "5"}, "--set a[: not a path"},
	{{"environments[V1].start", "5 s"},
	    "--set environments[V1].start: not a path"},
	{{"events", "[{at: 3 s, fail: X}]"},
	    "--set events: there is no host \"X\""},
	{{"events", "[{"}, "--set events: the value:2:1: this is not YAML"},
	{{"environments.V1.name", ""}, "--set environments.V1.name: name has "
	                               "no value"},
};

START_TEST(an_override_is_named_in_its_error)
{
	struct err err = {""};
	struct scenario *sc = scenario_load_text(
	    "f.yaml", base, strlen(base), &sets[_i].set, 1, &err);

	ck_assert_ptr_null(sc);
	ck_assert_msg(
	    strncmp(err.text, sets[_i].error, strlen(sets[_i].error)) == 0,
	    "--set %s=%s\ngave  %s\nnot   %s", sets[_i].set.path,
	    sets[_i].set.value, err.text, sets[_i].error);
}
END_TEST

/* Parameters of a policy. */

static bool bind(const char *param, double *values, struct err *err)
{
	char *text, *manager;
	struct scenario *sc;
	bool ok;

	ck_assert_int_gt(asprintf(&manager, "parameters: {%s}", param), 0);
	text = changed("period: 10 s", manager);
	sc = scenario_load_text("f.yaml", text, strlen(text), NULL, 0, err);
	ck_assert_msg(sc != NULL, "%s", err->text);
	ok = scenario_bind_policy(sc, &policy_violin, values, err);
	scenario_free(sc);
	free(text);
	free(manager);
	return ok;
}

START_TEST(parameters_are_bound_with_their_units)
{
	double values[64];
	struct err err = {""};

	ck_assert(bind("cpu-low: 0.25, cool-down: 2 min", values, &err));
	ck_assert_double_eq(
	    values[policy_find_param(&policy_violin, "cpu-low")], 0.25);
	ck_assert_double_eq(
	    values[policy_find_param(&policy_violin, "cool-down")], 120);
	ck_assert_double_eq(
	    values[policy_find_param(&policy_violin, "cpu-high")],
	    policy_violin
		.params[policy_find_param(&policy_violin, "cpu-high")]
		.initial);
}
END_TEST

START_TEST(a_wrong_parameter_is_an_error_with_its_place)
{
	double values[64];
	struct err err = {""};

	ck_assert(!bind("cpu-loww: 0.25", values, &err));
	ck_assert_str_eq(err.text, "f.yaml:2:40: policy violin has no "
	    "parameter \"cpu-loww\"; did you mean \"cpu-low\"?");
	ck_assert(!bind("cpu-low: 7", values, &err));
	ck_assert_str_eq(
	    err.text, "f.yaml:2:40: cpu-low is 7; it can be 0 to 1");
	ck_assert(!bind("cool-down: 7", values, &err));
	ck_assert_msg(strstr(err.text, "f.yaml:2:40: cool-down is \"7\", not "
	                               "a time such as") == err.text,
	    "%s", err.text);
}
END_TEST

START_TEST(a_policy_compared_with_ignores_what_it_does_not_know)
{
	const struct override set = {"manager.parameters.cpu-low", "0.25"};
	double values[64];
	struct err err = {""};
	struct scenario *sc = scenario_load_text(
	    "f.yaml", base, strlen(base), &set, 1, &err);

	ck_assert_msg(sc != NULL, "%s", err.text);
	ck_assert(scenario_bind_policy(sc, &policy_none, values, &err));
	scenario_free(sc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scenario errors");
	TCase *tc = tcase_create("errors");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, what_the_cases_change_is_fine);
	tcase_add_loop_test(tc,
	    an_error_names_its_place_and_what_would_be_right, 0, N_CASES);
	tcase_add_test(tc, a_file_that_is_not_there_is_an_error);
	tcase_add_loop_test(tc, an_override_is_named_in_its_error, 0,
	    sizeof sets / sizeof *sets);
	tcase_add_test(tc, parameters_are_bound_with_their_units);
	tcase_add_test(tc, a_wrong_parameter_is_an_error_with_its_place);
	tcase_add_test(
	    tc, a_policy_compared_with_ignores_what_it_does_not_know);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
