/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The physical network; see network.h.
 *
 * Resources of the solver, in this order:
 *	host h		2 h out, 2 h + 1 in
 *	domain d	first_domain + 3 d: LAN, uplink out, uplink in
 *	link l		first_link + 2 l from a to b, + 1 from b to a
 *	nowhere		of no capacity, for flows that have no path
 */
#include "sim/network.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/share.h"

enum { OUT, IN };
enum { LAN, UPLINK_OUT, UPLINK_IN, DOMAIN_LINES };
enum { FIXED_LINES = 6 }; /* of a path, besides links */

struct network {
	const struct scenario *scenario;
	struct share *share;
	uint32_t first_domain, first_link, nowhere;
	/* next_link[a * n_domains + b]: the first link from a towards b */
	uint32_t *next_link;
	/* a path, as it is laid out for the solver; needs of 1 on links too */
	struct share_need *path;
	/* while an exchange is summed up: bits for each resource */
	double *load_bits;
	uint32_t *loaded;
	uint32_t n_loaded;
};

/* Routes. */

static uint32_t other_end(const struct link_setup *link, uint32_t domain)
{
	return link->a.ix == domain ? link->b.ix : link->a.ix;
}

/* The links at each domain, in the order of the file: those of d are
 * at[first[d]] .. at[first[d + 1] - 1]. */
static void list_links(const struct scenario *s, uint32_t *first, uint32_t *at)
{
	uint32_t n = s->model.n_domains;

	memset(first, 0, (n + 2) * sizeof(*first));
	for (uint32_t l = 0; l < s->n_links; l++) {
		first[s->links[l].a.ix + 2]++;
		first[s->links[l].b.ix + 2]++;
	}
	for (uint32_t d = 0; d < n; d++)
		first[d + 2] += first[d + 1];
	for (uint32_t l = 0; l < s->n_links; l++) {
		at[first[s->links[l].a.ix + 1]++] = l;
		at[first[s->links[l].b.ix + 1]++] = l;
	}
}

/* Breadth first from `to`: the link by which a domain is reached is the one
 * by which it reaches `to`. */
static void route_to(struct network *net, uint32_t to, const uint32_t *first,
    const uint32_t *at, uint32_t *queue)
{
	const struct scenario *s = net->scenario;
	uint32_t n = s->model.n_domains, n_queue = 0;

	for (uint32_t d = 0; d < n; d++)
		net->next_link[d * n + to] = ID_NONE;
	queue[n_queue++] = to;
	for (uint32_t q = 0; q < n_queue; q++) {
		for (uint32_t i = first[queue[q]]; i < first[queue[q] + 1];
		     i++) {
			uint32_t d = other_end(&s->links[at[i]], queue[q]);

			if (d == to || net->next_link[d * n + to] != ID_NONE)
				continue;
			net->next_link[d * n + to] = at[i];
			queue[n_queue++] = d;
		}
	}
}

static bool find_routes(struct network *net)
{
	const struct scenario *s = net->scenario;
	size_t n = s->model.n_domains;
	uint32_t *first = calloc(n + 2, sizeof(*first));
	uint32_t *at = calloc(2 * (size_t)s->n_links + 1, sizeof(*at));
	uint32_t *queue = calloc(n + 1, sizeof(*queue));
	bool ok = first && at && queue;

	net->next_link = calloc(n * n + 1, sizeof(*net->next_link));
	ok = ok && net->next_link;
	if (ok) {
		list_links(s, first, at);
		for (uint32_t d = 0; d < n; d++)
			route_to(net, d, first, at, queue);
	}
	free(first);
	free(at);
	free(queue);
	return ok;
}

/* Resources. */

static double or_no_limit(double bps)
{
	return bps > 0 ? bps : HUGE_VAL;
}

