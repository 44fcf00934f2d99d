/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must not pass; see filter.h. */
#include "backends/tunnel/filter.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/tunnel/nft.h"

enum {
	FIXED_ROOM = 64 << 10,
	ENVIRONMENT_ROOM = 8 << 10,
	NAME_ROOM = 512, /* of a port or a host in the sets */
	PRIORITY = -200, /* before bridge-netfilter's own */
	CHAIN_BYTES = 16,
};

static const uint8_t tcp = IPPROTO_TCP, udp = IPPROTO_UDP;

static void match_meta(
    struct nft *nft, uint32_t key, const void *data, size_t bytes)
{
	nft_meta(nft, key);
	nft_cmp(nft, NFT_CMP_EQ, data, bytes);
}

/* The bridge's table. */

static void rule_storm(
    struct nft *nft, const char *chain, const struct site_environment *env)
{
	static const uint8_t group_bit = 1, none = 0;
	char counter[32];

	if (!env->broadcast_pps)
		return;
	snprintf(counter, sizeof counter, "storm%u", env->vni);
	nft_begin_rule(nft, chain);
	nft_payload(nft, NFT_PAYLOAD_LL_HEADER, 0, 1);
	nft_mask(nft, &group_bit, 1);
	nft_cmp(nft, NFT_CMP_NEQ, &none, 1);
	nft_limit_over(nft, env->broadcast_pps);
	nft_counter(nft, counter);
	nft_verdict(nft, NF_DROP);
	nft_end_rule(nft);
}

