/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links over TCP; see relay.h.  One step of a link moves a bounded amount. */
#include "backends/relay.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/relay_address.h"
#include "backends/relay_conn.h"

enum { FRAMES_A_STEP = 16, PIPE_BYTES = 1 << 19 };

#define PING_NS NS_PER_S
#define STRANGER_NS (5 * NS_PER_S)
#define BYE_NS (5 * NS_PER_S)
#define BURST_NS (50 * NS_PER_MS) /* of a limited rate */
/* After a read that was short, so long until the next: many small writes of
 * the hypervisor become one frame. */
#define GATHER_NS (4 * NS_PER_MS)

struct relay_link {
	uint64_t id; /* 0: free; kept until all that was said is sent */
	uint8_t key[CONN_KEY_BYTES];
	int listener; /* or -1 */
	struct conn *strangers[RELAY_STRANGERS_MAX];
	struct conn *conn;
	bool closed; /* by its user: only flushes */
	bool lost;   /* told so */
	bool told_up;
	int64_t closed_ns;
	int pipe;     /* our end of the hypervisor's stream, or -1 */
	bool outward; /* we read it */
	bool ended;   /* its end is written */
	bool finishing;
	bool drained;    /* outward: the writer has closed it */
	size_t held_pos; /* inward: what of conn's frame the pipe has taken */
	bool holding;    /* the pipe did not take all of it yet */
	uint64_t bytes;
	uint64_t rate_bps;
	int64_t budget_ns; /* sending is paid for up to this time */
	int64_t gather_ns; /* the pipe is not read until then */
};

struct relay {
	struct relay_config config;
	struct sockaddr_storage address;
	socklen_t address_len;
	int64_t now_ns;
	struct relay_link links[RELAY_LINKS_MAX];
};

static struct relay_link *find(struct relay *relay, uint64_t id)
{
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++)
		if (id != 0 && relay->links[i].id == id &&
		    !relay->links[i].closed)
			return &relay->links[i];
	return NULL;
}

static struct relay_link *link_new(
    struct relay *relay, uint64_t id, const uint8_t *key, struct err *err)
{
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++) {
		struct relay_link *link = &relay->links[i];

		if (link->id != 0)
			continue;
		*link =
		    (struct relay_link){.id = id, .listener = -1, .pipe = -1};
		memcpy(link->key, key, sizeof(link->key));
		return link;
	}
	err_set(err, "%d connections are open", RELAY_LINKS_MAX);
	return NULL;
}

static void link_free(struct relay_link *link)
{
	conn_free(link->conn);
	for (size_t i = 0; i < RELAY_STRANGERS_MAX; i++)
		conn_free(link->strangers[i]);
	if (link->listener >= 0)
		close(link->listener);
	if (link->pipe >= 0)
		close(link->pipe);
	sodium_memzero(link, sizeof(*link));
	link->listener = link->pipe = -1;
}

/* Link_api. */

static int bind_port(struct relay *relay, uint16_t *port)
{
	struct sockaddr_storage address = relay->address;
	int fd = address_socket(&address);
	uint32_t first = relay->config.port_first;

	for (uint32_t p = first; fd >= 0 && p <= relay->config.port_last; p++) {
		socklen_t len = relay->address_len;

		*address_port(&address) = htons((uint16_t)p);
		if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
		    listen(fd, RELAY_STRANGERS_MAX) < 0)
			continue;
		getsockname(fd, (struct sockaddr *)&address, &len);
		*port = ntohs(*address_port(&address));
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool relay_listen(void *self, uint64_t id,
    const uint8_t key[MESSAGE_KEY_BYTES], uint16_t *port, struct err *err)
{
	struct relay *relay = self;
	struct relay_link *link = link_new(relay, id, key, err);

	if (!link)
		return false;
	link->listener = bind_port(relay, port);
	if (link->listener >= 0)
		return true;
	link_free(link);
	return err_set(err, "no free port on %s from %u to %u: %s",
	    relay->config.address, relay->config.port_first,
	    relay->config.port_last, strerror(errno));
}

static bool relay_call(void *self, uint64_t id,
    const uint8_t key[MESSAGE_KEY_BYTES], const char *endpoint,
    uint64_t rate_bps, struct err *err)
{
	struct relay *relay = self;
	struct sockaddr_storage address;
	socklen_t len;

	if (!address_parse_endpoint(endpoint, &address, &len))
		return err_set(err,
		    "\"%s\" is no address; right is 192.0.2.1:7480 or "
		    "[2001:db8::1]:7480",
		    endpoint);
	struct relay_link *link = link_new(relay, id, key, err);
	if (!link)
		return false;
	int fd = address_socket(&address);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&address, len) < 0 &&
	                  errno != EINPROGRESS)) {
		err_set(err, "%s: %s", endpoint, strerror(errno));
		if (fd >= 0)
			close(fd);
		link_free(link);
		return false;
	}
	link->rate_bps = rate_bps;
	link->outward = true;
	link->conn = conn_new(fd, true, key, relay->now_ns);
	link->conn->compress = !relay->config.uncompressed;
	return true;
}

