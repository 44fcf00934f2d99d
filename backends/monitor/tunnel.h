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
 * The hand-over never depends on it: a claim that is not heard in
 * TUNNEL_WAIT_NS is repeated from a list while the hand-over goes on, the
 * newest for each MAC, and what both hosts claim at the end puts right what
 * either of them missed.  After a restart each hand-over that is not over
 * claims again what its state says, with the MACs of what is found here.
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
#define TUNNEL_TELL_NS (60 * NS_PER_S)

struct tunnel_api {
	/* Returns once the claim was heard and, if it is STARTS, the kernel
	 * of this host follows; after TUNNEL_WAIT_NS in any case.  False: it
	 * was not heard.  True with err filled: it was, and the kernel does
	 * not follow yet.  Heard, it says whether all hosts have heard where
	 * the VM is by now.  The claim's request is not used. */
	bool (*claim)(void *self, const struct location_claim *claim,
	    enum network_state *network, struct err *err);
};

/* The MACs of a guest configuration: what follows "mac=" in xl.cfg(5), or
 * "mac": in libxl's JSON.  Those beyond LOCATION_CLAIM_MACS are left out. */
void tunnel_find_macs(struct location_claim *claim, const char *config);

/* violin-tunneld by the path of its socket, which need not be there yet: it is
 * opened anew whenever it does not answer. */
struct tunnel;
extern const struct tunnel_api tunnel_socket;
struct tunnel *tunnel_open(const char *path, struct err *err);
void tunnel_close(struct tunnel *tunnel);

#endif
