/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two daemons (backends/monitor/daemon.h) in one program, with hosts, link,
 * journals and tunnel daemons of a few lines each, whose locations are the
 * real ones (backends/location.h).  Either can be killed at any step that it
 * has, and is started again; a manager settles what is open.
 */
#ifndef TESTS_UNIT_TUNNEL_WORLD_H
#define TESTS_UNIT_TUNNEL_WORLD_H

#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"

enum { A, B, HOSTS, MOVE = 17, QUEUE = 32 };

static const char *const names[HOSTS] = {"a", "b"};
static const struct mac mac = {{2, 0, 0, 0, 0, 1}};
static const char guest[] = "name = \"V1\"\nvif = [ 'bridge=x,"
                            "mac=02:00:00:00:00:01' ]\n";

struct machine {
	struct world *w;
	struct daemon *daemon; /* NULL: it was killed */
	struct host_vm vms[4];
	struct host_event events[QUEUE];
	size_t n_events;
	uint64_t receiving; /* the op, until the source has sent all */
	struct link_event *links[QUEUE];
	size_t n_links;
	bool linked;
	struct journal_entry record; /* id 0: none */
	struct location_table table;
	bool unpause_fails;
	uint32_t deaf;       /* so many claims are not heard */
	uint32_t deaf_after; /* if not 0: nor is any after so many */
	uint32_t n_claims;
	uint32_t n_asked;
	int64_t whole_ns; /* all hosts have heard from then on */
	bool stranger;    /* its MAC is of no environment */
};

struct world {
	struct machine machines[HOSTS];
	int64_t now_ns;
	bool late; /* hosts hear each other's locations after a while */
	bool heard_all;
	char log[512];
	uint32_t n_points, kill_at; /* 0: never */
	struct machine *killed;
	jmp_buf dies;
};

static struct machine *other(struct machine *m)
{
	return &m->w->machines[m == &m->w->machines[A] ? B : A];
}

static const char *name_of(const struct machine *m)
{
	return names[m - m->w->machines];
}

static void note(struct machine *m, const char *what)
{
	size_t n = strlen(m->w->log);

	snprintf(
	    m->w->log + n, sizeof(m->w->log) - n, "%s:%s ", name_of(m), what);
}

/* A host. */

static struct host_vm *vm_of(struct machine *m, const char *name)
{
	for (size_t i = 0; i < 4; i++)
		if (strcmp(m->vms[i].name, name) == 0)
			return &m->vms[i];
	return NULL;
}

static void add_vm(
    struct machine *m, const char *name, enum host_vm_state state)
{
	struct host_vm *vm = vm_of(m, "");

	*vm = (struct host_vm){.state = state};
	snprintf(vm->name, sizeof(vm->name), "%s", name);
}

static bool end_op(struct machine *m, uint64_t op, enum host_event_kind kind)
{
	ck_assert_uint_lt(m->n_events, QUEUE);
	m->events[m->n_events++] = (struct host_event){.op = op, .kind = kind};
	return true;
}

static bool host_sample(void *self, struct host_sample *out, struct err *err)
{
	(void)self;
	(void)err;
	out->mem_total_kib = out->mem_free_kib = KIB_PER_GIB;
	return true;
}

static bool host_find(void *self, const char *name, struct host_vm *out,
    bool *found, struct err *err)
{
	struct host_vm *vm = vm_of(self, name);

	*found = vm != NULL;
	if (vm)
		*out = *vm;
	return vm || err_set(err, "no %s", name);
}

static bool host_rename(
    void *self, const char *name, const char *to, struct err *err)
{
	struct host_vm *vm = vm_of(self, name);

	if (!vm)
		return err_set(err, "no %s", name);
	snprintf(vm->name, sizeof(vm->name), "%s", to);
	return true;
}

/* Whoever runs a VM has its traffic, unless the network was deaf. */
static bool run_vm(struct machine *m, const char *name, const char *what,
    struct err *err)
{
	const struct location *l = location_find(&m->table, mac);
	struct host_vm *vm = vm_of(m, name);

	if (!vm)
		return err_set(err, "no %s", name);
	vm->state = HOST_VM_RUNNING;
	note(m, what);
	if (m->w->heard_all)
		ck_assert_msg(strcmp(l->host, name_of(m)) == 0,
		    "%s: the VM speaks, and %s is heard", m->w->log, l->host);
	return true;
}

