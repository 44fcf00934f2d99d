/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Migrations as the manager sees them: it brings the two ends together, hears
 * both, and settles what they cannot (backends/handover.h).
 *
 *	RECEIVE -> target      answers with its port
 *	SEND    -> source      with the target's address and port
 *	   ... the ends hand the VM over ...
 *	words   -> both        until both have forgotten it
 *
 * What an end does not report counts as "no record" only in a report asked
 * for after its act was answered or given up; before, it is unheard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/live_inside.h"

struct live_move *live_move_find(const struct live *live, uint64_t id)
{
	for (uint32_t i = 0; i < live->n_moves; i++)
		if (id && live->moves[i]->id == id)
			return live->moves[i];
	return NULL;
}

struct live_move *live_move_of_vm(const struct live *live, uint32_t v)
{
	for (uint32_t i = 0; i < live->n_moves; i++)
		if (live->moves[i]->vm == v)
			return live->moves[i];
	return NULL;
}

struct host_id live_move_where(const struct live_move *move)
{
	if (move->target.state == TARGET_RUNNING ||
	    move->source.state == SOURCE_MOVED)
		return (struct host_id){move->target.host};
	if (move->source.state == SOURCE_KEPT)
		return (struct host_id){move->source.host};
	return NO_HOST;
}

static struct live_move *add_move(struct live *live, uint64_t id)
{
	struct live_move *move = live_take(1, sizeof *move);

	move->id = id;
	move->vm = ID_NONE;
	move->source.host = move->target.host = ID_NONE;
	move->source.ended_ns = move->target.ended_ns = TIME_NEVER;
	move->source.word_ns = move->target.word_ns = -1;
	move->source.answered_ns = move->target.answered_ns = -1;
	move->start_ns = live->now_ns;
	live->moves = live_grow(live->moves, live->n_moves, &live->max_moves,
	    sizeof(struct live_move *));
	live->moves[live->n_moves++] = move;
	return move;
}

/* Once: when the network is whole, or will not be heard of any more. */
static void tell_listener(struct live *live, struct live_move *move)
{
	const struct live_listener *l = &live->out.listener;
	bool done = move->done;
	struct live_migration ended = {.id = move->id,
	    .vm = {move->vm},
	    .from = {move->source.host},
	    .to = {move->target.host},
	    .start_ns = move->start_ns,
	    .end_ns = move->end_ns,
	    .down_ns = move->down_ns,
	    .network_ns = done && move->network == NETWORK_WHOLE
	        ? move->network_ns
	        : -1,
	    .bytes = move->bytes,
	    .done = done,
	    .why = done ? "" : move->text};

	if (!move->told && move->vm != ID_NONE && l->migration_ended)
		l->migration_ended(l->self, &ended);
	move->told = true;
}

static void remove_move(struct live *live, uint32_t i)
{
	struct live_move *move = live->moves[i];

	tell_listener(live, move);
	if (move->vm != ID_NONE && live->vms[move->vm].move == move->id) {
		live->vms[move->vm].move = 0;
		live->vms[move->vm].settled_ns = live->now_ns;
	}
	live_log(live, "forgotten handover=%llu vm=%s",
	    (unsigned long long)move->id, move->vm_name);
	free(move);
	memmove(&live->moves[i], &live->moves[i + 1],
	    (--live->n_moves - i) * sizeof(struct live_move *));
}

void live_move_free_all(struct live *live)
{
	for (uint32_t i = 0; i < live->n_moves; i++) {
		if (live->moves[i]->decided)
			tell_listener(live, live->moves[i]);
		free(live->moves[i]);
	}
	free(live->moves);
}

/* The beginning. */

void live_move_start(
    struct live *live, uint32_t v, uint32_t to, struct ticket ticket)
{
	struct live_vm *vm = &live->vms[v];
	struct live_move *move = add_move(live, ++live->next_move);
	struct message_act act = {.kind = ACT_RECEIVE,
	    .handover = move->id,
	    .timeout_ms = live->options.transfer_ms};

