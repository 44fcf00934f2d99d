/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what is to what should be; see diff.h. */
#include "backends/tunnel/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diff_fini(struct diff *diff)
{
	free(diff->ops);
	*diff = (struct diff){0};
}

static struct diff_op *add_op(struct diff *diff, enum diff_verb verb)
{
	if (diff->n_ops == diff->cap) {
		diff->cap = diff->cap ? 2 * diff->cap : 32;
		diff->ops = realloc(diff->ops, diff->cap * sizeof *diff->ops);
		if (!diff->ops)
			abort();
	}
	diff->ops[diff->n_ops] = (struct diff_op){.verb = verb};
	return &diff->ops[diff->n_ops++];
}

static void add_link_op(
    struct diff *diff, enum diff_verb verb, const struct net_link *link)
{
	add_op(diff, verb)->link = *link;
}

/* What a link cannot change after its creation. */
static bool same_making(const struct net_link *a, const struct net_link *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == NET_VXLAN)
		return a->vni == b->vni && a->udp_port == b->udp_port &&
		       a->vxlan_learning == b->vxlan_learning;
	if (a->kind == NET_VLAN)
		return a->vlan == b->vlan && !strcmp(a->lower, b->lower);
	return true;
}

static bool conflicts(
    const struct net_link *want, const struct net_link *is, struct err *err)
{
	if (want->kind == NET_PORT || !is || net_owned(is))
		return false;
	err_set(err,
	    "%s: there is already an interface of that name that is not "
	    "ours (its group is not %u): rename or remove it",
	    want->name, NET_GROUP);
	return true;
}

static bool settings_differ(
    const struct net_link *want, const struct net_link *is)
{
	return (want->mtu && want->mtu != is->mtu) || want->up != is->up ||
	       (*want->alias && strcmp(want->alias, is->alias) != 0);
}

static void diff_link(
    struct diff *diff, const struct net_link *want, const struct net_link *is)
{
	static const struct net_link absent;
	bool wrong = is && !same_making(want, is);

	if (!is && want->kind == NET_PORT)
		return;
	if (wrong)
		add_link_op(diff, DIFF_DEL_LINK, is);
	if (!is || wrong)
		add_link_op(diff, DIFF_ADD_LINK, want);
	if (!is || wrong)
		is = &absent;
	if (strcmp(want->master, is->master) != 0) {
		add_link_op(diff, DIFF_SET_MASTER, want);
		if (*want->master)
			add_link_op(diff, DIFF_SET_FLAGS, want);
	} else if (*want->master && want->port_flags != is->port_flags) {
		add_link_op(diff, DIFF_SET_FLAGS, want);
	}
	if (settings_differ(want, is))
		add_link_op(diff, DIFF_SET_LINK, want);
}

/* Bridges before what goes into them. */
static void diff_links(
    struct diff *diff, const struct net *want, const struct net *actual)
{
	for (int ports = 0; ports < 2; ports++)
		for (size_t i = 0; i < want->n_links; i++) {
			const struct net_link *link = &want->links[i];

			if ((*link->master != '\0') == ports)
				diff_link(diff, link,
				    net_find_link(actual, link->name));
		}
}

static int by_entry(const void *a, const void *b)
{
	return net_compare_entries(a, b);
}

static bool has_entry(const struct net *net, const struct net_entry *entry)
{
	const struct net_entry *found = NULL;

	if (net->n_entries)
		found = bsearch(entry, net->entries, net->n_entries,
		    sizeof *entry, by_entry);
	return found && !found->dynamic;
}

/* Is the entry on a link that keeps its place, or else gone with it? */
static bool on_lasting_link(const struct net *want, const struct net *actual,
    const struct net_entry *entry)
{
	const struct net_link *is = net_find_link(actual, entry->link);
	const struct net_link *wanted = net_find_link(want, entry->link);

	return is && wanted && same_making(wanted, is) &&
	       !strcmp(wanted->master, is->master);
}

static void add_entries(struct diff *diff, const struct net *want,
    const struct net *actual, enum net_entry_kind kind)
{
	for (size_t i = 0; i < want->n_entries; i++) {
		const struct net_entry *entry = &want->entries[i];

		if (entry->kind == kind &&
		    !(has_entry(actual, entry) &&
		        on_lasting_link(want, actual, entry)))
			add_op(diff, DIFF_ADD_ENTRY)->entry = *entry;
	}
}

/* An addition of the same MAC or IP has replaced it already. */
static bool is_replaced(const struct net *want, const struct net_entry *old)
{
	static const struct mac broadcast;

	if (old->kind == NET_REMOTE && !mac_compare(old->mac, broadcast))
		return false;
	for (size_t i = 0; i < want->n_entries; i++) {
		const struct net_entry *new = &want->entries[i];

		if (new->kind != old->kind)
			continue;
		if (new->kind == NET_NEIGHBOUR
		        ? new->ip == old->ip && !strcmp(new->link, old->link)
		        : !mac_compare(new->mac, old->mac) &&
		              (new->kind == NET_PLACE ||
		                  !strcmp(new->link, old->link)))
			return true;
	}
	return false;
}

/* Ours are the entries of links of ours, and the places in bridges of ours. */
static bool entry_owned(const struct net *actual, const struct net_entry *e)
{
	const struct net_link *link = net_find_link(actual, e->link);
	const struct net_link *bridge;

	if (!link || net_owned(link))
		return link;
	bridge = net_find_link(actual, link->master);
	return e->kind == NET_PLACE && bridge && net_owned(bridge);
}