static bool host_unpause(void *self, const char *name, struct err *err)
{
	struct machine *m = self;

	if (m->unpause_fails)
		return err_set(err, "not today");
	return run_vm(m, name, "unpause", err);
}

static bool host_resume(void *self, const char *name, struct err *err)
{
	return run_vm(self, name, "resume", err);
}

static bool host_create(void *self, uint64_t op, const char *name,
    const char *config, uint64_t mem_kib, struct err *err)
{
	(void)config;
	(void)mem_kib;
	if (vm_of(self, name))
		return err_set(err, "it is here");
	add_vm(self, name, HOST_VM_RUNNING);
	return end_op(self, op, HOST_EVENT_DONE);
}

static bool host_destroy(
    void *self, uint64_t op, const char *name, struct err *err)
{
	struct host_vm *vm = vm_of(self, name);

	(void)err;
	if (vm) {
		note(self, "destroy");
		vm->name[0] = '\0';
	}
	return end_op(self, op, HOST_EVENT_DONE);
}

static bool host_send(void *self, uint64_t op, const char *name,
    struct host_stream stream, struct err *err)
{
	(void)stream;
	(void)err;
	vm_of(self, name)->state = HOST_VM_SUSPENDED;
	return end_op(self, op, HOST_EVENT_DONE);
}

static bool host_describe(
    void *self, const char *name, char *config, size_t cap, struct err *err)
{
	snprintf(config, cap, "%s", guest);
	return vm_of(self, name) || err_set(err, "no %s", name);
}

static bool host_receive(void *self, uint64_t op, const char *as,
    const char *config, struct host_stream stream, struct err *err)
{
	struct machine *m = self;

	(void)stream;
	(void)err;
	ck_assert_str_eq(config, guest);
	add_vm(m, as, HOST_VM_PAUSED);
	m->receiving = op;
	return true;
}

static void host_abort(void *self, uint64_t op)
{
	struct machine *m = self;

	if (m->receiving == op)
		end_op(m, op, HOST_EVENT_FAILED);
	m->receiving = 0;
}

static bool host_poll(void *self, int64_t now_ns, struct host_event *event)
{
	struct machine *m = self;

	(void)now_ns;
	if (m->n_events == 0)
		return false;
	*event = m->events[0];
	memmove(m->events, m->events + 1, --m->n_events * sizeof(*event));
	return true;
}

static const struct host_api host = {.name = "toy",
    .sample = host_sample,
    .find = host_find,
    .rename = host_rename,
    .unpause = host_unpause,
    .resume = host_resume,
    .create = host_create,
    .destroy = host_destroy,
    .send = host_send,
    .describe = host_describe,
    .receive = host_receive,
    .abort = host_abort,
    .poll = host_poll};

/* A link. */

static void tell_link(
    struct machine *m, enum link_event_kind kind, const void *bytes, size_t len)
{
	struct link_event *event = calloc(1, sizeof(*event));

	ck_assert(event && m->n_links < QUEUE);
	event->id = MOVE;
	event->kind = kind;
	event->len = len;
	if (len > 0)
		memcpy(event->bytes, bytes, len);
	m->links[m->n_links++] = event;
}

static bool link_listen(void *self, uint64_t id,
    const uint8_t key[MESSAGE_KEY_BYTES], uint16_t *port, struct err *err)
{
	(void)id;
	(void)key;
	(void)err;
	*port = 1;
	((struct machine *)self)->linked = true;
	return true;
}

static bool link_call(void *self, uint64_t id,
    const uint8_t key[MESSAGE_KEY_BYTES], const char *address,
    uint64_t rate_bps, struct err *err)
{
	struct machine *m = self;

	(void)id;
	(void)key;
	(void)address;
	(void)rate_bps;
	(void)err;
	m->linked = true;
	tell_link(m, other(m)->linked ? LINK_UP : LINK_LOST, NULL, 0);
	return true;
}

static void link_say(void *self, uint64_t id, const void *bytes, size_t len)
{
	(void)id;
	if (other(self)->linked)
		tell_link(other(self), LINK_MESSAGE, bytes, len);
}

