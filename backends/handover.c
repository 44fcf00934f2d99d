/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hand-over's table.  What is not listed changes nothing: a message that
 * comes twice or too late, an abort after go, a verdict against a record.
 */
#include "backends/handover.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const struct handover_rule rules[] = {
    /* Source, before it commits: every way out leads back. */
    {SOURCE_CALLING, EVENT_LINK_UP, SOURCE_SENDING, {SAY_CONFIG, DO_SEND}},
    {SOURCE_CALLING, EVENT_LINK_LOST, SOURCE_KEPT, {DO_HANG_UP}},
    {SOURCE_CALLING, EVENT_TIMEOUT, SOURCE_KEPT, {DO_HANG_UP}},
    {SOURCE_CALLING, EVENT_ABORT, SOURCE_KEPT, {DO_HANG_UP}},
    {SOURCE_CALLING, EVENT_REFUSED, SOURCE_KEPT, {DO_HANG_UP}},
    {SOURCE_CALLING, EVENT_RESTART, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},

    {SOURCE_SENDING, EVENT_OP_DONE, SOURCE_SENT, {DO_FINISH}},
    {SOURCE_SENDING, EVENT_OP_FAILED, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_SENDING, EVENT_LINK_LOST, SOURCE_STOPPING, {DO_HANG_UP, DO_END_OP}},
    {SOURCE_SENDING, EVENT_TIMEOUT, SOURCE_STOPPING, {DO_HANG_UP, DO_END_OP}},
    {SOURCE_SENDING, EVENT_ABORT, SOURCE_STOPPING, {DO_HANG_UP, DO_END_OP}},
    {SOURCE_SENDING, EVENT_REFUSED, SOURCE_STOPPING, {DO_HANG_UP, DO_END_OP}},
    {SOURCE_SENDING, EVENT_RESTART, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},

    {SOURCE_STOPPING, EVENT_OP_DONE, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_STOPPING, EVENT_OP_FAILED, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_STOPPING, EVENT_RESTART, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},

    {SOURCE_SENT, EVENT_READY, SOURCE_LEAVING, {DO_RENAME_AWAY}},
    {SOURCE_SENT, EVENT_LINK_LOST, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_SENT, EVENT_TIMEOUT, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_SENT, EVENT_ABORT, SOURCE_TAKING_BACK, {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_SENT, EVENT_REFUSED, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_SENT, EVENT_RESTART, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},

    {SOURCE_LEAVING, EVENT_OP_DONE, SOURCE_COMMITTED, {SAY_GO}},
    {SOURCE_LEAVING, EVENT_OP_FAILED, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_LEAVING, EVENT_OP_GONE, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_LEAVING, EVENT_NO_JOURNAL, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_LEAVING, EVENT_RESTART, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},

    /* Source, committed: it follows the target, or a manager's word of it. */
    {SOURCE_COMMITTED, EVENT_RUNNING, SOURCE_DROPPING, {DO_HANG_UP, DO_DROP}},
    {SOURCE_COMMITTED, EVENT_REFUSED, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_COMMITTED, EVENT_LINK_LOST, SOURCE_DOUBT, {DO_HANG_UP}},
    {SOURCE_COMMITTED, EVENT_TIMEOUT, SOURCE_DOUBT, {DO_HANG_UP}},
    {SOURCE_COMMITTED, EVENT_VERDICT_DROP, SOURCE_DROPPING,
        {DO_HANG_UP, DO_DROP}},
    {SOURCE_COMMITTED, EVENT_VERDICT_RESUME, SOURCE_TAKING_BACK,
        {DO_HANG_UP, DO_TAKE_BACK}},
    {SOURCE_COMMITTED, EVENT_RESTART, SOURCE_CHECKING, {DO_CHECK_AWAY}},

    {SOURCE_DOUBT, EVENT_RUNNING, SOURCE_DROPPING, {DO_DROP}},
    {SOURCE_DOUBT, EVENT_REFUSED, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_DOUBT, EVENT_VERDICT_DROP, SOURCE_DROPPING, {DO_DROP}},
    {SOURCE_DOUBT, EVENT_VERDICT_RESUME, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},

    {SOURCE_DOUBT, EVENT_RESTART, SOURCE_CHECKING, {DO_CHECK_AWAY}},

    {SOURCE_CHECKING, EVENT_OP_DONE, SOURCE_DOUBT, {0}},
    {SOURCE_CHECKING, EVENT_OP_PARTLY, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_CHECKING, EVENT_OP_GONE, SOURCE_MOVED, {0}},
    {SOURCE_CHECKING, EVENT_OP_FAILED, SOURCE_CHECKING, {DO_TRY_LATER}},
    {SOURCE_CHECKING, EVENT_TIMEOUT, SOURCE_CHECKING, {DO_CHECK_AWAY}},
    {SOURCE_CHECKING, EVENT_RESTART, SOURCE_CHECKING, {DO_CHECK_AWAY}},

    {SOURCE_DROPPING, EVENT_OP_DONE, SOURCE_MOVED, {0}},
    {SOURCE_DROPPING, EVENT_OP_FAILED, SOURCE_DROPPING, {DO_TRY_LATER}},
    {SOURCE_DROPPING, EVENT_TIMEOUT, SOURCE_DROPPING, {DO_DROP}},
    {SOURCE_DROPPING, EVENT_RESTART, SOURCE_DROPPING, {DO_DROP}},

    {SOURCE_TAKING_BACK, EVENT_OP_DONE, SOURCE_KEPT, {0}},
    {SOURCE_TAKING_BACK, EVENT_OP_GONE, SOURCE_LOST, {0}},
    {SOURCE_TAKING_BACK, EVENT_OP_FAILED, SOURCE_TAKING_BACK, {DO_TRY_LATER}},
    {SOURCE_TAKING_BACK, EVENT_TIMEOUT, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_TAKING_BACK, EVENT_RESTART, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},

    /* Target, until it has all of the VM: every way out discards. */
    {TARGET_LISTENING, EVENT_CONFIG, TARGET_RECEIVING, {DO_RECEIVE}},
    {TARGET_LISTENING, EVENT_LINK_LOST, TARGET_DISCARDED, {DO_HANG_UP}},
    {TARGET_LISTENING, EVENT_TIMEOUT, TARGET_DISCARDED, {DO_HANG_UP}},
    {TARGET_LISTENING, EVENT_ABORT, TARGET_DISCARDED,
        {SAY_REFUSED, DO_HANG_UP}},
    {TARGET_LISTENING, EVENT_RESTART, TARGET_DISCARDING, {DO_DISCARD}},

    {TARGET_RECEIVING, EVENT_OP_DONE, TARGET_READY, {SAY_READY}},
    {TARGET_RECEIVING, EVENT_OP_FAILED, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_RECEIVING, EVENT_LINK_LOST, TARGET_QUITTING,
        {DO_HANG_UP, DO_END_OP}},
    {TARGET_RECEIVING, EVENT_TIMEOUT, TARGET_QUITTING, {DO_END_OP}},
    {TARGET_RECEIVING, EVENT_ABORT, TARGET_QUITTING, {DO_END_OP}},
    {TARGET_RECEIVING, EVENT_RESTART, TARGET_DISCARDING, {DO_DISCARD}},

    {TARGET_QUITTING, EVENT_OP_DONE, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_QUITTING, EVENT_OP_FAILED, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_QUITTING, EVENT_RESTART, TARGET_DISCARDING, {DO_DISCARD}},

    /* Target, complete: of starting and discarding the first wins. */
    {TARGET_READY, EVENT_GO, TARGET_STARTING, {DO_START}},
    {TARGET_READY, EVENT_VERDICT_RUN, TARGET_STARTING, {DO_START}},
    {TARGET_READY, EVENT_VERDICT_DISCARD, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_READY, EVENT_ABORT, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_READY, EVENT_LINK_LOST, TARGET_HELD, {DO_HANG_UP}},
    {TARGET_READY, EVENT_TIMEOUT, TARGET_HELD, {DO_HANG_UP}},
    {TARGET_READY, EVENT_NO_JOURNAL, TARGET_HELD, {DO_HANG_UP}},
    {TARGET_READY, EVENT_RESTART, TARGET_CHECKING, {DO_CHECK}},

    {TARGET_HELD, EVENT_GO, TARGET_STARTING, {DO_START}},
    {TARGET_HELD, EVENT_VERDICT_RUN, TARGET_STARTING, {DO_START}},
    {TARGET_HELD, EVENT_VERDICT_DISCARD, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_HELD, EVENT_ABORT, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_HELD, EVENT_RESTART, TARGET_CHECKING, {DO_CHECK}},

    {TARGET_CHECKING, EVENT_OP_DONE, TARGET_HELD, {0}},
    {TARGET_CHECKING, EVENT_OP_GONE, TARGET_DISCARDED, {0}},
    {TARGET_CHECKING, EVENT_OP_FAILED, TARGET_CHECKING, {DO_TRY_LATER}},
    {TARGET_CHECKING, EVENT_TIMEOUT, TARGET_CHECKING, {DO_CHECK}},
    {TARGET_CHECKING, EVENT_RESTART, TARGET_CHECKING, {DO_CHECK}},

    {TARGET_STARTING, EVENT_OP_DONE, TARGET_RUNNING, {SAY_RUNNING}},
    {TARGET_STARTING, EVENT_OP_FAILED, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_STARTING, EVENT_NO_JOURNAL, TARGET_STARTING, {DO_TRY_LATER}},
    {TARGET_STARTING, EVENT_OP_PARTLY, TARGET_STARTING, {DO_TRY_LATER}},
    {TARGET_STARTING, EVENT_OP_GONE, TARGET_LOST, {0}},
    {TARGET_STARTING, EVENT_TIMEOUT, TARGET_STARTING, {DO_START}},
    {TARGET_STARTING, EVENT_RESTART, TARGET_STARTING, {DO_START}},

    {TARGET_DISCARDING, EVENT_OP_DONE, TARGET_DISCARDED,
        {SAY_REFUSED, DO_HANG_UP}},
    {TARGET_DISCARDING, EVENT_OP_FAILED, TARGET_DISCARDING, {DO_TRY_LATER}},
    {TARGET_DISCARDING, EVENT_TIMEOUT, TARGET_DISCARDING, {DO_DISCARD}},
    {TARGET_DISCARDING, EVENT_RESTART, TARGET_DISCARDING, {DO_DISCARD}},

    /* Target, decided: what the source may have missed is said again. */
    {TARGET_RUNNING, EVENT_GO, TARGET_RUNNING, {SAY_RUNNING}},
    {TARGET_DISCARDED, EVENT_GO, TARGET_DISCARDED, {SAY_REFUSED}},
    {TARGET_DISCARDED, EVENT_CONFIG, TARGET_DISCARDED, {SAY_REFUSED}},
};

