/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carries out the table of backends/handover.h: journal, timers, host and
 * link.  What happens, and in which order, is the table's; here is only how.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"

/* No event: it comes later, or there is none. */
#define NO_EVENT N_HANDOVER_EVENTS

struct daemon_handover *daemon_handover_find(struct daemon *daemon, uint64_t id)
{
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++)
		if (id != 0 && daemon->handovers[i].id == id)
			return &daemon->handovers[i];
	return NULL;
}

struct daemon_handover *daemon_handover_of_vm(
    struct daemon *daemon, const char *vm)
{
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		struct daemon_handover *h = &daemon->handovers[i];

		if (h->id != 0 && !handover_is_over(h->state) &&
		    strcmp(h->vm, vm) == 0)
			return h;
	}
	return NULL;
}

static void point(
    struct daemon *daemon, enum handover_state state, const char *where)
{
	char name[64];

	if (!daemon->out.point)
		return;
	snprintf(
	    name, sizeof(name), "%s:%s", handover_state_name(state), where);
	daemon->out.point(daemon->out.self, name);
}

static bool note(struct daemon *daemon, const struct daemon_handover *h,
    enum handover_state state, bool durable)
{
	struct journal_entry entry = {.id = h->id, .state = state};
	struct err err = {""};

	memcpy(entry.vm, h->vm, sizeof(entry.vm));
	if (daemon->out.journal->note(
	        daemon->out.journal_self, &entry, durable, &err))
		return true;
	daemon_log(daemon, LEVEL_ERROR,
	    "journal handover=%" PRIu64 " vm=%s state=%s error=\"%s\"", h->id,
	    h->vm, handover_state_name(state), err.text);
	return false;
}

static int64_t timer_ns(
    const struct daemon *daemon, const struct daemon_handover *h)
{
	switch (handover_timer(h->state)) {
	case TIMER_CONNECT:
		return daemon->config.connect_ns;
	case TIMER_TRANSFER:
		return h->transfer_ns;
	case TIMER_ANSWER:
		return daemon->config.answer_ns;
	case TIMER_NONE:
		break;
	}
	return 0;
}

static void set_timer(struct daemon *daemon, struct daemon_handover *h)
{
	int64_t ns = timer_ns(daemon, h);

	h->deadline_ns = ns > 0 ? daemon->now_ns + ns : TIME_NEVER;
}

struct daemon_handover *daemon_handover_begin(struct daemon *daemon,
    uint64_t id, enum handover_state state, const char *vm, struct err *err)
{
	struct daemon_handover *h = NULL;

	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX && !h; i++)
		if (daemon->handovers[i].id == 0)
			h = &daemon->handovers[i];
	if (!h) {
		err_set(err, "no room for another hand-over: %d are kept",
		    MESSAGE_HANDOVERS_MAX);
		return NULL;
	}
	*h = (struct daemon_handover){.id = id,
	    .state = state,
	    .began_ns = daemon->now_ns,
	    .transfer_ns = daemon->config.transfer_ns,
	    .claim = {.epoch = id}};
	snprintf(h->vm, sizeof(h->vm), "%s", vm);
	set_timer(daemon, h);
	return h;
}

void daemon_handover_forget(struct daemon *daemon, struct daemon_handover *h)
{
	if (h->linked)
		daemon->out.link->close(daemon->out.link_self, h->id);
	daemon_tunnel_forget(daemon, h);
	daemon->out.journal->forget(daemon->out.journal_self, h->id);
	free(h->config);
	*h = (struct daemon_handover){.id = 0};
}

/* What the table asks for. */

static void suffixed(char name[HOST_NAME_MAX_LEN],
    const struct daemon_handover *h, const char *suffix)
{
	/* daemon_act.c admits no VM for whose name this is too long. */
	int n = snprintf(name, HOST_NAME_MAX_LEN, "%s%s", h->vm, suffix);

	assert(n < HOST_NAME_MAX_LEN);
	(void)n;
}

/* Keeps and logs why something did not go well. */
static void complain(struct daemon *daemon, struct daemon_handover *h,
    const char *what, const char *why)
{
	if (snprintf(h->text, sizeof(h->text), "%s: %s", what, why) >=
	    (int)sizeof(h->text))
		memcpy(h->text + sizeof(h->text) - 4, "...", 4);
	daemon_log(daemon, LEVEL_WARNING,
	    "handover=%" PRIu64 " vm=%s state=%s %s=\"%s\"", h->id, h->vm,
	    handover_state_name(h->state), what, why);
}

static void say(
    struct daemon *daemon, struct daemon_handover *h, enum message_type type)
{
	static uint8_t bytes[LINK_MESSAGE_MAX];
	struct message_text text;
	struct wire_writer w;
	bool ok;

