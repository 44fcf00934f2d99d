/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the kernel's objects; see rtnl.h.  Writing is rtnl_build.c. */
#include "backends/tunnel/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* A table of attributes by type; those beyond `max` are passed over. */
struct attrs {
	const struct nlattr **by_type;
	uint16_t max;
};

static int on_attr(const struct nlattr *attr, void *data)
{
	const struct attrs *a = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= a->max)
		a->by_type[type] = attr;
	return MNL_CB_OK;
}

static void parse_nested(
    const struct nlattr *nest, const struct nlattr **by_type, uint16_t max)
{
	struct attrs a = {by_type, max};

	memset(by_type, 0, (max + 1u) * sizeof(struct nlattr *));
	if (nest)
		mnl_attr_parse_nested(nest, on_attr, &a);
}

static bool has_bytes(const struct nlattr *attr, size_t n)
{
	return attr && mnl_attr_get_payload_len(attr) >= n;
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return has_bytes(attr, 4) ? mnl_attr_get_u32(attr) : 0;
}

static uint16_t get_u16(const struct nlattr *attr)
{
	return has_bytes(attr, 2) ? mnl_attr_get_u16(attr) : 0;
}

static bool get_bool(const struct nlattr *attr)
{
	return has_bytes(attr, 1) && mnl_attr_get_u8(attr) != 0;
}

/* Text that may lack its zero. */
static void get_text(const struct nlattr *attr, char *text, size_t cap)
{
	size_t n = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (n >= cap)
		n = cap - 1;
	if (n)
		memcpy(text, mnl_attr_get_payload(attr), n);
	text[n] = '\0';
}

static enum net_kind parse_kind(const struct nlattr *kind)
{
	char text[16];

	get_text(kind, text, sizeof text);
	return !strcmp(text, "bridge")      ? NET_BRIDGE
	       : !strcmp(text, "vxlan")     ? NET_VXLAN
	       : !strcmp(text, "vlan")      ? NET_VLAN
	       : !strcmp(text, "wireguard") ? NET_WIREGUARD
	                                    : NET_PORT;
}

static uint32_t parse_port_flags(const struct nlattr *data)
{
	static const struct {
		uint16_t type;
		uint32_t flag;
	} flags[] = {
	    {IFLA_BRPORT_LEARNING, NET_LEARNING},
	    {IFLA_BRPORT_UNICAST_FLOOD, NET_FLOOD},
	    {IFLA_BRPORT_ISOLATED, NET_ISOLATED},
	    {IFLA_BRPORT_LOCKED, NET_LOCKED},
	    {IFLA_BRPORT_NEIGH_SUPPRESS, NET_ARP_SUPPRESS},
	};
	const struct nlattr *tb[IFLA_BRPORT_LOCKED + 1];
	uint32_t set = 0;

	parse_nested(data, tb, IFLA_BRPORT_LOCKED);
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (get_bool(tb[flags[i].type]))
			set |= flags[i].flag;
	return set;
}

static void parse_making(struct net_link *link, const struct nlattr *info)
{
	const struct nlattr *tb[IFLA_INFO_SLAVE_DATA + 1];
	const struct nlattr *data[IFLA_VXLAN_MAX + 1];
	char slave[16];

	parse_nested(info, tb, IFLA_INFO_SLAVE_DATA);
	link->kind = parse_kind(tb[IFLA_INFO_KIND]);
	get_text(tb[IFLA_INFO_SLAVE_KIND], slave, sizeof slave);
	if (!strcmp(slave, "bridge"))
		link->port_flags = parse_port_flags(tb[IFLA_INFO_SLAVE_DATA]);
	parse_nested(tb[IFLA_INFO_DATA], data, IFLA_VXLAN_MAX);
	if (link->kind == NET_VXLAN) {
		link->vni = get_u32(data[IFLA_VXLAN_ID]);
		link->udp_port = ntohs(get_u16(data[IFLA_VXLAN_PORT]));
		link->vxlan_learning = get_bool(data[IFLA_VXLAN_LEARNING]);
	}
	if (link->kind == NET_VLAN)
		link->vlan = get_u16(data[IFLA_VLAN_ID]);
}

static void parse_counters(struct net_link *link, const struct nlattr *attr)
{
	struct rtnl_link_stats64 stats = {0};
	size_t n = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (n > sizeof stats)
		n = sizeof stats;
	if (n)
		memcpy(&stats, mnl_attr_get_payload(attr), n);
	link->counters = (struct net_counters){
	    .rx_bytes = stats.rx_bytes,
	    .rx_packets = stats.rx_packets,
	    .rx_dropped = stats.rx_dropped,
	    .tx_bytes = stats.tx_bytes,
	    .tx_packets = stats.tx_packets,
	    .tx_dropped = stats.tx_dropped,
	};
}

