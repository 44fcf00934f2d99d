/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who was where and when, from result files written by hand. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plots/timeline.h"

static char folder[] = "timeline-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[100];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* V1 has a head on a, and a VM of its own name that goes from a to b; V2 has
 * one of the same name. */
static void make_folder(void)
{
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	put("environments.csv",
	    "environment,created_s,start_s,end_s,execution_s,outcome\n"
	    "V1,0,0,90,90,done\n"
	    "V2,0,5,,,running\n");
	put("hosts.csv",
	    "time_s,domain,host\n10,D1,a\n10,D2,b\n20,D1,a\n20,D2,b\n");
	put("placements.csv", "time_s,environment,vm,role,from_host,to_host\n"
	                      "0,V1,head,head,,a\n"
	                      "0,V1,1,compute,,a\n"
	                      "5,V2,1,compute,,b\n"
	                      "30,V1,1,compute,a,b\n"
	                      "90,V1,head,head,a,\n"
	                      "90,V1,1,compute,b,\n");
	put("migrations.csv", "environment,vm,from_host,to_host,start_s,end_s\n"
	                      "V1,1,a,b,20,30\n");
}

static void remove_folder(void)
{
	char command[100];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void read_timeline(struct timeline *t)
{
	struct err err;

	ck_assert_msg(timeline_read(t, folder, &err), "%s", err.text);
}

START_TEST(everybody_is_known_once)
{
	struct timeline t;

	read_timeline(&t);
	ck_assert_uint_eq(t.domains.n, 2);
	ck_assert_uint_eq(t.hosts.n, 2);
	ck_assert_uint_eq(t.envs.n, 2);
	ck_assert_uint_eq(t.n_vms, 3);
	ck_assert(t.vm_head[0] && !t.vm_head[1] && !t.vm_head[2]);
	ck_assert_uint_eq(t.vm_env[2], 1);
	ck_assert_uint_eq(t.host_domain[1], 1);
	timeline_fini(&t);
}
END_TEST

/* Hosts are 0 and 1; 2 is none.  V2's VM stays until the end, at 90. */
static const struct {
	uint32_t vm;
	double at_s;
	uint32_t host;
} was[] = {{0, 0, 0}, {0, 89.9, 0}, {0, 90, 2}, {1, 0, 0}, {1, 29.9, 0},
    {1, 30, 1}, {1, 89.9, 1}, {1, 90, 2}, {2, 4.9, 2}, {2, 5, 1}, {2, 89.9, 1}};

START_TEST(a_vm_is_where_it_was_until_it_goes)
{
	struct timeline t;

	read_timeline(&t);
	ck_assert_double_eq_tol(t.end_s, 90, 1e-9);
	ck_assert_uint_eq(
	    timeline_host_at(&t, was[_i].vm, was[_i].at_s), was[_i].host);
	timeline_fini(&t);
}
END_TEST

START_TEST(a_vm_is_on_its_way_from_start_to_end)
{
	struct timeline t;

	read_timeline(&t);
	ck_assert_ptr_null(timeline_move_at(&t, 1, 19.9));
	ck_assert_ptr_nonnull(timeline_move_at(&t, 1, 20));
	ck_assert_uint_eq(timeline_move_at(&t, 1, 29.9)->from, 0);
	ck_assert_uint_eq(timeline_move_at(&t, 1, 29.9)->to, 1);
	ck_assert_ptr_null(timeline_move_at(&t, 1, 30));
	ck_assert_ptr_null(timeline_move_at(&t, 2, 25));
	timeline_fini(&t);
}
END_TEST

START_TEST(a_file_without_its_columns_is_refused_by_name)
{
	struct timeline t;
	struct err err;

	put("migrations.csv", "environment,vm\n");
	ck_assert(!timeline_read(&t, folder, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "migrations.csv"));
	ck_assert_ptr_nonnull(strstr(err.text, "from_host"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timeline");
	TCase *tc = tcase_create("timeline");
	SRunner *runner;
	int failed;
	const char *tmp = getenv("TMPDIR");

	if (chdir(tmp ? tmp : "/tmp") != 0)
		return 1;
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_add_test(tc, everybody_is_known_once);
	tcase_add_loop_test(tc, a_vm_is_where_it_was_until_it_goes, 0,
	    (int)(sizeof was / sizeof *was));
	tcase_add_test(tc, a_vm_is_on_its_way_from_start_to_end);
	tcase_add_test(tc, a_file_without_its_columns_is_refused_by_name);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