	if (!h->linked)
		return;
	wire_writer_init(&w, bytes, sizeof(bytes));
	if (type == MESSAGE_REFUSED) {
		memcpy(text.text, h->text, sizeof(text.text));
		ok = message_write_refused(&w, h->id, &text);
	} else {
		ok = message_write_plain(&w, type, h->id);
	}
	assert(ok);
	if (ok)
		daemon->out.link->say(
		    daemon->out.link_self, h->id, bytes, w.len);
}

static void say_config(struct daemon *daemon, struct daemon_handover *h)
{
	static uint8_t bytes[LINK_MESSAGE_MAX];
	static struct message_config config;
	struct wire_writer w;

	memcpy(config.vm, h->vm, sizeof(config.vm));
	snprintf(config.config, sizeof(config.config), "%s",
	    h->config ? h->config : "");
	wire_writer_init(&w, bytes, sizeof(bytes));
	if (message_write_config(&w, h->id, &config))
		daemon->out.link->say(
		    daemon->out.link_self, h->id, bytes, w.len);
}

/* Starts the host's end of the transfer. */
static enum handover_event do_transfer(
    struct daemon *daemon, struct daemon_handover *h, enum handover_do todo)
{
	const struct host_api *host = daemon->out.host;
	char as[HOST_NAME_MAX_LEN];
	struct host_stream stream;
	struct err err = {""};
	bool ok;

	suffixed(as, h, HOST_INCOMING);
	h->op = daemon->next_op++;
	ok = daemon->out.link->stream(
	    daemon->out.link_self, h->id, &stream, &err);
	if (ok && todo == DO_SEND)
		ok = host->send(
		    daemon->out.host_self, h->op, h->vm, stream, &err);
	else if (ok)
		ok = host->receive(daemon->out.host_self, h->op, as,
		    h->config ? h->config : "", stream, &err);
	if (ok)
		return NO_EVENT;
	h->op = 0;
	complain(daemon, h, todo == DO_SEND ? "send" : "receive", err.text);
	return EVENT_OP_FAILED;
}

static enum handover_event do_destroy(
    struct daemon *daemon, struct daemon_handover *h, const char *suffix)
{
	char name[HOST_NAME_MAX_LEN];
	struct err err = {""};

	suffixed(name, h, suffix);
	h->op = daemon->next_op++;
	if (daemon->out.host->destroy(daemon->out.host_self, h->op, name, &err))
		return NO_EVENT;
	h->op = 0;
	complain(daemon, h, "destroy", err.text);
	return EVENT_OP_FAILED;
}

/* Looks for NAME with a suffix.  EVENT_OP_DONE, _GONE, or _FAILED with the
 * reason kept. */
static enum handover_event look(struct daemon *daemon,
    struct daemon_handover *h, const char *suffix, struct host_vm *vm)
{
	char name[HOST_NAME_MAX_LEN];
	struct err err = {""};
	bool found = true;

	suffixed(name, h, suffix);
	if (daemon->out.host->find(
	        daemon->out.host_self, name, vm, &found, &err))
		return EVENT_OP_DONE;
	if (!found)
		return EVENT_OP_GONE;
	complain(daemon, h, "find", err.text);
	return EVENT_OP_FAILED;
}

static enum handover_event do_rename_away(
    struct daemon *daemon, struct daemon_handover *h)
{
	char away[HOST_NAME_MAX_LEN];
	struct err err = {""};

	suffixed(away, h, HOST_OUTGOING);
	if (daemon->out.host->rename(daemon->out.host_self, h->vm, away, &err))
		return EVENT_OP_DONE;
	complain(daemon, h, "rename", err.text);
	return EVENT_OP_FAILED;
}

static enum handover_event do_take_back(
    struct daemon *daemon, struct daemon_handover *h)
{
	const struct host_api *host = daemon->out.host;
	void *self = daemon->out.host_self;
	char away[HOST_NAME_MAX_LEN];
	struct err err = {""};
	struct host_vm vm;
	enum handover_event seen = look(daemon, h, HOST_OUTGOING, &vm);

	suffixed(away, h, HOST_OUTGOING);
	if (seen == EVENT_OP_DONE && !host->rename(self, away, h->vm, &err)) {
		complain(daemon, h, "rename", err.text);
		return EVENT_OP_FAILED;
	}
	if (seen == EVENT_OP_FAILED)
		return seen;
	seen = look(daemon, h, "", &vm);
	/* A guest that died on its own is back as it is. */
	if (seen != EVENT_OP_DONE || vm.state == HOST_VM_DEAD)
		return seen;
	if (host->resume(self, h->vm, &err))
		return EVENT_OP_DONE;
	complain(daemon, h, "resume", err.text);
	return EVENT_OP_FAILED;
}

