/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Importers, on small inputs made by hand: what they write, that it loads as
 * a scenario's trace, and that a bad input writes nothing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenarios/file.h"
#include "scenarios/import.h"
#include "scenarios/swf.h"
#include "scenarios/trace.h"

static char folder[400], in[512], cpu[512], mem[512];
static struct import_summary summary;
static struct err err;

static void make_folder(void)
{
	const char *top = getenv("TMPDIR");

	ck_assert_ptr_nonnull(top);
	snprintf(folder, sizeof folder, "%s/import.XXXXXX", top);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(in, sizeof in, "%s/in", folder);
	snprintf(cpu, sizeof cpu, "%s/cpu.out", folder);
	snprintf(mem, sizeof mem, "%s/mem.out", folder);
	ck_assert_int_eq(mkdir(in, 0700), 0);
	err = (struct err){""};
}

static void put(const char *name, const char *text)
{
	char path[800];
	FILE *out;

	snprintf(path, sizeof path, "%s/%s", in, name);
	out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

static void check_text(const char *path, const char *expected)
{
	size_t size;
	char *text = file_read(path, &size, &err);

	ck_assert_msg(text != NULL, "%s", err.text);
	ck_assert_str_eq(text, expected);
	free(text);
}

/* PlanetLab. */

/* 288 lines: step i has (i * by) mod 101. */
static void put_day(const char *name, int by, int n_lines)
{
	char text[288 * 8] = "", *p = text;

	for (int i = 0; i < n_lines; i++)
		p += sprintf(p, "%d\n", i * by % 101);
	put(name, text);
}

START_TEST(planetlab_files_become_columns_by_name)
{
	struct pool *pool = pool_new();
	struct trace *t;

	put_day("b_host", 3, 288);
	put_day("a_host,x", 1, 288);
	put_day(".hidden", 1, 7);
	ck_assert_msg(import_planetlab(in, cpu, &summary, &err), "%s",
	    err.text);
	ck_assert_uint_eq(summary.n_vms, 2);
	ck_assert_uint_eq(summary.n_steps, 288);
	t = trace_read(pool, cpu, NULL, &err);
	ck_assert_msg(t != NULL, "%s", err.text);
	ck_assert_uint_eq(t->n_vms, 2);
	ck_assert_int_eq(t->interval_ns, 300 * NS_PER_S);
	for (uint32_t i = 0; i < 288; i++) {
		ck_assert_double_eq_tol(
		    (double)t->cpu[2 * i], i % 101 / 100.0, 1e-6);
		ck_assert_double_eq_tol(
		    (double)t->cpu[2 * i + 1], i * 3 % 101 / 100.0, 1e-6);
	}
	pool_free(pool);
}
END_TEST

START_TEST(a_bad_planetlab_day_is_an_error_and_writes_nothing)
{
	put_day("a", 1, 287);
	ck_assert(!import_planetlab(in, cpu, &summary, &err));
	ck_assert_ptr_nonnull(
	    strstr(err.text, "/in/a:288:1: the file ends; a day has 288"));
	put_day("a", 1, 288);
	put("b", "5\n101\n");
	ck_assert(!import_planetlab(in, cpu, &summary, &err));
	ck_assert_ptr_nonnull(strstr(
	    err.text, "/in/b:2:1: \"101\" is no percentage"));
	ck_assert_int_ne(access(cpu, F_OK), 0);
	ck_assert(!import_planetlab(folder, cpu, &summary, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "no file here"));
	ck_assert(!import_planetlab("no/such", cpu, &summary, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
}
END_TEST

/* Bitbrains. */

#define BITBRAINS_HEADER \
	"Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\t" \
	"CPU usage [MHZ];\tCPU usage [%];\tMemory capacity provisioned " \
	"[KB];\tMemory usage [KB];\tDisk read throughput [KB/s];\tDisk " \
	"write throughput [KB/s];\tNetwork received throughput [KB/s];\t" \
	"Network transmitted throughput [KB/s]\n"

/* a: samples at 1000, 1300, then a gap until 1900; b begins one step late,
 * half a minute out of step.  The grid: 0, 300, 600, 900. */
START_TEST(bitbrains_files_share_one_grid)
{
	put("b.csv", BITBRAINS_HEADER
	    "1330;1;2600;26;1.5;2097152;2048;0;0;0;0\n"
	    "1630;1;2600;26;2.5;2097152;3072;0;0;0;0\n"
	    "1930;1;2600;26;120;2097152;1024;0;0;0;0\n");
	put("a.csv", BITBRAINS_HEADER
	    "1000;1;2600;26;10;2097152;1024;0;0;0;0\n"
	    "1300;1;2600;26;20;2097152;1536;0;0;0;0\n"
	    "1900;1;2600;26;30;2097152;512;0;0;0;0\n");
	put("notes.txt", "no trace");
	ck_assert_msg(import_bitbrains(in, cpu, mem, &summary, &err), "%s",
	    err.text);
	ck_assert_uint_eq(summary.n_vms, 2);
	ck_assert_double_eq(summary.interval_s, 300);
	check_text(cpu, "time_s,\"a\",\"b\"\n0,10,0\n300,20,1.5\n"
	                "600,20,2.5\n900,30,100\n");
	check_text(mem, "time_s,\"a\",\"b\"\n0,1,0\n300,1.5,2\n600,1.5,3\n"
	                "900,0.5,1\n");
}
END_TEST

START_TEST(one_bitbrains_file_will_do)
{
	char path[600];

	put("vm.csv", BITBRAINS_HEADER
	    "1000;1;2600;26;10;2097152;1024;0;0;0;0\n"
	    "1300;1;2600;26;20;2097152;1536;0;0;0;0\n");
	snprintf(path, sizeof path, "%s/vm.csv", in);
	ck_assert_msg(import_bitbrains(path, cpu, NULL, &summary, &err), "%s",
	    err.text);
	check_text(cpu, "time_s,\"vm\"\n0,10\n300,20\n");
}
END_TEST

START_TEST(a_bad_bitbrains_file_is_an_error_and_writes_nothing)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"a;b\n", "a.csv:1:4: 2 cells in this row; there must be 11"},
		{"1;2;3;4;5;6;7;8;9;10;11\n",
		    "a.csv:1:1: not the header of a Bitbrains trace"},
		{BITBRAINS_HEADER, "a.csv:2:1: no row below the header"},
		{BITBRAINS_HEADER "1000;1;2600;26;x;2097152;1024;0;0;0;0\n",
		    "a.csv:2:16: the CPU use (percent) is \"x\""},
		{BITBRAINS_HEADER "1000;1;2600;26;1;2097152;1024;0;0;0;0\n"
		                  "900;1;2600;26;1;2097152;1024;0;0;0;0\n",
		    "a.csv:3:1: the time is 900, before"},
		{BITBRAINS_HEADER "1000;1;2600;26;1;2097152;1024;0;0;0;0\n",
		    "no VM has two samples"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		put("a.csv", cases[i].text);
		ck_assert(!import_bitbrains(in, cpu, mem, &summary, &err));
		ck_assert_msg(strstr(err.text, cases[i].error) != NULL,
		    "%s", err.text);
		ck_assert_int_ne(access(cpu, F_OK), 0);
		ck_assert_int_ne(access(mem, F_OK), 0);
	}
}
END_TEST

/* SWF. */

START_TEST(an_imported_log_has_the_same_jobs_from_time_0)
{
	struct pool *pool = pool_new();
	struct swf_log *before, *after;
	char path[600];

	put("log.swf", "; Version: 2\n"
	    "1 100 0 10 3 -1 -1 3 -1 -1 1 1 1 1 1 1 -1 -1\n"
	    "2 130 0 -1 3 -1 -1 3 -1 -1 5 1 1 1 1 1 -1 -1\n"
	    "3 150.5 9 20.25 2 15 1000 2 -1 -1 1 1 1 1 1 1 -1 -1\n");
	snprintf(path, sizeof path, "%s/log.swf", in);
	ck_assert_msg(import_swf(path, cpu, &summary, &err), "%s", err.text);
	ck_assert_uint_eq(summary.n_vms, 2);
	ck_assert_uint_eq(summary.n_skipped, 1);
	before = swf_read(pool, path, &err);
	after = swf_read(pool, cpu, &err);
	ck_assert_msg(after != NULL, "%s", err.text);
	ck_assert_uint_eq(after->n_jobs, 2);
	ck_assert_int_eq(after->jobs[0].submit_ns, 0);
	ck_assert_int_eq(after->jobs[1].submit_ns, 50500 * NS_PER_MS);
	for (uint32_t i = 0; i < 2; i++) {
		struct swf_job job = before->jobs[i];

		job.submit_ns = after->jobs[i].submit_ns;
		ck_assert_int_eq(job.number, after->jobs[i].number);
		ck_assert_double_eq(job.run_s, after->jobs[i].run_s);
		ck_assert_double_eq(job.cpu_s, after->jobs[i].cpu_s);
		ck_assert_uint_eq(
		    job.processors, after->jobs[i].processors);
		ck_assert_uint_eq(job.used_kib, after->jobs[i].used_kib);
	}
	pool_free(pool);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_an_error)
{
	put_day("a", 1, 288);
	ck_assert(!import_planetlab(in, "no/such/x.csv", &summary, &err));
	ck_assert_str_eq(
	    err.text, "no/such/x.csv: No such file or directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("import");
	TCase *tc = tcase_create("import");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, make_folder, NULL);
	tcase_add_test(tc, planetlab_files_become_columns_by_name);
	tcase_add_test(
	    tc, a_bad_planetlab_day_is_an_error_and_writes_nothing);
	tcase_add_test(tc, bitbrains_files_share_one_grid);
	tcase_add_test(tc, one_bitbrains_file_will_do);
	tcase_add_test(
	    tc, a_bad_bitbrains_file_is_an_error_and_writes_nothing);
	tcase_add_test(tc, an_imported_log_has_the_same_jobs_from_time_0);
	tcase_add_test(tc, a_place_that_cannot_be_written_is_an_error);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
