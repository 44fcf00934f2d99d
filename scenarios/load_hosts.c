/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains, their hosts, and the links between them; see load.h. */
#include "scenarios/load.h"

#include <math.h>
#include <string.h>

/* What one entry of `hosts` says of each of its hosts. */
struct host_group {
	uint32_t count, cpus;
	uint64_t mem_kib;
	struct host_setup setup;
};

static const struct field host_fields[] = {
	FIELD("count", COUNT, struct raw_host, count, struct host_group, count,
	    .initial = "1", .least = "1"),
	FIELD("cpus", COUNT, struct raw_host, cpus, struct host_group, cpus,
	    .initial = "1", .least = "1", .most = "100000"),
	FIELD("memory", MEMORY, struct raw_host, memory, struct host_group,
	    mem_kib, .least = "1 MiB"),
	FIELD("nic", RATE, struct raw_host, nic, struct host_group,
	    setup.nic_bps, .initial = "1 Gbit/s", .least = "1 bit/s"),
	FIELD("join", TIME, struct raw_host, join, struct host_group,
	    setup.join_ns, .initial = "0 s"),
	FIELD("leave", NEVER, struct raw_host, leave, struct host_group,
	    setup.leave_ns, .initial = "never"),
	FIELD("fail", NEVER, struct raw_host, fail, struct host_group,
	    setup.fail_ns, .initial = "never"),
	{0}};

static const struct field uplink_fields[] = {
	FIELD("bandwidth", RATE, struct raw_link_end, bandwidth,
	    struct uplink_setup, bps, .initial = "1 Gbit/s",
	    .least = "1 bit/s"),
	FIELD("latency", TIME, struct raw_link_end, latency,
	    struct uplink_setup, latency_ns, .initial = "0.2 ms"),
	{0}};

static const struct field lan_fields[] = {
	FIELD("bandwidth", RATE, struct raw_link_end, bandwidth,
	    struct uplink_setup, lan_bps, .initial = "0 bit/s"),
	FIELD("latency", TIME, struct raw_link_end, latency,
	    struct uplink_setup, lan_latency_ns, .initial = "0.1 ms"),
	{0}};

static const struct field link_fields[] = {
	FIELD("bandwidth", RATE, struct raw_link, bandwidth, struct link_setup,
	    bps, .least = "1 bit/s"),
	FIELD("latency", TIME, struct raw_link, latency, struct link_setup,
	    latency_ns, .initial = "1 ms"),
	FIELD("background", NUMBER, struct raw_link, background,
	    struct link_setup, background, .initial = "0", .most = "0.6"),
	{0}};

/* Hosts. */

static bool load_group(const struct loader *ld, const char *at,
    const char *domain, struct raw_host *raw, struct host_group *group)
{
	if (!raw->name)
		load_set_text(&raw->name, "%s", domain);
	if (!load_name(ld, at, raw->name) ||
	    !load_fields(ld, at, host_fields, raw, group))
		return false;
	if (group->setup.leave_ns <= group->setup.join_ns)
		return load_fail(ld, at, "leave",
		    "the host leaves before it joins; leave must be later");
	return true;
}

static bool load_domain(struct loader *ld, uint32_t d,
    struct host_group *groups, uint32_t *n_hosts)
{
	struct raw_domain *raw = &ld->raw->domains[d];
	char at[64];

	snprintf(at, sizeof at, "domains[%u]", d);
	if (!load_name(ld, at, raw->name))
		return false;
	if (!names_add(ld->domains, raw->name, d))
		return load_fail(ld, at, "name",
		    "two domains are named %s; each needs a name of its own",
		    raw->name);
	for (uint32_t g = 0; g < raw->hosts_count; g++) {
		snprintf(at, sizeof at, "domains[%u].hosts[%u]", d, g);
		if (!load_group(ld, at, raw->name, &raw->hosts[g], &groups[g]))
			return false;
		if (groups[g].count > MAX_HOSTS - *n_hosts)
			return load_fail(ld, at, "count",
			    "more than %d hosts", MAX_HOSTS);
		*n_hosts += groups[g].count;
	}
	snprintf(at, sizeof at, "domains[%u].uplink", d);
	if (!load_fields(ld, at, uplink_fields, &raw->uplink,
		&ld->sc->uplinks[d]))
		return false;
	snprintf(at, sizeof at, "domains[%u].lan", d);
	return load_fields(
	    ld, at, lan_fields, &raw->lan, &ld->sc->uplinks[d]);
}

