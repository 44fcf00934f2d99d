/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Desire: what a VM should have of one resource, from what it uses of what it
 * has (paper, section 2.2.2: utilisation is kept within a configurable range).
 *
 *	u = used / allocated
 *	u >= high        desire = max(outstanding, growth x allocated)
 *	u <  low         desire = used / target
 *	low <= u < high  desire = max(outstanding, allocated)
 *
 * always within floor..ceiling.  `outstanding` is the desire before this one:
 * while it is above what is allocated it has not been met, and it stays.
 */
#ifndef CORE_DESIRE_H
#define CORE_DESIRE_H

#include <stdint.h>

struct desire_rule {
	double low, high; /* the range, fractions of what is allocated */
	double target;    /* a shrunken VM uses this fraction */
	double growth;    /* > 1 */
};

enum desire_change { DESIRE_STAYS, DESIRE_GROWS, DESIRE_SHRINKS };

struct desire {
	uint64_t amount; /* in the unit of the resource */
	enum desire_change change;
	double utilisation;
};

/* floor <= ceiling; allocated may be 0, which counts as over-utilised. */
struct desire desire_next(const struct desire_rule *rule, uint64_t allocated,
    uint64_t used, uint64_t outstanding, uint64_t floor, uint64_t ceiling);

#endif
