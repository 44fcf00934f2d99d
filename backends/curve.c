/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sockets of backends/curve.h.
 *
 * A server is a ROUTER with a ZeroMQ context of its own, because a context
 * has one authenticator: a REP socket at a fixed in-process address (RFC 27,
 * ZAP) that ZeroMQ asks about every client key.  It is answered here, in the
 * caller's thread; there is no process-wide state.  Who does not get as far as
 * showing a key is heard of through the router's monitor.
 */
#include "backends/curve.h"

#include <assert.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backends/wire.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_DOMAIN "violin"
#define MONITOR_ENDPOINT "inproc://monitor"

enum { CALLERS_MAX = 64, ADDRESS_MAX = 64 };

#define TOLD UINT64_MAX

/* A connection that was accepted, by its file descriptor. */
struct caller {
	int fd;
	bool here;
	char address[ADDRESS_MAX]; /* "": gone before it could be asked for */
	uint64_t n_greeted; /* handshakes that had gone well by then; TOLD */
};

struct curve_server {
	void *context;
	void *zap;
	void *router;
	void *monitor;
	struct curve_public *allowed;
	size_t n_allowed;
	char endpoint[256];
	struct caller callers[CALLERS_MAX];
	uint64_t n_greeted;
	bool failed; /* the handshake of the connection that ends next */
	void (*refused)(void *self, const char *address, const char *why);
	void *refused_self;
};

struct curve_clients {
	void *context;
	struct curve_key key;
};

struct curve_client {
	void *dealer;
};

static void set_int(void *socket, int option, int value)
{
	int rc = zmq_setsockopt(socket, option, &value, sizeof(value));

	assert(rc == 0);
	(void)rc;
}

static void set_bytes(void *socket, int option, const void *value, size_t n)
{
	int rc = zmq_setsockopt(socket, option, value, n);

	assert(rc == 0);
	(void)rc;
}

/* What every socket of ours has in common; sets its own keys too. */
static void *socket_new(void *context, int type, const struct curve_key *key)
{
	void *socket = zmq_socket(context, type);

	assert(socket);
	set_int(socket, ZMQ_LINGER, 0);
	set_int(socket, ZMQ_IPV6, 1);
	set_int(socket, ZMQ_HEARTBEAT_IVL, CURVE_HEARTBEAT_MS);
	set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, CURVE_TIMEOUT_MS);
	set_int(socket, ZMQ_HANDSHAKE_IVL, CURVE_TIMEOUT_MS);
	set_bytes(socket, ZMQ_MAXMSGSIZE, &(int64_t){WIRE_MESSAGE_MAX}, 8);
	set_bytes(
	    socket, ZMQ_CURVE_PUBLICKEY, key->public.bytes, CURVE_KEY_BYTES);
	set_bytes(socket, ZMQ_CURVE_SECRETKEY, key->secret, CURVE_KEY_BYTES);
	return socket;
}

/* Receives one frame; false if there is none.  What does not fit in cap is
 * cut, and *len is what it was. */
static bool receive_frame(
    void *socket, void *bytes, size_t cap, size_t *len, bool *more)
{
	int n = zmq_recv(socket, bytes, cap, ZMQ_DONTWAIT);
	int rcvmore = 0;
	size_t size = sizeof(rcvmore);

	if (n < 0)
		return false;
	zmq_getsockopt(socket, ZMQ_RCVMORE, &rcvmore, &size);
	*len = (size_t)n;
	*more = rcvmore != 0;
	return true;
}

static void skip_frames(void *socket, bool more)
{
	size_t len;

	while (more && receive_frame(socket, NULL, 0, &len, &more))
		;
}

/* Server. */

static bool is_allowed(
    const struct curve_server *server, const struct curve_public *key)
{
	for (size_t i = 0; i < server->n_allowed; i++)
		if (curve_public_equal(&server->allowed[i], key))
			return true;
	return false;
}

static void tell_refused(
    const struct curve_server *server, const char *address, const char *why)
{
	if (server->refused)
		server->refused(server->refused_self, address, why);
}

