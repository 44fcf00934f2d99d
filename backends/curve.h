/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Authenticated, encrypted messages between the programs: ZeroMQ with CURVE.
 *
 * A server has a key and a list of the client keys that it lets in; a client
 * knows its server's key.  Whoever is not listed gets nothing, not even an
 * error.  Reconnecting, framing and heartbeats are ZeroMQ's; what a message
 * means is backends/message.h's.  Nothing here blocks or calls back: a
 * program polls the items it is given with zmq_poll() and then receives until
 * there is nothing left.
 *
 * Delivery: whole messages, each at most once, in order while a connection
 * lasts; what was in flight when it broke is lost.  A message is never kept
 * for a peer that is away.
 */
#ifndef BACKENDS_CURVE_H
#define BACKENDS_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "core/err.h"

enum {
	CURVE_KEY_BYTES = 32,
	CURVE_KEY_TEXT = 45,  /* base64 of a key and its zero */
	CURVE_POLL_ITEMS = 3, /* of a server; a client has one */
	CURVE_ALLOWED_MAX = 4096,

	/* A silent peer is probed after the interval and given up after the
	 * time-out; then a client reconnects, ever more slowly. */
	CURVE_HEARTBEAT_MS = 2000,
	CURVE_TIMEOUT_MS = 6000,
	CURVE_RECONNECT_MS = 100,
	CURVE_RECONNECT_MAX_MS = 5000,
};

struct curve_public {
	uint8_t bytes[CURVE_KEY_BYTES];
};

struct curve_key {
	struct curve_public public;
	uint8_t secret[CURVE_KEY_BYTES];
};

void curve_key_generate(struct curve_key *key);

/* Writes the key to `path` (mode 0600; fails if the file is there) and its
 * public half, one line, to `path`.pub. */
bool curve_key_save(
    const struct curve_key *key, const char *path, struct err *err);

/* Reads what curve_key_save() wrote.  Refuses a file that others can read,
 * and a public half that does not belong to the secret one. */
bool curve_key_load(struct curve_key *key, const char *path, struct err *err);
/* Reads the key FOLDER/NAME; if there is none, makes and saves one. */
bool curve_key_have(struct curve_key *key, const char *folder, const char *name,
    struct err *err);

/* A public key as people write it: 44 characters of base64. */
void curve_public_print(
    const struct curve_public *key, char text[static CURVE_KEY_TEXT]);
bool curve_public_parse(
    struct curve_public *key, const char *text, struct err *err);
bool curve_public_equal(
    const struct curve_public *a, const struct curve_public *b);

/* Server. */

struct curve_server;

/* Where an answer goes: one connection of one authenticated client. */
struct curve_from {
	struct curve_public key;
	uint8_t route[255];
	uint8_t route_len;
};

/* Listens on `endpoint`, as in "tcp://192.0.2.1:7470" ("tcp://127.0.0.1:*"
 * takes a free port), for the n_allowed clients.  NULL and err filled if the
 * endpoint cannot be had.  The list is copied. */
struct curve_server *curve_server_new(const struct curve_key *key,
    const char *endpoint, const struct curve_public *allowed, size_t n_allowed,
    struct err *err);
void curve_server_free(struct curve_server *server);

/* Replaces the list.  Connections that are already there are not cut; their
 * messages are dropped from now on if their key is no longer listed. */
void curve_server_allow(struct curve_server *server,
    const struct curve_public *allowed, size_t n_allowed);

/* Has who was not let in told: from where it came, "" if that is not known,
 * and why, borrowed during the call; out of curve_server_receive(). */
void curve_server_tell_refused(struct curve_server *server,
    void (*refused)(void *self, const char *address, const char *why),
    void *self);

/* The endpoint with its port filled in; borrowed from the server. */
const char *curve_server_endpoint(const struct curve_server *server);

/* For who polls with poll(2): descriptors that turn readable when there is
 * something new.  They tell of a change only: after one, all of it has to be
 * received before the next wait. */
void curve_server_fds(
    struct curve_server *server, int fds[static CURVE_POLL_ITEMS]);

void curve_server_poll_items(
    struct curve_server *server, zmq_pollitem_t items[static CURVE_POLL_ITEMS]);

/* The next message, if there is one that fits in cap; also lets new clients
 * in, so it is called whenever any of the items is ready, until false. */
bool curve_server_receive(struct curve_server *server, struct curve_from *from,
    void *bytes, size_t cap, size_t *len);

/* Queues a message.  False if the client is gone or too far behind. */
bool curve_server_send(struct curve_server *server, const struct curve_from *to,
    const void *bytes, size_t len);

/* Clients. */

/* What the clients of a program share: its key and ZeroMQ's one thread. */
struct curve_clients;
struct curve_client;

struct curve_clients *curve_clients_new(const struct curve_key *key);
/* All its clients are gone by then. */
void curve_clients_free(struct curve_clients *clients);

/* Starts connecting, and goes on reconnecting until it is freed.  NULL and
 * err filled if the endpoint makes no sense. */
struct curve_client *curve_client_new(struct curve_clients *clients,
    const struct curve_public *server, const char *endpoint, struct err *err);
void curve_client_free(struct curve_client *client);

void curve_client_poll_item(struct curve_client *client, zmq_pollitem_t *item);
bool curve_client_receive(
    struct curve_client *client, void *bytes, size_t cap, size_t *len);
/* False while there is no authenticated connection: nothing is kept. */
bool curve_client_send(
    struct curve_client *client, const void *bytes, size_t len);

#endif
