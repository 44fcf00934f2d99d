/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every decoder of backends/message.h on arbitrary bytes: what is accepted is
 * within its bounds and encodes to the same bytes.  The first byte chooses
 * the message; the header is made, so that the body is what is fuzzed, or,
 * for the last choice, is fuzzed too.
 */
#include <assert.h>
#include <string.h>

#include "backends/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t in[WIRE_MESSAGE_MAX], out[WIRE_MESSAGE_MAX];
static struct host_vm vms[HOST_VMS_MAX];
static struct message_report report = {.sample = {.vms = vms}};
static struct message_act act;
static struct message_answer answer;
static struct message_check check;
static struct message_checked checked;
static struct message_config config;
static struct message_observe observe;
static struct message_text text;

/* Reads the body as a type; true if it is one, and written again. */
static bool read_and_write(
    struct wire_reader *r, uint16_t type, uint64_t request)
{
	struct wire_writer w;

	wire_writer_init(&w, out, sizeof(out));
	switch (type) {
	case MESSAGE_OBSERVE:
		return message_read_observe(r, &observe) &&
		       message_write_observe(&w, request, &observe);
	case MESSAGE_REPORT:
		return message_read_report(r, &report) &&
		       message_write_report(&w, request, &report);
	case MESSAGE_ACT:
		return message_read_act(r, &act) &&
		       message_write_act(&w, request, &act);
	case MESSAGE_ANSWER:
		return message_read_answer(r, &answer) &&
		       message_write_answer(&w, request, &answer);
	case MESSAGE_CHECK:
		return message_read_check(r, &check) &&
		       message_write_check(&w, request, &check);
	case MESSAGE_CHECKED:
		return message_read_checked(r, &checked) &&
		       message_write_checked(&w, request, &checked);
	case MESSAGE_CONFIG:
		return message_read_config(r, &config) &&
		       message_write_config(&w, request, &config);
	case MESSAGE_REFUSED:
		return message_read_refused(r, &text) &&
		       message_write_refused(&w, request, &text);
	default:
		return false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {MESSAGE_OBSERVE, MESSAGE_REPORT,
	    MESSAGE_ACT, MESSAGE_ANSWER, MESSAGE_CONFIG, MESSAGE_REFUSED,
	    MESSAGE_CHECK, MESSAGE_CHECKED};
	enum { N_TYPES = sizeof(types) / sizeof(types[0]) };
	struct wire_header header;
	struct wire_writer w;
	struct wire_reader r;

	if (size < 1 || size > 65536)
		return 0;
	wire_writer_init(&w, in, sizeof(in));
	if (data[0] % (N_TYPES + 1) < N_TYPES) {
		wire_begin_message(&w, types[data[0] % (N_TYPES + 1)], 1);
		wire_put_bytes(&w, data + 1, size - 1);
		wire_end_message(&w);
	} else {
		wire_put_bytes(&w, data + 1, size - 1);
	}
	wire_reader_init(&r, in, w.len);
	if (!wire_get_header(&r, &header))
		return 0;
	if (read_and_write(&r, header.type, header.request))
		assert(memcmp(in, out, w.len) == 0);
	return 0;
}
