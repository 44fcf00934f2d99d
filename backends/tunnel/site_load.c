/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loading the site file; see site.h.  It is read by a table into the raw
 * structs below; then it is checked and turned into the site, with errors at
 * the place that is wrong.
 */
#include "backends/tunnel/site.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/tunnel/net.h"
#include "scenarios/file.h"
#include "scenarios/schema_tables.h"
#include "scenarios/words.h"

enum {
	VXLAN_PORT = 4789, /* IANA's */
	WIREGUARD_PORT = 51820,
	TUNNEL_PREFIX = 24,
	BROADCAST_PPS = 1000,
};

struct raw_host {
	char *name, *address, *tunnel_address, *wireguard_key, *uplink;
	char *control, *control_key;
};

struct raw_domain {
	char *name;
	enum site_datapath datapath;
	struct raw_host *hosts;
	unsigned hosts_count;
};

struct raw_manager {
	char *name, *control_key;
};

struct raw_vm {
	char *name, *mac, *ip, *host, *port;
};

struct raw_environment {
	char *name;
	uint32_t vni, vlan, mtu;
	uint32_t *broadcast_pps;
	struct raw_vm *vms;
	unsigned vms_count;
};

struct raw_site {
	enum site_encryption encryption;
	uint16_t vxlan_port, wireguard_port;
	uint8_t tunnel_prefix;
	bool *announce;
	struct raw_domain *domains;
	unsigned domains_count;
	struct raw_manager *managers;
	unsigned managers_count;
	struct raw_environment *environments;
	unsigned environments_count;
};