static void relay_say(void *self, uint64_t id, const void *bytes, size_t len)
{
	struct relay_link *link = find(self, id);

	/* A link without room or peer is stuck, and will be lost. */
	if (link && link->conn && link->conn->up && conn_has_room(link->conn))
		conn_put(link->conn, FRAME_MESSAGE, bytes, len);
}

static bool relay_stream(
    void *self, uint64_t id, struct host_stream *stream, struct err *err)
{
	struct relay_link *link = find(self, id);
	int ends[2]; /* to read from, to write to */

	if (!link || !link->conn || link->pipe >= 0 || link->ended)
		return err_set(err, "this link has no stream to give");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, "pipe: %s", strerror(errno));
	fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
	link->pipe = ends[link->outward ? 0 : 1];
	fcntl(link->pipe, F_SETFL, O_NONBLOCK);
	stream->fd = ends[link->outward ? 1 : 0];
	stream->opaque = NULL;
	return true;
}

static void relay_finish(void *self, uint64_t id)
{
	struct relay_link *link = find(self, id);

	if (link)
		link->finishing = true;
}

static void relay_close(void *self, uint64_t id)
{
	struct relay *relay = self;
	struct relay_link *link = find(relay, id);

	if (!link)
		return;
	if (link->lost || !link->conn || !link->conn->up ||
	    !conn_has_room(link->conn)) {
		link_free(link);
		return;
	}
	if (link->pipe >= 0)
		close(link->pipe);
	link->pipe = -1;
	conn_put(link->conn, FRAME_BYE, NULL, 0);
	link->closed = true;
	link->closed_ns = relay->now_ns;
	if (!conn_flush(link->conn, relay->now_ns))
		link_free(link);
}

static uint64_t relay_progress(void *self, uint64_t id)
{
	struct relay_link *link = find(self, id);

	return link ? link->bytes : 0;
}

/* A link's step. */

static bool lose(
    struct relay_link *link, struct link_event *event, const char *why)
{
	link->lost = true;
	if (link->pipe >= 0)
		close(link->pipe); /* the reader sees an end before its end */
	link->pipe = -1;
	event->id = link->id;
	event->kind = LINK_LOST;
	snprintf(event->text, sizeof(event->text), "%s", why);
	return true;
}

