/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hand-over (backends/handover.h), explored whole: every interleaving of
 * two sides, their hosts, their journals, a network and a manager, in which
 *  - a message or a manager's word may be lost, doubled and late without end
 *  - an operation may fail, and a daemon may crash before, in the middle of
 *    and after it, and start again, any number of times
 *  - a journal may refuse to write
 *  - a manager decides from reports that may be as old as they like
 * In each state that can be reached the VM runs at most once and a whole copy
 * of it exists; and from each of them restarts, operations that succeed and
 * a manager that hears both sides, without one message between them, lead to
 * the VM running in exactly one place and nothing left over.
 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/handover.h"

enum { RUN, SUSPENDED, PAUSED, PART, NONE }; /* what a host has of the VM */
enum { PLAIN, OTHER };  /* NAME; NAME--outgoing or NAME--incoming */
enum { TWO_OPS = 255 }; /* in side.op: a mistake */

struct side {
	uint8_t state; /* UNHEARD: the daemon is down */
	uint8_t journal;
	uint8_t op;    /* enum handover_do under way */
	uint8_t retry; /* its timer runs */
	uint8_t vm, name;
	uint8_t said;  /* messages said ever; they may arrive at any time */
	uint8_t words; /* a manager's words ever */
	uint8_t known; /* the last report that the manager has */
};

struct world {
	struct side side[2]; /* source, target */
	uint8_t streamed;    /* the whole stream was sent */
	uint8_t zero[5];
};

enum { SOURCE, TARGET };
_Static_assert(sizeof(struct world) == 24, "hashed as three words");

/* The set of worlds reached. */

enum { LOG_SLOTS = 22 };

static struct world *worlds;
static uint32_t *slots; /* index + 1 */
static uint32_t n_worlds;
static uint32_t (*edges)[2]; /* steps without faults and messages */
static size_t n_edges, cap_edges;

static uint32_t hash(const struct world *w)
{
	uint64_t words[3], h = 0;

	memcpy(words, w, sizeof(words));
	for (int i = 0; i < 3; i++) {
		h = (h ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15);
		h ^= h >> 29;
	}
	return (uint32_t)(h >> (64 - LOG_SLOTS));
}

static uint32_t world_index(const struct world *w)
{
	uint32_t slot = hash(w);

	while (slots[slot]) {
		if (memcmp(&worlds[slots[slot] - 1], w, sizeof(*w)) == 0)
			return slots[slot] - 1;
		slot = (slot + 1) & ((1U << LOG_SLOTS) - 1);
	}
	ck_assert_uint_lt(n_worlds, 1U << (LOG_SLOTS - 1));
	worlds[n_worlds] = *w;
	slots[slot] = ++n_worlds;
	return n_worlds - 1;
}

/* One rule, as the daemon carries it out. */

/* A rule that is wrong, to see that this test can fail. */
static const struct handover_rule *mutant;

static const struct handover_rule *find_rule(uint8_t state, int event)
{
	if (mutant && mutant->state == state && (int)mutant->event == event)
		return mutant;
	return handover_find_rule(
	    (enum handover_state)state, (enum handover_event)event);
}

static const int message_event[] = {
    [SAY_CONFIG] = EVENT_CONFIG,
    [SAY_GO] = EVENT_GO,
    [SAY_READY] = EVENT_READY,
    [SAY_RUNNING] = EVENT_RUNNING,
    [SAY_REFUSED] = EVENT_REFUSED,
};

static void do_one(struct side *side, enum handover_do todo)
{
	if (todo >= SAY_CONFIG && todo <= SAY_REFUSED)
		side->said |= (uint8_t)(1U << (todo - SAY_CONFIG));
	else if (todo == DO_TRY_LATER)
		side->retry = 1;
	else if (todo > SAY_REFUSED && todo != DO_END_OP) {
		side->op = side->op ? TWO_OPS : (uint8_t)todo;
	}
}

/* The side after an event; `refuse`: the journal does not take it. */
static struct side after(struct side side, int event, bool refuse)
{
	const struct handover_rule *rule = find_rule(side.state, event);

