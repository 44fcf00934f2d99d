/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's local socket; see local.h. */
#include "backends/tunnel/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/location_message.h"
#include "backends/tunnel/control.h"
#include "backends/tunnel/reload.h"
#include "backends/tunnel/show.h"

enum { BACKLOG = 8 };

bool local_open(struct local *local, const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*local = (struct local){.listener = -1};
	if (strlen(path) >= sizeof address.sun_path)
		return err_set(err, "%s: the name is too long", path);
	strcpy(address.sun_path, path);
	strcpy(local->path, path);
	local->listener =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	if (local->listener < 0 ||
	    bind(local->listener, (const struct sockaddr *)&address,
	        sizeof address) < 0 ||
	    chmod(path, 0600) < 0 || listen(local->listener, BACKLOG) < 0) {
		err_set(err, "%s: %s", path, strerror(errno));
		local_close(local);
		return false;
	}
	return true;
}

void local_close(struct local *local)
{
	for (unsigned i = 0; i < local->n_clients; i++)
		close(local->clients[i]);
	if (local->listener >= 0) {
		close(local->listener);
		unlink(local->path);
	}
	local->listener = -1;
	local->n_clients = 0;
}

unsigned local_fds(const struct local *local, int fds[1 + LOCAL_CLIENTS_MAX])
{
	fds[0] = local->listener;
	memcpy(fds + 1, local->clients,
	    local->n_clients * sizeof local->clients[0]);
	return 1 + local->n_clients;
}

