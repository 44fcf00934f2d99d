/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WireGuard between domains, over its generic netlink interface: this host's
 * key, and each host of another domain as a peer whose one allowed address is
 * its tunnel address.  VXLAN is then sent to that address.
 *
 * Building and reading messages is pure.  The interface itself is a link like
 * the others (net.h); here is what is inside it.
 */
#ifndef BACKENDS_TUNNEL_WIREGUARD_H
#define BACKENDS_TUNNEL_WIREGUARD_H

#include "backends/tunnel/nl.h"
#include "backends/tunnel/site.h"

struct wireguard_peer {
	struct curve_public key;
	uint32_t endpoint; /* IPv4, host byte order; 0: none yet */
	uint16_t port;
	uint32_t allowed;     /* its tunnel address, with a prefix of 32 */
	uint64_t handshake_s; /* actual only: when the last was; 0: never */
};

/* Peers ordered by key.  Zero-initialised is empty. */
struct wireguard_device {
	struct curve_public key; /* public; what is there, or wanted */
	uint16_t listen_port;
	struct wireguard_peer *peers;
	size_t n_peers, cap;
};

struct wireguard {
	uint16_t family; /* 0: not resolved */
	struct curve_key key;
};

/* Asks whether this kernel has WireGuard; err says what to do if not. */
bool wireguard_open(
    struct wireguard *wireguard, struct nl *generic, struct err *err);

/* Makes what is inside the interface right, touching only peers that are
 * not: connections of the others go on. */
bool wireguard_follow(struct wireguard *wireguard, struct nl *generic,
    const struct site *site, uint32_t me, struct err *err);

/* What there is; peers with their last handshakes. */
bool wireguard_read(const struct wireguard *wireguard, struct nl *generic,
    struct wireguard_device *device, struct err *err);
void wireguard_device_fini(struct wireguard_device *device);

/* What should be there. */
void wireguard_want(struct wireguard_device *want, const struct site *site,
    uint32_t me, const struct wireguard *wireguard);

/* The next message that brings `actual` nearer to `want`, at most some peers
 * a message, beginning with peer *at of both; 0 bytes when nothing is left.
 * A peer that roamed to another endpoint is left there. */
enum { WIREGUARD_MESSAGE_BYTES = 8192 };
size_t wireguard_build(const struct wireguard *wireguard,
    const struct wireguard_device *want, const struct wireguard_device *actual,
    size_t *at, char buffer[WIREGUARD_MESSAGE_BYTES]);

/* Takes one message of an answer; false if it is malformed. */
bool wireguard_parse(
    const struct nlmsghdr *message, struct wireguard_device *device);

#endif
