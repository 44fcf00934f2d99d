/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violind: the monitoring daemon, one on each host.  Here is its I/O: the
 * command line, signals, the log, and one loop over all it waits for.  What
 * it does with what comes is daemon.c's.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "backends/curve.h"
#include "backends/fake/host_fake.h"
#include "backends/monitor/daemon.h"
#include "backends/monitor/violind_config.h"
#include "backends/relay.h"
#ifdef HAVE_XEN
#include "backends/xen/host_xen.h"
#endif

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { STOP_S = 60 }; /* for hand-overs to end after SIGTERM */

/* ZeroMQ is asked for messages at least so often, whatever wakes us. */
#define SERVE_NS NS_PER_S

/* Whoever is not let in is told of, so often at most. */
#define REFUSED_NS NS_PER_S

struct options {
	const char *config;
	const char *fake;
	const char *die_at, *stop_at;
	enum daemon_level level;
	bool check_only;
};

struct violind {
	struct options options;
	struct violind_config config;
	struct curve_server *server;
	struct relay *relay;
	struct journal *journal;
	struct tunnel *tunnel; /* NULL: no virtual network */
	const struct host_api *host;
	void *host_self;
	struct daemon *daemon;
	int signals;
	int lock; /* of the host; or -1 */
	bool journald;   /* what we write goes to systemd's journal */
	int64_t stop_ns; /* when to stop at the latest; TIME_NEVER */
	int64_t refused_ns; /* when the last one was told of, */
	uint64_t n_untold;  /* and how many came since */
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The log: a line an event, "time level what key=value ...". */

static void write_log(void *self, enum daemon_level level, const char *text)
{
	static const char *const names[] = {
	    "debug", "info", "warning", "error"};
	static const int priorities[] = {7, 6, 4, 3};
	const struct violind *v = self;
	int64_t now_ns = clock_ns(CLOCK_REALTIME);
	time_t seconds = (time_t)(now_ns / NS_PER_S);
	struct tm utc;
	char when[32];

	if (level < v->options.level)
		return;
	if (v->journald) {
		fprintf(stderr, "<%d>%s\n", priorities[level], text);
		return;
	}
	gmtime_r(&seconds, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(stderr, "%s.%03dZ %s %s\n", when,
	    (int)(now_ns % NS_PER_S / NS_PER_MS), names[level], text);
}

static void pass_point(void *self, const char *name)
{
	struct violind *v = self;

	if (v->options.die_at && strcmp(v->options.die_at, name) == 0)
		kill(getpid(), SIGKILL);
	if (v->options.stop_at && strcmp(v->options.stop_at, name) == 0) {
		v->options.stop_at = NULL;
		raise(SIGSTOP);
	}
}

static void log_refused(
    struct violind *v, const char *where, const char *address, const char *why)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	char line[320];

	if (v->refused_ns != 0 && now_ns - v->refused_ns < REFUSED_NS) {
		v->n_untold++;
		return;
	}
	snprintf(line, sizeof(line),
	    "refused address=%s %s why=\"%s\" untold=%" PRIu64,
	    address[0] ? address : "unknown", where, why, v->n_untold);
	write_log(v, LEVEL_WARNING, line);
	v->refused_ns = now_ns;
	v->n_untold = 0;
}

static void control_refused(void *self, const char *address, const char *why)
{
	log_refused(self, "port=control", address, why);
}

static void migration_refused(
    void *self, uint64_t id, const char *address, const char *why)
{
	char where[48];

	snprintf(where, sizeof(where), "handover=%" PRIu64, id);
	log_refused(self, where, address, why);
}

/* Start and end. */

static bool open_host(struct violind *v, struct err *err)
{
	if (v->options.fake) {
		v->host = &host_fake_api;
		v->host_self =
		    host_fake_open(v->options.fake, v->config.name, err);
		return v->host_self != NULL;
	}
#ifdef HAVE_XEN
	v->host = &host_xen_api;
	v->host_self = host_xen_open(err);
	if (!v->host_self)
		return false;
	v->lock = journal_lock_host("/run/violind.lock", err);
	return v->lock >= 0;
#else
	return err_set(err, "this violind was built without Xen; it runs "
	                    "with --fake only");
#endif
}

static bool open_signals(struct violind *v, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	v->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return v->signals >= 0 || err_set(err, "signalfd: %s", strerror(errno));
}

static bool open_daemon(struct violind *v, struct err *err)
{
	const struct daemon_outside outside = {
	    .host = v->host,
	    .host_self = v->host_self,
	    .link = &relay_api,
	    .link_self = v->relay,
	    .journal = &journal_files,
	    .journal_self = v->journal,
	    .tunnel = v->tunnel ? &tunnel_socket : NULL,
	    .tunnel_self = v->tunnel,
	    .log = write_log,
	    .point = pass_point,
	    .self = v,
	};
	struct host_event event;
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	v->config.daemon.host = v->config.name;
	randombytes_buf(&v->config.daemon.incarnation,
	    sizeof(v->config.daemon.incarnation));
	/* Nothing is under way yet: this only tells the host the time. */
	v->host->poll(v->host_self, now_ns, &event);
	v->daemon = daemon_new(&v->config.daemon, &outside, now_ns, err);
	return v->daemon != NULL;
}

/* Opens all; the control endpoint last, when there is something to say. */
static bool open_all(struct violind *v, struct err *err)
{
	v->config.relay.refused = migration_refused;
	v->config.relay.self = v;
	v->relay = relay_new(&v->config.relay, err);
	if (!v->relay || !open_signals(v, err) || !open_host(v, err))
		return false;
	if (v->config.tunnel) {
		v->tunnel = tunnel_open(v->config.tunnel, err);
		if (!v->tunnel)
			return false;
	}
	v->journal = journal_open(v->config.journal, err);
	if (!v->journal || !open_daemon(v, err))
		return false;
	v->server = curve_server_new(&v->config.key, v->config.listen,
	    v->config.managers, v->config.n_managers, err);
	if (!v->server)
		return false;
	curve_server_tell_refused(v->server, control_refused, v);
	return true;
}

static void close_all(struct violind *v)
{
	curve_server_free(v->server);
	daemon_free(v->daemon);
	tunnel_close(v->tunnel);
	journal_close(v->journal);
	relay_free(v->relay);
	if (v->host_self)
		v->host->close(v->host_self);
	if (v->signals >= 0)
		close(v->signals);
	if (v->lock >= 0)
		close(v->lock);
	violind_config_fini(&v->config);
}

/* The loop. */

static void say(struct violind *v, enum daemon_level level, const char *what,
    const char *text)
{
	char line[ERR_TEXT_MAX + 64];

	snprintf(line, sizeof(line), "%s \"%s\"", what, text);
	write_log(v, level, line);
}

/* SIGHUP: who may command is read again, the rest at the next start. */
static void reload(struct violind *v)
{
	struct violind_config config;
	struct err err = {""};

	if (!violind_config_load(&config, v->options.config, &err)) {
		say(v, LEVEL_ERROR, "reload error=", err.text);
		return;
	}
	curve_server_allow(v->server, config.managers, config.n_managers);
	violind_config_fini(&config);
	say(v, LEVEL_INFO, "reload config=", v->options.config);
}

/* The first SIGTERM lets hand-overs end, the second does not. */
static void take_signals(struct violind *v, int64_t now_ns)
{
	struct signalfd_siginfo info;

	while (read(v->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(v);
		else if (v->stop_ns == TIME_NEVER)
			v->stop_ns = now_ns + STOP_S * NS_PER_S;
		else
			v->stop_ns = now_ns;
	}
}

static void serve(struct violind *v)
{
	static uint8_t message[WIRE_MESSAGE_MAX], answer[WIRE_MESSAGE_MAX];
	struct curve_from from;
	size_t len;

	while (curve_server_receive(
	    v->server, &from, message, sizeof(message), &len)) {
		size_t n = daemon_handle(v->daemon, clock_ns(CLOCK_MONOTONIC),
		    message, len, answer, sizeof(answer));

		if (n > 0)
			curve_server_send(v->server, &from, answer, n);
	}
}

/* What the loop waits for: control, signals, tunnel, links, host. */
struct waiting {
	struct pollfd
	    fds[CURVE_POLL_ITEMS + 2 + RELAY_POLL_MAX + HOST_POLL_MAX];
	size_t n;
	bool control, signals; /* of these there is something */
};

/* Waits until anything is to be done.  One system call a turn: a migration
 * turns this loop very often. */
static void wait_all(struct violind *v, struct waiting *w, int64_t now_ns)
{
	int64_t relay_ns, host_ns, until_ns = daemon_next(v->daemon);
	int fds[CURVE_POLL_ITEMS];

	curve_server_fds(v->server, fds);
	w->n = 0;
	for (size_t i = 0; i < CURVE_POLL_ITEMS; i++)
		w->fds[w->n++] = (struct pollfd){fds[i], POLLIN, 0};
	w->fds[w->n++] = (struct pollfd){v->signals, POLLIN, 0};
	if (v->tunnel)
		w->fds[w->n++] =
		    (struct pollfd){tunnel_fd(v->tunnel), POLLIN, 0};
	w->n += relay_wait(v->relay, w->fds + w->n, &relay_ns);
	w->n += v->host->wait(v->host_self, w->fds + w->n, &host_ns);
	if (relay_ns < until_ns)
		until_ns = relay_ns;
	if (host_ns < until_ns)
		until_ns = host_ns;
	if (v->stop_ns < until_ns)
		until_ns = v->stop_ns;
	if (until_ns > now_ns + SERVE_NS)
		until_ns = now_ns + SERVE_NS;
	int64_t ms = (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	int n = poll(w->fds, w->n, ms > 0 ? (int)ms : 0);
	w->control = false;
	for (size_t i = 0; n > 0 && i < CURVE_POLL_ITEMS; i++)
		w->control = w->control || w->fds[i].revents;
	w->signals = n > 0 && w->fds[CURVE_POLL_ITEMS].revents;
}

static void run(struct violind *v)
{
	static struct waiting waiting = {.control = true, .signals = true};
	int64_t served_ns = 0;

	for (;;) {
		int64_t now_ns = clock_ns(CLOCK_MONOTONIC);

		daemon_step(v->daemon, now_ns);
		if (waiting.control || now_ns >= served_ns + SERVE_NS) {
			served_ns = now_ns;
			serve(v);
		}
		if (waiting.signals)
			take_signals(v, now_ns);
		if (v->stop_ns != TIME_NEVER &&
		    (now_ns >= v->stop_ns || !daemon_is_busy(v->daemon)))
			return;
		wait_all(v, &waiting, now_ns);
	}
}

/* The command line. */

static void usage(FILE *out)
{
	fputs("usage: violind [-nv] [-c FILE] [--fake SCRIPT]\n"
	      "  -c, --config FILE   configuration "
	      "(/etc/violin/violind.conf)\n"
	      "  -n, --check         check it and exit\n"
	      "  -v, --verbose       log more\n"
	      "      --fake SCRIPT   on a host that is not there\n"
	      "      --die-at POINT  kill itself there, for tests\n"
	      "      --stop-at POINT stop there once, until SIGCONT\n"
	      "      --version\n",
	    out);
}

static struct options parse_options(int argc, char **argv)
{
	enum { FAKE = 256, DIE_AT, STOP_AT, VERSION, HELP };
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'n'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"fake", required_argument, NULL, FAKE},
	    {"die-at", required_argument, NULL, DIE_AT},
	    {"stop-at", required_argument, NULL, STOP_AT},
	    {"version", no_argument, NULL, VERSION},
	    {"help", no_argument, NULL, HELP},
	    {NULL, 0, NULL, 0},
	};
	struct options o = {
	    .config = "/etc/violin/violind.conf", .level = LEVEL_INFO};
	int c;

	while ((c = getopt_long(argc, argv, "c:nv", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 'n':
			o.check_only = true;
			break;
		case 'v':
			o.level = LEVEL_DEBUG;
			break;
		case FAKE:
			o.fake = optarg;
			break;
		case DIE_AT:
			o.die_at = optarg;
			break;
		case STOP_AT:
			o.stop_at = optarg;
			break;
		case VERSION:
			printf("violind %s\n", VIOLIN_VERSION);
			exit(EXIT_SUCCESS);
		case HELP:
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			usage(stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(EXIT_USAGE);
	}
	return o;
}

int main(int argc, char **argv)
{
	struct violind v = {.signals = -1, .lock = -1, .stop_ns = TIME_NEVER};
	struct err err = {""};
	int status = EXIT_SUCCESS;

	v.options = parse_options(argc, argv);
	v.journald = getenv("JOURNAL_STREAM") != NULL;
	setvbuf(stderr, NULL, _IOLBF, 0);
	if (!violind_config_load(&v.config, v.options.config, &err)) {
		fprintf(stderr, "violind: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (v.options.check_only) {
		printf("%s: right\n", v.options.config);
	} else if (open_all(&v, &err)) {
		char line[400];

		snprintf(line, sizeof(line),
		    "start host=%s version=%s hypervisor=%s endpoint=%s",
		    v.config.name, VIOLIN_VERSION, v.host->name,
		    curve_server_endpoint(v.server));
		write_log(&v, LEVEL_INFO, line);
		run(&v);
		write_log(&v, LEVEL_INFO, "stop");
	} else {
		fprintf(stderr, "violind: %s\n", err.text);
		status = EXIT_FAILED;
	}
	close_all(&v);
	return status;
}
