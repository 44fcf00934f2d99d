/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernels of tests/netns/world.h must have, by where the VMs' ports
 * are: found anew, not with the code that is tested, and compared with all
 * that is there.
 */
#include <stdio.h>
#include <string.h>

#include "backends/tunnel/rtnl.h"
#include "tests/netns/world.h"

static uint32_t host_ip(unsigned host)
{
	return 10u << 24 | 9u << 16 | (host + 1) << 8 | 1;
}

static bool env_on(const struct world *w, unsigned env, unsigned host)
{
	for (unsigned vm = env * VMS_EACH; vm < (env + 1) * VMS_EACH; vm++)
		if (w->port_host[vm] == host)
			return true;
	return false;
}

static void expect(struct net *net, enum net_entry_kind kind, const char *link,
    struct mac mac, uint32_t ip)
{
	struct net_entry *e = net_add_entry(net);

	e->kind = kind;
	snprintf(e->link, sizeof e->link, "%s", link);
	e->mac = mac;
	e->ip = ip;
}

static void expect_environment(
    struct net *net, const struct world *w, unsigned env, unsigned host)
{
	char vxlan[IFNAMSIZ], port[IFNAMSIZ], bridge[IFNAMSIZ];

	snprintf(vxlan, sizeof vxlan, "viox%u", VNI_BASE + env);
	snprintf(bridge, sizeof bridge, "viob%u", VNI_BASE + env);
	for (unsigned vm = env * VMS_EACH; vm < (env + 1) * VMS_EACH; vm++) {
		unsigned at = w->port_host[vm];

		snprintf(port, sizeof port, "v%u", vm);
		if (at == host) {
			expect(net, NET_PLACE, port, world_mac(vm), 0);
			continue;
		}
		expect(net, NET_PLACE, vxlan, world_mac(vm), 0);
		expect(net, NET_REMOTE, vxlan, world_mac(vm), host_ip(at));
		expect(net, NET_REMOTE, vxlan, (struct mac){{0}}, host_ip(at));
		expect(net, NET_NEIGHBOUR, bridge, world_mac(vm),
		    192u << 24 | 168u << 16 | env << 8 | (vm % VMS_EACH + 1));
	}
}

static bool ours(const struct net_entry *e)
{
	return !strncmp(e->link, "vio", 3) || e->kind == NET_PLACE;
}

static bool entries_right(
    const struct world *w, unsigned host, const struct net *actual)
{
	struct net want = {0};
	size_t n = 0;
	bool right = true;

	for (unsigned env = 0; env < N_ENVIRONMENTS; env++)
		if (env_on(w, env, host))
			expect_environment(&want, w, env, host);
	net_sort(&want);
	for (size_t i = 0; i < actual->n_entries; i++) {
		const struct net_entry *e = &actual->entries[i];

		if (!ours(e))
			continue;
		if (n < want.n_entries && !e->dynamic &&
		    !net_compare_entries(e, &want.entries[n])) {
			n++;
			continue;
		}
		right = false;
		fprintf(stderr, "host %s: entry on %s is not as expected\n",
		    world_host_names[host], e->link);
		break;
	}
	right &= n == want.n_entries;
	net_fini(&want);
	return right;
}

/* An environment has its bridge and tunnel where it has a VM, and nowhere
 * else; ports are where their VMs are. */
static bool links_right(
    const struct world *w, unsigned host, const struct net *actual)
{
	bool right = true;

	for (unsigned env = 0; env < N_ENVIRONMENTS; env++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof name, "viob%u", VNI_BASE + env);
		right &= !!net_find_link(actual, name) == env_on(w, env, host);
		snprintf(name, sizeof name, "viox%u", VNI_BASE + env);
		if (net_find_link(actual, name))
			right &= env_on(w, env, host);
	}
	for (unsigned vm = 0; vm < N_VMS; vm++) {
		char name[IFNAMSIZ], bridge[IFNAMSIZ];
		const struct net_link *port;

		snprintf(name, sizeof name, "v%u", vm);
		snprintf(bridge, sizeof bridge, "viob%u",
		    VNI_BASE + world_environment(vm));
		port = net_find_link(actual, name);
		if (port)
			right &= port->up && !strcmp(port->master, bridge) &&
			         port->port_flags == NET_LOCKED;
	}
	return right;
}

bool truth_holds(struct world *w)
{
	struct net actual = {0};
	struct err err = {{0}};
	bool right = true;

	for (unsigned host = 0; host < N_HOSTS; host++) {
		if (!rtnl_read(&w->links[host], &actual, &err))
			world_die(err.text);
		right &= entries_right(w, host, &actual) &&
		         links_right(w, host, &actual);
	}
	net_fini(&actual);
	return right;
}
