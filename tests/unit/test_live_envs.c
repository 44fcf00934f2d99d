/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single transitions of the live manager: environments.  When one is asked
 * for, undone, over and how; what is kept for the manager that comes after;
 * what a wrong guest configuration does.
 */
#include "tests/unit/live_rig.h"

static struct action create(uint32_t vm, uint32_t host)
{
	return (struct action){.kind = ACTION_CREATE, .vm = {vm},
	    .from = NO_HOST, .to = {host}, .weight = WEIGHT_DEFAULT,
	    .mem_kib = 512 * KIB_PER_MIB};
}

/* Environment 1 has nothing, and all hosts have told. */
static void all_but_b(void)
{
	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(0, 1, HOST_VM_RUNNING);
	for (int i = 0; i < 3; i++)
		rig_round();
}

/* When it is asked for. */

START_TEST(nothing_is_created_before_every_host_has_told)
{
	live_refresh(live, now_ns);
	rig_report(0);
	rig_report(1);
	rig_answer_checks();
	live_tick(live, now_ns);
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	ck_assert_ptr_nonnull(strstr(live_env_note(live, 1), "heard of"));
	rig_report(2);
	rig_answer_checks();
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
}
END_TEST

START_TEST(nothing_is_created_while_another_managers_acts_are_under_way)
{
	reports[2].n_outcomes = 1;
	reports[2].outcomes[0] = (struct message_answer){
	    .generation = GENERATION - 1, .request = 9,
	    .kind = ANSWER_PENDING};
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	ck_assert_ptr_nonnull(
	    strstr(live_env_note(live, 1), "another manager began"));
	reports[2].outcomes[0].kind = ANSWER_DONE;
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
}
END_TEST

/* What is checked. */

START_TEST(nothing_is_queued_before_its_configuration_was_checked)
{
	live_refresh(live, now_ns);
	for (uint32_t h = 0; h < HOSTS; h++)
		rig_report(h);
	live_tick(live, now_ns);
	ck_assert_int_eq(live_check(live, NULL), LIVE_CHECKING);
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	ck_assert_ptr_nonnull(strstr(live_env_note(live, 1), "has checked"));
	rig_answer_checks();
	ck_assert_int_eq(live_check(live, NULL), LIVE_CHECKED_RIGHT);
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
	/* Each configuration on each host, and each VM by one: A-1 and B-1
	 * on three hosts, A-2 on whichever was first. */
	uint32_t n = 0;
	for (uint32_t i = 0; i < n_sent; i++)
		n += sent[i].header.type == MESSAGE_CHECK;
	ck_assert_uint_eq(n, 7);
}
END_TEST

START_TEST(wrong_configuration_refuses_the_environment_with_its_line)
{
	struct err err = {""};

	wrong_config = "type: right is \"pvh\" or \"pv\"";
	rig_round();
	ck_assert_int_eq(live_check(live, &err), LIVE_CHECKED_WRONG);
	ck_assert_ptr_nonnull(strstr(err.text, ":7: type: right is"));
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	ck_assert_ptr_nonnull(strstr(live_env_note(live, 1), ":7: type"));
	/* Set right on the hosts, it is asked for once more. */
	wrong_config = NULL;
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	ck_assert(live_create(live, 1, &err));
	rig_round();
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
}
END_TEST

START_TEST(check_that_is_not_answered_is_asked_of_another_host)
{
	unchecked = "A-2"; /* which host 0 alone is asked */
	rig_round();
	ck_assert_int_eq(live_check(live, NULL), LIVE_CHECKING);
	ck_assert_int_eq(rig_env(0), ENV_ABSENT);
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
	for (int i = 0; i < 4; i++) {
		rig_wait(live_usual.stale_ns / 3);
		for (uint32_t h = 1; h < HOSTS; h++)
			rig_report(h);
		rig_answer_checks();
	}
	ck_assert_int_eq(live_view_host(live, 0).state, HOST_STALE);
	ck_assert_int_eq(live_check(live, NULL), LIVE_CHECKED_RIGHT);
	ck_assert_int_eq(rig_env(0), ENV_QUEUED);
}
END_TEST

