/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for the core; see arena.h. */
#include "core/arena.h"

#include <assert.h>

enum { LINE = 64 };

void *arena_take(struct arena *arena, size_t n, size_t size)
{
	size_t at = arena->used;

	arena->used += (n * size + LINE - 1) / LINE * LINE;
	if (!arena->base)
		return NULL;
	assert(arena->used <= arena->size);
	return arena->base + at;
}
