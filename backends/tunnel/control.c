/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What violin-tunnelctl asks; see control.h. */
#include "backends/tunnel/control.h"

bool control_encode_request(
    const struct control_request *request, void *bytes, size_t cap, size_t *len)
{
	struct wire_writer w;

	wire_writer_init(&w, bytes, cap);
	wire_begin_message(&w, request->type, 0);
	if (request->type == CONTROL_ATTACH || request->type == CONTROL_MOVE)
		wire_put_bytes(&w, request->mac.byte, sizeof request->mac.byte);
	if (request->type == CONTROL_ATTACH || request->type == CONTROL_DETACH)
		wire_put_string(&w, request->port);
	if (request->type == CONTROL_MOVE) {
		wire_put_u8(&w, (uint8_t)request->phase);
		wire_put_string(&w, request->host);
	}
	if (request->type == CONTROL_SHOW) {
		wire_put_u8(&w, (uint8_t)request->what);
		wire_put_u8(&w, (uint8_t)request->format);
	}
	*len = w.len;
	return wire_end_message(&w);
}

bool control_decode_request(
    struct control_request *request, const void *bytes, size_t len)
{
	struct wire_header header;
	struct wire_reader r;

	*request = (struct control_request){0};
	wire_reader_init(&r, bytes, len);
	if (!wire_get_header(&r, &header))
		return false;
	request->type = header.type;
	switch (header.type) {
	case CONTROL_ATTACH:
		wire_get_bytes(&r, request->mac.byte, sizeof request->mac.byte);
		/* fall through */
	case CONTROL_DETACH:
		wire_get_string(&r, request->port, sizeof request->port);
		break;
	case CONTROL_MOVE:
		wire_get_bytes(&r, request->mac.byte, sizeof request->mac.byte);
		request->phase = wire_get_enum(&r, N_PHASES);
		wire_get_string(&r, request->host, sizeof request->host);
		break;
	case CONTROL_SHOW:
		request->what = wire_get_enum(&r, N_SHOWS);
		request->format = wire_get_enum(&r, N_FORMATS);
		break;
	case CONTROL_RELOAD:
		break;
	default:
		return false;
	}
	return wire_end(&r);
}

bool control_encode_answer(
    const struct control_answer *answer, void *bytes, size_t cap, size_t *len)
{
	struct wire_writer w;

	wire_writer_init(&w, bytes, cap);
	wire_begin_message(&w, CONTROL_ANSWER, 0);
	wire_put_bool(&w, answer->ok);
	wire_put_u32(&w, answer->behind);
	wire_put_u32(&w, answer->text_len);
	wire_put_bytes(&w, answer->text, answer->text_len);
	*len = w.len;
	return wire_end_message(&w);
}

bool control_decode_answer(
    struct control_answer *answer, const void *bytes, size_t len)
{
	struct wire_header header;
	struct wire_reader r;

	wire_reader_init(&r, bytes, len);
	if (!wire_get_header(&r, &header) || header.type != CONTROL_ANSWER)
		return false;
	answer->ok = wire_get_bool(&r);
	answer->behind = wire_get_u32(&r);
	answer->text_len = wire_get_count(&r, CONTROL_TEXT_MAX, 1);
	if (r.failed || answer->text_len != r.len - r.pos)
		return false;
	answer->text = (const char *)r.data + r.pos;
	return true;
}
