/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What outlives a manager: it is on the disk when it is said to be, it is
 * read as it was written, and what is damaged is told, never guessed at.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/live/wishes.h"

static char dir[64], path[128];
static struct wishes wishes;
static struct err err;

static void setup(void)
{
	strcpy(dir, "/tmp/wishes.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/state/wishes", dir);
	strcat(dir, "/state");
}

static void teardown(void)
{
	char command[96];

	wishes_close(&wishes);
	snprintf(command, sizeof command, "rm -rf %.24s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void reopen(void)
{
	wishes_close(&wishes);
	ck_assert_msg(wishes_open(&wishes, dir, &err), "%s", err.text);
}

static bool set(enum wish_kind kind, const char *name, bool is)
{
	return wishes_set(&wishes, kind, name, is, &err);
}

START_TEST(what_was_wished_for_is_there_after_a_restart)
{
	reopen();
	ck_assert_uint_eq(wishes.n, 0);
	ck_assert(set(WISH_PAUSE, "", true));
	ck_assert(set(WISH_DRAIN, "alpha", true));
	ck_assert(set(WISH_DRAIN, "beta", true));
	ck_assert(set(WISH_MAKING, "V1", true));
	ck_assert(set(WISH_DRAIN, "alpha", false));
	reopen();
	ck_assert_uint_eq(wishes.n, 3);
	ck_assert(wishes_has(&wishes, WISH_PAUSE, ""));
	ck_assert(!wishes_has(&wishes, WISH_DRAIN, "alpha"));
	ck_assert(wishes_has(&wishes, WISH_DRAIN, "beta"));
	ck_assert(wishes_has(&wishes, WISH_MAKING, "V1"));
	/* The very bytes, each line one wish. */
	FILE *file = fopen(path, "r");
	static const char right[] = "violin-wishes 1\npause\ndrain beta\n"
				    "making V1\nsum ";
	char text[256] = "";

	ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
	fclose(file);
	ck_assert_msg(
	    strncmp(text, right, sizeof right - 1) == 0, "%s", text);
}
END_TEST

START_TEST(of_one_environment_the_last_wish_counts)
{
	reopen();
	ck_assert(set(WISH_CREATE, "V1", true));
	ck_assert(set(WISH_MAKING, "V1", true));
	ck_assert(set(WISH_DESTROY, "V1", true));
	ck_assert(set(WISH_DESTROY, "V2", true));
	ck_assert(!wishes_has(&wishes, WISH_CREATE, "V1"));
	ck_assert(wishes_has(&wishes, WISH_MAKING, "V1"));
	ck_assert(set(WISH_ENDED, "V1", true));
	reopen();
	ck_assert(!wishes_has(&wishes, WISH_DESTROY, "V1"));
	ck_assert(wishes_has(&wishes, WISH_DESTROY, "V2"));
	ck_assert(wishes_has(&wishes, WISH_ENDED, "V1"));
}
END_TEST

/* Any bit of it wrong, any length cut: told with its place, and kept. */
START_TEST(damaged_file_is_told_and_left_alone)
{
	char text[512], cut[512];
	size_t size;
	FILE *file;

	reopen();
	ck_assert(set(WISH_DRAIN, "beta", true));
	ck_assert(set(WISH_DESTROY, "V1", true));
	file = fopen(path, "r");
	size = fread(text, 1, sizeof text, file);
	fclose(file);
	for (size_t i = 0; i < 9 * size; i++) {
		size_t n = i < size ? i : size;

		memcpy(cut, text, size);
		if (i >= size)
			cut[(i - size) / 8] ^= (char)(1 << (i - size) % 8);
		file = fopen(path, "w");
		ck_assert_uint_eq(fwrite(cut, 1, n, file), n);
		fclose(file);
		wishes_close(&wishes);
		err.text[0] = '\0';
		ck_assert_msg(!wishes_open(&wishes, dir, &err), "%zu", i);
		ck_assert_msg(strstr(err.text, "/wishes:"), "%s", err.text);
		ck_assert_ptr_nonnull(strstr(err.text, "move the file away"));
		file = fopen(path, "r");
		ck_assert_uint_eq(fread(text + 256, 1, 256, file), n);
		fclose(file);
		ck_assert_mem_eq(text + 256, cut, n);
	}
}
END_TEST

START_TEST(what_cannot_be_kept_is_not_wished_for)
{
	reopen();
	ck_assert(set(WISH_DRAIN, "beta", true));
	/* Also root cannot write a file whose folder is gone. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert(!set(WISH_DRAIN, "alpha", true));
	ck_assert_str_ne(err.text, "");
	ck_assert(!set(WISH_DRAIN, "beta", false));
	ck_assert_uint_eq(wishes.n, 1);
	ck_assert(wishes_has(&wishes, WISH_DRAIN, "beta"));
}
END_TEST

START_TEST(without_a_directory_it_holds_for_this_manager)
{
	ck_assert(wishes_open(&wishes, NULL, &err));
	for (int i = 0; i < 500; i++) {
		char name[16];

		snprintf(name, sizeof name, "h%d", i);
		ck_assert(set(WISH_DRAIN, name, true));
	}
	ck_assert(wishes_has(&wishes, WISH_DRAIN, "h499"));
	ck_assert(access(dir, F_OK) < 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wishes");
	TCase *t = tcase_create("file");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_wished_for_is_there_after_a_restart);
	tcase_add_test(t, of_one_environment_the_last_wish_counts);
	tcase_add_test(t, damaged_file_is_told_and_left_alone);
	tcase_add_test(t, what_cannot_be_kept_is_not_wished_for);
	tcase_add_test(t, without_a_directory_it_holds_for_this_manager);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
