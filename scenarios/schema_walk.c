/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Along a table such as schema.c's: checks a tree and loads it.
 *
 * libcyaml would check too, but says where only in a log meant for people,
 * and knows neither overrides nor which key was meant.  So the tree is held
 * against its tables first; what libcyaml then reads is the tree written as
 * one line of flow YAML.
 */
#include "scenarios/schema.h"

#include <assert.h>
#include <errno.h>
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

/* Plain values. */

static bool check_text(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	return strlen(node->text) <= value->string.max ||
	       node_error(node, check->file, check->err,
	           "%s has more than %u characters", key, value->string.max);
}

static uint64_t most(const cyaml_schema_value_t *value)
{
	return UINT64_MAX >> (64 - 8 * value->data_size);
}

static bool check_number(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	char *end;

	errno = 0;
	if (*node->text >= '0' && *node->text <= '9' &&
	    strtoull(node->text, &end, 10) <= most(value) && !*end && !errno)
		return true;
	return node_error(node, check->file, check->err,
	    "%s is \"%.40s\", not a whole number from 0 to %llu", key,
	    node->text, (unsigned long long)most(value));
}

/* libcyaml would take any text but few for yes. */
static bool check_switch(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	static const char *const words[] = {"yes", "no", "true", "false"};

	(void)value;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(node->text, words[i]) == 0)
			return true;
	return node_error(node, check->file, check->err,
	    "%s is \"%.40s\"; it can be yes or no", key, node->text);
}

static bool check_choice(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	const cyaml_strval_t *words = value->enumeration.strings;
	char list[ERR_TEXT_MAX / 2] = "";

	for (uint32_t i = 0; i < value->enumeration.count; i++) {
		if (strcmp(node->text, words[i].str) == 0)
			return true;
		if (strlen(list) + strlen(words[i].str) + 3 < sizeof list)
			strcat(strcat(list, i ? ", " : ""), words[i].str);
	}
	return node_error(node, check->file, check->err,
	    "%s is \"%.40s\"; it can be: %s", key, node->text, list);
}

static bool check_plain(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	bool empty = node_is_empty(node);

	if (empty || node->kind != NODE_SCALAR)
		return node_error(node, check->file, check->err,
		    empty ? "%s has no value" : "%s is one plain value", key);
	switch (value->type) {
	case CYAML_STRING:
		return check_text(check, node, value, key);
	case CYAML_UINT:
		return check_number(check, node, value, key);
	case CYAML_BOOL:
		return check_switch(check, node, value, key);
	default:
		assert(value->type == CYAML_ENUM);
		return check_choice(check, node, value, key);
	}
}

/* All of them. */

static bool is_plain(const cyaml_schema_value_t *value)
{
	return value->type != CYAML_MAPPING && value->type != CYAML_SEQUENCE;
}

static bool check_value(const struct check *check, const struct node *node,
    const cyaml_schema_value_t *value, const char *key)
{
	bool empty = node_is_empty(node);

	if (is_plain(value))
		return check_plain(check, node, value, key);
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

	if (is_plain(value)) {
		/* libcyaml would take 010 for eight */
		const char *text = node->text;
		size_t zeros = value->type == CYAML_UINT && text[0] == '0'
		                   ? strspn(text, "0")
		                   : 0;

		schema_write_text(
		    text + zeros - (zeros && !text[zeros]), out);
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

void *schema_read(const struct node *root, const cyaml_schema_value_t *form,
    const char *name, const char *file, struct err *err)
{
	const struct check check = {.file = file, .err = err};
	char log[ERR_TEXT_MAX / 2] = "", *text = NULL;
	cyaml_config_t with_log = config;
	cyaml_data_t *raw = NULL;
	size_t size = 0;
	cyaml_err_t e;
	FILE *out;

	if (!check_value(&check, root, form, name))
		return NULL;
	out = open_memstream(&text, &size);
	if (!out) {
		err_set(err, "%s: out of memory", file);
		return NULL;
	}
	emit(root, form, out);
	fclose(out);
	with_log.log_ctx = log;
	e = cyaml_load_data((const uint8_t *)text, size, &with_log, form,
	    &raw, NULL);
	free(text);
	if (e != CYAML_OK) {
		log[strcspn(log, "\n")] = '\0';
		err_set(err, "%s:%d:%d: %s%s%s", file, root->line,
		    root->column, cyaml_strerror(e), *log ? ": " : "", log);
		return NULL;
	}
	return raw;
}

void schema_release(const cyaml_schema_value_t *form, void *raw)
{
	if (raw)
		cyaml_free(&config, form, raw, 0);
}

struct raw *schema_load(
    const struct node *root, const char *file, struct err *err)
{
	return schema_read(root, &schema_root, "the scenario", file, err);
}

void schema_free(struct raw *raw)
{
	schema_release(&schema_root, raw);
}
