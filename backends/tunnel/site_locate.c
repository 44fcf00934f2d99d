/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a YAML text something stands; see site.h. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "backends/tunnel/site.h"

static yaml_node_t *find_key(yaml_document_t *document, const yaml_node_t *node,
    const char *key, size_t len)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;

	for (; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name =
		    yaml_document_get_node(document, pair->key);

		if (name && name->type == YAML_SCALAR_NODE &&
		    name->data.scalar.length == len &&
		    !memcmp(name->data.scalar.value, key, len))
			return yaml_document_get_node(document, pair->value);
	}
	return NULL;
}

static yaml_node_t *find_item(
    yaml_document_t *document, const yaml_node_t *node, const char *index)
{
	const yaml_node_item_t *start = node->data.sequence.items.start;
	unsigned long i = strtoul(index, NULL, 10);

	if (i >= (size_t)(node->data.sequence.items.top - start))
		return NULL;
	return yaml_document_get_node(document, start[i]);
}

static const yaml_node_t *walk(yaml_document_t *document, const char *path)
{
	yaml_node_t *node = yaml_document_get_root_node(document), *next;
	size_t len;

	for (; node && *path; path += len + (path[len] == '/'), node = next) {
		len = strcspn(path, "/");
		next = NULL;
		if (node->type == YAML_MAPPING_NODE)
			next = find_key(document, node, path, len);
		else if (node->type == YAML_SEQUENCE_NODE)
			next = find_item(document, node, path);
		if (!next)
			return node;
	}
	return node;
}

void site_locate(const char *text, size_t len, const char *path,
    unsigned long *line, unsigned long *column)
{
	yaml_parser_t parser;
	yaml_document_t document;
	const yaml_node_t *node;

	*line = *column = 1;
	if (!yaml_parser_initialize(&parser))
		return;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &document)) {
		node = walk(&document, path);
		if (node) {
			*line = node->start_mark.line + 1;
			*column = node->start_mark.column + 1;
		}
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
}
