/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live manager: life, questions to hosts, time; see live.h. */
#include "backends/live/live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/live_inside.h"

const struct live_options live_usual = {
    .poll_ns = 5 * NS_PER_S,
    .busy_ns = NS_PER_S / 2,
    .stale_ns = 15 * NS_PER_S,
    .fresh_ns = 8 * NS_PER_S,
    .expire_ns = 75 * NS_PER_S,
};

void live_log(struct live *live, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!live->out.log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	live->out.log(live->out.self, text);
}

void *live_take(size_t n, size_t size)
{
	void *memory = calloc(n ? n : 1, size);

	if (!memory)
		abort();
	return memory;
}

void *live_grow(void *array, uint32_t n, uint32_t *max, size_t size)
{
	if (n < *max)
		return array;
	*max = *max ? 2 * *max : 16;
	array = realloc(array, *max * size);
	if (!array)
		abort();
	return array;
}

/* Names. */

static int compare_names(const void *a, const void *b, void *vms)
{
	const struct vm *const v = vms;

	return strcmp(
	    v[*(const uint32_t *)a].name, v[*(const uint32_t *)b].name);
}

static void sort_names(struct live *live)
{
	uint32_t n = live->model->n_vms;
	struct vm *copy = live_take(n, sizeof *copy);

	memcpy(copy, live->model->vms, n * sizeof *copy);
	for (uint32_t v = 0; v < n; v++)
		live->by_name[v] = v;
	qsort_r(live->by_name, n, sizeof *live->by_name, compare_names, copy);
	free(copy);
}

uint32_t live_find_vm(const struct live *live, const char *name)
{
	uint32_t low = 0, high = live->model->n_vms;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t v = live->by_name[middle];
		int order = strcmp(name, live->model->vms[v].name);

		if (order == 0)
			return v;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return ID_NONE;
}

/* Life. */

static void init_tables(struct live *live)
{
	const struct model *m = live->model;

	live->hosts = live_take(m->n_hosts, sizeof *live->hosts);
	live->vms = live_take(m->n_vms, sizeof *live->vms);
	live->envs = live_take(m->n_envs, sizeof *live->envs);
	live->by_name = live_take(m->n_vms, sizeof *live->by_name);
	live->checks = live_take(m->n_vms, sizeof *live->checks);
	live->right_on = live_take(
	    2 * (size_t)m->n_envs * m->n_hosts, sizeof *live->right_on);
	for (uint32_t h = 0; h < m->n_hosts; h++)
		live->hosts[h].heard_ns = live->hosts[h].asked_ns = -1;
	for (uint32_t v = 0; v < m->n_vms; v++) {
		live->vms[v].host = live->vms[v].seen_host = NO_HOST;
		live->vms[v].since_ns = -1;
	}
	for (uint32_t e = 0; e < m->n_envs; e++) {
		live->envs[e].start_ns = live->site->envs[e].start_ns;
		live->envs[e].destroy_ns = live->site->envs[e].destroy_ns;
		live->envs[e].moved_ns = -1;
	}
	sort_names(live);
}

struct live *live_new(const struct scenario *site,
    const struct live_options *options, const struct live_outside *outside,
    int64_t now_ns)
{
	struct live *live = live_take(1, sizeof *live);

	live->site = site;
	live->model = &site->model;
	live->options = *options;
	live->out = *outside;
	live->now_ns = now_ns;
	live->next_request = 1;
	/* No two moves have one id, whichever manager began them. */
	live->next_move = options->generation;
	live->observed_ns = -1;
	live->report.sample.vms = live->report_vms;
	init_tables(live);
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	for (uint32_t i = 0; i < live->n_acts; i++)
		free(live->acts[i]);
	live_move_free_all(live);
	free(live->acts);
	free(live->outcomes);
	free(live->by_name);
	free(live->checks);
	free(live->right_on);
	free(live->hosts);
	free(live->vms);
	free(live->envs);
	free(live);
}

/* Hosts. */

bool live_is_stale(const struct live *live, uint32_t host)
{
	const struct live_host *h = &live->hosts[host];

	return !h->heard ||
	    live->now_ns - h->heard_ns > live->options.stale_ns;
}

bool live_has_heard_all(const struct live *live)
{
	for (uint32_t h = 0; h < live->model->n_hosts; h++)
		if (!live->hosts[h].heard)
			return false;
	return true;
}

bool live_is_superseded(const struct live *live)
{
	return live->superseded;
}

bool live_is_busy_host(const struct live *live, uint32_t host)
{
	for (uint32_t i = 0; i < live->n_acts; i++)
		if (live->acts[i]->host == host)
			return true;
	for (uint32_t i = 0; i < live->n_moves; i++)
		if (live->moves[i]->source.host == host ||
		    live->moves[i]->target.host == host)
			return true;
	return false;
}

void live_ask(struct live *live, uint32_t host)
{
	const struct message_observe observe = {live->options.generation};
	struct live_host *h = &live->hosts[host];
	struct wire_writer w;

	h->asked = live->next_request++;
	h->asked_ns = live->now_ns;
	wire_writer_init(&w, live->bytes, sizeof live->bytes);
	if (!message_write_observe(&w, h->asked, &observe) ||
	    !live->out.send(live->out.self, host, live->bytes, w.len))
		h->asked = 0;
}

void live_refresh(struct live *live, int64_t now_ns)
{
	live->now_ns = now_ns;
	for (uint32_t h = 0; h < live->model->n_hosts; h++)
		live_ask(live, h);
}

bool live_is_fresh(const struct live *live, int64_t since_ns)
{
	for (uint32_t h = 0; h < live->model->n_hosts; h++)
		if (!live_is_stale(live, h) &&
		    live->hosts[h].told_ns < since_ns)
			return false;
	return true;
}

/* Time. */

static int64_t ask_next_ns(const struct live *live, uint32_t host)
{
	const struct live_host *h = &live->hosts[host];

	if (h->asked_ns < 0)
		return live->now_ns;
	if (h->asked)
		return h->asked_ns + LIVE_ANSWER_NS;
	return h->asked_ns + (!h->heard || live_is_busy_host(live, host)
	                             ? live->options.busy_ns
	                             : live->options.poll_ns);
}

void live_tick(struct live *live, int64_t now_ns)
{
	live->now_ns = now_ns;
	live_env_tick(live);
	live_act_tick(live);
	for (uint32_t h = 0; h < live->model->n_hosts; h++) {
		if (ask_next_ns(live, h) <= now_ns)
			live_ask(live, h);
		live_check_host(live, h);
	}
}

int64_t live_next(const struct live *live)
{
	int64_t next_ns = live_env_next(live);

	for (uint32_t h = 0; h < live->model->n_hosts; h++) {
		int64_t ns = ask_next_ns(live, h);

		if (ns < next_ns)
			next_ns = ns;
	}
	for (uint32_t i = 0; i < live->n_acts; i++)
		if (live->acts[i]->sent_ns + live->options.busy_ns < next_ns)
			next_ns = live->acts[i]->sent_ns +
			    live->options.busy_ns;
	return next_ns;
}
