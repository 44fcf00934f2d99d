/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory for the core, which allocates nothing itself.
 *
 * What needs memory lays itself out twice: first over an empty arena, which
 * only counts, then over one that has what was counted.  So the size of a
 * thing is never written down twice:
 *
 *	struct arena count = {0};
 *	lay_out(&count, ...);                     // takes NULLs, counts
 *	struct arena real = {.base = calloc(1, count.used), .size = count.used};
 *	lay_out(&real, ...);                      // takes memory, all zero
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

struct arena {
	char *base;  /* NULL: only count; else zeroed, aligned for any type */
	size_t size; /* bytes at base */
	size_t used; /* bytes taken, or counted */
};

/* Takes n objects of `size` bytes, aligned to 64 bytes (a cache line).
 * Returns NULL while counting.  Taking more than was counted is a bug. */
void *arena_take(struct arena *arena, size_t n, size_t size);

#define ARENA_TAKE(arena, n, type) ((type *)arena_take(arena, n, sizeof(type)))

#endif
