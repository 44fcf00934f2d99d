/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables as CSV; see table.h. */
#include "sim/table.h"

#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/units.h"

/* Outer blanks, too, are kept only within quotes. */
static bool needs_quotes(const char *text)
{
	size_t n = strlen(text);

	return text[strcspn(text, ",\"\r\n")] ||
	       (n && (strchr(" \t", text[0]) || strchr(" \t", text[n - 1])));
}

void table_put_text(FILE *file, const char *text)
{
	if (!needs_quotes(text)) {
		fputs(text, file);
		return;
	}
	putc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', file);
		putc(*text, file);
	}
	putc('"', file);
}

void table_put_time(FILE *file, int64_t ns)
{
	if (ns >= 0)
		fprintf(file, "%lld.%06lld", (long long)(ns / NS_PER_S),
		    (long long)(ns % NS_PER_S / NS_PER_US));
}

void json_put_text(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			putc('\\', file);
		if (c < ' ')
			fprintf(file, "\\u%04x", c);
		else
			putc(c, file);
	}
	putc('"', file);
}

void json_put_number(FILE *file, double number)
{
	char text[40];
	int digits = 15;

	do
		snprintf(text, sizeof text, "%.*g", digits, number);
	while (strtod(text, NULL) != number && digits++ < 17);
	fputs(text, file);
}

/* Reading. */

struct parse {
	struct table *table;
	uint32_t in_row;  /* cells so far */
	uint32_t row;     /* from 1, the header */
	uint32_t bad_row; /* the first with a wrong number of cells; 0: none */
	bool out_of_memory;
};

static void take_cell(void *text, size_t length, void *self)
{
	struct parse *p = self;
	struct table *t = p->table;

	if (t->n_cells == t->max_cells) {
		size_t max = t->max_cells ? 2 * t->max_cells : 64;
		char **cells = realloc(t->cells, max * sizeof *cells);

		if (!cells) {
			p->out_of_memory = true;
			return;
		}
		t->cells = cells;
		t->max_cells = max;
	}
	t->cells[t->n_cells] = strndup(text ? text : "", length);
	if (!t->cells[t->n_cells++])
		p->out_of_memory = true;
	p->in_row++;
}

static void take_row(int end, void *self)
{
	struct parse *p = self;

	(void)end;
	p->row++;
	if (p->row == 1)
		p->table->n_columns = p->in_row;
	else if (p->in_row != p->table->n_columns && !p->bad_row)
		p->bad_row = p->row;
	p->in_row = 0;
}

static bool parse_file(struct parse *p, FILE *file, struct err *err)
{
	struct csv_parser parser;
	char buffer[65536];
	size_t n;
	bool ok = true;

	if (csv_init(&parser, CSV_APPEND_NULL | CSV_STRICT) != 0)
		return err_set(err, "not enough memory");
	while (ok && (n = fread(buffer, 1, sizeof buffer, file)) > 0)
		if (csv_parse(&parser, buffer, n, take_cell, take_row, p) != n)
			ok = err_set(err, "row %u: %s", p->row + 1,
			    csv_strerror(csv_error(&parser)));
	if (ok && ferror(file))
		ok = err_set(err, "%s", strerror(errno));
	if (ok)
		csv_fini(&parser, take_cell, take_row, p);
	csv_free(&parser);
	if (ok && p->out_of_memory)
		ok = err_set(err, "not enough memory");
	if (ok && p->bad_row)
		ok = err_set(err, "row %u has not the %u cells of the header",
		    p->bad_row, p->table->n_columns);
	return ok;
}

bool table_read(struct table *table, const char *path, struct err *err)
{
	struct parse p = {.table = table};
	FILE *file = fopen(path, "re");
	bool ok;

	*table = (struct table){0};
	if (!file)
		return err_set(err, "%s: %s", path, strerror(errno));
	ok = parse_file(&p, file, err);
	fclose(file);
	if (ok && p.row == 0)
		ok = err_set(err, "there is not even a header");
	if (ok)
		table->n_rows = p.row - 1;
	if (ok)
		return true;
	table_fini(table);
	return err_prefix(err, "%s", path);
}

void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){0};
}

int table_find(const struct table *table, const char *name)
{
	for (uint32_t i = 0; i < table->n_columns; i++)
		if (strcmp(table->cells[i], name) == 0)
			return (int)i;
	return NO_COLUMN;
}

double table_number(const struct table *table, uint32_t row, int column)
{
	const char *text = table_text(table, row, column);
	char *end;
	double number = strtod(text, &end);

	return end == text || *end ? (double)NAN : number;
}
