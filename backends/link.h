/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection between the two daemons of one migration: messages both
 * ways, and the hypervisor's stream from source to target.  Implemented over
 * TCP and libsodium (backends/relay.h), and over a simulated network.
 *
 * Both ends prove that they have the one-time key that a manager gave them,
 * or the connection is nobody's.  Messages and stream arrive in the order in
 * which they were sent, or not at all.  Nothing blocks; what happens comes
 * out of `poll`.  A link that was closed says nothing more.
 */
#ifndef BACKENDS_LINK_H
#define BACKENDS_LINK_H

#include "backends/host.h"
#include "backends/message.h"

enum { LINK_MESSAGE_MAX = HOST_CONFIG_MAX + 256 };

enum link_event_kind {
	LINK_UP,      /* the peer is there, and proved the key */
	LINK_LOST,    /* it is gone, or silent for too long, or never came */
	LINK_MESSAGE, /* it says this */
};

struct link_event {
	uint64_t id; /* of the hand-over */
	enum link_event_kind kind;
	size_t len;
	uint8_t bytes[LINK_MESSAGE_MAX];
	char text[HOST_TEXT_MAX]; /* why it was lost */
};

struct link_api {
	/* Waits for one peer that has the key; fills the port to connect to. */
	bool (*listen)(void *self, uint64_t id,
	    const uint8_t key[MESSAGE_KEY_BYTES], uint16_t *port,
	    struct err *err);
	/* Connects to it.  rate_bps bounds the stream, 0 does not. */
	bool (*call)(void *self, uint64_t id,
	    const uint8_t key[MESSAGE_KEY_BYTES], const char *address,
	    uint64_t rate_bps, struct err *err);
	/* Sends a message after all that the stream has taken so far. */
	void (*say)(void *self, uint64_t id, const void *bytes, size_t len);
	/* The link's stream, for host_api.send or receive, who takes it; once
	 * for each link. */
	bool (*stream)(void *self, uint64_t id, struct host_stream *stream,
	    struct err *err);
	/* Source: all that was written to the stream is all of it. */
	void (*finish)(void *self, uint64_t id);
	/* Sends what was said, and closes; what is left of the stream is cut.
	 */
	void (*close)(void *self, uint64_t id);
	/* Bytes of the stream that this end has sent or received. */
	uint64_t (*progress)(void *self, uint64_t id);
	bool (*poll)(void *self, int64_t now_ns, struct link_event *event);
};

#endif