static void accept_stranger(struct relay *relay, struct relay_link *link)
{
	for (size_t i = 0; i < RELAY_STRANGERS_MAX; i++) {
		int on = 1, fd;

		if (link->strangers[i])
			continue;
		fd = accept4(
		    link->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		link->strangers[i] =
		    conn_new(fd, false, link->key, relay->now_ns);
	}
}

static void refuse(struct relay *relay, const struct relay_link *link,
    struct conn *stranger)
{
	const char *why = stranger->why ? stranger->why : "silent";
	char address[ADDRESS_TEXT];

	address_of_peer(stranger->fd, address);
	if (relay->config.refused)
		relay->config.refused(
		    relay->config.self, link->id, address, why);
	conn_free(stranger);
}

/* Lets one in who proves the key; the others and the listener go. */
static void step_listener(struct relay *relay, struct relay_link *link)
{
	accept_stranger(relay, link);
	for (size_t i = 0; i < RELAY_STRANGERS_MAX && !link->conn; i++) {
		struct conn *conn = link->strangers[i];

		if (!conn)
			continue;
		bool alive = conn_flush(conn, relay->now_ns) &&
		             conn_get(conn, relay->now_ns) != CONN_BROKEN &&
		             relay->now_ns - conn->said_ns < STRANGER_NS;
		if (alive && conn->up)
			link->conn = conn;
		else if (!alive)
			refuse(relay, link, conn);
		if (!alive || conn == link->conn)
			link->strangers[i] = NULL;
	}
	if (!link->conn)
		return;
	for (size_t i = 0; i < RELAY_STRANGERS_MAX; i++) {
		conn_free(link->strangers[i]);
		link->strangers[i] = NULL;
	}
	close(link->listener);
	link->listener = -1;
}

/* How much the rate allows now; charges for it. */
static size_t may_send(
    const struct relay *relay, struct relay_link *link, size_t want)
{
	if (link->rate_bps == 0)
		return want;
	if (link->budget_ns < relay->now_ns - BURST_NS)
		link->budget_ns = relay->now_ns - BURST_NS;
	return link->budget_ns < relay->now_ns ? want : 0;
}

static void charge(struct relay_link *link, size_t n)
{
	if (link->rate_bps != 0)
		link->budget_ns +=
		    (int64_t)((double)n * 8e9 / (double)link->rate_bps);
}

/* From the hypervisor to the network. */
static void pump_out(struct relay *relay, struct relay_link *link)
{
	static uint8_t bytes[CONN_PAYLOAD_MAX];
	struct conn *conn = link->conn;

	if (relay->now_ns < link->gather_ns && !link->finishing)
		return;
	for (int i = 0; i < FRAMES_A_STEP && conn_has_room(conn); i++) {
		size_t may = may_send(relay, link, sizeof(bytes));
		ssize_t n = may > 0 ? read(link->pipe, bytes, may) : -1;

		if (n == 0)
			link->drained = true;
		if (n > 0) {
			charge(link, conn_put(conn, FRAME_STREAM, bytes,
			                 (size_t)n));
			link->bytes += (uint64_t)n;
			if ((size_t)n == may || link->finishing)
				continue;
			link->gather_ns = relay->now_ns + GATHER_NS;
			return;
		}
		if (may > 0 && link->finishing) {
			conn_put(conn, FRAME_STREAM_END, NULL, 0);
			close(link->pipe);
			link->pipe = -1;
			link->ended = true;
		}
		return;
	}
}

/* From the network to the hypervisor.  True when the frame is gone. */
static bool pump_in(struct relay_link *link)
{
	const struct conn *conn = link->conn;

	while (link->pipe >= 0 && link->held_pos < conn->payload_len) {
		ssize_t n = write(link->pipe, conn->payload + link->held_pos,
		    conn->payload_len - link->held_pos);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			/* The reader has gone; its host will say why. */
			close(link->pipe);
			link->pipe = -1;
			link->ended = true;
			break;
		}
		link->held_pos += (size_t)n;
	}
	link->bytes += conn->payload_len;
	link->held_pos = 0;
	return true;
}

/* True if the frame is an event for the link's user. */
static bool take_frame(struct relay_link *link, struct link_event *event)
{
	const struct conn *conn = link->conn;

	switch (conn->kind) {
	case FRAME_MESSAGE:
		if (conn->payload_len > sizeof(event->bytes))
			return lose(link, event, "a message is too long");
		event->id = link->id;
		event->kind = LINK_MESSAGE;
		event->len = conn->payload_len;
		memcpy(event->bytes, conn->payload, event->len);
		return true;
	case FRAME_STREAM:
		if (link->pipe < 0 && !link->ended)
			return lose(link, event, "a stream without a reader");
		link->holding = !pump_in(link);
		return false;
	case FRAME_STREAM_END:
		if (link->pipe >= 0)
			close(link->pipe);
		link->pipe = -1;
		link->ended = true;
		return false;
	case FRAME_HELLO:
	case FRAME_PING:
	case FRAME_BYE:
	case N_CONN_FRAMES:
		break;
	}
	return false;
}

static bool read_frames(
    struct relay *relay, struct relay_link *link, struct link_event *event)
{
	for (int i = 0; i < FRAMES_A_STEP && !link->holding; i++) {
		enum conn_got got = CONN_NOTHING;

		if (link->told_up || !link->conn->up)
			got = conn_get(link->conn, relay->now_ns);
		if (got == CONN_NOTHING)
			return false;
		if (got == CONN_BROKEN)
			return lose(link, event, link->conn->why);
		if (take_frame(link, event))
			return true;
	}
	return false;
}

static bool step_conn(
    struct relay *relay, struct relay_link *link, struct link_event *event)
{
	struct conn *conn = link->conn;
	int64_t now_ns = relay->now_ns;

