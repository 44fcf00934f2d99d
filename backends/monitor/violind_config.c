/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violind.conf: YAML, read by a table of its form; what that cannot know (is
 * this a key, an address, a range) is checked here.
 */
#include "backends/monitor/violind_config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/file.h"
#include "scenarios/schema_tables.h"
#include "scenarios/words.h"

/* Of a socket's path and its zero, unix(7). */
enum { UNIX_PATH_MAX = 108 };

/* While a VM moves a manager asks more often than this; a sample is work for
 * the host, of which it has enough then.  What acts and hand-overs have changed
 * is sampled at once. */
#define SAMPLE_MIN_NS NS_PER_S

/* The file as it is written. */
struct manager {
	char *name;
	char *key;
};

struct file {
	char *name;
	char *key;
	char *listen;
	char *journal;
	char *tunnel;
	struct manager *managers;
	unsigned managers_count;
	struct migration {
		char *address;
		uint16_t port_first, port_last;
		uint32_t at_once;
		uint64_t rate_max_bps;
		uint32_t connect_s, transfer_s, answer_s, silent_s;
		bool uncompressed;
	} migration;
	uint64_t mem_reserve_kib;
	uint32_t view_max_s;
};

static const cyaml_schema_field_t manager_fields[] = {
    CYAML_FIELD_STRING_PTR(
        "name", CYAML_FLAG_POINTER, struct manager, name, 1, 63),
    CYAML_FIELD_STRING_PTR(
        "key", CYAML_FLAG_POINTER, struct manager, key, 1, 127),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t manager_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct manager, manager_fields),
};

#define OPTIONAL_UINT(name, s, member)                                         \
	CYAML_FIELD_UINT(name, CYAML_FLAG_OPTIONAL, s, member)
#define OPTIONAL_TEXT(name, s, member)                                         \
	CYAML_FIELD_STRING_PTR(                                                \
	    name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, s, member, 1, 400)

static const cyaml_schema_field_t migration_fields[] = {
    OPTIONAL_TEXT("address", struct migration, address),
    OPTIONAL_UINT("port_first", struct migration, port_first),
    OPTIONAL_UINT("port_last", struct migration, port_last),
    OPTIONAL_UINT("at_once", struct migration, at_once),
    OPTIONAL_UINT("rate_max_bps", struct migration, rate_max_bps),
    OPTIONAL_UINT("connect_s", struct migration, connect_s),
    OPTIONAL_UINT("transfer_s", struct migration, transfer_s),
    OPTIONAL_UINT("answer_s", struct migration, answer_s),
    OPTIONAL_UINT("silent_s", struct migration, silent_s),
    CYAML_FIELD_BOOL(
        "uncompressed", CYAML_FLAG_OPTIONAL, struct migration, uncompressed),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_STRING_PTR(
        "name", CYAML_FLAG_POINTER, struct file, name, 1, 63),
    CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct file, key, 1, 400),
    OPTIONAL_TEXT("listen", struct file, listen),
    OPTIONAL_TEXT("journal", struct file, journal),
    OPTIONAL_TEXT("tunnel", struct file, tunnel),
    CYAML_FIELD_SEQUENCE("managers", CYAML_FLAG_POINTER, struct file, managers,
        &manager_schema, 1, CURVE_ALLOWED_MAX),
    CYAML_FIELD_MAPPING("migration", CYAML_FLAG_OPTIONAL, struct file,
        migration, migration_fields),
    OPTIONAL_UINT("mem_reserve_kib", struct file, mem_reserve_kib),
    OPTIONAL_UINT("view_max_s", struct file, view_max_s),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file, file_fields),
};

/* Where it is read from, and where errors go. */
struct source {
	const char *path;
	const struct node *root;
	struct err *err;
};

