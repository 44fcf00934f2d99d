/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One encrypted TCP connection; the format is specified in relay_conn.h. */
#include "backends/relay_conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAKE_MAX = 65536 };

static void put_raw(struct conn *conn, const void *bytes, size_t n)
{
	assert(conn->out_len + n <= CONN_OUT_MAX);
	memcpy(conn->out + conn->out_len, bytes, n);
	conn->out_len += n;
}

struct conn *conn_new(
    int fd, bool caller, const uint8_t key[CONN_KEY_BYTES], int64_t now_ns)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	assert(conn);
	conn->fd = fd;
	conn->caller = caller;
	conn->heard_ns = conn->said_ns = now_ns;
	conn->wake_bytes = 1;
	crypto_kdf_derive_from_key(
	    conn->key_out, CONN_KEY_BYTES, caller ? 1 : 2, "violinmg", key);
	crypto_kdf_derive_from_key(
	    conn->key_in, CONN_KEY_BYTES, caller ? 2 : 1, "violinmg", key);
	crypto_secretstream_xchacha20poly1305_init_push(
	    &conn->push, conn->header_out, conn->key_out);
	if (!caller)
		put_raw(conn, conn->header_out, CONN_HEADER);
	return conn;
}

void conn_free(struct conn *conn)
{
	if (!conn)
		return;
	close(conn->fd);
	sodium_memzero(conn, sizeof(*conn));
	free(conn);
}

bool conn_has_room(const struct conn *conn)
{
	return conn->out_len - conn->out_pos + CONN_FRAME_MAX <= CONN_OUT_MAX;
}

size_t conn_put(
    struct conn *conn, enum conn_frame kind, const void *payload, size_t len)
{
	static uint8_t plain[1 + CONN_PAYLOAD_MAX + PACK_OVERHEAD];
	unsigned char tag =
	    kind == FRAME_BYE
	        ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
	        : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
	unsigned long long n;

	assert(len <= CONN_PAYLOAD_MAX && conn->greeted && !conn->closing);
	assert(conn_has_room(conn));
	if (conn->out_len + CONN_FRAME_MAX > CONN_OUT_MAX) {
		conn->out_len -= conn->out_pos;
		memmove(conn->out, conn->out + conn->out_pos, conn->out_len);
		conn->out_pos = 0;
	}
	plain[0] = (uint8_t)kind;
	if (kind == FRAME_STREAM)
		len = relay_pack(payload, len, conn->compress, plain + 1);
	else if (len > 0)
		memcpy(plain + 1, payload, len);
	uint8_t *frame = conn->out + conn->out_len;
	crypto_secretstream_xchacha20poly1305_push(&conn->push, frame + 4, &n,
	    plain, 1 + len, conn->header_in, CONN_HEADER, tag);
	for (size_t i = 0; i < 4; i++)
		frame[i] = (uint8_t)(n >> (8 * i));
	conn->out_len += 4 + (size_t)n;
	conn->closing = kind == FRAME_BYE;
	return 4 + (size_t)n;
}

bool conn_flush(struct conn *conn, int64_t now_ns)
{
	while (conn->out_pos < conn->out_len) {
		ssize_t n = send(conn->fd, conn->out + conn->out_pos,
		    conn->out_len - conn->out_pos, MSG_NOSIGNAL);

		/* ENOTCONN: still connecting. */
		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return true;
		if (n < 0) {
			conn->why = strerror(errno);
			return false;
		}
		conn->out_pos += (size_t)n;
		conn->said_ns = now_ns;
	}
	conn->out_pos = conn->out_len = 0;
	return true;
}

static enum conn_got broken(struct conn *conn, const char *why)
{
	conn->why = why;
	return CONN_BROKEN;
}

/* Has the socket wake us when there is enough: a frame comes in many small
 * segments, and to look at each costs more than to decrypt it. */
