/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers short requests on a socket, without ever waiting for a client: the
 * control socket (a line, answered, closed) and the metrics' (HTTP).
 */
#ifndef BACKENDS_LIVE_SERVE_H
#define BACKENDS_LIVE_SERVE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

enum { SERVE_CLIENTS = 16, SERVE_REQUEST_MAX = 2048 };

struct serve_client {
	int fd; /* 0: free */
	int64_t since_ns;
	size_t n_in;
	char in[SERVE_REQUEST_MAX];
	char *out; /* NULL: still reading */
	size_t n_out, sent;
};

struct serve {
	int fd; /* -1: nothing is served */
	const char *end; /* of a request */
	char path[108]; /* of a unix socket, removed at the end; "" else */
	struct serve_client clients[SERVE_CLIENTS];
};

/* A unix socket that only its owner may use.  Refused if a manager answers
 * there already; what is left of one that is gone is replaced. */
bool serve_open_unix(struct serve *serve, const char *path, struct err *err);
/* "ADDRESS:PORT", numeric; for HTTP. */
bool serve_open_tcp(
    struct serve *serve, const char *address, struct err *err);
void serve_close(struct serve *serve);

/* What to wait for; returns how many, at most SERVE_CLIENTS + 1. */
int serve_wait(const struct serve *serve, struct pollfd *fds);
/* Takes requests; answer writes what is sent back. */
void serve_step(struct serve *serve, int64_t now_ns,
    void (*answer)(void *self, char *request, FILE *out), void *self);

/* The other end of a unix socket: sends one line, copies what comes back. */
bool serve_ask(
    const char *path, const char *request, FILE *out, struct err *err);

#endif
