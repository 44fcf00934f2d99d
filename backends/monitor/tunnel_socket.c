/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violin-tunneld over its local socket: one packet a claim, one an answer.  The
 * connection stays while it is slow, for its answers are still to come, and it
 * hears on it in the order in which it was told.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "backends/monitor/tunnel.h"

struct tunnel {
	struct sockaddr_un address;
	int fd; /* -1: not connected */
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void hang_up(struct tunnel *tunnel)
{
	if (tunnel->fd >= 0)
		close(tunnel->fd);
	tunnel->fd = -1;
}

static bool refuse(struct tunnel *tunnel, struct err *err, const char *what)
{
	int why = errno;

	hang_up(tunnel);
	return err_set(err, "%s: %s: %s (is violin-tunneld running?)",
	    tunnel->address.sun_path, what, strerror(why));
}

static bool dial(struct tunnel *tunnel, struct err *err)
{
	tunnel->fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (tunnel->fd < 0 ||
	    connect(tunnel->fd, (const struct sockaddr *)&tunnel->address,
	        sizeof(tunnel->address)) < 0)
		return refuse(tunnel, err, "connecting");
	return true;
}

static bool ask(
    struct tunnel *tunnel, const struct location_claim *claim, struct err *err)
{
	uint8_t bytes[512];
	size_t len;

	if (location_claim_encode(claim, bytes, sizeof(bytes), &len) &&
	    send(tunnel->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len)
		return true;
	if (errno == EAGAIN)
		return err_set(err, "%s: sending: it has not taken the last "
		                    "ones yet",
		    tunnel->address.sun_path);
	return refuse(tunnel, err, "sending");
}

/* A connection to a daemon that has been started again is one to nobody. */
static bool claim(
    void *self, const struct location_claim *what, struct err *err)
{
	struct tunnel *tunnel = self;

	if (tunnel->fd >= 0 && ask(tunnel, what, err))
		return true;
	/* Still connected, it is slow. */
	return tunnel->fd < 0 && dial(tunnel, err) && ask(tunnel, what, err);
}

static enum network_state network_of(const struct location_message *answer)
{
	if (answer->n_records == 0)
		return NETWORK_UNKNOWN;
	return answer->follows && answer->behind == 0 ? NETWORK_WHOLE
	                                              : NETWORK_WAITS;
}

static bool understand(
    struct tunnel_answer *answer, const void *bytes, size_t len)
{
	static struct location_message message;

	if (!location_message_decode(&message, bytes, len) ||
	    message.type != LOCATION_HEARD)
		return false;
	*answer = (struct tunnel_answer){.request = message.request,
	    .follows = message.follows,
	    .network = network_of(&message)};
	return true;
}

static void wait_a_while(const struct tunnel *tunnel, int64_t *wait_ns)
{
	struct pollfd fd = {tunnel->fd, POLLIN, 0};
	int64_t began_ns = now_ns();

	poll(&fd, 1, (int)((*wait_ns + NS_PER_MS - 1) / NS_PER_MS));
	*wait_ns -= now_ns() - began_ns;
}

static bool hear(void *self, int64_t *wait_ns, struct tunnel_answer *answer)
{
	static uint8_t bytes[LOCATION_MESSAGE_MAX];
	struct tunnel *tunnel = self;

	while (tunnel->fd >= 0) {
		ssize_t n = recv(tunnel->fd, bytes, sizeof(bytes), 0);

		if (n > 0 && understand(answer, bytes, (size_t)n))
			return true;
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			hang_up(tunnel);
		else if (n < 0 && errno == EAGAIN && *wait_ns <= 0)
			return false;
		else if (n < 0)
			wait_a_while(tunnel, wait_ns);
	}
	return false;
}

const struct tunnel_api tunnel_socket = {.claim = claim, .hear = hear};

struct tunnel *tunnel_open(const char *path, struct err *err)
{
	struct tunnel *tunnel;

	if (strlen(path) >= sizeof(tunnel->address.sun_path)) {
		err_set(err, "%s: too long for a socket's name", path);
		return NULL;
	}
	tunnel = calloc(1, sizeof(*tunnel));
	assert(tunnel);
	tunnel->fd = -1;
	tunnel->address.sun_family = AF_UNIX;
	strcpy(tunnel->address.sun_path, path);
	return tunnel;
}

int tunnel_fd(const struct tunnel *tunnel)
{
	return tunnel->fd;
}

void tunnel_close(struct tunnel *tunnel)
{
	if (tunnel)
		hang_up(tunnel);
	free(tunnel);
}
