/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon tells about itself; see show.h. */
#include "backends/tunnel/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/tunnel/rtnl.h"

/* Counters. */

/* One environment on this host: what its VMs sent and received here, what
 * went through the tunnels, and what the broadcast limit dropped. */
struct env_counters {
	const struct site_environment *env;
	struct net_counters guests, tunnels;
	uint64_t storm_packets;
};

static void add_counters(struct net_counters *sum, const struct net_counters *c)
{
	sum->rx_bytes += c->rx_bytes;
	sum->rx_packets += c->rx_packets;
	sum->rx_dropped += c->rx_dropped;
	sum->tx_bytes += c->tx_bytes;
	sum->tx_packets += c->tx_packets;
	sum->tx_dropped += c->tx_dropped;
}

static struct env_counters sum_environment(const struct net *actual,
    const struct filter_counters *dropped, const struct site_environment *env)
{
	struct env_counters sum = {.env = env};
	const struct filter_counter *storm;
	char bridge[IFNAMSIZ], name[32];

	net_name_bridge(bridge, env->vni);
	for (size_t i = 0; i < actual->n_links; i++) {
		const struct net_link *link = &actual->links[i];

		if (!strcmp(link->master, bridge))
			add_counters(
			    link->kind == NET_PORT ? &sum.guests : &sum.tunnels,
			    &link->counters);
	}
	snprintf(name, sizeof name, "storm%u", env->vni);
	storm = filter_find_counter(dropped, name);
	sum.storm_packets = storm ? storm->packets : 0;
	return sum;
}