START_TEST(host_that_comes_back_takes_no_vm_before_it_has_checked)
{
	unchecked = "B-1";
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	for (int i = 0; i < 4; i++) {
		rig_wait(live_usual.stale_ns / 3);
		for (uint32_t h = 1; h < HOSTS; h++)
			rig_report(h);
	}
	ck_assert_int_eq(live_view_host(live, 0).state, HOST_STALE);
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
	live_refresh(live, now_ns);
	rig_report(0);
	rig_start(create(2, 0));
	ck_assert_uint_eq(rig_count(ACT_CREATE), 0);
	unchecked = NULL;
	rig_answer_checks();
	rig_start(create(2, 0));
	ck_assert_uint_eq(rig_count(ACT_CREATE), 1);
}
END_TEST

/* Half of it. */

/* A-1 runs and A-2 is nowhere, in a manager that has just started. */
static void half_of_a(void)
{
	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(0, 2, HOST_VM_RUNNING);
	for (int i = 0; i < 4; i++)
		rig_round();
}

START_TEST(what_was_being_made_is_undone_and_made_again)
{
	live_recall(live, 0, LIVE_MAKING);
	half_of_a();
	ck_assert_int_eq(rig_env(0), ENV_ABSENT);
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 1);
	rig_answer(rig_act(ACT_DESTROY), ANSWER_DONE, "");
	rig_take(0, 0);
	for (int i = 0; i < 3; i++)
		rig_round();
	ck_assert_int_eq(rig_env(0), ENV_QUEUED);
	/* The other is as it was. */
	ck_assert_int_eq(rig_env(1), ENV_RUNNING);
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 1);
}
END_TEST

START_TEST(what_was_complete_and_lost_a_vm_is_left_to_the_operator)
{
	half_of_a();
	ck_assert_int_eq(rig_env(0), ENV_CRASHED);
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 0);
	ck_assert_ptr_nonnull(strstr(live_env_note(live, 0), "incomplete"));
}
END_TEST

START_TEST(it_is_being_made_from_before_the_first_vm_until_the_last)
{
	all_but_b();
	kept[1] = LIVE_WISHED;
	rig_start(create(2, 1));
	ck_assert_int_eq(kept[1], LIVE_MAKING);
	ck_assert_uint_eq(rig_count(ACT_CREATE), 1);
	rig_answer(rig_act(ACT_CREATE), ANSWER_DONE, "");
	rig_put(1, 2, HOST_VM_RUNNING);
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_RUNNING);
	ck_assert_int_eq(kept[1], LIVE_MADE);
	/* Made again on request, it is until that is done. */
	rig_take(1, 2);
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_CRASHED);
	ck_assert(live_create(live, 1, NULL));
	ck_assert_int_eq(kept[1], LIVE_MAKING);
}
END_TEST

START_TEST(half_is_not_undone_while_another_manager_makes_the_rest)
{
	live_recall(live, 0, LIVE_MAKING);
	reports[1].n_outcomes = 1;
	reports[1].outcomes[0] = (struct message_answer){
	    .generation = GENERATION - 1, .request = 9,
	    .kind = ANSWER_PENDING};
	half_of_a();
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 0);
	reports[1].outcomes[0].kind = ANSWER_DONE;
	rig_put(1, 1, HOST_VM_RUNNING);
	rig_round();
	ck_assert_int_eq(rig_env(0), ENV_RUNNING);
	ck_assert_int_eq(kept[0], LIVE_MADE);
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 0);
}
END_TEST

START_TEST(failed_creation_is_undone_and_asked_for_again_later)
{
	all_but_b();
	rig_start(create(2, 1));
	rig_answer(rig_act(ACT_CREATE), ANSWER_FAILED, "no kernel");
	live_tick(live, now_ns);
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	ck_assert_ptr_nonnull(strstr(live_env_note(live, 1), "no kernel"));
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ABSENT);
	rig_wait(10 * SECOND);
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
}
END_TEST

/* What is wished for. */

START_TEST(unwanted_environment_does_not_come_and_what_is_there_goes)
{
	live_recall(live, 0, LIVE_UNWANTED);
	live_recall(live, 1, LIVE_UNWANTED);
	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(1, 2, HOST_VM_RUNNING);
	live_refresh(live, now_ns);
	now_ns += SECOND;
	rig_report(0); /* what the others have is not known yet */
	live_tick(live, now_ns);
	ck_assert_int_eq(rig_env(0), ENV_ENDED);
	for (int i = 0; i < 4; i++)
		rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ENDED);
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 2);
	ck_assert_uint_eq(rig_count(ACT_CREATE), 0);
}
END_TEST

