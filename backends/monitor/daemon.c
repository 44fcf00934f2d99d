/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monitoring daemon: reports, messages and the passing of time. */
#include "backends/monitor/daemon.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"

void daemon_log(
    struct daemon *daemon, enum daemon_level level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!daemon->out.log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	daemon->out.log(daemon->out.self, level, text);
}

/* Start. */

/* Carries on with what the journal says. */
static bool restart(struct daemon *daemon, struct err *err)
{
	static struct journal_entry entries[MESSAGE_HANDOVERS_MAX];
	size_t n;

	if (!daemon->out.journal->read(daemon->out.journal_self, entries,
	        MESSAGE_HANDOVERS_MAX, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct daemon_handover *h = daemon_handover_begin(daemon,
		    entries[i].id, entries[i].state, entries[i].vm, err);

		if (!h)
			return false;
		daemon_log(daemon, LEVEL_INFO,
		    "restart handover=%" PRIu64 " vm=%s state=%s", h->id, h->vm,
		    handover_state_name(h->state));
		snprintf(h->text, sizeof(h->text), "violind started again");
		daemon_tunnel_restart(daemon, h);
		daemon_handover_feed(daemon, h, EVENT_RESTART);
	}
	return true;
}

struct daemon *daemon_new(const struct daemon_config *config,
    const struct daemon_outside *outside, int64_t now_ns, struct err *err)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));

	assert(daemon && config->max_handovers <= MESSAGE_HANDOVERS_MAX);
	daemon->config = *config;
	daemon->out = *outside;
	daemon->now_ns = now_ns;
	daemon->next_op = 1;
	daemon->claim_ns = TIME_NEVER;
	daemon->ask_ns = TIME_NEVER;
	snprintf(daemon->report.host, sizeof(daemon->report.host), "%s",
	    config->host);
	snprintf(daemon->report.version, sizeof(daemon->report.version), "%s",
	    VIOLIN_VERSION);
	snprintf(daemon->report.hypervisor, sizeof(daemon->report.hypervisor),
	    "%s", outside->host->name);
	daemon->report.incarnation = config->incarnation;
	daemon->report.sample.vms = daemon->vms;
	if (restart(daemon, err))
		return daemon;
	daemon_free(daemon);
	return NULL;
}

void daemon_free(struct daemon *daemon)
{
	if (!daemon)
		return;
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++)
		free(daemon->handovers[i].config);
	free(daemon);
}

bool daemon_is_busy(const struct daemon *daemon)
{
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++)
		if (daemon->handovers[i].id != 0 &&
		    !handover_is_over(daemon->handovers[i].state))
			return true;
	return false;
}

/* Time and events. */

void daemon_step(struct daemon *daemon, int64_t now_ns)
{
	static struct link_event link;
	struct host_event host;

	daemon->now_ns = now_ns;
	while (daemon->out.host->poll(daemon->out.host_self, now_ns, &host)) {
		daemon->sampled = false;
		if (!daemon_handover_host_event(daemon, &host))
			daemon_act_event(daemon, &host);
	}
	while (daemon->out.link->poll(daemon->out.link_self, now_ns, &link))
		daemon_handover_link_event(daemon, &link);
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		struct daemon_handover *h = &daemon->handovers[i];

		if (h->id == 0 || h->deadline_ns > now_ns)
			continue;
		h->deadline_ns = TIME_NEVER;
		daemon_handover_feed(daemon, h, EVENT_TIMEOUT);
	}
	daemon_tunnel_step(daemon);
}

int64_t daemon_next(const struct daemon *daemon)
{
	int64_t next_ns = daemon->claim_ns < daemon->ask_ns ? daemon->claim_ns
	                                                    : daemon->ask_ns;

	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++)
		if (daemon->handovers[i].id != 0 &&
		    daemon->handovers[i].deadline_ns < next_ns)
			next_ns = daemon->handovers[i].deadline_ns;
	return next_ns;
}

/* Outcomes. */

