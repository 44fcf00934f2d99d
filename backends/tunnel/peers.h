/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control plane: a CURVE server that takes locations from the managers
 * and hosts whose keys the site file has, and a client to each other host that
 * has a control endpoint, to tell it what this host has heard.
 *
 * Each peer is told what changed since what it has last said to have heard;
 * again after a second, if it says nothing; and from the start, if it says so
 * as another instance than before.  When all is told it is asked every few
 * seconds, with nothing to tell, whether it still is the same.
 */
#ifndef BACKENDS_TUNNEL_PEERS_H
#define BACKENDS_TUNNEL_PEERS_H

#include "backends/curve.h"
#include "backends/tunnel/tunneld.h"

/* What a peer is known to have heard; pure. */
struct peer_sync {
	uint64_t instance;  /* of the peer; 0: not known */
	uint64_t heard;     /* up to this change of our table */
	uint64_t told;      /* what was told last goes up to here */
	int64_t tell_at_ns; /* not before, unless there is news */
};

/* Is there something to tell now? */
bool peer_sync_due(
    const struct peer_sync *sync, uint64_t changes, int64_t now_ns);
void peer_sync_told(struct peer_sync *sync, uint64_t change, int64_t now_ns);
void peer_sync_heard(
    struct peer_sync *sync, uint64_t instance, uint64_t change, int64_t now_ns);
int64_t peer_sync_next_ns(const struct peer_sync *sync);

struct peer {
	uint32_t host;
	struct curve_client *client;
	struct peer_sync sync;
};

struct peers {
	struct curve_key key;
	struct curve_server *server; /* NULL: no control endpoint */
	char endpoint[SITE_CONTROL_BYTES]; /* where it listens */
	struct curve_clients *clients;
	struct peer *peers;
	uint32_t n_peers;
};

/* Reads or makes the key, listens, and starts connecting. */
bool peers_open(struct peers *peers, struct tunneld *t,
    const char *state_folder, struct err *err);
/* What t->site says now; false with err, and they are as they were. */
bool peers_reload(struct peers *peers, struct tunneld *t, struct err *err);
void peers_close(struct peers *peers);

/* What to poll; returns how many items of at most peers_max_items. */
uint32_t peers_max_items(const struct peers *peers);
uint32_t peers_poll_items(struct peers *peers, zmq_pollitem_t *items);

/* Takes and answers what is there, and tells what is due. */
void peers_run(struct peers *peers, struct tunneld *t, int64_t now_ns);
int64_t peers_next_ns(const struct peers *peers);

/* Hosts that have not yet heard all that this one has. */
uint32_t peers_behind(const struct peers *peers, const struct tunneld *t);
/* Those that have a VM of the records' environments, and not yet heard one of
 * these, which are of t's table. */
uint32_t peers_behind_of(const struct peers *peers, const struct tunneld *t,
    const struct location *records, uint32_t n_records);

/* Takes a LOCATION_TELL and writes its answer; false if it is not one. */
bool peers_answer_tell(struct tunneld *t, const void *bytes, size_t len,
    void *out, size_t cap, size_t *out_len);

#endif