static bool add_hosts(struct loader *ld, uint32_t d, uint32_t g,
    const struct host_group *group, struct host *hosts, uint32_t *n)
{
	const char *name = ld->raw->domains[d].hosts[g].name;
	char at[64];

	for (uint32_t i = 0; i < group->count; i++, ++*n) {
		hosts[*n] = (struct host){
		    .name = load_numbered(ld, name, i, group->count),
		    .domain = {d},
		    .cpu_mcpu = group->cpus * MCPU_PER_CPU,
		    .mem_kib = group->mem_kib};
		ld->sc->hosts[*n] = group->setup;
		if (names_add(ld->hosts, hosts[*n].name, *n))
			continue;
		snprintf(at, sizeof at, "domains[%u].hosts[%u]", d, g);
		return load_fail(ld, at, "name",
		    "two hosts are named %s; give these another name",
		    hosts[*n].name);
	}
	return true;
}

/* The largest host, and whether "host" can be a unit of CPU. */
static void measure_hosts(struct loader *ld)
{
	const struct model *model = &ld->sc->model;

	ld->host_mcpu = model->hosts[0].cpu_mcpu;
	for (uint32_t i = 0; i < model->n_hosts; i++) {
		const struct host *host = &model->hosts[i];

		if (host->mem_kib > ld->largest_kib)
			ld->largest_kib = host->mem_kib;
		if (host->cpu_mcpu > ld->largest_mcpu)
			ld->largest_mcpu = host->cpu_mcpu;
		if (host->cpu_mcpu != model->hosts[0].cpu_mcpu)
			ld->host_mcpu = 0;
	}
}

/* Links. */

static bool load_link(struct loader *ld, uint32_t i)
{
	struct raw_link *raw = &ld->raw->links[i];
	struct link_setup *link = &ld->sc->links[i];
	char at[64];

	snprintf(at, sizeof at, "links[%u]", i);
	if (!load_find(ld, at, "between[0]", ld->domains, "domain",
		raw->between[0], &link->a.ix) ||
	    !load_find(ld, at, "between[1]", ld->domains, "domain",
		raw->between[1], &link->b.ix) ||
	    !load_fields(ld, at, link_fields, raw, link))
		return false;
	if (link->a.ix == link->b.ix)
		return load_fail(ld, at, "between",
		    "a link from %s to itself; what is within a domain is its "
		    "lan", raw->between[0]);
	for (uint32_t j = 0; j < i; j++) {
		const struct link_setup *l = &ld->sc->links[j];

		if ((l->a.ix == link->a.ix && l->b.ix == link->b.ix) ||
		    (l->a.ix == link->b.ix && l->b.ix == link->a.ix))
			return load_fail(ld, at, "between",
			    "a second link between %s and %s",
			    raw->between[0], raw->between[1]);
	}
	return true;
}

static bool load_links(struct loader *ld)
{
	const struct raw *raw = ld->raw;

	if (raw->domains_count > 1 && !node_get(ld->root, "links"))
		return load_fail(ld, "domains", NULL,
		    "there are several domains but no \"links\"; list them, or "
		    "write \"links: []\" if nothing connects them");
	if (raw->links_count > MAX_DOMAINS * 8)
		return load_fail(ld, "links", NULL, "more than %d links",
		    MAX_DOMAINS * 8);
	ld->sc->n_links = raw->links_count;
	ld->sc->links =
	    POOL_TAKE(ld->pool, raw->links_count, struct link_setup);
	for (uint32_t i = 0; i < raw->links_count; i++)
		if (!load_link(ld, i))
			return false;
	return true;
}

