/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lower half of test_live_world.c: daemons on simulated hosts, their
 * journals, and the network between them and the manager.  Daemons are killed
 * between any two steps; what they obey is held to what they have told.
 */
#ifndef TESTS_PROP_LIVE_WORLD_H
#define TESTS_PROP_LIVE_WORLD_H

#include <check.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/live.h"
#include "backends/monitor/daemon.h"
#include "backends/sim/host_sim.h"
#include "core/manager.h"
#include "scenarios/scenario.h"
#include "tests/live_outside.h"

enum {
	HOSTS = 4,
	PACKETS = 512,
	ENTRIES = 64,
	VIEWS = 4096,
	OBEYED = 512,
	MAX_VMS = 32,
	TOLD = 32,
	MANAGER = HOSTS, /* its place in the network */
};
#define STORM_NS (400 * NS_PER_S)
#define CALM_NS (400 * NS_PER_S)
#define PERIOD_NS (5 * NS_PER_S)
#define VIEW_MAX_NS (20 * NS_PER_S)

struct packet {
	int64_t at_ns; /* TIME_NEVER: free */
	uint32_t from, to;
	uint8_t *bytes;
	size_t len;
};

/* What a tunnel daemon was told, and when it hears it. */
struct told {
	uint64_t request;
	int64_t heard_ns;
};

struct machine {
	struct daemon *daemon; /* NULL: down */
	struct daemon_config config;
	int64_t up_ns; /* when it starts again */
	struct journal_entry journal[ENTRIES];
	size_t n_journal;
	int64_t views[VIEWS]; /* when reports of this incarnation were sent */
	uint64_t obeyed[OBEYED];
	uint32_t n_obeyed;
	struct told told[TOLD]; /* not answered */
	uint32_t n_told;
	int64_t whole_ns; /* all hosts have heard what its tunnel told last */
};

/* What is true of a VM, by its name. */
struct truth {
	uint64_t boot;
	uint32_t first_host;
	bool destroyed; /* a daemon was told to */
};

struct world {
	uint64_t seed;
	struct sim_hosts hosts;
	struct machine machines[HOSTS];
	struct packet packets[PACKETS];
	struct scenario *site;
	struct live *live; /* NULL: down */
	int64_t live_up_ns, step_ns, ask_ns, wish_ns, fault_ns;
	uint64_t generation;
	struct manager *manager;
	void *manager_memory;
	double loss;
	bool storm;
	struct truth truth[MAX_VMS];
	bool complete[MAX_VMS]; /* by environment: all its VMs have run, */
	bool wished_away[MAX_VMS]; /* and none of it is wanted any more */
	bool making[MAX_VMS]; /* by environment, as a manager has kept it */
	bool unwanted[MAX_VMS]; /* and as an operator's wish is kept */
	jmp_buf killed;
	bool may_die;
	uint64_t n_moves, n_kills, n_done, n_measured;
	char last[160]; /* the last event, for messages */
};

#define WRONG(w, ...) wrong(w, __FILE__, __LINE__, __VA_ARGS__)

static void __attribute__((format(printf, 4, 5), noreturn)) wrong(
    const struct world *w, const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: seed %" PRIu64 " at %.3f s after %s: ", file,
	    line, w->seed, ns_to_s(w->hosts.now_ns), w->last);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* Journals. */

struct place {
	struct world *w;
	uint32_t host;
};
static struct place places[HOSTS];

static bool note(void *self, const struct journal_entry *entry, bool durable,
    struct err *err)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];
	size_t i = 0;

	while (i < m->n_journal && m->journal[i].id != entry->id)
		i++;
	/* What need not be durable is lost now and then; a disk fills up. */
	if (i < m->n_journal && !durable && sim_chance(&w->hosts, 0.3))
		return true;
	if (w->storm && sim_chance(&w->hosts, 0.01))
		return err_set(err, "the disk is full");
	if (i == ENTRIES)
		return err_set(err, "no room");
	m->journal[i] = *entry;
	if (i == m->n_journal)
		m->n_journal++;
	return true;
}

static void forget(void *self, uint64_t id)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];

	for (size_t i = 0; i < m->n_journal; i++)
		if (m->journal[i].id == id)
			m->journal[i--] = m->journal[--m->n_journal];
}

static bool read_journal(void *self, struct journal_entry *entries,
    size_t max, size_t *n, struct err *err)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];

	(void)err;
	*n = m->n_journal < max ? m->n_journal : max;
	memcpy(entries, m->journal, *n * sizeof *entries);
	return true;
}

static const struct journal_api journal = {note, forget, read_journal};

/* The virtual network: a tunnel daemon on each host, which may be deaf, or
 * slow, and whose word the others hear within some milliseconds, or much
 * later. */

