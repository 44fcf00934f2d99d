/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes that the tunnel daemon says to the kernel and hears from it:
 * rtnetlink, WireGuard's generic netlink, nf_tables.  Each message is walked
 * by its attributes, as the kernel does; what is written is read back.
 */
#include <arpa/inet.h>
#include <check.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/tunnel/announce.h"
#include "backends/tunnel/filter.h"
#include "backends/tunnel/nft.h"
#include "backends/tunnel/rtnl.h"
#include "backends/tunnel/wireguard.h"

static _Alignas(struct nlmsghdr) char buffer[RTNL_OP_BYTES];

static unsigned index_of(const char *name)
{
	return !strcmp(name, "viob7")   ? 3
	       : !strcmp(name, "viox7") ? 4
	       : !strcmp(name, "p0")    ? 5
	       : !strcmp(name, "up")    ? 2
	                                : 0;
}

static const struct nlattr *attr_in(
    const void *start, size_t len, uint16_t type)
{
	const struct nlattr *attr = start;

	for (; mnl_attr_ok(
	         attr, (int)((const char *)start + len - (const char *)attr));
	     attr = mnl_attr_next(attr))
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static const struct nlattr *attr_of(
    const struct nlmsghdr *m, size_t header, uint16_t type)
{
	return attr_in(mnl_nlmsg_get_payload_offset(m, header),
	    mnl_nlmsg_get_payload_len(m) - MNL_ALIGN(header), type);
}

static const struct nlattr *nested(const struct nlattr *nest, uint16_t type)
{
	return nest ? attr_in(mnl_attr_get_payload(nest),
	                  mnl_attr_get_payload_len(nest), type)
	            : NULL;
}

/* Rtnetlink. */

START_TEST(vxlan_is_made_marked_and_does_not_learn)
{
	struct diff_op op = {.verb = DIFF_ADD_LINK};
	const struct nlmsghdr *m = (const struct nlmsghdr *)buffer;
	const struct nlattr *info, *data;
	size_t len;

	strcpy(op.link.name, "viox7");
	op.link.kind = NET_VXLAN;
	op.link.group = NET_GROUP;
	op.link.vni = 7;
	op.link.udp_port = 4789;
	ck_assert_uint_ge(rtnl_build(&op, index_of, buffer, &len), 1);
	ck_assert_uint_eq(m->nlmsg_type, RTM_NEWLINK);
	ck_assert_uint_eq(m->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL),
	    NLM_F_CREATE | NLM_F_EXCL);
	ck_assert_uint_eq(
	    mnl_attr_get_u32(attr_of(m, sizeof(struct ifinfomsg), IFLA_GROUP)),
	    NET_GROUP);
	info = attr_of(m, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	ck_assert_str_eq(
	    mnl_attr_get_str(nested(info, IFLA_INFO_KIND)), "vxlan");
	data = nested(info, IFLA_INFO_DATA);
	ck_assert_uint_eq(mnl_attr_get_u32(nested(data, IFLA_VXLAN_ID)), 7);
	ck_assert_uint_eq(
	    mnl_attr_get_u16(nested(data, IFLA_VXLAN_PORT)), htons(4789));
	ck_assert_uint_eq(
	    mnl_attr_get_u8(nested(data, IFLA_VXLAN_LEARNING)), 0);
}
END_TEST

START_TEST(vlan_hangs_on_its_uplink)
{
	struct diff_op op = {.verb = DIFF_ADD_LINK};
	const struct nlmsghdr *m = (const struct nlmsghdr *)buffer;
	const struct nlattr *info;
	size_t len;

	strcpy(op.link.name, "viov7");
	strcpy(op.link.lower, "up");
	op.link.kind = NET_VLAN;
	op.link.vlan = 207;
	ck_assert_uint_ge(rtnl_build(&op, index_of, buffer, &len), 1);
	ck_assert_uint_eq(
	    mnl_attr_get_u32(attr_of(m, sizeof(struct ifinfomsg), IFLA_LINK)),
	    2);
	info = attr_of(m, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	ck_assert_uint_eq(mnl_attr_get_u16(nested(
	                      nested(info, IFLA_INFO_DATA), IFLA_VLAN_ID)),
	    207);
	strcpy(op.link.lower, "gone");
	ck_assert_uint_eq(rtnl_build(&op, index_of, buffer, &len), 0);
}
END_TEST

static struct diff_op entry_op(
    enum net_entry_kind kind, const char *link, uint8_t mac, uint32_t ip)
{
	struct diff_op op = {.verb = DIFF_ADD_ENTRY};

	op.entry.kind = kind;
	strcpy(op.entry.link, link);
	op.entry.mac.byte[5] = mac;
	op.entry.mac.byte[0] = mac ? 2 : 0;
	op.entry.ip = ip;
	return op;
}

/* Unicast replaces what was there, in one step; broadcast adds to it. */
START_TEST(entries_replace_and_broadcast_appends)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)buffer;
	struct diff_op unicast = entry_op(NET_REMOTE, "viox7", 1, 0x0a000001);
	struct diff_op all = entry_op(NET_REMOTE, "viox7", 0, 0x0a000001);
	size_t len;

	ck_assert_uint_eq(rtnl_build(&unicast, index_of, buffer, &len), 1);
	ck_assert_uint_eq(
	    m->nlmsg_flags & (NLM_F_REPLACE | NLM_F_APPEND), NLM_F_REPLACE);
	ck_assert_uint_eq(
	    mnl_attr_get_u32(attr_of(m, sizeof(struct ndmsg), NDA_DST)),
	    htonl(0x0a000001));
	ck_assert_uint_eq(rtnl_build(&all, index_of, buffer, &len), 1);
	ck_assert_uint_eq(
	    m->nlmsg_flags & (NLM_F_REPLACE | NLM_F_APPEND), NLM_F_APPEND);
}
END_TEST

