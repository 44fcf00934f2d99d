/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A picture of the kernel's network objects, as they should be (desire.h) or
 * as they are (rtnl.h); diff.h turns one into the other.  Plain data.
 *
 * What the daemon owns bears its mark: links are in the device group
 * NET_GROUP, which the kernel sets in the very call that creates a link, so
 * that not even a crash leaves one unmarked.  What hangs on an owned link
 * (forwarding and neighbour entries, an address) is owned with it.  A VM's
 * port is not ours: it is only put into a bridge of ours and taken out again,
 * and bears the VM's MAC in its alias ("violin 02:..."), so that which port
 * is whose survives the daemon, and dies with the port.
 */
#ifndef BACKENDS_TUNNEL_NET_H
#define BACKENDS_TUNNEL_NET_H

#include <net/if.h>

#include "backends/location.h"

enum {
	NET_GROUP = 0x76696f, /* "vio" */
	NET_ALIAS_BYTES = 64,
	NET_MTU_DEFAULT = 1500, /* of bridges, tunnels and VMs' ports */
};

enum net_kind {
	NET_PORT, /* somebody else's: a VM's port, an uplink */
	NET_BRIDGE,
	NET_VXLAN,
	NET_VLAN,
	NET_WIREGUARD,
};

/* A bridge port's flags. */
enum {
	NET_LEARNING = 1 << 0,
	NET_FLOOD = 1 << 1, /* unknown unicast is sent here too */
	/* Frames never pass between two ports with this: split horizon. */
	NET_ISOLATED = 1 << 2,
	/* Only MACs that the bridge's table places here may send: a VM claims
	 * nobody else's address, and is mute where it does not belong. */
	NET_LOCKED = 1 << 3,
	/* The bridge answers ARP for who is behind this port. */
	NET_ARP_SUPPRESS = 1 << 4,
};

struct net_counters {
	uint64_t rx_bytes, rx_packets, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_dropped;
};

struct net_link {
	char name[IFNAMSIZ];
	char master[IFNAMSIZ]; /* the bridge it is a port of, or "" */
	char alias[NET_ALIAS_BYTES];
	enum net_kind kind;
	uint32_t index; /* actual only */
	uint32_t group;
	uint32_t mtu; /* 0 in what is desired: as it is */
	bool up;
	uint32_t port_flags; /* meaningful with a master */
	uint32_t vni;        /* VXLAN */
	uint16_t udp_port;
	bool vxlan_learning;
	uint16_t vlan; /* VLAN */
	char lower[IFNAMSIZ];
	struct net_counters counters; /* actual only */
};

enum net_entry_kind {
	NET_NEIGHBOUR, /* ip is at mac, seen from bridge `link` */
	NET_REMOTE, /* VXLAN `link`: mac (zero: broadcast) is behind host ip */
	NET_PLACE,  /* mac is at bridge port `link` */
};

struct net_entry {
	enum net_entry_kind kind;
	char link[IFNAMSIZ];
	struct mac mac;
	uint32_t ip; /* host byte order; 0 for NET_PLACE */
	/* Actual only: how it got there was not by a table (a neighbour that
	 * was resolved, a place that was learnt). */
	bool dynamic;
};

struct net_address {
	char link[IFNAMSIZ];
	uint32_t ip; /* host byte order */
	uint8_t prefix;
};

/* Tables in the orders of net_sort.  Zero-initialised is empty. */
struct net {
	struct net_link *links;
	size_t n_links, cap_links;
	struct net_entry *entries;
	size_t n_entries, cap_entries;
	struct net_address *addresses;
	size_t n_addresses, cap_addresses;
};

void net_fini(struct net *net);
/* Empties it and keeps its memory. */
void net_clear(struct net *net);

/* Each returns a new zeroed element, borrowed until the next of its kind. */
struct net_link *net_add_link(struct net *net);
struct net_entry *net_add_entry(struct net *net);
struct net_address *net_add_address(struct net *net);

/* Sorts the tables (links by name; entries by link, kind, MAC, IP; addresses
 * by link, IP) and drops entries that are there twice. */
void net_sort(struct net *net);

/* By name, in a sorted net; by index, in an actual one.  Or NULL. */
struct net_link *net_find_link(const struct net *net, const char *name);
const struct net_link *net_find_index(const struct net *net, uint32_t index);

int net_compare_entries(const struct net_entry *a, const struct net_entry *b);
int net_compare_addresses(
    const struct net_address *a, const struct net_address *b);

static inline bool net_owned(const struct net_link *link)
{
	return link->group == NET_GROUP && link->kind != NET_PORT;
}

/* The names of an environment's objects: viob42, viox42, viov42. */
void net_name_bridge(char name[IFNAMSIZ], uint32_t vni);
void net_name_vxlan(char name[IFNAMSIZ], uint32_t vni);
void net_name_vlan(char name[IFNAMSIZ], uint32_t vni);
#define NET_WIREGUARD_NAME "viowg"

/* "violin 02:00:00:00:00:01", the alias of that VM's port. */
void net_alias_port(char alias[NET_ALIAS_BYTES], struct mac mac);
/* The MAC that a port's alias names, if it names one. */
bool net_port_mac(const struct net_link *link, struct mac *mac);

/* "10.0.0.1" <-> host byte order. */
enum { IP_TEXT_BYTES = 16 };
const char *ip_format(uint32_t ip, char text[IP_TEXT_BYTES]);
bool ip_parse(const char *text, uint32_t *ip);

#endif
