/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must not pass, as nf_tables rules: two tables of our own, each called
 * "violin", that are always replaced as a whole in one transaction.
 *
 *   bridge  from each VM's port: broadcast and multicast above the limit of
 *           its environment are dropped; TCP's segment size is clamped to
 *           the environment's MTU.  Nothing from a bridge reaches the host
 *           itself: its addresses are not the environment's.
 *   ip      VXLAN to us, with a network of ours: only from hosts of the site,
 *           and by the way that the site has for them (through WireGuard, or
 *           plain but not through WireGuard).
 */
#ifndef BACKENDS_TUNNEL_FILTER_H
#define BACKENDS_TUNNEL_FILTER_H

#include "backends/tunnel/net.h"
#include "backends/tunnel/nl.h"
#include "backends/tunnel/site.h"

#define FILTER_TABLE "violin"

/* What was applied last.  Zero-initialised: nothing. */
struct filter {
	void *applied;
	size_t len;
};

/* Dropped frames and packets, since the daemon started. */
struct filter_counter {
	char name[32]; /* "storm42" of VNI 42, or "foreign" */
	uint64_t packets, bytes;
};

struct filter_counters {
	struct filter_counter *counters;
	size_t n_counters, cap;
};

void filter_fini(struct filter *filter);

/* Makes the kernel's tables those that go with `want`; does nothing if they
 * were applied before and filter_forget was not called since.  In place of
 * what is there, whatever that is, and counters go on. */
bool filter_follow(struct filter *filter, struct nl *netfilter,
    const struct site *site, uint32_t me, const struct net *want,
    struct err *err);
/* Somebody has changed our tables: apply them again. */
void filter_forget(struct filter *filter);

/* Is one of these messages, from the kernel's group NFNLGRP_NFTABLES, about a
 * table of ours, and not what was done through the socket `own_port`? */
bool filter_is_touched(const void *messages, size_t len, unsigned own_port);

/* The transaction; pure.  Returns a new buffer of *len bytes.  `counters`
 * go on from where they were. */
void *filter_build(const struct site *site, uint32_t me, const struct net *want,
    const struct filter_counters *counters, size_t *len);

bool filter_read_counters(
    struct nl *netfilter, struct filter_counters *counters, struct err *err);
void filter_counters_fini(struct filter_counters *counters);
/* Takes one message of an answer; false if it is malformed. */
bool filter_parse_counter(
    const struct nlmsghdr *message, struct filter_counters *counters);
const struct filter_counter *filter_find_counter(
    const struct filter_counters *counters, const char *name);

#endif