static void zap_answer(void *zap, const char *request_id, size_t id_len,
    const struct curve_public *user)
{
	char name[CURVE_KEY_TEXT] = "";

	if (user)
		curve_public_print(user, name);
	zmq_send(zap, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(zap, request_id, id_len, ZMQ_SNDMORE);
	zmq_send(zap, user ? "200" : "400", 3, ZMQ_SNDMORE);
	zmq_send(zap, user ? "OK" : "no", 2, ZMQ_SNDMORE);
	zmq_send(zap, name, strlen(name), ZMQ_SNDMORE);
	zmq_send(zap, "", 0, 0);
}

static void tell_unlisted(struct curve_server *server, const char *address,
    const struct curve_public *key)
{
	char name[CURVE_KEY_TEXT], why[CURVE_KEY_TEXT + 32];

	for (size_t i = 0; i < CALLERS_MAX; i++)
		if (server->callers[i].here &&
		    strcmp(server->callers[i].address, address) == 0)
			server->callers[i].n_greeted = TOLD;
	curve_public_print(key, name);
	snprintf(why, sizeof(why), "key %s is not listed", name);
	tell_refused(server, address, why);
}

/* One request of ZAP 1.0: version, request id, domain, address, identity,
 * mechanism, credentials; for CURVE the one credential is the client's key. */
static bool zap_serve(struct curve_server *server)
{
	enum { ID = 1, ADDRESS = 3, MECHANISM = 5, KEY = 6, FRAMES = 7 };
	char frame[FRAMES][256];
	size_t len[FRAMES] = {0};
	size_t n = 0;
	bool more = true;

	while (more && n < FRAMES) {
		if (!receive_frame(server->zap, frame[n], sizeof(frame[n]),
		        &len[n], &more))
			return false;
		n++;
	}
	skip_frames(server->zap, more);
	if (n == FRAMES && len[ID] <= sizeof(frame[ID]) &&
	    len[MECHANISM] == 5 && memcmp(frame[MECHANISM], "CURVE", 5) == 0 &&
	    len[KEY] == CURVE_KEY_BYTES) {
		struct curve_public key;
		bool known;

		memcpy(key.bytes, frame[KEY], CURVE_KEY_BYTES);
		known = is_allowed(server, &key);
		zap_answer(
		    server->zap, frame[ID], len[ID], known ? &key : NULL);
		if (!known && len[ADDRESS] < sizeof(frame[ADDRESS])) {
			frame[ADDRESS][len[ADDRESS]] = '\0';
			tell_unlisted(server, frame[ADDRESS], &key);
		}
	} else {
		zap_answer(server->zap, frame[ID],
		    n > ID && len[ID] <= sizeof(frame[ID]) ? len[ID] : 0, NULL);
	}
	return true;
}

/* Whom the monitor tells of. */

static struct caller *caller_of(struct curve_server *server, int fd)
{
	for (size_t i = 0; i < CALLERS_MAX; i++) {
		struct caller *caller = &server->callers[i];

		if (caller->here && caller->fd == fd)
			return caller;
	}
	return NULL;
}

static void caller_comes(struct curve_server *server, int fd)
{
	struct caller *caller = caller_of(server, fd);
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);

	for (size_t i = 0; i < CALLERS_MAX && !caller; i++)
		if (!server->callers[i].here)
			caller = &server->callers[i];
	if (!caller)
		return;
	caller->fd = fd;
	caller->here = true;
	caller->n_greeted = server->n_greeted;
	if (getpeername(fd, (struct sockaddr *)&from, &len) < 0 ||
	    getnameinfo((struct sockaddr *)&from, len, caller->address,
	        sizeof(caller->address), NULL, 0, NI_NUMERICHOST) != 0)
		caller->address[0] = '\0';
}

static void caller_goes(struct curve_server *server, int fd)
{
	struct caller *caller = caller_of(server, fd);

	/* What is no handshake at all is told as an end without one. */
	if (server->failed ||
	    (caller && caller->n_greeted == server->n_greeted))
		tell_refused(server, caller ? caller->address : "",
		    "no handshake with this host's key");
	server->failed = false;
	if (caller)
		caller->here = false;
}

/* One event of the router's monitor: what (u16), of which file descriptor
 * (i32), and a frame with the endpoint.  What failed ends next. */
