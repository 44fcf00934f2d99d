/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What makes a scenario a site: where its hosts are and their keys, the
 * manager's own key, and the guest configurations of its VMs; see load.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/load.h"

bool scenario_is_site(const struct scenario *sc)
{
	return sc->model.n_hosts > 0 && sc->hosts[0].address;
}

/* Hosts. */

/* "192.0.2.1:7470" or "[2001:db8::1]:7470". */
static bool is_address(const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool six = n > 2 && text[0] == '[' && text[n - 1] == ']';
	struct in6_addr address;
	char *end;
	long port;

	if (n == 0 || n >= sizeof host)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(six ? n - 2 : n),
	    text + (six ? 1 : 0));
	port = strtol(colon + 1, &end, 10);
	return inet_pton(six ? AF_INET6 : AF_INET, host, &address) == 1 &&
	       end > colon + 1 && !*end && port > 0 && port < 65536;
}

static bool is_key(const char *text)
{
	unsigned char key[32];
	size_t n;

	return strlen(text) == 44 &&
	       sodium_base642bin(key, sizeof key, text, 44, NULL, &n, NULL,
		   sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       n == sizeof key;
}

static bool check_host(
    const struct loader *ld, const char *at, const struct raw_host *raw)
{
	if (!raw->address)
		return load_fail(ld, at, NULL,
		    "\"address\" is missing: where its violind listens, as in "
		    "192.0.2.1:7470; other hosts here have one");
	if (!raw->key)
		return load_fail(ld, at, NULL,
		    "\"key\" is missing: its violind's public key, the line "
		    "that violin keygen wrote into FILE.pub");
	if (raw->count && strcmp(raw->count, "1") != 0)
		return load_fail(ld, at, "count",
		    "a host with an address is one; write each by itself");
	if (!is_address(raw->address))
		return load_fail(ld, at, "address",
		    "\"%s\" is no address; right is 192.0.2.1:7470 or "
		    "[2001:db8::1]:7470", raw->address);
	if (!is_key(raw->key))
		return load_fail(ld, at, "key",
		    "\"%s\" is no public key; right is 44 characters of "
		    "base64, the line that violin keygen wrote into FILE.pub",
		    raw->key);
	return true;
}

static bool is_new(const struct loader *ld, const char *at, uint32_t host)
{
	const struct host_setup *hosts = ld->sc->hosts, *me = &hosts[host];
	const struct host *model = ld->sc->model.hosts;

	for (uint32_t h = 0; h < host; h++) {
		if (strcmp(hosts[h].address, me->address) == 0)
			return load_fail(ld, at, "address",
			    "%s has this address too", model[h].name);
		if (strcmp(hosts[h].key, me->key) == 0)
			return load_fail(ld, at, "key",
			    "%s has this key too; each host has its own",
			    model[h].name);
	}
	return true;
}

static bool load_site_hosts(struct loader *ld)
{
	uint32_t n = 0;
	char at[64];

	for (uint32_t d = 0; d < ld->raw->domains_count; d++) {
		const struct raw_domain *domain = &ld->raw->domains[d];

		for (uint32_t h = 0; h < domain->hosts_count; h++, n++) {
			const struct raw_host *raw = &domain->hosts[h];

			snprintf(at, sizeof at, "domains[%u].hosts[%u]", d, h);
			if (!check_host(ld, at, raw))
				return false;
			ld->sc->hosts[n].address = raw->address;
			ld->sc->hosts[n].key = raw->key;
			if (!is_new(ld, at, n))
				return false;
		}
	}
	return true;
}

/* Files. */

static const char *load_readable(
    struct loader *ld, const char *at, const char *key, const char *name)
{
	const char *path = load_file(ld, name);

	if (access(path, R_OK) == 0)
		return pool_copy(ld->pool, path, strlen(path));
	load_fail(ld, at, key, "%s: %s", path, strerror(errno));
	return NULL;
}

static bool load_config(struct loader *ld, const char *at, const char *name,
    const char **path)
{
	if (!name)
		return load_fail(ld, at, NULL,
		    "\"config\" is missing: a guest configuration file; see "
		    "violin-site(5)");
	*path = load_readable(ld, at, "config", name);
	return *path != NULL;
}

static bool load_site_env(struct loader *ld, uint32_t i, uint32_t *e)
{
	const struct raw_env *raw = &ld->raw->environments[i];
	const char *vm = NULL, *head = NULL;
	uint32_t count = raw->count ? (uint32_t)atol(raw->count) : 1;
	char at[64];

	snprintf(at, sizeof at, "environments[%u]", i);
	if (raw->jobs)
		return load_fail(ld, at, "jobs",
		    "jobs are simulated; a site has none");
	snprintf(at, sizeof at, "environments[%u].vms", i);
	if (!load_config(ld, at, raw->vms.config, &vm))
		return false;
	snprintf(at, sizeof at, "environments[%u].head", i);
	if (raw->head && !load_config(ld, at, raw->head->config, &head))
		return false;
	for (uint32_t k = 0; k < count; k++, ++*e) {
		ld->sc->envs[*e].vm_config = vm;
		ld->sc->envs[*e].head_config = head;
	}
	return true;
}

/* All of it. */

static bool has_any_address(const struct raw *raw)
{
	for (uint32_t d = 0; d < raw->domains_count; d++)
		for (uint32_t h = 0; h < raw->domains[d].hosts_count; h++)
			if (raw->domains[d].hosts[h].address ||
			    raw->domains[d].hosts[h].key)
				return true;
	return false;
}

/* The manager's key is a secret: its file is not part of the digest. */
static bool load_site_key(struct loader *ld)
{
	const char *name = ld->raw->manager.key;
	struct named_file *before = ld->files;
	const char *path;

	if (!name)
		return load_fail(ld, "manager", NULL,
		    "\"key\" is missing: the file of the manager's own key, "
		    "which violin keygen writes");
	path = load_file(ld, name);
	ld->files = before;
	ld->sc->manager.key = pool_copy(ld->pool, path, strlen(path));
	return true;
}

bool load_site(struct loader *ld)
{
	uint32_t e = 0;

	if (!has_any_address(ld->raw))
		return true;
	if (!load_site_key(ld) || !load_site_hosts(ld))
		return false;
	for (uint32_t i = 0; i < ld->raw->environments_count; i++)
		if (!load_site_env(ld, i, &e))
			return false;
	return true;
}
