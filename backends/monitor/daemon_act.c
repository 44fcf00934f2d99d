/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a manager asks of the monitoring daemon.  Each act is checked here
 * against the host as it is now, not as the manager saw it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"
#include "scenarios/words.h"

static void refuse(struct message_answer *answer, const char *why)
{
	answer->kind = ANSWER_REFUSED;
	snprintf(answer->text, sizeof(answer->text), "%.*s",
	    (int)sizeof(answer->text) - 1, why);
}

/* A name that a manager may use: not empty, one word, as in a site and a line
 * of the journal, not a hand-over's own, and short enough to become one. */
static const char *why_not_name(const char *vm)
{
	size_t len = strlen(vm);

	if (len == 0)
		return "the act names no VM";
	if (!is_name(vm))
		return "a VM's name is letters, digits, and - _ . after the "
		       "first";
	if (len + strlen(HOST_INCOMING) >= HOST_NAME_MAX_LEN)
		return "the VM's name is too long: 53 bytes are the most";
	if (strstr(vm, HOST_INCOMING) || strstr(vm, HOST_OUTGOING))
		return "this VM belongs to a hand-over";
	return NULL;
}

static uint64_t op_begin(struct daemon *daemon, uint64_t outcome)
{
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		if (daemon->ops[i].op != 0)
			continue;
		daemon->ops[i] = (struct daemon_op){
		    .op = daemon->next_op++, .outcome = outcome};
		return daemon->ops[i].op;
	}
	return 0;
}

static struct daemon_op *op_find(struct daemon *daemon, uint64_t op)
{
	for (size_t i = 0; i < HOST_OPS_MAX; i++)
		if (op != 0 && daemon->ops[i].op == op)
			return &daemon->ops[i];
	return NULL;
}

bool daemon_act_event(struct daemon *daemon, const struct host_event *event)
{
	struct daemon_op *op = op_find(daemon, event->op);

	if (!op)
		return false;
	bool done = event->kind == HOST_EVENT_DONE;
	daemon_settle(daemon, op->outcome, done ? ANSWER_DONE : ANSWER_FAILED,
	    event->text);
	if (done != op->creates)
		daemon_tunnel_claim(daemon, &op->claim, LOCATION_ENDS);
	op->op = 0;
	return true;
}

/* Simple acts. */

static void act_set(struct daemon *daemon, const struct message_act *act,
    struct message_answer *answer)
{
	const struct host_api *host = daemon->out.host;
	struct err err = {""};
	bool ok;

	if (act->kind == ACT_SET_MEM &&
	    daemon_handover_of_vm(daemon, act->vm) != NULL) {
		refuse(answer, "it is being migrated; its balloon stays");
		return;
	}
	if (act->kind == ACT_SET_CPU &&
	    (act->weight < 1 || act->weight > WEIGHT_MAX)) {
		refuse(answer, "a weight is 1 to 65535");
		return;
	}
	if (act->kind == ACT_SET_CPU)
		ok = host->set_cpu(daemon->out.host_self, act->vm, act->weight,
		    act->cap_mcpu, &err);
	else
		ok = host->set_mem(
		    daemon->out.host_self, act->vm, act->mem_kib, &err);
	if (ok)
		answer->kind = ANSWER_DONE;
	else
		refuse(answer, err.text);
}

static void act_make(struct daemon *daemon, const struct message_act *act,
    uint64_t outcome, struct message_answer *answer)
{
	const struct host_api *host = daemon->out.host;
	void *self = daemon->out.host_self;
	uint64_t op = op_begin(daemon, outcome);
	struct daemon_op *begun = op_find(daemon, op);
	struct err err = {""};
	bool ok;

	if (!begun) {
		refuse(answer, "too many operations are under way");
		return;
	}
	begun->creates = act->kind == ACT_CREATE;
	if (begun->creates) {
		tunnel_find_macs(&begun->claim, act->config);
		ok = host->create(
		    self, op, act->vm, act->config, act->mem_kib, &err);
	} else {
		daemon_tunnel_learn(daemon, &begun->claim, act->vm);
		ok = host->destroy(self, op, act->vm, &err);
	}
	if (!ok) {
		begun->op = 0;
		refuse(answer, err.text);
		return;
	}
	answer->kind = ANSWER_PENDING;
	if (begun->creates)
		daemon_tunnel_claim(daemon, &begun->claim, LOCATION_STAYS);
}

