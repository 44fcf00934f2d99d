/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a move costs the virtual network; see vnet.h. */
#include "sim/vnet.h"

#include <assert.h>
#include <math.h>

static const int64_t rto_max_ns = 120 * NS_PER_S;

int64_t vnet_reestablish_ns(
    const struct vnet_setup *setup, bool within_domain, double z)
{
	int64_t mean =
	    within_domain ? setup->within_ns : setup->reestablish_ns;
	double spread = setup->reestablish_spread;
	double variance = log1p(spread * spread);

	return llround((double)mean * exp(z * sqrt(variance) - variance / 2));
}

void vnet_cut(struct vnet *vnet, const struct vnet_setup *setup, int64_t now)
{
	if (vnet->n_away == 0 && now >= vnet_resume_ns(vnet, setup)) {
		vnet->cut_ns = now;
		vnet->whole_ns = now;
	}
	vnet->n_away++;
}

void vnet_land(struct vnet *vnet, int64_t now, int64_t reestablish_ns)
{
	assert(vnet->n_away > 0 && reestablish_ns >= 0);
	vnet->n_away--;
	if (vnet->whole_ns < now + reestablish_ns)
		vnet->whole_ns = now + reestablish_ns;
}

int64_t vnet_resume_ns(const struct vnet *vnet, const struct vnet_setup *setup)
{
	if (vnet->n_away > 0)
		return TIME_NEVER;
	return vnet_retransmission_ns(
	    vnet->cut_ns, vnet->whole_ns, setup->rto_min_ns);
}

int64_t vnet_retransmission_ns(
    int64_t cut_ns, int64_t whole_ns, int64_t rto_min_ns)
{
	int64_t at = cut_ns, rto = rto_min_ns;

	if (rto <= 0)
		return whole_ns;
	while (at < whole_ns) {
		at += rto;
		rto = 2 * rto < rto_max_ns ? 2 * rto : rto_max_ns;
	}
	return at;
}
