/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A running live manager: the state machine of live.h, the core's manager
 * over it, one CURVE connection to each host, the control socket, metrics,
 * signals and the clock.  SIGINT and SIGTERM end it, SIGHUP asks for its site
 * to be read again.
 */
#ifndef BACKENDS_LIVE_RUN_H
#define BACKENDS_LIVE_RUN_H

#include "backends/live/live.h"
#include "core/manager.h"

struct live_run_options {
	const char *control; /* path of the control socket */
	const char *metrics; /* "ADDRESS:PORT", or NULL */
	const char *state;   /* directory of wishes.h; NULL: nothing is kept */
	const char *die_at;  /* SIGKILL when this is logged; for tests */
	bool act;            /* else it decides and shows, but does nothing */
	/* Before its site is read again: is it right?  False with err: the old
	 * one goes on. */
	bool (*is_readable)(void *self, struct err *err);
	void *self;
	uint64_t rate_bps;
};

enum live_run_end {
	LIVE_RUN_ENDED,  /* by a signal, or the site's stop time */
	LIVE_RUN_RELOAD, /* run it again, over the site as it is now */
	LIVE_RUN_FAILED, /* err says why */
};

/* Hears what the core does and what the world does; may be NULL inside. */
struct live_run_listener {
	struct manager_listener manager;
	struct live_listener live;
};

struct live_run;

/*
 * Reads all that the site names, and asks the hosts whether guests can be
 * created from their configurations; false with err if any of it is not right.
 * Hosts that do not answer soon are asked when they do, by live_run.  Takes
 * seconds at most, and touches nothing.
 */
bool live_run_check(const struct scenario *site, struct err *err);

/* Opens sockets and signals, and reads what operators wished for; NULL with
 * err. */
struct live_run *live_run_open(
    const struct live_run_options *options, struct err *err);
void live_run_close(struct live_run *run);

/*
 * Runs this site until something ends it.  What operators wished for before,
 * in an earlier call or, where it is kept, of an earlier manager, still holds
 * where the names are the same; everything else is heard again from the hosts.
 */
enum live_run_end live_run(struct live_run *run,
    const struct scenario *site, const struct policy *policy,
    const double *values, const struct live_run_listener *listener,
    struct err *err);

/* Since live_run_open; what times in results are counted from. */
int64_t live_run_now_ns(const struct live_run *run);

/* Where the control socket is if nothing else is said. */
const char *live_run_default_control(void);

#endif
