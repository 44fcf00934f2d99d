/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Results, from what a simulation tells to the bytes of the files; the
 * directory that is there whole or not at all; and comparisons by hand.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/comparison.h"
#include "sim/outdir.h"
#include "sim/results.h"
#include "sim/table.h"

/* A world of two hosts. */

static const struct domain domains[] = {{"D1"}, {"D2"}};
static const struct host hosts[] = {
    {"a", {0}, 1000, 4096}, {"b, \"the\"", {1}, 2000, 8192}};
static const struct environment envs[] = {{"V1", 0, 2}, {"V2", 2, 1}};
static const struct vm vms[] = {{.name = "head",
                                    .env = {0},
                                    .home = {ID_NONE},
                                    .vcpu_mcpu = 1000,
                                    .is_head = 1},
    {.name = "1", .env = {0}, .home = {ID_NONE}, .vcpu_mcpu = 1000},
    {.name = "2", .env = {1}, .home = {ID_NONE}, .vcpu_mcpu = 1000}};
static char world_name[] = "made up";
static struct scenario scenario = {.name = world_name,
    .digest = "feed",
    .record = true,
    .model = {.domains = domains,
        .hosts = hosts,
        .envs = envs,
        .vms = vms,
        .n_domains = 2,
        .n_hosts = 2,
        .n_envs = 2,
        .n_vms = 3}};
static const double no_values[64];

static struct results_of of_policy(const struct policy *policy)
{
	return (struct results_of){.scenario = &scenario,
	    .policy = policy,
	    .values = no_values,
	    .seed = 7};
}

static struct host_id host(uint32_t ix)
{
	return (struct host_id){ix};
}

static struct vm_id vm(uint32_t ix)
{
	return (struct vm_id){ix};
}

static const struct sim_round first_round = {.vm = {1},
    .start_ns = NS_PER_S,
    .migration = 0,
    .round = 1,
    .sent_pages = 10,
    .skipped_pages = 2.4,
    .dirtied_pages = 3,
    .duration_ns = 500 * NS_PER_MS,
    .rate_bps = 1e8};
static const struct sim_migration moved = {.vm = {1},
    .from = {0},
    .to = {1},
    .rounds = 1,
    .start_ns = NS_PER_S,
    .end_ns = 2 * NS_PER_S + 1234,
    .downtime_ns = 165 * NS_PER_MS,
    .network_ns = 4 * NS_PER_MS,
    .sent_bytes = 40960,
    .outcome = "done"};

