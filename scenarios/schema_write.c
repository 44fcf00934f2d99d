/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Along the tables of schema.c: writes what was loaded; see schema.h. */
#include "scenarios/schema.h"

#include <assert.h>
#include <string.h>

#include "scenarios/schema_tables.h"

void schema_write_text(const char *text, FILE *out)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
	putc('"', out);
}

/* Text that YAML takes for nothing else. */
static bool is_plain(const char *text)
{
	static const char safe[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._/+%- ";
	size_t n = strlen(text);

	return strspn(text, safe) == n && !strchr("+-% ", text[0]) &&
	       text[n - 1] != ' ';
}

static void write_text(const char *text, FILE *out)
{
	if (is_plain(text))
		fputs(text, out);
	else
		schema_write_text(text, out);
}

static void indent(FILE *out, int depth)
{
	fprintf(out, "%*s", 2 * depth, "");
}

static void write_map(const cyaml_schema_field_t *fields, const char *data,
    int depth, bool first_indented, FILE *out);

static uint32_t list_length(
    const cyaml_schema_field_t *field, const char *data)
{
	uint32_t n;

	assert(field->count_size == sizeof n);
	memcpy(&n, data + field->count_offset, sizeof n);
	return n;
}

static void *pointer_at(const char *data)
{
	void *p;

	memcpy(&p, data, sizeof p);
	return p;
}

static void write_params(
    const struct raw_param *params, uint32_t n, int depth, FILE *out)
{
	fputs(n ? ":\n" : ": {}\n", out);
	for (uint32_t i = 0; i < n; i++) {
		indent(out, depth);
		write_text(params[i].name, out);
		fputs(": ", out);
		write_text(params[i].value, out);
		putc('\n', out);
	}
}

static void write_list(const cyaml_schema_field_t *field, const char *list,
    uint32_t n, int depth, FILE *out)
{
	const cyaml_schema_value_t *entry = field->value.sequence.entry;

	if (entry->type == CYAML_STRING || n == 0) {
		fputs(": [", out);
		for (uint32_t i = 0; i < n; i++) {
			fputs(i ? ", " : "", out);
			write_text(pointer_at(list + i * sizeof(char *)), out);
		}
		fputs("]\n", out);
		return;
	}
	fputs(":\n", out);
	for (uint32_t i = 0; i < n; i++) {
		indent(out, depth);
		fputs("- ", out);
		write_map(entry->mapping.fields, list + i * entry->data_size,
		    depth + 1, true, out);
	}
}

/* Is anything of this mapping there?  All but embedded mappings are reached
 * by pointers. */
static bool any_field(const cyaml_schema_field_t *fields, const char *data)
{
	for (; fields->key; fields++) {
		const char *at = data + fields->data_offset;

		if (fields->value.flags & CYAML_FLAG_POINTER
		        ? pointer_at(at) != NULL
		        : any_field(fields->value.mapping.fields, at))
			return true;
	}
	return false;
}

static void write_field(const cyaml_schema_field_t *field, const char *at,
    const char *data, int depth, FILE *out)
{
	const cyaml_schema_value_t *value = &field->value;

	fputs(field->key, out);
	if (value->type == CYAML_STRING) {
		fputs(": ", out);
		write_text(at, out);
		putc('\n', out);
	} else if (value->type == CYAML_MAPPING) {
		fputs(":\n", out);
		write_map(value->mapping.fields, at, depth + 1, false, out);
	} else if (value->sequence.entry == &schema_param) {
		write_params((const void *)at, list_length(field, data),
		    depth + 1, out);
	} else {
		write_list(field, at, list_length(field, data), depth + 1, out);
	}
}

static void write_map(const cyaml_schema_field_t *fields, const char *data,
    int depth, bool first_indented, FILE *out)
{
	for (; fields->key; fields++) {
		const cyaml_schema_value_t *value = &fields->value;
		const char *at = data + fields->data_offset;
		bool list = value->type == CYAML_SEQUENCE;

		if (value->flags & CYAML_FLAG_POINTER)
			at = pointer_at(at);
		/* on the top level none is said aloud: "links: []" */
		if (!at && !(list && depth == 0))
			continue;
		if (value->type == CYAML_MAPPING &&
		    !any_field(value->mapping.fields, at))
			continue;
		if (!first_indented)
			indent(out, depth);
		first_indented = false;
		write_field(fields, at, data, depth, out);
	}
}

void schema_write(const struct raw *raw, FILE *out)
{
	write_map(schema_root.mapping.fields, (const char *)raw, 0, false,
	    out);
}
