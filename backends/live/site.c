/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys and guest configurations of a site; see site.h. */
#include "backends/live/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/file.h"

/* Guest configurations. */

static const char *const words[] = {
    "name", "environment", "number", "memory", "memory-max", "vcpus"};

enum { N_WORDS = sizeof words / sizeof words[0] };

/* The place behind "${word}" at text, and which word; NULL if it is none. */
static const char *find_word(const char *text, int *word)
{
	for (*word = 0; *word < N_WORDS; ++*word) {
		size_t n = strlen(words[*word]);

		if (strncmp(text + 2, words[*word], n) == 0 &&
		    text[2 + n] == '}')
			return text + n + 3;
	}
	return NULL;
}

static bool check_config(
    const char *path, const char *text, size_t size, struct err *err)
{
	int line = 1, column = 1, word;

	if (strlen(text) != size)
		return err_set(err, "%s:1:1: is no text", path);
	if (size + 1024 > HOST_CONFIG_MAX)
		return err_set(err, "%s:1:1: has %zu bytes; at most %d", path,
		    size, HOST_CONFIG_MAX - 1024);
	for (const char *p = text; *p; p++, column++) {
		if (*p == '\n') {
			line++;
			column = 0;
		} else if (p[0] == '$' && p[1] == '{' && !find_word(p, &word)) {
			return err_set(err,
			    "%s:%d:%d: \"%.*s\" stands for nothing; there are "
			    "${name}, ${environment}, ${number}, ${memory}, "
			    "${memory-max} and ${vcpus}",
			    path, line, column, (int)strcspn(p, "}\n") + 1, p);
		}
	}
	return true;
}

static void print_word(
    FILE *out, const struct live_site *site, uint32_t v, int word)
{
	const struct model *m = &site->scenario->model;
	const struct vm *vm = &m->vms[v];
	const struct environment *env = &m->envs[vm->env.ix];
	bool has_head = m->vms[env->first_vm].is_head;

	switch (word) {
	case 0:
		fputs(vm->name, out);
		break;
	case 1:
		fputs(env->name, out);
		break;
	case 2:
		fprintf(out, "%u", v - env->first_vm + (has_head ? 0 : 1));
		break;
	case 3:
		fprintf(out, "%llu",
		    (unsigned long long)(vm->mem_kib / KIB_PER_MIB));
		break;
	case 4:
		fprintf(out, "%llu",
		    (unsigned long long)(vm->mem_max_kib / KIB_PER_MIB));
		break;
	default:
		fprintf(out, "%u", vm->vcpu_mcpu / MCPU_PER_CPU);
	}
}

bool live_site_configure(const struct live_site *site, uint32_t v,
    char config[HOST_CONFIG_MAX], struct err *err)
{
	const struct vm *vm = &site->scenario->model.vms[v];
	const char *text = site->configs[2 * vm->env.ix + vm->is_head];
	FILE *out = fmemopen(config, HOST_CONFIG_MAX, "w");
	long n;
	int word;

	if (!out)
		return err_set(err, "not enough memory");
	for (const char *p = text; *p;) {
		const char *behind =
		    p[0] == '$' && p[1] == '{' ? find_word(p, &word) : NULL;

		if (behind)
			print_word(out, site, v, word);
		else
			putc(*p, out);
		p = behind ? behind : p + 1;
	}
	n = ftell(out);
	putc('\0', out);
	if (fclose(out) == 0 && n < HOST_CONFIG_MAX - 1)
		return true;
	return err_set(err, "the configuration of %s is too long", vm->name);
}

/* Opening. */

static bool read_config(const char *path, char **text, struct err *err)
{
	size_t size;

	*text = path ? file_read(path, &size, err) : NULL;
	return !path || (*text && check_config(path, *text, size, err));
}

/* "192.0.2.1:7470" without its port, "[::1]:7470" also without brackets. */
static char *bare_address(const char *address)
{
	const char *colon = strrchr(address, ':');

	if (address[0] == '[')
		return strndup(address + 1, (size_t)(colon - address - 2));
	return strndup(address, (size_t)(colon - address));
}

static bool open_hosts(struct live_site *site, struct err *err)
{
	const struct scenario *sc = site->scenario;

	for (uint32_t h = 0; h < sc->model.n_hosts; h++) {
		if (!curve_public_parse(
			&site->hosts[h], sc->hosts[h].key, err))
			return err_prefix(err, "%s: host %s", sc->path,
			    sc->model.hosts[h].name);
		site->addresses[h] = bare_address(sc->hosts[h].address);
	}
	return true;
}

bool live_site_open(struct live_site *site, const struct scenario *scenario,
    struct err *err)
{
	const struct model *m = &scenario->model;

	*site = (struct live_site){.scenario = scenario};
	if (!scenario_is_site(scenario))
		return err_set(err,
		    "%s:1:1: is a scenario, not a site: its hosts have no "
		    "address and key; see violin-site(5)", scenario->path);
	site->hosts = calloc(m->n_hosts, sizeof *site->hosts);
	site->addresses = calloc(m->n_hosts, sizeof *site->addresses);
	site->configs = calloc(2 * m->n_envs + 1, sizeof *site->configs);
	if (!site->hosts || !site->addresses || !site->configs)
		return err_set(err, "not enough memory");
	if (!curve_key_load(&site->key, scenario->manager.key, err) ||
	    !open_hosts(site, err))
		return false;
	for (uint32_t e = 0; e < m->n_envs; e++)
		if (!read_config(scenario->envs[e].vm_config,
			&site->configs[2 * e], err) ||
		    !read_config(scenario->envs[e].head_config,
			&site->configs[2 * e + 1], err))
			return false;
	return true;
}

void live_site_close(struct live_site *site)
{
	const struct model *m = &site->scenario->model;

	for (uint32_t h = 0; site->addresses && h < m->n_hosts; h++)
		free(site->addresses[h]);
	for (uint32_t i = 0; site->configs && i < 2 * m->n_envs; i++)
		free(site->configs[i]);
	free(site->hosts);
	free(site->addresses);
	free(site->configs);
	*site = (struct live_site){.scenario = site->scenario};
}
