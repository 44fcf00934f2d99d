/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The physical network: what bulk transfers (migrations) and an application's
 * messages get of it.
 *
 * Topology, from the scenario; every line but the switch is full duplex:
 *
 *	host --NIC-- switch(LAN) --uplink-- o ===links=== o --uplink-- ...
 *
 *	within a host	nothing: memory is taken as infinitely fast
 *	within a domain	NIC out, LAN, NIC in
 *	between two	NIC out, LAN, uplink out, links, uplink in, LAN, NIC in
 *
 * The links are those of a path with the fewest, the earlier in the file
 * first; transit through a third domain's router takes nothing of its uplink.
 * Where there is no path, a flow's rate is 0, as over a link that is cut.
 *
 * Variables
 *	C_r	capacity of NIC, LAN, uplink or link, bits/s
 *	x_f	rate of flow f, bits/s; l_f its own limit
 *	g_l	mean fraction of link l that others' traffic takes
 *	u_f	a draw for flow f, uniform in [0, 1)
 *
 * Equations
 *	flows share max-min fairly with equal weights (share.h), x_f <= l_f
 *	background traffic met by f on l:  g_fl = g_l (1/2 + u_f)
 *	f takes 1 / (1 - g_fl) of link l for each bit, so that alone it gets
 *	(1 - g_fl) C_l; of every other resource 1
 *	exchange of bulk-synchronous VMs on a ring, each sending half of its
 *	bytes to either neighbour:
 *	  T = max over r of 8 bytes(r) / A_r  +  max latency of neighbours
 *	  A_r = max(C_r - used_r, C_r / (flows_r + 1)); of a link (1 - g_l)
 *	so messages get what transfers leave, or else a flow's fair part
 *
 * Sources: max-min as the steady state of TCP flows of like round-trip times
 * (Massoulie and Roberts 1999, as all flow-level simulators take it).
 *
 * Limits: no slow start, no loss; background traffic is constant for the life
 * of a flow; messages do not slow transfers down.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "core/ids.h"
#include "scenarios/scenario.h"

struct network;

/* Returns new; borrows the scenario's model.  NULL: out of memory. */
struct network *network_new(const struct scenario *scenario);
void network_free(struct network *network);

/* A link's bandwidth from now on, index as in scenario.links; 0: cut.  Flows
 * keep their path. */
void network_set_link(struct network *network, uint32_t link, double bps);

/*
 * Opens a flow; limit_bps may be HUGE_VAL.  draw is u_f above: take it from
 * the stream of background traffic, once for each flow.  Returns its id,
 * which is used again after closing; ID_NONE: out of memory.
 */
uint32_t network_open_flow(struct network *network, struct host_id from,
    struct host_id to, double limit_bps, double draw);
void network_limit_flow(
    struct network *network, uint32_t flow, double limit_bps);
void network_close_flow(struct network *network, uint32_t flow);

/*
 * Shares the network anew after any of the above.  Returns the flows whose
 * rate is another than before, in rising order; borrowed until the next call
 * that changes something.  Several changes at one instant want one call.
 */
const uint32_t *network_solve(struct network *network, uint32_t *n_changed);

/* bits/s, as solved last.  Within a host it is the limit. */
double network_rate_bps(const struct network *network, uint32_t flow);

/* One way, NIC to NIC; 0 within a host or where there is no path. */
int64_t network_latency_ns(
    const struct network *network, struct host_id from, struct host_id to);

/* What the narrowest line between two hosts has for one flow that is alone,
 * under mean background traffic; HUGE_VAL within a host, 0 without a path. */
double network_path_bps(
    const struct network *network, struct host_id from, struct host_id to);

/*
 * Seconds for one exchange (T above) of VMs on these hosts, in the order of
 * the ring, each of which sends `bytes`; 0 for none, for fewer than two VMs or
 * all on one host, HUGE_VAL where the way is cut.  Changes with placement, and
 * with the flows (network_solve).
 */
double network_exchange_s(struct network *network, const struct host_id *hosts,
    uint32_t n_hosts, double bytes);

#endif
