/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single transitions of the live manager: migrations.  The order of what it
 * says to the two ends, what counts as known of them, aborts and an
 * operator's words in every state.
 */
#include "tests/unit/live_rig.h"

enum { ID = 4242 };

static const struct action move = {
    .kind = ACTION_MIGRATE, .vm = {2}, .from = {0}, .to = {1}};

/* VM 2 is between hosts 0 and 1, as a manager that starts finds it. */
static void found(enum handover_state source, enum handover_state target)
{
	rig_put(0, 0, HOST_VM_RUNNING);
	rig_put(0, 1, HOST_VM_RUNNING);
	rig_side(0, ID, 2, source);
	rig_side(1, ID, 2, target);
	rig_round();
}

static void forget_said(void)
{
	n_sent = 0;
}

/* From the beginning. */

START_TEST(source_is_asked_when_the_target_has_named_its_port)
{
	const struct sent *receive, *send;

	rig_run_all();
	rig_start(move);
	receive = rig_act(ACT_RECEIVE);
	ck_assert_ptr_nonnull(receive);
	ck_assert_uint_eq(receive->host, 1);
	ck_assert_uint_eq(receive->act.mem_kib, 512 * KIB_PER_MIB);
	ck_assert_ptr_null(rig_act(ACT_SEND));
	rig_answer(receive, ANSWER_PENDING, "");
	send = rig_act(ACT_SEND);
	ck_assert_ptr_nonnull(send);
	ck_assert_uint_eq(send->host, 0);
	ck_assert_str_eq(send->act.address, "192.0.2.1:7000");
	ck_assert_mem_eq(send->act.key, receive->act.key, MESSAGE_KEY_BYTES);
	ck_assert_uint_eq(send->act.handover, receive->act.handover);
	ck_assert_int_eq(rig_seen(2).state, VM_MIGRATING);
	ck_assert_uint_eq(rig_seen(2).target.ix, 1);
}
END_TEST

START_TEST(target_that_refuses_leaves_the_vm_where_it_is)
{
	struct outcome outcome;

	rig_run_all();
	rig_start(move);
	rig_answer(rig_act(ACT_RECEIVE), ANSWER_REFUSED, "no memory");
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_FAILED);
	ck_assert_str_eq(outcome.text, "no memory");
	ck_assert_ptr_null(rig_act(ACT_SEND));
	ck_assert_uint_eq(live_n_moves(live), 0);
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
	ck_assert_uint_eq(rig_seen(2).host.ix, 0);
}
END_TEST

START_TEST(source_that_refuses_has_the_target_give_up)
{
	struct outcome outcome;
	uint64_t id;

	rig_run_all();
	rig_start(move);
	id = rig_act(ACT_RECEIVE)->act.handover;
	rig_answer(rig_act(ACT_RECEIVE), ANSWER_PENDING, "");
	rig_answer(rig_act(ACT_SEND), ANSWER_REFUSED, "it is not running");
	rig_side(1, id, 2, TARGET_LISTENING);
	rig_round();
	ck_assert_int_eq(rig_word(1), WORD_ABORT);
	ck_assert_int_eq(rig_word(0), WORD_NONE);
	ck_assert(!rig_outcome(&outcome));
	rig_answer(rig_act(ACT_WORD), ANSWER_DONE, "");
	rig_side(1, id, 2, TARGET_DISCARDED);
	rig_round();
	ck_assert_int_eq(rig_word(1), WORD_FORGET);
	rig_answer(rig_act(ACT_WORD), ANSWER_DONE, "");
	rig_side(1, id, 2, HANDOVER_NO_RECORD);
	rig_round();
	ck_assert_uint_eq(live_n_moves(live), 0);
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_FAILED);
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
}
END_TEST

