/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single transitions of the live manager: what it starts, and on what it
 * knows; which answers count; what a report says of VMs.
 */
#include "tests/unit/live_rig.h"

static const struct action share = {.kind = ACTION_SET_CPU,
    .vm = {0}, .from = {0}, .to = {ID_NONE}, .weight = 512};

/* Answers. */

START_TEST(answer_of_another_generation_is_ignored)
{
	struct outcome outcome;

	rig_run_all();
	rig_start(share);
	rig_answer_as(rig_act(ACT_SET_CPU), ANSWER_DONE, "", 0, GENERATION - 1);
	rig_answer_as(rig_act(ACT_SET_CPU), ANSWER_DONE, "", 0, GENERATION + 1);
	ck_assert(!rig_outcome(&outcome));
	ck_assert_uint_eq(live_n_acts(live), 1);
	rig_answer(rig_act(ACT_SET_CPU), ANSWER_DONE, "");
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_DONE);
	ck_assert_uint_eq(live_n_acts(live), 0);
	ck_assert_uint_eq(rig_seen(0).weight, 512);
}
END_TEST

/* Two managers count their requests alike. */
START_TEST(outcome_of_another_generation_in_a_report_is_ignored)
{
	struct message_answer *told = &reports[0].outcomes[0];
	struct outcome outcome;

	rig_run_all();
	rig_start(share);
	reports[0].n_outcomes = 1;
	*told = (struct message_answer){.generation = GENERATION - 1,
	    .request = rig_act(ACT_SET_CPU)->header.request,
	    .kind = ANSWER_FAILED};
	rig_round();
	ck_assert(!rig_outcome(&outcome));
	told->generation = GENERATION;
	rig_round();
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_FAILED);
}
END_TEST

START_TEST(answer_from_another_host_is_ignored)
{
	struct outcome outcome;
	struct sent other;

	rig_run_all();
	rig_start(share);
	other = *rig_act(ACT_SET_CPU);
	other.host = 1;
	rig_answer(&other, ANSWER_DONE, "");
	ck_assert(!rig_outcome(&outcome));
	ck_assert_uint_eq(live_n_acts(live), 1);
}
END_TEST

START_TEST(what_is_not_answered_is_sent_again_as_it_was)
{
	struct sent first;

	rig_run_all();
	rig_start(share);
	first = *rig_act(ACT_SET_CPU);
	rig_wait(SECOND);
	rig_wait(SECOND);
	ck_assert_uint_eq(rig_times(ACT_SET_CPU), 3);
	ck_assert_uint_eq(rig_act(ACT_SET_CPU)->header.request,
	    first.header.request);
	ck_assert_uint_eq(rig_act(ACT_SET_CPU)->act.view, first.act.view);
	ck_assert_uint_eq(first.act.generation, GENERATION);
	ck_assert_uint_eq(first.act.incarnation, reports[0].incarnation);
	/* Under way, it is not; how it ends is told in a report. */
	rig_answer(&first, ANSWER_PENDING, "");
	rig_wait(SECOND);
	ck_assert_uint_eq(rig_times(ACT_SET_CPU), 3);
}
END_TEST

/* One that was asked for before it began cannot list it. */
START_TEST(what_is_under_way_and_in_no_newer_report_has_failed)
{
	struct outcome outcome;

	rig_run_all();
	rig_start(share);
	live_refresh(live, ++now_ns);
	now_ns += SECOND;
	rig_answer(rig_act(ACT_SET_CPU), ANSWER_PENDING, "");
	now_ns += SECOND;
	rig_report(0);
	ck_assert(!rig_outcome(&outcome));
	ck_assert_uint_eq(live_n_acts(live), 1);
	rig_round();
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_FAILED);
	ck_assert_ptr_nonnull(strstr(outcome.text, "not told"));
}
END_TEST

START_TEST(refusal_of_what_was_sent_once_counts_at_once)
{
	struct outcome outcome;

	rig_run_all();
	rig_start(share);
	rig_answer(rig_act(ACT_SET_CPU), ANSWER_REFUSED, "not today");
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_REFUSED);
	ck_assert_str_eq(outcome.text, "not today");
}
END_TEST

/* B-1 is asked for on host 1, twice: the first was obeyed, then violind was
 * killed, and the next refuses the second. */
