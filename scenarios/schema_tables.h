/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between libcyaml's tables and what goes along them: schema_walk.c and
 * schema_write.c.  The tables of a scenario are in schema.c; the daemons'
 * configuration files have their own, and are read in the same way.
 */
#ifndef SCENARIOS_SCHEMA_TABLES_H
#define SCENARIOS_SCHEMA_TABLES_H

#include <stdio.h>

#include <cyaml/cyaml.h>

#include "scenarios/tree.h"

/*
 * Holds a tree against a table, then loads it.  Understood are mappings,
 * lists, texts, and, plain or by pointer, UINT, BOOL (yes or no) and ENUM.
 * `name` is what messages call the whole.  Returns new, freed by
 * schema_release, or NULL with err naming where in `file`.
 */
void *schema_read(const struct node *root, const cyaml_schema_value_t *form,
    const char *name, const char *file, struct err *err);
void schema_release(const cyaml_schema_value_t *form, void *raw);

extern const cyaml_schema_value_t schema_root;

/* An entry of `parameters`: the list that a mapping with free keys becomes. */
extern const cyaml_schema_value_t schema_param;

/* Writes text in double quotes. */
void schema_write_text(const char *text, FILE *out);

#endif
