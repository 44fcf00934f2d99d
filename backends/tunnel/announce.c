/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Announcements on a VM's behalf; see announce.h. */
#include "backends/tunnel/announce.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/units.h"

static const int64_t due_ns[ANNOUNCE_ROUNDS] = {
    0,
    50 * NS_PER_MS,
    150 * NS_PER_MS,
    300 * NS_PER_MS,
    500 * NS_PER_MS,
};

enum { OP_REQUEST = 1, OP_RARP_REQUEST = 3 };

/* Offsets in a frame: Ethernet header 14, ARP for IPv4 over Ethernet 28. */
static void make_frame(const struct location *vm, uint16_t ethertype,
    uint16_t op, uint8_t frame[ANNOUNCE_FRAME_BYTES])
{
	static const uint8_t arp_head[6] = {0, 1, 8, 0, 6, 4};
	uint32_t ip = op == OP_REQUEST ? htonl(vm->ip) : 0;
	const uint8_t *mac = vm->mac.byte;

	memset(frame, 0, ANNOUNCE_FRAME_BYTES);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	frame[12] = (uint8_t)(ethertype >> 8);
	frame[13] = (uint8_t)ethertype;
	memcpy(frame + 14, arp_head, sizeof arp_head);
	frame[21] = (uint8_t)op;
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 28, &ip, 4);
	if (op == OP_RARP_REQUEST)
		memcpy(frame + 32, mac, 6);
	memcpy(frame + 38, &ip, 4);
}

void announce_make_arp(
    const struct location *vm, uint8_t frame[ANNOUNCE_FRAME_BYTES])
{
	make_frame(vm, ETH_P_ARP, OP_REQUEST, frame);
}

void announce_make_rarp(
    const struct location *vm, uint8_t frame[ANNOUNCE_FRAME_BYTES])
{
	make_frame(vm, ETH_P_RARP, OP_RARP_REQUEST, frame);
}

void announcer_fini(struct announcer *announcer)
{
	if (announcer->socket > 0)
		close(announcer->socket);
	free(announcer->pending);
	*announcer = (struct announcer){0};
}

void announcer_remove(struct announcer *announcer, struct mac mac)
{
	size_t kept = 0;

	for (size_t i = 0; i < announcer->n_pending; i++)
		if (mac_compare(announcer->pending[i].vm.mac, mac) != 0)
			announcer->pending[kept++] = announcer->pending[i];
	announcer->n_pending = kept;
}

void announcer_add(
    struct announcer *announcer, const struct location *vm, int64_t now_ns)
{
	announcer_remove(announcer, vm->mac);
	if (announcer->n_pending == announcer->cap) {
		size_t cap = announcer->cap ? 2 * announcer->cap : 8;
		struct announcement *more =
		    realloc(announcer->pending, cap * sizeof *more);

		if (!more)
			return;
		announcer->pending = more;
		announcer->cap = cap;
	}
	announcer->pending[announcer->n_pending++] =
	    (struct announcement){.vm = *vm, .start_ns = now_ns};
}

/* What cannot be sent is not missed.  An interface that is not there is not
 * asked for: the kernel would look for a module of that name. */
static void send_into(int fd, const struct net_link *tunnel,
    const uint8_t frame[ANNOUNCE_FRAME_BYTES])
{
	struct sockaddr_ll to = {
	    .sll_family = AF_PACKET,
	    .sll_ifindex = tunnel ? (int)tunnel->index : 0,
	    .sll_halen = 6,
	    .sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	};

	if (tunnel)
		sendto(fd, frame, ANNOUNCE_FRAME_BYTES, MSG_DONTWAIT,
		    (const struct sockaddr *)&to, sizeof to);
}

static void announce(struct announcer *announcer, const struct location *vm,
    const struct net *actual)
{
	uint8_t frame[ANNOUNCE_FRAME_BYTES];
	char vxlan[IFNAMSIZ], vlan[IFNAMSIZ];
	const struct net_link *tunnels[2];

	if (announcer->socket <= 0)
		announcer->socket =
		    socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (announcer->socket < 0)
		return;
	net_name_vxlan(vxlan, vm->vni);
	net_name_vlan(vlan, vm->vni);
	tunnels[0] = net_find_link(actual, vxlan);
	tunnels[1] = net_find_link(actual, vlan);
	for (int i = 0; i < 2; i++) {
		announce_make_rarp(vm, frame);
		send_into(announcer->socket, tunnels[i], frame);
		if (!vm->ip)
			continue;
		announce_make_arp(vm, frame);
		send_into(announcer->socket, tunnels[i], frame);
	}
}

void announcer_run(
    struct announcer *announcer, const struct net *actual, int64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < announcer->n_pending; i++) {
		struct announcement a = announcer->pending[i];

		while (a.round < ANNOUNCE_ROUNDS &&
		       a.start_ns + due_ns[a.round] <= now_ns) {
			announce(announcer, &a.vm, actual);
			a.round++;
		}
		if (a.round < ANNOUNCE_ROUNDS)
			announcer->pending[kept++] = a;
	}
	announcer->n_pending = kept;
}

int64_t announcer_next_ns(const struct announcer *announcer)
{
	int64_t next = TIME_NEVER;

	for (size_t i = 0; i < announcer->n_pending; i++) {
		const struct announcement *a = &announcer->pending[i];
		int64_t due = a->start_ns + due_ns[a->round];

		if (due < next)
			next = due;
	}
	return next;
}