/* An index that becomes a name in rtnl_finish, kept in the name's place. */
static void put_index(char name[IFNAMSIZ], uint32_t index)
{
	memset(name, 0, IFNAMSIZ);
	memcpy(name, &index, sizeof index);
}

static void resolve_index(const struct net *net, char name[IFNAMSIZ])
{
	const struct net_link *link;
	uint32_t index;

	memcpy(&index, name, sizeof index);
	link = index ? net_find_index(net, index) : NULL;
	memset(name, 0, IFNAMSIZ);
	if (link)
		memcpy(name, link->name, IFNAMSIZ);
}

static bool parse_link(const struct nlmsghdr *message, struct net *net)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *tb[IFLA_MAX + 1] = {0};
	struct attrs a = {tb, IFLA_MAX};
	struct net_link *link;

	if (!nl_has_payload(message, sizeof *info))
		return false;
	mnl_attr_parse(message, sizeof *info, on_attr, &a);
	if (info->ifi_family != AF_UNSPEC || !tb[IFLA_IFNAME])
		return true;
	link = net_add_link(net);
	link->index = (uint32_t)info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	get_text(tb[IFLA_IFNAME], link->name, sizeof link->name);
	get_text(tb[IFLA_IFALIAS], link->alias, sizeof link->alias);
	put_index(link->master, get_u32(tb[IFLA_MASTER]));
	put_index(link->lower, get_u32(tb[IFLA_LINK]));
	link->mtu = get_u32(tb[IFLA_MTU]);
	link->group = get_u32(tb[IFLA_GROUP]);
	parse_making(link, tb[IFLA_LINKINFO]);
	parse_counters(link, tb[IFLA_STATS64]);
	return true;
}

static void parse_entry(
    struct net *net, const struct ndmsg *nd, const struct nlattr *const tb[])
{
	const struct net_link *link =
	    net_find_index(net, (uint32_t)nd->ndm_ifindex);
	bool bridged = nd->ndm_family == AF_BRIDGE;
	enum net_entry_kind kind;
	struct net_entry *entry;
	bool static_state;

	if (!link || !has_bytes(tb[NDA_LLADDR], sizeof(struct mac)))
		return;
	/* The bridge's own addresses are PERMANENT, what is placed is NOARP;
	 * of neighbours and remotes, PERMANENT is what a table set. */
	if (bridged && tb[NDA_MASTER]) {
		if (nd->ndm_state & NUD_PERMANENT)
			return;
		kind = NET_PLACE;
		static_state = nd->ndm_state & NUD_NOARP;
	} else if (has_bytes(tb[NDA_DST], 4) && !has_bytes(tb[NDA_DST], 5) &&
	           !(nd->ndm_state & NUD_NOARP && !bridged)) {
		kind = bridged ? NET_REMOTE : NET_NEIGHBOUR;
		static_state = nd->ndm_state & (NUD_PERMANENT | NUD_NOARP);
	} else {
		return;
	}
	entry = net_add_entry(net);
	entry->kind = kind;
	entry->dynamic = !static_state;
	memcpy(entry->link, link->name, sizeof entry->link);
	memcpy(entry->mac.byte, mnl_attr_get_payload(tb[NDA_LLADDR]),
	    sizeof entry->mac.byte);
	if (kind != NET_PLACE)
		entry->ip = ntohl(get_u32(tb[NDA_DST]));
}

static bool parse_neighbour(const struct nlmsghdr *message, struct net *net)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(message);
	const struct nlattr *tb[NDA_MAX + 1] = {0};
	struct attrs a = {tb, NDA_MAX};

	if (!nl_has_payload(message, sizeof *nd))
		return false;
	mnl_attr_parse(message, sizeof *nd, on_attr, &a);
	if (nd->ndm_family == AF_BRIDGE || nd->ndm_family == AF_INET)
		parse_entry(net, nd, tb);
	return true;
}