/* A kernel's dump is made of messages like those that we write. */
static void dump_link(struct net *net, const char *name, uint32_t index)
{
	_Alignas(struct nlmsghdr) char bytes[256] = {0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(bytes);
	struct ifinfomsg *info;

	m->nlmsg_type = RTM_NEWLINK;
	info = mnl_nlmsg_put_extra_header(m, sizeof *info);
	info->ifi_index = (int)index;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	ck_assert(rtnl_parse(m, net));
}

START_TEST(entries_are_read_as_they_were_written)
{
	struct diff_op ops[] = {
	    entry_op(NET_REMOTE, "viox7", 1, 0x0a000001),
	    entry_op(NET_REMOTE, "viox7", 0, 0x0a000002),
	    entry_op(NET_PLACE, "p0", 3, 0),
	    entry_op(NET_NEIGHBOUR, "viob7", 4, 0xc0a80001),
	};
	struct net net = {0};
	size_t len, n = sizeof ops / sizeof ops[0];

	dump_link(&net, "viob7", 3);
	dump_link(&net, "viox7", 4);
	dump_link(&net, "p0", 5);
	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr *m = (struct nlmsghdr *)buffer;

		rtnl_build(&ops[i], index_of, buffer, &len);
		if (ops[i].entry.kind == NET_PLACE)
			mnl_attr_put_u32(m, NDA_MASTER, 3);
		ck_assert(rtnl_parse(m, &net));
	}
	rtnl_finish(&net);
	ck_assert_uint_eq(net.n_entries, n);
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found |= !net.entries[k].dynamic &&
			         !net_compare_entries(
			             &net.entries[k], &ops[i].entry);
		ck_assert(found);
	}
	net_fini(&net);
}
END_TEST

START_TEST(short_message_is_malformed)
{
	struct net net = {0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);

	m->nlmsg_type = RTM_NEWLINK;
	ck_assert(!rtnl_parse(m, &net));
	m->nlmsg_type = RTM_NEWNEIGH;
	ck_assert(!rtnl_parse(m, &net));
	net_fini(&net);
}
END_TEST

/* WireGuard. */

static struct site_domain domains[2] = {{.name = "x"}, {.name = "y"}};
static struct site_host hosts[40];
static struct site_environment envs[2] = {
    {.name = "e", .vni = 7, .mtu = 1390, .broadcast_pps = 100},
    {.name = "f", .vni = 8, .mtu = 1390},
};
static struct site site = {
    .vxlan_port = 4789,
    .wireguard_port = 51820,
    .domains = domains,
    .n_domains = 2,
    .hosts = hosts,
    .n_hosts = 40,
    .environments = envs,
    .n_environments = 2,
};

static void make_hosts(void)
{
	for (uint32_t i = 0; i < 40; i++) {
		snprintf(hosts[i].name, sizeof hosts[i].name, "h%u", i);
		hosts[i].domain = i != 0;
		hosts[i].address = 0x0a000000 + i + 1;
		hosts[i].tunnel_address = 0x0a630000 + i + 1;
		hosts[i].wireguard_key.bytes[0] = (uint8_t)(200 - i);
	}
}

/* What the kernel would have after these messages: they are read as its dump
 * is, since both have the same attributes. */
static size_t follow(const struct wireguard *wg,
    struct wireguard_device *kernel, const struct wireguard_device *want)
{
	static _Alignas(struct nlmsghdr) char bytes[WIREGUARD_MESSAGE_BYTES];
	size_t at = 0, n = 0;

	for (;;) {
		memset(bytes, 0, sizeof bytes);
		if (!wireguard_build(wg, want, kernel, &at, bytes))
			return n;
		ck_assert(
		    wireguard_parse((const struct nlmsghdr *)bytes, kernel));
		n++;
	}
}

