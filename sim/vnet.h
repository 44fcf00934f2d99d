/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a move costs the virtual network, and so an application that runs over
 * it: the time until the network is whole again, then until TCP notices, then
 * some slowness.
 *
 *	     suspended  resumed      whole   resumes      normal
 *	        |          |           |        |           |
 *	 -------+----------+-----------+--------+-----------+----->  t
 *	 full   | down     | R         | TCP    | linger    | full
 *	 speed  |          |           | waits  | (1 - s)   | speed
 *	        0.2 0.6 1.4 3  6.2              12.6   retransmissions
 *
 * Variables
 *	t_c	the network was cut: the first of the VMs was suspended
 *	t_w	it is whole: the last of them has resumed + its own R
 *	R	re-establishment (the daemons learn where the VM is, tunnels
 *		open, switches learn): mean m, spread s (deviation over mean)
 *	z	a draw of the standard normal distribution
 *	r	TCP's first retransmission time-out
 *
 * Equations
 *	R = m exp(z q - q^2 / 2),  q^2 = ln(1 + s^2)	(log-normal)
 *	the k-th retransmission of what was lost:  t_c + r (2^k - 1), the
 *	time-out doubling up to 120 s
 *	the application resumes at the first of these not before t_w
 *
 * Sources: RFC 6298 (back-off); Linux, tcp.h: TCP_RTO_MIN 200 ms,
 * TCP_RTO_MAX 120 s.  m and s: the paper's, and those that tests/netns/run
 * measures of violin-tunneld (scenarios/load_rest.c).  A live run measures R of
 * each migration (backends/monitor/tunnel.h) and writes it where a simulated
 * one writes what it drew: network_s of migrations.csv.
 *
 * Limits: all connections of the environment are taken to have lost a segment
 * at t_c; a bulk-synchronous application waits for the slowest anyway.  When
 * VMs of one environment move one after another and the outages overlap they
 * are one outage.
 */
#ifndef SIM_VNET_H
#define SIM_VNET_H

#include "scenarios/scenario.h"

/* An environment's network.  All zero: whole, and never was otherwise. */
struct vnet {
	uint32_t n_away;  /* VMs suspended just now */
	int64_t cut_ns;   /* t_c of the outage, or of the last one */
	int64_t whole_ns; /* t_w, as far as known; t_c when there was none */
};

/* R for one VM that has moved. */
int64_t vnet_reestablish_ns(
    const struct vnet_setup *setup, bool within_domain, double z);

/* A VM is suspended for its last round: the network is cut.  One more cut
 * before the application has resumed lengthens the same outage. */
void vnet_cut(
    struct vnet *vnet, const struct vnet_setup *setup, int64_t now_ns);

/* It has resumed and will be reachable reestablish_ns from now; 0 when it is
 * where it was (aborted), or is gone for good and not waited for. */
void vnet_land(struct vnet *vnet, int64_t now_ns, int64_t reestablish_ns);

/* When the application goes on: t_c's first retransmission at or after t_w.
 * TIME_NEVER while a VM is suspended.  Moves later when another VM is cut
 * before it has come.  0 when the network was never cut. */
int64_t vnet_resume_ns(const struct vnet *vnet, const struct vnet_setup *setup);

/* The first retransmission of a segment lost at cut_ns not before whole_ns. */
int64_t vnet_retransmission_ns(
    int64_t cut_ns, int64_t whole_ns, int64_t rto_min_ns);

#endif
