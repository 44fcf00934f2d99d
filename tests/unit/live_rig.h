/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live manager's state machine between a test's hands: it sends into a
 * list, and hears what the test has a host say, when the test says so.  No
 * sockets, no clock, no daemons.
 *
 * Three hosts, 0 and 1 in a domain, 2 in another; environment 0 has VMs 0
 * and 1, environment 1 has VM 2, all asked for at once.
 */
#ifndef TESTS_UNIT_LIVE_RIG_H
#define TESTS_UNIT_LIVE_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/live.h"
#include "tests/live_outside.h"
#include "tests/support.h"

enum { HOSTS = 3, VMS = 3, SENT_MAX = 512 };
#define GENERATION 1000
#define SECOND NS_PER_S

struct sent {
	uint32_t host;
	struct wire_header header;
	struct message_act act; /* of an ACT; without its configuration */
	char checked[HOST_NAME_MAX_LEN]; /* of a CHECK: the VM */
	bool is_answered;
};

static struct scenario *site;
static struct live *live;
static int64_t now_ns;
static struct sent sent[SENT_MAX];
static uint32_t n_sent;
static uint64_t asked[HOSTS]; /* the last OBSERVE to a host */
static struct message_report reports[HOSTS]; /* what it would tell */
static struct host_vm vms[HOSTS][HOST_VMS_MAX];
static const char *wrong_config; /* what hosts say of it; NULL: right */
static const char *unchecked;    /* a VM that host 0 never checks; or NULL */
static enum live_fate kept[VMS];
static const char *env_outcome[VMS];
static struct live_migration ended;
static char logged[65536];

/* The outside. */

static bool take_sent(
    void *self, uint32_t host, const void *bytes, size_t len)
{
	static struct message_act act;
	static struct message_check check;
	struct sent *s = &sent[n_sent++];
	struct wire_reader r;

	(void)self;
	ck_assert_uint_lt(n_sent, SENT_MAX);
	*s = (struct sent){.host = host};
	wire_reader_init(&r, bytes, len);
	ck_assert(wire_get_header(&r, &s->header));
	if (s->header.type == MESSAGE_OBSERVE)
		asked[host] = s->header.request;
	if (s->header.type == MESSAGE_ACT) {
		ck_assert(message_read_act(&r, &act));
		s->act = act;
	}
	if (s->header.type == MESSAGE_CHECK) {
		ck_assert(message_read_check(&r, &check));
		memcpy(s->checked, check.vm, sizeof s->checked);
	}
	return true;
}

static void keep(void *self, uint32_t env, enum live_fate fate)
{
	(void)self;
	kept[env] = fate;
}

static void draw(void *self, void *bytes, size_t n)
{
	(void)self;
	memset(bytes, 7, n);
}

static void log_line(void *self, const char *text)
{
	size_t n = strlen(logged);

	(void)self;
	snprintf(logged + n, sizeof logged - n, "%s\n", text);
}

static void hear_end(void *self, int64_t at_ns, struct env_id env,
    const char *outcome)
{
	(void)self;
	(void)at_ns;
	env_outcome[env.ix] = outcome;
}

static void hear_migration(void *self, const struct live_migration *migration)
{
	(void)self;
	ended = *migration;
}

static inline void rig_manager(uint64_t generation)
{
	struct live_options options = live_usual;
	const struct live_outside outside = {.send = take_sent,
	    .address = address_of,
	    .configure = configure,
	    .keep = keep,
	    .random = draw,
	    .log = log_line,
	    .listener = {.env_ended = hear_end,
	        .migration_ended = hear_migration}};

	options.generation = generation;
	live_free(live);
	n_sent = 0;
	logged[0] = '\0';
	memset(asked, 0, sizeof asked);
	memset(env_outcome, 0, sizeof env_outcome);
	memset(&ended, 0, sizeof ended);
	live = live_new(site, &options, &outside, now_ns);
}

/* What hosts have. */

static inline void rig_put(uint32_t host, uint32_t vm, enum host_vm_state state)
{
	struct host_vm *v = &vms[host][reports[host].sample.n_vms++];

	*v = (struct host_vm){.state = state,
	    .n_vcpus = 1,
	    .weight = WEIGHT_DEFAULT,
	    .mem_kib = 512 * KIB_PER_MIB,
	    .mem_target_kib = 512 * KIB_PER_MIB,
	    .mem_max_kib = 512 * KIB_PER_MIB,
	    .mem_used_kib = 100 * KIB_PER_MIB};
	snprintf(v->name, sizeof v->name, "%s", site->model.vms[vm].name);
}