	move->vm = v;
	snprintf(move->vm_name, sizeof move->vm_name, "%s",
	    live->model->vms[v].name);
	move->has_ticket = true;
	move->ticket = ticket;
	move->source.host = vm->host.ix;
	move->target.host = to;
	move->mem_kib = vm->seen.mem_kib > vm->seen.mem_target_kib
	    ? vm->seen.mem_kib
	    : vm->seen.mem_target_kib;
	live->out.random(live->out.self, move->key, sizeof move->key);
	vm->move = move->id;
	act.mem_kib = move->mem_kib;
	memcpy(act.vm, move->vm_name, sizeof act.vm);
	memcpy(act.key, move->key, sizeof act.key);
	move->target.act = live_act_start(live, to, ID_NONE, &act, NULL);
}

static void send_source(
    struct live *live, struct live_move *move, uint16_t port)
{
	const char *address =
	    live->out.address(live->out.self, move->target.host);
	struct message_act act = {.kind = ACT_SEND,
	    .handover = move->id,
	    .rate_bps = live->options.rate_bps,
	    .timeout_ms = live->options.transfer_ms};

	memcpy(act.vm, move->vm_name, sizeof act.vm);
	memcpy(act.key, move->key, sizeof act.key);
	snprintf(act.address, sizeof act.address,
	    strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
	    (unsigned)port);
	move->source.act =
	    live_act_start(live, move->source.host, ID_NONE, &act, NULL);
}

/* Words. */

static bool has_word(
    const struct live *live, uint64_t handover, uint32_t host)
{
	for (uint32_t i = 0; i < live->n_acts; i++)
		if (live->acts[i]->act.kind == ACT_WORD &&
		    live->acts[i]->host == host &&
		    live->acts[i]->act.handover == handover)
			return true;
	return false;
}

static void heed(const struct live *live, struct live_side *side,
    enum handover_word word, bool refused)
{
	side->answered_ns = live->now_ns;
	if (!refused)
		return;
	side->refused = word;
	side->refused_in = side->said_in;
	side->refused_by = side->said_to;
}

void live_move_heeded(struct live *live, uint64_t id, uint32_t host,
    enum handover_word word, bool refused)
{
	struct live_move *move = live_move_find(live, id);

	if (move && move->source.host == host)
		heed(live, &move->source, word, refused);
	if (move && move->target.host == host)
		heed(live, &move->target, word, refused);
}

/* What must not be said after an operator's word: together, the VM would run
 * twice, or both copies of it be destroyed. */
static enum handover_word opposite(enum handover_word forced)
{
	static const enum handover_word opposites[N_HANDOVER_WORDS] = {
	    [WORD_RESUME] = WORD_RUN,
	    [WORD_RUN] = WORD_RESUME,
	    [WORD_DROP] = WORD_DISCARD,
	    [WORD_DISCARD] = WORD_DROP,
	};

	return opposites[forced];
}

void live_move_force(
    struct live *live, struct live_move *move, enum handover_word word)
{
	move->forced = word;
	live_act_unsay(live, move->id, opposite(word));
}

/*
 * May this be said to an end?  Not to one that has no record.  After an answer
 * what it was last reported to be is old: it has done what it was told, or was
 * past it and has refused.  While a violind runs its side of a hand-over never
 * comes back to a state, so what was refused in one is refused in it for good;
 * in which that was is known no better than when the word was said, for the
 * report of a later one may be heard with the refusal, or before it.
 */
static bool is_sayable(const struct live *live, const struct live_move *move,
    const struct live_side *side, enum handover_word word)
{
	const struct live_host *h = &live->hosts[side->host];

	if (side->state == HANDOVER_NO_RECORD ||
	    word == opposite(move->forced) ||
	    has_word(live, move->id, side->host) ||
	    (side->refused == word && side->refused_in == side->state &&
	        side->refused_by == h->incarnation))
		return false;
	if (side->answered_ns >= 0 && h->told_ns <= side->answered_ns)
		return false;
	return side->word_ns < 0 ||
	    live->now_ns - side->word_ns >= live->options.busy_ns;
}

bool live_say(struct live *live, struct live_move *move,
    struct live_side *side, enum handover_word word, bool forced)
{
	struct message_act act = {.kind = ACT_WORD,
	    .handover = move->id,
	    .word = word,
	    .forced = forced};