static bool parse_address(const struct nlmsghdr *message, struct net *net)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *tb[IFA_MAX + 1] = {0};
	struct attrs a = {tb, IFA_MAX};
	const struct net_link *link;
	struct net_address *address;

	if (!nl_has_payload(message, sizeof *info))
		return false;
	mnl_attr_parse(message, sizeof *info, on_attr, &a);
	link = net_find_index(net, info->ifa_index);
	if (info->ifa_family != AF_INET || !link ||
	    !has_bytes(tb[IFA_LOCAL], 4))
		return true;
	address = net_add_address(net);
	memcpy(address->link, link->name, sizeof address->link);
	address->ip = ntohl(get_u32(tb[IFA_LOCAL]));
	address->prefix = info->ifa_prefixlen;
	return true;
}

bool rtnl_parse(const struct nlmsghdr *message, struct net *net)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
		return parse_link(message, net);
	case RTM_NEWNEIGH:
		return parse_neighbour(message, net);
	case RTM_NEWADDR:
		return parse_address(message, net);
	}
	return true;
}

void rtnl_finish(struct net *net)
{
	for (size_t i = 0; i < net->n_links; i++) {
		resolve_index(net, net->links[i].master);
		resolve_index(net, net->links[i].lower);
	}
	net_sort(net);
}

static bool visit(const struct nlmsghdr *message, void *context)
{
	return rtnl_parse(message, context);
}

/* One dump; a cut one is made again from where the table was. */
struct dump {
	struct net *net;
	struct net start;
};

static bool visit_dump(const struct nlmsghdr *message, void *context)
{
	struct dump *d = context;

	return visit(message, d->net);
}

static void restart_dump(void *context)
{
	struct dump *d = context;

	d->net->n_links = d->start.n_links;
	d->net->n_entries = d->start.n_entries;
	d->net->n_addresses = d->start.n_addresses;
}

static bool read_table(
    struct nl *nl, struct net *net, uint16_t type, uint8_t family)
{
	_Alignas(struct nlmsghdr) char buffer[256] = {0};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct dump d = {net, *net};
	/* The families of all these headers stand in their first byte; the
	 * longest, of links, does for all but neighbours'. */
	size_t header = type == RTM_GETNEIGH  ? sizeof(struct ndmsg)
	                : type == RTM_GETADDR ? sizeof(struct ifaddrmsg)
	                                      : sizeof(struct ifinfomsg);
	uint8_t *start;

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	start = mnl_nlmsg_put_extra_header(request, header);
	start[0] = family;
	return nl_request(nl, request, visit_dump, restart_dump, &d);
}

bool rtnl_read(struct nl *nl, struct net *net, struct err *err)
{
	net_clear(net);
	if (!read_table(nl, net, RTM_GETLINK, AF_UNSPEC) ||
	    !read_table(nl, net, RTM_GETNEIGH, AF_BRIDGE) ||
	    !read_table(nl, net, RTM_GETNEIGH, AF_INET) ||
	    !read_table(nl, net, RTM_GETADDR, AF_INET))
		return err_set(
		    err, "reading the kernel's tables: %s", strerror(errno));
	rtnl_finish(net);
	return true;
}

struct path {
	uint32_t index, mtu;
};

static bool visit_route(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *tb[RTA_MAX + 1] = {0};
	const struct nlattr *metrics[RTAX_MAX + 1];
	struct attrs a = {tb, RTA_MAX};
	struct path *path = context;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    !nl_has_payload(message, sizeof(struct rtmsg)))
		return true;
	mnl_attr_parse(message, sizeof(struct rtmsg), on_attr, &a);
	parse_nested(tb[RTA_METRICS], metrics, RTAX_MAX);
	path->index = get_u32(tb[RTA_OIF]);
	path->mtu = get_u32(metrics[RTAX_MTU]);
	return true;
}

uint32_t rtnl_read_path_mtu(struct nl *nl, uint32_t ip, char link[IFNAMSIZ])
{
	_Alignas(struct nlmsghdr) char buffer[256] = {0};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route;
	struct path path = {0};
	struct net net = {0};
	const struct net_link *out;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	route = mnl_nlmsg_put_extra_header(request, sizeof *route);
	route->rtm_family = AF_INET;
	route->rtm_dst_len = 32;
	mnl_attr_put_u32(request, RTA_DST, htonl(ip));
	if (!nl_request(nl, request, visit_route, NULL, &path) ||
	    !read_table(nl, &net, RTM_GETLINK, AF_UNSPEC))
		path.index = 0;
	out = path.index ? net_find_index(&net, path.index) : NULL;
	if (out && (!path.mtu || path.mtu > out->mtu))
		path.mtu = out->mtu;
	if (link)
		snprintf(link, IFNAMSIZ, "%s", out ? out->name : "");
	net_fini(&net);
	return out ? path.mtu : 0;
}
