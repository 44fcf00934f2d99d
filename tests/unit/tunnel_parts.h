/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the daemons of tunnel_world.h have outside: hosts, link, journals and
 * tunnel daemons of a few lines each, whose locations are the real ones
 * (backends/location.h).
 */
#ifndef TESTS_UNIT_TUNNEL_PARTS_H
#define TESTS_UNIT_TUNNEL_PARTS_H

#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"

enum { A, B, HOSTS, MOVE = 17, QUEUE = 32 };

static const char *const names[HOSTS] = {"a", "b"};
static const struct mac mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac mac_2 = {{2, 0, 0, 0, 0, 2}};
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
	uint32_t deaf;       /* so many claims cannot be sent */
	uint32_t deaf_after; /* if not 0: nor can any after so many */
	bool deaf_to_first;  /* nor can any of the first MAC */
	int64_t follows_ns;  /* its kernel does from then on */
	int64_t slow_ns;     /* what is sent is not heard before then */
	struct location_claim sent[QUEUE]; /* not answered */
	size_t n_sent, n_heard;
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

/* One that knows of the claim what the real one does. */
static void tunnel_take(struct machine *m, const struct location_claim *claim)
{
	static const char *const words[] = {
	    "ARRIVES", "STARTS", "STAYS", "LEAVES", "ENDS"};
	struct location next;

	if (location_claim(location_find(&m->table, claim->macs[0]),
	        claim->word, claim->epoch, name_of(m), &next)) {
		note(m, words[claim->word]);
		ck_assert_int_eq(
		    location_apply(&m->table, &next), LOCATION_NEWER);
	}
	if (!m->w->late)
		exchange(m->w);
}

/* All that it was told so far, unless it is slow. */
static void tunnel_catch_up(struct machine *m)
{
	while (m->w->now_ns >= m->slow_ns && m->n_heard < m->n_sent)
		tunnel_take(m, &m->sent[m->n_heard++]);
}

static bool tunnel_claim(
    void *self, const struct location_claim *claim, struct err *err)
{
	struct machine *m = self;
	bool first = mac_compare(claim->macs[0], mac) == 0;

	ck_assert_uint_eq(claim->n_macs, 1);
	m->n_claims += claim->word != LOCATION_ASKS;
	m->n_asked += claim->word == LOCATION_ASKS;
	if (m->deaf > 0 || (first && m->deaf_to_first) ||
	    (m->deaf_after > 0 && m->n_claims > m->deaf_after)) {
		m->deaf -= m->deaf > 0;
		return err_set(err, "deaf");
	}
	ck_assert_uint_lt(m->n_sent, QUEUE);
	m->sent[m->n_sent++] = *claim;
	tunnel_catch_up(m);
	return true;
}

static bool tunnel_hear(
    void *self, int64_t *wait_ns, struct tunnel_answer *answer)
{
	struct machine *m = self;
	struct world *w = m->w;
	int64_t heard_ns = m->n_sent > 0 ? m->slow_ns : TIME_NEVER;
	int64_t until_ns = w->now_ns + *wait_ns;

	if (heard_ns > w->now_ns) {
		w->now_ns = heard_ns < until_ns ? heard_ns : until_ns;
		*wait_ns = until_ns - w->now_ns;
	}
	tunnel_catch_up(m);
	if (m->n_heard == 0)
		return false;
	answer->request = m->sent[0].request;
	answer->follows = w->now_ns >= m->follows_ns;
	answer->network =
	    w->now_ns < m->whole_ns ? NETWORK_WAITS : NETWORK_WHOLE;
	if (m->stranger)
		answer->network = NETWORK_UNKNOWN;
	m->n_heard--;
	memmove(m->sent, m->sent + 1, --m->n_sent * sizeof(m->sent[0]));
	return true;
}

static const struct tunnel_api tunnel = {tunnel_claim, tunnel_hear};

#endif
