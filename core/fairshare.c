/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weighted max-min fair share of one resource; see fairshare.h. */
#include "core/fairshare.h"

#include <stdbool.h>

void fair_share(double capacity, uint32_t n, const double *weight,
    const double *bound, double *share)
{
	double open_weight = 0;
	bool filled = true;

	for (uint32_t i = 0; i < n; i++) {
		share[i] = -1;
		open_weight += weight[i];
	}
	/* Whoever's bound lies under the level gets it; then the level of
	 * the others rises.  Stops when nobody is left under it. */
	while (filled && open_weight > 0) {
		double level = capacity > 0 ? capacity / open_weight : 0;

		filled = false;
		for (uint32_t i = 0; i < n; i++) {
			if (share[i] >= 0 || bound[i] > level * weight[i])
				continue;
			share[i] = bound[i];
			capacity -= bound[i];
			open_weight -= weight[i];
			filled = true;
		}
	}
	/* Weights left, summed afresh: differences have lost digits. */
	open_weight = 0;
	for (uint32_t i = 0; i < n; i++)
		if (share[i] < 0)
			open_weight += weight[i];
	for (uint32_t i = 0; i < n; i++)
		if (share[i] < 0)
			share[i] = capacity > 0
			               ? capacity * weight[i] / open_weight
			               : 0;
}
