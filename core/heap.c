/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A priority queue in fixed memory; see heap.h. */
#include "core/heap.h"

#include <assert.h>

void heap_lay_out(struct heap *heap, struct arena *arena, uint32_t max_items)
{
	heap->items = ARENA_TAKE(arena, max_items, struct heap_item);
	heap->n_items = 0;
	heap->max_items = max_items;
}

static bool before(const struct heap_item *a, const struct heap_item *b)
{
	if (a->key < b->key || a->key > b->key)
		return a->key < b->key;
	if (a->second < b->second || a->second > b->second)
		return a->second < b->second;
	return a->id < b->id;
}

void heap_push(struct heap *heap, struct heap_item item)
{
	uint32_t at = heap->n_items++;

	assert(at < heap->max_items);
	while (at > 0 && before(&item, &heap->items[(at - 1) / 2])) {
		heap->items[at] = heap->items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->items[at] = item;
}

struct heap_item heap_pop(struct heap *heap)
{
	struct heap_item first, last;
	uint32_t at = 0, child = 1;

	assert(heap->n_items > 0);
	first = heap->items[0];
	last = heap->items[--heap->n_items];
	while (child < heap->n_items) {
		if (child + 1 < heap->n_items &&
		    before(&heap->items[child + 1], &heap->items[child]))
			child++;
		if (!before(&heap->items[child], &last))
			break;
		heap->items[at] = heap->items[child];
		at = child;
		child = 2 * at + 1;
	}
	heap->items[at] = last;
	return first;
}