/* A report asked for before an end was asked cannot know of it. */
START_TEST(end_is_without_a_record_only_in_a_report_asked_for_after)
{
	rig_run_all();
	rig_start(move);
	live_refresh(live, now_ns);
	now_ns += SECOND / 10;
	rig_answer(rig_act(ACT_RECEIVE), ANSWER_PENDING, "");
	rig_answer(rig_act(ACT_SEND), ANSWER_PENDING, "");
	now_ns += SECOND / 10;
	for (uint32_t h = 0; h < HOSTS; h++)
		rig_report(h);
	ck_assert_uint_eq(live_n_moves(live), 1);
	ck_assert_int_eq(live_view_move(live, 0).source, HANDOVER_UNHEARD);
	ck_assert_int_eq(live_view_move(live, 0).target, HANDOVER_UNHEARD);
	rig_round();
	ck_assert_uint_eq(live_n_moves(live), 0);
}
END_TEST

START_TEST(vm_is_at_the_target_when_that_runs_it)
{
	struct outcome outcome;
	uint64_t id;

	rig_run_all();
	rig_start(move);
	id = rig_act(ACT_RECEIVE)->act.handover;
	rig_answer(rig_act(ACT_RECEIVE), ANSWER_PENDING, "");
	rig_answer(rig_act(ACT_SEND), ANSWER_PENDING, "");
	rig_side(0, id, 2, SOURCE_COMMITTED);
	rig_side(1, id, 2, TARGET_STARTING);
	rig_take(0, 2);
	rig_round(); /* it is on neither, and not lost */
	ck_assert_int_eq(rig_seen(2).state, VM_MIGRATING);
	ck_assert(!rig_outcome(&outcome));
	rig_side(1, id, 2, TARGET_RUNNING);
	rig_put(1, 2, HOST_VM_RUNNING);
	rig_round();
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_DONE);
	ck_assert(ended.done);
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
	ck_assert_uint_eq(rig_seen(2).host.ix, 1);
	ck_assert_int_eq(rig_word(0), WORD_DROP);
}
END_TEST

START_TEST(vm_does_not_come_back_in_an_older_sample_of_the_source)
{
	uint64_t id;

	rig_run_all();
	rig_start(move);
	id = rig_act(ACT_RECEIVE)->act.handover;
	rig_answer(rig_act(ACT_RECEIVE), ANSWER_PENDING, "");
	rig_answer(rig_act(ACT_SEND), ANSWER_PENDING, "");
	rig_side(0, id, 2, SOURCE_SENDING);
	rig_side(1, id, 2, TARGET_RUNNING);
	rig_put(1, 2, HOST_VM_RUNNING);
	live_refresh(live, ++now_ns);
	now_ns += SECOND;
	rig_report(1);
	ck_assert_uint_eq(rig_seen(2).host.ix, 1);
	now_ns += SECOND;
	rig_report(0); /* sampled before the VM went */
	ck_assert_uint_eq(rig_seen(2).host.ix, 1);
	rig_take(0, 2);
	rig_side(0, id, 2, SOURCE_MOVED);
	rig_round();
	ck_assert_uint_eq(rig_seen(2).host.ix, 1);
	ck_assert_int_eq(rig_seen(2).state, VM_RUNNING);
}
END_TEST

START_TEST(vm_is_at_the_source_when_that_has_it_back)
{
	struct outcome outcome;
	uint64_t id;

	rig_run_all();
	rig_start(move);
	id = rig_act(ACT_RECEIVE)->act.handover;
	rig_answer(rig_act(ACT_RECEIVE), ANSWER_PENDING, "");
	rig_answer(rig_act(ACT_SEND), ANSWER_PENDING, "");
	rig_side(0, id, 2, SOURCE_KEPT);
	snprintf(reports[0].handovers[0].text, MESSAGE_TEXT_MAX, "cut off");
	rig_side(1, id, 2, TARGET_READY);
	rig_round();
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_FAILED);
	ck_assert_str_eq(outcome.text, "cut off");
	ck_assert_uint_eq(rig_seen(2).host.ix, 0);
	ck_assert_int_eq(rig_word(1), WORD_DISCARD);
	ck_assert_int_eq(rig_word(0), WORD_NONE);
}
END_TEST

/* What both ends report decides, and nobody asks. */

