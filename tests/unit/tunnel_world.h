/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two daemons (backends/monitor/daemon.h) in one program, with what
 * tunnel_parts.h gives them.  Either can be killed at any step that it has, and
 * is started again; a manager settles what is open.
 */
#ifndef TESTS_UNIT_TUNNEL_WORLD_H
#define TESTS_UNIT_TUNNEL_WORLD_H

#include "tests/unit/tunnel_parts.h"

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
	m->n_sent = m->n_heard = 0;
	daemon_free(m->daemon);
	m->daemon = NULL;
}

static struct world *world_new(uint32_t kill_at, bool late)
{
	struct world *w = calloc(1, sizeof(*w));
	struct location first = {.mac = mac, .vni = 42, .host = "a"};
	struct location second = {.mac = mac_2, .vni = 43, .host = "a"};

	ck_assert_ptr_nonnull(w);
	w->late = late;
	w->heard_all = true;
	w->now_ns = NS_PER_S;
	for (int i = A; i < HOSTS; i++) {
		w->machines[i].w = w;
		location_apply(&w->machines[i].table, &first);
		location_apply(&w->machines[i].table, &second);
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

/* Until the VM runs at B, without time passing; gives B's side of it. */
static struct daemon_handover *hand_over(struct world *w)
{
	struct daemon_handover *h;

	begin(w);
	for (int i = 0; i < 20; i++) {
		daemon_step(w->machines[A].daemon, w->now_ns);
		daemon_step(w->machines[B].daemon, w->now_ns);
	}
	h = daemon_handover_find(w->machines[B].daemon, MOVE);
	ck_assert_int_eq(h->state, TARGET_RUNNING);
	return h;
}

/* When has B anything to do, or to hear? */
static int64_t next_of_b(const struct world *w)
{
	const struct machine *b = &w->machines[B];
	int64_t next_ns = daemon_next(b->daemon);
	int64_t hears_ns = b->slow_ns > w->now_ns ? b->slow_ns : w->now_ns;

	return b->n_sent > 0 && hears_ns < next_ns ? hears_ns : next_ns;
}

/* B does all that it wants to until then, when it wants to. */
static void run_b(struct world *w, int64_t until_ns)
{
	struct daemon *b = w->machines[B].daemon;

	while (next_of_b(w) <= until_ns) {
		if (next_of_b(w) > w->now_ns)
			w->now_ns = next_of_b(w);
		daemon_step(b, w->now_ns);
	}
	w->now_ns = until_ns;
	daemon_step(b, until_ns);
}

#endif