static bool link_stream(
    void *self, uint64_t id, struct host_stream *stream, struct err *err)
{
	(void)self;
	(void)id;
	(void)err;
	*stream = (struct host_stream){.fd = -1};
	return true;
}

static void link_finish(void *self, uint64_t id)
{
	struct machine *to = other(self);

	(void)id;
	if (to->receiving != 0)
		end_op(to, to->receiving, HOST_EVENT_DONE);
	to->receiving = 0;
}

static void link_close(void *self, uint64_t id)
{
	struct machine *m = self;

	(void)id;
	if (m->linked && other(m)->linked)
		tell_link(other(m), LINK_LOST, NULL, 0);
	m->linked = false;
}

static bool link_poll(void *self, int64_t now_ns, struct link_event *event)
{
	struct machine *m = self;

	(void)now_ns;
	if (m->n_links == 0)
		return false;
	*event = *m->links[0];
	free(m->links[0]);
	memmove(m->links, m->links + 1, --m->n_links * sizeof(m->links[0]));
	return true;
}

static const struct link_api link_toy = {.listen = link_listen,
    .call = link_call,
    .say = link_say,
    .stream = link_stream,
    .finish = link_finish,
    .close = link_close,
    .poll = link_poll};

/* A journal, and a tunnel daemon. */

static bool journal_note(void *self, const struct journal_entry *entry,
    bool durable, struct err *err)
{
	(void)durable;
	(void)err;
	((struct machine *)self)->record = *entry;
	return true;
}

static void journal_forget(void *self, uint64_t id)
{
	(void)id;
	((struct machine *)self)->record.id = 0;
}

static bool journal_read(void *self, struct journal_entry *entries, size_t max,
    size_t *n, struct err *err)
{
	struct machine *m = self;

	(void)max;
	(void)err;
	*n = m->record.id != 0;
	entries[0] = m->record;
	return true;
}

static const struct journal_api journal = {
    journal_note, journal_forget, journal_read};

/* What one knows, both know. */
static void exchange(struct world *w)
{
	struct location all[HOSTS];

	for (int i = A; i < HOSTS; i++)
		all[i] = *location_find(&w->machines[i].table, mac);
	location_apply(&w->machines[A].table, &all[B]);
	location_apply(&w->machines[B].table, &all[A]);
}

static bool tunnel_claim(void *self, const struct location_claim *claim,
    enum network_state *network, struct err *err)
{
	static const char *const words[] = {
	    "ARRIVES", "STARTS", "STAYS", "LEAVES", "ENDS"};
	struct machine *m = self;
	struct location next;

	ck_assert_uint_eq(claim->n_macs, 1);
	ck_assert(mac_compare(claim->macs[0], mac) == 0);
	m->n_claims += claim->word != LOCATION_ASKS;
	m->n_asked += claim->word == LOCATION_ASKS;
	if (m->deaf > 0 || (m->deaf_after > 0 && m->n_claims > m->deaf_after)) {
		m->deaf -= m->deaf > 0;
		return err_set(err, "deaf");
	}
	if (location_claim(location_find(&m->table, mac), claim->word,
	        claim->epoch, name_of(m), &next)) {
		note(m, words[claim->word]);
		ck_assert_int_eq(
		    location_apply(&m->table, &next), LOCATION_NEWER);
	}
	if (!m->w->late)
		exchange(m->w);
	*network = m->w->now_ns < m->whole_ns ? NETWORK_WAITS : NETWORK_WHOLE;
	if (m->stranger)
		*network = NETWORK_UNKNOWN;
	return true;
}

static const struct tunnel_api tunnel = {tunnel_claim};

/* The world. */

static void pass_point(void *self, const char *name)
{
	struct machine *m = self;

	(void)name;
	if (++m->w->n_points != m->w->kill_at)
		return;
	m->w->killed = m;
	longjmp(m->w->dies, 1);
}

static void start(struct machine *m)
{
	const struct daemon_config config = {.host = name_of(m),
	    .connect_ns = 5 * NS_PER_S,
	    .transfer_ns = 5 * NS_PER_S,
	    .answer_ns = 5 * NS_PER_S,
	    .retry_ns = NS_PER_S,
	    .max_handovers = 4};
	const struct daemon_outside outside = {.host = &host,
	    .host_self = m,
	    .link = &link_toy,
	    .link_self = m,
	    .journal = &journal,
	    .journal_self = m,
	    .tunnel = &tunnel,
	    .tunnel_self = m,
	    .point = pass_point,
	    .self = m};

	m->daemon = daemon_new(&config, &outside, m->w->now_ns, NULL);
	ck_assert_ptr_nonnull(m->daemon);
}

