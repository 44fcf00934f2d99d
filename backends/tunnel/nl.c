/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Talking to the kernel over netlink; see nl.h. */
#include "backends/tunnel/nl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { DUMP_TRIES = 8, ANSWER_TIMEOUT_S = 5 };

bool nl_open(struct nl *nl, int bus, struct err *err)
{
	/* A kernel that does not answer must not stop the daemon for good. */
	struct timeval patience = {.tv_sec = ANSWER_TIMEOUT_S};

	*nl = (struct nl){.socket = mnl_socket_open2(bus, SOCK_CLOEXEC)};
	if (!nl->socket)
		return err_set(err, "netlink: %s", strerror(errno));
	if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO,
	        &patience, sizeof patience) < 0) {
		err_set(err, "netlink: %s", strerror(errno));
		nl_close(nl);
		return false;
	}
	return true;
}

void nl_close(struct nl *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
}

struct visitor {
	nl_visit *visit;
	void *context;
};

static int on_message(const struct nlmsghdr *message, void *data)
{
	const struct visitor *v = data;

	if (v->visit && !v->visit(message, v->context)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

/* Receives until the end of one answer: 0, or -1 and errno. */
static int receive(struct nl *nl, uint32_t sequence, struct visitor *v)
{
	static _Alignas(struct nlmsghdr) char buffer[NL_BUFFER_BYTES];
	unsigned port = mnl_socket_get_portid(nl->socket);
	int status;

	do {
		ssize_t n =
		    mnl_socket_recvfrom(nl->socket, buffer, sizeof buffer);

		if (n < 0 && errno == EINTR) {
			status = MNL_CB_OK;
			continue;
		}
		if (n < 0)
			return -1;
		status = mnl_cb_run(
		    buffer, (size_t)n, sequence, port, on_message, v);
		/* An answer to what was given up before: not ours. */
		if (status < 0 && errno == ESRCH)
			status = MNL_CB_OK;
	} while (status > MNL_CB_STOP);
	return status;
}

/* Drops what is left over of an answer that was given up. */
static void drain(struct nl *nl)
{
	char byte[1];
	int fd = mnl_socket_get_fd(nl->socket);

	while (recv(fd, byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) >= 0)
		;
}

bool nl_request(struct nl *nl, struct nlmsghdr *request, nl_visit *visit,
    void (*restart)(void *context), void *context)
{
	struct visitor v = {visit, context};

	for (int tries = 0; tries < DUMP_TRIES; tries++) {
		request->nlmsg_seq = ++nl->sequence;
		if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) <
		    0)
			return false;
		if (receive(nl, request->nlmsg_seq, &v) >= 0)
			return true;
		if (errno != EINTR)
			return false;
		drain(nl);
		if (restart)
			restart(context);
	}
	return false;
}

bool nl_send_batch(
    struct nl *nl, const void *messages, size_t len, unsigned n_acks)
{
	struct visitor v = {0};
	int first = 0;

	if (mnl_socket_sendto(nl->socket, messages, len) < 0)
		return false;
	while (n_acks-- > 0) {
		if (receive(nl, 0, &v) >= 0)
			continue;
		if (!first)
			first = errno;
		if (errno == EAGAIN)
			break;
	}
	errno = first;
	return !first;
}

bool nl_send_transaction(struct nl *nl, const void *messages, size_t len)
{
	_Alignas(struct nlmsghdr) char buffer[1024];
	int fd = mnl_socket_get_fd(nl->socket), first = 0;
	int room = (int)len + NL_BUFFER_BYTES;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
	if (mnl_socket_sendto(nl->socket, messages, len) < 0)
		return false;
	while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
		if (!first &&
		    mnl_cb_run(buffer, (size_t)n, 0, 0, NULL, NULL) < 0)
			first = errno;
	errno = first;
	return !first;
}
