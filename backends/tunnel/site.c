/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site says; see site.h.  Loading is in site_load.c. */
#include "backends/tunnel/site.h"

#include <stdlib.h>
#include <string.h>

void site_fini(struct site *site)
{
	free(site->domains);
	free(site->hosts);
	free(site->managers);
	free(site->environments);
	free(site->vms);
	*site = (struct site){0};
}

uint32_t site_find_host(const struct site *site, const char *name)
{
	for (uint32_t i = 0; *name && i < site->n_hosts; i++)
		if (!strcmp(site->hosts[i].name, name))
			return i;
	return UINT32_MAX;
}

const struct site_environment *site_find_vni(
    const struct site *site, uint32_t vni)
{
	for (uint32_t i = 0; i < site->n_environments; i++)
		if (site->environments[i].vni == vni)
			return &site->environments[i];
	return NULL;
}

enum site_reach site_reach(const struct site *site, uint32_t me, uint32_t host)
{
	uint32_t domain = site->hosts[me].domain;

	if (me == host)
		return REACH_SELF;
	if (site->hosts[host].domain != domain)
		return site->encryption == SITE_PLAIN ? REACH_PLAIN
		                                      : REACH_WIREGUARD;
	return site->domains[domain].datapath == SITE_VLAN ? REACH_LINK
	                                                   : REACH_PLAIN;
}

uint32_t site_vxlan_address(const struct site *site, uint32_t me, uint32_t host)
{
	switch (site_reach(site, me, host)) {
	case REACH_PLAIN:
		return site->hosts[host].address;
	case REACH_WIREGUARD:
		return site->hosts[host].tunnel_address;
	case REACH_SELF:
	case REACH_LINK:
		break;
	}
	return 0;
}

bool site_needs_wireguard(const struct site *site, uint32_t me)
{
	for (uint32_t i = 0; i < site->n_hosts; i++)
		if (site_reach(site, me, i) == REACH_WIREGUARD)
			return true;
	return false;
}

uint32_t site_overhead(enum site_reach reach)
{
	switch (reach) {
	case REACH_PLAIN:
		return SITE_VXLAN_BYTES;
	case REACH_WIREGUARD:
		return SITE_VXLAN_BYTES + SITE_WIREGUARD_BYTES;
	case REACH_LINK:
		return SITE_VLAN_BYTES;
	case REACH_SELF:
		break;
	}
	return 0;
}