START_TEST(peers_are_those_of_other_domains)
{
	struct wireguard wg = {.family = 30};
	struct wireguard_device want = {0};

	make_hosts();
	wireguard_want(&want, &site, 0, &wg);
	ck_assert_uint_eq(want.n_peers, 39);
	for (size_t i = 1; i < want.n_peers; i++)
		ck_assert_int_lt(memcmp(want.peers[i - 1].key.bytes,
		                     want.peers[i].key.bytes, 32),
		    0);
	wireguard_device_fini(&want);
	wireguard_want(&want, &site, 1, &wg);
	ck_assert_uint_eq(want.n_peers, 1);
	ck_assert_uint_eq(want.peers[0].endpoint, hosts[0].address);
	ck_assert_uint_eq(want.peers[0].allowed, hosts[0].tunnel_address);
	wireguard_device_fini(&want);
}
END_TEST

START_TEST(peers_reach_the_kernel_whole_in_several_messages)
{
	struct wireguard wg = {.family = 30};
	struct wireguard_device want = {0}, kernel = {0};

	make_hosts();
	wireguard_want(&want, &site, 0, &wg);
	ck_assert_uint_gt(follow(&wg, &kernel, &want), 1);
	ck_assert_uint_eq(kernel.n_peers, want.n_peers);
	ck_assert_uint_eq(kernel.listen_port, 51820);
	for (size_t i = 0; i < want.n_peers; i++) {
		ck_assert(curve_public_equal(
		    &want.peers[i].key, &kernel.peers[i].key));
		ck_assert_uint_eq(
		    want.peers[i].endpoint, kernel.peers[i].endpoint);
		ck_assert_uint_eq(
		    want.peers[i].allowed, kernel.peers[i].allowed);
		ck_assert_uint_eq(want.peers[i].port, kernel.peers[i].port);
	}
	wireguard_device_fini(&want);
	wireguard_device_fini(&kernel);
}
END_TEST

/* Nor one that roamed: its endpoint is newer than the site file. */
START_TEST(right_peers_are_not_touched)
{
	struct wireguard wg = {.family = 30};
	struct wireguard_device want = {0}, kernel = {0};

	make_hosts();
	wireguard_want(&want, &site, 0, &wg);
	follow(&wg, &kernel, &want);
	kernel.peers[5].endpoint++;
	ck_assert_uint_eq(follow(&wg, &kernel, &want), 0);
	wireguard_device_fini(&want);
	wireguard_device_fini(&kernel);
}
END_TEST

START_TEST(stranger_is_removed_and_nobody_else)
{
	static _Alignas(struct nlmsghdr) char bytes[WIREGUARD_MESSAGE_BYTES];
	struct wireguard wg = {.family = 30};
	struct wireguard_device want = {0}, kernel = {0};
	const struct nlattr *peer;
	size_t at = 0;

	make_hosts();
	wireguard_want(&want, &site, 0, &wg);
	follow(&wg, &kernel, &want);
	kernel.peers[3].key.bytes[9] = 1;
	want.peers[3] = want.peers[--want.n_peers];
	want.n_peers = 3;
	kernel.n_peers = 4;
	ck_assert_uint_gt(wireguard_build(&wg, &want, &kernel, &at, bytes), 0);
	peer = nested(attr_of((const struct nlmsghdr *)bytes,
	                  sizeof(struct genlmsghdr), WGDEVICE_A_PEERS),
	    0);
	ck_assert_uint_eq(
	    mnl_attr_get_u32(nested(peer, WGPEER_A_FLAGS)), WGPEER_F_REMOVE_ME);
	ck_assert_mem_eq(
	    mnl_attr_get_payload(nested(peer, WGPEER_A_PUBLIC_KEY)),
	    kernel.peers[3].key.bytes, 32);
	ck_assert_uint_eq(wireguard_build(&wg, &want, &kernel, &at, bytes), 0);
	wireguard_device_fini(&want);
	wireguard_device_fini(&kernel);
}
END_TEST

/* Nf_tables. */

/* Walks a transaction: whole messages between a begin and an end. */
static unsigned count_messages(const void *batch, size_t len, uint8_t type)
{
	const struct nlmsghdr *m = batch;
	int left = (int)len;
	unsigned n = 0;

	ck_assert_uint_eq(m->nlmsg_type, NFNL_MSG_BATCH_BEGIN);
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		n += m->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
		if (m->nlmsg_type == NFNL_MSG_BATCH_END)
			ck_assert_int_eq(left, (int)MNL_ALIGN(m->nlmsg_len));
	}
	ck_assert_int_eq(left, 0);
	return n;
}

