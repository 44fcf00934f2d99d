/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Admission; see admit.h. */
#include "backends/tunnel/admit.h"

#include "backends/tunnel/net.h"

static uint32_t path_of(const uint32_t *path_mtu, uint32_t host)
{
	return path_mtu[host] ? path_mtu[host] : NET_MTU_DEFAULT;
}

static uint32_t left_of(uint32_t mtu, uint32_t overhead)
{
	return mtu > overhead ? mtu - overhead : 0;
}

static const char *reach_costs(enum site_reach reach)
{
	switch (reach) {
	case REACH_PLAIN:
		return "of which VXLAN takes 50";
	case REACH_WIREGUARD:
		return "of which VXLAN takes 50 and WireGuard 60";
	case REACH_LINK:
	case REACH_SELF:
		break;
	}
	return "which the VLAN leaves whole";
}

/* The host the path to which leaves least. */
static uint32_t find_narrowest(const struct site *site, uint32_t me,
    const uint32_t *path_mtu, uint32_t *fits)
{
	uint32_t narrowest = me;

	*fits = UINT32_MAX;
	for (uint32_t i = 0; i < site->n_hosts; i++) {
		enum site_reach reach = site_reach(site, me, i);
		uint32_t left =
		    left_of(path_of(path_mtu, i), site_overhead(reach));

		if (reach == REACH_SELF || left >= *fits)
			continue;
		*fits = left;
		narrowest = i;
	}
	return narrowest;
}

static void set_wireguard_mtu(
    struct site *site, uint32_t me, const uint32_t *path_mtu)
{
	for (uint32_t i = 0; i < site->n_hosts; i++) {
		uint32_t mtu =
		    left_of(path_of(path_mtu, i), SITE_WIREGUARD_BYTES);

		if (site_reach(site, me, i) == REACH_WIREGUARD &&
		    (!site->wireguard_mtu || mtu < site->wireguard_mtu))
			site->wireguard_mtu = mtu;
	}
}

bool admit_site(
    struct site *site, uint32_t me, const uint32_t *path_mtu, struct err *err)
{
	uint32_t fits, host = find_narrowest(site, me, path_mtu, &fits);

	set_wireguard_mtu(site, me, path_mtu);
	for (uint32_t i = 0; i < site->n_environments; i++) {
		struct site_environment *env = &site->environments[i];

		if (!env->mtu && host != me)
			env->mtu = fits;
		if (host != me && env->mtu > fits)
			return err_set(err,
			    "environment \"%s\": an mtu of %u does not fit "
			    "the path to host \"%s\", whose packets are of "
			    "%u bytes, %s: %u is the most",
			    env->name, env->mtu, site->hosts[host].name,
			    path_of(path_mtu, host),
			    reach_costs(site_reach(site, me, host)), fits);
	}
	return true;
}
