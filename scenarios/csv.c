/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CSV with positions over libcsv, which is fed line by line; see csv.h. */
#include "scenarios/csv.h"

#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The cells of the line being read, one behind the other in `text`. */
struct cells {
	char *text;
	size_t n_text, max_text;
	size_t *starts;
	const char **cells;
	uint32_t n, max;
	bool ended; /* libcsv has said that the row is complete */
	bool failed;
};

static void *grow(void *array, size_t n, size_t size)
{
	void *larger = reallocarray(array, n, size);

	if (!larger) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return larger;
}

static void take_cell(void *text, size_t n, void *self)
{
	struct cells *c = self;

	if (c->n == c->max) {
		c->max = c->max ? 2 * c->max : 64;
		c->starts = grow(c->starts, c->max, sizeof *c->starts);
		c->cells = grow(c->cells, c->max, sizeof *c->cells);
	}
	if (c->n_text + n + 1 > c->max_text) {
		c->max_text = 2 * (c->n_text + n + 1);
		c->text = grow(c->text, c->max_text, 1);
	}
	c->starts[c->n++] = c->n_text;
	if (n)
		memcpy(c->text + c->n_text, text, n);
	c->n_text += n;
	c->text[c->n_text++] = '\0';
}

static void end_row(int character, void *self)
{
	struct cells *c = self;

	(void)character;
	c->ended = true;
	for (uint32_t i = 0; i < c->n; i++)
		c->cells[i] = c->text + c->starts[i];
}

/* Errors. */

/* Where a cell begins in the raw line, from 1. */
static uint32_t column_of(const struct csv_row *row, uint32_t cell)
{
	const char *p = row->raw;
	bool quoted = false;

	for (; *p && *p != '\n' && cell; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == row->delimiter && !quoted)
			cell--;
	}
	p += strspn(p, " \t");
	return (uint32_t)(p - row->raw) + 1;
}

bool csv_fail(const struct csv_row *row, uint32_t cell, struct err *err,
    const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return err_set(err, "%s:%u:%u: %s", row->path, row->line,
	    column_of(row, cell), text);
}

bool csv_has_cells(const struct csv_row *row, uint32_t n, struct err *err)
{
	if (row->n == n)
		return true;
	return csv_fail(row, row->n < n ? row->n : n, err,
	    "%u cells in this row; there must be %u", row->n, n);
}

bool csv_is_header(
    const struct csv_row *row, const char *const *words, struct err *err)
{
	uint32_t i = 0;

	for (; words[i]; i++)
		if (i >= row->n || strcmp(row->cells[i], words[i]) != 0)
			return csv_fail(row, i, err,
			    "the header has \"%.40s\" here; it must be \"%s\"",
			    i < row->n ? row->cells[i] : "", words[i]);
	return csv_has_cells(row, i, err);
}

bool csv_number(const struct csv_row *row, uint32_t cell, const char *what,
    double least, double most, double *value, struct err *err)
{
	const char *text = row->cells[cell];
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end || !isfinite(*value))
		return csv_fail(row, cell, err, "%s is \"%.40s\", not a number",
		    what, text);
	if (*value < least || *value > most)
		return csv_fail(row, cell, err,
		    "%s is %.40s; it can be %.10g to %.10g", what, text, least,
		    most);
	return true;
}

/* Reading. */

static bool bad_line(const struct csv_row *row, const char *text, size_t n,
    bool parsed, struct err *err)
{
	if (memchr(text, '\0', n))
		return csv_fail(row, 0, err, "a NUL byte; this is not text");
	if (!parsed)
		return csv_fail(row, 0, err,
		    "a quote within a cell; double it, and quote the cell");
	return csv_fail(row, 0, err, "a quoted cell does not end on its line");
}

/* Reads a line, which ends with '\n'. */
static bool take_line(struct csv_parser *parser, struct cells *cells,
    struct csv_row *row, const char *text, size_t n, csv_take_fn *take,
    void *self, struct err *err)
{
	bool parsed;

	cells->n = 0;
	cells->n_text = 0;
	cells->ended = false;
	if (text[strspn(text, " \t")] == '\n' || *text == '#')
		return true;
	row->raw = text;
	parsed = csv_parse(parser, text, n, take_cell, end_row, cells) == n;
	if (!parsed || !cells->ended || memchr(text, '\0', n))
		return bad_line(row, text, n, parsed, err);
	row->n = cells->n;
	row->cells = cells->cells;
	if (!take(self, row, err))
		return false;
	row->index++;
	return true;
}

/* A line with the '\n' that the last one may lack, without the '\r' that may
 * stand before it; -1 at the end. */
static ssize_t next_line(FILE *in, char **line, size_t *size)
{
	ssize_t n = getline(line, size, in);

	if (n <= 0)
		return n;
	if ((*line)[n - 1] == '\n')
		n--;
	if (n > 0 && (*line)[n - 1] == '\r')
		n--;
	if ((size_t)n + 2 > *size) {
		*size = (size_t)n + 2;
		*line = grow(*line, *size, 1);
	}
	(*line)[n++] = '\n';
	(*line)[n] = '\0';
	return n;
}

/* For libcsv a lone '\r' would end a row too, and a line be several. */
static int ends_row(unsigned char character)
{
	return character == '\n';
}

bool csv_read_stream(FILE *in, const char *path, char delimiter,
    csv_take_fn *take, void *self, struct err *err)
{
	struct csv_row row = {.path = path, .delimiter = delimiter, .raw = ""};
	struct cells cells = {0};
	struct csv_parser parser;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool ok = true;

	csv_init(&parser, CSV_STRICT);
	csv_set_delim(&parser, (unsigned char)delimiter);
	csv_set_term_func(&parser, ends_row);
	errno = 0;
	while (ok && (n = next_line(in, &line, &size)) > 0) {
		row.line++;
		ok = take_line(&parser, &cells, &row, line, (size_t)n, take,
		    self, err);
	}
	if (ok && ferror(in))
		ok = err_set(err, "%s: %s", path, strerror(errno));
	else if (ok && !row.index)
		ok = err_set(err, "%s:1:1: the file is empty", path);
	csv_free(&parser);
	free(line);
	free(cells.text);
	free(cells.starts);
	free(cells.cells);
	return ok;
}

bool csv_read_file(const char *path, char delimiter, csv_take_fn *take,
    void *self, struct err *err)
{
	FILE *in = fopen(path, "re");
	bool ok;

	if (!in)
		return err_set(err, "%s: %s", path, strerror(errno));
	ok = csv_read_stream(in, path, delimiter, take, self, err);
	fclose(in);
	return ok;
}