static const struct verdict {
	enum handover_state source, target;
	enum handover_word to_source, to_target;
	bool operator_needed;
} verdicts[] = {
    {SOURCE_DOUBT, TARGET_RUNNING, WORD_DROP, WORD_NONE, false},
    {SOURCE_DOUBT, TARGET_DISCARDED, WORD_RESUME, WORD_NONE, false},
    {SOURCE_DOUBT, TARGET_HELD, WORD_NONE, WORD_RUN, false},
    {SOURCE_MOVED, TARGET_HELD, WORD_NONE, WORD_RUN, false},
    {SOURCE_KEPT, TARGET_HELD, WORD_NONE, WORD_DISCARD, false},
    {SOURCE_KEPT, TARGET_RECEIVING, WORD_NONE, WORD_ABORT, false},
    {SOURCE_MOVED, TARGET_RUNNING, WORD_FORGET, WORD_FORGET, false},
    {SOURCE_KEPT, TARGET_DISCARDED, WORD_FORGET, WORD_FORGET, false},
    {HANDOVER_NO_RECORD, TARGET_RECEIVING, WORD_NONE, WORD_ABORT, false},
    {SOURCE_KEPT, HANDOVER_NO_RECORD, WORD_FORGET, WORD_NONE, false},
    {HANDOVER_NO_RECORD, TARGET_RUNNING, WORD_NONE, WORD_FORGET, false},
    {SOURCE_DOUBT, HANDOVER_NO_RECORD, WORD_NONE, WORD_NONE, true},
    {HANDOVER_NO_RECORD, TARGET_HELD, WORD_NONE, WORD_NONE, true},
    {SOURCE_SENDING, TARGET_RECEIVING, WORD_NONE, WORD_NONE, false},
};

START_TEST(ends_are_told_what_both_of_them_report)
{
	const struct verdict *v = &verdicts[_i];

	found(v->source, v->target);
	ck_assert_uint_eq(live_n_moves(live), 1);
	ck_assert_msg(rig_word(0) == v->to_source, "source is told %s",
	    handover_word_name(rig_word(0)));
	ck_assert_msg(rig_word(1) == v->to_target, "target is told %s",
	    handover_word_name(rig_word(1)));
	ck_assert_int_eq(
	    live_view_move(live, 0).operator_needed, v->operator_needed);
}
END_TEST

START_TEST(silent_end_in_doubt_needs_an_operator_until_it_is_heard)
{
	found(SOURCE_DOUBT, TARGET_READY);
	forget_said();
	now_ns += live_usual.stale_ns + SECOND;
	live_tick(live, now_ns);
	rig_report(0);
	ck_assert(live_view_move(live, 0).operator_needed);
	ck_assert_int_eq(rig_word(0), WORD_NONE);
	rig_side(1, ID, 2, TARGET_DISCARDED);
	rig_round();
	ck_assert(!live_view_move(live, 0).operator_needed);
	ck_assert_int_eq(rig_word(0), WORD_RESUME);
}
END_TEST

START_TEST(word_is_said_again_only_on_a_newer_report)
{
	found(SOURCE_DOUBT, TARGET_HELD);
	ck_assert_int_eq(rig_word(1), WORD_RUN);
	live_refresh(live, now_ns);
	now_ns += SECOND;
	rig_answer(rig_act(ACT_WORD), ANSWER_DONE, "");
	forget_said();
	now_ns += SECOND;
	rig_report(1); /* asked for before the answer */
	ck_assert_int_eq(rig_word(1), WORD_NONE);
	rig_round();
	ck_assert_int_eq(rig_word(1), WORD_RUN);
}
END_TEST

START_TEST(word_that_was_refused_is_not_repeated_in_that_state)
{
	found(SOURCE_DOUBT, TARGET_HELD);
	rig_answer(rig_act(ACT_WORD), ANSWER_REFUSED, "it is past that");
	forget_said();
	for (int i = 0; i < 5; i++)
		rig_round();
	ck_assert_int_eq(rig_word(1), WORD_NONE);
	/* A violind that has started again may have come back to it. */
	reports[1].incarnation++;
	rig_round();
	ck_assert_int_eq(rig_word(1), WORD_RUN);
	/* One that cannot write it down now is told again. */
	rig_answer(rig_act(ACT_WORD), ANSWER_FAILED, "the disk is full");
	forget_said();
	rig_round();
	ck_assert_int_eq(rig_word(1), WORD_RUN);
}
END_TEST

