/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin-tunneld over its local socket: one packet a claim, one an answer. */
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

/* Between two tries while the kernel does not follow yet. */
#define STEP_NS (20 * NS_PER_MS)

struct tunnel {
	struct sockaddr_un address;
	int fd; /* -1: not connected */
	uint64_t request;
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
	struct location_claim own = *claim;
	uint8_t bytes[512];
	size_t len;

	own.request = ++tunnel->request;
	if (!location_claim_encode(&own, bytes, sizeof(bytes), &len) ||
	    send(tunnel->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		return refuse(tunnel, err, "sending");
	return true;
}

/* A connection to a daemon that has been started again is one to nobody. */
static bool reach(
    struct tunnel *tunnel, const struct location_claim *claim, struct err *err)
{
	if (tunnel->fd >= 0 && ask(tunnel, claim, NULL))
		return true;
	return dial(tunnel, err) && ask(tunnel, claim, err);
}

/* Waits for the answer to what was asked last. */
static bool hear(struct tunnel *tunnel, struct location_message *answer,
    int64_t until_ns, struct err *err)
{
	static uint8_t bytes[LOCATION_MESSAGE_MAX];

	for (;;) {
		struct pollfd fd = {tunnel->fd, POLLIN, 0};
		int64_t left_ns = until_ns - now_ns();

		if (left_ns < 0 ||
		    poll(&fd, 1, (int)(left_ns / NS_PER_MS)) == 0) {
			errno = ETIMEDOUT;
			return refuse(tunnel, err, "no answer");
		}
		ssize_t n = recv(tunnel->fd, bytes, sizeof(bytes), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return refuse(tunnel, err, "receiving");
		if (location_message_decode(answer, bytes, (size_t)n) &&
		    answer->type == LOCATION_HEARD &&
		    answer->request == tunnel->request)
			return true;
	}
}

static bool not_yet(const struct tunnel *tunnel, struct err *err)
{
	err_set(err,
	    "%s: heard, but the kernel does not follow; violin-tunneld's log "
	    "says why",
	    tunnel->address.sun_path);
	return true;
}

static enum network_state network_of(const struct location_message *answer)
{
	if (answer->n_records == 0)
		return NETWORK_UNKNOWN;
	return answer->follows && answer->behind == 0 ? NETWORK_WHOLE
	                                              : NETWORK_WAITS;
}

/* A claim that comes twice changes nothing, so asking again is how to learn
 * that the kernel follows at last. */
static bool claim(void *self, const struct location_claim *what,
    enum network_state *network, struct err *err)
{
	static const struct timespec step = {.tv_nsec = STEP_NS};
	static struct location_message answer;
	struct tunnel *tunnel = self;
	int64_t until_ns = now_ns() + TUNNEL_WAIT_NS;

	for (;;) {
		if (!reach(tunnel, what, err) ||
		    !hear(tunnel, &answer, until_ns, err))
			return false;
		*network = network_of(&answer);
		if (answer.follows)
			return true;
		if (what->word != LOCATION_STARTS ||
		    now_ns() + 2 * STEP_NS >= until_ns)
			return not_yet(tunnel, err);
		nanosleep(&step, NULL);
	}
}

const struct tunnel_api tunnel_socket = {.claim = claim};

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

void tunnel_close(struct tunnel *tunnel)
{
	if (tunnel)
		hang_up(tunnel);
	free(tunnel);
}