/* Hand-overs. */

/* Memory that VMs under way to here will take beyond what they have now. */
static uint64_t mem_promised_kib(const struct daemon *daemon)
{
	uint64_t kib = 0;

	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		const struct daemon_handover *h = &daemon->handovers[i];

		if (h->id != 0 && (h->state == TARGET_LISTENING ||
		                      h->state == TARGET_RECEIVING))
			kib += h->mem_kib;
	}
	return kib;
}

static uint32_t n_under_way(const struct daemon *daemon)
{
	uint32_t n = 0;

	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++)
		n += daemon->handovers[i].id != 0 &&
		     !handover_is_over(daemon->handovers[i].state);
	return n;
}

/* Is there a VM called name plus suffix? */
static bool there_is(struct daemon *daemon, const char *vm, const char *suffix)
{
	char name[2 * HOST_NAME_MAX_LEN];
	struct host_vm seen;
	bool found = true;

	snprintf(name, sizeof(name), "%s%s", vm, suffix);
	return daemon->out.host->find(
	           daemon->out.host_self, name, &seen, &found, NULL) ||
	       found;
}

static const char *why_not_receive(
    struct daemon *daemon, const struct message_act *act)
{
	struct host_sample *sample = &daemon->report.sample;
	uint64_t need_kib = act->mem_kib + mem_promised_kib(daemon) +
	                    daemon->config.mem_reserve_kib;

	if (there_is(daemon, act->vm, ""))
		return "a VM of this name is here";
	if (there_is(daemon, act->vm, HOST_INCOMING))
		return "an unfinished copy of this VM is here";
	if (!daemon->out.host->sample(daemon->out.host_self, sample, NULL))
		return "the host does not tell its free memory";
	if (act->mem_kib == 0 || act->mem_kib > sample->mem_total_kib)
		return "this memory does not fit any host";
	if (need_kib > sample->mem_free_kib)
		return "not enough free memory";
	return NULL;
}

/* Fills config with what the target is to be told. */
static bool prepare_send(struct daemon *daemon, const struct message_act *act,
    char config[HOST_CONFIG_MAX], struct err *err)
{
	const struct host_api *host = daemon->out.host;
	struct host_vm vm;
	bool found = true;

	if (!host->find(daemon->out.host_self, act->vm, &vm, &found, err))
		return found ? false : err_set(err, "there is no such VM here");
	if (vm.state != HOST_VM_RUNNING)
		return err_set(err, "it does not run, and cannot be sent");
	if (there_is(daemon, act->vm, HOST_OUTGOING))
		return err_set(err, "an unfinished copy of this VM is here");
	return host->describe(
	    daemon->out.host_self, act->vm, config, HOST_CONFIG_MAX, err);
}

static bool begin_receive(struct daemon *daemon, const struct message_act *act,
    struct message_answer *answer, struct daemon_handover **out,
    struct err *err)
{
	const char *why = why_not_receive(daemon, act);
	struct daemon_handover *h;

	if (why)
		return err_set(err, "%s", why);
	if (!daemon->out.link->listen(daemon->out.link_self, act->handover,
	        act->key, &answer->port, err))
		return false;
	h = daemon_handover_begin(
	    daemon, act->handover, TARGET_LISTENING, act->vm, err);
	if (!h) {
		daemon->out.link->close(daemon->out.link_self, act->handover);
		return false;
	}
	h->mem_kib = act->mem_kib;
	*out = h;
	return true;
}

static bool begin_send(struct daemon *daemon, const struct message_act *act,
    struct daemon_handover **out, struct err *err)
{
	static char config[HOST_CONFIG_MAX];
	uint64_t rate_bps = act->rate_bps;
	struct daemon_handover *h;

	if (daemon->config.rate_max_bps != 0 &&
	    (rate_bps == 0 || rate_bps > daemon->config.rate_max_bps))
		rate_bps = daemon->config.rate_max_bps;
	if (!prepare_send(daemon, act, config, err) ||
	    !daemon->out.link->call(daemon->out.link_self, act->handover,
	        act->key, act->address, rate_bps, err))
		return false;
	h = daemon_handover_begin(
	    daemon, act->handover, SOURCE_CALLING, act->vm, err);
	if (!h) {
		daemon->out.link->close(daemon->out.link_self, act->handover);
		return false;
	}
	h->config = strdup(config);
	tunnel_find_macs(&h->claim, config);
	*out = h;
	return true;
}

