/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How locations are told: by the manager or a host's monitoring daemon to the
 * tunnel daemons, and by these to each other.  Pure; the transport is
 * backends/curve.h, or the daemon's local socket.
 *
 *   TELL   who tells -> a tunnel daemon   locations, any number
 *   HEARD  its answer, once the kernel's tables follow: how far it has heard,
 *          and what it knows better
 *
 *   CLAIM  a host's monitoring daemon -> its own tunnel daemon   of some MACs
 *          what is true of them on this host; the tunnel daemon, who knows
 *          the records, makes the locations of it.  Answered by HEARD, with
 *          the records as they are then, and how many hosts that have a VM of
 *          their environments are yet to hear them; MACs of no environment
 *          have none.
 *
 * A teller who hears nothing tells again; nothing else is needed, since
 * telling twice, late or in another order changes nothing (location.h).
 */
#ifndef BACKENDS_LOCATION_MESSAGE_H
#define BACKENDS_LOCATION_MESSAGE_H

#include "backends/location.h"

enum {
	LOCATION_TELL = 0x0201,
	LOCATION_HEARD = 0x0202,
	LOCATION_CLAIM = 0x0203,
	LOCATION_CLAIM_MACS = 16,        /* at most in one claim */
	LOCATION_MESSAGE_RECORDS = 1024, /* at most in one message */
	LOCATION_MESSAGE_MAX =
	    WIRE_HEADER_BYTES + 64 +
	    LOCATION_MESSAGE_RECORDS *
	        (LOCATION_WIRE_MIN + 2 * LOCATION_HOST_BYTES),
};

struct location_message {
	uint16_t type; /* LOCATION_TELL or LOCATION_HEARD */
	uint64_t request;
	/* Drawn anew whenever its program starts, so that the other side sees
	 * that what it had told may be lost. */
	uint64_t instance;
	/* Of the teller's table: what is told goes up to this change.  HEARD
	 * gives it back. */
	uint64_t change;
	bool follows; /* HEARD: the kernel's tables are as they should be */
	uint32_t behind; /* HEARD of a CLAIM: so many hosts; else 0 */
	uint32_t n_records;
	struct location records[LOCATION_MESSAGE_RECORDS];
};

/* False if cap is too small; LOCATION_MESSAGE_MAX always is enough. */
bool location_message_encode(const struct location_message *message,
    void *bytes, size_t cap, size_t *len);
/* False on anything but one whole well-formed message. */
bool location_message_decode(
    struct location_message *message, const void *bytes, size_t len);

struct location_claim {
	uint64_t request;
	enum location_word word;
	uint64_t epoch; /* grows from move to move; 0: the records' own */
	uint32_t n_macs;
	struct mac macs[LOCATION_CLAIM_MACS];
};

bool location_claim_encode(
    const struct location_claim *claim, void *bytes, size_t cap, size_t *len);
bool location_claim_decode(
    struct location_claim *claim, const void *bytes, size_t len);

/* Fills a TELL with what changed in the table after `change`, the oldest
 * first, as much as goes into one message. */
void location_message_tell(struct location_message *message,
    const struct location_table *table, uint64_t change);

#endif
