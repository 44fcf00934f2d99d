/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links (link.h) over TCP, encrypted: the hypervisor reads or writes one end
 * of a pipe, the relay carries what passes through it to the other host.
 * relay_conn.h has the format and its keys.  The program ignores SIGPIPE.
 *
 * A stream's end is authenticated: a reader that was cut off sees no end of
 * file but the loss of its link.  A peer that is silent for `silent_ns` is
 * lost; shorter cuts are TCP's to heal.  Whoever connects and cannot prove the
 * key is dropped, and the listener waits on.
 */
#ifndef BACKENDS_RELAY_H
#define BACKENDS_RELAY_H

#include <poll.h>

#include "backends/link.h"

enum {
	RELAY_LINKS_MAX = MESSAGE_HANDOVERS_MAX,
	RELAY_STRANGERS_MAX = 4, /* of one listener, that prove nothing yet */
	RELAY_POLL_MAX = RELAY_LINKS_MAX * (3 + RELAY_STRANGERS_MAX),
};

struct relay_config {
	const char *address; /* to listen on, as inet_pton(3); borrowed */
	uint16_t port_first, port_last; /* 0, 0: any free port */
	int64_t silent_ns;
	bool uncompressed; /* streams that it sends go as they are */
	/* Who connected, and did not prove the key; may be NULL. */
	void (*refused)(void *self, uint64_t id, const char *address,
	    const char *why);
	void *self;
};

struct relay;
extern const struct link_api relay_api;

struct relay *relay_new(const struct relay_config *config, struct err *err);
void relay_free(struct relay *relay);

/* What to wait for before polling again, as host_api.wait. */
size_t relay_wait(const struct relay *relay,
    struct pollfd fds[static RELAY_POLL_MAX], int64_t *until_ns);

#endif
