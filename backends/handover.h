/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hand-over of a live migration: who may run the VM, and when.  A pure
 * state machine for each side, written as a table (handover.c), and the rule
 * by which a manager that hears both sides settles what they cannot.
 *
 *    source                        target
 *    ------                        ------
 *    calling                       listening
 *    sending   --- config, the stream --->  receiving
 *    sent      <------- ready -----------   ready     (complete, paused)
 *    leaving   (renames its VM away)
 *    COMMITTED -------- go ------------->   STARTING  (unpauses, renames)
 *    dropping  <------- running ---------   running
 *    moved
 *
 * Two records decide, each on disk before its effect: the source's
 * COMMITTED, before it says go, and the target's STARTING, before it
 * unpauses.  Hence
 *
 * 1. before COMMITTED, whatever happens, the source takes its VM back
 * 2. after it the source runs the VM only if told that the target never
 *    will; it destroys it only if told that the target runs it
 * 3. the target runs the VM only after go, or a manager's word that the
 *    source has committed; of starting and discarding the first wins, and
 *    the target keeps to it over any crash
 * 4. cut off in between, each side stands still with its complete copy
 *    (doubt, held) until a manager settles it from what both report
 *
 * So the target alone decides, once; every other step follows, and follows
 * again if it is repeated: messages and verdicts may be lost, doubled and
 * late.  tests/unit/test_handover.c explores every interleaving.
 */
#ifndef BACKENDS_HANDOVER_H
#define BACKENDS_HANDOVER_H

#include <stdbool.h>

enum handover_state {
	HANDOVER_UNHEARD,   /* nothing was heard of this side */
	HANDOVER_NO_RECORD, /* this side answers, and knows of no hand-over */

	SOURCE_CALLING,     /* connects; its VM runs untouched */
	SOURCE_SENDING,     /* its VM runs, and is suspended at the very end */
	SOURCE_STOPPING,    /* ends the sending, to take the VM back */
	SOURCE_SENT,        /* suspended; waits for ready */
	SOURCE_LEAVING,     /* heard ready; renames its VM away */
	SOURCE_COMMITTED,   /* says go; the VM is the target's to run */
	SOURCE_DOUBT,       /* committed, and cut off */
	SOURCE_CHECKING,    /* after a restart: is the copy still there? */
	SOURCE_DROPPING,    /* the target runs it; destroys the copy here */
	SOURCE_TAKING_BACK, /* renames back and resumes */
	SOURCE_MOVED,       /* over: nothing of it is here */
	SOURCE_KEPT,        /* over: it runs here */
	SOURCE_LOST,        /* over: it was to run here, and was gone */

	TARGET_LISTENING,
	TARGET_RECEIVING,
	TARGET_QUITTING,   /* ends the receiving, to discard */
	TARGET_READY,      /* complete and paused; waits for go */
	TARGET_HELD,       /* the same, and cut off */
	TARGET_CHECKING,   /* after a restart: is the held copy still there? */
	TARGET_STARTING,   /* unpauses; from here on it is this side's */
	TARGET_DISCARDING, /* destroys what arrived; it will not run here */
	TARGET_RUNNING,    /* over: it runs here */
	TARGET_DISCARDED,  /* over: it never ran here, and never will */
	TARGET_LOST,       /* over: it may have run here, and is gone */
	N_HANDOVER_STATES
};

enum handover_event {
	EVENT_LINK_UP,   /* the other side is there, and proved its key */
	EVENT_LINK_LOST, /* and is not any more, or never came */
	EVENT_TIMEOUT,   /* of the state's timer */
	EVENT_ABORT,     /* the manager no longer wants the move */
	EVENT_RESTART,   /* the daemon starts, with this state in its journal */
	EVENT_NO_JOURNAL, /* the next state could not be made durable */
	/* what the operation that the state started came to */
	EVENT_OP_DONE,
	EVENT_OP_FAILED,
	EVENT_OP_PARTLY, /* what it began has to be finished later */
	EVENT_OP_GONE,   /* there is no such VM */
	/* messages, target to source and source to target */
	EVENT_READY,
	EVENT_RUNNING,
	EVENT_REFUSED, /* the target never runs it */
	EVENT_CONFIG,
	EVENT_GO,
	/* a manager's verdicts, see handover_settle() */
	EVENT_VERDICT_DROP,   /* source: the target runs it */
	EVENT_VERDICT_RESUME, /* source: the target never runs it */
	EVENT_VERDICT_RUN,    /* target: the source has committed, or lost it */
	EVENT_VERDICT_DISCARD, /* target: the source has it back */
	N_HANDOVER_EVENTS
};

