/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CSV files row by row, through libcsv, with errors that name file, line and
 * column.  Blank lines and lines that begin with '#' are skipped; a quoted
 * cell stays on its line.
 */
#ifndef SCENARIOS_CSV_H
#define SCENARIOS_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

struct csv_row {
	const char *path;
	uint32_t line;  /* from 1 */
	uint32_t n;     /* of cells */
	uint32_t index; /* of this row, the header being 0 */
	const char *const *cells; /* trimmed; "" when empty */
	/* private: */
	const char *raw;
	char delimiter;
};

/* Takes a row; false with err ends the reading. */
typedef bool csv_take_fn(void *self, const struct csv_row *row,
    struct err *err);

/* Reads a stream that is said to be `path`, or the file of that name.  A
 * file without any row is an error. */
bool csv_read_stream(FILE *in, const char *path, char delimiter,
    csv_take_fn *take, void *self, struct err *err);
bool csv_read_file(const char *path, char delimiter, csv_take_fn *take,
    void *self, struct err *err);

/* Fills err with "FILE:LINE:COLUMN: message" of a cell; returns false. */
bool csv_fail(const struct csv_row *row, uint32_t cell, struct err *err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Has the row n cells? */
bool csv_has_cells(const struct csv_row *row, uint32_t n, struct err *err);

/* The row's cells are these words, as many as there are before a NULL. */
bool csv_is_header(const struct csv_row *row, const char *const *words,
    struct err *err);

/* A cell as a number from least to most; `what` it is, for the message. */
bool csv_number(const struct csv_row *row, uint32_t cell, const char *what,
    double least, double most, double *value, struct err *err);

#endif