/* Why NAME--incoming was not unpaused: it is NAME already, or it does not
 * run, or that is not known. */
static enum handover_event not_unpaused(
    struct daemon *daemon, struct daemon_handover *h, const char *why)
{
	struct host_vm vm;
	enum handover_event seen = look(daemon, h, HOST_INCOMING, &vm);

	if (seen == EVENT_OP_GONE) {
		seen = look(daemon, h, "", &vm);
		return seen == EVENT_OP_FAILED ? EVENT_OP_PARTLY : seen;
	}
	if (seen == EVENT_OP_FAILED)
		return EVENT_OP_PARTLY;
	complain(daemon, h, "unpause", why);
	/* Failed only if it is seen not to run. */
	return vm.state == HOST_VM_PAUSED ? EVENT_OP_FAILED : EVENT_OP_PARTLY;
}

/* Unpauses first and looks only if that fails: the VM stands still. */
static enum handover_event do_start(
    struct daemon *daemon, struct daemon_handover *h)
{
	const struct host_api *host = daemon->out.host;
	void *self = daemon->out.host_self;
	char incoming[HOST_NAME_MAX_LEN];
	struct err err = {""};

	suffixed(incoming, h, HOST_INCOMING);
	if (!host->unpause(self, incoming, &err))
		return not_unpaused(daemon, h, err.text);
	point(daemon, h->state, "unpaused");
	if (host->rename(self, incoming, h->vm, &err))
		return EVENT_OP_DONE;
	complain(daemon, h, "rename", err.text);
	return EVENT_OP_PARTLY;
}

static enum handover_event do_check_away(
    struct daemon *daemon, struct daemon_handover *h)
{
	struct host_vm vm;
	enum handover_event seen = look(daemon, h, HOST_OUTGOING, &vm);

	if (seen != EVENT_OP_GONE)
		return seen;
	seen = look(daemon, h, "", &vm);
	return seen == EVENT_OP_DONE ? EVENT_OP_PARTLY : seen;
}

static void hang_up(struct daemon *daemon, struct daemon_handover *h)
{
	if (h->linked)
		daemon->out.link->close(daemon->out.link_self, h->id);
	h->linked = false;
}

static enum handover_event do_one(
    struct daemon *daemon, struct daemon_handover *h, enum handover_do todo)
{
	struct host_vm vm;

	switch (todo) {
	case DO_HANG_UP:
		hang_up(daemon, h);
		break;
	case DO_FINISH:
		h->down_ns = daemon->now_ns;
		daemon->out.link->finish(daemon->out.link_self, h->id);
		break;
	case SAY_CONFIG:
		say_config(daemon, h);
		break;
	case SAY_GO:
		say(daemon, h, MESSAGE_GO);
		break;
	case SAY_READY:
		say(daemon, h, MESSAGE_READY);
		break;
	case SAY_RUNNING:
		say(daemon, h, MESSAGE_RUNNING);
		break;
	case SAY_REFUSED:
		say(daemon, h, MESSAGE_REFUSED);
		break;
	case DO_SEND:
	case DO_RECEIVE:
		return do_transfer(daemon, h, todo);
	case DO_END_OP:
		if (h->op)
			daemon->out.host->abort(daemon->out.host_self, h->op);
		break;
	case DO_RENAME_AWAY:
		return do_rename_away(daemon, h);
	case DO_TAKE_BACK:
		return do_take_back(daemon, h);
	case DO_DROP:
		return do_destroy(daemon, h, HOST_OUTGOING);
	case DO_DISCARD:
		return do_destroy(daemon, h, HOST_INCOMING);
	case DO_START:
		return do_start(daemon, h);
	case DO_CHECK_AWAY:
		return do_check_away(daemon, h);
	case DO_CHECK:
		return look(daemon, h, HOST_INCOMING, &vm);
	case DO_TRY_LATER:
		h->deadline_ns = daemon->now_ns + daemon->config.retry_ns;
		break;
	case DO_NOTHING:
	case N_HANDOVER_DOS:
		break;
	}
	return NO_EVENT;
}

/* Events. */

/* The act that asked for it has its outcome when this side is over. */
static void settle_outcome(struct daemon *daemon, struct daemon_handover *h)
{
	bool done = h->state == SOURCE_MOVED || h->state == TARGET_RUNNING;

	if (!handover_is_over(h->state))
		return;
	h->down_ns = 0;
	daemon_settle(daemon, h->outcome, done ? ANSWER_DONE : ANSWER_FAILED,
	    done ? "" : h->text);
	h->outcome = 0;
}