/* Of a port, what it receives is what its VM sends. */
static const struct {
	const char *name;
	size_t offset;
} columns[] = {
    {"sent_bytes", offsetof(struct env_counters, guests.rx_bytes)},
    {"sent_packets", offsetof(struct env_counters, guests.rx_packets)},
    {"received_bytes", offsetof(struct env_counters, guests.tx_bytes)},
    {"received_packets", offsetof(struct env_counters, guests.tx_packets)},
    {"tunnel_sent_bytes", offsetof(struct env_counters, tunnels.tx_bytes)},
    {"tunnel_sent_packets", offsetof(struct env_counters, tunnels.tx_packets)},
    {"tunnel_received_bytes", offsetof(struct env_counters, tunnels.rx_bytes)},
    {"tunnel_received_packets",
        offsetof(struct env_counters, tunnels.rx_packets)},
    {"broadcast_dropped_packets", offsetof(struct env_counters, storm_packets)},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static uint64_t column(const struct env_counters *sum, size_t i)
{
	uint64_t value;

	memcpy(&value, (const char *)sum + columns[i].offset, sizeof value);
	return value;
}

static void counters_text(
    FILE *out, const struct env_counters *sums, size_t n, uint64_t foreign)
{
	for (size_t e = 0; e < n; e++) {
		fprintf(out, "environment %s (vni %u)\n", sums[e].env->name,
		    sums[e].env->vni);
		for (size_t i = 0; i < N_COLUMNS; i++)
			fprintf(out, "  %-26s %20lu\n", columns[i].name,
			    column(&sums[e], i));
	}
	fprintf(out, "foreign packets dropped      %20lu\n", foreign);
}

static void counters_json(
    FILE *out, const struct env_counters *sums, size_t n, uint64_t foreign)
{
	fputs("{\"environments\":[", out);
	for (size_t e = 0; e < n; e++) {
		fprintf(out, "%s{\"name\":\"%s\",\"vni\":%u", e ? "," : "",
		    sums[e].env->name, sums[e].env->vni);
		for (size_t i = 0; i < N_COLUMNS; i++)
			fprintf(out, ",\"%s\":%lu", columns[i].name,
			    column(&sums[e], i));
		fputc('}', out);
	}
	fprintf(out, "],\"foreign_dropped_packets\":%lu}\n", foreign);
}

static void counters_prometheus(
    FILE *out, const struct env_counters *sums, size_t n, uint64_t foreign)
{
	for (size_t i = 0; i < N_COLUMNS; i++) {
		fprintf(out, "# TYPE violin_network_%s_total counter\n",
		    columns[i].name);
		for (size_t e = 0; e < n; e++)
			fprintf(out,
			    "violin_network_%s_total{environment=\"%s\"} "
			    "%lu\n",
			    columns[i].name, sums[e].env->name,
			    column(&sums[e], i));
	}
	fprintf(out,
	    "# TYPE violin_network_foreign_dropped_packets_total counter\n"
	    "violin_network_foreign_dropped_packets_total %lu\n",
	    foreign);
}

static bool show_counters(
    struct tunneld *t, enum control_format format, FILE *out, struct err *err)
{
	static void (*const formats[N_FORMATS])(
	    FILE *, const struct env_counters *, size_t, uint64_t) = {
	    [FORMAT_TEXT] = counters_text,
	    [FORMAT_JSON] = counters_json,
	    [FORMAT_PROMETHEUS] = counters_prometheus,
	};
	struct filter_counters dropped = {0};
	const struct filter_counter *foreign;
	struct env_counters *sums;
	bool ok;

	ok = rtnl_read(&t->route, &t->actual, err) &&
	     filter_read_counters(&t->netfilter, &dropped, err);
	sums = calloc(t->site.n_environments + 1, sizeof *sums);
	if (!sums)
		abort();
	for (uint32_t i = 0; ok && i < t->site.n_environments; i++)
		sums[i] = sum_environment(
		    &t->actual, &dropped, &t->site.environments[i]);
	foreign = filter_find_counter(&dropped, "foreign");
	if (ok)
		formats[format](out, sums, t->site.n_environments,
		    foreign ? foreign->packets : 0);
	free(sums);
	filter_counters_fini(&dropped);
	return ok;
}

/* State. */

static const char *environment_name(const struct tunneld *t, uint32_t vni)
{
	const struct site_environment *env = site_find_vni(&t->site, vni);

	return env ? env->name : "?";
}

static const char *port_name(const struct tunneld *t, struct mac mac)
{
	const struct net_link *port =
	    desire_find_port(&t->site, &t->actual, mac);

	return port && *port->master ? port->name : "";
}

static void vm_text(
    FILE *out, const struct tunneld *t, const struct location *vm)
{
	char mac[MAC_TEXT_BYTES], ip[IP_TEXT_BYTES];
	const char *port = port_name(t, vm->mac);

	fprintf(out, "  %s %-15s %-12s at %s", mac_format(vm->mac, mac),
	    vm->ip ? ip_format(vm->ip, ip) : "-", environment_name(t, vm->vni),
	    *vm->host ? vm->host : "nowhere");
	if (*vm->standby)
		fprintf(out, ", standby %s", vm->standby);
	if (*port)
		fprintf(out, ", port %s", port);
	fprintf(out, " (%lu.%lu)\n", vm->epoch, vm->sequence);
}

static void state_text(
    FILE *out, const struct tunneld *t, const struct peers *peers)
{
	fprintf(out, "host %s: %s\n", t->site.hosts[t->me].name,
	    t->follows ? "the kernel is as it should be" : t->trouble.text);
	fprintf(out,
	    "%lu reconciliations, %lu operations, %lu stale messages\n",
	    t->n_reconciled, t->n_operations, t->n_stale);
	for (uint32_t i = 0; i < t->site.n_environments; i++)
		fprintf(out, "environment %s: vni %u, mtu %u\n",
		    t->site.environments[i].name, t->site.environments[i].vni,
		    t->site.environments[i].mtu);
	fprintf(out, "%zu VMs\n", t->locations.n_records);
	for (size_t i = 0; i < t->locations.n_records; i++)
		vm_text(out, t, &t->locations.records[i]);
	for (uint32_t i = 0; i < peers->n_peers; i++)
		fprintf(out, "peer %s: heard %lu of %lu\n",
		    t->site.hosts[peers->peers[i].host].name,
		    peers->peers[i].sync.heard, t->locations.changes);
}

/* A message may hold what an error says of somebody's name. */
static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void vm_json(
    FILE *out, const struct tunneld *t, const struct location *vm)
{
	char mac[MAC_TEXT_BYTES], ip[IP_TEXT_BYTES];

	fprintf(out, "{\"mac\":\"%s\",\"vni\":%u,\"ip\":\"%s\",\"host\":",
	    mac_format(vm->mac, mac), vm->vni,
	    vm->ip ? ip_format(vm->ip, ip) : "");
	put_string(out, vm->host);
	fputs(",\"standby\":", out);
	put_string(out, vm->standby);
	fputs(",\"port\":", out);
	put_string(out, port_name(t, vm->mac));
	fprintf(
	    out, ",\"epoch\":%lu,\"sequence\":%lu}", vm->epoch, vm->sequence);
}

static void state_json(
    FILE *out, const struct tunneld *t, const struct peers *peers)
{
	fputs("{\"host\":", out);
	put_string(out, t->site.hosts[t->me].name);
	fprintf(
	    out, ",\"follows\":%s,\"trouble\":", t->follows ? "true" : "false");
	put_string(out, t->follows ? "" : t->trouble.text);
	fprintf(out,
	    ",\"reconciliations\":%lu,\"operations\":%lu,\"stale\":%lu,"
	    "\"vms\":[",
	    t->n_reconciled, t->n_operations, t->n_stale);
	for (size_t i = 0; i < t->locations.n_records; i++) {
		if (i)
			fputc(',', out);
		vm_json(out, t, &t->locations.records[i]);
	}
	fputs("],\"peers\":[", out);
	for (uint32_t i = 0; i < peers->n_peers; i++)
		fprintf(out, "%s{\"host\":\"%s\",\"heard\":%lu,\"of\":%lu}",
		    i ? "," : "", t->site.hosts[peers->peers[i].host].name,
		    peers->peers[i].sync.heard, t->locations.changes);
	fputs("]}\n", out);
}

static bool show_state(struct tunneld *t, const struct peers *peers,
    enum control_format format, FILE *out, struct err *err)
{
	if (!rtnl_read(&t->route, &t->actual, err))
		return false;
	if (format == FORMAT_PROMETHEUS)
		return err_set(err, "only counters have that format");
	(format == FORMAT_JSON ? state_json : state_text)(out, t, peers);
	return true;
}

char *show_make(struct tunneld *t, const struct peers *peers,
    enum control_what what, enum control_format format, struct err *err)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool ok;

	if (!out)
		return err_set(err, "%s", strerror(errno)), NULL;
	ok = what == SHOW_COUNTERS ? show_counters(t, format, out, err)
	                           : show_state(t, peers, format, out, err);
	fclose(out);
	if (!ok) {
		free(text);
		return NULL;
	}
	return text;
}