static inline struct host_vm *rig_vm(uint32_t host, uint32_t vm)
{
	for (uint32_t i = 0; i < reports[host].sample.n_vms; i++)
		if (strcmp(vms[host][i].name, site->model.vms[vm].name) == 0)
			return &vms[host][i];
	return NULL;
}

static inline void rig_take(uint32_t host, uint32_t vm)
{
	struct host_vm *v = rig_vm(host, vm);

	ck_assert_ptr_nonnull(v);
	*v = vms[host][--reports[host].sample.n_vms];
}

/* One side of a hand-over; NO_RECORD: it has forgotten. */
static inline void rig_side(
    uint32_t host, uint64_t id, uint32_t vm, enum handover_state state)
{
	struct message_report *r = &reports[host];
	uint32_t i = 0;

	while (i < r->n_handovers && r->handovers[i].id != id)
		i++;
	if (state == HANDOVER_NO_RECORD) {
		if (i < r->n_handovers)
			r->handovers[i] = r->handovers[--r->n_handovers];
		return;
	}
	if (i == r->n_handovers)
		r->n_handovers++;
	r->handovers[i] = (struct message_handover){.id = id, .state = state};
	snprintf(r->handovers[i].vm, sizeof r->handovers[i].vm, "%s",
	    site->model.vms[vm].name);
}

/* Talk. */

static void hear(uint32_t host, const struct wire_writer *w)
{
	static uint8_t copy[WIRE_MESSAGE_MAX];

	memcpy(copy, w->data, w->len);
	live_hear(live, now_ns, host, copy, w->len);
}

/* Answers the last OBSERVE with what the host has; with the sample that the
 * report before had, if it is not fresh. */
static inline void rig_report_as(uint32_t host, bool fresh)
{
	static uint8_t bytes[WIRE_MESSAGE_MAX];
	struct message_report *r = &reports[host];
	struct wire_writer w;

	r->number++;
	if (fresh)
		r->clock_ns = (uint64_t)now_ns;
	wire_writer_init(&w, bytes, sizeof bytes);
	ck_assert(message_write_report(&w, asked[host], r));
	hear(host, &w);
}

static inline void rig_report(uint32_t host)
{
	rig_report_as(host, true);
}

static inline void rig_answer_checks(void)
{
	static uint8_t bytes[1024];
	struct message_checked checked = {.right = wrong_config == NULL};
	struct wire_writer w;

	checked.line = wrong_config ? 7 : 0;
	snprintf(checked.text, sizeof checked.text, "%s",
	    wrong_config ? wrong_config : "");
	/* Each answer may make the next question. */
	for (uint32_t i = 0; i < n_sent; i++) {
		if (sent[i].header.type != MESSAGE_CHECK ||
		    sent[i].is_answered ||
		    (unchecked && sent[i].host == 0 &&
		        strcmp(unchecked, sent[i].checked) == 0))
			continue;
		sent[i].is_answered = true;
		wire_writer_init(&w, bytes, sizeof bytes);
		ck_assert(message_write_checked(
		    &w, sent[i].header.request, &checked));
		hear(sent[i].host, &w);
	}
}

static inline void rig_wait(int64_t ns)
{
	now_ns += ns;
	live_tick(live, now_ns);
}

/* All are asked now, and tell a second later. */
static inline void rig_round(void)
{
	live_refresh(live, ++now_ns);
	now_ns += SECOND;
	for (uint32_t h = 0; h < HOSTS; h++)
		rig_report(h);
	rig_answer_checks();
	live_tick(live, now_ns);
}

static inline void rig_answer_as(const struct sent *to, enum answer_kind kind,
    const char *text, uint16_t port, uint64_t generation)
{
	static uint8_t bytes[1024];
	struct message_answer answer = {.generation = generation,
	    .request = to->header.request,
	    .kind = kind,
	    .port = port};
	struct wire_writer w;

	snprintf(answer.text, sizeof answer.text, "%s", text);
	wire_writer_init(&w, bytes, sizeof bytes);
	ck_assert(message_write_answer(&w, to->header.request, &answer));
	hear(to->host, &w);
}

static inline void rig_answer(
    const struct sent *to, enum answer_kind kind, const char *text)
{
	rig_answer_as(to, kind, text, 7000, GENERATION);
}

/* What was sent. */