	if (word == WORD_NONE || side->host == ID_NONE ||
	    live->options.generation == 0 || live_is_stale(live, side->host))
		return false;
	if (!forced && !is_sayable(live, move, side, word))
		return false;
	memcpy(act.vm, move->vm_name, sizeof act.vm);
	side->word_ns = live->now_ns;
	side->said_in = side->state;
	side->said_to = live->hosts[side->host].incarnation;
	live_act_start(live, side->host, ID_NONE, &act, NULL);
	return true;
}

void live_move_abort(struct live *live, struct live_move *move)
{
	live_say(live, move, &move->source, WORD_ABORT, false);
	live_say(live, move, &move->target, WORD_ABORT, false);
}

/* The end. */

static void end_move(struct live *live, struct live_move *move, bool done)
{
	move->end_ns = live->now_ns;
	move->done = done;
	if (move->has_ticket)
		live_tell(live, move->ticket,
		    done ? OUTCOME_DONE : OUTCOME_FAILED,
		    done ? "" : move->text);
}

/* Which end has the VM, the first time it is known: that end counts from now
 * on, and the VM may be acted on again. */
static void decide(struct live *live, struct live_move *move)
{
	struct host_id where = live_move_where(move);
	bool done = where.ix == move->target.host;
	struct live_vm *vm;

	if (move->decided || host_none(where))
		return;
	move->decided = true;
	live_log(live, "handover=%llu vm=%s %s text=\"%s\"",
	    (unsigned long long)move->id, move->vm_name,
	    done ? "moved" : "kept", done ? "" : move->text);
	if (move->vm != ID_NONE) {
		vm = &live->vms[move->vm];
		live_vm_place(live, move->vm, where);
		vm->is = VM_IS_THERE;
		vm->seen.state = HOST_VM_RUNNING;
		vm->settled_ns = live->now_ns;
		if (vm->move == move->id)
			vm->move = 0;
	}
	end_move(live, move, done);
}

/* Is it still to be heard how the network is, where the VM has moved to? */
static bool awaits_network(const struct live_move *move)
{
	return move->done && move->target.state != HANDOVER_NO_RECORD &&
	    (move->target.state != TARGET_RUNNING ||
	        move->network == NETWORK_WAITS);
}

bool live_move_cuts(const struct live_move *move)
{
	if (!move->decided)
		return move->down_ns > 0;
	return move->done && move->network == NETWORK_WAITS;
}

static bool is_arriving(enum handover_state state)
{
	return state == TARGET_LISTENING || state == TARGET_RECEIVING;
}

static bool is_silent(const struct live *live, const struct live_side *side)
{
	return side->host == ID_NONE || live_is_stale(live, side->host);
}

/* Says what is to be said; true if the move is over and forgotten. */
static bool settle(struct live *live, struct live_move *move)
{
	struct live_side *s = &move->source, *t = &move->target;
	struct handover_verdict verdict =
	    handover_settle(s->state, t->state);

	decide(live, move);
	if (move->decided && !awaits_network(move))
		tell_listener(live, move);
	/* Its report says how the network is. */
	if (verdict.target == WORD_FORGET && awaits_network(move))
		verdict.target = WORD_NONE;
	if (s->state == HANDOVER_NO_RECORD && is_arriving(t->state))
		verdict.target = WORD_ABORT;
	live_say(live, move, s, verdict.source, false);
	live_say(live, move, t, verdict.target, false);
	move->operator_needed = verdict.operator_needed ||
	    (s->state == SOURCE_DOUBT && is_silent(live, t)) ||
	    (t->state == TARGET_HELD && is_silent(live, s));
	if (s->state != HANDOVER_NO_RECORD || t->state != HANDOVER_NO_RECORD)
		return false;
	if (!move->decided)
		end_move(live, move, false);
	return true;
}

