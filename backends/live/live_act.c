/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single acts: sent until they are answered, and what became of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/live_inside.h"

void live_tell(struct live *live, struct ticket ticket,
    enum outcome_kind kind, const char *text)
{
	struct outcome *o;

	live->outcomes = live_grow(live->outcomes, live->n_outcomes,
	    &live->max_outcomes, sizeof *live->outcomes);
	o = &live->outcomes[live->n_outcomes++];
	*o = (struct outcome){
	    .ticket = ticket, .kind = kind, .at_ns = live->now_ns};
	snprintf(o->text, sizeof o->text, "%.*s", OUTCOME_TEXT_MAX - 1, text);
}

struct live_act *live_act_find(const struct live *live, uint64_t request)
{
	for (uint32_t i = 0; i < live->n_acts; i++)
		if (request && live->acts[i]->request == request)
			return live->acts[i];
	return NULL;
}

/* Sending. */

static void send_act(struct live *live, struct live_act *a)
{
	static struct message_act act;
	struct wire_writer w;
	struct err err = {""};

	a->sent_ns = live->now_ns;
	act = a->act;
	if (act.kind == ACT_CREATE &&
	    !live->out.configure(live->out.self, a->vm, act.config, &err)) {
		live_log(live, "error vm=%s config=\"%s\"", act.vm, err.text);
		return;
	}
	wire_writer_init(&w, live->bytes, sizeof live->bytes);
	if (message_write_act(&w, a->request, &act))
		live->out.send(live->out.self, a->host, live->bytes, w.len);
}

uint64_t live_act_start(struct live *live, uint32_t host, uint32_t vm,
    const struct message_act *wanted, const struct ticket *ticket)
{
	struct live_act *a = live_take(1, sizeof *a);

	a->request = live->next_request++;
	a->host = host;
	a->vm = vm;
	a->first_ns = live->now_ns;
	a->act = *wanted;
	a->act.generation = live->options.generation;
	a->act.incarnation = live->hosts[host].incarnation;
	a->act.view = live->hosts[host].number;
	a->has_ticket = ticket != NULL;
	if (ticket)
		a->ticket = *ticket;
	live->acts = live_grow(live->acts, live->n_acts, &live->max_acts,
	    sizeof(struct live_act *));
	live->acts[live->n_acts++] = a;
	live_log(live, "act request=%llu %s host=%s vm=%s word=%s",
	    (unsigned long long)a->request, act_kind_name(a->act.kind),
	    live->model->hosts[host].name, a->act.vm,
	    handover_word_name(a->act.word));
	send_act(live, a);
	return a->request;
}

/* The end. */

static void remove_act(struct live *live, struct live_act *a)
{
	for (uint32_t i = 0; i < live->n_acts; i++) {
		if (live->acts[i] != a)
			continue;
		memmove(&live->acts[i], &live->acts[i + 1],
		    (--live->n_acts - i) * sizeof(struct live_act *));
		break;
	}
	if (a->vm != ID_NONE && live->vms[a->vm].act == a->request) {
		live->vms[a->vm].act = 0;
		live->vms[a->vm].settled_ns = live->now_ns;
	}
	free(a);
}

void live_act_unsay(
    struct live *live, uint64_t handover, enum handover_word word)
{
	for (uint32_t i = live->n_acts; i > 0; i--) {
		struct live_act *a = live->acts[i - 1];

		if (a->act.kind == ACT_WORD && a->act.word == word &&
		    a->act.handover == handover)
			remove_act(live, a);
	}
}

/* It is made: it is there, whatever an older sample says. */
static void settle_created(struct live *live, const struct live_act *a)
{
	struct live_vm *vm = &live->vms[a->vm];
	struct message_act share = {.kind = ACT_SET_CPU,
	    .weight = a->act.weight,
	    .cap_mcpu = a->act.cap_mcpu};

	live_vm_place(live, a->vm, (struct host_id){a->host});
	if (vm->is != VM_IS_THERE)
		vm->seen = (struct host_vm){.weight = a->act.weight,
		    .mem_kib = a->act.mem_kib,
		    .mem_target_kib = a->act.mem_kib,
		    .mem_used_kib = MEM_UNKNOWN};
	vm->is = VM_IS_THERE;
	vm->seen.state = HOST_VM_RUNNING;
	if (a->act.weight == WEIGHT_DEFAULT && a->act.cap_mcpu == 0)
		return;
	memcpy(share.vm, a->act.vm, sizeof share.vm);
	live_act_start(live, a->host, a->vm, &share, NULL);
}

/* What a change set is so already, until the next sample. */
static void settle_set(struct live *live, const struct live_act *a)
{
	struct host_vm *seen = &live->vms[a->vm].seen;

	if (a->act.kind == ACT_SET_MEM) {
		seen->mem_target_kib = a->act.mem_kib;
	} else {
		seen->weight = a->act.weight;
		seen->cap_mcpu = a->act.cap_mcpu;
	}
}

static void end_act(struct live *live, struct live_act *a,
    enum answer_kind kind, const char *text)
{
	static const enum outcome_kind kinds[N_ANSWER_KINDS] = {
	    [ANSWER_DONE] = OUTCOME_DONE,
	    [ANSWER_REFUSED] = OUTCOME_REFUSED,
	    [ANSWER_FAILED] = OUTCOME_FAILED};
	bool done = kind == ANSWER_DONE;

