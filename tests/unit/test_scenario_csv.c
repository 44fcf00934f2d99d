/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CSV files that scenarios name: what they become, and where they are
 * wrong. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/csv.h"
#include "scenarios/swf.h"
#include "scenarios/trace.h"

static struct pool *pool;
static char path[512], path2[512];

static void open_pool(void)
{
	const char *folder = getenv("TMPDIR");

	ck_assert_ptr_nonnull(folder);
	snprintf(path, sizeof path, "%s/a.csv", folder);
	snprintf(path2, sizeof path2, "%s/b.csv", folder);
	pool = pool_new();
}

static void close_pool(void)
{
	pool_free(pool);
	remove(path);
	remove(path2);
}

static void write_bytes(const char *to, const char *text, size_t size)
{
	FILE *out = fopen(to, "w");

	ck_assert_ptr_nonnull(out);
	fwrite(text, 1, size, out);
	fclose(out);
}

static void write_text(const char *to, const char *text)
{
	write_bytes(to, text, strlen(text));
}

/* What is right. */

START_TEST(levels_are_fractions_and_kib_by_step_and_vm)
{
	struct err err = {""};
	struct trace *t;

	write_text(path, "# a comment\ntime_s,a,b\n0,10,20\n\n300,30,40.5\n"
	                 "600, 50 ,\"60\"\n");
	write_text(path2, "time_s,a,b\n0,1,2\n300,3,4\n600,5,6.5");
	t = trace_read(pool, path, path2, &err);
	ck_assert_msg(t != NULL, "%s", err.text);
	ck_assert_uint_eq(t->n_vms, 2);
	ck_assert_uint_eq(t->n_steps, 3);
	ck_assert_int_eq(t->interval_ns, 300 * NS_PER_S);
	ck_assert_double_eq_tol((double)t->cpu[0], 0.1, 1e-7);
	ck_assert_double_eq_tol((double)t->cpu[1 * 2 + 1], 0.405, 1e-7);
	ck_assert_double_eq_tol((double)t->cpu[2 * 2 + 1], 0.6, 1e-7);
	ck_assert_double_eq((double)t->mem_kib[1 * 2 + 0], 3 * 1024);
	ck_assert_double_eq((double)t->mem_kib[2 * 2 + 1], 6656);
}
END_TEST

START_TEST(tasks_are_sorted_by_vm_and_keep_their_order)
{
	struct err err = {""};
	struct task_list *l;

	write_text(path, "vm,think_s,work_s\r\nb,1,2\r\na,3,4\r\nb,5,6\r\n");
	l = trace_read_tasks(pool, path, &err);
	ck_assert_msg(l != NULL, "%s", err.text);
	ck_assert_uint_eq(l->n_vms, 2);
	ck_assert_uint_eq(l->first[0], 0);
	ck_assert_uint_eq(l->first[1], 2);
	ck_assert_uint_eq(l->first[2], 3);
	ck_assert_double_eq(l->think_s[0], 1);
	ck_assert_double_eq(l->work_s[1], 6);
	ck_assert_double_eq(l->think_s[2], 3);
}
END_TEST

START_TEST(jobs_that_ran_are_sorted_by_submit_time)
{
	struct err err = {""};
	struct swf_log *log;

	write_text(path,
	    "; a comment\n"
	    "7 50 0 10 -1 -1 -1 3 -1 -1 1 1 1 1 1 1 -1 -1\n"
	    "8 20 0 -1 4 -1 -1 4 -1 -1 0 1 1 1 1 1 -1 -1\n"
	    "\n"
	    "9 10.5 0 20 2 15 1000 2 -1 -1 1 1 1 1 1 1 -1 -1\r\n");
	log = swf_read(pool, path, &err);
	ck_assert_msg(log != NULL, "%s", err.text);
	ck_assert_uint_eq(log->n_jobs, 2);
	ck_assert_uint_eq(log->n_skipped, 1);
	ck_assert_int_eq(log->jobs[0].number, 9);
	ck_assert_int_eq(log->jobs[0].submit_ns, 10500 * NS_PER_MS);
	ck_assert_double_eq(log->jobs[0].cpu_s, 15);
	ck_assert_uint_eq(log->jobs[0].used_kib, 1000);
	ck_assert_uint_eq(log->jobs[1].processors, 3);
	ck_assert_double_eq(log->jobs[1].cpu_s, 10);
	ck_assert_uint_eq(log->jobs[1].used_kib, 0);
}
END_TEST

/* What is wrong. */

enum format { TRACE, TASKS, STAGES, PLACEMENT, SWF };

static const char *place_nothing(
    void *self, const char *vm, const char *host, bool *wrong_vm)
{
	(void)self;
	*wrong_vm = strcmp(vm, "v") != 0;
	if (*wrong_vm)
		return "is no VM";
	return strcmp(host, "h") == 0 ? NULL : "is no host";
}

