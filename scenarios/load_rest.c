/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Migration, virtual network, manager, events, variation; see load.h. */
#include "scenarios/load.h"

#include <string.h>

static const char *const rules[] = {"xen-3.0", "xen-4.17", NULL};

static const struct field rules_field = FIELD("rules", CHOICE,
    struct raw_migration, rules, struct migration_setup, rules,
    .initial = "xen-4.17", .words = rules);

#define MIGRATION(key, kind, raw, out, ...) \
	FIELD(key, kind, struct raw_migration, raw, struct migration_setup, \
	    out, __VA_ARGS__)

/* What Xen's own toolstack of that time does. */
static const struct field xen_3_0_fields[] = {
	MIGRATION("max-rounds", COUNT, max_rounds, max_rounds,
	    .initial = "29", .least = "1"),
	MIGRATION("max-factor", NUMBER, max_factor, max_factor,
	    .initial = "3"),
	MIGRATION("rate-first", RATE, rate_first, rate_first_bps,
	    .initial = "100 Mbit/s"),
	MIGRATION("rate-step", RATE, rate_step, rate_step_bps,
	    .initial = "50 Mbit/s"),
	MIGRATION("rate-max", RATE, rate_max, rate_max_bps,
	    .initial = "500 Mbit/s"),
	{0}};

static const struct field xen_4_17_fields[] = {
	MIGRATION("max-rounds", COUNT, max_rounds, max_rounds, .initial = "5",
	    .least = "1"),
	MIGRATION("max-factor", NUMBER, max_factor, max_factor,
	    .initial = "0"),
	MIGRATION("rate-first", RATE, rate_first, rate_first_bps,
	    .initial = "0 bit/s"),
	MIGRATION("rate-step", RATE, rate_step, rate_step_bps,
	    .initial = "0 bit/s"),
	MIGRATION("rate-max", RATE, rate_max, rate_max_bps,
	    .initial = "0 bit/s"),
	{0}};

/* slowdown: faults on logged pages and the pages' way out, for a guest that
 * computes; a web server lost 12 % in Clark et al. (2005). */
static const struct field migration_fields[] = {
	MIGRATION("stop-pages", COUNT, stop_pages, stop_pages,
	    .initial = "50"),
	MIGRATION("down-time", TIME, down_time, down_fixed_ns,
	    .initial = "60 ms"),
	MIGRATION("slowdown", NUMBER, slowdown, slowdown, .initial = "0.08",
	    .most = "0.99"),
	MIGRATION("cpu", CPU, cpu, cpu_mcpu, .initial = "0 cpu"),
	MIGRATION("failure", NUMBER, failure, failure, .initial = "0",
	    .most = "1"),
	{0}};

#define NETWORK(key, kind, raw, out, ...) \
	FIELD(key, kind, struct raw_network, raw, struct vnet_setup, out, \
	    __VA_ARGS__)

static const char *const networks[] = {"violin-2006", "violin-tunneld", NULL};

static const struct field networks_field = FIELD("rules", CHOICE,
    struct raw_network, rules, struct vnet_setup, rules,
    .initial = "violin-tunneld", .words = networks);

/* The paper's: between domains it takes some seconds to be whole again
 * (daemons learn where the VM is, tunnels open, switches learn), within one
 * hardly any; the spread is of one VM.  Then windows and caches of daemons
 * and TCP fill anew. */
static const struct field violin_2006_fields[] = {
	NETWORK("reestablish", TIME, reestablish, reestablish_ns,
	    .initial = "9 s"),
	NETWORK("reestablish-spread", NUMBER, reestablish_spread,
	    reestablish_spread, .initial = "0.08", .most = "10"),
	NETWORK("within-domain", TIME, within_domain, within_ns,
	    .initial = "1 s"),
	NETWORK("linger", TIME, linger, linger_ns, .initial = "5 s"),
	NETWORK("linger-slowdown", NUMBER, linger_slowdown, linger_slowdown,
	    .initial = "0.75", .most = "1"),
	{0}};

/* violin-tunneld's: the target tells the other hosts when it unpauses the VM,
 * and each changes one forwarding entry.  Measured by tests/netns/run
 * (moves_under_load: hosts of different subnets, three observers): 2 to 6 ms
 * beyond the plugging, which is part of the down-time. */