START_TEST(refusal_by_a_violind_that_started_again_proves_nothing)
{
	struct outcome outcome;

	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(0, 1, HOST_VM_RUNNING);
	rig_round();
	rig_round();
	rig_start((struct action){.kind = ACTION_CREATE, .vm = {2},
	    .from = NO_HOST, .to = {1}, .weight = WEIGHT_DEFAULT,
	    .mem_kib = 512 * KIB_PER_MIB});
	ck_assert_uint_eq(rig_count(ACT_CREATE), 1);
	rig_wait(SECOND);
	ck_assert_uint_eq(rig_times(ACT_CREATE), 2);
	rig_answer(rig_act(ACT_CREATE), ANSWER_REFUSED, "started again");
	ck_assert(!rig_outcome(&outcome));
	rig_wait(SECOND);
	ck_assert_uint_eq(rig_times(ACT_CREATE), 2);
	rig_put(1, 2, HOST_VM_RUNNING);
	reports[1].incarnation += 10;
	for (int i = 0; i < 3; i++)
		rig_round(); /* until a sample is newer than what was sent */
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_DONE);
	ck_assert_int_eq(rig_env(1), ENV_RUNNING);
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 0);
}
END_TEST

START_TEST(refusal_of_what_was_sent_twice_counts_with_the_next_report)
{
	struct outcome outcome;

	rig_run_all();
	rig_start(share);
	rig_wait(SECOND);
	rig_answer(rig_act(ACT_SET_CPU), ANSWER_REFUSED, "not today");
	ck_assert(!rig_outcome(&outcome));
	rig_wait(SECOND);
	rig_round();
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_REFUSED);
	ck_assert_str_eq(outcome.text, "not today");
}
END_TEST

/* What is started at all. */

START_TEST(stale_host_gets_no_action)
{
	rig_run_all();
	now_ns += live_usual.stale_ns + SECOND;
	live_tick(live, now_ns);
	n_sent = 0;
	ck_assert_int_eq(live_view_host(live, 0).state, HOST_STALE);
	rig_refused(share, "does not answer");
	rig_round();
	n_sent = 0;
	rig_start(share);
	ck_assert_uint_eq(rig_count(ACT_SET_CPU), 1);
}
END_TEST

START_TEST(nothing_is_started_on_an_old_report)
{
	rig_run_all();
	now_ns += live_usual.fresh_ns + SECOND;
	ck_assert_int_eq(live_view_host(live, 0).state, HOST_UP);
	rig_refused(share, "too old");
	/* Nor on a sample that could not be taken. */
	snprintf(reports[0].trouble, sizeof reports[0].trouble, "no Xen");
	rig_round();
	rig_refused(share, "too old");
	reports[0].trouble[0] = '\0';
	rig_round();
	rig_start(share);
	ck_assert_uint_eq(rig_count(ACT_SET_CPU), 1);
}
END_TEST

START_TEST(draining_host_takes_no_vm_and_gives_its_own_away)
{
	struct action move = {.kind = ACTION_MIGRATE, .vm = {0},
	    .from = {0}, .to = {1}};

	rig_run_all();
	ck_assert(live_drain(live, 1, true, NULL));
	rig_refused(move, "drained");
	ck_assert(live_drain(live, 1, false, NULL));
	ck_assert(live_drain(live, 0, true, NULL));
	rig_start(move);
	ck_assert_uint_eq(rig_count(ACT_RECEIVE), 1);
}
END_TEST

START_TEST(who_only_observes_asks_and_does_nothing_else)
{
	struct outcome outcome;
	struct err err;

	rig_manager(0);
	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(0, 2, HOST_VM_BUILDING);
	rig_side(0, 77, 1, SOURCE_DOUBT);
	rig_side(1, 77, 1, TARGET_HELD);
	for (int i = 0; i < 4; i++)
		rig_round();
	rig_start(share);
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_REFUSED);
	ck_assert(!live_resolve(live, 77, WORD_RUN, &err));
	for (uint32_t i = 0; i < n_sent; i++)
		ck_assert_int_ne(sent[i].header.type, MESSAGE_ACT);
}
END_TEST

START_TEST(manager_ends_when_a_later_one_was_heard_of)
{
	struct observation obs = {0};
	struct err err = {""};

	rig_run_all();
	ck_assert(!live_is_superseded(live));
	reports[1].generation = GENERATION + 1;
	rig_round();
	ck_assert(live_is_superseded(live));
	ck_assert(!backend_live.observe(live, &obs, &err));
}
END_TEST

/* What a report says of VMs. */

START_TEST(vm_that_a_newer_sample_has_not_is_lost)
{
	rig_run_all();
	rig_take(0, 2);
	rig_round();
	ck_assert_int_eq(rig_seen(2).state, VM_DEAD);
	ck_assert_int_eq(rig_env(1), ENV_CRASHED);
	ck_assert_str_eq(env_outcome[1], "crashed");
}
END_TEST

