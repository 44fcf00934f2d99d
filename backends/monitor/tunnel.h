/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual network as the monitoring daemon sees it: somebody to whom it
 * claims what is true of its VMs' MAC addresses on this host.  Implemented
 * over violin-tunneld's local socket (tunnel_socket.c), and by tests.
 *
 *    hand-over's state        claim       on disk first, then claimed, then
 *    -----------------        --------
 *    target: ready            ARRIVES     says ready
 *            starting         STARTS      unpauses
 *            discarding       LEAVES      destroys
 *            forgotten        STAYS
 *    source: moved            LEAVES
 *            taking back      STAYS       resumes
 *    created / destroyed      STAYS / ENDS
 *
 * The hand-over never depends on it.  A claim is sent at once, whatever others
 * are not heard yet, and what comes first is heard first: a later claim of a
 * MAC stands in for an earlier one.  The VM's traffic is waited for before it
 * speaks, at STARTS and taking back, for TUNNEL_WAIT_NS; and who let that pass
 * is not waited for again before it has answered anything, so that one who is
 * stuck delays one hand-over of a host, not all.  An answer counts however
 * late it is.  Without one the claim is sent again, after TUNNEL_RETRY_NS and
 * then ever more rarely, while the hand-over goes on; claiming twice changes
 * nothing, and what both hosts claim at the end puts right what either of them
 * missed.  After a restart each hand-over that is not over claims again what
 * its state says, with the MACs of what is found here.
 *
 * When STARTS was heard, the target asks (ASKS) until every host that has a VM
 * of the environment has heard too: then the network is whole, and how long
 * after the VM ran that was goes into the target's reports.  Until it is known
 * the manager sees the network as down; after TUNNEL_TELL_NS nobody asks any
 * more, for a host that is gone must not hold up the others.
 *
 * The claim's epoch is the hand-over's id, which grows from move to move and
 * over the manager's restarts, since its first one is the time of its start.
 */
#ifndef BACKENDS_MONITOR_TUNNEL_H
#define BACKENDS_MONITOR_TUNNEL_H

#include "backends/location_message.h"
#include "backends/message.h"
#include "core/units.h"

#define TUNNEL_WAIT_NS (200 * NS_PER_MS)
#define TUNNEL_RETRY_NS (50 * NS_PER_MS) /* and 100, 200 ... to retry_ns */
#define TUNNEL_TELL_NS (60 * NS_PER_S)

struct tunnel_answer {
	uint64_t request; /* of the claim */
	bool follows;     /* the kernel of this host */
	/* Have all hosts heard where the VM is by now? */
	enum network_state network;
};

struct tunnel_api {
	/* Sends the claim and waits for nothing.  Claims are heard in the
	 * order in which they were sent.  False and err: it cannot be sent. */
	bool (*claim)(
	    void *self, const struct location_claim *claim, struct err *err);
	/* Takes the next answer, to whichever claim, and waits for it until
	 * *wait_ns have passed; what has passed is taken from it.  False:
	 * there is none, or nobody to give one. */
	bool (*hear)(
	    void *self, int64_t *wait_ns, struct tunnel_answer *answer);
};

/* The MACs of a guest configuration: what follows "mac=" in xl.cfg(5), or
 * "mac": in libxl's JSON.  Those beyond LOCATION_CLAIM_MACS are left out. */
void tunnel_find_macs(struct location_claim *claim, const char *config);

/* violin-tunneld by the path of its socket, which need not be there yet: it is
 * opened anew whenever a claim finds nobody at its other end. */
struct tunnel;
extern const struct tunnel_api tunnel_socket;
struct tunnel *tunnel_open(const char *path, struct err *err);
/* To be polled for answers; -1: not connected. */
int tunnel_fd(const struct tunnel *tunnel);
void tunnel_close(struct tunnel *tunnel);

#endif