const struct handover_rule *handover_find_rule(
    enum handover_state state, enum handover_event event)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].state == state && rules[i].event == event)
			return &rules[i];
	return NULL;
}

static const struct {
	const char *name;
	enum handover_timer timer;
	bool over;
} states[N_HANDOVER_STATES] = {
    [HANDOVER_UNHEARD] = {"unheard", TIMER_NONE, false},
    [HANDOVER_NO_RECORD] = {"no-record", TIMER_NONE, false},
    [SOURCE_CALLING] = {"source-calling", TIMER_CONNECT, false},
    [SOURCE_SENDING] = {"source-sending", TIMER_TRANSFER, false},
    [SOURCE_STOPPING] = {"source-stopping", TIMER_NONE, false},
    [SOURCE_SENT] = {"source-sent", TIMER_ANSWER, false},
    [SOURCE_LEAVING] = {"source-leaving", TIMER_NONE, false},
    [SOURCE_COMMITTED] = {"source-committed", TIMER_ANSWER, false},
    [SOURCE_DOUBT] = {"source-doubt", TIMER_NONE, false},
    [SOURCE_CHECKING] = {"source-checking", TIMER_NONE, false},
    [SOURCE_DROPPING] = {"source-dropping", TIMER_NONE, false},
    [SOURCE_TAKING_BACK] = {"source-taking-back", TIMER_NONE, false},
    [SOURCE_MOVED] = {"source-moved", TIMER_NONE, true},
    [SOURCE_KEPT] = {"source-kept", TIMER_NONE, true},
    [SOURCE_LOST] = {"source-lost", TIMER_NONE, true},
    [TARGET_LISTENING] = {"target-listening", TIMER_CONNECT, false},
    [TARGET_RECEIVING] = {"target-receiving", TIMER_TRANSFER, false},
    [TARGET_QUITTING] = {"target-quitting", TIMER_NONE, false},
    [TARGET_READY] = {"target-ready", TIMER_ANSWER, false},
    [TARGET_HELD] = {"target-held", TIMER_NONE, false},
    [TARGET_CHECKING] = {"target-checking", TIMER_NONE, false},
    [TARGET_STARTING] = {"target-starting", TIMER_NONE, false},
    [TARGET_DISCARDING] = {"target-discarding", TIMER_NONE, false},
    [TARGET_RUNNING] = {"target-running", TIMER_NONE, true},
    [TARGET_DISCARDED] = {"target-discarded", TIMER_NONE, true},
    [TARGET_LOST] = {"target-lost", TIMER_NONE, true},
};

