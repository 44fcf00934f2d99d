/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tunnel daemon's heart; see tunneld.h.  Its start is tunneld_init.c. */
#include "backends/tunnel/tunneld.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "backends/tunnel/rtnl.h"
#include "backends/tunnel/state.h"
#include "core/units.h"

enum {
	/* Each pass does what the one before made possible; two are usual. */
	PASSES_MAX = 6,
};

/* After an event, so long for others to come with it; but no more often than
 * the second, whatever happens; and after a failure. */
static const int64_t settle_ns = 2 * NS_PER_MS;
static const int64_t spacing_ns = 20 * NS_PER_MS;
static const int64_t retry_ns = 1 * NS_PER_S;

void tunneld_log(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("violin-tunneld: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int64_t tunneld_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void note_trouble(struct tunneld *t, const struct err *err)
{
	if (t->follows && strcmp(t->trouble.text, err->text) != 0)
		tunneld_log("%s", err->text);
	t->follows = false;
	t->trouble = *err;
}

static void apply(struct tunneld *t)
{
	char text[DIFF_TEXT_BYTES];
	struct err err = {{0}};

	for (size_t i = 0; i < t->diff.n_ops; i++) {
		if (t->options.verbose)
			tunneld_log("%s", diff_format(&t->diff.ops[i], text));
		if (!rtnl_apply(&t->route, &t->diff.ops[i], &err))
			note_trouble(t, &err);
	}
	t->n_operations += t->diff.n_ops;
}

/* Reads what is and finds what is to do; false when that is nothing. */
static bool look(struct tunneld *t)
{
	struct err err = {{0}};

	t->diff.n_ops = 0;
	if (!rtnl_read(&t->route, &t->actual, &err)) {
		note_trouble(t, &err);
		return false;
	}
	net_clear(&t->want);
	desire_net(&t->want, &t->site, t->me, &t->locations, &t->actual);
	if (!diff_nets(&t->diff, &t->want, &t->actual, &err)) {
		note_trouble(t, &err);
		return false;
	}
	return t->diff.n_ops > 0;
}

void tunneld_reconcile(struct tunneld *t, int64_t now_ns)
{
	struct err err = {{0}};
	bool followed = t->follows;

	t->follows = true;
	for (int pass = 0; pass < PASSES_MAX && look(t); pass++)
		apply(t);
	if (t->has_wireguard && !wireguard_follow(&t->wireguard, &t->generic,
	                            &t->site, t->me, &err))
		note_trouble(t, &err);
	if (!filter_follow(
	        &t->filter, &t->netfilter, &t->site, t->me, &t->want, &err))
		note_trouble(t, &err);
	if (t->follows && !followed) {
		tunneld_log("the kernel is as it should be");
		t->trouble.text[0] = '\0'; /* to be told if it comes again */
	}
	t->n_reconciled++;
	t->reconciled_at_ns = now_ns;
	t->reconcile_at_ns = t->follows ? TIME_NEVER : now_ns + retry_ns;
}

/* A VM that came to this host is announced; one that left no longer. */
static void note_arrival(struct tunneld *t, const struct location *was,
    const struct location *news, int64_t now_ns)
{
	const char *me = t->site.hosts[t->me].name;

	if (strcmp(news->host, me) != 0)
		announcer_remove(&t->announcer, news->mac);
	else if (t->site.announce && (!was || strcmp(was->host, me) != 0))
		announcer_add(&t->announcer, news, now_ns);
}

static enum location_news take_one(
    struct tunneld *t, const struct location *news, int64_t now_ns)
{
	const struct location *found = location_find(&t->locations, news->mac);
	struct location was = found ? *found : (struct location){0};
	enum location_news what = location_apply(&t->locations, news);

	if (what == LOCATION_NEWER)
		note_arrival(t, found ? &was : NULL, news, now_ns);
	return what;
}

static void save(struct tunneld *t)
{
	struct err err = {{0}};

	t->unsaved = !state_save(&t->locations, t->state_path, &err);
	if (t->unsaved)
		note_trouble(t, &err);
}

uint32_t tunneld_take(struct tunneld *t, const struct location *records,
    uint32_t n_records, struct location *newer)
{
	int64_t now_ns = tunneld_now_ns();
	uint32_t n_newer = 0;
	bool changed = false;

	for (uint32_t i = 0; i < n_records; i++) {
		enum location_news what = take_one(t, &records[i], now_ns);

		changed |= what == LOCATION_NEWER;
		t->n_stale += what == LOCATION_STALE;
		if (what == LOCATION_STALE && newer)
			newer[n_newer++] =
			    *location_find(&t->locations, records[i].mac);
	}
	if (changed) {
		tunneld_reconcile(t, now_ns);
		save(t);
		announcer_run(&t->announcer, &t->actual, tunneld_now_ns());
	}
	return n_newer;
}

static void look_by(struct tunneld *t, int64_t at_ns)
{
	if (at_ns < t->reconciled_at_ns + spacing_ns)
		at_ns = t->reconciled_at_ns + spacing_ns;
	if (at_ns < t->reconcile_at_ns)
		t->reconcile_at_ns = at_ns;
}

/* What was lost (ENOBUFS) may be about us; if it was what we did ourselves, it
 * will be again: so not at once. */
static void on_rules(struct tunneld *t, int64_t now_ns)
{
	static _Alignas(struct nlmsghdr) char buffer[NL_BUFFER_BYTES];
	int fd = mnl_socket_get_fd(t->rules.socket);
	unsigned own = mnl_socket_get_portid(t->netfilter.socket);
	int64_t at_ns = TIME_NEVER;
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOBUFS)) {
		if (n > 0 && filter_is_touched(buffer, (size_t)n, own))
			at_ns = now_ns + settle_ns;
		else if (n < 0 && at_ns == TIME_NEVER)
			at_ns = now_ns + retry_ns;
	}
	if (at_ns == TIME_NEVER)
		return;
	filter_forget(&t->filter);
	look_by(t, at_ns);
}

