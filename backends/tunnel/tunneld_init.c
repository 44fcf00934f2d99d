/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tunnel daemon's start; see tunneld.h. */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/tunnel/admit.h"
#include "backends/tunnel/rtnl.h"
#include "backends/tunnel/state.h"
#include "backends/tunnel/tunneld.h"
#include "core/units.h"

static bool find_me(struct tunneld *t, struct err *err)
{
	char name[SITE_NAME_BYTES] = "";

	if (t->options.host)
		snprintf(name, sizeof name, "%s", t->options.host);
	else
		gethostname(name, sizeof name - 1);
	t->me = site_find_host(&t->site, name);
	t->misfit = t->me == UINT32_MAX;
	return !t->misfit ||
	       err_set(err,
	           "%s: there is no host \"%s\" in it: add it, or say which "
	           "one this is with --host",
	           t->options.config, name);
}

static bool check_key(struct tunneld *t, struct err *err)
{
	const struct site_host *me = &t->site.hosts[t->me];
	char text[CURVE_KEY_TEXT];

	if (curve_public_equal(&me->wireguard_key, &t->wireguard.key.public))
		return true;
	t->misfit = true;
	curve_public_print(&t->wireguard.key.public, text);
	return err_set(err,
	    "%s: host \"%s\" has another wireguard_key than the one that is "
	    "here, which is %s",
	    t->options.config, me->name, text);
}

static bool start_wireguard(struct tunneld *t, struct err *err)
{
	t->has_wireguard = site_needs_wireguard(&t->site, t->me);
	if (!t->has_wireguard)
		return true;
	return curve_key_have(&t->wireguard.key, t->options.state_folder,
	           "wireguard.key", err) &&
	       check_key(t, err) &&
	       wireguard_open(&t->wireguard, &t->generic, err);
}

static bool admit(struct tunneld *t, struct err *err)
{
	uint32_t *path_mtu = calloc(t->site.n_hosts + 1, sizeof *path_mtu);
	bool ok;

	if (!path_mtu)
		abort();
	for (uint32_t i = 0; i < t->site.n_hosts; i++)
		path_mtu[i] = rtnl_read_path_mtu(
		    &t->route, t->site.hosts[i].address, NULL);
	ok = admit_site(&t->site, t->me, path_mtu, err) ||
	     err_prefix(err, "%s", t->options.config);
	free(path_mtu);
	return ok;
}

/* A site's rules are one transaction: room for what is told of it. */
static bool open_rules(struct tunneld *t, struct err *err)
{
	int group = NFNLGRP_NFTABLES, room = 4 << 20;

	if (!nl_open(&t->rules, NETLINK_NETFILTER, err))
		return false;
	setsockopt(mnl_socket_get_fd(t->rules.socket), SOL_SOCKET,
	    SO_RCVBUFFORCE, &room, sizeof room);
	return setsockopt(mnl_socket_get_fd(t->rules.socket), SOL_NETLINK,
	           NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0 ||
	       err_set(err, "nf_tables' events: %s", strerror(errno));
}

static bool open_events(struct tunneld *t, struct err *err)
{
	static const int groups[] = {
	    RTNLGRP_LINK,
	    RTNLGRP_NEIGH,
	    RTNLGRP_IPV4_IFADDR,
	};
	int fd;

	t->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!t->events || mnl_socket_bind(t->events, 0, 0) < 0)
		return err_set(err, "netlink: %s", strerror(errno));
	fd = mnl_socket_get_fd(t->events);
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
		        &groups[i], sizeof groups[i]) < 0)
			return err_set(
			    err, "netlink events: %s", strerror(errno));
	return true;
}

void tunneld_take_site(struct tunneld *t)
{
	for (uint32_t i = 0; i < t->site.n_vms; i++) {
		const struct site_vm *vm = &t->site.vms[i];
		struct location record = {
		    .mac = vm->mac,
		    .vni = t->site.environments[vm->environment].vni,
		    .ip = vm->ip,
		};

		memcpy(record.host, vm->host, sizeof record.host);
		location_apply(&t->locations, &record);
	}
}

bool tunneld_load_site(struct tunneld *t, struct err *err)
{
	return site_load(&t->site, t->options.config, err) && find_me(t, err) &&
	       admit(t, err) && start_wireguard(t, err);
}

bool tunneld_init(
    struct tunneld *t, const struct tunneld_options *options, struct err *err)
{
	memset(t, 0, sizeof *t);
	t->options = *options;
	t->lock = -1;
	t->follows = true;
	t->reconcile_at_ns = TIME_NEVER;
	if (sodium_init() < 0)
		return err_set(err, "libsodium cannot be started");
	randombytes_buf(&t->instance, sizeof t->instance);
	if (mkdir(options->state_folder, 0700) < 0 && errno != EEXIST)
		return err_set(
		    err, "%s: %s", options->state_folder, strerror(errno));
	t->lock = state_lock(options->state_folder, err);
	if (t->lock < 0)
		return false;
	snprintf(t->state_path, sizeof t->state_path, "%s/locations",
	    options->state_folder);
	if (!nl_open(&t->route, NETLINK_ROUTE, err) ||
	    !nl_open(&t->netfilter, NETLINK_NETFILTER, err) ||
	    !nl_open(&t->generic, NETLINK_GENERIC, err) ||
	    !tunneld_load_site(t, err) || !open_events(t, err) ||
	    !open_rules(t, err) ||
	    !state_load(&t->locations, t->state_path, err)) {
		tunneld_fini(t);
		return false;
	}
	tunneld_take_site(t);
	tunneld_reconcile(t, tunneld_now_ns());
	return true;
}

void tunneld_fini(struct tunneld *t)
{
	announcer_fini(&t->announcer);
	filter_fini(&t->filter);
	diff_fini(&t->diff);
	net_fini(&t->want);
	net_fini(&t->actual);
	location_fini(&t->locations);
	site_fini(&t->site);
	nl_close(&t->route);
	nl_close(&t->netfilter);
	nl_close(&t->generic);
	nl_close(&t->rules);
	if (t->events)
		mnl_socket_close(t->events);
	if (t->lock >= 0)
		close(t->lock);
	sodium_memzero(t, sizeof *t);
}
