/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What should be in the kernel of one host; see desire.h. */
#include "backends/tunnel/desire.h"

#include <stdio.h>
#include <string.h>

enum {
	TUNNEL_FLAGS = NET_ISOLATED | NET_LOCKED | NET_ARP_SUPPRESS,
	GUEST_FLAGS = NET_LOCKED,
};

/* The work on one environment. */
struct env_desire {
	struct net *want;
	const struct site *site;
	uint32_t me;
	const struct location_table *locations;
	const struct net *actual;
	const struct site_environment *env;
	char bridge[IFNAMSIZ], vxlan[IFNAMSIZ], vlan[IFNAMSIZ];
	bool uses_vxlan, uses_vlan;
};

const struct net_link *desire_find_port(
    const struct site *site, const struct net *actual, struct mac mac)
{
	const struct net_link *named;
	struct mac bound;

	for (size_t i = 0; i < actual->n_links; i++)
		if (net_port_mac(&actual->links[i], &bound) &&
		    !mac_compare(bound, mac))
			return &actual->links[i];
	for (uint32_t i = 0; i < site->n_vms; i++) {
		if (!*site->vms[i].port || mac_compare(site->vms[i].mac, mac))
			continue;
		named = net_find_link(actual, site->vms[i].port);
		if (named && named->kind == NET_PORT &&
		    !net_port_mac(named, &bound))
			return named;
	}
	return NULL;
}

static struct net_link *want_link(
    struct net *want, const char *name, enum net_kind kind, const char *master)
{
	struct net_link *link = net_add_link(want);

	snprintf(link->name, sizeof link->name, "%s", name);
	snprintf(link->master, sizeof link->master, "%s", master);
	link->kind = kind;
	link->group = NET_GROUP;
	link->up = true;
	return link;
}

/* Bridges and tunnels take whatever a VM sends, whose own MTU may be the
 * usual one: what does not fit the path is then answered by the tunnel
 * ("fragmentation needed"), where a smaller device would swallow it. */
static uint32_t device_mtu(const struct site_environment *env)
{
	return env->mtu > NET_MTU_DEFAULT ? env->mtu : NET_MTU_DEFAULT;
}

static void want_entry(struct net *want, enum net_entry_kind kind,
    const char *link, struct mac mac, uint32_t ip)
{
	struct net_entry *entry = net_add_entry(want);

	entry->kind = kind;
	snprintf(entry->link, sizeof entry->link, "%s", link);
	entry->mac = mac;
	entry->ip = ip;
}

/* Broadcast goes to each other host that holds, or awaits, a VM of it. */
static void want_replication(struct env_desire *d, const char *host_name)
{
	static const struct mac broadcast;
	uint32_t host = site_find_host(d->site, host_name), address;

	if (host == UINT32_MAX)
		return;
	address = site_vxlan_address(d->site, d->me, host);
	if (address)
		want_entry(d->want, NET_REMOTE, d->vxlan, broadcast, address);
	d->uses_vxlan |= address != 0;
	d->uses_vlan |= site_reach(d->site, d->me, host) == REACH_LINK;
}

static void want_remote_vm(
    struct env_desire *d, const struct location *vm, uint32_t host)
{
	uint32_t address = site_vxlan_address(d->site, d->me, host);

	if (address)
		want_entry(d->want, NET_REMOTE, d->vxlan, vm->mac, address);
	want_entry(
	    d->want, NET_PLACE, address ? d->vxlan : d->vlan, vm->mac, 0);
	if (vm->ip)
		want_entry(d->want, NET_NEIGHBOUR, d->bridge, vm->mac, vm->ip);
}

static void want_vm(struct env_desire *d, const struct location *vm)
{
	const char *me = d->site->hosts[d->me].name;
	uint32_t host = site_find_host(d->site, vm->host);
	const struct net_link *port =
	    desire_find_port(d->site, d->actual, vm->mac);

	want_replication(d, vm->host);
	want_replication(d, vm->standby);
	if (host == d->me && port)
		want_entry(d->want, NET_PLACE, port->name, vm->mac, 0);
	else if (host != d->me && host != UINT32_MAX)
		want_remote_vm(d, vm, host);
	if (location_concerns(vm, me) && port) {
		struct net_link *link =
		    want_link(d->want, port->name, NET_PORT, d->bridge);

		link->group = 0;
		link->port_flags = GUEST_FLAGS;
		net_alias_port(link->alias, vm->mac);
	}
}

static void want_tunnels(struct env_desire *d)
{
	struct net_link *link;

	link = want_link(d->want, d->bridge, NET_BRIDGE, "");
	link->mtu = device_mtu(d->env);
	if (d->uses_vxlan) {
		link = want_link(d->want, d->vxlan, NET_VXLAN, d->bridge);
		link->mtu = device_mtu(d->env);
		link->vni = d->env->vni;
		link->udp_port = d->site->vxlan_port;
		link->port_flags = TUNNEL_FLAGS;
	}
	if (d->uses_vlan) {
		link = want_link(d->want, d->vlan, NET_VLAN, d->bridge);
		link->vlan = d->env->vlan;
		snprintf(link->lower, sizeof link->lower, "%s",
		    d->site->hosts[d->me].uplink);
		link->port_flags = TUNNEL_FLAGS;
	}
}

static bool env_is_here(const struct env_desire *d)
{
	const char *me = d->site->hosts[d->me].name;

	for (size_t i = 0; i < d->locations->n_records; i++)
		if (d->locations->records[i].vni == d->env->vni &&
		    location_concerns(&d->locations->records[i], me))
			return true;
	return false;
}

static void want_environment(struct env_desire *d)
{
	if (!env_is_here(d))
		return;
	net_name_bridge(d->bridge, d->env->vni);
	net_name_vxlan(d->vxlan, d->env->vni);
	net_name_vlan(d->vlan, d->env->vni);
	for (size_t i = 0; i < d->locations->n_records; i++)
		if (d->locations->records[i].vni == d->env->vni)
			want_vm(d, &d->locations->records[i]);
	want_tunnels(d);
}

static void want_wireguard(
    struct net *want, const struct site *site, uint32_t me)
{
	struct net_link *link =
	    want_link(want, NET_WIREGUARD_NAME, NET_WIREGUARD, "");
	struct net_address *address = net_add_address(want);

	link->mtu = site->wireguard_mtu;
	memcpy(address->link, link->name, sizeof address->link);
	address->ip = site->hosts[me].tunnel_address;
	address->prefix = site->tunnel_prefix;
}

void desire_net(struct net *want, const struct site *site, uint32_t me,
    const struct location_table *locations, const struct net *actual)
{
	if (site_needs_wireguard(site, me))
		want_wireguard(want, site, me);
	for (uint32_t i = 0; i < site->n_environments; i++) {
		struct env_desire d = {
		    .want = want,
		    .site = site,
		    .me = me,
		    .locations = locations,
		    .actual = actual,
		    .env = &site->environments[i],
		};

		want_environment(&d);
	}
	net_sort(want);
}