/* One rule; gives the event that follows from it at once, or NO_EVENT. */
static enum handover_event apply(struct daemon *daemon,
    struct daemon_handover *h, const struct handover_rule *rule,
    enum handover_event event, bool noted)
{
	enum handover_event next = NO_EVENT;

	daemon_log(daemon, LEVEL_INFO,
	    "handover=%" PRIu64 " vm=%s from=%s event=%s to=%s", h->id, h->vm,
	    handover_state_name(h->state), handover_event_name(event),
	    handover_state_name(rule->next));
	if (rule->next != h->state) {
		h->state = rule->next;
		set_timer(daemon, h);
		if (!noted)
			note(daemon, h, h->state, false);
		point(daemon, h->state, "noted");
		daemon_tunnel_entered(daemon, h);
	}
	daemon->sampled = false;
	for (size_t i = 0; i < HANDOVER_DOS && rule->todo[i]; i++) {
		enum handover_event came = do_one(daemon, h, rule->todo[i]);

		if (came != NO_EVENT)
			next = came;
	}
	point(daemon, h->state, "done");
	settle_outcome(daemon, h);
	return next;
}

bool daemon_handover_feed(
    struct daemon *daemon, struct daemon_handover *h, enum handover_event event)
{
	bool known = false;

	while (event != NO_EVENT) {
		const struct handover_rule *rule =
		    handover_find_rule(h->state, event);
		bool noted = false;

		if (rule && handover_is_record(rule)) {
			point(daemon, rule->next, "noting");
			noted = note(daemon, h, rule->next, true);
			if (!noted) {
				event = EVENT_NO_JOURNAL;
				rule = handover_find_rule(h->state, event);
			}
		}
		if (!rule)
			break;
		known = true;
		event = apply(daemon, h, rule, event, noted);
	}
	return known;
}

bool daemon_handover_host_event(
    struct daemon *daemon, const struct host_event *event)
{
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		struct daemon_handover *h = &daemon->handovers[i];

		if (h->id == 0 || h->op != event->op)
			continue;
		h->op = 0;
		if (event->kind == HOST_EVENT_FAILED)
			complain(daemon, h, "operation", event->text);
		daemon_handover_feed(daemon, h,
		    event->kind == HOST_EVENT_DONE ? EVENT_OP_DONE
		                                   : EVENT_OP_FAILED);
		return true;
	}
	return false;
}

static void keep_config(
    struct daemon *daemon, struct daemon_handover *h, struct wire_reader *r)
{
	static struct message_config config;

	if (h->state != TARGET_LISTENING || !message_read_config(r, &config))
		return;
	if (strcmp(config.vm, h->vm) != 0) {
		complain(daemon, h, "config", "it is of another VM");
		daemon_handover_feed(daemon, h, EVENT_ABORT);
		return;
	}
	free(h->config);
	h->config = strdup(config.config);
	tunnel_find_macs(&h->claim, config.config);
	daemon_handover_feed(daemon, h, EVENT_CONFIG);
}

static void link_message(struct daemon *daemon, struct daemon_handover *h,
    const struct link_event *event)
{
	struct message_text text;
	struct wire_header header;
	struct wire_reader r;

	wire_reader_init(&r, event->bytes, event->len);
	if (!wire_get_header(&r, &header) || header.request != h->id)
		return;
	if (header.type == MESSAGE_CONFIG) {
		keep_config(daemon, h, &r);
	} else if (header.type == MESSAGE_REFUSED) {
		if (!message_read_refused(&r, &text))
			return;
		complain(daemon, h, "refused", text.text);
		daemon_handover_feed(daemon, h, EVENT_REFUSED);
	} else if (wire_end(&r)) {
		if (header.type == MESSAGE_READY)
			daemon_handover_feed(daemon, h, EVENT_READY);
		else if (header.type == MESSAGE_GO)
			daemon_handover_feed(daemon, h, EVENT_GO);
		else if (header.type == MESSAGE_RUNNING)
			daemon_handover_feed(daemon, h, EVENT_RUNNING);
	}
}

void daemon_handover_link_event(
    struct daemon *daemon, const struct link_event *event)
{
	struct daemon_handover *h = daemon_handover_find(daemon, event->id);

	if (!h || !h->linked)
		return;
	if (event->kind == LINK_MESSAGE) {
		link_message(daemon, h, event);
	} else if (event->kind == LINK_UP) {
		daemon_handover_feed(daemon, h, EVENT_LINK_UP);
	} else {
		if (!handover_is_over(h->state))
			complain(daemon, h, "link", event->text);
		daemon_handover_feed(daemon, h, EVENT_LINK_LOST);
		hang_up(daemon, h);
	}
}