	live_log(live, "outcome request=%llu %s host=%s vm=%s %s text=\"%s\"",
	    (unsigned long long)a->request, act_kind_name(a->act.kind),
	    live->model->hosts[a->host].name, a->act.vm,
	    answer_kind_name(kind), text);
	if (a->has_ticket)
		live_tell(live, a->ticket, kinds[kind], text);
	if (a->act.kind == ACT_WORD)
		live_move_heeded(live, a->act.handover, a->host, a->act.word,
		    kind == ANSWER_REFUSED);
	if (a->act.kind == ACT_CREATE) {
		if (done)
			settle_created(live, a);
		live_env_created(live, a->vm, done, text);
	} else if (done && a->vm != ID_NONE &&
	    (a->act.kind == ACT_SET_MEM || a->act.kind == ACT_SET_CPU)) {
		settle_set(live, a);
	}
	remove_act(live, a);
}

static bool is_transfer(const struct live_act *a)
{
	return a->act.kind == ACT_RECEIVE || a->act.kind == ACT_SEND;
}

/*
 * A violind that has started again refuses what it, before, may have obeyed:
 * of an act that was sent more than once, the next report tells which violind
 * it was that refused.
 */
static bool is_doubtful(
    const struct live_act *a, const struct message_answer *answer)
{
	return answer->kind == ANSWER_REFUSED && a->act.kind != ACT_WORD &&
	    a->sent_ns != a->first_ns;
}

void live_act_answered(struct live *live, uint32_t host,
    const struct message_answer *answer, bool in_report)
{
	struct live_act *a;

	if (answer->generation != live->options.generation)
		return;
	a = live_act_find(live, answer->request);
	if (!a || a->host != host)
		return;
	if (is_doubtful(a, answer)) {
		a->refused_ns = live->now_ns;
		memcpy(a->refused, answer->text, sizeof a->refused);
		return;
	}
	if (is_transfer(a)) {
		live_move_answered(live, a->request, answer);
		remove_act(live, a);
		return;
	}
	if (answer->kind == ANSWER_PENDING) {
		if (!a->pending)
			a->answered_ns = live->now_ns;
		a->pending = true;
		if (in_report)
			a->listed_ns = live->now_ns;
		return;
	}
	end_act(live, a, answer->kind, answer->text);
}

/* It can no longer be obeyed, or its end will not be told. */
static void give_up(struct live *live, struct live_act *a, const char *why)
{
	struct message_answer answer = {.kind = ANSWER_FAILED};

	snprintf(answer.text, sizeof answer.text, "%s", why);
	if (!is_transfer(a)) {
		/* Whether it was made is seen by now: see_vms came first. */
		if (a->act.kind == ACT_CREATE &&
		    live->vms[a->vm].is == VM_IS_THERE &&
		    live->vms[a->vm].host.ix == a->host &&
		    live->vms[a->vm].seen.state == HOST_VM_RUNNING)
			answer = (struct message_answer){.kind = ANSWER_DONE};
		end_act(live, a, answer.kind, answer.text);
		return;
	}
	live_move_answered(live, a->request, &answer);
	remove_act(live, a);
}

/* It is the violind that would know, had it obeyed. */
static void end_refused(struct live *live, struct live_act *a)
{
	struct message_answer answer = {.kind = ANSWER_REFUSED};

	memcpy(answer.text, a->refused, sizeof answer.text);
	if (is_transfer(a)) {
		live_move_answered(live, a->request, &answer);
		remove_act(live, a);
	} else {
		end_act(live, a, answer.kind, answer.text);
	}
}

/* The host's daemon has started again, and may have made the VM before: wait
 * for a sample that was surely taken since. */
static bool may_be_made(const struct live *live, struct live_act *a)
{
	if (a->act.kind != ACT_CREATE ||
	    live->hosts[a->host].sampled_ns >= a->first_ns)
		return false;
	/* Not to be sent again. */
	a->pending = true;
	a->answered_ns = live->now_ns;
	return true;
}

void live_act_report(
    struct live *live, uint32_t host, bool restarted, int64_t asked_ns)
{
	for (uint32_t i = live->n_acts; i > 0; i--) {
		struct live_act *a = i <= live->n_acts ? live->acts[i - 1]
		                                       : NULL;
		bool is_old;

		if (!a || a->host != host)
			continue;
		is_old = live->hosts[host].incarnation != a->act.incarnation;
		if (a->act.kind == ACT_WORD && !is_old)
			is_old = restarted;
		if (is_old && may_be_made(live, a))
			continue;
		if (is_old)
			give_up(live, a, "violind has started again");
		else if (a->refused_ns && a->refused_ns < asked_ns)
			end_refused(live, a);
		else if (!a->pending &&
		    a->first_ns + live->options.expire_ns < asked_ns)
			give_up(live, a, "there was no answer");
		else if (a->pending && a->answered_ns < asked_ns &&
		    a->listed_ns != live->now_ns)
			give_up(live, a, "its end was not told");
	}
}

/* Silence: what is not known to be under way is sent again, as long as it
 * could be obeyed; what is, or cannot, waits for a report. */
void live_act_tick(struct live *live)
{
	for (uint32_t i = 0; i < live->n_acts; i++) {
		struct live_act *a = live->acts[i];

		if (a->sent_ns + live->options.busy_ns > live->now_ns)
			continue;
		if (!a->pending && !a->refused_ns &&
		    live->now_ns < a->first_ns + live->options.expire_ns)
			send_act(live, a);
		else
			a->sent_ns = live->now_ns;
	}
}
