/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The byte level of every protocol; the format is specified in wire.h. */
#include "backends/wire.h"

#include <assert.h>
#include <string.h>

static const uint8_t magic[4] = {'V', 'L', 'N', 0x1a};

void wire_writer_init(struct wire_writer *w, void *data, size_t cap)
{
	*w = (struct wire_writer){.data = data, .cap = cap};
}

void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t n)
{
	if (w->failed || n > w->cap - w->len) {
		w->failed = true;
		return;
	}
	if (n > 0)
		memcpy(w->data + w->len, bytes, n);
	w->len += n;
}

static void put_uint(struct wire_writer *w, uint64_t value, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	wire_put_bytes(w, bytes, width);
}

void wire_put_u8(struct wire_writer *w, uint8_t value)
{
	put_uint(w, value, 1);
}

void wire_put_u16(struct wire_writer *w, uint16_t value)
{
	put_uint(w, value, 2);
}

void wire_put_u32(struct wire_writer *w, uint32_t value)
{
	put_uint(w, value, 4);
}

void wire_put_u64(struct wire_writer *w, uint64_t value)
{
	put_uint(w, value, 8);
}

void wire_put_bool(struct wire_writer *w, bool value)
{
	put_uint(w, value, 1);
}

void wire_put_string(struct wire_writer *w, const char *text)
{
	size_t n = strlen(text);

	if (n > UINT16_MAX) {
		w->failed = true;
		return;
	}
	wire_put_u16(w, (uint16_t)n);
	wire_put_bytes(w, text, n);
}

void wire_reader_init(struct wire_reader *r, const void *data, size_t len)
{
	*r = (struct wire_reader){.data = data, .len = len};
}

/* The next n bytes, or NULL and the reader has failed. */
static const uint8_t *take(struct wire_reader *r, size_t n)
{
	if (r->failed || n > r->len - r->pos) {
		r->failed = true;
		return NULL;
	}
	r->pos += n;
	return r->data + r->pos - n;
}

static uint64_t get_uint(struct wire_reader *r, size_t width)
{
	const uint8_t *bytes = take(r, width);
	uint64_t value = 0;

	if (!bytes)
		return 0;
	for (size_t i = 0; i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint8_t wire_get_u8(struct wire_reader *r)
{
	return (uint8_t)get_uint(r, 1);
}

uint16_t wire_get_u16(struct wire_reader *r)
{
	return (uint16_t)get_uint(r, 2);
}

uint32_t wire_get_u32(struct wire_reader *r)
{
	return (uint32_t)get_uint(r, 4);
}

uint64_t wire_get_u64(struct wire_reader *r)
{
	return get_uint(r, 8);
}

uint8_t wire_get_enum(struct wire_reader *r, uint8_t end)
{
	uint8_t value = wire_get_u8(r);

	if (value >= end) {
		r->failed = true;
		return 0;
	}
	return value;
}

bool wire_get_bool(struct wire_reader *r)
{
	return wire_get_enum(r, 2);
}

void wire_get_bytes(struct wire_reader *r, void *bytes, size_t n)
{
	const uint8_t *from = take(r, n);

	if (from)
		memcpy(bytes, from, n);
	else
		memset(bytes, 0, n);
}

void wire_get_string(struct wire_reader *r, char *text, size_t cap)
{
	size_t n = wire_get_u16(r);
	const uint8_t *from = n < cap ? take(r, n) : NULL;

	assert(cap > 0);
	text[0] = '\0';
	if (!from || memchr(from, 0, n)) {
		r->failed = true;
		return;
	}
	memcpy(text, from, n);
	text[n] = '\0';
}

uint32_t wire_get_count(struct wire_reader *r, uint32_t max, size_t each)
{
	uint32_t n = wire_get_u32(r);

	if (r->failed || n > max || n > (r->len - r->pos) / each) {
		r->failed = true;
		return 0;
	}
	return n;
}

void wire_begin_message(struct wire_writer *w, uint16_t type, uint64_t request)
{
	assert(w->len == 0);
	wire_put_bytes(w, magic, sizeof(magic));
	wire_put_u16(w, WIRE_VERSION);
	wire_put_u16(w, type);
	wire_put_u32(w, 0);
	wire_put_u32(w, 0);
	wire_put_u64(w, request);
}

bool wire_end_message(struct wire_writer *w)
{
	struct wire_writer length;

	if (w->failed || w->len > WIRE_MESSAGE_MAX)
		return false;
	wire_writer_init(&length, w->data + 8, 4);
	wire_put_u32(&length, (uint32_t)(w->len - WIRE_HEADER_BYTES));
	return true;
}

bool wire_get_header(struct wire_reader *r, struct wire_header *header)
{
	const uint8_t *start = take(r, sizeof(magic));
	uint16_t version = wire_get_u16(r);

	header->type = wire_get_u16(r);
	header->body_len = wire_get_u32(r);
	if (wire_get_u32(r) != 0)
		r->failed = true;
	header->request = wire_get_u64(r);
	if (r->failed || memcmp(start, magic, sizeof(magic)) != 0 ||
	    version != WIRE_VERSION || r->len > WIRE_MESSAGE_MAX ||
	    header->body_len != r->len - r->pos)
		r->failed = true;
	return !r->failed;
}

bool wire_end(const struct wire_reader *r)
{
	return !r->failed && r->pos == r->len;
}