static bool monitor_serve(struct curve_server *server)
{
	uint8_t event[6];
	uint16_t what;
	int32_t fd;
	size_t len;
	bool more;

	if (!receive_frame(
	        server->monitor, event, sizeof(event), &len, &more))
		return false;
	skip_frames(server->monitor, more);
	if (len != sizeof(event))
		return true;
	memcpy(&what, event, sizeof(what));
	memcpy(&fd, event + sizeof(what), sizeof(fd));
	if (what == ZMQ_EVENT_ACCEPTED)
		caller_comes(server, fd);
	else if (what == ZMQ_EVENT_DISCONNECTED)
		caller_goes(server, fd);
	else if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
		server->n_greeted++;
	else
		server->failed = true;
	return true;
}

static void monitor_open(struct curve_server *server)
{
	enum {
		EVENTS = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
		         ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
		         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
		         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
	};
	int rc = zmq_socket_monitor(server->router, MONITOR_ENDPOINT, EVENTS);

	assert(rc == 0);
	(void)rc;
	server->monitor = zmq_socket(server->context, ZMQ_PAIR);
	set_int(server->monitor, ZMQ_LINGER, 0);
	zmq_connect(server->monitor, MONITOR_ENDPOINT);
}

static bool bind_router(
    struct curve_server *server, const char *endpoint, struct err *err)
{
	size_t size = sizeof(server->endpoint);

	set_int(server->router, ZMQ_CURVE_SERVER, 1);
	set_bytes(
	    server->router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN));
	set_int(server->router, ZMQ_ROUTER_MANDATORY, 1);
	if (zmq_bind(server->router, endpoint) < 0)
		return err_set(err, "cannot listen on %s: %s", endpoint,
		    zmq_strerror(zmq_errno()));
	zmq_getsockopt(
	    server->router, ZMQ_LAST_ENDPOINT, server->endpoint, &size);
	return true;
}

struct curve_server *curve_server_new(const struct curve_key *key,
    const char *endpoint, const struct curve_public *allowed, size_t n_allowed,
    struct err *err)
{
	struct curve_server *server = calloc(1, sizeof(*server));

	assert(server);
	server->context = zmq_ctx_new();
	/* The authenticator is there before anybody can knock. */
	server->zap = zmq_socket(server->context, ZMQ_REP);
	set_int(server->zap, ZMQ_LINGER, 0);
	zmq_bind(server->zap, ZAP_ENDPOINT);
	server->router = socket_new(server->context, ZMQ_ROUTER, key);
	monitor_open(server);
	curve_server_allow(server, allowed, n_allowed);
	if (bind_router(server, endpoint, err))
		return server;
	curve_server_free(server);
	return NULL;
}

void curve_server_free(struct curve_server *server)
{
	if (!server)
		return;
	zmq_socket_monitor(server->router, NULL, 0);
	zmq_close(server->monitor);
	zmq_close(server->router);
	zmq_close(server->zap);
	zmq_ctx_term(server->context);
	free(server->allowed);
	free(server);
}

void curve_server_allow(struct curve_server *server,
    const struct curve_public *allowed, size_t n_allowed)
{
	assert(n_allowed <= CURVE_ALLOWED_MAX);
	free(server->allowed);
	server->allowed = calloc(n_allowed + 1, sizeof(*allowed));
	assert(server->allowed);
	if (n_allowed > 0)
		memcpy(server->allowed, allowed, n_allowed * sizeof(*allowed));
	server->n_allowed = n_allowed;
}

void curve_server_tell_refused(struct curve_server *server,
    void (*refused)(void *self, const char *address, const char *why),
    void *self)
{
	server->refused = refused;
	server->refused_self = self;
}

const char *curve_server_endpoint(const struct curve_server *server)
{
	return server->endpoint;
}

void curve_server_poll_items(
    struct curve_server *server, zmq_pollitem_t items[static CURVE_POLL_ITEMS])
{
	items[0] = (zmq_pollitem_t){server->router, 0, ZMQ_POLLIN, 0};
	items[1] = (zmq_pollitem_t){server->zap, 0, ZMQ_POLLIN, 0};
	items[2] = (zmq_pollitem_t){server->monitor, 0, ZMQ_POLLIN, 0};
}

void curve_server_fds(
    struct curve_server *server, int fds[static CURVE_POLL_ITEMS])
{
	size_t size = sizeof(fds[0]);

	zmq_getsockopt(server->router, ZMQ_FD, &fds[0], &size);
	zmq_getsockopt(server->zap, ZMQ_FD, &fds[1], &size);
	zmq_getsockopt(server->monitor, ZMQ_FD, &fds[2], &size);
}

