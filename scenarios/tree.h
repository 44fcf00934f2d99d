/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A YAML document as a tree that knows where each node was written, so that
 * every error, also one that is found late, names line and column.  Overrides
 * of the command line are applied here, before anything reads the tree.
 *
 * Aliases are copied (a shared node could not be overridden in one place),
 * `<<: *alias` merges, keys are plain text, a key stands once in a mapping.
 */
#ifndef SCENARIOS_TREE_H
#define SCENARIOS_TREE_H

#include <stdint.h>

#include "core/err.h"
#include "scenarios/pool.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	int line, column;     /* from 1 */
	const char *override; /* path of the --set that put it here, or NULL */
	const char *text;     /* of a scalar */
	uint32_t n;           /* of items */
	struct node **keys;   /* of a mapping: scalars */
	struct node **items;  /* values of a mapping, entries of a list */
};

/* Parses text that came from `path`.  Lives in the pool. */
struct node *tree_parse(struct pool *pool, const char *path, const char *text,
    size_t size, struct err *err);

/*
 * Sets the value at a path of keys joined by dots.  An entry of a list is
 * chosen by its number, environments[0], or by its name, environments.V1.
 * Keys that are absent are added.  A value that begins with [ or { is YAML.
 */
bool tree_override(struct pool *pool, struct node *root, const char *path,
    const char *value, struct err *err);

/* The value of a key, or NULL. */
struct node *node_get(const struct node *map, const char *key);

/* An empty scalar where a mapping or list is expected is an empty one. */
bool node_is_empty(const struct node *node);

/* The node at such a path, or the nearest one above it that is there. */
const struct node *tree_find(const struct node *root, const char *path);

/* Fills err with "FILE:LINE:COLUMN: message" or "--set PATH: message". */
bool node_error(const struct node *node, const char *file, struct err *err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