static bool add_lines(struct network *net)
{
	const struct scenario *s = net->scenario;
	uint32_t last = 0;

	for (uint32_t h = 0; h < s->model.n_hosts && last != SHARE_NONE; h++) {
		share_add_resource(net->share, s->hosts[h].nic_bps);
		last = share_add_resource(net->share, s->hosts[h].nic_bps);
	}
	net->first_domain = 2 * s->model.n_hosts;
	for (uint32_t d = 0; d < s->model.n_domains && last != SHARE_NONE;
	     d++) {
		share_add_resource(
		    net->share, or_no_limit(s->uplinks[d].lan_bps));
		share_add_resource(net->share, s->uplinks[d].bps);
		last = share_add_resource(net->share, s->uplinks[d].bps);
	}
	net->first_link = net->first_domain + DOMAIN_LINES * s->model.n_domains;
	for (uint32_t l = 0; l < s->n_links && last != SHARE_NONE; l++) {
		share_add_resource(net->share, s->links[l].bps);
		last = share_add_resource(net->share, s->links[l].bps);
	}
	net->nowhere = net->first_link + 2 * s->n_links;
	return last != SHARE_NONE &&
	    share_add_resource(net->share, 0) == net->nowhere;
}

struct network *network_new(const struct scenario *scenario)
{
	struct network *net = calloc(1, sizeof(*net));
	size_t n_domains = scenario->model.n_domains;

	if (!net)
		return NULL;
	net->scenario = scenario;
	net->share = share_new();
	net->path = calloc(n_domains + FIXED_LINES, sizeof(*net->path));
	if (!net->share || !net->path || !find_routes(net) ||
	    !add_lines(net))
		goto fail;
	net->load_bits =
	    calloc((size_t)net->nowhere + 1, sizeof(*net->load_bits));
	net->loaded = calloc((size_t)net->nowhere + 1, sizeof(*net->loaded));
	if (net->load_bits && net->loaded)
		return net;
fail:
	network_free(net);
	return NULL;
}

void network_free(struct network *net)
{
	if (!net)
		return;
	share_free(net->share);
	free(net->next_link);
	free(net->path);
	free(net->load_bits);
	free(net->loaded);
	free(net);
}

void network_set_link(struct network *net, uint32_t link, double bps)
{
	assert(link < net->scenario->n_links);
	share_set_capacity(net->share, net->first_link + 2 * link, bps);
	share_set_capacity(net->share, net->first_link + 2 * link + 1, bps);
}

/* Paths. */

static uint32_t domain_of(const struct network *net, struct host_id host)
{
	assert(host.ix < net->scenario->model.n_hosts);
	return net->scenario->model.hosts[host.ix].domain.ix;
}

static uint32_t domain_line(
    const struct network *net, uint32_t domain, uint32_t line)
{
	return net->first_domain + DOMAIN_LINES * domain + line;
}

/* A switch without limit would only tie together what it does not couple. */
static uint32_t add_lan(const struct network *net, uint32_t domain, uint32_t n)
{
	uint32_t lan = domain_line(net, domain, LAN);

	if (share_capacity(net->share, lan) < HUGE_VAL)
		net->path[n++] = (struct share_need){lan, 1};
	return n;
}

/* Uplink, links, uplink; `draw` places the background traffic on the links. */
static uint32_t add_way(const struct network *net, uint32_t from, uint32_t to,
    double draw, uint32_t n)
{
	const struct scenario *s = net->scenario;
	uint32_t at = from, l;

	net->path[n++] = (struct share_need){
	    domain_line(net, from, UPLINK_OUT), 1};
	while (at != to) {
		l = net->next_link[at * s->model.n_domains + to];
		net->path[n++] = (struct share_need){
		    net->first_link + 2 * l + (s->links[l].a.ix != at),
		    1 / (1 - s->links[l].background * (0.5 + draw))};
		at = other_end(&s->links[l], at);
	}
	net->path[n++] =
	    (struct share_need){domain_line(net, to, UPLINK_IN), 1};
	return n;
}

/* Lays out net->path; returns its length, 0 within a host. */
static uint32_t lay_path(const struct network *net, struct host_id from,
    struct host_id to, double draw)
{
	uint32_t a = domain_of(net, from), b = domain_of(net, to), n = 0;

