/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML with positions, over libyaml's document; see tree.h. */
#include "scenarios/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* Bounds on what aliases may unfold to. */
enum { MAX_DEPTH = 32, MAX_NODES = 4000000, MAX_KEYS = 1000 };

struct copy {
	struct pool *pool;
	const char *path;
	yaml_document_t *doc;
	uint32_t n_nodes;
	struct err *err;
};

bool node_error(const struct node *node, const char *file, struct err *err,
    const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (node->override)
		return err_set(err, "--set %s: %s", node->override, text);
	return err_set(
	    err, "%s:%d:%d: %s", file, node->line, node->column, text);
}

struct node *node_get(const struct node *map, const char *key)
{
	for (uint32_t i = 0; map->kind == NODE_MAP && i < map->n; i++)
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->items[i];
	return NULL;
}

bool node_is_empty(const struct node *node)
{
	return node->kind == NODE_SCALAR && !*node->text;
}

static void map_add(struct pool *pool, struct node *map, struct node *key,
    struct node *item)
{
	struct node **keys = POOL_TAKE(pool, map->n + 1, struct node *);
	struct node **items = POOL_TAKE(pool, map->n + 1, struct node *);

	if (map->n) {
		memcpy(keys, map->keys, map->n * sizeof(struct node *));
		memcpy(items, map->items, map->n * sizeof(struct node *));
	}
	keys[map->n] = key;
	items[map->n++] = item;
	map->keys = keys;
	map->items = items;
}

static struct node *copy_node(struct copy *copy, int id, int depth);

/* A scalar of printable text; libyaml has checked that it is UTF-8. */
static bool copy_scalar(
    struct copy *copy, struct node *node, const yaml_node_t *from)
{
	const char *s = (const char *)from->data.scalar.value;
	size_t n = from->data.scalar.length;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return node_error(node, copy->path, copy->err,
			    "a control character; values are one line of text");
	node->text = pool_copy(copy->pool, s, n);
	return true;
}

static bool copy_list(
    struct copy *copy, struct node *node, const yaml_node_t *from, int depth)
{
	const yaml_node_item_t *start = from->data.sequence.items.start;
	const yaml_node_item_t *top = from->data.sequence.items.top;

	node->items = POOL_TAKE(copy->pool, (size_t)(top - start),
	    struct node *);
	for (; start < top; start++) {
		struct node *item = copy_node(copy, *start, depth);

		if (!item)
			return false;
		node->items[node->n++] = item;
	}
	return true;
}

/* Takes over the pairs of a merged mapping whose keys are not there. */
static bool merge(struct copy *copy, struct node *map, struct node *key,
    const struct node *from)
{
	if (from->kind != NODE_MAP)
		return node_error(key, copy->path, copy->err,
		    "<< merges a mapping; write an alias of one, such as "
		    "\"<<: *usual\"");
	for (uint32_t i = 0; i < from->n; i++)
		if (!node_get(map, from->keys[i]->text))
			map_add(copy->pool, map, from->keys[i],
			    from->items[i]);
	return true;
}

static bool copy_map(
    struct copy *copy, struct node *node, const yaml_node_t *from, int depth)
{
	const yaml_node_pair_t *p = from->data.mapping.pairs.start;
	const yaml_node_pair_t *top = from->data.mapping.pairs.top;
	struct node *merge_key = NULL, *merged = NULL;

	if (top - p > MAX_KEYS)
		return node_error(node, copy->path, copy->err,
		    "a mapping of more than %d keys", MAX_KEYS);
	node->keys = POOL_TAKE(copy->pool, (size_t)(top - p), struct node *);
	node->items = POOL_TAKE(copy->pool, (size_t)(top - p), struct node *);
	for (; p < top; p++) {
		struct node *key = copy_node(copy, p->key, depth);
		struct node *item = key ? copy_node(copy, p->value, depth) : 0;

		if (!item)
			return false;
		if (key->kind != NODE_SCALAR)
			return node_error(key, copy->path, copy->err,
			    "a key is plain text");
		if (node_get(node, key->text))
			return node_error(key, copy->path, copy->err,
			    "\"%s\" stands here twice; remove one", key->text);
		if (strcmp(key->text, "<<") == 0) {
			merge_key = key;
			merged = item;
			continue;
		}
		node->keys[node->n] = key;
		node->items[node->n++] = item;
	}
	return !merged || merge(copy, node, merge_key, merged);
}

static struct node *copy_node(struct copy *copy, int id, int depth)
{
	const yaml_node_t *from = yaml_document_get_node(copy->doc, id);
	struct node *node = POOL_TAKE(copy->pool, 1, struct node);
	bool ok = false;

	node->line = (int)from->start_mark.line + 1;
	node->column = (int)from->start_mark.column + 1;
	if (depth == MAX_DEPTH || ++copy->n_nodes > MAX_NODES) {
		node_error(node, copy->path, copy->err,
		    "nested too deeply, or an alias of itself");
		return NULL;
	}
	switch (from->type) {
	case YAML_SCALAR_NODE:
		node->kind = NODE_SCALAR;
		ok = copy_scalar(copy, node, from);
		break;
	case YAML_SEQUENCE_NODE:
		node->kind = NODE_LIST;
		ok = copy_list(copy, node, from, depth + 1);
		break;
	case YAML_MAPPING_NODE:
		node->kind = NODE_MAP;
		ok = copy_map(copy, node, from, depth + 1);
		break;
	default:
		break;
	}
	return ok ? node : NULL;
}

