/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From text to values, by tables of fields; see load.h. */
#include "scenarios/load.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/words.h"

bool load_fail(const struct loader *ld, const char *at, const char *key,
    const char *format, ...)
{
	char path[512], text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	snprintf(path, sizeof path, "%s%s%s", at, key && *at ? "." : "",
	    key ? key : "");
	return node_error(
	    tree_find(ld->root, path), ld->path, ld->err, "%s", text);
}

void load_set_text(char **text, const char *format, ...)
{
	char *old = *text;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(text, format, ap);
	va_end(ap);
	if (n < 0)
		abort();
	free(old);
}

/* Quantities. */

/* How each kind is measured; N_MEASURES: not by a quantity. */
static const struct {
	enum measure measure;
	quantity_value most;
} kinds[] = {
	[FIELD_TIME] = {MEASURE_TIME, 1e18L},
	[FIELD_NEVER] = {MEASURE_TIME, 1e18L},
	[FIELD_SECONDS] = {MEASURE_TIME, 1e18L},
	[FIELD_MEMORY] = {MEASURE_MEMORY, 0x1p40L},
	[FIELD_CPU] = {MEASURE_CPU, 1e9L},
	[FIELD_DATA] = {MEASURE_DATA, 0x1p60L},
	[FIELD_SPEED] = {MEASURE_SPEED, 0x1p40L},
	[FIELD_RATE] = {MEASURE_RATE, 1e18L},
	[FIELD_NUMBER] = {MEASURE_NUMBER, 1e18L},
	[FIELD_COUNT] = {N_MEASURES, UINT32_MAX},
	[FIELD_SEED] = {N_MEASURES, 0},
	[FIELD_SWITCH] = {N_MEASURES, 0},
	[FIELD_CHOICE] = {N_MEASURES, 0},
};

/* A bound of the table: text of the same measure. */
static quantity_value bound(const struct field *field, const char *text,
    quantity_value otherwise)
{
	quantity_value value;
	const char *wanted;

	if (!text)
		return otherwise;
	wanted = quantity_parse(text, kinds[field->kind].measure, 0, &value);
	assert(!wanted);
	(void)wanted;
	return value;
}

static bool check_bounds(const struct loader *ld, const char *at,
    const struct field *field, const char *text, quantity_value value)
{
	char most[QUANTITY_TEXT_MAX];

	if (value < bound(field, field->least, 0))
		return load_fail(ld, at, field->key,
		    "%s is %.80s; the least is %s", field->key, text,
		    field->least ? field->least : "0");
	if (value > bound(field, field->most, kinds[field->kind].most)) {
		quantity_print(most, kinds[field->kind].measure,
		    kinds[field->kind].most);
		return load_fail(ld, at, field->key,
		    "%s is %.80s; the most is %s", field->key, text,
		    field->most ? field->most : most);
	}
	return true;
}

static void store_quantity(
    const struct field *field, quantity_value value, void *out)
{
	switch (field->kind) {
	case FIELD_TIME:
	case FIELD_NEVER:
		*(int64_t *)out = (int64_t)value;
		break;
	case FIELD_MEMORY:
		*(uint64_t *)out = (uint64_t)value;
		break;
	case FIELD_SECONDS:
		*(double *)out = (double)(value / 1e9L);
		break;
	default:
		*(double *)out = (double)value;
	}
}

static bool load_quantity(const struct loader *ld, const char *at,
    const struct field *field, char **text, void *out)
{
	enum measure measure = kinds[field->kind].measure;
	char canonical[QUANTITY_TEXT_MAX];
	quantity_value value;
	const char *wanted =
	    quantity_parse(*text, measure, ld->host_mcpu, &value);

	if (wanted && measure == MEASURE_CPU && !ld->host_mcpu &&
	    strstr(*text, "host"))
		return load_fail(ld, at, field->key,
		    "%s is \"%.40s\", but hosts differ in their CPUs; write it "
		    "in cpu or mcpu", field->key, *text);
	if (wanted)
		return load_fail(ld, at, field->key,
		    "%s is \"%.80s\", not %s%s", field->key, *text, wanted,
		    field->kind == FIELD_NEVER ? " or \"never\"" : "");
	if (!check_bounds(ld, at, field, *text, value))
		return false;
	store_quantity(field, value, out);
	load_set_text(text, "%s", quantity_print(canonical, measure, value));
	return true;
}

/* The other kinds. */