	if (host_is(from, to))
		return 0;
	if (a != b && net->next_link[a * net->scenario->model.n_domains + b] ==
		ID_NONE) {
		net->path[0] = (struct share_need){net->nowhere, 1};
		return 1;
	}
	net->path[n++] = (struct share_need){2 * from.ix + OUT, 1};
	n = add_lan(net, a, n);
	if (a != b) {
		n = add_way(net, a, b, draw, n);
		n = add_lan(net, b, n);
	}
	net->path[n++] = (struct share_need){2 * to.ix + IN, 1};
	return n;
}

static const double mean_draw = 0.5;

int64_t network_latency_ns(
    const struct network *net, struct host_id from, struct host_id to)
{
	const struct scenario *s = net->scenario;
	uint32_t at = domain_of(net, from), b = domain_of(net, to), l;
	int64_t sum = s->uplinks[at].lan_latency_ns;

	if (host_is(from, to))
		return 0;
	if (at == b)
		return sum;
	sum += s->uplinks[at].latency_ns + s->uplinks[b].latency_ns +
	    s->uplinks[b].lan_latency_ns;
	while (at != b) {
		l = net->next_link[at * s->model.n_domains + b];
		if (l == ID_NONE)
			return 0;
		sum += s->links[l].latency_ns;
		at = other_end(&s->links[l], at);
	}
	return sum;
}

double network_path_bps(
    const struct network *net, struct host_id from, struct host_id to)
{
	uint32_t n = lay_path(net, from, to, mean_draw);
	double bps = HUGE_VAL;

	for (uint32_t i = 0; i < n; i++)
		bps = fmin(bps,
		    share_capacity(net->share, net->path[i].resource) /
			net->path[i].amount);
	return bps;
}

/* Flows. */

uint32_t network_open_flow(struct network *net, struct host_id from,
    struct host_id to, double limit_bps, double draw)
{
	uint32_t n;

	assert(draw >= 0 && draw < 1);
	n = lay_path(net, from, to, draw);
	return share_open(net->share, 1, limit_bps, net->path, n);
}

void network_limit_flow(struct network *net, uint32_t flow, double limit_bps)
{
	share_set_bound(net->share, flow, limit_bps);
}

void network_close_flow(struct network *net, uint32_t flow)
{
	share_close(net->share, flow);
}

const uint32_t *network_solve(struct network *net, uint32_t *n_changed)
{
	return share_solve(net->share, n_changed);
}

double network_rate_bps(const struct network *net, uint32_t flow)
{
	return share_rate(net->share, flow);
}

/* Exchanges. */

static void load_path(struct network *net, struct host_id from,
    struct host_id to, double bits)
{
	uint32_t n = lay_path(net, from, to, mean_draw);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t r = net->path[i].resource;

		if (net->load_bits[r] <= 0)
			net->loaded[net->n_loaded++] = r;
		net->load_bits[r] += bits * net->path[i].amount;
	}
}

/* What messages get of a resource: A_r. */
static double available_bps(const struct network *net, uint32_t r)
{
	double capacity = share_capacity(net->share, r);

	return fmax(capacity - share_used(net->share, r),
	    capacity / (share_users(net->share, r) + 1.0));
}

/* The longest that any loaded resource takes; unloads all. */
static double unload(struct network *net)
{
	double longest = 0;

	for (uint32_t i = 0; i < net->n_loaded; i++) {
		uint32_t r = net->loaded[i];

		longest = fmax(
		    longest, net->load_bits[r] / available_bps(net, r));
		net->load_bits[r] = 0;
	}
	net->n_loaded = 0;
	return longest;
}

double network_exchange_s(struct network *net, const struct host_id *hosts,
    uint32_t n_hosts, double bytes)
{
	int64_t latency_ns = 0;

	if (n_hosts < 2 || bytes <= 0)
		return 0;
	for (uint32_t i = 0; i < n_hosts; i++) {
		struct host_id next = hosts[i + 1 < n_hosts ? i + 1 : 0];
		int64_t there = network_latency_ns(net, hosts[i], next);

		load_path(net, hosts[i], next, 8 * bytes / 2);
		load_path(net, next, hosts[i], 8 * bytes / 2);
		if (latency_ns < there)
			latency_ns = there;
	}
	return unload(net) + ns_to_s(latency_ns);
}