/* V2 ends at once; V1 moves, and runs until end_s. */
static void tell(const struct sim_listener *l, double end_s)
{
	const struct sim_host_row host_rows[] = {
	    {host(0), 1, 250.04, 500, 1024}, {host(1), 0, 0, 0, 0}};
	const struct sim_vm_row vm_row = {
	    vm(1), host(0), VM_RUNNING, 250.04, 500, 512, 1024};
	const struct sim_vm_row vm_silent = {
	    vm(1), host(0), VM_RUNNING, 250.04, 500, MEM_UNKNOWN, 1024};
	struct vm_observation seen[3] = {
	    [1] = {.mem_alloc_kib = 1024, .mem_target_kib = 512}};
	const struct observation obs = {.now_ns = NS_PER_S,
	    .sequence = 1,
	    .hosts = (struct host_observation[2]){{HOST_UP, 0, 0}},
	    .envs = (struct env_observation[2]){{ENV_RUNNING, 1, 0, -1}},
	    .vms = seen};
	struct action actions[] = {{.kind = ACTION_MIGRATE,
	                               .vm = vm(1),
	                               .from = host(0),
	                               .to = host(1),
	                               .reason = {"{} CPUs, of {}", 2, 0.5}},
	    {.kind = ACTION_SET_CPU,
	        .vm = vm(1),
	        .from = host(0),
	        .to = NO_HOST,
	        .weight = 128,
	        .reason = {.text = "fair"}},
	    {.kind = ACTION_SET_MEM,
	        .vm = vm(2),
	        .from = host(1),
	        .to = NO_HOST,
	        .mem_kib = 99,
	        .reason = {.text = "no"},
	        .refused = "V2 has gone"}};
	const struct plan plan = {.actions = actions, .n_actions = 3};
	struct sim_env_end end = {.env = {1},
	    .created_ns = 0,
	    .start_ns = 0,
	    .end_ns = 0,
	    .outcome = "done"};

	l->vm_moved(l->self, 0, vm(0), NO_HOST, host(0));
	l->vm_moved(l->self, 0, vm(1), NO_HOST, host(0));
	l->env_ended(l->self, &end);
	l->manager.observed(l->manager.self, &obs);
	l->manager.planned(l->manager.self, &obs, &plan);
	l->series_hosts(l->self, NS_PER_S, host_rows, 2);
	l->series_vms(l->self, NS_PER_S, &vm_row, 1);
	l->series_vms(l->self, 2 * NS_PER_S, &vm_silent, 1);
	l->round_ended(l->self, &first_round);
	l->migration_ended(l->self, &moved);
	l->vm_moved(l->self, moved.end_ns, vm(1), host(0), host(1));
	l->env_stalled(l->self, (struct env_id){0}, NS_PER_S, 3 * NS_PER_S, 7);
	end = (struct sim_env_end){.env = {0},
	    .created_ns = NS_PER_S / 2,
	    .start_ns = NS_PER_S,
	    .end_ns = NS_PER_S + (int64_t)(end_s * 1e9),
	    .outcome = "done"};
	l->env_ended(l->self, &end);
}

/* Files. */

static char folder[] = "results-XXXXXX";

