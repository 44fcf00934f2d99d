/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The world of tests/netns/moves.c; see world.h. */
#include "tests/netns/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ETH_EXPERIMENT = 0x88b5,
	RECEIVE_BUFFER = 64 << 20,
	MAGIC = 0x76696f6c,
};

/* The payload of each frame; says what is true, whatever the header says. */
struct payload {
	uint32_t magic, from, to, number;
	uint8_t still, lie, pad[42];
};

const char *const world_host_names[N_HOSTS] = {"a", "b", "c"};

void world_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

int64_t world_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void world_enter(int name_space)
{
	if (setns(name_space, CLONE_NEWNET) < 0)
		world_die("setns");
}

static int open_namespace(const char *prefix, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "/run/netns/%s-%s", prefix, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		world_die(path);
	return fd;
}

static void open_frames(struct world *w)
{
	int room = RECEIVE_BUFFER;
	char name[IFNAMSIZ];

	w->frames =
	    socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_EXPERIMENT));
	if (w->frames < 0)
		world_die("socket");
	setsockopt(w->frames, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	for (unsigned vm = 0; vm < N_VMS; vm++) {
		snprintf(name, sizeof name, "g%u", vm);
		w->guest_index[vm] = if_nametoindex(name);
		if (!w->guest_index[vm])
			world_die(name);
	}
}

void world_open(struct world *w)
{
	struct err err;
	char name[2] = "a";

	w->own_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	w->router = open_namespace(w->prefix, "r");
	for (unsigned host = 0; host < N_HOSTS; host++) {
		name[0] = (char)('a' + host);
		w->namespaces[host] = open_namespace(w->prefix, name);
		world_enter(w->namespaces[host]);
		if (!nl_open(&w->links[host], NETLINK_ROUTE, &err))
			world_die(err.text);
	}
	world_enter(w->own_namespace);
	for (unsigned vm = 0; vm < N_VMS; vm++)
		w->port_host[vm] = vm % N_HOSTS;
	open_frames(w);
}

void world_close(struct world *w)
{
	for (unsigned host = 0; host < N_HOSTS; host++)
		if (w->daemons[host]) {
			kill(w->daemons[host], SIGTERM);
			waitpid(w->daemons[host], NULL, 0);
			w->daemons[host] = 0;
		}
}

void world_start_daemon(struct world *w, unsigned host)
{
	char name[2] = {(char)('a' + host), 0};
	char state[256], site[256], socket_path[256], log[256];

	snprintf(state, sizeof state, "%s/%s", w->folder, name);
	snprintf(site, sizeof site, "%s/site.yaml", w->folder);
	snprintf(
	    socket_path, sizeof socket_path, "%s/%s.sock", w->folder, name);
	snprintf(log, sizeof log, "%s/%s.log", w->folder, name);
	w->daemons[host] = fork();
	if (w->daemons[host] < 0)
		world_die("fork");
	if (w->daemons[host] > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	world_enter(w->namespaces[host]);
	if (!freopen(log, "a", stderr))
		world_die(log);
	execl(w->program, w->program, "--config", site, "--host", name,
	    "--state", state, "--socket", socket_path, (char *)NULL);
	world_die(w->program);
}

void world_kill_daemon(struct world *w, unsigned host)
{
	if (!w->daemons[host])
		return;
	kill(w->daemons[host], SIGKILL);
	waitpid(w->daemons[host], NULL, 0);
	w->daemons[host] = 0;
}

void world_plug(struct world *w, unsigned vm, unsigned host)
{
	_Alignas(struct nlmsghdr) char buffer[256] = {0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	struct nl *nl = &w->links[w->port_host[vm]];
	char name[IFNAMSIZ];

	if (host == w->port_host[vm])
		return;
	snprintf(name, sizeof name, "v%u", vm);
	m->nlmsg_type = RTM_NEWLINK;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t)w->namespaces[host]);
	if (!nl_request(nl, m, NULL, NULL, NULL))
		world_die(name);
	w->port_host[vm] = host;
}

struct mac world_mac(unsigned vm)
{
	return (struct mac){{2, 0, 0, 0, 1, (uint8_t)vm}};
}

/* A frame, its header as the lie has it. */
static size_t make_frame(uint8_t *frame, unsigned from, unsigned to,
    const struct payload *payload, enum lie lie)
{
	static const uint8_t other_vlan[4] = {0x81, 0x00, 0x00, 101};
	static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	unsigned stranger = (from + VMS_EACH) % N_VMS;
	struct mac source = world_mac(lie == LIE_SOURCE ? stranger : from);
	struct mac target = to == N_VMS              ? all
	                    : lie == LIE_DESTINATION ? world_mac(stranger)
	                                             : world_mac(to);
	size_t len = 12;

	memcpy(frame, target.byte, 6);
	memcpy(frame + 6, source.byte, 6);
	if (lie == LIE_TAG) {
		memcpy(frame + len, other_vlan, sizeof other_vlan);
		len += sizeof other_vlan;
	}
	frame[len++] = ETH_EXPERIMENT >> 8;
	frame[len++] = ETH_EXPERIMENT & 0xff;
	memcpy(frame + len, payload, sizeof *payload);
	return len + sizeof *payload;
}

void world_send(
    struct world *w, unsigned from, unsigned to, bool still, enum lie lie)
{
	struct payload payload = {
	    .magic = MAGIC,
	    .from = from,
	    .to = to,
	    .still = still,
	    .lie = (uint8_t)lie,
	};
	struct sockaddr_ll at = {
	    .sll_family = AF_PACKET,
	    .sll_ifindex = (int)w->guest_index[from],
	};
	uint8_t frame[128];
	size_t len;

	if (still)
		payload.number = (uint32_t)w->still_sent;
	len = make_frame(frame, from, to, &payload, lie);
	if (sendto(w->frames, frame, len, 0, (const struct sockaddr *)&at,
	        sizeof at) == (ssize_t)len)
		w->still_sent += still;
}

static unsigned find_guest(const struct world *w, int index)
{
	for (unsigned vm = 0; vm < N_VMS; vm++)
		if (w->guest_index[vm] == (unsigned)index)
			return vm;
	return N_VMS;
}

static void note_still(struct world *w, uint32_t number)
{
	if (number >= sizeof w->still_seen)
		return;
	w->still_twice += w->still_seen[number];
	w->still_received += !w->still_seen[number];
	w->still_seen[number] = 1;
}

static void take_frame(struct world *w, unsigned guest, const struct payload *p)
{
	w->n_received++;
	if (p->from >= N_VMS ||
	    world_environment(p->from) != world_environment(guest) ||
	    p->lie == LIE_SOURCE) {
		w->n_crossed++;
		fprintf(stderr, "VM %u got a frame of VM %u (lie %u)\n", guest,
		    p->from, p->lie);
	} else if (p->still) {
		note_still(w, p->number);
	} else if (p->to == N_VMS) {
		w->broadcast[p->from][guest]++;
	} else {
		w->unicast[p->from][guest]++;
	}
}

void world_receive(struct world *w)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof from;
	uint8_t frame[2048];
	struct payload payload;
	ssize_t n;

	while ((n = recvfrom(w->frames, frame, sizeof frame, MSG_DONTWAIT,
	            (struct sockaddr *)&from, &size)) > 0) {
		unsigned guest = find_guest(w, from.sll_ifindex);

		size = sizeof from;
		if (n < 14 + (ssize_t)sizeof payload || guest == N_VMS)
			continue;
		memcpy(&payload, frame + 14, sizeof payload);
		if (payload.magic == MAGIC)
			take_frame(w, guest, &payload);
	}
}