static const char *const event_names[N_HANDOVER_EVENTS] = {
    [EVENT_LINK_UP] = "link-up",
    [EVENT_LINK_LOST] = "link-lost",
    [EVENT_TIMEOUT] = "timeout",
    [EVENT_ABORT] = "abort",
    [EVENT_RESTART] = "restart",
    [EVENT_NO_JOURNAL] = "no-journal",
    [EVENT_OP_DONE] = "op-done",
    [EVENT_OP_FAILED] = "op-failed",
    [EVENT_OP_PARTLY] = "op-partly",
    [EVENT_OP_GONE] = "op-gone",
    [EVENT_READY] = "ready",
    [EVENT_RUNNING] = "running",
    [EVENT_REFUSED] = "refused",
    [EVENT_CONFIG] = "config",
    [EVENT_GO] = "go",
    [EVENT_VERDICT_DROP] = "verdict-drop",
    [EVENT_VERDICT_RESUME] = "verdict-resume",
    [EVENT_VERDICT_RUN] = "verdict-run",
    [EVENT_VERDICT_DISCARD] = "verdict-discard",
};

bool handover_is_record(const struct handover_rule *rule)
{
	if (rule->next == rule->state)
		return false;
	return rule->next == SOURCE_COMMITTED ||
	       rule->next == TARGET_STARTING || rule->state == TARGET_STARTING;
}

