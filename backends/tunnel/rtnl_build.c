/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations as netlink messages; see rtnl.h. */
#include "backends/tunnel/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

/* The messages of one operation, one after the other. */
struct builder {
	char *buffer;
	size_t len;
	unsigned n;
	unsigned (*index_of)(const char *name);
};

static struct nlmsghdr *begin(struct builder *b, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(b->buffer + b->len);

	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return m;
}

static void end(struct builder *b, const struct nlmsghdr *m)
{
	b->len += MNL_ALIGN(m->nlmsg_len);
	b->n++;
}

static struct ifinfomsg *put_ifinfo(struct nlmsghdr *m, unsigned index)
{
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof *info);

	info->ifi_index = (int)index;
	return info;
}

static const char *const kind_names[] = {
    [NET_BRIDGE] = "bridge",
    [NET_VXLAN] = "vxlan",
    [NET_VLAN] = "vlan",
    [NET_WIREGUARD] = "wireguard",
};

static void put_making(struct nlmsghdr *m, const struct net_link *link)
{
	struct nlattr *info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(m, IFLA_INFO_KIND, kind_names[link->kind]);
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	if (link->kind == NET_BRIDGE)
		mnl_attr_put_u8(m, IFLA_BR_MCAST_SNOOPING, 0);
	if (link->kind == NET_VXLAN) {
		mnl_attr_put_u32(m, IFLA_VXLAN_ID, link->vni);
		mnl_attr_put_u16(m, IFLA_VXLAN_PORT, htons(link->udp_port));
		mnl_attr_put_u8(m, IFLA_VXLAN_LEARNING, link->vxlan_learning);
	}
	if (link->kind == NET_VLAN)
		mnl_attr_put_u16(m, IFLA_VLAN_ID, link->vlan);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
}

/* The host has no address of its own in an environment, not even IPv6's
 * link-local one, with which a bridge that comes up would call out there. */
static void build_silence(struct builder *b, const struct net_link *link)
{
	struct nlmsghdr *m;
	struct nlattr *spec, *inet6;

	if (access("/proc/net/if_inet6", F_OK) != 0)
		return;
	m = begin(b, RTM_NEWLINK, 0);
	put_ifinfo(m, 0);
	mnl_attr_put_strz(m, IFLA_IFNAME, link->name);
	spec = mnl_attr_nest_start(m, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(m, AF_INET6);
	mnl_attr_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(m, inet6);
	mnl_attr_nest_end(m, spec);
	end(b, m);
}

static void build_add_link(struct builder *b, const struct net_link *link)
{
	unsigned lower = link->kind == NET_VLAN ? b->index_of(link->lower) : 0;
	struct nlmsghdr *m;

	if (link->kind == NET_VLAN && !lower)
		return;
	m = begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_ifinfo(m, 0);
	mnl_attr_put_strz(m, IFLA_IFNAME, link->name);
	mnl_attr_put_u32(m, IFLA_GROUP, link->group);
	if (lower)
		mnl_attr_put_u32(m, IFLA_LINK, lower);
	if (link->mtu)
		mnl_attr_put_u32(m, IFLA_MTU, link->mtu);
	put_making(m, link);
	end(b, m);
	build_silence(b, link);
}

static void build_set_link(struct builder *b, const struct net_link *link)
{
	struct nlmsghdr *m = begin(b, RTM_NEWLINK, 0);
	struct ifinfomsg *info = put_ifinfo(m, b->index_of(link->name));

	info->ifi_change = IFF_UP;
	info->ifi_flags = link->up ? IFF_UP : 0;
	if (link->mtu)
		mnl_attr_put_u32(m, IFLA_MTU, link->mtu);
	if (*link->alias)
		mnl_attr_put_str(m, IFLA_IFALIAS, link->alias);
	end(b, m);
}

static void build_set_master(struct builder *b, const struct net_link *link)
{
	unsigned master = *link->master ? b->index_of(link->master) : 0;
	struct nlmsghdr *m;

	if (*link->master && !master)
		return;
	m = begin(b, RTM_NEWLINK, 0);
	put_ifinfo(m, b->index_of(link->name));
	mnl_attr_put_u32(m, IFLA_MASTER, master);
	end(b, m);
}

static void put_flag(
    struct nlmsghdr *m, uint16_t type, uint32_t flags, uint32_t flag)
{
	mnl_attr_put_u8(m, type, (flags & flag) != 0);
}

static void build_set_flags(struct builder *b, const struct net_link *link)
{
	struct nlmsghdr *m = begin(b, RTM_NEWLINK, 0);
	struct nlattr *info, *data;
	uint32_t flags = link->port_flags;

	put_ifinfo(m, b->index_of(link->name));
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_SLAVE_KIND, "bridge");
	data = mnl_attr_nest_start(m, IFLA_INFO_SLAVE_DATA);
	put_flag(m, IFLA_BRPORT_LEARNING, flags, NET_LEARNING);
	put_flag(m, IFLA_BRPORT_UNICAST_FLOOD, flags, NET_FLOOD);
	put_flag(m, IFLA_BRPORT_ISOLATED, flags, NET_ISOLATED);
	put_flag(m, IFLA_BRPORT_LOCKED, flags, NET_LOCKED);
	put_flag(m, IFLA_BRPORT_NEIGH_SUPPRESS, flags, NET_ARP_SUPPRESS);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
	end(b, m);
}

