/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What violin-tunnelctl asks of the daemon of its host, over a local socket:
 * one packet a request, one an answer.  Pure.  Besides these the socket takes
 * LOCATION_TELL and LOCATION_CLAIM (backends/location_message.h).
 */
#ifndef BACKENDS_TUNNEL_CONTROL_H
#define BACKENDS_TUNNEL_CONTROL_H

#include <net/if.h>

#include "backends/location.h"

#define CONTROL_SOCKET "/run/violin-tunneld/control.sock"

enum control_type {
	CONTROL_ATTACH = 0x0210, /* port, mac: this port is that VM's */
	CONTROL_DETACH,          /* port: it is nobody's */
	CONTROL_MOVE,            /* mac, phase, host: one phase of a move */
	CONTROL_SHOW,            /* what, format */
	CONTROL_ANSWER,          /* ok, behind, text */
	CONTROL_RELOAD,          /* read the site file again */
};

enum control_phase {
	PHASE_PREPARE, /* to host */
	PHASE_SWITCH,
	PHASE_SETTLE,
	PHASE_PLACE, /* at host at once; "" takes the VM away */
	N_PHASES,
};

enum control_what { SHOW_STATE, SHOW_COUNTERS, N_SHOWS };
enum control_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_PROMETHEUS, N_FORMATS };

enum {
	CONTROL_TEXT_MAX = 160 << 10,
	CONTROL_MESSAGE_MAX = CONTROL_TEXT_MAX + 256,
};

struct control_request {
	uint16_t type;
	struct mac mac;
	char port[IFNAMSIZ];
	char host[LOCATION_HOST_BYTES];
	enum control_phase phase;
	enum control_what what;
	enum control_format format;
};

bool control_encode_request(const struct control_request *request, void *bytes,
    size_t cap, size_t *len);
bool control_decode_request(
    struct control_request *request, const void *bytes, size_t len);

struct control_answer {
	bool ok;
	uint32_t behind;  /* hosts that have not heard all that was told */
	const char *text; /* borrowed; not terminated when decoded */
	uint32_t text_len;
};

bool control_encode_answer(
    const struct control_answer *answer, void *bytes, size_t cap, size_t *len);
/* The text is borrowed from `bytes`. */
bool control_decode_answer(
    struct control_answer *answer, const void *bytes, size_t len);

#endif
