/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A migration between two violinds that goes wrong in every way: one of them
 * killed at each step, each call of a host failing, one side cut off.  After
 * each, the VM never ran twice, was never lost and runs in one place.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/violind_rig.h"

/* Each step of a migration, on the side that takes it. */
static const struct {
	int host;
	const char *point;
} deaths[] = {
    {A, "source-calling:noted"},
    {A, "source-sending:noted"},
    {A, "source-sending:done"},
    {A, "source-sent:noted"},
    {A, "source-sent:done"},
    {A, "source-leaving:noted"},
    {A, "source-leaving:done"},
    {A, "source-committed:noting"},
    {A, "source-committed:noted"},
    {A, "source-committed:done"},
    {A, "source-dropping:noted"},
    {A, "source-dropping:done"},
    {A, "source-moved:noted"},
    {A, "source-moved:done"},
    {B, "target-listening:noted"},
    {B, "target-receiving:noted"},
    {B, "target-receiving:done"},
    {B, "target-ready:noted"},
    {B, "target-ready:done"},
    {B, "target-starting:noting"},
    {B, "target-starting:noted"},
    {B, "target-starting:unpaused"},
    {B, "target-starting:done"},
    {B, "target-running:noted"},
    {B, "target-running:done"},
};

START_TEST(violind_may_die_at_any_step)
{
	rig_start(A, deaths[_i].host == A ? deaths[_i].point : NULL);
	rig_start(B, deaths[_i].host == B ? deaths[_i].point : NULL);
	if (rig_begin_move(17, 0)) {
		int64_t until = rig_now_ms() + WAIT_MS;

		while (!rig_is_dead(deaths[_i].host)) {
			ck_assert_msg(rig_now_ms() < until, "%s is not reached",
			    deaths[_i].point);
			usleep(5000);
		}
	}
	ck_assert_msg(rig_is_dead(deaths[_i].host), "%s is not reached",
	    deaths[_i].point);
	rig_settle(17);
	rig_check_one_place();
}
END_TEST

/* Each call of a host, failing once or hanging, and where V1 is after it. */
static const struct {
	int host;
	const char *script;
	int ends_on;
} faults[] = {
    {A, "fail describe V1", A},
    {A, "fail send V1", A},
    {A, "hang send V1", A},
    {A, "fail rename V1", A},
    {A, "fail find V1", A},
    {A, "fail find V1 after 1", B},
    {A, "fail destroy V1--outgoing", B},
    {A, "fail sample a", B},
    {B, "fail receive V1", A},
    {B, "hang receive V1", A},
    {B, "fail unpause V1--incoming", A},
    {B, "fail rename V1--incoming", B},
    {B, "fail find V1--incoming after 1", B},
    {B, "fail receive V1\nfail destroy V1--incoming", A},
    {A, "fail send V1\nfail resume V1", A},
    {A, "fail send V1\nfail find V1--outgoing after 1", A},
};

START_TEST(host_may_fail_in_any_call)
{
	rig_write_script(faults[_i].host, faults[_i].script);
	rig_start(A, NULL);
	rig_start(B, NULL);
	rig_begin_move(17, 0);
	rig_settle(17);
	ck_assert_int_eq(rig_check_one_place(), faults[_i].ends_on);
}
END_TEST

/* A peer that stops answering without being gone, as when a link is cut. */
static const struct {
	int host;
	int after_ms;
} cuts[] = {{A, 0}, {A, 300}, {B, 0}, {B, 300}};

START_TEST(side_may_be_cut_off_for_long)
{
	rig_write_script(A, "image 1M\nspeed 2M");
	rig_start(A, NULL);
	rig_start(B, NULL);
	ck_assert(rig_begin_move(17, 0));
	usleep((unsigned)cuts[_i].after_ms * 1000);
	kill(rig_pids[cuts[_i].host], SIGSTOP);
	usleep(3300000); /* longer than silent_s */
	kill(rig_pids[cuts[_i].host], SIGCONT);
	rig_settle(17);
	rig_check_one_place();
}
END_TEST

START_TEST(short_cut_is_survived)
{
	rig_write_script(A, "image 1M\nspeed 2M");
	rig_start(A, NULL);
	rig_start(B, NULL);
	ck_assert(rig_begin_move(17, 0));
	usleep(200000);
	kill(rig_pids[B], SIGSTOP);
	usleep(1200000);
	kill(rig_pids[B], SIGCONT);
	rig_settle(17);
	ck_assert_int_eq(rig_check_one_place(), B);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(array[0])))

int main(void)
{
	Suite *suite = suite_create("violind faults");
	TCase *tcase = tcase_create("violind faults");

	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_add_loop_test(tcase, violind_may_die_at_any_step, 0, N(deaths));
	tcase_add_loop_test(tcase, host_may_fail_in_any_call, 0, N(faults));
	tcase_add_loop_test(tcase, side_may_be_cut_off_for_long, 0, N(cuts));
	tcase_add_test(tcase, short_cut_is_survived);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