/* Reads the message that follows a route.  False if it is not one frame that
 * fits, from a client that is still listed. */
static bool receive_body(struct curve_server *server, struct curve_from *from,
    void *bytes, size_t cap, size_t *len)
{
	zmq_msg_t msg;
	bool ok = false;

	zmq_msg_init(&msg);
	if (zmq_msg_recv(&msg, server->router, ZMQ_DONTWAIT) >= 0) {
		const char *user = zmq_msg_gets(&msg, "User-Id");

		*len = zmq_msg_size(&msg);
		ok = !zmq_msg_more(&msg) && *len <= cap && user &&
		     curve_public_parse(&from->key, user, NULL) &&
		     is_allowed(server, &from->key);
		if (ok && *len > 0)
			memcpy(bytes, zmq_msg_data(&msg), *len);
		skip_frames(server->router, zmq_msg_more(&msg));
	}
	zmq_msg_close(&msg);
	return ok;
}

bool curve_server_receive(struct curve_server *server, struct curve_from *from,
    void *bytes, size_t cap, size_t *len)
{
	size_t route_len;
	bool more;

	while (monitor_serve(server) || zap_serve(server))
		;
	while (receive_frame(server->router, from->route, sizeof(from->route),
	    &route_len, &more)) {
		from->route_len = (uint8_t)route_len;
		if (more && receive_body(server, from, bytes, cap, len))
			return true;
	}
	return false;
}

bool curve_server_send(struct curve_server *server, const struct curve_from *to,
    const void *bytes, size_t len)
{
	return zmq_send(server->router, to->route, to->route_len,
	           ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
	       zmq_send(server->router, bytes, len, ZMQ_DONTWAIT) >= 0;
}

/* Clients. */

struct curve_clients *curve_clients_new(const struct curve_key *key)
{
	struct curve_clients *clients = calloc(1, sizeof(*clients));

	assert(clients);
	clients->context = zmq_ctx_new();
	zmq_ctx_set(clients->context, ZMQ_MAX_SOCKETS, CURVE_ALLOWED_MAX);
	clients->key = *key;
	return clients;
}

void curve_clients_free(struct curve_clients *clients)
{
	if (!clients)
		return;
	zmq_ctx_term(clients->context);
	sodium_memzero(&clients->key, sizeof(clients->key));
	free(clients);
}

struct curve_client *curve_client_new(struct curve_clients *clients,
    const struct curve_public *server, const char *endpoint, struct err *err)
{
	struct curve_client *client = calloc(1, sizeof(*client));

	assert(client);
	client->dealer =
	    socket_new(clients->context, ZMQ_DEALER, &clients->key);
	set_bytes(client->dealer, ZMQ_CURVE_SERVERKEY, server->bytes,
	    CURVE_KEY_BYTES);
	set_int(client->dealer, ZMQ_IMMEDIATE, 1);
	set_int(client->dealer, ZMQ_CONNECT_TIMEOUT, CURVE_TIMEOUT_MS);
	set_int(client->dealer, ZMQ_RECONNECT_IVL, CURVE_RECONNECT_MS);
	set_int(client->dealer, ZMQ_RECONNECT_IVL_MAX, CURVE_RECONNECT_MAX_MS);
	if (zmq_connect(client->dealer, endpoint) == 0)
		return client;
	err_set(err, "cannot connect to %s: %s", endpoint,
	    zmq_strerror(zmq_errno()));
	curve_client_free(client);
	return NULL;
}

void curve_client_free(struct curve_client *client)
{
	if (!client)
		return;
	zmq_close(client->dealer);
	free(client);
}

void curve_client_poll_item(struct curve_client *client, zmq_pollitem_t *item)
{
	*item = (zmq_pollitem_t){client->dealer, 0, ZMQ_POLLIN, 0};
}

bool curve_client_receive(
    struct curve_client *client, void *bytes, size_t cap, size_t *len)
{
	bool more;

	while (receive_frame(client->dealer, bytes, cap, len, &more)) {
		if (!more && *len <= cap)
			return true;
		skip_frames(client->dealer, more);
	}
	return false;
}

bool curve_client_send(
    struct curve_client *client, const void *bytes, size_t len)
{
	return zmq_send(client->dealer, bytes, len, ZMQ_DONTWAIT) >= 0;
}