	if (!rule)
		return side;
	if (refuse && handover_is_record(rule)) {
		rule = find_rule(side.state, EVENT_NO_JOURNAL);
		if (!rule)
			return side;
	}
	side.state = (uint8_t)rule->next;
	if (!refuse)
		side.journal = side.state;
	for (int i = 0; i < HANDOVER_DOS && rule->todo[i]; i++)
		do_one(&side, rule->todo[i]);
	return side;
}

/* Operations. */

/* One end that the side's operation can come to. */
struct end {
	struct side side; /* its vm and name after it */
	int event;
	bool fault; /* not what happens if all goes well */
	bool streamed;
};

static void add_end(struct end *ends, int *n, struct side side, int vm,
    int name, int event, bool fault)
{
	side.vm = (uint8_t)vm;
	side.name = (uint8_t)name;
	ends[(*n)++] = (struct end){side, event, fault, false};
}

static void ends_of_send(struct side s, struct end *ends, int *n)
{
	if (s.vm == RUN) {
		add_end(ends, n, s, SUSPENDED, s.name, EVENT_OP_DONE, false);
		ends[*n - 1].streamed = true;
		add_end(ends, n, s, SUSPENDED, s.name, EVENT_OP_FAILED, true);
	}
	add_end(ends, n, s, s.vm, s.name, EVENT_OP_FAILED, s.vm == RUN);
}

static void ends_of_take_back(struct side s, struct end *ends, int *n)
{
	if (s.vm == NONE) {
		add_end(ends, n, s, s.vm, s.name, EVENT_OP_GONE, false);
		return;
	}
	add_end(ends, n, s, RUN, PLAIN, EVENT_OP_DONE, false);
	add_end(ends, n, s, s.vm, PLAIN, EVENT_OP_FAILED, true);
	add_end(ends, n, s, s.vm, s.name, EVENT_OP_FAILED, true);
}

static void ends_of_start(struct side s, struct end *ends, int *n)
{
	if (s.vm == NONE) {
		add_end(ends, n, s, s.vm, s.name, EVENT_OP_GONE, false);
		return;
	}
	add_end(ends, n, s, RUN, PLAIN, EVENT_OP_DONE, false);
	if (s.name == OTHER)
		add_end(ends, n, s, RUN, OTHER, EVENT_OP_PARTLY, true);
	if (s.vm == PAUSED)
		add_end(ends, n, s, PAUSED, s.name, EVENT_OP_FAILED, true);
}

/* All ends of the side's operation, given what the stream has seen. */
static int ends_of(struct side s, bool streamed, struct end ends[8])
{
	int n = 0;
	bool mine = s.name == OTHER; /* DROP and DISCARD go by the name */

	switch ((enum handover_do)s.op) {
	case DO_SEND:
		ends_of_send(s, ends, &n);
		break;
	case DO_RECEIVE:
		if (streamed)
			add_end(
			    ends, &n, s, PAUSED, OTHER, EVENT_OP_DONE, false);
		add_end(ends, &n, s, PART, OTHER, EVENT_OP_FAILED, streamed);
		add_end(ends, &n, s, NONE, OTHER, EVENT_OP_FAILED, true);
		break;
	case DO_RENAME_AWAY:
		add_end(ends, &n, s, s.vm, OTHER, EVENT_OP_DONE, false);
		add_end(ends, &n, s, s.vm, s.name, EVENT_OP_FAILED, true);
		break;
	case DO_TAKE_BACK:
		ends_of_take_back(s, ends, &n);
		break;
	case DO_DROP:
	case DO_DISCARD:
		add_end(ends, &n, s, mine ? NONE : s.vm, s.name, EVENT_OP_DONE,
		    false);
		add_end(ends, &n, s, s.vm, s.name, EVENT_OP_FAILED, true);
		break;
	case DO_START:
		ends_of_start(s, ends, &n);
		break;
	case DO_CHECK_AWAY:
		add_end(ends, &n, s, s.vm, s.name,
		    s.vm == NONE ? EVENT_OP_GONE
		    : mine       ? EVENT_OP_DONE
		                 : EVENT_OP_PARTLY,
		    false);
		break;
	case DO_CHECK:
		add_end(ends, &n, s, s.vm, s.name,
		    s.vm == PAUSED && mine ? EVENT_OP_DONE : EVENT_OP_GONE,
		    false);
		break;
	default:
		ck_abort_msg("not an operation: %d", s.op);
	}
	return n;
}

