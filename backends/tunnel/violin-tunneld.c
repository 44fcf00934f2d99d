/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violin-tunneld: the virtual network's daemon, one per host.  This is its
 * composition and its loop: wait for the kernel, the managers and peers, the
 * local socket or the clock, and let the heart (tunneld.h) deal with it.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/tunnel/control.h"
#include "backends/tunnel/local.h"
#include "backends/tunnel/peers.h"
#include "backends/tunnel/reload.h"
#include "backends/tunnel/tunneld.h"
#include "core/units.h"

enum { EXIT_USAGE = 2 };

struct options {
	struct tunneld_options tunneld;
	const char *socket;
	bool check, show_keys;
};

static const char usage[] =
    "usage: violin-tunneld --config FILE [--host NAME] [--state FOLDER]\n"
    "                      [--socket PATH] [--verbose] [--check]\n"
    "       violin-tunneld --show-keys [--state FOLDER]\n"
    "       violin-tunneld --version | --help\n";

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"host", required_argument, NULL, 'h'},
	    {"state", required_argument, NULL, 's'},
	    {"socket", required_argument, NULL, 'l'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"check", no_argument, NULL, 'n'},
	    {"show-keys", no_argument, NULL, 'k'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'H'},
	    {0},
	};
	int c;

	*o = (struct options){
	    .tunneld.state_folder = "/var/lib/violin-tunneld",
	    .socket = CONTROL_SOCKET,
	};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->tunneld.config = optarg;
			break;
		case 'h':
			o->tunneld.host = optarg;
			break;
		case 's':
			o->tunneld.state_folder = optarg;
			break;
		case 'l':
			o->socket = optarg;
			break;
		case 'v':
			o->tunneld.verbose = true;
			break;
		case 'n':
			o->check = true;
			break;
		case 'k':
			o->show_keys = true;
			break;
		case 'V':
			puts("violin-tunneld " VIOLIN_VERSION);
			exit(EXIT_SUCCESS);
		case 'H':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			return false;
		}
	}
	return optind == argc && (o->tunneld.config || o->show_keys);
}

static int fail(const struct err *err, int status)
{
	tunneld_log("%s", err->text);
	return status;
}

static int check_config(const struct tunneld_options *o)
{
	struct site site;
	struct err err = {{0}};
	bool ok = site_load(&site, o->config, &err);

	if (ok && o->host && site_find_host(&site, o->host) == UINT32_MAX)
		ok = err_set(
		    &err, "%s: there is no host \"%s\"", o->config, o->host);
	site_fini(&site);
	return ok ? EXIT_SUCCESS : fail(&err, EXIT_USAGE);
}

static bool show_key(
    const char *folder, const char *file, const char *name, struct err *err)
{
	struct curve_key key;
	char text[CURVE_KEY_TEXT];

	if (!curve_key_have(&key, folder, file, err))
		return false;
	curve_public_print(&key.public, text);
	printf("%s: %s\n", name, text);
	return true;
}

static int show_keys(const char *folder)
{
	struct err err = {{0}};

	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		err_set(&err, "%s: %s", folder, strerror(errno));
		return fail(&err, EXIT_FAILURE);
	}
	if (!show_key(folder, "wireguard.key", "wireguard_key", &err) ||
	    !show_key(folder, "control.key", "control_key", &err))
		return fail(&err, EXIT_FAILURE);
	return EXIT_SUCCESS;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The daemon's edges, and what it waits for. */
struct daemon {
	struct tunneld tunneld;
	struct peers peers;
	struct local local;
	int signals;
	zmq_pollitem_t *items;
	size_t max_items;
};

static uint32_t add_fd(struct daemon *d, uint32_t n, int fd)
{
	d->items[n] = (zmq_pollitem_t){NULL, fd, ZMQ_POLLIN, 0};
	return n + 1;
}

static long timeout_ms(const struct daemon *d, int64_t now_ns)
{
	int64_t next = tunneld_next_ns(&d->tunneld);
	int64_t peers = peers_next_ns(&d->peers);

	if (peers < next)
		next = peers;
	if (next == TIME_NEVER)
		return -1;
	if (next <= now_ns)
		return 0;
	return (long)((next - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* The site may have more hosts than before. */
static void make_room(struct daemon *d)
{
	size_t n = 4 + LOCAL_CLIENTS_MAX + peers_max_items(&d->peers);

	if (n <= d->max_items)
		return;
	d->items = realloc(d->items, n * sizeof *d->items);
	d->max_items = n;
	if (!d->items)
		abort();
}

static void wait_for_news(struct daemon *d)
{
	int fds[1 + LOCAL_CLIENTS_MAX];
	unsigned n_fds = local_fds(&d->local, fds);
	uint32_t n = 0;

	make_room(d);
	n = add_fd(d, n, d->signals);
	n = add_fd(d, n, mnl_socket_get_fd(d->tunneld.events));
	n = add_fd(d, n, mnl_socket_get_fd(d->tunneld.rules.socket));
	for (unsigned i = 0; i < n_fds; i++)
		n = add_fd(d, n, fds[i]);
	n += peers_poll_items(&d->peers, d->items + n);
	zmq_poll(d->items, (int)n, timeout_ms(d, tunneld_now_ns()));
}

/* Does a signal end it?  SIGHUP does not. */
static bool is_ended(struct daemon *d)
{
	struct signalfd_siginfo info;
	struct err err = {{0}};

	while (read(d->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo != SIGHUP)
			return true;
		reload(&d->tunneld, &d->peers, &err);
	}
	return false;
}

static void serve(struct daemon *d)
{
	while (!is_ended(d)) {
		wait_for_news(d);
		local_serve(&d->local, &d->tunneld, &d->peers);
		peers_run(&d->peers, &d->tunneld, tunneld_now_ns());
		tunneld_on_events(&d->tunneld, tunneld_now_ns());
		tunneld_on_time(&d->tunneld, tunneld_now_ns());
	}
}

static int run(const struct options *o)
{
	static struct daemon d;
	struct err err = {{0}};
	int status = EXIT_FAILURE;

	d.signals = open_signals();
	if (!tunneld_init(&d.tunneld, &o->tunneld, &err))
		return fail(&err, d.tunneld.misfit ? EXIT_USAGE : EXIT_FAILURE);
	if (!peers_open(&d.peers, &d.tunneld, o->tunneld.state_folder, &err)) {
		status =
		    fail(&err, d.tunneld.misfit ? EXIT_USAGE : EXIT_FAILURE);
		goto no_peers;
	}
	if (!local_open(&d.local, o->socket, &err)) {
		fail(&err, EXIT_FAILURE);
		goto no_local;
	}
	tunneld_log("ready");
	serve(&d);
	status = EXIT_SUCCESS;
	free(d.items);
	local_close(&d.local);
no_local:
	peers_close(&d.peers);
no_peers:
	tunneld_fini(&d.tunneld);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	int status;

	setvbuf(stderr, NULL, _IOLBF, 0);
	if (!parse_options(argc, argv, &o)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (o.show_keys)
		return show_keys(o.tunneld.state_folder);
	status = check_config(&o.tunneld);
	if (o.check && status == EXIT_SUCCESS)
		printf("%s: right\n", o.tunneld.config);
	return status || o.check ? status : run(&o);
}