void tunneld_on_events(struct tunneld *t, int64_t now_ns)
{
	static _Alignas(struct nlmsghdr) char buffer[NL_BUFFER_BYTES];
	int fd = mnl_socket_get_fd(t->events);
	bool any = false;

	on_rules(t, now_ns);

	/* What it says does not matter, nor whether some was lost (ENOBUFS):
	 * something has changed, and the tables will be read. */
	while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0 ||
	       errno == ENOBUFS) {
		any = true;
		errno = 0;
	}
	if (any)
		look_by(t, now_ns + settle_ns);
}

void tunneld_on_time(struct tunneld *t, int64_t now_ns)
{
	announcer_run(&t->announcer, &t->actual, now_ns);
	if (now_ns < t->reconcile_at_ns)
		return;
	tunneld_reconcile(t, now_ns);
	if (t->unsaved)
		save(t);
}

int64_t tunneld_next_ns(const struct tunneld *t)
{
	int64_t announce = announcer_next_ns(&t->announcer);

	return announce < t->reconcile_at_ns ? announce : t->reconcile_at_ns;
}

/* Sets a port's alias, which says whose it is. */
static bool set_alias(
    struct tunneld *t, const char *port, const char *alias, struct err *err)
{
	struct diff_op op = {.verb = DIFF_SET_LINK};
	const struct net_link *link;

	if (!rtnl_read(&t->route, &t->actual, err))
		return false;
	link = net_find_link(&t->actual, port);
	if (!link || link->kind != NET_PORT)
		return err_set(err,
		    "%s: there is no interface of that name for a VM", port);
	op.link = *link;
	op.link.mtu = 0;
	memcpy(op.link.alias, alias, sizeof op.link.alias);
	return rtnl_apply(&t->route, &op, err);
}

bool tunneld_attach(
    struct tunneld *t, const char *port, struct mac mac, struct err *err)
{
	char alias[NET_ALIAS_BYTES] = "", text[MAC_TEXT_BYTES];

	if (!location_find(&t->locations, mac))
		return err_set(err,
		    "%s: no VM with this MAC is known here: it must be in the "
		    "site file, or told by the manager, first",
		    mac_format(mac, text));
	net_alias_port(alias, mac);
	if (!set_alias(t, port, alias, err))
		return false;
	tunneld_reconcile(t, tunneld_now_ns());
	if (!t->follows)
		*err = t->trouble;
	return t->follows;
}

bool tunneld_detach(struct tunneld *t, const char *port, struct err *err)
{
	struct diff_op op = {.verb = DIFF_SET_MASTER};
	const struct net_link *link;
	struct mac mac;

	if (!rtnl_read(&t->route, &t->actual, err))
		return false;
	link = net_find_link(&t->actual, port);
	if (!link || !net_port_mac(link, &mac))
		return err_set(err, "%s: not the port of a VM", port);
	op.link = *link;
	*op.link.master = '\0';
	if (!rtnl_apply(&t->route, &op, err) ||
	    !set_alias(t, port, (char[NET_ALIAS_BYTES]){" "}, err))
		return false;
	tunneld_reconcile(t, tunneld_now_ns());
	return true;
}
