/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control plane; see peers.h. */
#include "backends/tunnel/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/location_message.h"
#include "core/units.h"

/* Whom to hear: managers and hosts.  To be freed. */
static struct curve_public *list_allowed(const struct tunneld *t, size_t *n)
{
	const struct site *site = &t->site;
	size_t most = site->n_managers + site->n_hosts;
	struct curve_public *allowed = calloc(most + 1, sizeof *allowed);

	if (!allowed)
		abort();
	*n = 0;
	for (uint32_t i = 0; i < site->n_managers; i++)
		allowed[(*n)++] = site->managers[i].control_key;
	for (uint32_t i = 0; i < site->n_hosts; i++)
		if (i != t->me && site->hosts[i].has_control_key)
			allowed[(*n)++] = site->hosts[i].control_key;
	return allowed;
}

static bool open_server(
    struct peers *peers, const struct tunneld *t, struct err *err)
{
	const char *endpoint = t->site.hosts[t->me].control;
	size_t n;
	struct curve_public *allowed = list_allowed(t, &n);

	peers->server =
	    curve_server_new(&peers->key, endpoint, allowed, n, err);
	free(allowed);
	snprintf(peers->endpoint, sizeof peers->endpoint, "%s", endpoint);
	return peers->server;
}

/* The one that is there, with other keys: nobody has to connect anew. */
static void keep_server(
    struct peers *next, struct peers *old, const struct tunneld *t)
{
	size_t n;
	struct curve_public *allowed = list_allowed(t, &n);

	curve_server_allow(old->server, allowed, n);
	free(allowed);
	next->server = old->server;
	memcpy(next->endpoint, old->endpoint, sizeof next->endpoint);
	old->server = NULL;
}

static bool open_clients(
    struct peers *peers, const struct tunneld *t, struct err *err)
{
	const struct site *site = &t->site;

	peers->clients = curve_clients_new(&peers->key);
	peers->peers = calloc(site->n_hosts + 1, sizeof *peers->peers);
	if (!peers->peers)
		abort();
	for (uint32_t i = 0; i < site->n_hosts; i++) {
		const struct site_host *host = &site->hosts[i];
		struct peer *peer = &peers->peers[peers->n_peers];

		if (i == t->me || !host->has_control_key || !*host->control)
			continue;
		peer->host = i;
		peer->client = curve_client_new(
		    peers->clients, &host->control_key, host->control, err);
		if (!peer->client)
			return false;
		peers->n_peers++;
	}
	return true;
}

/* With another key, the other hosts would not hear this one, and not say so. */
static bool check_key(
    const struct peers *peers, struct tunneld *t, struct err *err)
{
	const struct site_host *me = &t->site.hosts[t->me];
	char text[CURVE_KEY_TEXT];

	if (!me->has_control_key ||
	    curve_public_equal(&me->control_key, &peers->key.public))
		return true;
	t->misfit = true;
	curve_public_print(&peers->key.public, text);
	return err_set(err,
	    "the site's host \"%s\" has another control_key than the one "
	    "that is here, which is %s",
	    me->name, text);
}

bool peers_open(struct peers *peers, struct tunneld *t,
    const char *state_folder, struct err *err)
{
	const struct site_host *me = &t->site.hosts[t->me];

	*peers = (struct peers){0};
	if (!*me->control)
		return true;
	if (curve_key_have(&peers->key, state_folder, "control.key", err) &&
	    check_key(peers, t, err) &&
	    open_server(peers, t, err) &&
	    (!me->has_control_key || open_clients(peers, t, err)))
		return true;
	peers_close(peers);
	return false;
}

void peers_close(struct peers *peers)
{
	for (uint32_t i = 0; i < peers->n_peers; i++)
		curve_client_free(peers->peers[i].client);
	if (peers->clients)
		curve_clients_free(peers->clients);
	if (peers->server)
		curve_server_free(peers->server);
	free(peers->peers);
	*peers = (struct peers){0};
}

static bool may_keep_server(const struct peers *old, const struct peers *next,
    const struct site_host *me)
{
	return old->server && strcmp(old->endpoint, me->control) == 0 &&
	       curve_public_equal(&old->key.public, &next->key.public);
}

bool peers_reload(struct peers *peers, struct tunneld *t, struct err *err)
{
	const struct site_host *me = &t->site.hosts[t->me];
	struct peers next = {0};
	bool keeps, ok;

	if (!*me->control) {
		peers_close(peers);
		return true;
	}
	ok = curve_key_have(
	         &next.key, t->options.state_folder, "control.key", err) &&
	     check_key(&next, t, err);
	keeps = ok && may_keep_server(peers, &next, me);
	if (!ok || (!keeps && !open_server(&next, t, err)) ||
	    (me->has_control_key && !open_clients(&next, t, err))) {
		peers_close(&next);
		return false;
	}
	if (keeps)
		keep_server(&next, peers, t);
	peers_close(peers);
	*peers = next;
	return true;
}