static void make_folder(void)
{
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
	char command[100];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static char *read_file(const char *name)
{
	static char text[65536];
	char *path = outdir_join(folder, name);
	FILE *file = fopen(path, "re");
	size_t n;

	ck_assert_msg(file, "%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	free(path);
	return text;
}

static struct results *run(
    const struct policy *policy, const char *to, double end_s)
{
	const struct results_of of = of_policy(policy);
	const struct sim_metrics metrics = {.n_migrations = 1};
	struct err err = {0};
	struct results *r = results_new(&of, to, &err);

	ck_assert_msg(r, "%s", err.text);
	tell(results_listener(r), end_s);
	ck_assert_msg(results_finish(r, &metrics, &err), "%s", err.text);
	return r;
}

START_TEST(files_say_what_was_told)
{
	results_free(run(&policy_none, folder, 100.5));
	ck_assert_str_eq(read_file("environments.csv"),
	    "environment,created_s,start_s,end_s,execution_s,outcome\n"
	    "V1,0.500000,1.000000,101.500000,100.500000,done\n"
	    "V2,0.000000,0.000000,0.000000,0.000000,done\n");
	ck_assert_str_eq(read_file("actions.csv"),
	    "time_s,action,environment,vm,from_domain,from_host,to_domain,"
	    "to_host,amount,unit,reason\n"
	    "1.000000,migrate,V1,1,D1,a,D2,\"b, \"\"the\"\"\",1024,KiB,"
	    "\"2 CPUs, of 0.5\"\n"
	    "1.000000,set-cpu,V1,1,D1,a,,,500,mcpu,fair\n");
	ck_assert_str_eq(read_file("migrations.csv"),
	    "environment,vm,from_host,to_host,start_s,end_s,total_s,"
	    "downtime_s,network_s,rounds,sent_bytes,outcome\n"
	    "V1,1,a,\"b, \"\"the\"\"\",1.000000,2.000001,1.000001,0.165000,"
	    "0.004000,1,40960,done\n");
	ck_assert_str_eq(read_file("rounds.csv"),
	    "vm,round,sent_pages,skipped_pages,duration_s,rate_bit_s,"
	    "dirtied_pages,environment,migration,start_s\n"
	    "1,1,10,2,0.500000,100000000,3,V1,0,1.000000\n");
	ck_assert_str_eq(read_file("placements.csv"),
	    "time_s,environment,vm,role,from_host,to_host\n"
	    "0.000000,V1,head,head,,a\n"
	    "0.000000,V1,1,compute,,a\n"
	    "2.000001,V1,1,compute,a,\"b, \"\"the\"\"\"\n");
	ck_assert_str_eq(read_file("hosts.csv"),
	    "time_s,domain,host,vms,cpu_used_mcpu,cpu_alloc_mcpu,cpu_mcpu,"
	    "mem_alloc_kib,mem_kib\n"
	    "1.000000,D1,a,1,250.0,500.0,1000,1024,4096\n"
	    "1.000000,D2,\"b, \"\"the\"\"\",0,0.0,0.0,2000,0,8192\n");
	ck_assert_str_eq(read_file("vms.csv"),
	    "time_s,environment,vm,host,state,cpu_used_mcpu,cpu_alloc_mcpu,"
	    "mem_used_kib,mem_alloc_kib\n"
	    "1.000000,V1,1,a,running,250.0,500.0,512,1024\n"
	    "2.000000,V1,1,a,running,250.0,500.0,,1024\n");
	ck_assert_ptr_nonnull(strstr(read_file("record"), "\nplan 1 3\n"));
	ck_assert_ptr_nonnull(
	    strstr(read_file("summary.json"), "\"scenario_digest\": \"feed\""));
}
END_TEST

START_TEST(the_same_run_gives_the_same_bytes)
{
	static const char *const names[] = {
	    "environments.csv", "record", "summary.json", "actions.csv"};
	char *first[4];

	results_free(run(&policy_none, folder, 3));
	for (int i = 0; i < 4; i++)
		first[i] = strdup(read_file(names[i]));
	remove_folder();
	make_folder();
	results_free(run(&policy_none, folder, 3));
	for (int i = 0; i < 4; i++) {
		ck_assert_str_eq(read_file(names[i]), first[i]);
		free(first[i]);
	}
}
END_TEST

START_TEST(sums_are_by_hand)
{
	struct results *r = run(&policy_none, NULL, 100.5);

	/* (100.5 + 0) / 2; from V2's start at 0 to V1's end at 101.5 */
	ck_assert_double_eq_tol(results_mean_execution_s(r), 50.25, 1e-9);
	ck_assert_double_eq_tol(results_overall_s(r), 101.5, 1e-9);
	ck_assert_int_eq(results_envs(r)[0].stalled_ns, 2 * NS_PER_S);
	ck_assert_int_eq(results_envs(r)[0].linger_ns, 7);
	results_free(r);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told)
{
	const struct results_of of = of_policy(&policy_none);
	struct err err = {0};

	ck_assert_ptr_null(results_new(&of, "no/such/folder", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "no/such/folder"));
}
END_TEST

/* A file system that takes no more is played by the limit of a file's size,
 * which the process has to itself. */
START_TEST(a_full_disk_leaves_whole_lines_and_is_told_once)
{
	const struct results_of of = of_policy(&policy_none);
	const struct rlimit limit = {5000, 5000};
	struct sim_host_row row = {.host = {0}};
	struct sim_metrics metrics = {0};
	struct err err = {0};
	struct results *r = results_new(&of, folder, &err);
	const struct sim_listener *to = results_listener(r);
	const char *text;
	int n_told = 0;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 400; i++) {
		to->series_hosts(to->self, i * NS_PER_S, &row, 1);
		n_told += !results_flush(r, &err);
	}
	ck_assert_int_eq(n_told, 1);
	ck_assert_ptr_nonnull(strstr(err.text, "hosts.csv"));
	ck_assert(!results_finish(r, &metrics, &err));
	results_free(r);
	text = read_file("hosts.csv");
	ck_assert_uint_gt(strlen(text), 4000);
	ck_assert_uint_le(strlen(text), 5000);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	text = strrchr(read_file("record"), '\n');
	ck_assert_str_eq(text, "\n");
}
END_TEST

/* The directory. */

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void put(const struct outdir *dir, const char *name)
{
	struct err err;
	FILE *file = outdir_create(dir->build, name, &err);

	ck_assert_ptr_nonnull(file);
	ck_assert(outdir_finish(file, dir->build, name, &err));
}

START_TEST(a_directory_appears_whole)
{
	char *path = outdir_join(folder, "out");
	struct outdir dir;
	struct err err;

	ck_assert(outdir_open(&dir, path, false, &err));
	put(&dir, "one");
	ck_assert_int_ne(access(path, F_OK), 0);
	put(&dir, "two");
	ck_assert(outdir_commit(&dir, &err));
	outdir_close(&dir);
	ck_assert_uint_eq(count_entries(path), 2);
	ck_assert_uint_eq(count_entries(folder), 1);
	free(path);
}
END_TEST

START_TEST(what_is_not_committed_leaves_nothing)
{
	char *path = outdir_join(folder, "out");
	struct outdir dir;
	struct err err;

	ck_assert(outdir_open(&dir, path, false, &err));
	put(&dir, "one");
	outdir_close(&dir);
	outdir_close(&dir);
	ck_assert_uint_eq(count_entries(folder), 0);
	free(path);
}
END_TEST

START_TEST(what_is_there_is_replaced_only_if_asked)
{
	char *path = outdir_join(folder, "out");
	struct outdir dir;
	struct err err;

	ck_assert(outdir_open(&dir, path, false, &err));
	put(&dir, "old");
	ck_assert(outdir_commit(&dir, &err));
	outdir_close(&dir);
	ck_assert(!outdir_open(&dir, path, false, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "--force"));
	ck_assert(outdir_open(&dir, path, true, &err));
	put(&dir, "new");
	put(&dir, "newer");
	ck_assert_uint_eq(count_entries(path), 1);
	ck_assert(outdir_commit(&dir, &err));
	outdir_close(&dir);
	ck_assert_uint_eq(count_entries(path), 2);
	ck_assert_uint_eq(count_entries(folder), 1);
	free(path);
}
END_TEST

/* Somebody else may have made it meanwhile; then it is theirs. */
START_TEST(a_directory_of_another_is_not_overwritten)
{
	char *path = outdir_join(folder, "out");
	struct outdir dir;
	struct err err;

	ck_assert(outdir_open(&dir, path, false, &err));
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert(!outdir_commit(&dir, &err));
	outdir_close(&dir);
	ck_assert_uint_eq(count_entries(path), 0);
	ck_assert_uint_eq(count_entries(folder), 1);
	free(path);
}
END_TEST

/* Tables. */

START_TEST(a_table_is_read_as_it_was_written)
{
	static const char *const cells[] = {"plain", "", "a,b", "\"",
	    "two\nlines", " spaces ", "\"\",\r\n\"", "h\xc3\xb4te"};
	enum { N = sizeof cells / sizeof *cells };
	char *path = outdir_join(folder, "t.csv");
	FILE *out = fopen(path, "we");
	struct table table;
	struct err err;

	for (int row = 0; row < 3; row++)
		for (int i = 0; i < N; i++) {
			table_put_text(out, cells[(i + row) % N]);
			putc(i + 1 < N ? ',' : '\n', out);
		}
	fclose(out);
	ck_assert_msg(table_read(&table, path, &err), "%s", err.text);
	ck_assert_uint_eq(table.n_rows, 2);
	for (uint32_t row = 0; row < 2; row++)
		for (int i = 0; i < N; i++)
			ck_assert_str_eq(table_text(&table, row, i),
			    cells[(i + (int)row + 1) % N]);
	ck_assert_int_eq(table_find(&table, "a,b"), 2);
	ck_assert_int_eq(table_find(&table, "nobody"), NO_COLUMN);
	table_fini(&table);
	free(path);
}
END_TEST

START_TEST(a_ragged_table_is_refused_with_its_row)
{
	char *path = outdir_join(folder, "t.csv");
	FILE *out = fopen(path, "we");
	struct table table;
	struct err err;

	fputs("a,b\n1,2\n1\n", out);
	fclose(out);
	ck_assert(!table_read(&table, path, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "row 3"));
	ck_assert_ptr_nonnull(strstr(err.text, path));
	free(path);
}
END_TEST

START_TEST(times_have_six_decimals_and_never_is_empty)
{
	static const struct {
		int64_t ns;
		const char *text;
	} times[] = {{0, "0.000000"}, {999, "0.000000"}, {1000, "0.000001"},
	    {NS_PER_S, "1.000000"}, {-1, ""}, {INT64_MAX, "9223372036.854775"}};

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		char text[40] = "";
		FILE *out = fmemopen(text, sizeof text, "w");

		table_put_time(out, times[i].ns);
		fclose(out);
		ck_assert_str_eq(text, times[i].text);
	}
}
END_TEST