enum handover_do {
	DO_NOTHING,
	/* the link: DO_HANG_UP closes it, without an event */
	DO_HANG_UP,
	DO_FINISH, /* the stream ends here, and the other side can tell */
	SAY_CONFIG,
	SAY_GO,
	SAY_READY,
	SAY_RUNNING,
	SAY_REFUSED,
	/* operations on the host, each ending in one EVENT_OP_...; NAME is the
	 * VM's.  A state has at most one under way. */
	DO_SEND,        /* NAME into the link's stream */
	DO_RECEIVE,     /* NAME--incoming out of it */
	DO_END_OP,      /* ends the send or receive; no event of its own */
	DO_RENAME_AWAY, /* NAME to NAME--outgoing */
	DO_TAKE_BACK,   /* NAME--outgoing, if there, to NAME; resume NAME */
	DO_DROP,        /* destroy NAME--outgoing */
	DO_START,       /* unpause NAME--incoming; rename it NAME.  Fails
	                   only if the VM does not run. */
	DO_DISCARD,     /* destroy NAME--incoming */
	DO_CHECK_AWAY,  /* done if there is a NAME--outgoing, partly (it was
	                   being taken back) if a NAME, else gone */
	DO_CHECK,       /* done if there is a NAME--incoming, else gone */
	DO_TRY_LATER,   /* start the retry timer */
	N_HANDOVER_DOS
};

enum { HANDOVER_DOS = 3 };

struct handover_rule {
	enum handover_state state;
	enum handover_event event;
	enum handover_state next;
	enum handover_do todo[HANDOVER_DOS]; /* in order; DO_NOTHING ends */
};

/*
 * The rule for an event in a state, or NULL: then nothing changes and nothing
 * is to be done.  The caller
 *  1. if handover_is_record(rule), makes rule->next durable first, and if
 *     that fails asks again with EVENT_NO_JOURNAL
 *  2. enters rule->next, notes it in its journal if it can, and restarts the
 *     state's timer if the state is another
 *  3. does rule->todo
 */
const struct handover_rule *handover_find_rule(
    enum handover_state state, enum handover_event event);

/* Into COMMITTED, into and out of STARTING: must be durable before the rule is
 * carried out.  The rest of a journal may be behind. */
bool handover_is_record(const struct handover_rule *rule);

/* Nothing more will happen by itself or by a message.  Kept in the journal
 * and in reports until a manager, who knows of both, says forget. */
bool handover_is_over(enum handover_state state);
bool handover_is_source(enum handover_state state);
bool handover_is_target(enum handover_state state);

/* For journals, reports and logs, such as "source-committed". */
const char *handover_state_name(enum handover_state state);
const char *handover_event_name(enum handover_event event);
bool handover_state_parse(const char *name, enum handover_state *state);

enum handover_timer {
	TIMER_NONE,
	TIMER_CONNECT,  /* calling, listening */
	TIMER_TRANSFER, /* sending, receiving: the whole of it */
	TIMER_ANSWER,   /* waiting for ready, for go, for running */
};
enum handover_timer handover_timer(enum handover_state state);

/* The manager. */

enum handover_word {
	WORD_NONE,
	WORD_ABORT,
	WORD_DROP,
	WORD_RESUME,
	WORD_RUN,
	WORD_DISCARD,
	WORD_FORGET, /* remove the record of a hand-over that is over */
	N_HANDOVER_WORDS
};

struct handover_verdict {
	enum handover_word source, target; /* what to tell them */
	bool operator_needed;              /* waiting will not settle it */
};

/*
 * What to tell the two sides of one hand-over, from what each last reported;
 * how old the reports are does not matter, and telling twice does no harm.
 */
struct handover_verdict handover_settle(
    enum handover_state source, enum handover_state target);

#endif
