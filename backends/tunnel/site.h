/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The site file of the virtual network, violin-tunnel.conf(5): the domains
 * and their hosts, the environments and the VMs they start with.  The same
 * file is on every host.  Plain data, checked as a whole when it is loaded.
 */
#ifndef BACKENDS_TUNNEL_SITE_H
#define BACKENDS_TUNNEL_SITE_H

#include <net/if.h>

#include "backends/curve.h"
#include "backends/location.h"

enum {
	SITE_NAME_BYTES = LOCATION_HOST_BYTES,
	SITE_CONTROL_BYTES = 64,
	SITE_MTU_MIN = 576,
	SITE_MTU_MAX = 9200,
};

enum site_encryption { SITE_WIREGUARD, SITE_PLAIN };
enum site_datapath { SITE_VXLAN, SITE_VLAN };

struct site_domain {
	char name[SITE_NAME_BYTES];
	enum site_datapath datapath; /* between hosts of this domain */
};

struct site_host {
	char name[SITE_NAME_BYTES];
	uint32_t domain;  /* index */
	uint32_t address; /* IPv4 on the infrastructure, host byte order */
	uint32_t tunnel_address; /* inside WireGuard; 0: none */
	bool has_wireguard_key, has_control_key;
	struct curve_public wireguard_key; /* the same curve, the same text */
	struct curve_public control_key;
	char uplink[IFNAMSIZ];            /* carries the VLANs; or "" */
	char control[SITE_CONTROL_BYTES]; /* "tcp://10.0.0.1:7471"; or "" */
};

struct site_manager {
	char name[SITE_NAME_BYTES];
	struct curve_public control_key;
};

struct site_environment {
	char name[SITE_NAME_BYTES];
	uint32_t vni;
	uint16_t vlan;          /* 0: none */
	uint32_t mtu;           /* promised to the VMs; 0: what fits */
	uint32_t broadcast_pps; /* frames a second from the VMs of a host */
};

struct site_vm {
	char name[SITE_NAME_BYTES];
	uint32_t environment; /* index */
	struct mac mac;
	uint32_t ip;                /* 0: not known */
	char host[SITE_NAME_BYTES]; /* where it is at first; or "" */
	char port[IFNAMSIZ];        /* its interface on any host; or "" */
};

struct site {
	enum site_encryption encryption; /* between domains */
	uint16_t vxlan_port, wireguard_port;
	uint8_t tunnel_prefix; /* of the hosts' tunnel addresses */
	bool announce;
	uint32_t wireguard_mtu; /* what admit.h finds; 0: nobody needs it */
	struct site_domain *domains;
	uint32_t n_domains;
	struct site_host *hosts;
	uint32_t n_hosts;
	struct site_manager *managers;
	uint32_t n_managers;
	struct site_environment *environments;
	uint32_t n_environments;
	struct site_vm *vms;
	uint32_t n_vms;
};

/* How frames get from one host to another. */
enum site_reach {
	REACH_SELF,
	REACH_LINK,      /* by VLAN, on the link that both are on */
	REACH_PLAIN,     /* VXLAN to the host's address */
	REACH_WIREGUARD, /* VXLAN to the host's tunnel address */
};

/* Loads and checks; the error has file, line and column. */
bool site_load(struct site *site, const char *file, struct err *err);
/* The same from text, of which `file` is only the name in errors. */
bool site_parse(struct site *site, const char *file, const char *text,
    size_t len, struct err *err);
void site_fini(struct site *site);

/* Index by name, or UINT32_MAX. */
uint32_t site_find_host(const struct site *site, const char *name);
const struct site_environment *site_find_vni(
    const struct site *site, uint32_t vni);

enum site_reach site_reach(const struct site *site, uint32_t me, uint32_t host);
/* Where VXLAN to that host is sent to; 0 for REACH_SELF and REACH_LINK. */
uint32_t site_vxlan_address(
    const struct site *site, uint32_t me, uint32_t host);
/* Does this host talk to any other through WireGuard? */
bool site_needs_wireguard(const struct site *site, uint32_t me);

/* Bytes that a tunnel takes from each packet of the infrastructure. */
enum {
	SITE_VXLAN_BYTES = 50,     /* IPv4 20, UDP 8, VXLAN 8, Ethernet 14 */
	SITE_WIREGUARD_BYTES = 60, /* IPv4 20, UDP 8, header 16, tag 16 */
	SITE_VLAN_BYTES = 0,       /* the link carries the tag beside its MTU */
};
uint32_t site_overhead(enum site_reach reach);

#endif