/* The steps of a world. */

static uint32_t from;

static void step_to(struct world w, bool clean)
{
	uint32_t to = world_index(&w);

	if (!clean || to == from)
		return;
	if (n_edges == cap_edges) {
		cap_edges = cap_edges ? 2 * cap_edges : 1 << 20;
		edges = realloc(edges, cap_edges * sizeof(*edges));
		ck_assert_ptr_nonnull(edges);
	}
	edges[n_edges][0] = from;
	edges[n_edges++][1] = to;
}

static void step_event(struct world w, int i, int event, bool clean)
{
	struct world full = w;

	w.side[i] = after(w.side[i], event, false);
	step_to(w, clean);
	full.side[i] = after(full.side[i], event, true);
	step_to(full, false);
}

static void steps_of_operation(struct world w, int i)
{
	struct end ends[8];
	int n = ends_of(w.side[i], w.streamed, ends);

	for (int e = 0; e < n; e++) {
		struct world next = w;

		next.side[i] = ends[e].side;
		next.side[i].op = 0;
		if (ends[e].streamed)
			next.streamed = 1;
		struct world crashed = next;
		step_event(next, i, ends[e].event, !ends[e].fault);
		/* The effect is there, and the daemon never hears of it. */
		crashed.side[i].state = HANDOVER_UNHEARD;
		crashed.side[i].retry = 0;
		step_to(crashed, false);
	}
}

static void step_restart(struct world w, int i)
{
	w.side[i].state = w.side[i].journal;
	step_event(w, i, EVENT_RESTART, true);
}

static void step_crash(struct world w, int i)
{
	w.side[i].state = HANDOVER_UNHEARD;
	w.side[i].op = w.side[i].retry = 0;
	step_to(w, false);
}

static void steps_of_messages(struct world w, int i)
{
	for (int m = SAY_CONFIG; m <= SAY_REFUSED; m++)
		if ((w.side[1 - i].said & 1U << (m - SAY_CONFIG)) != 0)
			step_event(w, i, message_event[m], false);
}

static void step_word(struct world w, int i, int word, bool clean)
{
	static const int event[] = {
	    [WORD_ABORT] = EVENT_ABORT,
	    [WORD_DROP] = EVENT_VERDICT_DROP,
	    [WORD_RESUME] = EVENT_VERDICT_RESUME,
	    [WORD_RUN] = EVENT_VERDICT_RUN,
	    [WORD_DISCARD] = EVENT_VERDICT_DISCARD,
	};
	struct side *side = &w.side[i];

	if (word != WORD_FORGET) {
		step_event(w, i, event[word], clean);
	} else if (handover_is_over((enum handover_state)side->state)) {
		side->state = side->journal = HANDOVER_NO_RECORD;
		step_to(w, clean);
	}
}

static void steps_of_side(struct world w, int i)
{
	struct side side = w.side[i];

	if (side.state == HANDOVER_UNHEARD) {
		step_restart(w, i);
		return;
	}
	struct world told = w;
	told.side[i].known = side.state;
	step_to(told, false);
	for (int word = WORD_ABORT; word < N_HANDOVER_WORDS; word++)
		if ((side.words & 1U << (word - 1)) != 0)
			step_word(w, i, word, false);
	if (side.state == HANDOVER_NO_RECORD)
		return;
	step_crash(w, i);
	if (side.op)
		steps_of_operation(w, i);
	steps_of_messages(w, i);
	step_event(w, i, EVENT_LINK_LOST, false);
	if (i == SOURCE)
		step_event(w, i, EVENT_LINK_UP, false);
	step_event(w, i, EVENT_ABORT, false); /* the manager's own wish */
	if (handover_timer((enum handover_state)side.state) != TIMER_NONE)
		step_event(w, i, EVENT_TIMEOUT, true);
	if (side.retry) {
		w.side[i].retry = 0;
		step_event(w, i, EVENT_TIMEOUT, true);
	}
}

