/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Along the tables of schema.c: checks a tree and loads it.
 *
 * libcyaml would check too, but says where only in a log meant for people,
 * and knows neither overrides nor which key was meant.  So the tree is held
 * against its tables first; what libcyaml then reads is the tree written as
 * one line of flow YAML.
 */
#include "scenarios/schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/schema_tables.h"
#include "scenarios/words.h"

/* Check. */

struct check {
	const char *file;
	struct err *err;
};

static bool check_value(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key);

enum { MAX_FIELDS = 32 };

static bool unknown_key(const struct check *check, const struct node *key,
    const cyaml_schema_field_t *fields)
{
	const char *words[MAX_FIELDS], *nearest;
	char list[ERR_TEXT_MAX / 2] = "";
	uint32_t n = 0;

	for (; fields[n].key; n++) {
		assert(n < MAX_FIELDS);
		words[n] = fields[n].key;
		if (strlen(list) + strlen(words[n]) + 3 < sizeof list)
			strcat(strcat(list, n ? ", " : ""), words[n]);
	}
	nearest = nearest_word(key->text, words, n);
	if (nearest)
		return node_error(key, check->file, check->err,
		    "unknown key \"%.40s\"; did you mean \"%s\"?", key->text,
		    nearest);
	return node_error(key, check->file, check->err,
	    "unknown key \"%.40s\"; here can be: %s", key->text, list);
}

static const cyaml_schema_field_t *find_field(
    const cyaml_schema_field_t *fields, const char *key)
{
	for (; fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return fields;
	return NULL;
}

static bool check_map(const struct check *check, const struct node *node,
    const cyaml_schema_field_t *fields, const char *name)
{
	for (uint32_t i = 0; i < node->n; i++) {
		const struct node *key = node->keys[i];
		const cyaml_schema_field_t *field =
		    find_field(fields, key->text);

		if (!field)
			return unknown_key(check, key, fields);
		if (!check_value(check, node->items[i], &field->value,
			field->key))
			return false;
	}
	for (; fields->key; fields++)
		if (!(fields->value.flags & CYAML_FLAG_OPTIONAL) &&
		    !node_get(node, fields->key))
			return node_error(node, check->file, check->err,
			    "\"%s\" is missing in %s", fields->key, name);
	return true;
}

static bool check_list(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	if (node->n < value->sequence.min || node->n > value->sequence.max) {
		const char *few =
		    node->n < value->sequence.min ? "at least" : "at most";
		uint32_t bound = node->n < value->sequence.min
		                     ? value->sequence.min
		                     : value->sequence.max;

		return node_error(node, check->file, check->err,
		    "%s has %u entries; write %s %u", key, node->n, few, bound);
	}
	for (uint32_t i = 0; i < node->n; i++)
		if (!check_value(
			check, node->items[i], value->sequence.entry, key))
			return false;
	return true;
}

/* A mapping with keys of the user's own. */
static bool check_params(
    const struct check *check, const struct node *node, const char *key)
{
	for (uint32_t i = 0; i < node->n; i++)
		if (node->items[i]->kind != NODE_SCALAR ||
		    node_is_empty(node->items[i]))
			return node_error(node->items[i], check->file,
			    check->err, "each of %s is one plain value", key);
	return true;
}

static bool check_value(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	bool empty = node_is_empty(node);

	if (value->type == CYAML_STRING) {
		if (node->kind == NODE_SCALAR && !empty)
			return true;
		return node_error(node, check->file, check->err,
		    empty ? "%s has no value" : "%s is one plain value", key);
	}
	if (value->type == CYAML_MAPPING) {
		if (node->kind == NODE_MAP || empty)
			return check_map(
			    check, node, value->mapping.fields, key);
	} else if (value->sequence.entry == &schema_param) {
		if (node->kind == NODE_MAP || empty)
			return check_params(check, node, key);
	} else {
		if (node->kind == NODE_LIST || empty)
			return check_list(check, node, value, key);
		return node_error(node, check->file, check->err,
		    "%s is a list; write entries that begin with \"- \"", key);
	}
	return node_error(node, check->file, check->err,
	    "%s is a mapping; write \"key: value\" lines", key);
}

/* Load. */

static void emit(
    const struct node *node, const cyaml_schema_value_t *value, FILE *out)
{
	bool map = value->type == CYAML_MAPPING;
	bool params = !map && value->type == CYAML_SEQUENCE &&
	              value->sequence.entry == &schema_param;

	if (value->type == CYAML_STRING) {
		schema_write_text(node->text, out);
		return;
	}
	putc(map ? '{' : '[', out);
	for (uint32_t i = 0; i < node->n; i++) {
		const char *key = map || params ? node->keys[i]->text : NULL;

		/* a new line keeps simple keys short, as libyaml wants them */
		fputs(i ? ",\n" : "", out);
		if (params) {
			fputs("{\"name\": ", out);
			schema_write_text(key, out);
			fputs(", \"value\": ", out);
			schema_write_text(node->items[i]->text, out);
			putc('}', out);
		} else if (map) {
			schema_write_text(key, out);
			fputs(": ", out);
			emit(node->items[i],
			    &find_field(value->mapping.fields, key)->value,
			    out);
		} else {
			emit(node->items[i], value->sequence.entry, out);
		}
	}
	putc(map ? '}' : ']', out);
}

/* Keeps libcyaml's first words; the log goes nowhere else. */
__attribute__((format(printf, 3, 0))) static void keep_log(
    cyaml_log_t level, void *kept, const char *format, va_list args)
{
	char *text = kept;

	if (level >= CYAML_LOG_ERROR && !*text)
		vsnprintf(text, ERR_TEXT_MAX / 2, format, args);
}

static const cyaml_config_t config = {
    .log_level = CYAML_LOG_ERROR, .log_fn = keep_log, .mem_fn = cyaml_mem};

struct raw *schema_load(
    const struct node *root, const char *file, struct err *err)
{
	const struct check check = {.file = file, .err = err};
	char log[ERR_TEXT_MAX / 2] = "", *text = NULL;
	cyaml_config_t with_log = config;
	cyaml_data_t *raw = NULL;
	size_t size = 0;
	cyaml_err_t e;
	FILE *out;

	if (!check_value(&check, root, &schema_root, "the scenario"))
		return NULL;
	out = open_memstream(&text, &size);
	if (!out) {
		err_set(err, "%s: out of memory", file);
		return NULL;
	}
	emit(root, &schema_root, out);
	fclose(out);
	with_log.log_ctx = log;
	e = cyaml_load_data((const uint8_t *)text, size, &with_log,
	    &schema_root, &raw, NULL);
	free(text);
	if (e != CYAML_OK) {
		log[strcspn(log, "\n")] = '\0';
		err_set(err, "%s:%d:%d: %s%s%s", file, root->line,
		    root->column, cyaml_strerror(e), *log ? ": " : "", log);
		return NULL;
	}
	return raw;
}

void schema_free(struct raw *raw)
{
	if (raw)
		cyaml_free(&config, &schema_root, raw, 0);
}
