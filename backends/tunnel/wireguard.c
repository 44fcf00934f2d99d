/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WireGuard between domains; see wireguard.h. */
#include "backends/tunnel/wireguard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "backends/tunnel/net.h"

enum { PEERS_A_MESSAGE = 16 };

static int on_family(const struct nlattr *attr, void *data)
{
	uint16_t *family = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_get_payload_len(attr) == sizeof *family)
		*family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static bool visit_family(const struct nlmsghdr *message, void *context)
{
	if (nl_has_payload(message, sizeof(struct genlmsghdr)))
		mnl_attr_parse(
		    message, sizeof(struct genlmsghdr), on_family, context);
	return true;
}

static struct nlmsghdr *begin(
    char *buffer, uint16_t type, uint8_t command, uint8_t version)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *general;

	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	general = mnl_nlmsg_put_extra_header(m, sizeof *general);
	general->cmd = command;
	general->version = version;
	return m;
}

bool wireguard_open(
    struct wireguard *wireguard, struct nl *generic, struct err *err)
{
	_Alignas(struct nlmsghdr) char buffer[256] = {0};
	struct nlmsghdr *m = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);

	wireguard->family = 0;
	mnl_attr_put_strz(m, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	if (nl_request(generic, m, visit_family, NULL, &wireguard->family) &&
	    wireguard->family)
		return true;
	return err_set(err,
	    "this kernel has no WireGuard (%s), and traffic between domains "
	    "is encrypted: load its module, or ask for \"encryption: none\" "
	    "in the site file",
	    strerror(errno));
}

static struct wireguard_peer *add_peer(struct wireguard_device *device)
{
	if (device->n_peers == device->cap) {
		device->cap = device->cap ? 2 * device->cap : 16;
		device->peers =
		    realloc(device->peers, device->cap * sizeof *device->peers);
		if (!device->peers)
			abort();
	}
	device->peers[device->n_peers] = (struct wireguard_peer){0};
	return &device->peers[device->n_peers++];
}

static int by_key(const void *a, const void *b)
{
	const struct wireguard_peer *pa = a, *pb = b;

	return memcmp(pa->key.bytes, pb->key.bytes, CURVE_KEY_BYTES);
}

void wireguard_want(struct wireguard_device *want, const struct site *site,
    uint32_t me, const struct wireguard *wireguard)
{
	want->key = wireguard->key.public;
	want->listen_port = site->wireguard_port;
	for (uint32_t i = 0; i < site->n_hosts; i++) {
		struct wireguard_peer *peer;

		if (site_reach(site, me, i) != REACH_WIREGUARD)
			continue;
		peer = add_peer(want);
		peer->key = site->hosts[i].wireguard_key;
		peer->endpoint = site->hosts[i].address;
		peer->port = site->wireguard_port;
		peer->allowed = site->hosts[i].tunnel_address;
	}
	if (want->n_peers)
		qsort(want->peers, want->n_peers, sizeof *want->peers, by_key);
}

static const struct wireguard_peer *find_peer(
    const struct wireguard_device *device, const struct wireguard_peer *peer)
{
	return device->n_peers ? bsearch(peer, device->peers, device->n_peers,
	                             sizeof *peer, by_key)
	                       : NULL;
}

static void put_allowed(struct nlmsghdr *m, uint32_t ip)
{
	struct nlattr *list = mnl_attr_nest_start(m, WGPEER_A_ALLOWEDIPS);
	struct nlattr *item = mnl_attr_nest_start(m, 0);

	mnl_attr_put_u16(m, WGALLOWEDIP_A_FAMILY, AF_INET);
	mnl_attr_put_u32(m, WGALLOWEDIP_A_IPADDR, htonl(ip));
	mnl_attr_put_u8(m, WGALLOWEDIP_A_CIDR_MASK, 32);
	mnl_attr_nest_end(m, item);
	mnl_attr_nest_end(m, list);
}