/* "FILE:LINE:COLUMN: what is wrong", of the value at that key. */
__attribute__((format(printf, 3, 4))) static bool wrong(
    const struct source *source, const char *key, const char *format, ...)
{
	char what[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return node_error(tree_find(source->root, key), source->path,
	    source->err, "%.400s", what);
}

/* Checks. */

static bool take_managers(struct violind_config *config,
    const struct file *file, const struct source *source)
{
	config->managers =
	    calloc(file->managers_count, sizeof(*config->managers));
	for (unsigned i = 0; config->managers && i < file->managers_count;
	     i++) {
		char at[32];
		struct err why = {""};

		snprintf(at, sizeof(at), "managers[%u].key", i);
		if (!curve_public_parse(
		        &config->managers[i], file->managers[i].key, &why))
			return wrong(source, at, "%s", why.text);
		for (unsigned k = 0; k < i; k++)
			if (curve_public_equal(
			        &config->managers[k], &config->managers[i]))
				return wrong(source, at,
				    "manager \"%s\" has this key already",
				    file->managers[k].name);
	}
	config->n_managers = file->managers_count;
	return config->managers != NULL;
}

static bool take_migration(struct violind_config *config,
    const struct migration *m, const struct source *source)
{
	struct in6_addr address;
	const char *text = m->address ? m->address : "0.0.0.0";
	uint16_t last = m->port_last ? m->port_last : m->port_first;

	if (inet_pton(AF_INET, text, &address) != 1 &&
	    inet_pton(AF_INET6, text, &address) != 1)
		return wrong(source, "migration.address",
		    "\"%s\" is no address to listen on; right is 192.0.2.1 "
		    "or ::",
		    text);
	if (last < m->port_first || (last && !m->port_first))
		return wrong(source,
		    m->port_first ? "migration.port_last"
		                  : "migration.port_first",
		    "port_first to port_last is a range like 7480 to 7499");
	if (m->at_once > MESSAGE_HANDOVERS_MAX)
		return wrong(source, "migration.at_once",
		    "at_once is %u; at most %d", m->at_once,
		    MESSAGE_HANDOVERS_MAX);
	config->migration_address = strdup(text);
	config->relay = (struct relay_config){
	    .address = config->migration_address,
	    .port_first = m->port_first,
	    .port_last = last,
	    .silent_ns = (m->silent_s ? m->silent_s : 15) * NS_PER_S,
	    .uncompressed = m->uncompressed,
	};
	config->daemon.connect_ns =
	    (m->connect_s ? m->connect_s : 30) * NS_PER_S;
	config->daemon.transfer_ns =
	    (m->transfer_s ? m->transfer_s : 3600) * NS_PER_S;
	config->daemon.answer_ns = (m->answer_s ? m->answer_s : 60) * NS_PER_S;
	config->daemon.max_handovers = m->at_once ? m->at_once : 4;
	config->daemon.rate_max_bps = m->rate_max_bps;
	return true;
}

/* 0 stands for the default in struct file; written, it is a mistake. */
static bool is_above_zero(const struct source *source)
{
	static const char *const keys[] = {"view_max_s", "migration.at_once",
	    "migration.connect_s", "migration.transfer_s", "migration.answer_s",
	    "migration.silent_s"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct node *node = tree_find(source->root, keys[i]);

		if (node->kind == NODE_SCALAR && *node->text &&
		    !node->text[strspn(node->text, "0")])
			return wrong(source, keys[i], "%s is 0; the least is 1",
			    keys[i]);
	}
	return true;
}

static bool take_file(struct violind_config *config, const struct file *file,
    const struct source *source)
{
	const char *listen = file->listen ? file->listen : "tcp://0.0.0.0:7470";
	struct err err = {""};

	if (!is_name(file->name))
		return wrong(source, "name",
		    "\"%s\" is no name: letters, digits, and - _ . after the "
		    "first",
		    file->name);
	if (!is_above_zero(source))
		return false;
	if (strncmp(listen, "tcp://", 6) != 0 || !strchr(listen + 6, ':'))
		return wrong(source, "listen",
		    "\"%s\" is no endpoint; right is tcp://192.0.2.1:7470",
		    listen);
	if (file->tunnel &&
	    (file->tunnel[0] != '/' || strlen(file->tunnel) >= UNIX_PATH_MAX))
		return wrong(source, "tunnel",
		    "\"%s\" is no socket's path; right is "
		    "/run/violin-tunneld/control.sock",
		    file->tunnel);
	if (!curve_key_load(&config->key, file->key, &err))
		return wrong(source, "key", "%s", err.text);
	config->name = strdup(file->name);
	config->listen = strdup(listen);
	config->journal =
	    strdup(file->journal ? file->journal : "/var/lib/violind");
	config->tunnel = file->tunnel ? strdup(file->tunnel) : NULL;
	config->daemon.mem_reserve_kib = file->mem_reserve_kib;
	config->daemon.sample_min_ns = SAMPLE_MIN_NS;
	config->daemon.retry_ns = 2 * NS_PER_S;
	config->daemon.view_max_ns =
	    (file->view_max_s ? file->view_max_s : 60) * NS_PER_S;
	return take_managers(config, file, source) &&
	       take_migration(config, &file->migration, source);
}

bool violind_config_load(
    struct violind_config *config, const char *path, struct err *err)
{
	struct pool *pool = pool_new();
	struct source source = {path, NULL, err};
	struct file *file = NULL;
	size_t size = 0;
	char *text = file_read(path, &size, err);
	bool ok = false;

	*config = (struct violind_config){.name = NULL};
	if (text)
		source.root = tree_parse(pool, path, text, size, err);
	if (source.root)
		file = schema_read(
		    source.root, &file_schema, "the configuration", path, err);
	if (file)
		ok = take_file(config, file, &source);
	schema_release(&file_schema, file);
	pool_free(pool);
	free(text);
	if (!ok)
		violind_config_fini(config);
	return ok;
}

void violind_config_fini(struct violind_config *config)
{
	free(config->name);
	free(config->listen);
	free(config->journal);
	free(config->tunnel);
	free(config->managers);
	free(config->migration_address);
	*config = (struct violind_config){.name = NULL};
}
