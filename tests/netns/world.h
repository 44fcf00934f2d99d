/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The world of tests/netns/moves.c: three hosts in namespaces with a daemon
 * each, and VMs that are nothing but veth pairs, whose guest ends are all in
 * the namespace that the test runs in.  The test itself is the VMs: it sends
 * and receives their frames, and sees every one that arrives anywhere.
 */
#ifndef TESTS_NETNS_WORLD_H
#define TESTS_NETNS_WORLD_H

#include <sys/types.h>

#include "backends/curve.h"
#include "backends/tunnel/nl.h"
#include "backends/tunnel/net.h"

enum {
	N_HOSTS = 3,
	N_ENVIRONMENTS = 20,
	VMS_EACH = 3,
	N_VMS = N_ENVIRONMENTS * VMS_EACH,
	VNI_BASE = 100,
	STILL_VMS = VMS_EACH, /* those of environment 0 never move */
};

struct world {
	const char *prefix;  /* of the namespaces: PREFIX-a, -b, -c, -r */
	const char *folder;  /* site.yaml, and a state folder for each */
	const char *program; /* violin-tunneld */
	int own_namespace, namespaces[N_HOSTS], router;
	struct nl links[N_HOSTS];  /* one in each host */
	pid_t daemons[N_HOSTS];    /* 0: not running */
	unsigned port_host[N_VMS]; /* where each VM's port is */
	int frames;                /* sends and receives for all VMs */
	unsigned guest_index[N_VMS];
	/* Of each VM pair, the frames that arrived, by kind. */
	unsigned unicast[N_VMS][N_VMS], broadcast[N_VMS][N_VMS];
	uint64_t n_received, n_crossed; /* the second must stay 0 */
	uint64_t still_sent, still_received, still_twice;
	uint8_t still_seen[1 << 20]; /* by number */
};

extern const char *const world_host_names[N_HOSTS];

void world_die(const char *what) __attribute__((noreturn));
int64_t world_now_ns(void);

void world_open(struct world *w);
/* Ends the daemons. */
void world_close(struct world *w);
/* Runs `call` with the thread in that namespace. */
void world_enter(int name_space);

void world_start_daemon(struct world *w, unsigned host);
void world_kill_daemon(struct world *w, unsigned host);

/* Takes the VM's port out of its host and puts it into another. */
void world_plug(struct world *w, unsigned vm, unsigned host);

struct mac world_mac(unsigned vm);
static inline unsigned world_environment(unsigned vm)
{
	return vm / VMS_EACH;
}

/* What VM `from` sends: to VM `to`, or broadcast if that is N_VMS.  `still`:
 * numbered, and must arrive.  `lie`: with what is not its own. */
enum lie { HONEST, LIE_TAG, LIE_SOURCE, LIE_DESTINATION, N_LIES };
void world_send(
    struct world *w, unsigned from, unsigned to, bool still, enum lie lie);
/* Takes all frames that are there. */
void world_receive(struct world *w);

/* Are every host's tables exactly what they must be?  (truth.c) */
bool truth_holds(struct world *w);

#endif