static void put_peer(struct nlmsghdr *m, const struct wireguard_peer *peer)
{
	struct sockaddr_in endpoint = {
	    .sin_family = AF_INET,
	    .sin_port = htons(peer->port),
	    .sin_addr.s_addr = htonl(peer->endpoint),
	};
	struct nlattr *item = mnl_attr_nest_start(m, 0);

	mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, CURVE_KEY_BYTES, peer->key.bytes);
	mnl_attr_put_u32(m, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
	mnl_attr_put(m, WGPEER_A_ENDPOINT, sizeof endpoint, &endpoint);
	put_allowed(m, peer->allowed);
	mnl_attr_nest_end(m, item);
}

static void put_removal(struct nlmsghdr *m, const struct wireguard_peer *peer)
{
	struct nlattr *item = mnl_attr_nest_start(m, 0);

	mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, CURVE_KEY_BYTES, peer->key.bytes);
	mnl_attr_put_u32(m, WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME);
	mnl_attr_nest_end(m, item);
}

static bool put_device(struct nlmsghdr *m, const struct wireguard *wireguard,
    const struct wireguard_device *want, const struct wireguard_device *actual)
{
	bool key = !curve_public_equal(&want->key, &actual->key);
	bool port = want->listen_port != actual->listen_port;

	if (key)
		mnl_attr_put(m, WGDEVICE_A_PRIVATE_KEY, CURVE_KEY_BYTES,
		    wireguard->key.secret);
	if (port)
		mnl_attr_put_u16(m, WGDEVICE_A_LISTEN_PORT, want->listen_port);
	return key || port;
}

/* Puts what is wrong with peer number `at`: of the wanted first, then of the
 * actual, which may be too many. */
static bool put_difference(struct nlmsghdr *m,
    const struct wireguard_device *want, const struct wireguard_device *actual,
    size_t at)
{
	const struct wireguard_peer *peer, *is;

	if (at < want->n_peers) {
		peer = &want->peers[at];
		is = find_peer(actual, peer);
		if (is && is->allowed == peer->allowed && is->endpoint)
			return false;
		put_peer(m, peer);
		return true;
	}
	peer = &actual->peers[at - want->n_peers];
	if (find_peer(want, peer))
		return false;
	put_removal(m, peer);
	return true;
}