static const struct field violin_tunneld_fields[] = {
	NETWORK("reestablish", TIME, reestablish, reestablish_ns,
	    .initial = "4 ms"),
	NETWORK("reestablish-spread", NUMBER, reestablish_spread,
	    reestablish_spread, .initial = "0.3", .most = "10"),
	NETWORK("within-domain", TIME, within_domain, within_ns,
	    .initial = "4 ms"),
	NETWORK("linger", TIME, linger, linger_ns, .initial = "0 s"),
	NETWORK("linger-slowdown", NUMBER, linger_slowdown, linger_slowdown,
	    .initial = "0", .most = "1"),
	{0}};

static const struct field network_fields[] = {
	NETWORK("rto-min", TIME, rto_min, rto_min_ns, .initial = "200 ms",
	    .least = "1 ms"),
	{0}};

static bool load_network(struct loader *ld)
{
	struct raw_network *raw = &ld->raw->network;
	struct vnet_setup *v = &ld->sc->vnet;

	return load_field(ld, "network", &networks_field, &raw->rules,
		   &v->rules) &&
	       load_fields(ld, "network",
		   v->rules == VNET_VIOLIN_2006 ? violin_2006_fields
						: violin_tunneld_fields,
		   raw, v) &&
	       load_fields(ld, "network", network_fields, raw, v);
}

bool load_migration(struct loader *ld)
{
	struct raw_migration *raw = &ld->raw->migration;
	struct migration_setup *m = &ld->sc->migration;

	if (!load_field(ld, "migration", &rules_field, &raw->rules, &m->rules))
		return false;
	return load_fields(ld, "migration",
		   m->rules == PRECOPY_XEN_3_0 ? xen_3_0_fields
	                                       : xen_4_17_fields,
		   raw, m) &&
	       load_fields(ld, "migration", migration_fields, raw, m) &&
	       load_network(ld);
}

/* Manager. */

static const struct field manager_fields[] = {
	FIELD("period", TIME, struct raw_manager, period,
	    struct manager_setup, period_ns, .initial = "10 s",
	    .least = "1 ms"),
	FIELD("noise", NUMBER, struct raw_manager, noise,
	    struct manager_setup, noise, .initial = "0", .most = "1"),
	{0}};

static const struct field limits_fields[] = {
	FIELD("actions", COUNT, struct raw_limits, actions,
	    struct plan_limits, actions_per_period, .initial = "0"),
	FIELD("migrations", COUNT, struct raw_limits, migrations,
	    struct plan_limits, migrations_per_env, .initial = "0"),
	{0}};

/* An environment is created as a whole, or not at all. */
static bool check_limits(const struct loader *ld)
{
	const struct model *model = &ld->sc->model;
	uint32_t most = ld->sc->manager.limits.actions_per_period;

	for (uint32_t e = 0; most && e < model->n_envs; e++)
		if (model->envs[e].n_vms > most)
			return load_fail(ld, "manager.limits", "actions",
			    "%s, of %u VMs, could never be created: right is "
			    "at least %u, or 0 for no limit",
			    model->envs[e].name, model->envs[e].n_vms,
			    model->envs[e].n_vms);
	return true;
}

bool load_manager(struct loader *ld)
{
	struct raw_manager *raw = &ld->raw->manager;
	struct manager_setup *m = &ld->sc->manager;
	const struct node *params =
	    tree_find(ld->root, "manager.parameters");

	if (!raw->policy)
		load_set_text(&raw->policy, "violin");
	m->policy = raw->policy;
	if (!load_fields(ld, "manager", manager_fields, raw, m) ||
	    !load_fields(ld, "manager.limits", limits_fields, &raw->limits,
		&m->limits) ||
	    !check_limits(ld))
		return false;
	m->n_params = raw->parameters_count;
	m->params = pool_take(ld->pool, m->n_params, sizeof *m->params);
	for (uint32_t i = 0; i < m->n_params; i++) {
		const struct node *key = params->keys[i];

		m->params[i].name = raw->parameters[i].name;
		m->params[i].value = raw->parameters[i].value;
		if (!params->items[i]->override) {
			m->params[i].line = key->line;
			m->params[i].column = key->column;
		}
	}
	return true;
}

/* Events. */

static const struct field event_fields[] = {
	FIELD("at", TIME, struct raw_event, at, struct event_setup, at_ns,
	    .least = "0 s"),
	FIELD("bandwidth", RATE, struct raw_event, bandwidth,
	    struct event_setup, bps, .least = "0 bit/s"),
	{0}};