static void build_del_link(struct builder *b, const struct net_link *link)
{
	struct nlmsghdr *m = begin(b, RTM_DELLINK, 0);

	put_ifinfo(m, b->index_of(link->name));
	end(b, m);
}

static bool is_broadcast(const struct net_entry *entry)
{
	static const struct mac broadcast;

	return entry->kind == NET_REMOTE && !mac_compare(entry->mac, broadcast);
}

static void build_entry(
    struct builder *b, const struct net_entry *entry, bool add)
{
	uint16_t flags = !add                  ? 0
	                 : is_broadcast(entry) ? NLM_F_CREATE | NLM_F_APPEND
	                                       : NLM_F_CREATE | NLM_F_REPLACE;
	struct nlmsghdr *m = begin(b, add ? RTM_NEWNEIGH : RTM_DELNEIGH, flags);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(m, sizeof *nd);

	nd->ndm_ifindex = (int)b->index_of(entry->link);
	nd->ndm_family = entry->kind == NET_NEIGHBOUR ? AF_INET : AF_BRIDGE;
	nd->ndm_state = entry->kind == NET_PLACE ? NUD_NOARP : NUD_PERMANENT;
	nd->ndm_flags = entry->kind == NET_PLACE    ? NTF_MASTER
	                : entry->kind == NET_REMOTE ? NTF_SELF
	                                            : 0;
	mnl_attr_put(m, NDA_LLADDR, sizeof entry->mac.byte, entry->mac.byte);
	if (entry->kind != NET_PLACE)
		mnl_attr_put_u32(m, NDA_DST, htonl(entry->ip));
	end(b, m);
}

static void build_address(
    struct builder *b, const struct net_address *address, bool add)
{
	struct nlmsghdr *m = begin(b, add ? RTM_NEWADDR : RTM_DELADDR,
	    add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(m, sizeof *info);

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = address->prefix;
	info->ifa_index = b->index_of(address->link);
	mnl_attr_put_u32(m, IFA_LOCAL, htonl(address->ip));
	mnl_attr_put_u32(m, IFA_ADDRESS, htonl(address->ip));
	end(b, m);
}

static const char *name_of(const struct diff_op *op)
{
	switch (op->verb) {
	case DIFF_ADD_ENTRY:
	case DIFF_DEL_ENTRY:
		return op->entry.link;
	case DIFF_ADD_ADDRESS:
	case DIFF_DEL_ADDRESS:
		return op->address.link;
	default:
		return op->link.name;
	}
}

unsigned rtnl_build(const struct diff_op *op,
    unsigned (*index_of)(const char *name), void *buffer, size_t *len)
{
	struct builder b = {.buffer = buffer, .index_of = index_of};

	*len = 0;
	if (op->verb != DIFF_ADD_LINK && !index_of(name_of(op)))
		return 0;
	switch (op->verb) {
	case DIFF_ADD_LINK:
		build_add_link(&b, &op->link);
		break;
	case DIFF_SET_LINK:
		build_set_link(&b, &op->link);
		break;
	case DIFF_SET_MASTER:
		build_set_master(&b, &op->link);
		break;
	case DIFF_SET_FLAGS:
		build_set_flags(&b, &op->link);
		break;
	case DIFF_DEL_LINK:
		build_del_link(&b, &op->link);
		break;
	case DIFF_ADD_ENTRY:
	case DIFF_DEL_ENTRY:
		build_entry(&b, &op->entry, op->verb == DIFF_ADD_ENTRY);
		break;
	case DIFF_ADD_ADDRESS:
	case DIFF_DEL_ADDRESS:
		build_address(&b, &op->address, op->verb == DIFF_ADD_ADDRESS);
		break;
	}
	*len = b.len;
	return b.n;
}

bool rtnl_apply(struct nl *nl, const struct diff_op *op, struct err *err)
{
	_Alignas(struct nlmsghdr) char buffer[RTNL_OP_BYTES] = {0};
	char text[DIFF_TEXT_BYTES];
	size_t len;
	unsigned n = rtnl_build(op, if_nametoindex, buffer, &len);

	if (!n || nl_send_batch(nl, buffer, len, n) || errno == ENODEV ||
	    errno == ENOENT || errno == EEXIST || errno == ESRCH)
		return true;
	if (errno == EOPNOTSUPP && op->verb == DIFF_ADD_LINK)
		return err_set(err,
		    "%s: this kernel has no %s interfaces: load the module, "
		    "or configure without them",
		    op->link.name, kind_names[op->link.kind]);
	return err_set(err, "%s: %s", diff_format(op, text), strerror(errno));
}
