/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The monitoring daemon without its I/O: what violind does with a message, an
 * event or the passing of time.  violind.c gives it sockets, files and Xen; a
 * simulated world gives it simulated ones and runs many in virtual time.
 *
 * It reads no clock and blocks nowhere, but for what the calls outside take: a
 * tunnel is waited for TUNNEL_WAIT_NS, and not again until it answers.  Its
 * owner calls daemon_step() when something it waits for may have happened: an
 * event of the host or of a link, an answer of the tunnel, or daemon_next() has
 * passed.
 */
#ifndef BACKENDS_MONITOR_DAEMON_H
#define BACKENDS_MONITOR_DAEMON_H

#include "backends/host.h"
#include "backends/link.h"
#include "backends/message.h"
#include "backends/monitor/journal.h"
#include "backends/monitor/tunnel.h"

enum daemon_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR };

struct daemon_config {
	const char *host;         /* its name, as managers know it; borrowed */
	uint64_t incarnation;     /* never the same in two starts */
	int64_t sample_min_ns;    /* a sample this young is not taken again */
	int64_t view_max_ns;      /* a report older than this is a stale view */
	int64_t connect_ns;       /* the two ends must have met by then */
	int64_t transfer_ns;      /* a whole transfer, unless the act says */
	int64_t answer_ns;        /* ready, go, running must come by then */
	int64_t retry_ns;         /* between tries of what must succeed */
	uint32_t max_handovers;   /* under way at once; <= MESSAGE_... */
	uint64_t mem_reserve_kib; /* of the host, kept free of arriving VMs */
	uint64_t rate_max_bps;    /* of one outgoing stream; 0: no limit */
};

/* All that is outside.  Borrowed, and outlives the daemon. */
struct daemon_outside {
	const struct host_api *host;
	void *host_self;
	const struct link_api *link;
	void *link_self;
	const struct journal_api *journal;
	void *journal_self;
	const struct tunnel_api *tunnel; /* NULL: no virtual network */
	void *tunnel_self;
	/* One line, in the form "what key=value ...".  May be NULL. */
	void (*log)(void *self, enum daemon_level level, const char *text);
	/* Called between the smallest steps of hand-overs, with their names,
	 * as in "source-committed:noted".  For tests; may be NULL. */
	void (*point)(void *self, const char *name);
	void *self;
};

struct daemon;

/* Reads the journal and carries on from there.  NULL and err filled if it
 * cannot be read. */
struct daemon *daemon_new(const struct daemon_config *config,
    const struct daemon_outside *outside, int64_t now_ns, struct err *err);
/* Leaves host, links and journal as they are. */
void daemon_free(struct daemon *daemon);

/* Takes all events that are there, and does what is due. */
void daemon_step(struct daemon *daemon, int64_t now_ns);
int64_t daemon_next(const struct daemon *daemon);

/* The answer to a message: its length in answer[cap], 0 if it deserves none.
 * cap is at least WIRE_MESSAGE_MAX. */
size_t daemon_handle(struct daemon *daemon, int64_t now_ns, const void *bytes,
    size_t len, void *answer, size_t cap);

/* Has it work that should not be interrupted: a hand-over not over? */
bool daemon_is_busy(const struct daemon *daemon);

#endif