static bool find_link(const struct loader *ld, const char *at,
    struct raw_event *raw, struct event_setup *event)
{
	uint32_t a, b;

	if (!load_find(ld, at, "link[0]", ld->domains, "domain", raw->link[0],
		&a) ||
	    !load_find(ld, at, "link[1]", ld->domains, "domain", raw->link[1],
		&b))
		return false;
	for (uint32_t i = 0; i < ld->sc->n_links; i++) {
		const struct link_setup *l = &ld->sc->links[i];

		if ((l->a.ix == a && l->b.ix == b) ||
		    (l->a.ix == b && l->b.ix == a)) {
			event->link = i;
			return true;
		}
	}
	return load_fail(ld, at, "link", "there is no link between %s and %s",
	    raw->link[0], raw->link[1]);
}

static bool find_subject(const struct loader *ld, const char *at,
    struct raw_event *raw, struct event_setup *event)
{
	switch (event->kind) {
	case TIMED_MIGRATE:
		if (!raw->to)
			return load_fail(ld, at, NULL,
			    "\"to\" is missing: the domain to migrate to");
		return load_find(ld, at, "migrate", ld->envs, "environment",
			   raw->migrate, &event->env.ix) &&
		       load_find(ld, at, "to", ld->domains, "domain", raw->to,
			   &event->domain.ix);
	case TIMED_ABORT:
		return load_find(ld, at, "abort", ld->envs, "environment",
		    raw->abort, &event->env.ix);
	case TIMED_FAIL:
		return load_find(ld, at, "fail", ld->hosts, "host", raw->fail,
		    &event->host.ix);
	case TIMED_DRAIN:
		return load_find(ld, at, "drain", ld->hosts, "host",
		    raw->drain, &event->host.ix);
	case TIMED_JOIN:
		return load_find(ld, at, "join", ld->hosts, "host", raw->join,
		    &event->host.ix);
	case TIMED_LINK:
		if (!raw->bandwidth)
			return load_fail(ld, at, NULL,
			    "\"bandwidth\" is missing: what the link has from "
			    "then on, 0 bit/s to cut it");
		return find_link(ld, at, raw, event);
	}
	return false;
}

/* Exactly one key says what happens. */
static bool find_kind(const struct loader *ld, const char *at,
    const struct raw_event *raw, struct event_setup *event)
{
	const void *const what[] = {[TIMED_MIGRATE] = raw->migrate,
	    [TIMED_ABORT] = raw->abort, [TIMED_FAIL] = raw->fail,
	    [TIMED_DRAIN] = raw->drain, [TIMED_JOIN] = raw->join,
	    [TIMED_LINK] = raw->link};
	int n = 0;

	for (unsigned i = 0; i < sizeof what / sizeof *what; i++)
		if (what[i]) {
			event->kind = i;
			n++;
		}
	if (n != 1)
		return load_fail(ld, at, NULL,
		    "an event has one of migrate, abort, fail, drain, join, "
		    "link; this one has %d", n);
	if (raw->to && event->kind != TIMED_MIGRATE)
		return load_fail(ld, at, "to", "\"to\" is for migrate");
	if (raw->bandwidth && event->kind != TIMED_LINK)
		return load_fail(
		    ld, at, "bandwidth", "\"bandwidth\" is for link");
	return true;
}

static const struct field variation_fields[] = {
	FIELD("work", NUMBER, struct raw_variation, work, struct variation,
	    work, .initial = "0", .most = "0.99"),
	FIELD("start", TIME, struct raw_variation, start, struct variation,
	    start_ns, .initial = "0 s"),
	{0}};

bool load_events(struct loader *ld)
{
	struct scenario *sc = ld->sc;
	char at[48];

	sc->n_events = ld->raw->events_count;
	sc->events = POOL_TAKE(ld->pool, sc->n_events, struct event_setup);
	for (uint32_t i = 0; i < sc->n_events; i++) {
		struct raw_event *raw = &ld->raw->events[i];
		struct event_setup *event = &sc->events[i];

		snprintf(at, sizeof at, "events[%u]", i);
		event->env = NO_ENV;
		event->domain = NO_DOMAIN;
		event->host = NO_HOST;
		event->link = ID_NONE;
		if (!find_kind(ld, at, raw, event) ||
		    !load_fields(ld, at, event_fields, raw, event) ||
		    !find_subject(ld, at, raw, event))
			return false;
	}
	return load_fields(ld, "variation", variation_fields,
	    &ld->raw->variation, &sc->variation);
}