static struct message_answer *outcome_at(struct daemon *daemon, uint64_t number)
{
	if (number == 0 || number + DAEMON_OUTCOMES <= daemon->n_outcomes)
		return NULL;
	return &daemon->outcomes[number % DAEMON_OUTCOMES];
}

void daemon_settle(struct daemon *daemon, uint64_t outcome,
    enum answer_kind kind, const char *text)
{
	struct message_answer *answer = outcome_at(daemon, outcome);

	if (!answer)
		return;
	answer->kind = kind;
	snprintf(answer->text, sizeof(answer->text), "%s", text);
	daemon_log(daemon, kind == ANSWER_DONE ? LEVEL_INFO : LEVEL_WARNING,
	    "outcome request=%" PRIu64 " %s text=\"%s\"", answer->request,
	    answer_kind_name(kind), answer->text);
}

static struct message_answer *outcome_of(
    struct daemon *daemon, uint64_t generation, uint64_t request)
{
	uint64_t n = daemon->n_outcomes;

	for (uint64_t i = n; i > 0 && i + DAEMON_OUTCOMES > n; i--) {
		struct message_answer *answer = outcome_at(daemon, i);

		if (answer->generation == generation &&
		    answer->request == request)
			return answer;
	}
	return NULL;
}

/* Reports. */

static void take_sample(struct daemon *daemon)
{
	struct message_report *report = &daemon->report;
	struct err err = {""};

	if (daemon->sampled && report->trouble[0] == '\0' &&
	    daemon->now_ns - (int64_t)report->clock_ns <
	        daemon->config.sample_min_ns)
		return;
	if (daemon->out.host->sample(
	        daemon->out.host_self, &report->sample, &err)) {
		report->clock_ns = (uint64_t)daemon->now_ns;
		report->trouble[0] = '\0';
		daemon->sampled = true;
		return;
	}
	snprintf(report->trouble, sizeof(report->trouble), "%.*s",
	    (int)sizeof(report->trouble) - 1, err.text);
	daemon_log(daemon, LEVEL_ERROR, "sample error=\"%s\"", err.text);
}

static void report_handovers(struct daemon *daemon)
{
	struct message_report *report = &daemon->report;

	report->n_handovers = 0;
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		struct daemon_handover *h = &daemon->handovers[i];
		struct message_handover *out =
		    &report->handovers[report->n_handovers];

		if (h->id == 0)
			continue;
		if (h->linked)
			h->bytes = daemon->out.link->progress(
			    daemon->out.link_self, h->id);
		*out = (struct message_handover){.id = h->id,
		    .state = h->state,
		    .network = h->network,
		    .bytes = h->bytes,
		    .age_ns = (uint64_t)(daemon->now_ns - h->began_ns),
		    .down_ns = h->down_ns == 0
		                   ? 0
		                   : (uint64_t)(daemon->now_ns - h->down_ns),
		    .network_ns = daemon_tunnel_network_ns(daemon, h)};
		memcpy(out->vm, h->vm, sizeof(out->vm));
		memcpy(out->text, h->text, sizeof(out->text));
		report->n_handovers++;
	}
}

static void report_outcomes(struct daemon *daemon)
{
	struct message_report *report = &daemon->report;
	uint64_t n = daemon->n_outcomes;
	uint64_t first =
	    n < MESSAGE_OUTCOMES_MAX ? 1 : n - MESSAGE_OUTCOMES_MAX + 1;

	report->n_outcomes = 0;
	for (uint64_t i = first; i <= n; i++)
		report->outcomes[report->n_outcomes++] = *outcome_at(daemon, i);
}

static size_t handle_observe(struct daemon *daemon, uint64_t request,
    const struct message_observe *observe, struct wire_writer *w)
{
	struct message_report *report = &daemon->report;

	if (observe->generation > daemon->generation)
		daemon->generation = observe->generation;
	take_sample(daemon);
	report_handovers(daemon);
	report_outcomes(daemon);
	report->generation = daemon->generation;
	report->number++;
	daemon->view_ns[report->number % DAEMON_VIEWS] = daemon->now_ns;
	return message_write_report(w, request, report) ? w->len : 0;
}

