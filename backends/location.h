/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is where: for each MAC address the host at which its VM may speak, and
 * the one, if any, at which it is ready and silent.  Pure: no I/O, no clock.
 *
 * A location replaces an older one as a whole, and which is the older is a
 * total order: the epoch, then the sequence, as EVPN does it (RFC 7432,
 * section 7.7), and for two authors who took the same number the bytes of the
 * record.  So a table is the maximum of all that it was ever told: messages
 * may be lost and sent again, repeated and reordered, and tables that have
 * heard the same are the same.
 *
 * A move is three locations, each of which is complete in itself:
 *
 *   prepare   host = source, standby = target   the target is ready, silent
 *   switch    host = target, standby = source   the target speaks, everywhere
 *   settle    host = target, standby = none     the source is free to clean up
 *
 * Whoever missed one is put right by the next.  A host cleans up what the
 * table no longer gives it, so a late message removes nothing that is owned.
 * A VM that is gone keeps its record, with host "", lest an old one revive it.
 */
#ifndef BACKENDS_LOCATION_H
#define BACKENDS_LOCATION_H

#include "backends/wire.h"
#include "core/err.h"

enum {
	LOCATION_HOST_BYTES = 32,   /* a host's name and its zero */
	LOCATION_TABLE_MAX = 65536, /* records; more are refused */
	/* The least a record takes on the wire: names are empty. */
	LOCATION_WIRE_MIN = 6 + 4 + 4 + 8 + 8 + 2 + 2,
};

struct mac {
	uint8_t byte[6];
};

struct location {
	struct mac mac;
	uint32_t vni; /* the environment's network */
	uint32_t ip;  /* IPv4, host byte order; 0: not known */
	uint64_t epoch, sequence;
	char host[LOCATION_HOST_BYTES];    /* "": nowhere */
	char standby[LOCATION_HOST_BYTES]; /* "": none */
	uint64_t change; /* which of its table's changes it was; not told on */
};

/* Ordered by MAC.  Zero-initialised is empty; location_fini frees it. */
struct location_table {
	struct location *records;
	size_t n_records, cap;
	uint64_t changes; /* so many since it was empty */
};

enum location_news {
	LOCATION_NEWER,   /* taken: the table has changed */
	LOCATION_SAME,    /* known already */
	LOCATION_STALE,   /* the table knows better; it is unchanged */
	LOCATION_REFUSED, /* malformed, or the table is full */
};

void location_fini(struct location_table *table);

/* Takes one location in, whoever says it, in whatever order. */
enum location_news location_apply(
    struct location_table *table, const struct location *news);

/* The record of a MAC, or NULL; borrowed until the next location_apply. */
const struct location *location_find(
    const struct location_table *table, struct mac mac);

/* < 0, 0, > 0 as a is older than, equal to, newer than b; same MAC. */
int location_compare(const struct location *a, const struct location *b);

/* The successors of a record: what its author says next.  `epoch` is the
 * author's own; a higher one in the record stays. */
struct location location_prepare(
    const struct location *now, uint64_t epoch, const char *target);
struct location location_switch(const struct location *now, uint64_t epoch);
struct location location_settle(const struct location *now, uint64_t epoch);
/* At `host` at once, without a move's phases; "" takes the VM away. */
struct location location_place(
    const struct location *now, uint64_t epoch, const char *host);

/*
 * What a host's monitoring daemon, which knows the VM itself, claims of a MAC.
 * Each is a fact about that host alone, so it may be claimed again, late, and
 * without what should have come before it.
 */
enum location_word {
	LOCATION_ARRIVES, /* all of it is here, paused: be ready and silent */
	LOCATION_STARTS,  /* it runs here next; the former host has a copy */
	LOCATION_STAYS,   /* it runs here, and nothing of it is elsewhere */
	LOCATION_LEAVES,  /* nothing of it is here: it is at the other one */
	LOCATION_ENDS,    /* it was destroyed here */
	LOCATION_ASKS,    /* nothing: who has heard of the last one? */
	N_LOCATION_WORDS
};

/* The record that follows from the claim of `me`; false if none does: the
 * record says so already, or the VM is no longer this host's business. */
bool location_claim(const struct location *now, enum location_word word,
    uint64_t epoch, const char *me, struct location *next);

/* Is the VM's traffic, or its readiness, a matter of this host? */
bool location_concerns(const struct location *record, const char *host);

/* One record as bytes, and back; a reader that fails leaves *record zero. */
void location_put(struct wire_writer *w, const struct location *record);
void location_get(struct wire_reader *r, struct location *record);

/* A whole table as bytes, as it is kept over restarts.  False if cap is too
 * small (location_encoded_max always is enough). */
size_t location_encoded_max(const struct location_table *table);
bool location_encode(const struct location_table *table, struct wire_writer *w);
/* Into an empty table.  False, and the table empty, on malformed bytes. */
bool location_decode(struct wire_reader *r, struct location_table *table);

/* "02:00:00:00:00:01": 17 characters and a zero.  Parsing takes unicast
 * addresses in that form alone. */
enum { MAC_TEXT_BYTES = 18 };
const char *mac_format(struct mac mac, char text[MAC_TEXT_BYTES]);
bool mac_parse(const char *text, struct mac *mac);
int mac_compare(struct mac a, struct mac b);

#endif
