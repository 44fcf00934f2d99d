/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between schema.c, the tables, and what goes along them: schema_walk.c and
 * schema_write.c. */
#ifndef SCENARIOS_SCHEMA_TABLES_H
#define SCENARIOS_SCHEMA_TABLES_H

#include <stdio.h>

#include <cyaml/cyaml.h>

extern const cyaml_schema_value_t schema_root;

/* An entry of `parameters`: the list that a mapping with free keys becomes. */
extern const cyaml_schema_value_t schema_param;

/* Writes text in double quotes. */
void schema_write_text(const char *text, FILE *out);

#endif