/* Comparisons. */

START_TEST(a_comparison_is_by_hand)
{
	struct results *a = run(&policy_none, NULL, 100);
	struct results *b = run(&policy_violin, NULL, 70);
	const struct comparison c = {{a, b}, 2};
	char text[400] = "";
	FILE *out = fmemopen(text, sizeof text, "w");

	/* V2 takes no time at all under both: 0 / 0 is no ratio. */
	comparison_write_csv(&c, out);
	fclose(out);
	ck_assert_str_eq(text, "environment,none_s,violin_s,violin_ratio\n"
	                       "V1,100.000000,70.000000,0.700000\n"
	                       "V2,0.000000,0.000000,\n"
	                       "average,50.000000,35.000000,0.700000\n"
	                       "overall,101.000000,71.000000,0.702970\n");
	results_free(a);
	results_free(b);
}
END_TEST

/* One that crashes under a policy has no time there, and no part in the
 * average anywhere. */
START_TEST(who_does_not_end_everywhere_has_no_part_in_the_average)
{
	struct results *a = run(&policy_none, NULL, 100);
	struct results *b = run(&policy_violin, NULL, 70);
	const struct comparison c = {{a, b}, 2};
	const struct sim_env_end crash = {.env = {1},
	    .start_ns = 0,
	    .end_ns = NS_PER_S,
	    .outcome = "crashed"};
	const struct sim_listener *l = results_listener(b);

	l->env_ended(l->self, &crash);
	ck_assert(isnan(comparison_time_s(&c, 1, 1)));
	ck_assert_double_eq_tol(
	    comparison_time_s(&c, comparison_average(&c), 0), 100, 1e-9);
	ck_assert_double_eq_tol(
	    comparison_ratio(&c, comparison_average(&c), 1), 0.7, 1e-9);
	results_free(a);
	results_free(b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("results");
	TCase *tc = tcase_create("results");
	SRunner *runner;
	int failed;
	const char *tmp = getenv("TMPDIR");

	if (chdir(tmp ? tmp : "/tmp") != 0)
		return 1;
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_add_test(tc, files_say_what_was_told);
	tcase_add_test(tc, the_same_run_gives_the_same_bytes);
	tcase_add_test(tc, sums_are_by_hand);
	tcase_add_test(tc, a_file_that_cannot_be_written_is_told);
	tcase_add_test(tc, a_full_disk_leaves_whole_lines_and_is_told_once);
	tcase_add_test(tc, a_directory_appears_whole);
	tcase_add_test(tc, what_is_not_committed_leaves_nothing);
	tcase_add_test(tc, what_is_there_is_replaced_only_if_asked);
	tcase_add_test(tc, a_directory_of_another_is_not_overwritten);
	tcase_add_test(tc, a_table_is_read_as_it_was_written);
	tcase_add_test(tc, a_ragged_table_is_refused_with_its_row);
	tcase_add_test(tc, times_have_six_decimals_and_never_is_empty);
	tcase_add_test(tc, a_comparison_is_by_hand);
	tcase_add_test(
	    tc, who_does_not_end_everywhere_has_no_part_in_the_average);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
