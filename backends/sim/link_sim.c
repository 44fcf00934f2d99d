/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links between daemons in virtual time; see host_sim.h. */
#include <stdlib.h>
#include <string.h>

#include "backends/sim/host_sim.h"

static struct sim_link *find_link(
    const struct sim_host_machine *host, uint64_t id, int *end)
{
	for (size_t i = 0; i < SIM_LINKS; i++) {
		struct sim_link *link = &host->all->links[i];

		for (*end = 0; *end < 2; ++*end)
			if (link->used && link->id == id &&
			    link->ends[*end].open &&
			    link->ends[*end].host == host->ix)
				return link;
	}
	return NULL;
}

/* In order, some time from now; an end that is not open hears nothing. */
static void tell(struct sim_hosts *all, struct sim_end *end,
    enum link_event_kind kind, const void *bytes, size_t len,
    int64_t most_ns)
{
	int64_t at_ns = all->now_ns + sim_draw_ns(all, NS_PER_MS, most_ns);
	struct sim_link_event *event;

	if (!end->open)
		return;
	if (end->n == SIM_EVENTS || len > SIM_MESSAGE)
		abort();
	if (at_ns < end->last_ns)
		at_ns = end->last_ns;
	end->last_ns = at_ns;
	event = &end->events[end->n++];
	*event = (struct sim_link_event){
	    .at_ns = at_ns, .kind = kind, .len = len};
	if (len)
		memcpy(event->bytes, bytes, len);
}

static struct sim_link *take_link(struct sim_hosts *all)
{
	for (size_t i = 0; i < SIM_LINKS; i++)
		if (!all->links[i].used)
			return &all->links[i];
	abort();
}

static bool link_listen(void *self, uint64_t id,
    const uint8_t key[MESSAGE_KEY_BYTES], uint16_t *port, struct err *err)
{
	struct sim_host_machine *host = self;
	struct sim_link *link = take_link(host->all);

	(void)err;
	*link = (struct sim_link){
	    .used = true, .id = id, .port = host->all->next_port++};
	memcpy(link->key, key, MESSAGE_KEY_BYTES);
	link->ends[0].open = true;
	link->ends[0].host = host->ix;
	*port = link->port;
	return true;
}

/* A call that reaches nobody is lost after a while: a link of its own. */
static void call_nobody(struct sim_host_machine *host, uint64_t id)
{
	struct sim_link *link = take_link(host->all);

	*link = (struct sim_link){.used = true, .broken = true, .id = id};
	link->ends[1].open = true;
	link->ends[1].host = host->ix;
	tell(host->all, &link->ends[1], LINK_LOST, NULL, 0, 5 * NS_PER_S);
}

static bool link_call(void *self, uint64_t id,
    const uint8_t key[MESSAGE_KEY_BYTES], const char *address,
    uint64_t rate_bps, struct err *err)
{
	struct sim_host_machine *host = self;
	struct sim_hosts *all = host->all;
	const char *colon = strrchr(address, ':');
	int port = colon ? atoi(colon + 1) : 0;

	(void)rate_bps;
	(void)err;
	for (size_t i = 0; i < SIM_LINKS; i++) {
		struct sim_link *link = &all->links[i];

		if (!link->used || link->port != port || link->up ||
		    !link->ends[0].open || link->id != id ||
		    memcmp(link->key, key, MESSAGE_KEY_BYTES) != 0 ||
		    !all->reachable[host->ix][link->ends[0].host])
			continue;
		link->up = true;
		link->ends[1].open = true;
		link->ends[1].host = host->ix;
		tell(all, &link->ends[0], LINK_UP, NULL, 0, NS_PER_S);
		tell(all, &link->ends[1], LINK_UP, NULL, 0, NS_PER_S);
		return true;
	}
	call_nobody(host, id);
	return true;
}

static void link_say(void *self, uint64_t id, const void *bytes, size_t len)
{
	struct sim_host_machine *host = self;
	int end;
	struct sim_link *link = find_link(host, id, &end);

	if (link && link->up && !link->broken)
		tell(host->all, &link->ends[!end], LINK_MESSAGE, bytes, len,
		    300 * NS_PER_MS);
}

static bool link_stream(
    void *self, uint64_t id, struct host_stream *stream, struct err *err)
{
	struct sim_host_machine *host = self;
	int end;
	struct sim_link *link = find_link(host, id, &end);

	if (!link || !link->up)
		return err_set(err, "there is no link");
	*stream = (struct host_stream){.fd = -1, .opaque = link};
	return true;
}

static void link_finish(void *self, uint64_t id)
{
	struct sim_host_machine *host = self;
	int end;
	struct sim_link *link = find_link(host, id, &end);

	if (!link || link->broken || !link->sent)
		return;
	link->finished = true;
	link->whole_ns = host->all->now_ns +
	    sim_draw_ns(host->all, NS_PER_MS, NS_PER_S);
}

static void link_close(void *self, uint64_t id)
{
	struct sim_host_machine *host = self;
	int end;
	struct sim_link *link = find_link(host, id, &end);

	if (!link)
		return;
	link->ends[end].open = false;
	link->ends[end].n = 0;
	/* What was said before still arrives; what was streamed and not whole
	 * yet is cut. */
	if (link->ends[!end].open && link->up && !link->broken)
		tell(host->all, &link->ends[!end], LINK_LOST, NULL, 0,
		    2 * NS_PER_S);
	if (!link->finished)
		link->broken = true;
	if (!link->ends[!end].open)
		link->used = false;
}

static uint64_t link_progress(void *self, uint64_t id)
{
	int end;
	struct sim_link *link = find_link(self, id, &end);

	return link ? link->bytes : 0;
}

static bool link_poll(void *self, int64_t now_ns, struct link_event *event)
{
	struct sim_host_machine *host = self;

	for (size_t i = 0; i < SIM_LINKS; i++) {
		struct sim_link *link = &host->all->links[i];

		for (int e = 0; link->used && e < 2; e++) {
			struct sim_end *end = &link->ends[e];

			if (!end->open || end->host != host->ix ||
			    end->n == 0 || end->events[0].at_ns > now_ns)
				continue;
			event->id = link->id;
			event->kind = end->events[0].kind;
			event->len = end->events[0].len;
			memcpy(event->bytes, end->events[0].bytes, event->len);
			strcpy(event->text,
			    event->kind == LINK_LOST ? "cut" : "");
			memmove(&end->events[0], &end->events[1],
			    --end->n * sizeof end->events[0]);
			return true;
		}
	}
	return false;
}

void sim_links_cut(struct sim_hosts *all)
{
	for (size_t i = 0; i < SIM_LINKS; i++) {
		struct sim_link *link = &all->links[i];

		if (!link->used || !link->up || link->broken ||
		    !link->ends[0].open || !link->ends[1].open ||
		    all->reachable[link->ends[0].host][link->ends[1].host])
			continue;
		/* What is under way is lost, on each side from an instant of
		 * its own. */
		link->broken = true;
		for (int e = 0; e < 2; e++) {
			struct sim_end *end = &link->ends[e];

			while (end->n > 0 &&
			    end->events[end->n - 1].at_ns > all->now_ns)
				end->n--;
			end->last_ns = all->now_ns;
			tell(all, end, LINK_LOST, NULL, 0, 20 * NS_PER_S);
		}
	}
}

const struct link_api link_sim_api = {
    .listen = link_listen,
    .call = link_call,
    .say = link_say,
    .stream = link_stream,
    .finish = link_finish,
    .close = link_close,
    .progress = link_progress,
    .poll = link_poll,
};
