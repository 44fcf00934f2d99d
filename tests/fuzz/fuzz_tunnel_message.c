/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tunnel daemon hears from outside: locations, requests, its own
 * file.  Any bytes decode or are refused; what decodes, encodes to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/location_message.h"
#include "backends/tunnel/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[LOCATION_MESSAGE_MAX];

static void check_same(const uint8_t *data, size_t size, size_t len)
{
	if (len != size || memcmp(out, data, size) != 0)
		abort();
}

static void try_locations(const uint8_t *data, size_t size)
{
	static struct location_message message;
	struct location_table table = {0};
	size_t len;

	if (!location_message_decode(&message, data, size))
		return;
	if (!location_message_encode(&message, out, sizeof out, &len))
		abort();
	check_same(data, size, len);
	for (uint32_t i = 0; i < message.n_records; i++)
		location_apply(&table, &message.records[i]);
	/* Heard twice, nothing is news. */
	for (uint32_t i = 0; i < message.n_records; i++)
		if (location_apply(&table, &message.records[i]) ==
		    LOCATION_NEWER)
			abort();
	location_fini(&table);
}

static void try_claim(const uint8_t *data, size_t size)
{
	struct location_claim claim;
	size_t len;

	if (!location_claim_decode(&claim, data, size))
		return;
	if (!location_claim_encode(&claim, out, sizeof out, &len))
		abort();
	check_same(data, size, len);
}

static void try_control(const uint8_t *data, size_t size)
{
	struct control_request request;
	struct control_answer answer;
	size_t len;

	if (control_decode_request(&request, data, size)) {
		if (!control_encode_request(&request, out, sizeof out, &len))
			abort();
		/* The request id is not kept: local answers come in order. */
		if (len != size)
			abort();
	}
	if (control_decode_answer(&answer, data, size) &&
	    answer.text + answer.text_len != (const char *)data + size)
		abort();
}

static void try_file(const uint8_t *data, size_t size)
{
	struct location_table table = {0};
	struct wire_reader r;
	struct wire_writer w;

	wire_reader_init(&r, data, size);
	if (!location_decode(&r, &table))
		return;
	if (location_encoded_max(&table) <= sizeof out) {
		wire_writer_init(&w, out, sizeof out);
		if (!location_encode(&table, &w))
			abort();
		check_same(data, size, w.len);
	}
	location_fini(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_locations(data, size);
	try_claim(data, size);
	try_control(data, size);
	try_file(data, size);
	return 0;
}