static void want_ports(struct net *want, unsigned n)
{
	for (unsigned i = 0; i <= n; i++) {
		struct net_link *l = net_add_link(want);

		if (i)
			snprintf(l->name, sizeof l->name, "port%u", i);
		else
			strcpy(l->name, "viob7");
		l->kind = i ? NET_PORT : NET_BRIDGE;
		strcpy(l->master, i ? "viob7" : "");
	}
	net_sort(want);
}

START_TEST(filter_has_rules_for_environments_that_are_here)
{
	static const struct filter_counters none;
	struct net want = {0};
	size_t len;
	void *batch;

	make_hosts();
	batch = filter_build(&site, 0, &want, &none, &len);
	/* guests, host; four for VXLAN. */
	ck_assert_uint_eq(count_messages(batch, len, NFT_MSG_NEWRULE), 6);
	free(batch);
	want_ports(&want, 3);
	batch = filter_build(&site, 0, &want, &none, &len);
	/* A limit, a clamp for IPv4 and one for IPv6. */
	ck_assert_uint_eq(count_messages(batch, len, NFT_MSG_NEWRULE), 9);
	free(batch);
	net_fini(&want);
}
END_TEST

/* The kernel tells of a change as it was asked for. */
START_TEST(what_others_do_to_the_filter_is_heard_and_what_we_do_is_not)
{
	static const struct filter_counters none;
	struct net want = {0};
	unsigned n_touched = 0;
	size_t len;
	void *batch;

	make_hosts();
	batch = filter_build(&site, 0, &want, &none, &len);
	for (struct nlmsghdr *m = batch; (char *)m < (char *)batch + len;
	     m = (void *)((char *)m + MNL_ALIGN(m->nlmsg_len))) {
		m->nlmsg_pid = 77;
		ck_assert(!filter_is_touched(m, m->nlmsg_len, 77));
		if (!filter_is_touched(m, m->nlmsg_len, 78))
			continue;
		n_touched++;
		/* Cut short, or of a table that begins like ours. */
		ck_assert(!filter_is_touched(m, m->nlmsg_len - 1, 78));
		memcpy((char *)m + 24, "violit", 6);
		ck_assert(!filter_is_touched(m, m->nlmsg_len, 78));
	}
	/* All but the transaction's begin and end. */
	ck_assert_uint_gt(n_touched, 10);
	ck_assert(!filter_is_touched(batch, 0, 78));
	free(batch);
	net_fini(&want);
}
END_TEST

/* More ports than one message can hold are split, not cut. */
START_TEST(thousands_of_ports_fit)
{
	static const struct filter_counters none;
	struct net want = {0};
	size_t len;
	void *batch;

	make_hosts();
	want_ports(&want, 5000);
	batch = filter_build(&site, 0, &want, &none, &len);
	ck_assert_uint_gt(count_messages(batch, len, NFT_MSG_NEWSETELEM), 6);
	free(batch);
	net_fini(&want);
}
END_TEST

/* Announcements. */

/* By hand: RFC 826 and RFC 903, as QEMU sends the latter. */
START_TEST(announcements_are_what_the_rfcs_say)
{
	static const uint8_t arp[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
	    0, 0, 0, 0, 9, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9,
	    10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
	static const uint8_t rarp[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
	    0, 0, 0, 0, 9, 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3, 2, 0, 0, 0, 0, 9,
	    0, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0};
	struct location vm = {.mac = {{2, 0, 0, 0, 0, 9}}, .ip = 0x0a000001};
	uint8_t frame[ANNOUNCE_FRAME_BYTES];

	announce_make_arp(&vm, frame);
	ck_assert_mem_eq(frame, arp, sizeof arp);
	announce_make_rarp(&vm, frame);
	ck_assert_mem_eq(frame, rarp, sizeof rarp);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunnel netlink");
	TCase *t = tcase_create("netlink");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, vxlan_is_made_marked_and_does_not_learn);
	tcase_add_test(t, vlan_hangs_on_its_uplink);
	tcase_add_test(t, entries_replace_and_broadcast_appends);
	tcase_add_test(t, entries_are_read_as_they_were_written);
	tcase_add_test(t, short_message_is_malformed);
	tcase_add_test(t, peers_are_those_of_other_domains);
	tcase_add_test(t, peers_reach_the_kernel_whole_in_several_messages);
	tcase_add_test(t, right_peers_are_not_touched);
	tcase_add_test(t, stranger_is_removed_and_nobody_else);
	tcase_add_test(t, filter_has_rules_for_environments_that_are_here);
	tcase_add_test(
	    t, what_others_do_to_the_filter_is_heard_and_what_we_do_is_not);
	tcase_add_test(t, thousands_of_ports_fit);
	tcase_add_test(t, announcements_are_what_the_rfcs_say);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