/* The last ACT of this kind since the list was cleared; NULL: none. */
static inline struct sent *rig_act(enum act_kind kind)
{
	for (uint32_t i = n_sent; i > 0; i--)
		if (sent[i - 1].header.type == MESSAGE_ACT &&
		    sent[i - 1].act.kind == kind)
			return &sent[i - 1];
	return NULL;
}

/* How often one of this kind was sent. */
static inline uint32_t rig_times(enum act_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_sent; i++)
		n += sent[i].header.type == MESSAGE_ACT &&
		    sent[i].act.kind == kind;
	return n;
}

/* How many there are: what is sent again is the same. */
static inline uint32_t rig_count(enum act_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_sent; i++) {
		bool first = sent[i].header.type == MESSAGE_ACT &&
		    sent[i].act.kind == kind;

		for (uint32_t k = 0; k < i && first; k++)
			first = sent[k].header.request !=
			    sent[i].header.request;
		n += first;
	}
	return n;
}

/* The word that was said to a host since; WORD_NONE: none. */
static inline enum handover_word rig_word(uint32_t host)
{
	for (uint32_t i = n_sent; i > 0; i--)
		if (sent[i - 1].header.type == MESSAGE_ACT &&
		    sent[i - 1].act.kind == ACT_WORD &&
		    sent[i - 1].host == host)
			return sent[i - 1].act.word;
	return WORD_NONE;
}

/* What it does. */

static inline void rig_start(struct action action)
{
	struct outcome old[16];

	live_tick(live, now_ns);
	while (backend_live.outcomes(live, old, 16))
		;
	ck_assert(backend_live.start(live, 1, &action, 1, NULL));
}

/* Its outcome, if there is one by now. */
static inline bool rig_outcome(struct outcome *outcome)
{
	return backend_live.outcomes(live, outcome, 1) == 1;
}

static inline void rig_refused(struct action action, const char *why)
{
	uint32_t before = rig_count(action.kind == ACTION_MIGRATE
	        ? ACT_RECEIVE
	        : ACT_SET_CPU);
	struct outcome outcome;

	rig_start(action);
	ck_assert(rig_outcome(&outcome));
	ck_assert_int_eq(outcome.kind, OUTCOME_REFUSED);
	ck_assert_msg(strstr(outcome.text, why), "%s", outcome.text);
	ck_assert_uint_eq(rig_count(action.kind == ACTION_MIGRATE
	        ? ACT_RECEIVE
	        : ACT_SET_CPU), before);
}

static inline struct vm_observation rig_seen(uint32_t vm)
{
	struct env_observation envs[VMS];
	struct vm_observation seen[VMS];

	live_view(live, envs, seen);
	return seen[vm];
}

static inline enum env_state rig_env(uint32_t env)
{
	struct env_observation envs[VMS];
	struct vm_observation seen[VMS];

	live_view(live, envs, seen);
	return envs[env].state;
}

/* Life. */

static inline void rig_setup(void)
{
	static const char *const names[VMS] = {"A-1", "A-2", "B-1"};

	site = site_new(2, 2);
	site->model.n_hosts = HOSTS;
	for (uint32_t e = 0; e < 2; e++)
		site_add_env(site, 2 - e, false,
		    site_add_workload(site, (struct workload){0}));
	for (uint32_t v = 0; v < VMS; v++)
		site_vm(site, v)->name = names[v];
	now_ns = 100 * SECOND;
	wrong_config = unchecked = NULL;
	memset(reports, 0, sizeof reports);
	memset(kept, 0, sizeof kept);
	for (uint32_t h = 0; h < HOSTS; h++) {
		reports[h] = (struct message_report){.incarnation = 1 + h,
		    .generation = GENERATION,
		    .sample = {.n_cpus = 1,
		        .mem_total_kib = 4 * KIB_PER_GIB,
		        .mem_free_kib = 3 * KIB_PER_GIB,
		        .vms = vms[h]}};
		snprintf(reports[h].host, sizeof reports[h].host, "%s",
		    site->model.hosts[h].name);
	}
	live = NULL;
	rig_manager(GENERATION);
}

static inline void rig_teardown(void)
{
	live_free(live);
	site_free(site);
}

/* All VMs run on host 0, as a manager that starts finds them. */
static inline void rig_run_all(void)
{
	for (uint32_t v = 0; v < VMS; v++)
		rig_put(0, v, HOST_VM_RUNNING);
	/* A sample counts from when the question before it was asked. */
	for (int i = 0; i < 3; i++)
		rig_round();
	n_sent = 0;
}

#endif
