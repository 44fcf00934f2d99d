/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tunnel daemon's heart: the site, the locations, and the kernel that is
 * made to follow them.  The edges (local.h, peers.h) bring it locations and
 * requests; violin-tunneld.c waits for whatever comes first.
 */
#ifndef BACKENDS_TUNNEL_TUNNELD_H
#define BACKENDS_TUNNEL_TUNNELD_H

#include <limits.h>

#include "backends/tunnel/announce.h"
#include "backends/tunnel/desire.h"
#include "backends/tunnel/diff.h"
#include "backends/tunnel/filter.h"
#include "backends/tunnel/nl.h"
#include "backends/tunnel/wireguard.h"

struct tunneld_options {
	const char *config, *host, *state_folder; /* borrowed, and outlive it */
	bool verbose;
};

struct tunneld {
	struct tunneld_options options;
	struct site site;
	uint32_t me; /* which host of the site */
	struct location_table locations;
	uint64_t instance; /* drawn at the start */
	char state_path[PATH_MAX];
	int lock; /* of its folder; or -1 */
	bool verbose;
	bool misfit; /* the site file is not this host's: no use in retrying */

	struct nl route, netfilter, generic;
	struct mnl_socket *events; /* the kernel's tables have changed */
	struct nl rules;           /* and nf_tables */
	struct net want, actual;   /* as of the last reconciliation */
	struct diff diff;
	struct filter filter;
	struct wireguard wireguard;
	bool has_wireguard;
	struct announcer announcer;

	bool follows;            /* the kernel is as it should be */
	struct err trouble;      /* why not */
	int64_t reconcile_at_ns; /* TIME_NEVER: when something happens */
	int64_t reconciled_at_ns;
	bool unsaved;
	uint64_t n_reconciled, n_operations, n_stale; /* for show */
};

/* Loads everything, checks that the site can be had here (admission), and
 * makes the kernel follow for the first time. */
bool tunneld_init(
    struct tunneld *t, const struct tunneld_options *options, struct err *err);
/* Loads the site file into t->site, which is taken to be empty, and all that
 * follows from it for this host.  Part of tunneld_init and of reload.h. */
bool tunneld_load_site(struct tunneld *t, struct err *err);
/* Takes in the VMs that the site file has: they are older than all that was
 * ever told. */
void tunneld_take_site(struct tunneld *t);
/* Leaves the kernel as it is: traffic goes on without the daemon. */
void tunneld_fini(struct tunneld *t);

/* Takes locations in; if any is news, makes the kernel follow and saves.
 * Those of which the table knows better are put into `newer` (may be NULL),
 * whose length is returned. */
uint32_t tunneld_take(struct tunneld *t, const struct location *records,
    uint32_t n_records, struct location *newer);

/* Makes the kernel follow the locations; sets t->follows and t->trouble. */
void tunneld_reconcile(struct tunneld *t, int64_t now_ns);

/* Reads the kernel's events and decides when to look again. */
void tunneld_on_events(struct tunneld *t, int64_t now_ns);
/* What is due: reconciling, announcing. */
void tunneld_on_time(struct tunneld *t, int64_t now_ns);
/* When tunneld_on_time wants to be called. */
int64_t tunneld_next_ns(const struct tunneld *t);

/* Binds a port of this host to a VM, or frees it. */
bool tunneld_attach(
    struct tunneld *t, const char *port, struct mac mac, struct err *err);
bool tunneld_detach(struct tunneld *t, const char *port, struct err *err);

__attribute__((format(printf, 1, 2))) void tunneld_log(const char *format, ...);
int64_t tunneld_now_ns(void); /* monotonic */

#endif