bool handover_is_over(enum handover_state state)
{
	return states[state].over;
}

bool handover_is_source(enum handover_state state)
{
	return state >= SOURCE_CALLING && state <= SOURCE_LOST;
}

bool handover_is_target(enum handover_state state)
{
	return state >= TARGET_LISTENING && state <= TARGET_LOST;
}

enum handover_timer handover_timer(enum handover_state state)
{
	return states[state].timer;
}

const char *handover_state_name(enum handover_state state)
{
	return states[state].name;
}

const char *handover_event_name(enum handover_event event)
{
	return event_names[event];
}

bool handover_state_parse(const char *name, enum handover_state *state)
{
	for (size_t i = 0; i < N_HANDOVER_STATES; i++) {
		if (strcmp(states[i].name, name) == 0) {
			*state = (enum handover_state)i;
			return true;
		}
	}
	return false;
}

/* The manager. */

/* Sets of states, for the table below. */
#define BIT(state) (UINT64_C(1) << (state))
#define UNTRIED (BIT(SOURCE_CALLING) | BIT(SOURCE_SENDING) | BIT(SOURCE_SENT))
#define WAITING (BIT(SOURCE_COMMITTED) | BIT(SOURCE_DOUBT))
#define BACK (BIT(SOURCE_TAKING_BACK) | BIT(SOURCE_KEPT))
#define ARRIVING (BIT(TARGET_LISTENING) | BIT(TARGET_RECEIVING))
#define COMPLETE (BIT(TARGET_READY) | BIT(TARGET_HELD))
#define NOBODY BIT(HANDOVER_NO_RECORD)
#define GONE BIT(TARGET_LOST)