/* The narrowest line of the shortest way from `from` to every domain: links
 * in breadth-first order, then both uplinks. */
static void find_rates(const struct loader *ld, uint32_t from, double *bps)
{
	const struct scenario *sc = ld->sc;
	uint32_t n = sc->model.n_domains, n_seen = 1;
	uint32_t *queue = POOL_TAKE(ld->scratch, n, uint32_t);

	queue[0] = from;
	bps[from] = HUGE_VAL;
	for (uint32_t next = 0; next < n_seen; next++) {
		uint32_t at = queue[next];

		for (uint32_t i = 0; i < sc->n_links; i++) {
			const struct link_setup *l = &sc->links[i];
			uint32_t to = l->a.ix == at ? l->b.ix : l->a.ix;

			if ((l->a.ix != at && l->b.ix != at) || bps[to] > 0)
				continue;
			bps[to] = fmin(bps[at], l->bps * (1 - l->background));
			queue[n_seen++] = to;
		}
	}
	for (uint32_t to = 0; to < n; to++)
		bps[to] = fmin(bps[to],
		    fmin(sc->uplinks[from].bps, sc->uplinks[to].bps));
	bps[from] = sc->uplinks[from].lan_bps;
}

/* model.link_bps; a LAN without a limit is as fast as its fastest NIC. */
static void fill_link_rates(struct loader *ld)
{
	struct model *model = &ld->sc->model;
	uint32_t n = model->n_domains;
	double *bps = POOL_TAKE(ld->pool, (size_t)n * n, double);

	for (uint32_t d = 0; d < n; d++)
		find_rates(ld, d, bps + (size_t)d * n);
	for (uint32_t h = 0; h < model->n_hosts; h++) {
		uint32_t d = model->hosts[h].domain.ix;
		double *lan = &bps[(size_t)d * n + d];

		if (!ld->sc->uplinks[d].lan_bps)
			*lan = fmax(*lan, ld->sc->hosts[h].nic_bps);
	}
	model->link_bps = bps;
}

/* All of it. */

static struct host_group **load_domains(struct loader *ld, uint32_t *n_hosts)
{
	const struct raw *raw = ld->raw;
	struct host_group **groups = POOL_TAKE(
	    ld->scratch, raw->domains_count, struct host_group *);
	struct domain *domains =
	    POOL_TAKE(ld->pool, raw->domains_count, struct domain);

	if (raw->domains_count > MAX_DOMAINS) {
		load_fail(ld, "domains", NULL, "more than %d domains",
		    MAX_DOMAINS);
		return NULL;
	}
	ld->domains = names_new();
	ld->sc->uplinks =
	    POOL_TAKE(ld->pool, raw->domains_count, struct uplink_setup);
	for (uint32_t d = 0; d < raw->domains_count; d++) {
		domains[d].name = raw->domains[d].name;
		groups[d] = POOL_TAKE(ld->scratch,
		    raw->domains[d].hosts_count, struct host_group);
		if (!load_domain(ld, d, groups[d], n_hosts))
			return NULL;
	}
	ld->sc->model.domains = domains;
	ld->sc->model.n_domains = raw->domains_count;
	return groups;
}

bool load_hosts(struct loader *ld)
{
	const struct raw *raw = ld->raw;
	uint32_t n_hosts = 0, n = 0;
	struct host_group **groups = load_domains(ld, &n_hosts);
	struct host *hosts;

	if (!groups)
		return false;
	hosts = POOL_TAKE(ld->pool, n_hosts, struct host);
	ld->sc->hosts = POOL_TAKE(ld->pool, n_hosts, struct host_setup);
	ld->hosts = names_new();
	for (uint32_t d = 0; d < raw->domains_count; d++)
		for (uint32_t g = 0; g < raw->domains[d].hosts_count; g++)
			if (!add_hosts(ld, d, g, &groups[d][g], hosts, &n))
				return false;
	ld->sc->model.hosts = hosts;
	ld->sc->model.n_hosts = n_hosts;
	measure_hosts(ld);
	if (!load_links(ld))
		return false;
	fill_link_rates(ld);
	return true;
}
