/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Weighted max-min fair share of one resource, with bounds.
 *
 * Variables: capacity c, weights w_i > 0, bounds b_i >= 0, shares x_i.
 * The shares satisfy, for one level L,
 *
 *	x_i = min(b_i, w_i L)	and	sum x_i = min(c, sum b_i):
 *
 * work-conserving, and nobody's share can grow but by taking from one whose
 * share for its weight is no larger (Bertsekas and Gallager, Data Networks,
 * 6.5.2).  This is Xen's credit scheduler as a fluid: weights, and as bound
 * the least of demand, vCPUs and cap.
 */
#ifndef CORE_FAIRSHARE_H
#define CORE_FAIRSHARE_H

#include <stdint.h>

/* Writes share[0..n-1].  Any unit, the same for capacity and bounds.  O(n)
 * for each round of filling, of which there are at most n, mostly 2. */
void fair_share(double capacity, uint32_t n, const double *weight,
    const double *bound, double *share);

#endif
