/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's links, forwarding tables, neighbours and addresses as netlink
 * messages: read into a struct net, and written from a difference.  Reading
 * and writing messages is pure; rtnl_read and rtnl_apply do it with a kernel.
 */
#ifndef BACKENDS_TUNNEL_RTNL_H
#define BACKENDS_TUNNEL_RTNL_H

#include "backends/tunnel/diff.h"
#include "backends/tunnel/nl.h"

/* Takes one message of a dump into the picture; links must come first.  False
 * if it is malformed; what does not matter here is passed over. */
bool rtnl_parse(const struct nlmsghdr *message, struct net *net);
/* After the last: resolves indices into names, sorts. */
void rtnl_finish(struct net *net);

/* The messages of one operation, each asking for an acknowledgement, into
 * a buffer of RTNL_OP_BYTES; returns how many, and their length in *len.
 * `index_of` gives an interface's index, 0 if there is none: then nothing is
 * written and 0 returned. */
enum { RTNL_OP_BYTES = 4096 };
unsigned rtnl_build(const struct diff_op *op,
    unsigned (*index_of)(const char *name), void *buffer, size_t *len);

/* Reads the kernel's objects into *net, sorted. */
bool rtnl_read(struct nl *nl, struct net *net, struct err *err);

/* Does one operation.  What somebody else was faster at (the link is gone,
 * the entry is there) is no error: the next difference has the truth. */
bool rtnl_apply(struct nl *nl, const struct diff_op *op, struct err *err);

/* The MTU of the path to an address as the routes have it; 0 if there is
 * none.  `link`, if not NULL, takes the name of the outgoing interface. */
uint32_t rtnl_read_path_mtu(struct nl *nl, uint32_t ip, char link[IFNAMSIZ]);

#endif