/* It started again behind that state, refused the word, and reached the state
 * once more, all before it was heard of again. */
START_TEST(word_is_not_refused_in_a_state_that_came_after_the_refusal)
{
	found(SOURCE_DOUBT, TARGET_HELD);
	reports[1].incarnation++;
	reports[1].n_outcomes = 1;
	reports[1].outcomes[0] = (struct message_answer){
	    .generation = GENERATION,
	    .request = rig_act(ACT_WORD)->header.request,
	    .kind = ANSWER_REFUSED};
	forget_said();
	rig_round();
	rig_round();
	ck_assert_int_eq(rig_word(1), WORD_RUN);
	/* But twice is enough. */
	rig_answer(rig_act(ACT_WORD), ANSWER_REFUSED, "it is past that");
	forget_said();
	for (int i = 0; i < 5; i++)
		rig_round();
	ck_assert_int_eq(rig_word(1), WORD_NONE);
}
END_TEST

/* Aborts: the environment is to go, in the middle of it. */

static const struct {
	enum handover_state source, target;
	bool decided;
} middles[] = {
    {SOURCE_CALLING, TARGET_LISTENING, false},
    {SOURCE_SENDING, TARGET_LISTENING, false},
    {SOURCE_SENDING, TARGET_RECEIVING, false},
    {SOURCE_STOPPING, TARGET_RECEIVING, false},
    {SOURCE_SENT, TARGET_RECEIVING, false},
    {SOURCE_SENT, TARGET_READY, false},
    {SOURCE_LEAVING, TARGET_READY, false},
    {SOURCE_COMMITTED, TARGET_READY, false},
    {SOURCE_COMMITTED, TARGET_STARTING, false},
    {SOURCE_KEPT, TARGET_DISCARDING, true},
    {SOURCE_DROPPING, TARGET_RUNNING, true},
};

START_TEST(abort_in_each_state_goes_to_both_and_destroys_nothing_yet)
{
	enum handover_word none =
	    middles[_i].decided ? WORD_NONE : WORD_ABORT;

	rig_put(0, 2, HOST_VM_RUNNING);
	found(middles[_i].source, middles[_i].target);
	rig_round();
	forget_said();
	ck_assert(live_destroy(live, 1, NULL));
	rig_wait(SECOND);
	ck_assert_int_eq(rig_word(0), none);
	ck_assert_int_eq(rig_word(1), none);
	for (int i = 0; i < 4; i++)
		rig_round();
	ck_assert_uint_eq(rig_count(ACT_DESTROY), 0);
	/* When both have forgotten it, it goes. */
	rig_side(0, ID, 2, HANDOVER_NO_RECORD);
	rig_side(1, ID, 2, HANDOVER_NO_RECORD);
	for (uint32_t i = 0; i < n_sent; i++)
		if (sent[i].header.type == MESSAGE_ACT)
			rig_answer(&sent[i], ANSWER_DONE, "");
	for (int i = 0; i < 4; i++)
		rig_round();
	ck_assert_uint_eq(live_n_moves(live), 0);
	ck_assert_uint_ge(rig_count(ACT_DESTROY), 1);
	ck_assert_uint_eq(rig_act(ACT_DESTROY)->host, 0);
}
END_TEST

/* An operator's word, where one end stays silent. */

static const struct {
	enum handover_word word;
	bool to_source, to_target;
} resolutions[] = {
    {WORD_RESUME, true, false},
    {WORD_DROP, true, false},
    {WORD_RUN, false, true},
    {WORD_DISCARD, false, true},
    {WORD_ABORT, true, true},
    {WORD_FORGET, true, true},
};

START_TEST(operators_word_goes_to_whom_it_is_for)
{
	enum handover_word word = resolutions[_i].word;
	struct err err = {""};

	found(SOURCE_DOUBT, TARGET_READY);
	forget_said();
	ck_assert_msg(live_resolve(live, ID, word, &err), "%s", err.text);
	ck_assert_int_eq(
	    rig_word(0), resolutions[_i].to_source ? word : WORD_NONE);
	ck_assert_int_eq(
	    rig_word(1), resolutions[_i].to_target ? word : WORD_NONE);
	ck_assert(rig_act(ACT_WORD)->act.forced);
	ck_assert_uint_eq(rig_act(ACT_WORD)->act.handover, ID);
	ck_assert_str_ne(live_risk(word), "");
	ck_assert(!live_resolve(live, ID + 1, word, &err));
}
END_TEST