static bool load_whole(const struct loader *ld, const char *at,
    const struct field *field, char **text, void *out)
{
	bool seed = field->kind == FIELD_SEED;
	unsigned long long value, most = seed ? UINT64_MAX : UINT32_MAX;
	unsigned long long least =
	    field->least ? strtoull(field->least, NULL, 10) : 0;

	if (field->most)
		most = strtoull(field->most, NULL, 10);
	errno = 0;
	value = strtoull(*text, NULL, 10);
	if ((*text)[strspn(*text, "0123456789")])
		return load_fail(ld, at, field->key,
		    "%s is \"%.40s\", not a whole number", field->key, *text);
	if (errno || value < least || value > most)
		return load_fail(ld, at, field->key,
		    "%s is %.40s; it can be %llu to %llu", field->key, *text,
		    least, most);
	if (seed)
		*(uint64_t *)out = value;
	else
		*(uint32_t *)out = (uint32_t)value;
	load_set_text(text, "%llu", value);
	return true;
}

static bool load_switch(const struct loader *ld, const char *at,
    const struct field *field, char **text, bool *out)
{
	static const char *const yes[] = {"yes", "true", "on"};
	static const char *const no[] = {"no", "false", "off"};

	for (int i = 0; i < 3; i++)
		if (strcmp(*text, yes[i]) == 0 || strcmp(*text, no[i]) == 0) {
			*out = strcmp(*text, yes[i]) == 0;
			load_set_text(text, *out ? "yes" : "no");
			return true;
		}
	return load_fail(ld, at, field->key, "%s is \"%.40s\"; write yes or no",
	    field->key, *text);
}

static bool load_choice(const struct loader *ld, const char *at,
    const struct field *field, const char *text, void *out)
{
	const char *nearest;
	char list[ERR_TEXT_MAX / 2] = "";
	uint32_t n = 0;

	for (; field->words[n]; n++) {
		if (strcmp(text, field->words[n]) == 0) {
			memcpy(out, &n, sizeof n);
			return true;
		}
		strcat(strcat(list, n ? ", " : ""), field->words[n]);
	}
	nearest = nearest_word(text, field->words, n);
	if (nearest)
		return load_fail(ld, at, field->key,
		    "%s is \"%.40s\"; did you mean \"%s\"? It can be: %s",
		    field->key, text, nearest, list);
	return load_fail(ld, at, field->key, "%s is \"%.40s\"; it can be: %s",
	    field->key, text, list);
}

bool load_field(const struct loader *ld, const char *at,
    const struct field *field, char **text, void *out)
{
	if (!*text && !field->initial)
		return true;
	if (!*text)
		load_set_text(text, "%s", field->initial);
	switch (field->kind) {
	case FIELD_COUNT:
	case FIELD_SEED:
		return load_whole(ld, at, field, text, out);
	case FIELD_SWITCH:
		return load_switch(ld, at, field, text, out);
	case FIELD_CHOICE:
		return load_choice(ld, at, field, *text, out);
	case FIELD_NEVER:
		if (strcmp(*text, "never") == 0) {
			*(int64_t *)out = TIME_NEVER;
			return true;
		}
		return load_quantity(ld, at, field, text, out);
	default:
		return load_quantity(ld, at, field, text, out);
	}
}

bool load_fields(const struct loader *ld, const char *at,
    const struct field *fields, void *raw, void *out)
{
	for (; fields->key; fields++) {
		char **text = (void *)((char *)raw + fields->raw);

		if (!load_field(ld, at, fields, text,
			(char *)out + fields->out))
			return false;
	}
	return true;
}

/* Names. */

bool load_name(const struct loader *ld, const char *at, const char *name)
{
	if (is_name(name) && strlen(name) <= 100)
		return true;
	return load_fail(ld, at, "name",
	    "\"%.100s\" is no name: at most 100 letters, digits, and - _ . "
	    "after the first", name);
}

const char *load_numbered(
    const struct loader *ld, const char *name, uint32_t i, uint32_t n)
{
	char text[128];
	int digits = snprintf(NULL, 0, "%u", n);

	if (n == 1)
		return pool_copy(ld->pool, name, strlen(name));
	return pool_copy(ld->pool, text,
	    (size_t)snprintf(text, sizeof text, "%s-%0*u", name, digits,
		i + 1));
}

bool load_find(const struct loader *ld, const char *at, const char *key,
    const struct names *names, const char *what, const char *name,
    uint32_t *ix)
{
	const char *nearest;

	*ix = names_find(names, name);
	if (*ix != ID_NONE)
		return true;
	nearest = names_nearest(names, name);
	return load_fail(ld, at, key, "there is no %s \"%.100s\"%s%s%s", what,
	    name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
	    nearest ? "\"?" : "");
}

const char *load_file(struct loader *ld, const char *name)
{
	struct named_file *file = POOL_TAKE(ld->scratch, 1, struct named_file);
	bool absolute = *name == '/' || !*ld->folder;
	size_t size = strlen(ld->folder) + strlen(name) + 2;

	file->path = POOL_TAKE(ld->scratch, size, char);
	snprintf(file->path, size, "%s%s%s", absolute ? "" : ld->folder,
	    absolute ? "" : "/", name);
	file->next = ld->files;
	ld->files = file;
	return file->path;
}