static struct handover_verdict settle(uint8_t source, uint8_t target)
{
	return handover_settle(
	    (enum handover_state)source, (enum handover_state)target);
}

static void steps_of_manager(struct world w)
{
	struct handover_verdict old =
	    settle(w.side[SOURCE].known, w.side[TARGET].known);
	struct handover_verdict fresh =
	    settle(w.side[SOURCE].state, w.side[TARGET].state);
	struct world told = w;

	if (old.source)
		told.side[SOURCE].words |= (uint8_t)(1U << (old.source - 1));
	if (old.target)
		told.side[TARGET].words |= (uint8_t)(1U << (old.target - 1));
	step_to(told, false);
	if (fresh.source)
		step_word(w, SOURCE, fresh.source, true);
	if (fresh.target)
		step_word(w, TARGET, fresh.target, true);
}

/* What must hold. */
static bool is_safe(const struct world *w)
{
	const struct side *source = &w->side[SOURCE];
	const struct side *target = &w->side[TARGET];
	bool twice = source->vm == RUN && target->vm == RUN;
	bool somewhere = source->vm == RUN || source->vm == SUSPENDED ||
	                 target->vm == RUN || target->vm == PAUSED;
	bool stuck = settle(source->state, target->state).operator_needed;

	return !twice && somewhere && !stuck && source->op != TWO_OPS &&
	       target->op != TWO_OPS;
}

static bool is_settled(const struct world *w)
{
	const struct side *source = &w->side[SOURCE];
	const struct side *target = &w->side[TARGET];
	bool over = source->state == HANDOVER_NO_RECORD &&
	            target->state == HANDOVER_NO_RECORD;
	bool here = source->vm == RUN && source->name == PLAIN;
	bool there = target->vm == RUN && target->name == PLAIN;

	return over &&
	       ((here && target->vm == NONE) || (there && source->vm == NONE));
}

/* Reaches all worlds; false if one, *bad, is not safe. */
static bool explore(uint32_t *bad)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	w.side[SOURCE].state = w.side[SOURCE].journal = SOURCE_CALLING;
	w.side[TARGET].state = w.side[TARGET].journal = TARGET_LISTENING;
	w.side[SOURCE].vm = RUN;
	w.side[TARGET].vm = NONE;
	w.side[TARGET].name = OTHER;
	n_worlds = 0;
	n_edges = 0;
	memset(slots, 0, sizeof(*slots) << LOG_SLOTS);
	world_index(&w);
	for (from = 0; from < n_worlds; from++) {
		if (!is_safe(&worlds[from])) {
			*bad = from;
			return false;
		}
		steps_of_side(worlds[from], SOURCE);
		steps_of_side(worlds[from], TARGET);
		steps_of_manager(worlds[from]);
	}
	return true;
}

static void setup(void)
{
	slots = malloc(sizeof(*slots) << LOG_SLOTS);
	worlds = malloc(sizeof(*worlds) << (LOG_SLOTS - 1));
	ck_assert(slots && worlds);
}

static void teardown(void)
{
	free(slots);
	free(worlds);
	free(edges);
	edges = NULL;
	cap_edges = 0;
}

static const char *describe(uint32_t index)
{
	static char text[256];
	const struct side *s = worlds[index].side;

	snprintf(text, sizeof(text), "%s vm %d, %s vm %d",
	    handover_state_name((enum handover_state)s[SOURCE].state),
	    s[SOURCE].vm,
	    handover_state_name((enum handover_state)s[TARGET].state),
	    s[TARGET].vm);
	return text;
}

/* Marks backwards over clean steps what can be settled. */
static uint32_t count_settleable(bool *good)
{
	bool changed = true;
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_worlds; i++)
		good[i] = is_settled(&worlds[i]);
	while (changed) {
		changed = false;
		for (size_t e = n_edges; e-- > 0;) {
			if (good[edges[e][1]] && !good[edges[e][0]])
				changed = good[edges[e][0]] = true;
		}
	}
	for (uint32_t i = 0; i < n_worlds; i++)
		n += good[i];
	return n;
}