START_TEST(operators_word_to_a_silent_end_is_not_said)
{
	struct err err = {""};

	found(SOURCE_DOUBT, TARGET_READY);
	now_ns += live_usual.stale_ns + SECOND;
	live_tick(live, now_ns);
	rig_report(0); /* the target alone is silent */
	forget_said();
	ck_assert(!live_resolve(live, ID, WORD_RUN, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "does not answer"));
	ck_assert(live_resolve(live, ID, WORD_RESUME, &err));
	ck_assert_int_eq(rig_word(0), WORD_RESUME);
	ck_assert_int_eq(rig_word(1), WORD_NONE);
}
END_TEST

/* What is under way is left alone. */

START_TEST(vm_in_a_handover_gets_no_other_action)
{
	struct action share = {.kind = ACTION_SET_CPU, .vm = {2},
	    .from = {0}, .to = {ID_NONE}, .weight = 512};

	rig_put(0, 2, HOST_VM_RUNNING);
	found(SOURCE_SENDING, TARGET_RECEIVING);
	rig_round();
	rig_refused(share, "under way");
	rig_refused(move, "under way");
}
END_TEST

START_TEST(next_move_waits_until_the_last_is_forgotten)
{
	rig_put(0, 2, HOST_VM_RUNNING);
	found(SOURCE_KEPT, TARGET_DISCARDED);
	rig_round();
	rig_round();
	rig_refused(move, "not forgotten");
}
END_TEST

START_TEST(two_moves_never_have_one_id)
{
	uint64_t first;

	rig_run_all();
	rig_start(move);
	first = rig_act(ACT_RECEIVE)->act.handover;
	rig_answer(rig_act(ACT_RECEIVE), ANSWER_REFUSED, "");
	rig_round();
	rig_start(move);
	ck_assert_uint_gt(rig_act(ACT_RECEIVE)->act.handover, first);
	ck_assert_uint_gt(first, GENERATION);
}
END_TEST

#define LOOP(t, test, array) \
	tcase_add_loop_test(t, test, 0, sizeof array / sizeof array[0])

int main(void)
{
	Suite *suite = suite_create("live moves");
	TCase *t = tcase_create("transitions");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(
	    t, source_is_asked_when_the_target_has_named_its_port);
	tcase_add_test(t, target_that_refuses_leaves_the_vm_where_it_is);
	tcase_add_test(t, source_that_refuses_has_the_target_give_up);
	tcase_add_test(
	    t, end_is_without_a_record_only_in_a_report_asked_for_after);
	tcase_add_test(t, vm_is_at_the_target_when_that_runs_it);
	tcase_add_test(
	    t, vm_does_not_come_back_in_an_older_sample_of_the_source);
	tcase_add_test(t, vm_is_at_the_source_when_that_has_it_back);
	LOOP(t, ends_are_told_what_both_of_them_report, verdicts);
	tcase_add_test(
	    t, silent_end_in_doubt_needs_an_operator_until_it_is_heard);
	tcase_add_test(t, word_is_said_again_only_on_a_newer_report);
	tcase_add_test(
	    t, word_that_was_refused_is_not_repeated_in_that_state);
	tcase_add_test(
	    t, word_is_not_refused_in_a_state_that_came_after_the_refusal);
	LOOP(t, abort_in_each_state_goes_to_both_and_destroys_nothing_yet,
	    middles);
	LOOP(t, operators_word_goes_to_whom_it_is_for, resolutions);
	tcase_add_test(t, operators_word_to_a_silent_end_is_not_said);
	tcase_add_test(t, vm_in_a_handover_gets_no_other_action);
	tcase_add_test(t, next_move_waits_until_the_last_is_forgotten);
	tcase_add_test(t, two_moves_never_have_one_id);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
