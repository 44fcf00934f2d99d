/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violind.conf: YAML, by libcyaml, which knows the form; what it cannot know
 * (is this a key, an address, a range) is checked here.
 */
#include "backends/monitor/violind_config.h"

#include <arpa/inet.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a socket's path and its zero, unix(7). */
enum { UNIX_PATH_MAX = 108 };

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
    CYAML_FIELD_BOOL("uncompressed", CYAML_FLAG_OPTIONAL, struct migration,
        uncompressed),
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

/* Errors with their place. */

struct complaint {
	char text[200];
	unsigned line, column;
};

/* libcyaml says what is wrong, and then where, from the inside out. */
static void __attribute__((format(printf, 3, 0)))
hear(cyaml_log_t level, void *context, const char *format, va_list args)
{
	struct complaint *complaint = context;
	char text[200];

	(void)level;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	const char *place = strstr(text, "(line: ");
	if (place && complaint->line == 0)
		sscanf(place, "(line: %u, column: %u", &complaint->line,
		    &complaint->column);
	else if (complaint->text[0] == '\0' && strncmp(text, "Load: ", 6) == 0)
		snprintf(
		    complaint->text, sizeof(complaint->text), "%s", text + 6);
}

/* The end of a comment or of a quoted text that begins here; else `at`. */
static const char *skip(const char *at)
{
	const char *end = NULL;

	if (at[0] == '#')
		return at + strcspn(at, "\n");
	if (at[0] == '"' || at[0] == '\'')
		end = strchr(at + 1, at[0]);
	return end ? end : at;
}

/* Where a value stands as a whole, not within another and in no comment. */
static const char *find_value(const char *text, const char *value)
{
	size_t len = strlen(value);

	for (const char *at = text; *at; at++) {
		bool quoted = at[0] == '"' || at[0] == '\'';
		bool first = at == text || strchr(" \t\n[{,", at[-1]);
		const char *from = at + quoted;

		if (first && strncmp(from, value, len) == 0 &&
		    (quoted ? from[len] == at[0]
		            : from[len] == '\0' ||
		                  strchr(" \t\r\n,:]}", from[len]) != NULL))
			return from;
		at = first ? skip(at) : at;
		if (!*at)
			break;
	}
	return NULL;
}

/* The place of a value in the text, which libcyaml does not keep. */
static struct complaint place_of(const char *text, const char *value)
{
	struct complaint place = {.line = 1, .column = 1};
	const char *at = find_value(text, value);

	for (const char *p = text; at && p < at; p++) {
		place.column++;
		if (*p == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return place;
}

struct source {
	const char *path;
	char *text;
	struct err *err;
};

static bool wrong(
    const struct source *source, const char *value, const char *right)
{
	struct complaint place = place_of(source->text, value);

	return err_set(source->err, "%s:%u:%u: \"%s\": %s", source->path,
	    place.line, place.column, value, right);
}

/* Checks. */

static bool take_managers(struct violind_config *config,
    const struct file *file, const struct source *source)
{
	config->managers =
	    calloc(file->managers_count, sizeof(*config->managers));
	for (unsigned i = 0; config->managers && i < file->managers_count;
	     i++) {
		const struct manager *manager = &file->managers[i];

		if (!curve_public_parse(
		        &config->managers[i], manager->key, NULL))
			return wrong(source, manager->key,
			    "is not a public key; one is 44 characters of "
			    "base64, as in a .pub file of violin keygen");
		for (unsigned k = 0; k < i; k++)
			if (curve_public_equal(
			        &config->managers[k], &config->managers[i]))
				return wrong(source, manager->name,
				    "has the key of another manager");
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
		return wrong(source, text,
		    "is no address to listen on; right is 192.0.2.1 or ::");
	if (last < m->port_first)
		return wrong(source, "port_last",
		    "is below port_first; right is a range like 7480 to 7499");
	if (m->at_once > MESSAGE_HANDOVERS_MAX)
		return wrong(source, "at_once", "at most 64");
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

static bool take_file(struct violind_config *config, const struct file *file,
    const struct source *source)
{
	const char *listen = file->listen ? file->listen : "tcp://0.0.0.0:7470";
	struct err err = {""};

	if (strncmp(listen, "tcp://", 6) != 0 || !strchr(listen + 6, ':'))
		return wrong(source, listen,
		    "is no endpoint; right is tcp://192.0.2.1:7470");
	if (file->tunnel &&
	    (file->tunnel[0] != '/' || strlen(file->tunnel) >= UNIX_PATH_MAX))
		return wrong(source, file->tunnel,
		    "is no socket's path; right is "
		    "/run/violin-tunneld/control.sock");
	if (!curve_key_load(&config->key, file->key, &err))
		return wrong(source, file->key, err.text);
	config->name = strdup(file->name);
	config->listen = strdup(listen);
	config->journal =
	    strdup(file->journal ? file->journal : "/var/lib/violind");
	config->tunnel = file->tunnel ? strdup(file->tunnel) : NULL;
	config->daemon.mem_reserve_kib = file->mem_reserve_kib;
	config->daemon.sample_min_ns = 100 * NS_PER_MS;
	config->daemon.retry_ns = 2 * NS_PER_S;
	config->daemon.view_max_ns =
	    (file->view_max_s ? file->view_max_s : 60) * NS_PER_S;
	return take_managers(config, file, source) &&
	       take_migration(config, &file->migration, source);
}

static char *read_text(const char *path, struct err *err)
{
	enum { FILE_MAX = 1 << 20 };
	FILE *file = fopen(path, "re");
	char *text = calloc(1, FILE_MAX + 1);
	size_t n = 0;

	if (file && text)
		n = fread(text, 1, FILE_MAX, file);
	if (!file || !text || ferror(file) || n == FILE_MAX) {
		err_set(
		    err, "%s: %s", path, file ? "too long" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

bool violind_config_load(
    struct violind_config *config, const char *path, struct err *err)
{
	struct complaint complaint = {.line = 0};
	const cyaml_config_t how = {
	    .log_fn = hear,
	    .log_ctx = &complaint,
	    .mem_fn = cyaml_mem,
	    .log_level = CYAML_LOG_WARNING,
	};
	struct source source = {path, read_text(path, err), err};
	struct file *file = NULL;
	bool ok = false;

	*config = (struct violind_config){.name = NULL};
	if (!source.text)
		return false;
	cyaml_err_t status = cyaml_load_data((const uint8_t *)source.text,
	    strlen(source.text), &how, &file_schema, (void **)&file, NULL);
	if (status == CYAML_OK && file)
		ok = take_file(config, file, &source);
	else
		err_set(err, "%s:%u:%u: %s; violind.conf(5) has what is right",
		    path, complaint.line ? complaint.line : 1,
		    complaint.column ? complaint.column : 1,
		    complaint.text[0] ? complaint.text
		                      : cyaml_strerror(status));
	cyaml_free(&how, &file_schema, file, 0);
	free(source.text);
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
