/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How locations are told; see location_message.h. */
#include "backends/location_message.h"

#include <stdlib.h>

bool location_message_encode(const struct location_message *message,
    void *bytes, size_t cap, size_t *len)
{
	struct wire_writer w;

	wire_writer_init(&w, bytes, cap);
	wire_begin_message(&w, message->type, message->request);
	wire_put_u64(&w, message->instance);
	wire_put_u64(&w, message->change);
	wire_put_bool(&w, message->follows);
	wire_put_u32(&w, message->behind);
	wire_put_u32(&w, message->n_records);
	for (uint32_t i = 0; i < message->n_records; i++)
		location_put(&w, &message->records[i]);
	*len = w.len;
	return wire_end_message(&w);
}

bool location_message_decode(
    struct location_message *message, const void *bytes, size_t len)
{
	struct wire_header header;
	struct wire_reader r;

	wire_reader_init(&r, bytes, len);
	if (!wire_get_header(&r, &header) ||
	    (header.type != LOCATION_TELL && header.type != LOCATION_HEARD))
		return false;
	message->type = header.type;
	message->request = header.request;
	message->instance = wire_get_u64(&r);
	message->change = wire_get_u64(&r);
	message->follows = wire_get_bool(&r);
	message->behind = wire_get_u32(&r);
	message->n_records =
	    wire_get_count(&r, LOCATION_MESSAGE_RECORDS, LOCATION_WIRE_MIN);
	for (uint32_t i = 0; i < message->n_records; i++)
		location_get(&r, &message->records[i]);
	return wire_end(&r);
}

bool location_claim_encode(
    const struct location_claim *claim, void *bytes, size_t cap, size_t *len)
{
	struct wire_writer w;

	wire_writer_init(&w, bytes, cap);
	wire_begin_message(&w, LOCATION_CLAIM, claim->request);
	wire_put_u8(&w, (uint8_t)claim->word);
	wire_put_u64(&w, claim->epoch);
	wire_put_u32(&w, claim->n_macs);
	for (uint32_t i = 0; i < claim->n_macs; i++)
		wire_put_bytes(&w, claim->macs[i].byte, sizeof(struct mac));
	*len = w.len;
	return wire_end_message(&w);
}

bool location_claim_decode(
    struct location_claim *claim, const void *bytes, size_t len)
{
	struct wire_header header;
	struct wire_reader r;

	*claim = (struct location_claim){0};
	wire_reader_init(&r, bytes, len);
	if (!wire_get_header(&r, &header) || header.type != LOCATION_CLAIM)
		return false;
	claim->request = header.request;
	claim->word = wire_get_enum(&r, N_LOCATION_WORDS);
	claim->epoch = wire_get_u64(&r);
	claim->n_macs =
	    wire_get_count(&r, LOCATION_CLAIM_MACS, sizeof(struct mac));
	for (uint32_t i = 0; i < claim->n_macs; i++)
		wire_get_bytes(&r, claim->macs[i].byte, sizeof(struct mac));
	return wire_end(&r);
}

static int by_change(const void *a, const void *b)
{
	const struct location *const *la = a, *const *lb = b;

	return ((*la)->change > (*lb)->change) -
	       ((*la)->change < (*lb)->change);
}

void location_message_tell(struct location_message *message,
    const struct location_table *table, uint64_t change)
{
	const struct location **news =
	    calloc(table->n_records + 1, sizeof(struct location *));
	size_t n = 0;

	if (!news)
		abort();
	for (size_t i = 0; i < table->n_records; i++)
		if (table->records[i].change > change)
			news[n++] = &table->records[i];
	qsort(news, n, sizeof(struct location *), by_change);
	message->type = LOCATION_TELL;
	message->follows = false;
	message->behind = 0;
	message->n_records = 0;
	message->change = change;
	for (size_t i = 0; i < n && i < LOCATION_MESSAGE_RECORDS; i++) {
		message->records[message->n_records++] = *news[i];
		message->change = news[i]->change;
	}
	free(news);
}
