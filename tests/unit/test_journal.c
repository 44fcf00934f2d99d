/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal of hand-overs on disk, also after a crash in the middle of a
 * line. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/monitor/journal.h"

static char dir[64];
static struct journal *journal;
static struct journal_entry entries[8];
static size_t n;

static void setup(void)
{
	struct err err = {""};

	strcpy(dir, "/tmp/journal.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	journal = journal_open(dir, &err);
	ck_assert_msg(journal != NULL, "%s", err.text);
}

static void teardown(void)
{
	char command[96];

	journal_close(journal);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void note(uint64_t id, const char *vm, enum handover_state state)
{
	struct journal_entry entry = {.id = id, .state = state};
	struct err err = {""};

	strcpy(entry.vm, vm);
	ck_assert_msg(
	    journal_files.note(journal, &entry, true, &err), "%s", err.text);
}

static void append(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "a");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static bool read_all(struct err *err)
{
	return journal_files.read(journal, entries, 8, &n, err);
}

START_TEST(last_state_of_each_is_read_back)
{
	note(20, "V2", TARGET_LISTENING);
	note(3, "V1", SOURCE_CALLING);
	note(3, "V1", SOURCE_SENDING);
	note(3, "V1", SOURCE_COMMITTED);
	ck_assert(read_all(NULL));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(entries[0].id, 3);
	ck_assert_str_eq(entries[0].vm, "V1");
	ck_assert_int_eq(entries[0].state, SOURCE_COMMITTED);
	ck_assert_uint_eq(entries[1].id, 20);
	ck_assert_int_eq(entries[1].state, TARGET_LISTENING);
}
END_TEST

START_TEST(forgotten_is_gone)
{
	note(3, "V1", SOURCE_KEPT);
	journal_files.forget(journal, 3);
	ck_assert(read_all(NULL));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(torn_line_is_as_if_it_was_never_written)
{
	note(3, "V1", SOURCE_LEAVING);
	append("3.handover", "1763833205.123 V1 source-comm");
	ck_assert(read_all(NULL));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(entries[0].state, SOURCE_LEAVING);
	/* And what is noted next is whole again. */
	note(3, "V1", SOURCE_TAKING_BACK);
	ck_assert(read_all(NULL));
	ck_assert_int_eq(entries[0].state, SOURCE_TAKING_BACK);
}
END_TEST

/* A violind that starts again and again notes two states each time. */
START_TEST(long_record_is_read_by_its_end)
{
	for (int i = 0; i < 400; i++) {
		note(3, "V1", TARGET_CHECKING);
		note(3, "V1", TARGET_HELD);
	}
	note(3, "V1", TARGET_STARTING);
	ck_assert(read_all(NULL));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(entries[0].vm, "V1");
	ck_assert_int_eq(entries[0].state, TARGET_STARTING);
	append("3.handover", "1763833205.123 V1 target-runn");
	ck_assert(read_all(NULL));
	ck_assert_int_eq(entries[0].state, TARGET_STARTING);
	note(3, "V1", TARGET_RUNNING);
	ck_assert(read_all(NULL));
	ck_assert_int_eq(entries[0].state, TARGET_RUNNING);
}
END_TEST

/* The disk is full after so many bytes of the line. */
START_TEST(line_that_does_not_fit_leaves_nothing)
{
	struct journal_entry entry = {3, "V1", SOURCE_COMMITTED};
	struct rlimit limit;
	char path[128];
	struct stat st;
	struct err err = {""};

	note(3, "V1", SOURCE_LEAVING);
	snprintf(path, sizeof(path), "%s/3.handover", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = (rlim_t)st.st_size + 20;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert(!journal_files.note(journal, &entry, true, &err));
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	note(3, "V1", SOURCE_TAKING_BACK);
	ck_assert_msg(read_all(&err), "%s", err.text);
	ck_assert_int_eq(entries[0].state, SOURCE_TAKING_BACK);
}
END_TEST

START_TEST(record_without_a_line_never_began)
{
	append("7.handover", "");
	append("8.handover", "1763833205.1 V");
	ck_assert(read_all(NULL));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(what_is_no_record_is_told_with_its_file)
{
	struct err err = {""};

	append("7.handover", "something else\n");
	ck_assert(!read_all(&err));
	ck_assert_ptr_nonnull(strstr(err.text, "7.handover:1:"));
}
END_TEST

START_TEST(record_has_its_room_from_the_start)
{
	char path[128];
	struct stat st;

	note(3, "V1", SOURCE_CALLING);
	snprintf(path, sizeof(path), "%s/3.handover", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_ge(st.st_blocks * 512, 4096);
	ck_assert_int_lt(st.st_size, 100);
}
END_TEST

START_TEST(journal_is_of_one_daemon_at_a_time)
{
	struct err err = {""};

	ck_assert_ptr_null(journal_open(dir, &err));
	ck_assert_ptr_nonnull(strstr(err.text, dir));
	ck_assert_ptr_nonnull(strstr(err.text, "another violind"));
	journal_close(journal);
	journal = journal_open(dir, &err);
	ck_assert_ptr_nonnull(journal);
}
END_TEST

START_TEST(host_is_of_one_daemon_at_a_time)
{
	struct err err = {""};
	char path[128];

	snprintf(path, sizeof(path), "%s/host.lock", dir);
	int first = journal_lock_host(path, &err);
	ck_assert_msg(first >= 0, "%s", err.text);
	ck_assert_int_eq(journal_lock_host(path, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_ptr_nonnull(strstr(err.text, "this host"));
	close(first);
	first = journal_lock_host(path, &err);
	ck_assert_int_ge(first, 0);
	close(first);
	ck_assert_int_eq(journal_lock_host("/dev/null/host.lock", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/dev/null/host.lock"));
}
END_TEST

START_TEST(folder_that_cannot_be_is_told)
{
	struct err err = {""};

	ck_assert_ptr_null(journal_open("/dev/null/journal", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/dev/null/journal"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tcase = tcase_create("journal");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, last_state_of_each_is_read_back);
	tcase_add_test(tcase, forgotten_is_gone);
	tcase_add_test(tcase, torn_line_is_as_if_it_was_never_written);
	tcase_add_test(tcase, long_record_is_read_by_its_end);
	tcase_add_test(tcase, line_that_does_not_fit_leaves_nothing);
	tcase_add_test(tcase, record_without_a_line_never_began);
	tcase_add_test(tcase, what_is_no_record_is_told_with_its_file);
	tcase_add_test(tcase, record_has_its_room_from_the_start);
	tcase_add_test(tcase, journal_is_of_one_daemon_at_a_time);
	tcase_add_test(tcase, host_is_of_one_daemon_at_a_time);
	tcase_add_test(tcase, folder_that_cannot_be_is_told);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
