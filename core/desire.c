/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a VM should have of one resource; see desire.h. */
#include "core/desire.h"

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* But `most` where it would be more, or is no number. */
static uint64_t round_up(double x, uint64_t most)
{
	uint64_t whole;

	if (!(x < (double)most))
		return most;
	whole = (uint64_t)x;
	return whole + ((double)whole < x);
}

struct desire desire_next(const struct desire_rule *rule, uint64_t allocated,
    uint64_t used, uint64_t outstanding, uint64_t floor, uint64_t ceiling)
{
	struct desire d = {0};

	d.utilisation = allocated ? (double)used / (double)allocated : 1;
	if (d.utilisation >= rule->high) {
		d.change = DESIRE_GROWS;
		d.amount = max(outstanding,
		    round_up(rule->growth * (double)allocated, ceiling));
	} else if (d.utilisation < rule->low) {
		d.change = DESIRE_SHRINKS;
		d.amount = round_up((double)used / rule->target, ceiling);
	} else {
		d.amount = max(outstanding, allocated);
	}
	d.amount = max(d.amount, floor);
	if (d.amount > ceiling)
		d.amount = ceiling;
	return d;
}
