/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenario files: any text loads or gives an error; one that loads is printed
 * as a scenario that loads to the same digest.  A line that begins with "#="
 * is an override.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Numbers of five digits and more would only make a run slow: counts are
 * bounded by memory, not by a bug that could be found. */
static bool is_slow(const uint8_t *data, size_t size)
{
	int digits = 0;

	for (size_t i = 0; i < size; i++) {
		digits = isdigit(data[i]) ? digits + 1 : 0;
		if (digits == 5)
			return true;
	}
	return false;
}

/* Takes "#=path=value" lines out of the text. */
static uint32_t take_overrides(char *text, struct override *sets, uint32_t max)
{
	uint32_t n = 0;
	char *line = text, *next, *equals;

	for (; line && n < max; line = next) {
		next = strchr(line, '\n');
		if (strncmp(line, "#=", 2) != 0 || !next) {
			next = next ? next + 1 : NULL;
			continue;
		}
		*next++ = '\0';
		equals = strchr(line + 2, '=');
		if (!equals)
			continue;
		*equals = '\0';
		sets[n++] = (struct override){line + 2, equals + 1};
	}
	return n;
}

static void check_round_trip(const struct scenario *sc)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct scenario *again;
	struct err err = {""};

	if (!out || !scenario_print(sc, out, &err))
		abort();
	fclose(out);
	again = scenario_load_text(sc->path, text, size, NULL, 0, &err);
	if (!again) {
		fprintf(stderr, "%s\n%s\n", err.text, text);
		abort();
	}
	if (strcmp(sc->digest, again->digest) != 0) {
		fprintf(stderr, "another digest:\n%s\n", text);
		abort();
	}
	scenario_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct override sets[4];
	struct err err = {""};
	struct scenario *sc;
	char *text, *copy;
	uint32_t n;

	if (is_slow(data, size))
		return 0;
	copy = strndup((const char *)data, size);
	text = malloc(size + 1);
	if (!copy || !text)
		abort();
	memcpy(text, data, size);
	n = take_overrides(copy, sets, 4);
	sc = scenario_load_text(
	    "scenarios/fuzz.yaml", text, size, sets, n, &err);
	if (!sc && !*err.text)
		abort();
	if (sc)
		check_round_trip(sc);
	scenario_free(sc);
	free(text);
	free(copy);
	return 0;
}