static bool may_ask(int fd)
{
	struct ucred who;
	socklen_t size = sizeof who;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void accept_clients(struct local *local)
{
	int fd;

	while ((fd = accept4(local->listener, NULL, NULL,
	            SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (local->n_clients < LOCAL_CLIENTS_MAX && may_ask(fd))
			local->clients[local->n_clients++] = fd;
		else
			close(fd);
	}
}

/* One request on its way to its answer. */
struct turn {
	struct tunneld *t;
	struct peers *peers;
	struct err err;
	char *text; /* owned; or NULL */
};

static bool move(struct turn *turn, const struct control_request *request)
{
	struct tunneld *t = turn->t;
	const struct location *now = location_find(&t->locations, request->mac);
	char text[MAC_TEXT_BYTES];
	struct location next;

	if (!now)
		return err_set(&turn->err, "%s: no VM with this MAC is known",
		    mac_format(request->mac, text));
	if (*request->host &&
	    site_find_host(&t->site, request->host) == UINT32_MAX)
		return err_set(
		    &turn->err, "there is no host \"%s\"", request->host);
	switch (request->phase) {
	case PHASE_PREPARE:
		next = location_prepare(now, 0, request->host);
		break;
	case PHASE_SWITCH:
		next = location_switch(now, 0);
		break;
	case PHASE_SETTLE:
		next = location_settle(now, 0);
		break;
	default:
		next = location_place(now, 0, request->host);
		break;
	}
	tunneld_take(t, &next, 1, NULL);
	peers_run(turn->peers, t, tunneld_now_ns());
	if (!t->follows)
		turn->err = t->trouble;
	return t->follows;
}

static bool reload_site(struct turn *turn)
{
	if (!reload(turn->t, turn->peers, &turn->err))
		return err_prefix(&turn->err, "the site stays what it was");
	if (!turn->t->follows)
		return err_set(&turn->err, "the site is read again, but %s",
		    turn->t->trouble.text);
	return true;
}

static bool obey(struct turn *turn, const struct control_request *request)
{
	switch (request->type) {
	case CONTROL_ATTACH:
		return tunneld_attach(
		    turn->t, request->port, request->mac, &turn->err);
	case CONTROL_DETACH:
		return tunneld_detach(turn->t, request->port, &turn->err);
	case CONTROL_MOVE:
		return move(turn, request);
	case CONTROL_RELOAD:
		return reload_site(turn);
	case CONTROL_SHOW:
		turn->text = show_make(turn->t, turn->peers, request->what,
		    request->format, &turn->err);
		return turn->text;
	}
	return err_set(&turn->err, "not a request");
}

static bool answer_request(
    int fd, struct turn *turn, const void *bytes, size_t len)
{
	static char out[CONTROL_MESSAGE_MAX];
	struct control_request request;
	struct control_answer answer = {0};
	size_t out_len;
	bool sent;

	if (!control_decode_request(&request, bytes, len))
		return false;
	answer.ok = obey(turn, &request);
	answer.behind = peers_behind(turn->peers, turn->t);
	answer.text = !answer.ok   ? turn->err.text
	              : turn->text ? turn->text
	                           : "";
	answer.text_len = (uint32_t)strnlen(answer.text, CONTROL_TEXT_MAX);
	sent = control_encode_answer(&answer, out, sizeof out, &out_len) &&
	       send(fd, out, out_len, MSG_NOSIGNAL) == (ssize_t)out_len;
	free(turn->text);
	return sent;
}

static bool answer_locations(
    int fd, struct turn *turn, const void *bytes, size_t len)
{
	static char out[LOCATION_MESSAGE_MAX];
	size_t out_len;

	return peers_answer_tell(
	           turn->t, bytes, len, out, sizeof out, &out_len) &&
	       send(fd, out, out_len, MSG_NOSIGNAL) == (ssize_t)out_len;
}

/* Makes locations of what is claimed, of those MACs that are known. */
static void take_claim(struct turn *turn, const struct location_claim *claim,
    struct location_message *answer)
{
	struct tunneld *t = turn->t;
	const char *me = t->site.hosts[t->me].name;
	struct location news[LOCATION_CLAIM_MACS];
	const struct location *now;
	uint32_t n = 0;

	for (uint32_t i = 0; i < claim->n_macs; i++) {
		now = location_find(&t->locations, claim->macs[i]);
		if (now && location_claim(
		               now, claim->word, claim->epoch, me, &news[n]))
			n++;
	}
	tunneld_take(t, news, n, NULL);
	peers_run(turn->peers, t, tunneld_now_ns());
	answer->n_records = 0;
	for (uint32_t i = 0; i < claim->n_macs; i++) {
		now = location_find(&t->locations, claim->macs[i]);
		if (now)
			answer->records[answer->n_records++] = *now;
	}
}

static bool answer_claim(
    int fd, struct turn *turn, const void *bytes, size_t len)
{
	static char out[LOCATION_MESSAGE_MAX];
	static struct location_message answer;
	struct location_claim claim;
	size_t out_len;

	if (!location_claim_decode(&claim, bytes, len))
		return false;
	take_claim(turn, &claim, &answer);
	answer.type = LOCATION_HEARD;
	answer.request = claim.request;
	answer.instance = turn->t->instance;
	answer.follows = turn->t->follows;
	answer.behind = peers_behind_of(
	    turn->peers, turn->t, answer.records, answer.n_records);
	return location_message_encode(&answer, out, sizeof out, &out_len) &&
	       send(fd, out, out_len, MSG_NOSIGNAL) == (ssize_t)out_len;
}

/* False if the client is gone or talks nonsense. */
static bool serve_client(int fd, struct tunneld *t, struct peers *peers)
{
	static char in[LOCATION_MESSAGE_MAX];
	struct turn turn = {.t = t, .peers = peers};
	ssize_t n = recv(fd, in, sizeof in, MSG_TRUNC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0 || (size_t)n > sizeof in)
		return false;
	return answer_request(fd, &turn, in, (size_t)n) ||
	       answer_locations(fd, &turn, in, (size_t)n) ||
	       answer_claim(fd, &turn, in, (size_t)n);
}

void local_serve(struct local *local, struct tunneld *t, struct peers *peers)
{
	unsigned kept = 0;

	accept_clients(local);
	for (unsigned i = 0; i < local->n_clients; i++) {
		if (serve_client(local->clients[i], t, peers))
			local->clients[kept++] = local->clients[i];
		else
			close(local->clients[i]);
	}
	local->n_clients = kept;
}
