/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From what is to what should be: the operations that turn the kernel's
 * objects into the desired ones, and no other.  Pure.
 *
 * Make before break.  In this order: links come up and take their place;
 * tunnels learn new remotes; the bridge's table changes over; only then what
 * is not wanted is removed, entries before links.  Whoever is stopped half way
 * through has interrupted nothing, and the next difference is the rest.
 *
 * What already is right gives no operation, and what bears no mark of ours is
 * never touched (net.h), except that a VM's port is put into its bridge.
 */
#ifndef BACKENDS_TUNNEL_DIFF_H
#define BACKENDS_TUNNEL_DIFF_H

#include "backends/tunnel/net.h"

enum diff_verb {
	DIFF_ADD_LINK,   /* create; its master, flags and state follow */
	DIFF_SET_LINK,   /* alias, MTU and state (up) */
	DIFF_SET_MASTER, /* put into link.master, or out of any if "" */
	DIFF_SET_FLAGS,  /* link.port_flags */
	DIFF_ADD_ADDRESS,
	DIFF_ADD_ENTRY, /* broadcast is added to what is there; the others
	                   replace where the MAC or IP was before */
	DIFF_DEL_ENTRY,
	DIFF_DEL_ADDRESS,
	DIFF_DEL_LINK,
};

struct diff_op {
	enum diff_verb verb;
	union {
		struct net_link link;
		struct net_entry entry;
		struct net_address address;
	};
};

/* Zero-initialised is empty. */
struct diff {
	struct diff_op *ops;
	size_t n_ops, cap;
};

void diff_fini(struct diff *diff);

/* Appends the operations.  Both sorted.  False, and nothing appended, if a
 * name that is wanted belongs to somebody else. */
bool diff_nets(struct diff *diff, const struct net *want,
    const struct net *actual, struct err *err);

/* One operation in words, for logs and tests. */
enum { DIFF_TEXT_BYTES = 160 };
const char *diff_format(const struct diff_op *op, char text[DIFF_TEXT_BYTES]);

#endif