#define TEXT(type, field, flag, max)                                           \
	CYAML_FIELD_STRING_PTR(                                                \
	    #field, CYAML_FLAG_POINTER | (flag), struct type, field, 1, max)
#define NAME(type, field) TEXT(type, field, 0, SITE_NAME_BYTES - 1)
#define MAYBE(type, field, max) TEXT(type, field, CYAML_FLAG_OPTIONAL, max)
#define NUMBER(type, field, flag)                                              \
	CYAML_FIELD_UINT(#field, flag, struct type, field)
#define TABLE(type, field, flag, entry)                                        \
	CYAML_FIELD_SEQUENCE(#field, CYAML_FLAG_POINTER | (flag), struct type, \
	    field, &(entry), 0, CYAML_UNLIMITED)
#define ENTRY(type, fields)                                                    \
	{                                                                      \
		CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct type, fields)   \
	}

static const cyaml_strval_t encryptions[] = {
    {"wireguard", SITE_WIREGUARD},
    {"none", SITE_PLAIN},
};

static const cyaml_strval_t datapaths[] = {
    {"vxlan", SITE_VXLAN},
    {"vlan", SITE_VLAN},
};

static const cyaml_schema_field_t host_fields[] = {
    NAME(raw_host, name),
    TEXT(raw_host, address, 0, IFNAMSIZ),
    MAYBE(raw_host, tunnel_address, IFNAMSIZ),
    MAYBE(raw_host, wireguard_key, CURVE_KEY_TEXT),
    MAYBE(raw_host, uplink, IFNAMSIZ - 1),
    MAYBE(raw_host, control, SITE_CONTROL_BYTES - 1),
    MAYBE(raw_host, control_key, CURVE_KEY_TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t host_entry = ENTRY(raw_host, host_fields);

static const cyaml_schema_field_t domain_fields[] = {
    NAME(raw_domain, name),
    CYAML_FIELD_ENUM("datapath", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
        struct raw_domain, datapath, datapaths, CYAML_ARRAY_LEN(datapaths)),
    TABLE(raw_domain, hosts, 0, host_entry),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t domain_entry =
    ENTRY(raw_domain, domain_fields);

static const cyaml_schema_field_t manager_fields[] = {
    NAME(raw_manager, name),
    TEXT(raw_manager, control_key, 0, CURVE_KEY_TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t manager_entry =
    ENTRY(raw_manager, manager_fields);

static const cyaml_schema_field_t vm_fields[] = {
    NAME(raw_vm, name),
    TEXT(raw_vm, mac, 0, MAC_TEXT_BYTES),
    MAYBE(raw_vm, ip, IFNAMSIZ),
    MAYBE(raw_vm, host, SITE_NAME_BYTES - 1),
    MAYBE(raw_vm, port, IFNAMSIZ - 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t vm_entry = ENTRY(raw_vm, vm_fields);

static const cyaml_schema_field_t environment_fields[] = {
    NAME(raw_environment, name),
    NUMBER(raw_environment, vni, 0),
    NUMBER(raw_environment, vlan, CYAML_FLAG_OPTIONAL),
    NUMBER(raw_environment, mtu, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_UINT_PTR("broadcast_pps",
        CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_environment,
        broadcast_pps),
    TABLE(raw_environment, vms, CYAML_FLAG_OPTIONAL, vm_entry),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t environment_entry =
    ENTRY(raw_environment, environment_fields);

static const cyaml_schema_field_t site_fields[] = {
    CYAML_FIELD_ENUM("encryption", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
        struct raw_site, encryption, encryptions, CYAML_ARRAY_LEN(encryptions)),
    NUMBER(raw_site, vxlan_port, CYAML_FLAG_OPTIONAL),
    NUMBER(raw_site, wireguard_port, CYAML_FLAG_OPTIONAL),
    NUMBER(raw_site, tunnel_prefix, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_BOOL_PTR("announce", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
        struct raw_site, announce),
    TABLE(raw_site, domains, 0, domain_entry),
    TABLE(raw_site, managers, CYAML_FLAG_OPTIONAL, manager_entry),
    TABLE(raw_site, environments, 0, environment_entry),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t site_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_site, site_fields)};

/* Checking. */

/* The site that is made, what it is made from, and where errors go. */
struct load {
	struct site *site;
	const char *file;
	const struct node *root;
	struct err *err;
};

/* "FILE:LINE:COLUMN: what is wrong", at the path. */
__attribute__((format(printf, 3, 4))) static bool wrong(
    struct load *l, const char *path, const char *format, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	return node_error(
	    tree_find(l->root, path), l->file, l->err, "%.400s", what);
}

enum { PATH_BYTES = 64 };

static const char *path_to(char path[PATH_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *path_to(char path[PATH_BYTES], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(path, PATH_BYTES, format, ap);
	va_end(ap);
	return path;
}

static void copy(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%s", from ? from : "");
}

static bool load_ip(
    struct load *l, const char *path, const char *text, uint32_t *ip)
{
	return !text || (ip_parse(text, ip) && *ip != 0) ||
	       wrong(l, path,
	           "\"%s\" is not an IPv4 address such as 192.0.2.1", text);
}

static bool load_key(struct load *l, const char *path, const char *text,
    struct curve_public *key, bool *has)
{
	struct err why = {{0}};

	*has = text != NULL;
	if (!text || curve_public_parse(key, text, &why))
		return true;
	return wrong(l, path, "%s", why.text);
}

/* Host names are words of locations, so they are plain. */
static bool load_name(
    struct load *l, const char *path, const char *name, char *to)
{
	if (!is_name(name))
		return wrong(l, path,
		    "\"%s\" is no name: letters, digits, and - _ . after the "
		    "first",
		    name);
	copy(to, SITE_NAME_BYTES, name);
	return true;
}

/* tcp://192.0.2.1:7471 */
static bool load_endpoint(
    struct load *l, const char *path, const char *text, char *to)
{
	unsigned a, b, c, d, port;
	char rest;

	copy(to, SITE_CONTROL_BYTES, text);
	return !text ||
	       (sscanf(text, "tcp://%3u.%3u.%3u.%3u:%5u%c", &a, &b, &c, &d,
	            &port, &rest) == 5 &&
	           a < 256 && b < 256 && c < 256 && d < 256 && port > 0 &&
	           port < 65536) ||
	       wrong(l, path,
	           "\"%s\" is no endpoint such as tcp://192.0.2.1:7471", text);
}

#define AT(field) (snprintf(path, sizeof path, "%s." field, at), path)

/* What two hosts must not share: each is how others tell them apart. */
static bool is_new_host(
    struct load *l, const char *at, const struct site_host *h)
{
	const struct site *site = l->site;
	const char *same = NULL;
	char path[2 * PATH_BYTES];
	uint32_t i = 0;

	if (site_find_host(site, h->name) != UINT32_MAX)
		return wrong(l, AT("name"),
		    "there is a host \"%s\" above already", h->name);
	for (; i < site->n_hosts && !same; i += !same) {
		const struct site_host *other = &site->hosts[i];

		if (other->address == h->address)
			same = "address";
		else if (h->tunnel_address &&
		         other->tunnel_address == h->tunnel_address)
			same = "tunnel_address";
		else if (h->has_wireguard_key && other->has_wireguard_key &&
		         curve_public_equal(
		             &other->wireguard_key, &h->wireguard_key))
			same = "wireguard_key";
		else if (h->has_control_key && other->has_control_key &&
		         curve_public_equal(
		             &other->control_key, &h->control_key))
			same = "control_key";
	}
	if (!same)
		return true;
	snprintf(path, sizeof path, "%s.%s", at, same);
	return wrong(l, path, "host \"%s\" has this %s already",
	    site->hosts[i].name, same);
}

static bool load_host(
    struct load *l, const char *at, const struct raw_host *raw)
{
	struct site *site = l->site;
	struct site_host *h = &site->hosts[site->n_hosts];
	char path[2 * PATH_BYTES];

	h->domain = site->n_domains;
	if (!load_name(l, AT("name"), raw->name, h->name) ||
	    !load_ip(l, AT("address"), raw->address, &h->address) ||
	    !load_ip(l, AT("tunnel_address"), raw->tunnel_address,
	        &h->tunnel_address) ||
	    !load_key(l, AT("wireguard_key"), raw->wireguard_key,
	        &h->wireguard_key, &h->has_wireguard_key) ||
	    !load_endpoint(l, AT("control"), raw->control, h->control) ||
	    !load_key(l, AT("control_key"), raw->control_key, &h->control_key,
	        &h->has_control_key) ||
	    !is_new_host(l, at, h))
		return false;
	copy(h->uplink, sizeof h->uplink, raw->uplink);
	site->n_hosts++;
	return true;
}

static bool load_domain(
    struct load *l, unsigned i, const struct raw_domain *raw)
{
	struct site_domain *d = &l->site->domains[i];
	char path[PATH_BYTES];

	if (!load_name(
	        l, path_to(path, "domains[%u].name", i), raw->name, d->name))
		return false;
	d->datapath = raw->datapath;
	for (unsigned h = 0; h < raw->hosts_count; h++) {
		path_to(path, "domains[%u].hosts[%u]", i, h);
		if (!load_host(l, path, &raw->hosts[h]))
			return false;
		if (d->datapath == SITE_VLAN && !raw->hosts[h].uplink)
			return wrong(l, path,
			    "host \"%s\" needs an uplink: the interface that "
			    "carries the VLANs of its domain",
			    raw->hosts[h].name);
	}
	l->site->n_domains++;
	return true;
}

/* A MAC address is of one VM; names and IPs are each environment's own. */
static bool is_new_vm(struct load *l, const char *at, const struct site_vm *vm)
{
	char path[2 * PATH_BYTES];

	for (uint32_t i = 0; i < l->site->n_vms; i++) {
		const struct site_vm *other = &l->site->vms[i];

		if (!mac_compare(other->mac, vm->mac))
			return wrong(l, AT("mac"),
			    "VM \"%s\" has this MAC address already",
			    other->name);
		if (other->environment != vm->environment)
			continue;
		if (strcmp(other->name, vm->name) == 0)
			return wrong(l, AT("name"),
			    "there is a VM \"%s\" above already", vm->name);
		if (vm->ip && other->ip == vm->ip)
			return wrong(l, AT("ip"),
			    "VM \"%s\" has this address already", other->name);
	}
	return true;
}

static bool load_vm(struct load *l, const char *at, const struct raw_vm *raw)
{
	struct site *site = l->site;
	struct site_vm *vm = &site->vms[site->n_vms];
	char path[2 * PATH_BYTES];

	vm->environment = site->n_environments;
	if (!load_name(l, AT("name"), raw->name, vm->name) ||
	    !load_ip(l, AT("ip"), raw->ip, &vm->ip))
		return false;
	if (!mac_parse(raw->mac, &vm->mac))
		return wrong(l, AT("mac"),
		    "\"%s\" is not a VM's MAC address such as "
		    "02:00:00:00:00:01 (the second digit is even)",
		    raw->mac);
	if (!is_new_vm(l, at, vm))
		return false;
	if (raw->host && site_find_host(site, raw->host) == UINT32_MAX)
		return wrong(
		    l, AT("host"), "there is no host \"%s\" above", raw->host);
	copy(vm->host, sizeof vm->host, raw->host);
	copy(vm->port, sizeof vm->port, raw->port);
	site->n_vms++;
	return true;
}

static bool check_numbers(
    struct load *l, unsigned i, const struct raw_environment *raw)
{
	char path[PATH_BYTES];

	if (raw->vni == 0 || raw->vni >= 1u << 24)
		return wrong(l, path_to(path, "environments[%u].vni", i),
		    "vni %u is not in 1 to 16777215", raw->vni);
	if (site_find_vni(l->site, raw->vni))
		return wrong(l, path_to(path, "environments[%u].vni", i),
		    "environment \"%s\" has vni %u already",
		    site_find_vni(l->site, raw->vni)->name, raw->vni);
	if (raw->vlan > 4094)
		return wrong(l, path_to(path, "environments[%u].vlan", i),
		    "vlan %u is not in 1 to 4094", raw->vlan);
	for (unsigned k = 0; raw->vlan && k < i; k++)
		if (l->site->environments[k].vlan == raw->vlan)
			return wrong(l,
			    path_to(path, "environments[%u].vlan", i),
			    "environment \"%s\" has vlan %u already",
			    l->site->environments[k].name, raw->vlan);
	if (raw->mtu && (raw->mtu < SITE_MTU_MIN || raw->mtu > SITE_MTU_MAX))
		return wrong(l, path_to(path, "environments[%u].mtu", i),
		    "mtu %u is not in %u to %u", raw->mtu, SITE_MTU_MIN,
		    SITE_MTU_MAX);
	return true;
}

static bool needs_vlan(const struct site *site)
{
	for (uint32_t i = 0; i < site->n_domains; i++)
		if (site->domains[i].datapath == SITE_VLAN)
			return true;
	return false;
}

static bool load_environment(
    struct load *l, unsigned i, const struct raw_environment *raw)
{
	struct site_environment *e = &l->site->environments[i];
	char path[PATH_BYTES];

	if (!load_name(l, path_to(path, "environments[%u].name", i), raw->name,
	        e->name) ||
	    !check_numbers(l, i, raw))
		return false;
	if (!raw->vlan && needs_vlan(l->site))
		return wrong(l, path_to(path, "environments[%u]", i),
		    "environment \"%s\" needs a vlan: a domain's datapath is "
		    "vlan",
		    raw->name);
	e->vni = raw->vni;
	e->vlan = (uint16_t)raw->vlan;
	e->mtu = raw->mtu;
	e->broadcast_pps =
	    raw->broadcast_pps ? *raw->broadcast_pps : BROADCAST_PPS;
	for (unsigned v = 0; v < raw->vms_count; v++)
		if (!load_vm(l, path_to(path, "environments[%u].vms[%u]", i, v),
		        &raw->vms[v]))
			return false;
	l->site->n_environments++;
	return true;
}

static bool load_managers(struct load *l, const struct raw_site *raw)
{
	char path[PATH_BYTES];
	bool has;

	for (unsigned i = 0; i < raw->managers_count; i++) {
		struct site_manager *m = &l->site->managers[i];

		if (!load_name(l, path_to(path, "managers[%u].name", i),
		        raw->managers[i].name, m->name) ||
		    !load_key(l, path_to(path, "managers[%u].control_key", i),
		        raw->managers[i].control_key, &m->control_key, &has))
			return false;
		l->site->n_managers++;
	}
	return true;
}

/* Everybody who has to talk through WireGuard can. */
static bool check_wireguard(struct load *l)
{
	const struct site *site = l->site;

	if (site->encryption == SITE_PLAIN || site->n_domains < 2)
		return true;
	for (uint32_t i = 0; i < site->n_hosts; i++) {
		const struct site_host *h = &site->hosts[i];

		if (!h->tunnel_address || !h->has_wireguard_key)
			return wrong(l, "domains",
			    "host \"%s\" needs a %s: between domains the "
			    "traffic is encrypted (or ask for \"encryption: "
			    "none\")",
			    h->name,
			    h->tunnel_address
			        ? "wireguard_key, which violin-tunneld "
			          "--show-keys prints there"
			        : "tunnel_address");
		if ((h->tunnel_address ^ site->hosts[0].tunnel_address) >>
		    (32 - site->tunnel_prefix))
			return wrong(l, "domains",
			    "host \"%s\" has a tunnel_address outside of "
			    "host \"%s\"'s /%u: one network holds all of "
			    "them, of tunnel_prefix",
			    h->name, site->hosts[0].name, site->tunnel_prefix);
	}
	return true;
}

static void *table(size_t n, size_t each)
{
	void *p = calloc(n + 1, each);

	if (!p)
		abort();
	return p;
}

static void make_tables(struct site *site, const struct raw_site *raw)
{
	size_t n_hosts = 0, n_vms = 0;

	for (unsigned i = 0; i < raw->domains_count; i++)
		n_hosts += raw->domains[i].hosts_count;
	for (unsigned i = 0; i < raw->environments_count; i++)
		n_vms += raw->environments[i].vms_count;
	site->domains = table(raw->domains_count, sizeof *site->domains);
	site->hosts = table(n_hosts, sizeof *site->hosts);
	site->managers = table(raw->managers_count, sizeof *site->managers);
	site->environments =
	    table(raw->environments_count, sizeof *site->environments);
	site->vms = table(n_vms, sizeof *site->vms);
}

static bool load_site(struct load *l, const struct raw_site *raw)
{
	struct site *site = l->site;

	make_tables(site, raw);
	site->encryption = raw->encryption;
	site->vxlan_port = raw->vxlan_port ? raw->vxlan_port : VXLAN_PORT;
	site->wireguard_port =
	    raw->wireguard_port ? raw->wireguard_port : WIREGUARD_PORT;
	site->tunnel_prefix =
	    raw->tunnel_prefix ? raw->tunnel_prefix : TUNNEL_PREFIX;
	site->announce = !raw->announce || *raw->announce;
	if (site->tunnel_prefix > 32)
		return wrong(l, "tunnel_prefix",
		    "tunnel_prefix %u is not in 1 to 32", site->tunnel_prefix);
	for (unsigned i = 0; i < raw->domains_count; i++)
		if (!load_domain(l, i, &raw->domains[i]))
			return false;
	for (unsigned i = 0; i < raw->environments_count; i++)
		if (!load_environment(l, i, &raw->environments[i]))
			return false;
	return load_managers(l, raw) && check_wireguard(l);
}

/* Reading. */

bool site_parse(struct site *site, const char *file, const char *text,
    size_t len, struct err *err)
{
	struct pool *pool = pool_new();
	const struct node *root = tree_parse(pool, file, text, len, err);
	struct load l = {site, file, root, err};
	struct raw_site *raw = NULL;
	bool ok = false;

	*site = (struct site){0};
	if (root)
		raw = schema_read(root, &site_schema, "the site", file, err);
	if (raw)
		ok = load_site(&l, raw);
	schema_release(&site_schema, raw);
	pool_free(pool);
	if (!ok)
		site_fini(site);
	return ok;
}

bool site_load(struct site *site, const char *file, struct err *err)
{
	size_t len;
	char *text = file_read(file, &len, err);
	bool ok;

	*site = (struct site){0};
	ok = text && site_parse(site, file, text, len, err);
	free(text);
	return ok;
}
