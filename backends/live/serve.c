/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Short requests on a socket; see serve.h. */
#include "backends/live/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/units.h"

enum { IDLE_S = 10 };

/* Sockets. */

static bool set_path(
    struct sockaddr_un *address, const char *path, struct err *err)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path)
		return err_set(err, "%s: longer than a socket's path may be",
		    path);
	strcpy(address->sun_path, path);
	return true;
}

static int connect_unix(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)address, sizeof *address)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The folder that a unit would have made; where it cannot be, bind says so. */
static void make_folder(const struct sockaddr_un *address)
{
	char folder[sizeof address->sun_path];
	char *end;

	memcpy(folder, address->sun_path, sizeof folder);
	end = strrchr(folder, '/');
	if (end && end != folder) {
		*end = '\0';
		mkdir(folder, 0700);
	}
}

bool serve_open_unix(struct serve *s, const char *path, struct err *err)
{
	struct sockaddr_un address;
	mode_t mask;
	int other, failed;

	*s = (struct serve){.fd = -1, .end = "\n"};
	if (!set_path(&address, path, err))
		return false;
	other = connect_unix(&address);
	if (other >= 0) {
		close(other);
		return err_set(err, "%s: another manager runs there", path);
	}
	unlink(path);
	make_folder(&address);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	failed = s->fd < 0 ||
	    bind(s->fd, (struct sockaddr *)&address, sizeof address) ||
	    listen(s->fd, SERVE_CLIENTS);
	umask(mask);
	if (failed)
		return err_set(err, "%s: %s; --control names another place",
		    path, strerror(errno));
	snprintf(s->path, sizeof s->path, "%s", path);
	return true;
}

bool serve_open_tcp(struct serve *s, const char *text, struct err *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	const char *colon = strrchr(text, ':');
	char host[64] = "";
	int yes = 1, port = colon ? atoi(colon + 1) : 0;

	*s = (struct serve){.fd = -1, .end = "\r\n\r\n"};
	if (colon)
		snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	if (port < 1 || port > 65535 ||
	    inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return err_set(err,
		    "\"%s\" is no address to listen on; right is "
		    "127.0.0.1:9470", text);
	address.sin_port = htons((uint16_t)port);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
	    bind(s->fd, (struct sockaddr *)&address, sizeof address) ||
	    listen(s->fd, SERVE_CLIENTS))
		return err_set(err, "%s: %s", text, strerror(errno));
	return true;
}

static void drop(struct serve_client *c)
{
	close(c->fd);
	free(c->out);
	*c = (struct serve_client){0};
}

void serve_close(struct serve *s)
{
	for (int i = 0; i < SERVE_CLIENTS; i++)
		if (s->clients[i].fd > 0)
			drop(&s->clients[i]);
	if (s->fd >= 0)
		close(s->fd);
	if (s->path[0])
		unlink(s->path);
	*s = (struct serve){.fd = -1};
}

/* Clients. */

int serve_wait(const struct serve *s, struct pollfd *fds)
{
	int n = 0;

	if (s->fd < 0)
		return 0;
	fds[n++] = (struct pollfd){s->fd, POLLIN, 0};
	for (int i = 0; i < SERVE_CLIENTS; i++)
		if (s->clients[i].fd > 0)
			fds[n++] = (struct pollfd){s->clients[i].fd,
			    s->clients[i].out ? POLLOUT : POLLIN, 0};
	return n;
}

static void take_client(struct serve *s, int64_t now_ns)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (int i = 0; fd >= 0 && i < SERVE_CLIENTS; i++)
		if (s->clients[i].fd == 0) {
			s->clients[i].fd = fd;
			s->clients[i].since_ns = now_ns;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static void read_client(struct serve *s, struct serve_client *c,
    void (*answer)(void *self, char *request, FILE *out), void *self)
{
	ssize_t n = recv(
	    c->fd, c->in + c->n_in, sizeof c->in - 1 - c->n_in, 0);
	FILE *out;

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			drop(c);
		return;
	}
	c->n_in += (size_t)n;
	c->in[c->n_in] = '\0';
	if (!strstr(c->in, s->end)) {
		if (c->n_in == sizeof c->in - 1)
			drop(c);
		return;
	}
	c->in[strcspn(c->in, "\r\n")] = '\0';
	out = open_memstream(&c->out, &c->n_out);
	if (!out) {
		drop(c);
		return;
	}
	answer(self, c->in, out);
	fclose(out);
}

static void write_client(struct serve_client *c)
{
	ssize_t n = send(
	    c->fd, c->out + c->sent, c->n_out - c->sent, MSG_NOSIGNAL);

	if (n > 0)
		c->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		c->sent = c->n_out;
	if (c->sent == c->n_out)
		drop(c);
}

void serve_step(struct serve *s, int64_t now_ns,
    void (*answer)(void *self, char *request, FILE *out), void *self)
{
	if (s->fd < 0)
		return;
	take_client(s, now_ns);
	for (int i = 0; i < SERVE_CLIENTS; i++) {
		struct serve_client *c = &s->clients[i];

		if (c->fd > 0 && !c->out)
			read_client(s, c, answer, self);
		if (c->fd > 0 && c->out)
			write_client(c);
		if (c->fd > 0 && now_ns - c->since_ns > IDLE_S * NS_PER_S)
			drop(c);
	}
}

bool serve_ask(
    const char *path, const char *request, FILE *out, struct err *err)
{
	struct timeval limit = {.tv_sec = IDLE_S};
	struct sockaddr_un address;
	char buffer[4096];
	ssize_t n;
	int fd;

	if (!set_path(&address, path, err))
		return false;
	fd = connect_unix(&address);
	if (fd < 0)
		return err_set(err, "%s: %s; is violin run there?", path,
		    strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) < 0) {
		close(fd);
		return err_set(err, "%s: %s", path, strerror(errno));
	}
	while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
		fwrite(buffer, 1, (size_t)n, out);
	close(fd);
	return n == 0 || err_set(err, "%s: no answer", path);
}
