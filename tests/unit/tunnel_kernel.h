/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A kernel that is a struct net, for tests/unit/test_tunnel_diff.c: what each
 * operation of a difference does to it is what Linux does, and what Linux
 * would refuse fails the test.
 */
#ifndef TESTS_UNIT_TUNNEL_KERNEL_H
#define TESTS_UNIT_TUNNEL_KERNEL_H

#include <check.h>
#include <string.h>

#include "backends/tunnel/diff.h"

static void drop_entries(struct net *k, const char *link, bool places_only)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->n_entries; i++)
		if (strcmp(k->entries[i].link, link) ||
		    (places_only && k->entries[i].kind != NET_PLACE))
			k->entries[kept++] = k->entries[i];
	k->n_entries = kept;
}

/* As Linux: with a link go its entries, and its ports are nobody's. */
static void kernel_del_link(struct net *k, const char *name)
{
	struct net_link *l = net_find_link(k, name);

	ck_assert_ptr_nonnull(l);
	drop_entries(k, name, false);
	for (size_t i = 0; i < k->n_links; i++)
		if (!strcmp(k->links[i].master, name)) {
			drop_entries(k, k->links[i].name, true);
			*k->links[i].master = '\0';
			k->links[i].port_flags = NET_LEARNING | NET_FLOOD;
		}
	for (size_t i = 0; i < k->n_addresses;)
		if (!strcmp(k->addresses[i].link, name))
			k->addresses[i] = k->addresses[--k->n_addresses];
		else
			i++;
	*l = k->links[--k->n_links];
	net_sort(k);
}

static bool replaces(const struct net_entry *new, const struct net_entry *old)
{
	static const struct mac all;

	if (new->kind != old->kind)
		return false;
	if (new->kind == NET_NEIGHBOUR)
		return new->ip == old->ip && !strcmp(new->link, old->link);
	if (mac_compare(new->mac, old->mac))
		return false;
	return new->kind == NET_PLACE ||
	       (mac_compare(new->mac, all) && !strcmp(new->link, old->link));
}

static const char *bridge_of(const struct net *k, const char *port)
{
	const struct net_link *l = net_find_link(k, port);

	return l ? l->master : "";
}

static void kernel_add_entry(struct net *k, const struct net_entry *new)
{
	ck_assert_ptr_nonnull(net_find_link(k, new->link));
	if (new->kind == NET_PLACE)
		ck_assert_str_ne(bridge_of(k, new->link), "");
	for (size_t i = 0; i < k->n_entries;) {
		struct net_entry *old = &k->entries[i];

		if (replaces(new, old) &&
		    (new->kind != NET_PLACE || !strcmp(bridge_of(k, new->link),
		                                   bridge_of(k, old->link))))
			*old = k->entries[--k->n_entries];
		else
			i++;
	}
	*net_add_entry(k) = *new;
	net_sort(k);
}

static void kernel_del_entry(struct net *k, const struct net_entry *old)
{
	for (size_t i = 0; i < k->n_entries; i++)
		if (!net_compare_entries(&k->entries[i], old)) {
			k->entries[i] = k->entries[--k->n_entries];
			net_sort(k);
			return;
		}
	ck_abort_msg("deletes an entry that is not there");
}

static void kernel_set_master(struct net *k, const struct net_link *want)
{
	struct net_link *l = net_find_link(k, want->name);

	ck_assert_ptr_nonnull(l);
	if (*want->master)
		ck_assert_ptr_nonnull(net_find_link(k, want->master));
	drop_entries(k, l->name, true);
	memcpy(l->master, want->master, sizeof l->master);
	l->port_flags = NET_LEARNING | NET_FLOOD;
}

static void kernel_do(struct net *k, const struct diff_op *op)
{
	struct net_link *l;

	switch (op->verb) {
	case DIFF_ADD_LINK:
		ck_assert_ptr_null(net_find_link(k, op->link.name));
		l = net_add_link(k);
		*l = op->link;
		*l->master = *l->alias = '\0';
		l->up = false;
		l->port_flags = 0;
		net_sort(k);
		break;
	case DIFF_SET_LINK:
		l = net_find_link(k, op->link.name);
		ck_assert_ptr_nonnull(l);
		l->up = op->link.up;
		if (op->link.mtu)
			l->mtu = op->link.mtu;
		if (*op->link.alias)
			memcpy(l->alias, op->link.alias, sizeof l->alias);
		break;
	case DIFF_SET_MASTER:
		kernel_set_master(k, &op->link);
		break;
	case DIFF_SET_FLAGS:
		l = net_find_link(k, op->link.name);
		ck_assert_ptr_nonnull(l);
		ck_assert_str_ne(l->master, "");
		l->port_flags = op->link.port_flags;
		break;
	case DIFF_ADD_ADDRESS:
		*net_add_address(k) = op->address;
		net_sort(k);
		break;
	case DIFF_ADD_ENTRY:
		kernel_add_entry(k, &op->entry);
		break;
	case DIFF_DEL_ENTRY:
		kernel_del_entry(k, &op->entry);
		break;
	case DIFF_DEL_ADDRESS:
		for (size_t i = 0; i < k->n_addresses; i++)
			if (!net_compare_addresses(
			        &k->addresses[i], &op->address))
				k->addresses[i] =
				    k->addresses[--k->n_addresses];
		break;
	case DIFF_DEL_LINK:
		kernel_del_link(k, op->link.name);
		break;
	}
}

static void copy_net(struct net *to, const struct net *from)
{
	net_clear(to);
	for (size_t i = 0; i < from->n_links; i++)
		*net_add_link(to) = from->links[i];
	for (size_t i = 0; i < from->n_entries; i++)
		*net_add_entry(to) = from->entries[i];
	for (size_t i = 0; i < from->n_addresses; i++)
		*net_add_address(to) = from->addresses[i];
}

#endif
