/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open addressing with linear probing, at most half full; see names.h. */
#include "scenarios/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ids.h"
#include "scenarios/words.h"

struct entry {
	const char *name; /* NULL: free */
	uint32_t hash, ix;
};

struct names {
	struct entry *entries;
	uint32_t mask, n;
};

static void *zeroed(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

struct names *names_new(void)
{
	struct names *names = zeroed(1, sizeof *names);

	names->mask = 15;
	names->entries = zeroed(names->mask + 1, sizeof *names->entries);
	return names;
}

void names_free(struct names *names)
{
	if (names)
		free(names->entries);
	free(names);
}

/* FNV-1a, its high bits folded in. */
static uint32_t hash_of(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return (uint32_t)(h ^ h >> 32);
}

/* Where the name is, or would go. */
static uint32_t slot_of(
    const struct names *names, const char *name, uint32_t hash)
{
	uint32_t i = hash & names->mask;

	for (; names->entries[i].name; i = (i + 1) & names->mask)
		if (names->entries[i].hash == hash &&
		    strcmp(names->entries[i].name, name) == 0)
			break;
	return i;
}

static void grow(struct names *names)
{
	struct entry *old = names->entries;
	uint32_t size = names->mask + 1;

	names->mask = 2 * size - 1;
	names->entries = zeroed((size_t)2 * size, sizeof *old);
	for (uint32_t i = 0; i < size; i++)
		if (old[i].name)
			names->entries[slot_of(
			    names, old[i].name, old[i].hash)] = old[i];
	free(old);
}

bool names_add(struct names *names, const char *name, uint32_t ix)
{
	uint32_t hash = hash_of(name), slot;

	if (names->n > names->mask / 2)
		grow(names);
	slot = slot_of(names, name, hash);
	if (names->entries[slot].name)
		return false;
	names->n++;
	names->entries[slot] = (struct entry){name, hash, ix};
	return true;
}

uint32_t names_find(const struct names *names, const char *name)
{
	const struct entry *e =
	    &names->entries[slot_of(names, name, hash_of(name))];

	return e->name ? e->ix : ID_NONE;
}

const char *names_nearest(const struct names *names, const char *name)
{
	const char *nearest = NULL;

	for (uint32_t i = 0; i <= names->mask; i++) {
		const char *pair[2] = {nearest, names->entries[i].name};

		if (!pair[1])
			continue;
		nearest = nearest ? nearest_word(name, pair, 2)
		                  : nearest_word(name, pair + 1, 1);
	}
	return nearest;
}
