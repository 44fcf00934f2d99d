/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a manager says of two ends of a hand-over, pair by pair; that it leads
 * somewhere is test_handover.c's. */
#include <check.h>
#include <stdlib.h>

#include "backends/handover.h"

static struct handover_verdict settle(int source, int target)
{
	return handover_settle(
	    (enum handover_state)source, (enum handover_state)target);
}

START_TEST(state_names_are_read_back)
{
	for (int i = 0; i < N_HANDOVER_STATES; i++) {
		enum handover_state state;
		const char *name = handover_state_name((enum handover_state)i);

		ck_assert(handover_state_parse(name, &state));
		ck_assert_int_eq(state, i);
	}
}
END_TEST

START_TEST(settled_verdicts_name_only_sides_that_are_heard)
{
	for (int i = 0; i < N_HANDOVER_STATES; i++) {
		ck_assert_int_eq(settle(i, 0).source, WORD_NONE);
		ck_assert_int_eq(settle(0, i).target, WORD_NONE);
	}
}
END_TEST

/* Of two ends that are over, each pair is forgotten or an operator's. */
START_TEST(no_pair_that_is_over_is_kept_in_silence)
{
	for (int s = SOURCE_CALLING; s <= SOURCE_LOST; s++)
		for (int t = TARGET_LISTENING; t <= TARGET_LOST; t++) {
			struct handover_verdict v = settle(s, t);
			bool forgotten = v.source == WORD_FORGET &&
			                 v.target == WORD_FORGET;

			if (handover_is_over((enum handover_state)s) &&
			    handover_is_over((enum handover_state)t))
				ck_assert_msg(forgotten != v.operator_needed,
				    "%d and %d", s, t);
		}
	ck_assert_int_eq(
	    settle(SOURCE_LOST, TARGET_RUNNING).source, WORD_FORGET);
	/* By force, it runs twice. */
	ck_assert(settle(SOURCE_KEPT, TARGET_RUNNING).operator_needed);
	ck_assert(settle(SOURCE_TAKING_BACK, TARGET_STARTING).operator_needed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover verdicts");
	TCase *tcase = tcase_create("verdicts");

	tcase_add_test(tcase, state_names_are_read_back);
	tcase_add_test(tcase, settled_verdicts_name_only_sides_that_are_heard);
	tcase_add_test(tcase, no_pair_that_is_over_is_kept_in_silence);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
