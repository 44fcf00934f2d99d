/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's local socket: violin-tunnelctl, hot-plug scripts and the host's
 * monitoring daemon.  One packet a request, one an answer (control.h); only
 * for root and the daemon's own user.
 */
#ifndef BACKENDS_TUNNEL_LOCAL_H
#define BACKENDS_TUNNEL_LOCAL_H

#include <poll.h>

#include "backends/tunnel/peers.h"
#include "backends/tunnel/tunneld.h"

enum { LOCAL_CLIENTS_MAX = 32 };

struct local {
	int listener; /* -1: closed */
	int clients[LOCAL_CLIENTS_MAX];
	unsigned n_clients;
	char path[108];
};

bool local_open(struct local *local, const char *path, struct err *err);
void local_close(struct local *local);

/* The listener's and the clients' file descriptors, to be polled for input;
 * returns how many. */
unsigned local_fds(const struct local *local, int fds[1 + LOCAL_CLIENTS_MAX]);
/* Takes and answers whatever is there, without waiting. */
void local_serve(struct local *local, struct tunneld *t, struct peers *peers);

#endif