static void del_entries(
    struct diff *diff, const struct net *want, const struct net *actual)
{
	for (size_t i = 0; i < actual->n_entries; i++) {
		const struct net_entry *entry = &actual->entries[i];

		if (on_lasting_link(want, actual, entry) &&
		    entry_owned(actual, entry) && !has_entry(want, entry) &&
		    !is_replaced(want, entry))
			add_op(diff, DIFF_DEL_ENTRY)->entry = *entry;
	}
}

static bool has_address(
    const struct net *net, const struct net_address *address)
{
	for (size_t i = 0; i < net->n_addresses; i++)
		if (!net_compare_addresses(&net->addresses[i], address))
			return true;
	return false;
}

static void diff_addresses(
    struct diff *diff, const struct net *want, const struct net *actual)
{
	for (size_t i = 0; i < want->n_addresses; i++)
		if (!has_address(actual, &want->addresses[i]))
			add_op(diff, DIFF_ADD_ADDRESS)->address =
			    want->addresses[i];
	for (size_t i = 0; i < actual->n_addresses; i++) {
		const struct net_address *a = &actual->addresses[i];
		const struct net_link *link = net_find_link(actual, a->link);

		if (link && net_owned(link) && net_find_link(want, a->link) &&
		    !has_address(want, a))
			add_op(diff, DIFF_DEL_ADDRESS)->address = *a;
	}
}

/* Ports that no longer belong leave their bridge, then links of ours go. */
static void del_links(
    struct diff *diff, const struct net *want, const struct net *actual)
{
	struct mac mac;

	for (size_t i = 0; i < actual->n_links; i++) {
		struct net_link link = actual->links[i];
		const struct net_link *master =
		    net_find_link(actual, link.master);

		if (!net_port_mac(&link, &mac) || !master ||
		    !net_owned(master) || net_find_link(want, link.name))
			continue;
		*link.master = '\0';
		add_link_op(diff, DIFF_SET_MASTER, &link);
	}
	for (int bridges = 0; bridges < 2; bridges++)
		for (size_t i = 0; i < actual->n_links; i++) {
			const struct net_link *link = &actual->links[i];

			if (net_owned(link) &&
			    (link->kind == NET_BRIDGE) == bridges &&
			    !net_find_link(want, link->name))
				add_link_op(diff, DIFF_DEL_LINK, link);
		}
}

bool diff_nets(struct diff *diff, const struct net *want,
    const struct net *actual, struct err *err)
{
	for (size_t i = 0; i < want->n_links; i++)
		if (conflicts(&want->links[i],
		        net_find_link(actual, want->links[i].name), err))
			return false;
	diff_links(diff, want, actual);
	diff_addresses(diff, want, actual);
	add_entries(diff, want, actual, NET_NEIGHBOUR);
	add_entries(diff, want, actual, NET_REMOTE);
	add_entries(diff, want, actual, NET_PLACE);
	del_entries(diff, want, actual);
	del_links(diff, want, actual);
	return true;
}

static const char *format_entry(
    const char *verb, const struct net_entry *e, char text[DIFF_TEXT_BYTES])
{
	static const char *const kinds[] = {
	    [NET_NEIGHBOUR] = "neighbour",
	    [NET_REMOTE] = "remote",
	    [NET_PLACE] = "place",
	};
	char mac[MAC_TEXT_BYTES], ip[IP_TEXT_BYTES];

	snprintf(text, DIFF_TEXT_BYTES, "%s %s %s %s%s%s", verb, kinds[e->kind],
	    e->link, mac_format(e->mac, mac), e->ip ? " " : "",
	    e->ip ? ip_format(e->ip, ip) : "");
	return text;
}

const char *diff_format(const struct diff_op *op, char text[DIFF_TEXT_BYTES])
{
	const struct net_link *l = &op->link;
	char ip[IP_TEXT_BYTES];

	switch (op->verb) {
	case DIFF_ADD_LINK:
		snprintf(text, DIFF_TEXT_BYTES, "add link %s", l->name);
		break;
	case DIFF_SET_LINK:
		snprintf(text, DIFF_TEXT_BYTES, "set link %s mtu %u %s",
		    l->name, l->mtu, l->up ? "up" : "down");
		break;
	case DIFF_SET_MASTER:
		snprintf(text, DIFF_TEXT_BYTES, "set master %s %s", l->name,
		    *l->master ? l->master : "none");
		break;
	case DIFF_SET_FLAGS:
		snprintf(text, DIFF_TEXT_BYTES, "set flags %s %#x", l->name,
		    l->port_flags);
		break;
	case DIFF_DEL_LINK:
		snprintf(text, DIFF_TEXT_BYTES, "del link %s", l->name);
		break;
	case DIFF_ADD_ENTRY:
		return format_entry("add", &op->entry, text);
	case DIFF_DEL_ENTRY:
		return format_entry("del", &op->entry, text);
	case DIFF_ADD_ADDRESS:
	case DIFF_DEL_ADDRESS:
		snprintf(text, DIFF_TEXT_BYTES, "%s address %s %s/%u",
		    op->verb == DIFF_ADD_ADDRESS ? "add" : "del",
		    op->address.link, ip_format(op->address.ip, ip),
		    op->address.prefix);
		break;
	}
	return text;
}