/* The first row that has both states. */
static const struct {
	uint64_t source, target;
	struct handover_verdict verdict;
} verdicts[] = {
    /* The target has decided: the source follows. */
    {WAITING, BIT(TARGET_RUNNING), {WORD_DROP, WORD_NONE, false}},
    {WAITING, BIT(TARGET_DISCARDED), {WORD_RESUME, WORD_NONE, false}},
    {UNTRIED, BIT(TARGET_DISCARDED), {WORD_ABORT, WORD_NONE, false}},
    /* It has not, and the source waits for it, or has nothing to run. */
    {WAITING, BIT(TARGET_HELD), {WORD_NONE, WORD_RUN, false}},
    {BIT(SOURCE_DOUBT), BIT(TARGET_READY), {WORD_NONE, WORD_RUN, false}},
    {BIT(SOURCE_MOVED) | BIT(SOURCE_LOST), COMPLETE,
        {WORD_NONE, WORD_RUN, false}},
    /* It has not, and the source has the VM. */
    {BACK, COMPLETE, {WORD_NONE, WORD_DISCARD, false}},
    {BACK, ARRIVING, {WORD_NONE, WORD_ABORT, false}},
    /* Over on both sides, and the VM is in one place. */
    {BIT(SOURCE_MOVED) | BIT(SOURCE_LOST) | NOBODY, BIT(TARGET_RUNNING),
        {WORD_FORGET, WORD_FORGET, false}},
    {BIT(SOURCE_KEPT), BIT(TARGET_DISCARDED) | GONE | NOBODY,
        {WORD_FORGET, WORD_FORGET, false}},
    {NOBODY, BIT(TARGET_DISCARDED), {WORD_FORGET, WORD_FORGET, false}},
    {BIT(SOURCE_MOVED), NOBODY, {WORD_FORGET, WORD_FORGET, false}},
    /* A record that should be there is not, or the VM is nowhere. */
    {BIT(SOURCE_DOUBT), GONE | NOBODY, {WORD_NONE, WORD_NONE, true}},
    {BIT(SOURCE_MOVED) | NOBODY, GONE, {WORD_NONE, WORD_NONE, true}},
    {NOBODY, COMPLETE, {WORD_NONE, WORD_NONE, true}},
    {BIT(SOURCE_MOVED), BIT(TARGET_DISCARDED), {WORD_NONE, WORD_NONE, true}},
    {BIT(SOURCE_LOST), BIT(TARGET_DISCARDED) | GONE | NOBODY,
        {WORD_NONE, WORD_NONE, true}},
    /* It runs on both: an end was told so by force. */
    {BACK, BIT(TARGET_STARTING) | BIT(TARGET_RUNNING),
        {WORD_NONE, WORD_NONE, true}},
};

struct handover_verdict handover_settle(
    enum handover_state source, enum handover_state target)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if ((verdicts[i].source & BIT(source)) != 0 &&
		    (verdicts[i].target & BIT(target)) != 0)
			return verdicts[i].verdict;
	return (struct handover_verdict){WORD_NONE, WORD_NONE, false};
}