static bool parse_error(
    const yaml_parser_t *parser, const char *path, struct err *err)
{
	const yaml_mark_t *mark = &parser->problem_mark;

	return err_set(err, "%s:%zu:%zu: this is not YAML: %s%s%s", path,
	    mark->line + 1, mark->column + 1,
	    parser->problem ? parser->problem : "out of memory",
	    parser->context ? " " : "", parser->context ? parser->context : "");
}

struct node *tree_parse(struct pool *pool, const char *path, const char *text,
    size_t size, struct err *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct copy copy = {
	    .pool = pool, .path = path, .doc = &doc, .err = err};
	struct node *root = NULL;

	if (!yaml_parser_initialize(&parser)) {
		err_set(err, "%s: out of memory", path);
		return NULL;
	}
	yaml_parser_set_input_string(
	    &parser, (const unsigned char *)text, size);
	if (!yaml_parser_load(&parser, &doc)) {
		parse_error(&parser, path, err);
		goto out;
	}
	if (yaml_document_get_root_node(&doc))
		root = copy_node(&copy, 1, 0);
	else
		err_set(err, "%s:1:1: the file is empty", path);
	yaml_document_delete(&doc);
out:
	yaml_parser_delete(&parser);
	return root;
}

/* Paths. */

/* Takes one step off a path: "a.b[2]" gives "a", "b", "2"; false at the end
 * or where it is no path. */
static bool path_step(const char **path, char *step, size_t size, bool *number)
{
	const char *p = *path + strspn(*path, ".");
	size_t n;

	*number = *p == '[';
	if (*number)
		p++;
	n = strcspn(p, *number ? "]" : ".[");
	if (!n || n >= size)
		return false;
	if (*number && (p[n] != ']' || strspn(p, "0123456789") != n))
		return false;
	memcpy(step, p, n);
	step[n] = '\0';
	*path = p + n + (*number ? 1 : 0);
	return true;
}

/* The place that holds the entry which a step means, or NULL. */
static struct node **step_into(
    const struct node *node, const char *step, bool number)
{
	for (uint32_t i = 0; i < node->n; i++) {
		struct node *item = node->items[i], *name;

		if (node->kind == NODE_MAP) {
			if (strcmp(node->keys[i]->text, step) == 0)
				return &node->items[i];
		} else if (number) {
			if (strtoul(step, NULL, 10) == i)
				return &node->items[i];
		} else if ((name = node_get(item, "name")) &&
			   name->kind == NODE_SCALAR &&
			   strcmp(name->text, step) == 0) {
			return &node->items[i];
		}
	}
	return NULL;
}

const struct node *tree_find(const struct node *root, const char *path)
{
	char step[256];
	bool number;

	while (*path && path_step(&path, step, sizeof step, &number)) {
		struct node **next = step_into(root, step, number);

		if (!next)
			break;
		root = *next;
	}
	return root;
}

/* Overrides. */

static struct node *new_scalar(
    struct pool *pool, const char *text, const char *override)
{
	struct node *node = POOL_TAKE(pool, 1, struct node);

	node->kind = NODE_SCALAR;
	node->text = pool_copy(pool, text, strlen(text));
	node->override = override;
	return node;
}

static void mark_override(struct node *node, const char *override)
{
	node->override = override;
	for (uint32_t i = 0; i < node->n; i++) {
		mark_override(node->items[i], override);
		if (node->kind == NODE_MAP)
			node->keys[i]->override = override;
	}
}

static struct node *override_value(struct pool *pool, const char *path,
    const char *value, struct err *err)
{
	struct node *node;

	if (*value != '[' && *value != '{')
		return new_scalar(pool, value, path);
	node = tree_parse(pool, "the value", value, strlen(value), err);
	if (!node)
		err_prefix(err, "--set %s", path);
	else
		mark_override(node, path);
	return node;
}

/* Steps into an entry; what is absent in a mapping becomes an empty scalar,
 * and an empty scalar a mapping. */
static struct node **override_step(struct pool *pool, struct node *node,
    const char *step, bool number, const char *path, struct err *err)
{
	struct node **next;

	if (node_is_empty(node))
		node->kind = NODE_MAP;
	next = step_into(node, step, number);
	if (next)
		return next;
	if (node->kind == NODE_MAP && !number) {
		map_add(pool, node, new_scalar(pool, step, path),
		    new_scalar(pool, "", path));
		return &node->items[node->n - 1];
	}
	if (node->kind == NODE_SCALAR)
		err_set(err, "--set %s: \"%s\" stands below a plain value",
		    path, step);
	else if (node->kind == NODE_MAP)
		err_set(err, "--set %s: no list to take [%s] of", path, step);
	else
		err_set(err,
		    "--set %s: no entry \"%s\" in a list of %u; write a name, "
		    "or a number in brackets, from [0]",
		    path, step, node->n);
	return NULL;
}

bool tree_override(struct pool *pool, struct node *root, const char *path,
    const char *value, struct err *err)
{
	const char *rest = path, *kept = pool_copy(pool, path, strlen(path));
	struct node **place = &root, *node;
	char step[256];
	bool number;

	while (*rest) {
		if (!path_step(&rest, step, sizeof step, &number))
			return err_set(err,
			    "--set %s: not a path; write it like "
			    "manager.period or environments[0].start", path);
		place = override_step(pool, *place, step, number, kept, err);
		if (!place)
			return false;
	}
	if (place == &root)
		return err_set(err, "--set: no key; write KEY.PATH=VALUE");
	node = override_value(pool, kept, value, err);
	if (!node)
		return false;
	*place = node;
	return true;
}