static void act_handover(struct daemon *daemon, const struct message_act *act,
    uint64_t outcome, struct message_answer *answer)
{
	struct daemon_handover *h = NULL;
	struct journal_entry entry = {.id = act->handover};
	struct err err = {""};
	bool ok = false;

	if (act->handover == 0 || daemon_handover_find(daemon, act->handover))
		err_set(&err, "a hand-over of this id is known already");
	else if (daemon_handover_of_vm(daemon, act->vm))
		err_set(&err, "a hand-over of this VM is not over");
	else if (n_under_way(daemon) >= daemon->config.max_handovers)
		err_set(&err, "%" PRIu32 " hand-overs are under way",
		    daemon->config.max_handovers);
	else if (act->kind == ACT_RECEIVE)
		ok = begin_receive(daemon, act, answer, &h, &err);
	else
		ok = begin_send(daemon, act, &h, &err);
	if (!ok) {
		answer->port = 0;
		refuse(answer, err.text);
		return;
	}
	h->linked = true;
	entry.state = h->state;
	memcpy(entry.vm, h->vm, sizeof(entry.vm));
	if (!daemon->out.journal->note(
	        daemon->out.journal_self, &entry, true, &err)) {
		daemon_handover_forget(daemon, h);
		answer->port = 0;
		refuse(answer, err.text);
		return;
	}
	if (act->timeout_ms != 0)
		h->transfer_ns = act->timeout_ms * NS_PER_MS;
	h->outcome = outcome;
	answer->kind = ANSWER_PENDING;
	if (daemon->out.point)
		daemon->out.point(daemon->out.self,
		    h->state == SOURCE_CALLING ? "source-calling:noted"
		                               : "target-listening:noted");
}

static void act_word(struct daemon *daemon, const struct message_act *act,
    struct message_answer *answer)
{
	static const enum handover_event events[N_HANDOVER_WORDS] = {
	    [WORD_ABORT] = EVENT_ABORT,
	    [WORD_DROP] = EVENT_VERDICT_DROP,
	    [WORD_RESUME] = EVENT_VERDICT_RESUME,
	    [WORD_RUN] = EVENT_VERDICT_RUN,
	    [WORD_DISCARD] = EVENT_VERDICT_DISCARD,
	};
	struct daemon_handover *h = daemon_handover_find(daemon, act->handover);

	if (!h || act->word == WORD_NONE) {
		refuse(answer, "no such hand-over, or no word on it");
		return;
	}
	daemon_log(daemon, act->forced ? LEVEL_WARNING : LEVEL_INFO,
	    "word handover=%" PRIu64 " vm=%s word=%s by=%s", h->id, h->vm,
	    handover_word_name(act->word),
	    act->forced ? "operator" : "manager");
	answer->kind = ANSWER_DONE;
	if (act->word == WORD_FORGET) {
		if (handover_is_over(h->state))
			daemon_handover_forget(daemon, h);
		else
			refuse(answer, "it is not over");
		return;
	}
	if (!handover_find_rule(h->state, events[act->word])) {
		refuse(answer, "it is past that");
		return;
	}
	if (act->word == WORD_ABORT)
		snprintf(h->text, sizeof(h->text), "aborted by the manager");
	if (!daemon_handover_feed(daemon, h, events[act->word])) {
		/* It is not, and may be told again. */
		refuse(answer, "its next state cannot be written down");
		answer->kind = ANSWER_FAILED;
	}
}

void daemon_act(struct daemon *daemon, const struct message_act *act,
    uint64_t outcome, struct message_answer *answer)
{
	const char *why = act->kind == ACT_WORD ? NULL : why_not_name(act->vm);

	if (why) {
		refuse(answer, why);
		return;
	}
	switch (act->kind) {
	case ACT_SET_CPU:
	case ACT_SET_MEM:
		act_set(daemon, act, answer);
		break;
	case ACT_CREATE:
	case ACT_DESTROY:
		if (daemon_handover_of_vm(daemon, act->vm))
			refuse(answer, "a hand-over of this VM is not over");
		else
			act_make(daemon, act, outcome, answer);
		break;
	case ACT_RECEIVE:
	case ACT_SEND:
		act_handover(daemon, act, outcome, answer);
		break;
	case ACT_WORD:
		act_word(daemon, act, answer);
		break;
	case N_ACT_KINDS:
		break;
	}
}