START_TEST(unwanted_environment_does_not_come_at_its_time_either)
{
	site->envs[1].start_ns = now_ns + 30 * SECOND;
	rig_manager(GENERATION);
	live_recall(live, 1, LIVE_UNWANTED);
	all_but_b();
	ck_assert_int_eq(rig_env(1), ENV_ENDED);
	rig_wait(60 * SECOND);
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ENDED);
}
END_TEST

START_TEST(ended_environment_does_not_come_again)
{
	live_recall(live, 1, LIVE_ENDED);
	all_but_b();
	ck_assert_int_eq(rig_env(1), ENV_ENDED);
	ck_assert(live_create(live, 1, NULL));
	rig_round();
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_QUEUED);
}
END_TEST

/* How it ends. */

static const struct {
	enum host_vm_end first, second;
	enum env_state between, after;
	const char *outcome;
} endings[] = {
    {HOST_END_POWEROFF, HOST_END_POWEROFF, ENV_RUNNING, ENV_ENDED, "done"},
    {HOST_END_REBOOT, HOST_END_POWEROFF, ENV_RUNNING, ENV_ENDED, "done"},
    {HOST_END_CRASH, HOST_END_POWEROFF, ENV_CRASHED, ENV_CRASHED, "crashed"},
    {HOST_END_POWEROFF, HOST_END_CRASH, ENV_RUNNING, ENV_CRASHED, "crashed"},
    {HOST_END_UNKNOWN, HOST_END_POWEROFF, ENV_CRASHED, ENV_CRASHED,
        "crashed"},
};

START_TEST(it_is_done_only_if_all_its_vms_shut_down_in_order)
{
	rig_run_all();
	rig_vm(0, 0)->state = HOST_VM_DEAD;
	rig_vm(0, 0)->end = endings[_i].first;
	rig_round();
	ck_assert_int_eq(rig_env(0), endings[_i].between);
	rig_vm(0, 1)->state = HOST_VM_DEAD;
	rig_vm(0, 1)->end = endings[_i].second;
	rig_round();
	ck_assert_int_eq(rig_env(0), endings[_i].after);
	ck_assert_str_eq(env_outcome[0], endings[_i].outcome);
	ck_assert_int_eq(kept[0] == LIVE_ENDED,
	    strcmp(endings[_i].outcome, "done") == 0);
	/* One that crashed stays, to be looked at. */
	rig_wait(SECOND);
	ck_assert_uint_eq(rig_count(ACT_DESTROY),
	    endings[_i].after == ENV_ENDED ? 2 : 0);
}
END_TEST

START_TEST(interrupted_creation_is_undone)
{
	rig_put(0, 2, HOST_VM_BUILDING);
	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(0, 1, HOST_VM_RUNNING);
	for (int i = 0; i < 4; i++)
		rig_round();
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 1);
	ck_assert_str_eq(rig_act(ACT_DESTROY)->act.vm, "B-1");
	ck_assert_int_eq(rig_env(0), ENV_RUNNING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live envs");
	TCase *t = tcase_create("transitions");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, nothing_is_created_before_every_host_has_told);
	tcase_add_test(
	    t, nothing_is_created_while_another_managers_acts_are_under_way);
	tcase_add_test(
	    t, nothing_is_queued_before_its_configuration_was_checked);
	tcase_add_test(
	    t, wrong_configuration_refuses_the_environment_with_its_line);
	tcase_add_test(
	    t, check_that_is_not_answered_is_asked_of_another_host);
	tcase_add_test(
	    t, host_that_comes_back_takes_no_vm_before_it_has_checked);
	tcase_add_test(t, what_was_being_made_is_undone_and_made_again);
	tcase_add_test(
	    t, what_was_complete_and_lost_a_vm_is_left_to_the_operator);
	tcase_add_test(
	    t, it_is_being_made_from_before_the_first_vm_until_the_last);
	tcase_add_test(
	    t, half_is_not_undone_while_another_manager_makes_the_rest);
	tcase_add_test(
	    t, failed_creation_is_undone_and_asked_for_again_later);
	tcase_add_test(
	    t, unwanted_environment_does_not_come_and_what_is_there_goes);
	tcase_add_test(
	    t, unwanted_environment_does_not_come_at_its_time_either);
	tcase_add_test(t, ended_environment_does_not_come_again);
	tcase_add_loop_test(t,
	    it_is_done_only_if_all_its_vms_shut_down_in_order, 0,
	    sizeof endings / sizeof endings[0]);
	tcase_add_test(t, interrupted_creation_is_undone);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