static const struct {
	enum format format;
	const char *text;
	const char *error; /* behind the name of the file */
} cases[] = {
	{TRACE, "", ":1:1: the file is empty"},
	{TRACE, "time,a\n0,1\n", ":1:1: not the header of a trace"},
	{TRACE, "time_s\n0\n", ":1:1: not the header of a trace"},
	{TRACE, "time_s,a\n", ":2:1: no row below the header"},
	{TRACE, "time_s,a\n0,x\n",
	    ":2:3: the CPU use (percent) is \"x\", not a number"},
	{TRACE, "time_s,a\n0,101\n",
	    ":2:3: the CPU use (percent) is 101; it can be 0 to 100"},
	{TRACE, "time_s,a\n0,-1\n", ":2:3: the CPU use (percent) is -1;"},
	{TRACE, "time_s,a\n0,nan\n", ":2:3: the CPU use (percent) is \"nan\""},
	{TRACE, "time_s,a,b\n0,1,2\n300,1\n",
	    ":3:6: 2 cells in this row; there must be 3"},
	{TRACE, "time_s,a\n0,1\n300,1,7\n",
	    ":3:7: 3 cells in this row; there must be 2"},
	{TRACE, "time_s,a\n0,1\n0,1\n",
	    ":3:1: the time is 0; it must rise from row to row"},
	{TRACE, "time_s,a\n0,1\n300,1\n500,1\n",
	    ":4:1: the time is 500; with steps of 300 s it must be 600"},
	{TRACE, "time_s,a\n0,\"1\n", ":2:1: a quoted cell does not end"},
	{TRACE, "time_s,a\n0,1\"2\n", ":2:1: a quote within a cell"},
	{TASKS, "vm,think,work\n",
	    ":1:4: the header has \"think\" here; it must be \"think_s\""},
	{TASKS, "vm,think_s,work_s\n", ":2:1: no row below the header"},
	{TASKS, "vm,think_s,work_s\na,1,-2\n", ":2:5: the work is -2;"},
	{TASKS, "vm,think_s,work_s\n,1,2\n", ":2:1: no VM is named here"},
	{STAGES, "work_s\n", ":1:7: the header has \"\" here"},
	{PLACEMENT, "vm,host\nw,h\n", ":2:1: \"w\" is no VM"},
	{PLACEMENT, "vm,host\nv,x\n", ":2:3: \"x\" is no host"},
	{SWF, "", ":1:1: no job that ran"},
	{SWF, "1 2 3\n", ":1:6: field 4 of 18 must be a number"},
	{SWF, "1 0 x 10 4 -1 -1 4 -1 -1 0 1 1 1 1 1 -1 -1\n",
	    ":1:5: field 3 of 18 must be a number"},
	{SWF, "1 0 0 10 4 -1 -1 4 -1 -1 0 1 1 1 1 1 -1 -1 9\n",
	    ":1:44: more than 18 fields"},
	{SWF, "1 0 0 10 4e9 -1 -1 4 -1 -1 0 1 1 1 1 1 -1 -1\n",
	    ":1:1: field 5 is 4000000000; the most is 1000000"},
};

enum { N_CASES = sizeof cases / sizeof *cases };

static bool read_as(enum format format, struct err *err)
{
	uint32_t n;

	switch (format) {
	case TRACE:
		return trace_read(pool, path, NULL, err);
	case TASKS:
		return trace_read_tasks(pool, path, err);
	case STAGES:
		return trace_read_stages(pool, path, &n, err);
	case PLACEMENT:
		return trace_read_placement(path, place_nothing, NULL, err);
	case SWF:
		return swf_read(pool, path, err);
	}
	return false;
}

START_TEST(an_error_names_the_cell)
{
	const char *error = cases[_i].error;
	struct err err = {""};
	size_t n = strlen(path);

	write_text(path, cases[_i].text);
	ck_assert_msg(!read_as(cases[_i].format, &err), "took %s",
	    cases[_i].text);
	ck_assert_msg(strncmp(err.text, path, n) == 0 &&
	                  strncmp(err.text + n, error, strlen(error)) == 0,
	    "%s\ngave  %s\nnot   %s", cases[_i].text, err.text, error);
}
END_TEST

START_TEST(a_binary_file_is_refused)
{
	struct err err = {""};

	write_bytes(path, "time_s,a\n0,1\0002\n", 15);
	ck_assert(!trace_read(pool, path, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, ":2:1: a NUL byte"));
}
END_TEST

START_TEST(memory_must_agree_with_cpu)
{
	struct err err = {""};

	write_text(path, "time_s,a\n0,1\n300,1\n");
	write_text(path2, "time_s,a\n0,1\n");
	ck_assert(!trace_read(pool, path, path2, &err));
	ck_assert_ptr_nonnull(
	    strstr(err.text, "b.csv:1:1: 1 VMs in 1 steps; "));
}
END_TEST

START_TEST(a_folder_is_no_file)
{
	struct err err = {""};

	ck_assert(!trace_read(pool, getenv("TMPDIR"), NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
	ck_assert(!swf_read(pool, getenv("TMPDIR"), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
}
END_TEST

/* A column is that of the raw line, quotes and all. */
START_TEST(columns_are_counted_in_the_line_as_it_is)
{
	struct err err = {""};

	write_text(path, "time_s,a,b\n0,\"1\"  ,  x\n");
	ck_assert(!trace_read(pool, path, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "a.csv:2:11: "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scenario csv");
	TCase *tc = tcase_create("csv");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, open_pool, close_pool);
	tcase_add_test(tc, levels_are_fractions_and_kib_by_step_and_vm);
	tcase_add_test(tc, tasks_are_sorted_by_vm_and_keep_their_order);
	tcase_add_test(tc, jobs_that_ran_are_sorted_by_submit_time);
	tcase_add_loop_test(tc, an_error_names_the_cell, 0, N_CASES);
	tcase_add_test(tc, a_binary_file_is_refused);
	tcase_add_test(tc, memory_must_agree_with_cpu);
	tcase_add_test(tc, a_folder_is_no_file);
	tcase_add_test(tc, columns_are_counted_in_the_line_as_it_is);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