START_TEST(vm_never_runs_twice_and_is_never_lost_and_is_always_settled)
{
	uint32_t bad = 0;
	bool safe = explore(&bad);

	ck_assert_msg(safe, "world %u: %s", bad, safe ? "" : describe(bad));
	bool *good = calloc(n_worlds, 1);
	uint32_t n = count_settleable(good);
	printf("hand-over: %u worlds, %zu clean steps\n", n_worlds, n_edges);
	for (uint32_t i = 0; i < n_worlds; i++)
		ck_assert_msg(good[i], "%u of %u cannot be settled, as %s",
		    n_worlds - n, n_worlds, describe(i));
	free(good);
}
END_TEST

/* Each would be a real mistake; the exploration has to find it. */
static const struct handover_rule mutants[] = {
    {SOURCE_COMMITTED, EVENT_TIMEOUT, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_COMMITTED, EVENT_RESTART, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_COMMITTED, EVENT_LINK_LOST, SOURCE_DROPPING, {DO_DROP}},
    {SOURCE_COMMITTED, EVENT_ABORT, SOURCE_TAKING_BACK, {DO_TAKE_BACK}},
    {SOURCE_SENT, EVENT_READY, SOURCE_TAKING_BACK, {SAY_GO, DO_TAKE_BACK}},
    {TARGET_READY, EVENT_TIMEOUT, TARGET_STARTING, {DO_START}},
    {TARGET_READY, EVENT_GO, TARGET_DISCARDING, {SAY_RUNNING, DO_DISCARD}},
    {TARGET_READY, EVENT_NO_JOURNAL, TARGET_HELD, {DO_START}},
    {TARGET_STARTING, EVENT_RESTART, TARGET_CHECKING, {DO_CHECK}},
    {TARGET_DISCARDED, EVENT_GO, TARGET_DISCARDED, {SAY_RUNNING}},
};

START_TEST(exploration_finds_a_wrong_rule)
{
	uint32_t bad;

	mutant = &mutants[_i];
	ck_assert_msg(!explore(&bad), "%s on %s is not found out",
	    handover_state_name(mutant->state),
	    handover_event_name(mutant->event));
	mutant = NULL;
}
END_TEST

START_TEST(undisturbed_handover_takes_the_documented_steps)
{
	static const struct {
		int side, event, next;
	} steps[] = {
	    {SOURCE, EVENT_LINK_UP, SOURCE_SENDING},
	    {TARGET, EVENT_CONFIG, TARGET_RECEIVING},
	    {SOURCE, EVENT_OP_DONE, SOURCE_SENT},
	    {TARGET, EVENT_OP_DONE, TARGET_READY},
	    {SOURCE, EVENT_READY, SOURCE_LEAVING},
	    {SOURCE, EVENT_OP_DONE, SOURCE_COMMITTED},
	    {TARGET, EVENT_GO, TARGET_STARTING},
	    {TARGET, EVENT_OP_DONE, TARGET_RUNNING},
	    {SOURCE, EVENT_RUNNING, SOURCE_DROPPING},
	    {SOURCE, EVENT_OP_DONE, SOURCE_MOVED},
	};
	enum handover_state at[2] = {SOURCE_CALLING, TARGET_LISTENING};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct handover_rule *rule = handover_find_rule(
		    at[steps[i].side], (enum handover_event)steps[i].event);

		ck_assert_ptr_nonnull(rule);
		ck_assert_int_eq(rule->next, steps[i].next);
		at[steps[i].side] = rule->next;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tcase = tcase_create("handover");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, undisturbed_handover_takes_the_documented_steps);
	tcase_add_test(
	    tcase, vm_never_runs_twice_and_is_never_lost_and_is_always_settled);
	tcase_add_loop_test(tcase, exploration_finds_a_wrong_rule, 0,
	    (int)(sizeof(mutants) / sizeof(mutants[0])));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
