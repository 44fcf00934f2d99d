/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hosts and the links between them in virtual time: host.h and link.h without
 * a hypervisor or a network, so that monitoring daemons run in a simulated
 * world, thousands of seeds a minute, and meet every fault that a seed draws.
 *
 * Time is what the owner says it is.  How long something takes is drawn; a
 * link works while `reachable` says so, and breaks on each side some time
 * after it stopped working.  A daemon's crash ends its operations, having
 * done all, part or nothing, and its links; VMs stay.
 */
#ifndef BACKENDS_SIM_HOST_SIM_H
#define BACKENDS_SIM_HOST_SIM_H

#include "backends/host.h"
#include "backends/link.h"

enum {
	SIM_HOSTS = 8,
	SIM_VMS = 32, /* on one host, copies included */
	SIM_LINKS = 48,
	SIM_EVENTS = 16, /* not yet heard, of one end of a link */
	SIM_MESSAGE = 256,
};

struct sim_vm {
	struct host_vm vm; /* name "": free */
	uint64_t boot;     /* which memory it has; 0: none yet */
};

struct sim_op {
	uint64_t op; /* 0: free */
	enum { SIM_CREATE, SIM_DESTROY, SIM_SEND, SIM_RECEIVE } kind;
	char vm[HOST_NAME_MAX_LEN];
	int64_t due_ns;
	uint64_t link; /* of a transfer: id */
	bool aborted;
};

struct sim_link_event {
	int64_t at_ns;
	enum link_event_kind kind;
	size_t len;
	uint8_t bytes[SIM_MESSAGE];
};

struct sim_end {
	bool open;
	uint32_t host;
	uint32_t n;
	int64_t last_ns; /* what is said arrives in order */
	struct sim_link_event events[SIM_EVENTS];
};

/* End 0 listens, end 1 calls. */
struct sim_link {
	bool used, up, broken;
	uint64_t id;
	uint8_t key[MESSAGE_KEY_BYTES];
	uint16_t port;
	struct sim_end ends[2];
	/* the stream */
	bool sent, finished;
	int64_t whole_ns; /* all of it is there then, once finished */
	uint64_t boot, mem_kib;
	uint64_t bytes;
};

struct sim_host_machine {
	struct sim_hosts *all;
	uint32_t ix;
	uint32_t n_cpus;
	uint64_t mem_kib;
	struct sim_vm vms[SIM_VMS];
	struct sim_op ops[HOST_OPS_MAX];
};

struct sim_hosts {
	int64_t now_ns;
	uint64_t random;
	uint64_t next_boot;
	uint16_t next_port;
	uint32_t n_hosts;
	bool reachable[SIM_HOSTS][SIM_HOSTS];
	double failure; /* probability that an operation fails */
	struct sim_host_machine hosts[SIM_HOSTS];
	struct sim_link links[SIM_LINKS];
};

extern const struct host_api host_sim_api; /* self: a machine */
extern const struct link_api link_sim_api; /* self: a machine */

void sim_hosts_init(struct sim_hosts *hosts, uint32_t n_hosts,
    uint64_t mem_kib, uint64_t seed);

/* A number in [0, n), and one in [low, high]; by the seed. */
uint64_t sim_draw(struct sim_hosts *hosts, uint64_t n);
int64_t sim_draw_ns(struct sim_hosts *hosts, int64_t low, int64_t high);
bool sim_chance(struct sim_hosts *hosts, double probability);

/* The daemon of this host has crashed. */
void sim_host_crash(struct sim_host_machine *host);
/* When something is next due there; TIME_NEVER for nothing. */
int64_t sim_host_next(const struct sim_host_machine *host);
/* Links whose ends cannot reach each other break, now or soon. */
void sim_links_cut(struct sim_hosts *hosts);

#endif
