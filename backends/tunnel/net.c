/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture of the kernel's network objects; see net.h. */
#include "backends/tunnel/net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void net_fini(struct net *net)
{
	free(net->links);
	free(net->entries);
	free(net->addresses);
	*net = (struct net){0};
}

void net_clear(struct net *net)
{
	net->n_links = net->n_entries = net->n_addresses = 0;
}

/* Room for one more in a table, zeroed; a machine without memory for a table
 * of ports is past saving. */
static void *grow(void *table, size_t *n, size_t *cap, size_t each)
{
	char *base = table;

	if (*n == *cap) {
		*cap = *cap ? 2 * *cap : 32;
		base = realloc(table, *cap * each);
		if (!base)
			abort();
	}
	memset(base + *n * each, 0, each);
	++*n;
	return base;
}

struct net_link *net_add_link(struct net *net)
{
	net->links = grow(
	    net->links, &net->n_links, &net->cap_links, sizeof *net->links);
	return &net->links[net->n_links - 1];
}

struct net_entry *net_add_entry(struct net *net)
{
	net->entries = grow(net->entries, &net->n_entries, &net->cap_entries,
	    sizeof *net->entries);
	return &net->entries[net->n_entries - 1];
}

struct net_address *net_add_address(struct net *net)
{
	net->addresses = grow(net->addresses, &net->n_addresses,
	    &net->cap_addresses, sizeof *net->addresses);
	return &net->addresses[net->n_addresses - 1];
}

int net_compare_entries(const struct net_entry *a, const struct net_entry *b)
{
	int order = strcmp(a->link, b->link);

	if (!order)
		order = (a->kind > b->kind) - (a->kind < b->kind);
	if (!order)
		order = mac_compare(a->mac, b->mac);
	return order ? order : (a->ip > b->ip) - (a->ip < b->ip);
}

int net_compare_addresses(
    const struct net_address *a, const struct net_address *b)
{
	int order = strcmp(a->link, b->link);

	if (!order)
		order = (a->ip > b->ip) - (a->ip < b->ip);
	return order ? order : a->prefix - b->prefix;
}

static int by_name(const void *a, const void *b)
{
	const struct net_link *la = a, *lb = b;

	return strcmp(la->name, lb->name);
}

static int by_entry(const void *a, const void *b)
{
	return net_compare_entries(a, b);
}

static int by_address(const void *a, const void *b)
{
	return net_compare_addresses(a, b);
}

void net_sort(struct net *net)
{
	size_t kept = 0;

	if (net->n_links)
		qsort(net->links, net->n_links, sizeof *net->links, by_name);
	if (net->n_addresses)
		qsort(net->addresses, net->n_addresses, sizeof *net->addresses,
		    by_address);
	if (!net->n_entries)
		return;
	qsort(net->entries, net->n_entries, sizeof *net->entries, by_entry);
	for (size_t i = 0; i < net->n_entries; i++) {
		if (kept &&
		    !by_entry(&net->entries[kept - 1], &net->entries[i]))
			continue;
		net->entries[kept++] = net->entries[i];
	}
	net->n_entries = kept;
}

struct net_link *net_find_link(const struct net *net, const char *name)
{
	struct net_link key;

	if (!net->n_links)
		return NULL;
	snprintf(key.name, sizeof key.name, "%s", name);
	return bsearch(
	    &key, net->links, net->n_links, sizeof *net->links, by_name);
}

const struct net_link *net_find_index(const struct net *net, uint32_t index)
{
	for (size_t i = 0; i < net->n_links; i++)
		if (net->links[i].index == index)
			return &net->links[i];
	return NULL;
}

void net_name_bridge(char name[IFNAMSIZ], uint32_t vni)
{
	snprintf(name, IFNAMSIZ, "viob%u", vni & 0xffffff);
}

void net_name_vxlan(char name[IFNAMSIZ], uint32_t vni)
{
	snprintf(name, IFNAMSIZ, "viox%u", vni & 0xffffff);
}

void net_name_vlan(char name[IFNAMSIZ], uint32_t vni)
{
	snprintf(name, IFNAMSIZ, "viov%u", vni & 0xffffff);
}

static const char port_alias[] = "violin ";

void net_alias_port(char alias[NET_ALIAS_BYTES], struct mac mac)
{
	char text[MAC_TEXT_BYTES];

	snprintf(
	    alias, NET_ALIAS_BYTES, "%s%s", port_alias, mac_format(mac, text));
}

bool net_port_mac(const struct net_link *link, struct mac *mac)
{
	size_t n = sizeof port_alias - 1;

	return link->kind == NET_PORT && !strncmp(link->alias, port_alias, n) &&
	       mac_parse(link->alias + n, mac);
}

const char *ip_format(uint32_t ip, char text[IP_TEXT_BYTES])
{
	struct in_addr in = {.s_addr = htonl(ip)};

	return inet_ntop(AF_INET, &in, text, IP_TEXT_BYTES);
}

bool ip_parse(const char *text, uint32_t *ip)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*ip = ntohl(in.s_addr);
	return true;
}
