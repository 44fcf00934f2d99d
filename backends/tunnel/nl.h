/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Talking to the kernel over netlink: one socket, requests with their
 * acknowledgements, dumps.  What the messages say is rtnl.h, nft.h and wg.h.
 */
#ifndef BACKENDS_TUNNEL_NL_H
#define BACKENDS_TUNNEL_NL_H

#include <libmnl/libmnl.h>

#include "core/err.h"

enum { NL_BUFFER_BYTES = 1 << 16 };

struct nl {
	struct mnl_socket *socket; /* NULL: closed */
	uint32_t sequence;
};

/* `bus` is NETLINK_ROUTE and the like. */
bool nl_open(struct nl *nl, int bus, struct err *err);
void nl_close(struct nl *nl);

/* Is given each message of an answer.  False stops and fails it. */
typedef bool nl_visit(const struct nlmsghdr *message, void *context);

/*
 * Sends the request and gives every message of its answer to `visit` (may be
 * NULL), up to the end of a dump or the acknowledgement.  False with errno
 * set if the kernel refused.  A dump that was cut across by a change is made
 * again: `restart` (may be NULL) forgets what was visited.
 */
bool nl_request(struct nl *nl, struct nlmsghdr *request, nl_visit *visit,
    void (*restart)(void *context), void *context);

/* Sends n_acks messages that stand one after the other and each ask for an
 * acknowledgement; false with errno of the first that failed. */
bool nl_send_batch(
    struct nl *nl, const void *messages, size_t len, unsigned n_acks);

/* Sends messages that the kernel takes all or none; it has answered, with
 * what it refuses alone, when the call is over.  False with errno. */
bool nl_send_transaction(struct nl *nl, const void *messages, size_t len);

/* Does a message's part lie whole within `len` bytes? */
static inline bool nl_has_payload(const struct nlmsghdr *message, size_t len)
{
	return mnl_nlmsg_get_payload_len(message) >= len;
}

#endif