static bool claim(
    void *self, const struct location_claim *what, struct err *err)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];
	int64_t heard_ns = w->hosts.now_ns;
	bool slow = w->storm && sim_chance(&w->hosts, 0.1);

	if (m->n_told == TOLD || (w->storm && sim_chance(&w->hosts, 0.1)))
		return err_set(err, "deaf");
	if (w->storm && sim_chance(&w->hosts, 0.1))
		heard_ns += sim_draw_ns(&w->hosts, 0, 10 * NS_PER_S);
	if (m->n_told > 0 && m->told[m->n_told - 1].heard_ns > heard_ns)
		heard_ns = m->told[m->n_told - 1].heard_ns;
	m->told[m->n_told++] = (struct told){what->request, heard_ns};
	if (what->word == LOCATION_STARTS)
		m->whole_ns = heard_ns +
		    sim_draw_ns(&w->hosts, 0,
			slow ? 100 * NS_PER_S : 40 * NS_PER_MS);
	return true;
}

static int64_t tunnel_next(const struct machine *m)
{
	return m->n_told > 0 ? m->told[0].heard_ns : TIME_NEVER;
}

/* Waiting takes no time of the world's. */
static bool hear(void *self, int64_t *wait_ns, struct tunnel_answer *answer)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];
	int64_t late_ns = tunnel_next(m) - w->hosts.now_ns;

	if (m->n_told == 0 || late_ns > *wait_ns) {
		*wait_ns = 0;
		return false;
	}
	if (late_ns > 0)
		*wait_ns -= late_ns;
	*answer = (struct tunnel_answer){.request = m->told[0].request,
	    .follows = true,
	    .network = w->hosts.now_ns < m->whole_ns ? NETWORK_WAITS
						     : NETWORK_WHOLE};
	memmove(m->told, m->told + 1, --m->n_told * sizeof m->told[0]);
	return true;
}

static const struct tunnel_api tunnel = {claim, hear};

/* The network between manager and daemons. */

static void put_packet(struct world *w, uint32_t from, uint32_t to,
    const void *bytes, size_t len)
{
	struct packet *p = w->packets;

	if (!w->hosts.reachable[from][to] || sim_chance(&w->hosts, w->loss))
		return;
	while (p < w->packets + PACKETS && p->at_ns != TIME_NEVER)
		p++;
	if (p == w->packets + PACKETS)
		return;
	*p = (struct packet){.from = from,
	    .to = to,
	    .len = len,
	    .bytes = malloc(len),
	    .at_ns = w->hosts.now_ns +
		(sim_chance(&w->hosts, 0.05)
			? sim_draw_ns(&w->hosts, NS_PER_S, 30 * NS_PER_S)
			: sim_draw_ns(
			      &w->hosts, NS_PER_MS, 200 * NS_PER_MS))};
	if (!p->bytes)
		WRONG(w, "out of memory");
	memcpy(p->bytes, bytes, len);
}

static void drop_packets(struct world *w)
{
	for (size_t i = 0; i < PACKETS; i++)
		if (w->packets[i].at_ns != TIME_NEVER)
			free(w->packets[i].bytes);
}

static bool send_packet(void *self, uint32_t host, const void *bytes, size_t n)
{
	put_packet(self, MANAGER, host, bytes, n);
	return true;
}

/* Daemons. */

static void pass_point(void *self, const char *name)
{
	struct world *w = ((struct place *)self)->w;

	if (!w->may_die || !sim_chance(&w->hosts, 0.01))
		return;
	snprintf(w->last, sizeof w->last, "killed h%u at %s",
	    ((struct place *)self)->host + 1, name);
	longjmp(w->killed, 1);
}

static void start_daemon(struct world *w, uint32_t h)
{
	struct machine *m = &w->machines[h];
	struct sim_host_machine *host = &w->hosts.hosts[h];
	const struct daemon_outside outside = {.host = &host_sim_api,
	    .host_self = host,
	    .link = &link_sim_api,
	    .link_self = host,
	    .journal = &journal,
	    .journal_self = &places[h],
	    .tunnel = &tunnel,
	    .tunnel_self = &places[h],
	    .point = pass_point,
	    .self = &places[h]};

	m->config.incarnation++;
	memset(m->views, 0, sizeof m->views);
	m->n_obeyed = 0;
	w->may_die = false;
	m->daemon = daemon_new(&m->config, &outside, w->hosts.now_ns, NULL);
	ck_assert_ptr_nonnull(m->daemon);
	m->up_ns = TIME_NEVER;
}

static void kill_daemon(struct world *w, uint32_t h)
{
	struct machine *m = &w->machines[h];

	w->n_kills++;
	daemon_free(m->daemon);
	m->daemon = NULL;
	m->n_told = 0;
	sim_host_crash(&w->hosts.hosts[h]);
	m->up_ns = w->hosts.now_ns +
	    sim_draw_ns(&w->hosts, NS_PER_S, 40 * NS_PER_S);
}

/* "vm7", also as "vm7--incoming"; ID_NONE for others. */
static uint32_t vm_by_name(const struct world *w, const char *name)
{
	uint32_t v = (uint32_t)strtoul(name[0] ? name + 2 : "", NULL, 10);

	return strncmp(name, "vm", 2) == 0 && v < w->site->model.n_vms
	    ? v
	    : ID_NONE;
}

