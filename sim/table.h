/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables as CSV (RFC 4180, lines end in LF): the pieces of a row, and a whole
 * table read back.  Numbers have fixed formats, so that the same run gives
 * the same bytes.
 */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

/* Writes a cell, quoted where it must be; no comma. */
void table_put_text(FILE *file, const char *text);

/* Writes seconds with six decimals; a negative time is an empty cell. */
void table_put_time(FILE *file, int64_t ns);

/* Writes a string as JSON does, with its quotes. */
void json_put_text(FILE *file, const char *text);
/* A number that is finite, with as few digits as bring it back exactly. */
void json_put_number(FILE *file, double number);

/* A table in memory: a header and rows of as many cells. */
struct table {
	char **cells;               /* row by row, the header first */
	uint32_t n_columns, n_rows; /* without the header */
	size_t n_cells, max_cells;  /* in cells: taken, room for */
};

/* Reads a file; false with err, which names file and row, when it cannot be
 * read or a row has too few or too many cells. */
bool table_read(struct table *table, const char *path, struct err *err);
void table_fini(struct table *table);

enum { NO_COLUMN = -1 };

/* The column of this name, or NO_COLUMN. */
int table_find(const struct table *table, const char *name);

static inline const char *table_text(
    const struct table *table, uint32_t row, int column)
{
	return table
	    ->cells[(size_t)(row + 1) * table->n_columns + (uint32_t)column];
}

/* The cell as a number; NAN where it is none. */
double table_number(const struct table *table, uint32_t row, int column);

#endif
