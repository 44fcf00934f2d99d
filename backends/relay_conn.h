/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One encrypted TCP connection of a relay (relay.h), frame by frame.
 *
 * From the one-time key each direction has its own (crypto_kdf, context
 * "violinmg": 1 from caller to listener, 2 back), and one secretstream.
 *
 *	listener  ->  its stream's header, 24 bytes
 *	caller    ->  its stream's header, 24 bytes, and a HELLO frame
 *	listener  ->  a HELLO frame
 *
 * then frames both ways: the length of the rest (u32, little-endian), and
 * the encrypted kind and payload, that of a STREAM frame packed as in
 * relay_pack.h.  Every frame authenticates, beside itself and its place in the
 * stream, the header that the other side has drawn for this connection: bytes
 * of another connection are never accepted.  BYE is the stream's final tag; a
 * connection that ends without it was cut.
 */
#ifndef BACKENDS_RELAY_CONN_H
#define BACKENDS_RELAY_CONN_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/relay_pack.h"

enum {
	CONN_KEY_BYTES = 32,
	CONN_PAYLOAD_MAX = 131072,
	CONN_HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	CONN_FRAME_MAX = 4 + 1 + CONN_PAYLOAD_MAX + PACK_OVERHEAD +
	                 crypto_secretstream_xchacha20poly1305_ABYTES,
	CONN_IN_MAX = 2 * CONN_FRAME_MAX,
	CONN_OUT_MAX = 2 * CONN_FRAME_MAX,
};

enum conn_frame {
	FRAME_HELLO,
	FRAME_MESSAGE,
	FRAME_STREAM,
	FRAME_STREAM_END,
	FRAME_PING,
	FRAME_BYE,
	N_CONN_FRAMES
};

enum conn_got {
	CONN_NOTHING, /* for now */
	CONN_FRAME,   /* one frame, in kind, payload and payload_len */
	CONN_BROKEN,  /* cut, or not authentic; see why */
};

struct conn {
	int fd;
	bool caller;
	bool greeted; /* the other side's header is there */
	bool up;      /* and its HELLO: it has the key */
	bool closing; /* said BYE */
	bool compress; /* what it sends of the stream */
	uint8_t key_out[CONN_KEY_BYTES], key_in[CONN_KEY_BYTES];
	uint8_t header_out[CONN_HEADER], header_in[CONN_HEADER];
	crypto_secretstream_xchacha20poly1305_state push, pull;
	uint8_t in[CONN_IN_MAX]; /* read ahead: from in_pos to in_len */
	size_t in_len, in_pos;
	int wake_bytes; /* so much wakes who polls the socket */
	uint8_t out[CONN_OUT_MAX];
	size_t out_len, out_pos;
	enum conn_frame kind;
	uint8_t payload[CONN_PAYLOAD_MAX];
	size_t payload_len;
	int64_t heard_ns, said_ns;
	const char *why;
};

/* Takes a socket that is connected, or connecting, and does not block. */
struct conn *conn_new(
    int fd, bool caller, const uint8_t key[CONN_KEY_BYTES], int64_t now_ns);
void conn_free(struct conn *conn);

/* Is there room for one more frame of the largest size? */
bool conn_has_room(const struct conn *conn);
/* Encrypts a frame into the buffer, and returns how long it is there.  Only
 * with room, and only when greeted. */
size_t conn_put(
    struct conn *conn, enum conn_frame kind, const void *payload, size_t len);
/* Writes what can be written; false if the connection is broken. */
bool conn_flush(struct conn *conn, int64_t now_ns);
/* Reads towards the next frame. */
enum conn_got conn_get(struct conn *conn, int64_t now_ns);

#endif