	if (link->holding) {
		link->holding = !pump_in(link);
		conn->heard_ns = now_ns; /* it is us who do not listen */
	}
	if (read_frames(relay, link, event))
		return true;
	if (conn->up && !link->told_up) {
		link->told_up = true;
		event->id = link->id;
		event->kind = LINK_UP;
		return true;
	}
	if (link->outward && link->pipe >= 0 && conn->up)
		pump_out(relay, link);
	if (conn->up && now_ns - conn->said_ns > PING_NS &&
	    conn->out_len == conn->out_pos)
		conn_put(conn, FRAME_PING, NULL, 0);
	if (!conn_flush(conn, now_ns))
		return lose(link, event, conn->why);
	if (now_ns - conn->heard_ns > relay->config.silent_ns)
		return lose(link, event, "silent for too long");
	return false;
}

/* Flushes what was said before the close, and then goes. */
static void step_closed(struct relay *relay, struct relay_link *link)
{
	if (!conn_flush(link->conn, relay->now_ns) ||
	    link->conn->out_len == 0 ||
	    relay->now_ns - link->closed_ns > BYE_NS)
		link_free(link);
}

static bool relay_poll(void *self, int64_t now_ns, struct link_event *event)
{
	struct relay *relay = self;

	relay->now_ns = now_ns;
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++) {
		struct relay_link *link = &relay->links[i];

		if (link->id == 0 || link->lost)
			continue;
		if (link->closed) {
			step_closed(relay, link);
			continue;
		}
		if (!link->conn)
			step_listener(relay, link);
		if (link->conn && step_conn(relay, link, event))
			return true;
	}
	return false;
}

const struct link_api relay_api = {
    .listen = relay_listen,
    .call = relay_call,
    .say = relay_say,
    .stream = relay_stream,
    .finish = relay_finish,
    .close = relay_close,
    .progress = relay_progress,
    .poll = relay_poll,
};

/* Waiting. */

static void want(struct pollfd *fds, size_t *n, int fd, short events)
{
	if (events != 0)
		fds[(*n)++] = (struct pollfd){fd, events, 0};
}

static size_t wait_conn(const struct relay *relay,
    const struct relay_link *link, struct pollfd *fds, int64_t *until_ns)
{
	const struct conn *conn = link->conn;
	bool unsent = conn->out_len > conn->out_pos;
	int64_t next_ns = relay->now_ns + PING_NS;
	size_t n = 0;

	want(fds, &n, conn->fd,
	    (short)((unsent ? POLLOUT : 0) |
	            (link->holding || link->closed ? 0 : POLLIN)));
	if (link->pipe >= 0 && !link->outward && link->holding)
		want(fds, &n, link->pipe, POLLOUT);
	if (link->pipe >= 0 && link->outward && conn_has_room(conn)) {
		if (link->finishing && link->budget_ns < relay->now_ns)
			next_ns = relay->now_ns;
		else if (link->budget_ns >= relay->now_ns)
			next_ns = link->budget_ns + 1;
		else if (link->gather_ns > relay->now_ns)
			next_ns = link->gather_ns;
		else if (!link->drained)
			want(fds, &n, link->pipe, POLLIN);
	}
	if (next_ns < *until_ns)
		*until_ns = next_ns;
	return n;
}

size_t relay_wait(const struct relay *relay,
    struct pollfd fds[static RELAY_POLL_MAX], int64_t *until_ns)
{
	size_t n = 0;

	*until_ns = TIME_NEVER;
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++) {
		const struct relay_link *link = &relay->links[i];

		if (link->id == 0 || link->lost)
			continue;
		if (link->conn) {
			n += wait_conn(relay, link, fds + n, until_ns);
			continue;
		}
		want(fds, &n, link->listener, POLLIN);
		for (size_t k = 0; k < RELAY_STRANGERS_MAX; k++)
			if (link->strangers[k])
				want(fds, &n, link->strangers[k]->fd, POLLIN);
		if (relay->now_ns + PING_NS < *until_ns)
			*until_ns = relay->now_ns + PING_NS;
	}
	return n;
}

struct relay *relay_new(const struct relay_config *config, struct err *err)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	assert(relay);
	if (sodium_init() < 0)
		sodium_misuse();
	relay->config = *config;
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++)
		relay->links[i].listener = relay->links[i].pipe = -1;
	if (address_parse(
	        config->address, 0, &relay->address, &relay->address_len))
		return relay;
	err_set(err,
	    "\"%s\" is no address; right is 192.0.2.1 or ::", config->address);
	free(relay);
	return NULL;
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++)
		link_free(&relay->links[i]);
	free(relay);
}