void live_move_answered(struct live *live, uint64_t request,
    const struct message_answer *answer)
{
	bool refused = answer->kind == ANSWER_REFUSED;
	struct live_move *move = NULL;
	struct live_side *side;
	uint32_t i = 0;

	while (i < live->n_moves && live->moves[i]->target.act != request &&
	    live->moves[i]->source.act != request)
		i++;
	if (i == live->n_moves)
		return;
	move = live->moves[i];
	side = move->target.act == request ? &move->target : &move->source;
	side->act = 0;
	side->ended_ns = live->now_ns;
	if (refused) {
		side->state = HANDOVER_NO_RECORD;
		live_log(live,
		    "handover=%llu vm=%s host=%s refused text=\"%s\"",
		    (unsigned long long)move->id, move->vm_name,
		    live->model->hosts[side->host].name, answer->text);
	}
	if (answer->text[0] != '\0')
		memcpy(move->text, answer->text, sizeof move->text);
	if (side == &move->target && answer->kind == ANSWER_PENDING) {
		send_source(live, move, answer->port);
	} else if (side == &move->target) {
		/* The source is not asked, and so has no record. */
		move->source.state = HANDOVER_NO_RECORD;
	}
	if (settle(live, move))
		remove_move(live, i);
}

/* Reports. */

static struct live_move *take_over(
    struct live *live, const struct message_handover *h)
{
	struct live_move *move = add_move(live, h->id);
	uint32_t v = live_find_vm(live, h->vm);

	memcpy(move->vm_name, h->vm, sizeof move->vm_name);
	move->vm = v;
	move->start_ns = live->now_ns - (int64_t)h->age_ns;
	live_log(live, "found handover=%llu vm=%s state=%s",
	    (unsigned long long)h->id, h->vm, handover_state_name(h->state));
	return move;
}

static void hear_side(
    struct live *live, uint32_t host, const struct message_handover *h)
{
	struct live_move *move = live_move_find(live, h->id);
	struct live_side *side;

	if (!move)
		move = take_over(live, h);
	side = handover_is_source(h->state) ? &move->source : &move->target;
	if (side->state != h->state)
		live_log(live, "handover=%llu vm=%s host=%s state=%s",
		    (unsigned long long)h->id, h->vm,
		    live->model->hosts[host].name,
		    handover_state_name(h->state));
	side->host = host;
	side->state = h->state;
	if (h->bytes > move->bytes)
		move->bytes = h->bytes;
	if ((int64_t)h->down_ns > move->down_ns)
		move->down_ns = (int64_t)h->down_ns;
	if (handover_is_target(h->state)) {
		move->network = h->network;
		move->network_ns = (int64_t)h->network_ns;
	}
	if (h->text[0] != '\0')
		memcpy(move->text, h->text, sizeof move->text);
	if (move->vm != ID_NONE && host_none(live_move_where(move)) &&
	    !move->decided)
		live->vms[move->vm].move = move->id;
}

static bool is_reported(const struct live *live, uint64_t id)
{
	for (uint32_t i = 0; i < live->report.n_handovers; i++)
		if (live->report.handovers[i].id == id)
			return true;
	return false;
}

static void miss_side(const struct live *live, struct live_side *side,
    uint32_t host, uint64_t id, int64_t asked_ns)
{
	/* Of a side that no act of ours began, any report is new enough. */
	bool is_ours = side->act != 0 || side->ended_ns != TIME_NEVER ||
	    side->state == HANDOVER_UNHEARD;

	if (side->host == ID_NONE) {
		if (live_has_heard_all(live))
			side->state = HANDOVER_NO_RECORD;
	} else if (side->host == host && !is_reported(live, id) &&
	    (!is_ours || asked_ns >= side->ended_ns)) {
		side->state = HANDOVER_NO_RECORD;
	}
}

void live_move_report(struct live *live, uint32_t host, int64_t asked_ns)
{
	for (uint32_t i = 0; i < live->report.n_handovers; i++)
		hear_side(live, host, &live->report.handovers[i]);
	for (uint32_t i = live->n_moves; i > 0; i--) {
		struct live_move *move = live->moves[i - 1];

		miss_side(live, &move->source, host, move->id, asked_ns);
		miss_side(live, &move->target, host, move->id, asked_ns);
		if (settle(live, move))
			remove_move(live, i - 1);
	}
}