size_t wireguard_build(const struct wireguard *wireguard,
    const struct wireguard_device *want, const struct wireguard_device *actual,
    size_t *at, char buffer[WIREGUARD_MESSAGE_BYTES])
{
	struct nlmsghdr *m = begin(
	    buffer, wireguard->family, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
	size_t n_all = want->n_peers + actual->n_peers;
	struct nlattr *list;
	unsigned n = 0;

	mnl_attr_put_strz(m, WGDEVICE_A_IFNAME, NET_WIREGUARD_NAME);
	if (*at == 0)
		n += put_device(m, wireguard, want, actual);
	list = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
	for (; *at < n_all && n < PEERS_A_MESSAGE; ++*at)
		n += put_difference(m, want, actual, *at);
	mnl_attr_nest_end(m, list);
	return n ? m->nlmsg_len : 0;
}

bool wireguard_follow(struct wireguard *wireguard, struct nl *generic,
    const struct site *site, uint32_t me, struct err *err)
{
	_Alignas(struct nlmsghdr) char buffer[WIREGUARD_MESSAGE_BYTES];
	struct wireguard_device want = {0}, actual = {0};
	size_t at = 0, len;
	bool ok;

	wireguard_want(&want, site, me, wireguard);
	ok = wireguard_read(wireguard, generic, &actual, err);
	while (ok) {
		len = wireguard_build(wireguard, &want, &actual, &at, buffer);
		if (!len)
			break;
		ok =
		    nl_send_batch(generic, buffer, len, 1) ||
		    err_set(err, "%s: %s", NET_WIREGUARD_NAME, strerror(errno));
	}
	sodium_memzero(buffer, sizeof buffer);
	wireguard_device_fini(&want);
	wireguard_device_fini(&actual);
	return ok;
}

void wireguard_device_fini(struct wireguard_device *device)
{
	free(device->peers);
	*device = (struct wireguard_device){0};
}

/* Reading. */

static int on_allowed(const struct nlattr *attr, void *data)
{
	struct wireguard_peer *peer = data;

	if (mnl_attr_get_type(attr) == WGALLOWEDIP_A_IPADDR &&
	    mnl_attr_get_payload_len(attr) == 4)
		peer->allowed = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

static int on_allowed_list(const struct nlattr *attr, void *data)
{
	return mnl_attr_parse_nested(attr, on_allowed, data);
}

static void take_endpoint(
    struct wireguard_peer *peer, const struct nlattr *attr)
{
	struct sockaddr_in in;

	if (mnl_attr_get_payload_len(attr) != sizeof in)
		return;
	memcpy(&in, mnl_attr_get_payload(attr), sizeof in);
	if (in.sin_family != AF_INET)
		return;
	peer->endpoint = ntohl(in.sin_addr.s_addr);
	peer->port = ntohs(in.sin_port);
}

static int on_peer(const struct nlattr *attr, void *data)
{
	struct wireguard_peer *peer = data;
	uint16_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case WGPEER_A_PUBLIC_KEY:
		if (len == CURVE_KEY_BYTES)
			memcpy(
			    peer->key.bytes, mnl_attr_get_payload(attr), len);
		break;
	case WGPEER_A_ENDPOINT:
		take_endpoint(peer, attr);
		break;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		if (len >= sizeof(uint64_t))
			peer->handshake_s = mnl_attr_get_u64(attr);
		break;
	case WGPEER_A_ALLOWEDIPS:
		mnl_attr_parse_nested(attr, on_allowed_list, peer);
		break;
	}
	return MNL_CB_OK;
}

/* A peer whose addresses do not fit in one message comes again in the next,
 * with the rest. */
static int on_peer_list(const struct nlattr *attr, void *data)
{
	struct wireguard_device *device = data;
	struct wireguard_peer *last =
	    device->n_peers ? &device->peers[device->n_peers - 1] : NULL;
	struct wireguard_peer peer = {0};

	mnl_attr_parse_nested(attr, on_peer, &peer);
	if (last && curve_public_equal(&last->key, &peer.key))
		last->allowed = peer.allowed ? peer.allowed : last->allowed;
	else
		*add_peer(device) = peer;
	return MNL_CB_OK;
}

static int on_device(const struct nlattr *attr, void *data)
{
	struct wireguard_device *device = data;
	uint16_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case WGDEVICE_A_PUBLIC_KEY:
		if (len == CURVE_KEY_BYTES)
			memcpy(
			    device->key.bytes, mnl_attr_get_payload(attr), len);
		break;
	case WGDEVICE_A_LISTEN_PORT:
		if (len == sizeof(uint16_t))
			device->listen_port = mnl_attr_get_u16(attr);
		break;
	case WGDEVICE_A_PEERS:
		mnl_attr_parse_nested(attr, on_peer_list, device);
		break;
	}
	return MNL_CB_OK;
}

bool wireguard_parse(
    const struct nlmsghdr *message, struct wireguard_device *device)
{
	if (!nl_has_payload(message, sizeof(struct genlmsghdr)))
		return false;
	mnl_attr_parse(message, sizeof(struct genlmsghdr), on_device, device);
	return true;
}

static bool visit_device(const struct nlmsghdr *message, void *context)
{
	return wireguard_parse(message, context);
}

static void restart_device(void *context)
{
	struct wireguard_device *device = context;

	device->n_peers = 0;
}

bool wireguard_read(const struct wireguard *wireguard, struct nl *generic,
    struct wireguard_device *device, struct err *err)
{
	_Alignas(struct nlmsghdr) char buffer[256] = {0};
	struct nlmsghdr *m = begin(
	    buffer, wireguard->family, WG_CMD_GET_DEVICE, WG_GENL_VERSION);

	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_attr_put_strz(m, WGDEVICE_A_IFNAME, NET_WIREGUARD_NAME);
	if (!nl_request(generic, m, visit_device, restart_device, device))
		return err_set(
		    err, "%s: %s", NET_WIREGUARD_NAME, strerror(errno));
	if (device->n_peers)
		qsort(device->peers, device->n_peers, sizeof *device->peers,
		    by_key);
	return true;
}
