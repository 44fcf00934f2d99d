/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A priority queue over memory that is laid out once: items in rising order
 * of (key, second, id), so that the order never depends on how it was filled.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"

struct heap_item {
	double key, second;
	uint32_t id;
};

struct heap {
	struct heap_item *items;
	uint32_t n_items, max_items;
};

void heap_lay_out(struct heap *heap, struct arena *arena, uint32_t max_items);

static inline void heap_clear(struct heap *heap)
{
	heap->n_items = 0;
}

/* More than max_items is a bug. */
void heap_push(struct heap *heap, struct heap_item item);

/* Takes the first item; the heap must not be empty. */
struct heap_item heap_pop(struct heap *heap);

#endif
