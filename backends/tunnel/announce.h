/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Announcements on a VM's behalf, after it came to this host: gratuitous ARP,
 * and RARP as QEMU sends it.  They are for switches and peers that learn (the
 * VLAN of a link, a hand-made VXLAN); nothing of ours depends on them.  Sent
 * into the tunnels only, five times: at once and after 50, 150, 300, 500 ms.
 */
#ifndef BACKENDS_TUNNEL_ANNOUNCE_H
#define BACKENDS_TUNNEL_ANNOUNCE_H

#include "backends/location.h"
#include "backends/tunnel/net.h"

enum { ANNOUNCE_ROUNDS = 5, ANNOUNCE_FRAME_BYTES = 60 };

struct announcement {
	struct location vm;
	int64_t start_ns;
	unsigned round; /* of the next */
};

/* Zero-initialised is empty. */
struct announcer {
	struct announcement *pending;
	size_t n_pending, cap;
	int socket; /* 0: not yet */
};

void announcer_fini(struct announcer *announcer);
/* Starts, or starts again, for this VM. */
void announcer_add(
    struct announcer *announcer, const struct location *vm, int64_t now_ns);
/* Forgets a VM that went away. */
void announcer_remove(struct announcer *announcer, struct mac mac);
/* Sends what is due, into those tunnels that there are, and drops what is
 * done. */
void announcer_run(
    struct announcer *announcer, const struct net *actual, int64_t now_ns);
int64_t announcer_next_ns(const struct announcer *announcer);

/* The frames; pure.  Both are padded to the least an Ethernet carries. */
void announce_make_arp(
    const struct location *vm, uint8_t frame[ANNOUNCE_FRAME_BYTES]);
void announce_make_rarp(
    const struct location *vm, uint8_t frame[ANNOUNCE_FRAME_BYTES]);

#endif