/* Of a TCP segment with SYN, IP and TCP header take `headers` bytes. */
static void rule_mss(struct nft *nft, const char *chain, uint16_t ethertype,
    uint32_t mtu, uint32_t headers)
{
	static const uint8_t syn = 2, none = 0;
	uint16_t protocol = htons(ethertype);

	nft_begin_rule(nft, chain);
	match_meta(nft, NFT_META_PROTOCOL, &protocol, sizeof protocol);
	match_meta(nft, NFT_META_L4PROTO, &tcp, 1);
	nft_payload(nft, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	nft_mask(nft, &syn, 1);
	nft_cmp(nft, NFT_CMP_NEQ, &none, 1);
	nft_clamp_mss(nft, (uint16_t)(mtu - headers));
	nft_end_rule(nft);
}

static bool env_wanted(
    const struct net *want, const struct site_environment *env)
{
	char bridge[IFNAMSIZ];

	net_name_bridge(bridge, env->vni);
	return net_find_link(want, bridge);
}

static void name_chain(char chain[CHAIN_BYTES], uint32_t vni)
{
	snprintf(chain, CHAIN_BYTES, "env%u", vni & 0xffffff);
}

static void add_environment(struct nft *nft, const struct site_environment *env,
    const struct filter_counters *old)
{
	const struct filter_counter *was;
	char chain[CHAIN_BYTES], counter[32];

	name_chain(chain, env->vni);
	snprintf(counter, sizeof counter, "storm%u", env->vni);
	was = filter_find_counter(old, counter);
	nft_add_counter(
	    nft, counter, was ? was->packets : 0, was ? was->bytes : 0);
	nft_add_chain(nft, chain);
	rule_storm(nft, chain, env);
	if (env->mtu) {
		rule_mss(nft, chain, ETH_P_IP, env->mtu, 20 + 20);
		rule_mss(nft, chain, ETH_P_IPV6, env->mtu, 40 + 20);
	}
}

static uint32_t vni_of(const char *bridge)
{
	return (uint32_t)strtoul(bridge + strlen("viob"), NULL, 10);
}

/* Every bridge port goes into "ours", every VM's to its environment. */
static void add_ports(struct nft *nft, const struct net *want)
{
	char chain[CHAIN_BYTES];

	nft_begin_elements(nft, "ours");
	for (size_t i = 0; i < want->n_links; i++)
		if (*want->links[i].master)
			nft_element(nft, want->links[i].name, IFNAMSIZ, NULL);
	nft_end_elements(nft);
	nft_begin_elements(nft, "guests");
	for (size_t i = 0; i < want->n_links; i++) {
		const struct net_link *link = &want->links[i];

		if (!*link->master || link->kind != NET_PORT)
			continue;
		name_chain(chain, vni_of(link->master));
		nft_element(nft, link->name, IFNAMSIZ, chain);
	}
	nft_end_elements(nft);
}

static void build_bridge_table(struct nft *nft, const struct site *site,
    const struct net *want, const struct filter_counters *old)
{
	nft_replace_table(nft, NFPROTO_BRIDGE, FILTER_TABLE);
	for (uint32_t i = 0; i < site->n_environments; i++)
		if (env_wanted(want, &site->environments[i]))
			add_environment(nft, &site->environments[i], old);
	nft_add_set(nft, "ours", IFNAMSIZ, false);
	nft_add_set(nft, "guests", IFNAMSIZ, true);
	add_ports(nft, want);

	nft_add_base_chain(nft, "guests", NF_BR_PRE_ROUTING, PRIORITY);
	nft_begin_rule(nft, "guests");
	nft_meta(nft, NFT_META_IIFNAME);
	nft_vmap(nft, "guests");
	nft_end_rule(nft);

	nft_add_base_chain(nft, "host", NF_BR_LOCAL_IN, PRIORITY);
	nft_begin_rule(nft, "host");
	nft_meta(nft, NFT_META_IIFNAME);
	nft_lookup(nft, "ours", false);
	nft_verdict(nft, NF_DROP);
	nft_end_rule(nft);
}

/* The ip table. */

/* VXLAN to us with a network of ours goes to the chain "vxlan". */
static void rule_our_vxlan(struct nft *nft, const struct site *site)
{
	uint16_t port = htons(site->vxlan_port);

	nft_begin_rule(nft, "tunnels");
	match_meta(nft, NFT_META_L4PROTO, &udp, 1);
	nft_payload(nft, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	nft_cmp(nft, NFT_CMP_EQ, &port, sizeof port);
	/* UDP's header is 8 bytes, then 4 of flags, then the VNI. */
	nft_payload(nft, NFT_PAYLOAD_TRANSPORT_HEADER, 12, 3);
	nft_vmap(nft, "networks");
	nft_end_rule(nft);
}

static void rule_accept_peers(
    struct nft *nft, const char *peers, bool in_wireguard)
{
	static const char name[IFNAMSIZ] = NET_WIREGUARD_NAME;

	nft_begin_rule(nft, "vxlan");
	nft_payload(nft, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	nft_lookup(nft, peers, false);
	nft_meta(nft, NFT_META_IIFNAME);
	nft_cmp(nft, in_wireguard ? NFT_CMP_EQ : NFT_CMP_NEQ, name, IFNAMSIZ);
	nft_verdict(nft, NF_ACCEPT);
	nft_end_rule(nft);
}

static void add_peers(struct nft *nft, const struct site *site, uint32_t me,
    const char *set, enum site_reach reach)
{
	nft_add_set(nft, set, sizeof(uint32_t), false);
	nft_begin_elements(nft, set);
	for (uint32_t i = 0; i < site->n_hosts; i++) {
		uint32_t ip = htonl(site_vxlan_address(site, me, i));

		if (site_reach(site, me, i) == reach)
			nft_element(nft, &ip, sizeof ip, NULL);
	}
	nft_end_elements(nft);
}

/* The networks of all environments, here or not: what is not here is nobody's
 * who is not of the site. */
static void add_networks(struct nft *nft, const struct site *site)
{
	nft_add_set(nft, "networks", sizeof(uint32_t), true);
	nft_begin_elements(nft, "networks");
	for (uint32_t i = 0; i < site->n_environments; i++) {
		uint32_t key = htonl(site->environments[i].vni << 8);

		nft_element(nft, &key, sizeof key, "vxlan");
	}
	nft_end_elements(nft);
}

static void build_ip_table(struct nft *nft, const struct site *site,
    uint32_t me, const struct filter_counters *old)
{
	const struct filter_counter *was = filter_find_counter(old, "foreign");

	nft_replace_table(nft, NFPROTO_IPV4, FILTER_TABLE);
	nft_add_counter(
	    nft, "foreign", was ? was->packets : 0, was ? was->bytes : 0);
	nft_add_chain(nft, "vxlan");
	add_networks(nft, site);
	add_peers(nft, site, me, "plain", REACH_PLAIN);
	add_peers(nft, site, me, "encrypted", REACH_WIREGUARD);
	nft_add_base_chain(nft, "tunnels", NF_INET_LOCAL_IN, PRIORITY);
	rule_our_vxlan(nft, site);
	rule_accept_peers(nft, "plain", false);
	rule_accept_peers(nft, "encrypted", true);
	nft_begin_rule(nft, "vxlan");
	nft_counter(nft, "foreign");
	nft_verdict(nft, NF_DROP);
	nft_end_rule(nft);
}

void *filter_build(const struct site *site, uint32_t me, const struct net *want,
    const struct filter_counters *counters, size_t *len)
{
	size_t cap = FIXED_ROOM +
	             (size_t)ENVIRONMENT_ROOM * site->n_environments +
	             (size_t)NAME_ROOM * (site->n_hosts + want->n_links);
	void *buffer = calloc(1, cap);
	struct nft nft;

	if (!buffer)
		abort();
	nft_begin(&nft, buffer, cap);
	build_bridge_table(&nft, site, want, counters);
	build_ip_table(&nft, site, me, counters);
	nft_end(&nft);
	*len = nft.len;
	return buffer;
}

/* With a kernel. */

void filter_fini(struct filter *filter)
{
	free(filter->applied);
	*filter = (struct filter){0};
}

void filter_forget(struct filter *filter)
{
	filter_fini(filter);
}

bool filter_follow(struct filter *filter, struct nl *netfilter,
    const struct site *site, uint32_t me, const struct net *want,
    struct err *err)
{
	static const struct filter_counters none;
	struct filter_counters counters = {0};
	size_t len;
	void *plan = filter_build(site, me, want, &none, &len), *batch;
	bool ok;

	if (filter->applied && filter->len == len &&
	    !memcmp(filter->applied, plan, len)) {
		free(plan);
		return true;
	}
	filter_read_counters(netfilter, &counters, NULL);
	batch = filter_build(site, me, want, &counters, &len);
	ok = nl_send_transaction(netfilter, batch, len);
	if (!ok)
		err_set(err,
		    "nf_tables: %s (the kernel needs nf_tables for bridge "
		    "and ip, with limit and counters)",
		    strerror(errno));
	free(batch);
	filter_counters_fini(&counters);
	filter_fini(filter);
	if (ok) {
		filter->applied = plan;
		filter->len = len;
	} else {
		free(plan);
	}
	return ok;
}