/*
 * B-1 is made; its host's answer overtakes a report that was asked for
 * before.  The sample of the next may have been taken for another manager,
 * before that, and is given once more.
 */
START_TEST(vm_is_not_lost_for_a_sample_older_than_what_is_known)
{
	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(0, 1, HOST_VM_RUNNING);
	rig_round();
	rig_round();
	rig_start((struct action){.kind = ACTION_CREATE, .vm = {2},
	    .from = NO_HOST, .to = {1}, .weight = WEIGHT_DEFAULT,
	    .mem_kib = 512 * KIB_PER_MIB});
	live_refresh(live, now_ns);
	now_ns += SECOND / 10;
	rig_answer(rig_act(ACT_CREATE), ANSWER_DONE, "");
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
	now_ns += SECOND / 10;
	rig_report(1); /* asked for before the answer */
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
	for (int i = 0; i < 2; i++) {
		live_refresh(live, now_ns);
		now_ns += SECOND / 10;
		rig_report_as(1, i == 0); /* asked for after it */
		ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
	}
	ck_assert_int_eq(rig_env(1), ENV_RUNNING);
	live_refresh(live, now_ns);
	now_ns += SECOND / 10;
	rig_report(1); /* and a sample of its own: it is not there */
	ck_assert_int_eq(rig_seen(2).state, VM_DEAD);
}
END_TEST

START_TEST(vm_that_was_destroyed_is_not_there_again_in_an_older_sample)
{
	rig_run_all();
	ck_assert(live_destroy(live, 1, NULL));
	rig_wait(SECOND);
	live_refresh(live, now_ns);
	now_ns += SECOND / 10;
	rig_answer(rig_act(ACT_DESTROY), ANSWER_DONE, "");
	now_ns += SECOND / 10;
	rig_report(0); /* still has it */
	rig_take(0, 2);
	rig_round();
	ck_assert_int_eq(rig_env(1), ENV_ENDED);
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 1);
	ck_assert_ptr_null(strstr(logged, "lost"));
}
END_TEST

START_TEST(report_that_was_not_asked_for_last_is_not_heard)
{
	uint64_t old;

	rig_run_all();
	live_refresh(live, now_ns);
	old = asked[0];
	live_refresh(live, now_ns);
	rig_take(0, 2);
	now_ns += SECOND;
	asked[0] = old;
	rig_report(0);
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
}
END_TEST

START_TEST(sample_that_could_not_be_taken_says_nothing_of_vms)
{
	rig_run_all();
	rig_take(0, 2);
	snprintf(reports[0].trouble, sizeof reports[0].trouble, "no Xen");
	rig_round();
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
}
END_TEST

START_TEST(malformed_message_changes_nothing)
{
	uint8_t bytes[64];

	rig_run_all();
	for (size_t n = 0; n < sizeof bytes; n++) {
		memset(bytes, (int)n, sizeof bytes);
		live_hear(live, now_ns, 0, bytes, n);
	}
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
	ck_assert_uint_eq(live_n_acts(live) + live_n_moves(live), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live acts");
	TCase *t = tcase_create("transitions");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, answer_of_another_generation_is_ignored);
	tcase_add_test(
	    t, outcome_of_another_generation_in_a_report_is_ignored);
	tcase_add_test(t, answer_from_another_host_is_ignored);
	tcase_add_test(t, what_is_not_answered_is_sent_again_as_it_was);
	tcase_add_test(
	    t, what_is_under_way_and_in_no_newer_report_has_failed);
	tcase_add_test(t, refusal_of_what_was_sent_once_counts_at_once);
	tcase_add_test(
	    t, refusal_by_a_violind_that_started_again_proves_nothing);
	tcase_add_test(
	    t, refusal_of_what_was_sent_twice_counts_with_the_next_report);
	tcase_add_test(t, stale_host_gets_no_action);
	tcase_add_test(t, nothing_is_started_on_an_old_report);
	tcase_add_test(t, draining_host_takes_no_vm_and_gives_its_own_away);
	tcase_add_test(t, who_only_observes_asks_and_does_nothing_else);
	tcase_add_test(t, manager_ends_when_a_later_one_was_heard_of);
	tcase_add_test(t, vm_that_a_newer_sample_has_not_is_lost);
	tcase_add_test(
	    t, vm_is_not_lost_for_a_sample_older_than_what_is_known);
	tcase_add_test(
	    t, vm_that_was_destroyed_is_not_there_again_in_an_older_sample);
	tcase_add_test(t, report_that_was_not_asked_for_last_is_not_heard);
	tcase_add_test(t, sample_that_could_not_be_taken_says_nothing_of_vms);
	tcase_add_test(t, malformed_message_changes_nothing);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