/* Acts. */

/* Why nothing may be done on what this manager knows, or NULL. */
static const char *why_stale(
    const struct daemon *daemon, const struct message_act *act)
{
	const struct message_report *report = &daemon->report;

	if (act->generation == 0)
		return "generation 0 only observes";
	if (act->generation < daemon->generation)
		return "a newer manager has taken over";
	if (act->kind == ACT_WORD)
		return NULL;
	if (act->incarnation != report->incarnation)
		return "violind has started again since that view";
	if (act->view == 0 || act->view > report->number ||
	    act->view + DAEMON_VIEWS <= report->number ||
	    daemon->now_ns - daemon->view_ns[act->view % DAEMON_VIEWS] >
	        daemon->config.view_max_ns)
		return "that view is too old; observe again";
	return NULL;
}

static size_t handle_act(struct daemon *daemon, uint64_t request,
    const struct message_act *act, struct wire_writer *w)
{
	struct message_answer *known =
	    outcome_of(daemon, act->generation, request);
	struct message_answer answer = {
	    .generation = act->generation,
	    .request = request,
	    .kind = ANSWER_REFUSED,
	};
	const char *stale = why_stale(daemon, act);

	if (known)
		return message_write_answer(w, request, known) ? w->len : 0;
	if (stale) {
		snprintf(answer.text, sizeof(answer.text), "%s", stale);
	} else {
		daemon->generation = act->generation;
		uint64_t number = ++daemon->n_outcomes;
		struct message_answer *kept = outcome_at(daemon, number);

		*kept = answer;
		daemon->sampled = false;
		daemon_act(daemon, act, number, kept);
		answer = *kept;
	}
	daemon_log(daemon,
	    answer.kind == ANSWER_REFUSED ? LEVEL_WARNING : LEVEL_INFO,
	    "act request=%" PRIu64 " %s vm=%s %s text=\"%s\"", request,
	    act_kind_name(act->kind), act->vm, answer_kind_name(answer.kind),
	    answer.text);
	return message_write_answer(w, request, &answer) ? w->len : 0;
}

/* Checks. */

static size_t handle_check(struct daemon *daemon, uint64_t request,
    const struct message_check *check, struct wire_writer *w)
{
	struct message_checked checked = {.line = 0};
	struct err err = {""};

	checked.right = daemon->out.host->check(daemon->out.host_self,
	    check->vm, check->config, check->mem_kib, &checked.line, &err);
	if (!checked.right)
		snprintf(checked.text, sizeof(checked.text), "%.*s",
		    (int)sizeof(checked.text) - 1, err.text);
	daemon_log(daemon, checked.right ? LEVEL_DEBUG : LEVEL_WARNING,
	    "check request=%" PRIu64 " vm=%s %s line=%" PRIu32 " text=\"%s\"",
	    request, check->vm, checked.right ? "right" : "wrong",
	    checked.line, checked.text);
	return message_write_checked(w, request, &checked) ? w->len : 0;
}

size_t daemon_handle(struct daemon *daemon, int64_t now_ns, const void *bytes,
    size_t len, void *answer, size_t cap)
{
	static struct message_act act;
	static struct message_check check;
	struct message_observe observe;
	struct wire_header header;
	struct wire_reader r;
	struct wire_writer w;

	daemon->now_ns = now_ns;
	wire_reader_init(&r, bytes, len);
	wire_writer_init(&w, answer, cap);
	if (wire_get_header(&r, &header)) {
		if (header.type == MESSAGE_OBSERVE &&
		    message_read_observe(&r, &observe))
			return handle_observe(
			    daemon, header.request, &observe, &w);
		if (header.type == MESSAGE_ACT && message_read_act(&r, &act))
			return handle_act(daemon, header.request, &act, &w);
		if (header.type == MESSAGE_CHECK &&
		    message_read_check(&r, &check))
			return handle_check(
			    daemon, header.request, &check, &w);
	}
	daemon_log(daemon, LEVEL_WARNING, "malformed bytes=%zu", len);
	return 0;
}
