/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes of the protocols: what every message between the programs looks
 * like, whatever it carries.  Pure: no I/O, no allocation, no clock.
 *
 * A message is a header and a body.  Integers are little-endian and of fixed
 * width, and nothing is aligned or padded:
 *
 *   offset size
 *        0    4  magic "VLN\x1a"
 *        4    2  version of the protocol, WIRE_VERSION
 *        6    2  type; backends/message.h has 0x01.., the tunnel daemons 0x02..
 *        8    4  length of the body in bytes
 *       12    4  zero
 *       16    8  request id: an answer carries that of its request
 *       24       the body
 *
 * A string is a u16 length and as many bytes, none of them zero.  There is
 * one encoding for each value, and a decoder that accepts bytes has read all
 * of them: what decodes, encodes to the same bytes again.
 *
 * Readers and writers fail once and stay failed, so that a codec is a list
 * of fields and one check at its end.  A reader trusts nothing: every length
 * is checked against what is there and against the room for it.
 */
#ifndef BACKENDS_WIRE_H
#define BACKENDS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_VERSION = 2,
	WIRE_HEADER_BYTES = 24,
	WIRE_MESSAGE_MAX = 1 << 20, /* header and body, bytes */
};

struct wire_writer {
	uint8_t *data; /* borrowed */
	size_t cap;
	size_t len;
	bool failed; /* something did not fit */
};

struct wire_reader {
	const uint8_t *data; /* borrowed */
	size_t len;
	size_t pos;
	bool failed; /* something was missing, too long or malformed */
};

struct wire_header {
	uint16_t type;
	uint32_t body_len;
	uint64_t request;
};

void wire_writer_init(struct wire_writer *w, void *data, size_t cap);
void wire_put_u8(struct wire_writer *w, uint8_t value);
void wire_put_u16(struct wire_writer *w, uint16_t value);
void wire_put_u32(struct wire_writer *w, uint32_t value);
void wire_put_u64(struct wire_writer *w, uint64_t value);
void wire_put_bool(struct wire_writer *w, bool value);
void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t n);
/* Fails above 65535 bytes. */
void wire_put_string(struct wire_writer *w, const char *text);

void wire_reader_init(struct wire_reader *r, const void *data, size_t len);
/* A failed reader gives zeroes. */
uint8_t wire_get_u8(struct wire_reader *r);
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
/* Fails on anything but 0 and 1. */
bool wire_get_bool(struct wire_reader *r);
/* A value below `end`, an enumeration's last plus one; fails otherwise. */
uint8_t wire_get_enum(struct wire_reader *r, uint8_t end);
void wire_get_bytes(struct wire_reader *r, void *bytes, size_t n);
/* Terminates `text`; fails if it does not fit in cap with its zero, or if a
 * zero is inside. */
void wire_get_string(struct wire_reader *r, char *text, size_t cap);
/* How many of n announced elements of at least `each` bytes can be there:
 * fails and gives 0 if n > max or the bytes cannot hold them. */
uint32_t wire_get_count(struct wire_reader *r, uint32_t max, size_t each);

/* Starts a message in an empty writer and ends it: wire_end_message fills in
 * the length, and gives false if anything did not fit. */
void wire_begin_message(struct wire_writer *w, uint16_t type, uint64_t request);
bool wire_end_message(struct wire_writer *w);

/* Reads a header and leaves the reader at the body, which is exactly what is
 * left.  False if it is not a whole message of this version. */
bool wire_get_header(struct wire_reader *r, struct wire_header *header);

/* True if nothing failed and nothing is left over. */
bool wire_end(const struct wire_reader *r);

#endif