/* The host goes on; of the daemon only the journal is left. */
static void bury(struct machine *m)
{
	link_close(m, MOVE);
	while (m->n_links > 0)
		free(m->links[--m->n_links]);
	m->n_events = 0;
	m->receiving = 0;
	daemon_free(m->daemon);
	m->daemon = NULL;
}

static struct world *world_new(uint32_t kill_at, bool late)
{
	struct world *w = calloc(1, sizeof(*w));
	struct location first = {.mac = mac, .vni = 42, .host = "a"};

	ck_assert_ptr_nonnull(w);
	w->late = late;
	w->heard_all = true;
	w->now_ns = NS_PER_S;
	for (int i = A; i < HOSTS; i++) {
		w->machines[i].w = w;
		location_apply(&w->machines[i].table, &first);
		start(&w->machines[i]);
	}
	add_vm(&w->machines[A], "V1", HOST_VM_RUNNING);
	w->kill_at = kill_at;
	return w;
}

static void world_free(struct world *w)
{
	for (int i = A; i < HOSTS; i++) {
		bury(&w->machines[i]);
		location_fini(&w->machines[i].table);
	}
	free(w);
}

static enum answer_kind act(struct machine *m, struct message_act what)
{
	struct message_answer answer = {.kind = ANSWER_REFUSED};

	what.handover = MOVE;
	if (what.vm[0] == '\0')
		strcpy(what.vm, "V1");
	daemon_act(m->daemon, &what, 0, &answer);
	return answer.kind;
}

/* As a manager does, from what the daemons say. */
static void settle(struct world *w)
{
	enum handover_state states[HOSTS];
	struct handover_verdict verdict;
	struct daemon_handover *h;

	for (int i = A; i < HOSTS; i++) {
		h = daemon_handover_find(w->machines[i].daemon, MOVE);
		states[i] = h ? h->state : HANDOVER_NO_RECORD;
	}
	verdict = handover_settle(states[A], states[B]);
	ck_assert(!verdict.operator_needed);
	if (verdict.source)
		act(&w->machines[A], (struct message_act){.kind = ACT_WORD,
		                         .word = verdict.source});
	if (verdict.target)
		act(&w->machines[B], (struct message_act){.kind = ACT_WORD,
		                         .word = verdict.target});
}

static void turn(struct world *w)
{
	w->now_ns += NS_PER_S;
	for (int i = A; i < HOSTS; i++)
		if (!w->machines[i].daemon)
			start(&w->machines[i]);
	for (int i = A; i < HOSTS; i++)
		daemon_step(w->machines[i].daemon, w->now_ns);
	settle(w);
	exchange(w);
}

static void begin(struct world *w)
{
	act(&w->machines[B],
	    (struct message_act){.kind = ACT_RECEIVE, .mem_kib = 1024});
	act(&w->machines[A],
	    (struct message_act){.kind = ACT_SEND, .address = "b"});
}

/* Whatever dies on the way. */
static void move(struct world *w)
{
	volatile int turns = -1;

	if (setjmp(w->dies))
		bury(w->killed);
	while (turns < 30)
		if (++turns == 0)
			begin(w);
		else
			turn(w);
	ck_assert(!w->machines[A].record.id && !w->machines[B].record.id);
}

/* Where V1 runs, and everybody knows it to. */
static int check_place(struct world *w)
{
	int at = vm_of(&w->machines[A], "V1") ? A : B;

	for (int i = A; i < HOSTS; i++) {
		const struct location *l =
		    location_find(&w->machines[i].table, mac);
		const struct host_vm *vm = vm_of(&w->machines[i], "V1");

		ck_assert(!vm == (i != at));
		ck_assert(!vm || vm->state == HOST_VM_RUNNING);
		ck_assert_msg(strcmp(l->host, names[at]) == 0 && !l->standby[0],
		    "point %u, it is on %s: %s says %s, %s; %s", w->kill_at,
		    names[at], names[i], l->host, l->standby, w->log);
	}
	return at;
}

#endif