uint32_t peers_max_items(const struct peers *peers)
{
	return CURVE_POLL_ITEMS + peers->n_peers;
}

uint32_t peers_poll_items(struct peers *peers, zmq_pollitem_t *items)
{
	uint32_t n = 0;

	if (peers->server) {
		curve_server_poll_items(peers->server, items);
		n += CURVE_POLL_ITEMS;
	}
	for (uint32_t i = 0; i < peers->n_peers; i++)
		curve_client_poll_item(peers->peers[i].client, &items[n++]);
	return n;
}

bool peers_answer_tell(struct tunneld *t, const void *bytes, size_t len,
    void *out, size_t cap, size_t *out_len)
{
	static struct location_message in, answer;

	if (!location_message_decode(&in, bytes, len) ||
	    in.type != LOCATION_TELL)
		return false;
	answer.type = LOCATION_HEARD;
	answer.request = in.request;
	answer.n_records =
	    tunneld_take(t, in.records, in.n_records, answer.records);
	answer.instance = t->instance;
	answer.change = in.change;
	answer.follows = t->follows;
	answer.behind = 0;
	return location_message_encode(&answer, out, cap, out_len);
}

static void serve(struct peers *peers, struct tunneld *t)
{
	static char in[LOCATION_MESSAGE_MAX], out[LOCATION_MESSAGE_MAX];
	struct curve_from from;
	size_t len, out_len;

	while (peers->server &&
	       curve_server_receive(peers->server, &from, in, sizeof in, &len))
		if (peers_answer_tell(t, in, len, out, sizeof out, &out_len))
			curve_server_send(peers->server, &from, out, out_len);
}

static void listen_to(struct peer *peer, struct tunneld *t, int64_t now_ns)
{
	static struct location_message heard;
	static char in[LOCATION_MESSAGE_MAX];
	size_t len;

	while (curve_client_receive(peer->client, in, sizeof in, &len)) {
		if (!location_message_decode(&heard, in, len) ||
		    heard.type != LOCATION_HEARD)
			continue;
		peer_sync_heard(
		    &peer->sync, heard.instance, heard.change, now_ns);
		tunneld_take(t, heard.records, heard.n_records, NULL);
	}
}

static void tell(struct peer *peer, struct tunneld *t, int64_t now_ns)
{
	static struct location_message news;
	static char out[LOCATION_MESSAGE_MAX];
	size_t len;

	news.instance = t->instance;
	location_message_tell(&news, &t->locations, peer->sync.heard);
	if (location_message_encode(&news, out, sizeof out, &len))
		curve_client_send(peer->client, out, len);
	peer_sync_told(&peer->sync, news.change, now_ns);
}

void peers_run(struct peers *peers, struct tunneld *t, int64_t now_ns)
{
	serve(peers, t);
	for (uint32_t i = 0; i < peers->n_peers; i++) {
		struct peer *peer = &peers->peers[i];

		listen_to(peer, t, now_ns);
		if (peer_sync_due(&peer->sync, t->locations.changes, now_ns))
			tell(peer, t, now_ns);
	}
}

int64_t peers_next_ns(const struct peers *peers)
{
	int64_t next = TIME_NEVER;

	for (uint32_t i = 0; i < peers->n_peers; i++) {
		int64_t at = peer_sync_next_ns(&peers->peers[i].sync);

		if (at < next)
			next = at;
	}
	return next;
}

uint32_t peers_behind(const struct peers *peers, const struct tunneld *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < peers->n_peers; i++)
		n += peers->peers[i].sync.heard < t->locations.changes;
	return n;
}

/* Does the host have a VM in this network, or is one coming or leaving? */
static bool is_in(const struct tunneld *t, uint32_t vni, const char *host)
{
	for (size_t i = 0; i < t->locations.n_records; i++)
		if (t->locations.records[i].vni == vni &&
		    location_concerns(&t->locations.records[i], host))
			return true;
	return false;
}

uint32_t peers_behind_of(const struct peers *peers, const struct tunneld *t,
    const struct location *records, uint32_t n_records)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < peers->n_peers; i++) {
		const struct peer *peer = &peers->peers[i];
		const char *host = t->site.hosts[peer->host].name;
		bool behind = false;

		for (uint32_t k = 0; k < n_records && !behind; k++)
			behind = peer->sync.heard < records[k].change &&
			         is_in(t, records[k].vni, host);
		n += behind;
	}
	return n;
}