/* Is it obeyed now, and not answered again? */
static bool is_first(struct machine *m, const struct message_answer *answer)
{
	uint64_t name = answer->generation * 1000003 + answer->request;

	for (uint32_t i = 0; i < OBEYED && i < m->n_obeyed; i++)
		if (m->obeyed[i] == name)
			return false;
	m->obeyed[m->n_obeyed++ % OBEYED] = name;
	return true;
}

/* An act that is obeyed rests on a view of this incarnation, not too old, and
 * no VM of an environment that is complete and wanted is destroyed. */
static void check_obeyed(struct world *w, uint32_t h,
    const struct message_act *act, const struct message_answer *answer)
{
	struct machine *m = &w->machines[h];
	int64_t age_ns = w->hosts.now_ns - m->views[act->view % VIEWS];
	uint32_t v;

	if (answer->kind == ANSWER_REFUSED || act->kind == ACT_WORD ||
	    !is_first(m, answer))
		return;
	if (act->incarnation != m->config.incarnation)
		WRONG(w, "an act for another incarnation was obeyed");
	if (age_ns > VIEW_MAX_NS)
		WRONG(w, "an act on a view of %.1f s ago was obeyed",
		    ns_to_s(age_ns));
	v = vm_by_name(w, act->vm);
	if (act->kind != ACT_DESTROY || v == ID_NONE)
		return;
	w->truth[v].destroyed = true;
	if (w->complete[w->site->model.vms[v].env.ix] &&
	    !w->wished_away[w->site->model.vms[v].env.ix])
		WRONG(w, "%s is destroyed, which nobody wished", act->vm);
}

static void check_act(struct world *w, uint32_t h, const struct packet *p,
    const uint8_t *bytes, size_t len)
{
	static struct message_act act;
	struct message_answer answer;
	struct wire_header header;
	struct wire_reader r;

	wire_reader_init(&r, bytes, len);
	if (!wire_get_header(&r, &header) || header.type != MESSAGE_ANSWER ||
	    !message_read_answer(&r, &answer))
		return;
	wire_reader_init(&r, p->bytes, p->len);
	if (wire_get_header(&r, &header) && message_read_act(&r, &act))
		check_obeyed(w, h, &act, &answer);
}

static void note_view(struct world *w, uint32_t h, const uint8_t *bytes,
    size_t len)
{
	static struct host_vm vms[HOST_VMS_MAX];
	static struct message_report report;
	struct wire_header header;
	struct wire_reader r;

	report.sample.vms = vms;
	wire_reader_init(&r, bytes, len);
	if (wire_get_header(&r, &header) && header.type == MESSAGE_REPORT &&
	    message_read_report(&r, &report))
		w->machines[h].views[report.number % VIEWS] = w->hosts.now_ns;
}

static void deliver(struct world *w, struct packet *p)
{
	static uint8_t answer[WIRE_MESSAGE_MAX];
	struct packet packet = *p;
	struct machine *m;
	size_t n;

	p->at_ns = TIME_NEVER;
	snprintf(w->last, sizeof w->last, "a message from %u to %u",
	    packet.from, packet.to);
	if (packet.to == MANAGER) {
		if (w->live)
			live_hear(w->live, w->hosts.now_ns, packet.from,
			    packet.bytes, packet.len);
	} else if (w->machines[packet.to].daemon) {
		m = &w->machines[packet.to];
		w->may_die = w->storm;
		if (setjmp(w->killed) == 0) {
			n = daemon_handle(m->daemon, w->hosts.now_ns,
			    packet.bytes, packet.len, answer, sizeof answer);
			check_act(w, packet.to, &packet, answer, n);
			note_view(w, packet.to, answer, n);
			if (n > 0)
				put_packet(w, packet.to, MANAGER, answer, n);
		} else {
			kill_daemon(w, packet.to);
		}
	}
	free(packet.bytes);
}

static void step_daemon(struct world *w, uint32_t h)
{
	w->may_die = w->storm;
	if (setjmp(w->killed) == 0)
		daemon_step(w->machines[h].daemon, w->hosts.now_ns);
	else
		kill_daemon(w, h);
}

/* The outside of the manager. */

static void keep(void *self, uint32_t env, enum live_fate fate)
{
	struct world *w = self;

	w->making[env] = fate == LIVE_MAKING;
}

static void draw_bytes(void *self, void *bytes, size_t n)
{
	struct world *w = self;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)sim_draw(&w->hosts, 256);
}

static void log_line(void *self, const char *text)
{
	const struct world *w = self;

	if (getenv("VIOLIN_LOG"))
		fprintf(stderr, "%9.3f %s\n", ns_to_s(w->hosts.now_ns), text);
}

static struct live_outside outside_of(struct world *w)
{
	return (struct live_outside){.self = w,
	    .send = send_packet,
	    .address = address_of,
	    .configure = configure,
	    .keep = keep,
	    .random = draw_bytes,
	    .log = log_line};
}

#endif