static void wake_at(struct conn *conn, size_t missing)
{
	int bytes = missing > WAKE_MAX ? WAKE_MAX : (int)missing;

	if (bytes == conn->wake_bytes)
		return;
	conn->wake_bytes = bytes;
	setsockopt(conn->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

/* Are n bytes there, at conn->in + conn->in_pos?  Reads if they are not. */
static enum conn_got need(struct conn *conn, size_t n, int64_t now_ns)
{
	if (conn->in_len - conn->in_pos >= n)
		return CONN_FRAME;
	if (conn->in_pos > 0) {
		conn->in_len -= conn->in_pos;
		memmove(conn->in, conn->in + conn->in_pos, conn->in_len);
		conn->in_pos = 0;
	}
	ssize_t got = recv(
	    conn->fd, conn->in + conn->in_len, CONN_IN_MAX - conn->in_len, 0);
	if (got < 0 && errno != EAGAIN && errno != ENOTCONN)
		return broken(conn, strerror(errno));
	if (got == 0)
		return broken(conn, "cut by the other side");
	if (got > 0) {
		conn->in_len += (size_t)got;
		conn->heard_ns = now_ns;
	}
	if (conn->in_len >= n)
		return CONN_FRAME;
	wake_at(conn, n - conn->in_len);
	return CONN_NOTHING;
}

static enum conn_got take_header(struct conn *conn, int64_t now_ns)
{
	enum conn_got got = need(conn, CONN_HEADER, now_ns);

	if (got != CONN_FRAME)
		return got;
	memcpy(conn->header_in, conn->in + conn->in_pos, CONN_HEADER);
	conn->in_pos += CONN_HEADER;
	if (crypto_secretstream_xchacha20poly1305_init_pull(
	        &conn->pull, conn->header_in, conn->key_in) != 0)
		return broken(conn, "not a header");
	conn->greeted = true;
	if (conn->caller) {
		put_raw(conn, conn->header_out, CONN_HEADER);
		conn_put(conn, FRAME_HELLO, NULL, 0);
	}
	return CONN_NOTHING;
}

/* Takes a decrypted frame of n bytes as what conn_get() gives. */
static bool unpack_frame(struct conn *conn, const uint8_t *plain, size_t n)
{
	if (n < 1 || plain[0] >= N_CONN_FRAMES)
		return false;
	conn->kind = (enum conn_frame)plain[0];
	conn->payload_len = n - 1;
	if (conn->kind == FRAME_STREAM)
		return relay_unpack(plain + 1, n - 1, conn->payload,
		    sizeof(conn->payload), &conn->payload_len);
	if (conn->payload_len > sizeof(conn->payload))
		return false;
	memcpy(conn->payload, plain + 1, conn->payload_len);
	return true;
}

/* Decrypts the frame of n bytes that is next in conn->in. */
static enum conn_got open_frame(struct conn *conn, size_t n)
{
	static uint8_t plain[1 + CONN_PAYLOAD_MAX + PACK_OVERHEAD];
	const uint8_t *frame = conn->in + conn->in_pos + 4;
	unsigned char tag;
	unsigned long long len;

	conn->in_pos += 4 + n;
	if (crypto_secretstream_xchacha20poly1305_pull(&conn->pull, plain, &len,
	        &tag, frame, n, conn->header_out, CONN_HEADER) != 0)
		return broken(conn, "a frame is not authentic");
	if (!unpack_frame(conn, plain, (size_t)len))
		return broken(conn, "a frame of an unknown kind");
	if ((conn->kind == FRAME_BYE) !=
	    (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL))
		return broken(conn, "a frame with a wrong tag");
	if (conn->kind == FRAME_BYE)
		return broken(conn, "closed by the other side");
	if (!conn->up && conn->kind != FRAME_HELLO)
		return broken(conn, "a frame before HELLO");
	if (!conn->up && !conn->caller)
		conn_put(conn, FRAME_HELLO, NULL, 0);
	conn->up = true;
	return CONN_FRAME;
}

enum conn_got conn_get(struct conn *conn, int64_t now_ns)
{
	enum conn_got got;
	size_t n = 0;

	if (!conn->greeted) {
		got = take_header(conn, now_ns);
		if (got == CONN_BROKEN || !conn->greeted)
			return got;
	}
	got = need(conn, 4, now_ns);
	if (got != CONN_FRAME)
		return got;
	for (size_t i = 0; i < 4; i++)
		n |= (size_t)conn->in[conn->in_pos + i] << (8 * i);
	if (n < 1 + crypto_secretstream_xchacha20poly1305_ABYTES ||
	    n > CONN_FRAME_MAX - 4)
		return broken(conn, "a frame of an impossible length");
	got = need(conn, 4 + n, now_ns);
	return got == CONN_FRAME ? open_frame(conn, n) : got;
}
