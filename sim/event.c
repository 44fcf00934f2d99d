/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pending events as an indexed 4-ary heap; see event.h. */
#include "sim/event.h"

#include <stdlib.h>
#include <string.h>

#include "sim/pages.h"

enum { ARITY = 4 };

__extension__ typedef unsigned __int128 order128;

bool events_init(struct events *e, uint64_t n_timers)
{
	struct event_entry *aligned;

	memset(e, 0, sizeof *e);
	if (n_timers >= UINT64_C(1) << EVENT_TIMER_BITS)
		return false;
	aligned = pages_take(n_timers + 2 * ARITY, sizeof *aligned);
	e->place = pages_take(n_timers, sizeof *e->place);
	if (!aligned || !e->place) {
		free(aligned);
		free(e->place);
		return false;
	}
	/* Entry 1 begins a line, and so does each group of children. */
	e->memory = aligned;
	e->heap = aligned + ARITY - 1;
	e->n_timers = (uint32_t)n_timers;
	return true;
}

void events_fini(struct events *e)
{
	free(e->memory);
	free(e->place);
	memset(e, 0, sizeof *e);
}

/* Both halves of an entry as one number: compared without a branch. */
static inline order128 key(const struct event_entry *entry)
{
	return (order128)(uint64_t)entry->at_ns << 64 | entry->order;
}

static inline bool before(
    const struct event_entry *a, const struct event_entry *b)
{
	return key(a) < key(b);
}

static inline void put(
    struct events *e, uint32_t i, const struct event_entry *entry)
{
	e->heap[i] = *entry;
	e->place[event_timer(entry)] = i + 1;
}

static void sift_up(struct events *e, uint32_t i, struct event_entry entry)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / ARITY;

		if (!before(&entry, &e->heap[parent]))
			break;
		put(e, i, &e->heap[parent]);
		i = parent;
	}
	put(e, i, &entry);
}

/* The least of the children from `first` on. */
static inline uint32_t least_child(const struct events *e, uint32_t first)
{
	const struct event_entry *c = &e->heap[first];
	uint32_t left, right;

	if (first + ARITY <= e->n) {
		left = before(&c[1], &c[0]);
		right = 2 + before(&c[3], &c[2]);
		return first + (before(&c[right], &c[left]) ? right : left);
	}
	left = first;
	for (uint32_t i = first + 1; i < e->n; i++)
		if (before(&e->heap[i], &e->heap[left]))
			left = i;
	return left;
}

static void sift_down(struct events *e, uint32_t i, struct event_entry entry)
{
	for (;;) {
		uint32_t first = i * ARITY + 1, least;

		if (first >= e->n)
			break;
		least = least_child(e, first);
		if (!before(&e->heap[least], &entry))
			break;
		put(e, i, &e->heap[least]);
		i = least;
	}
	put(e, i, &entry);
}

static void sift(struct events *e, uint32_t i, struct event_entry entry)
{
	if (i > 0 && before(&entry, &e->heap[(i - 1) / ARITY]))
		sift_up(e, i, entry);
	else
		sift_down(e, i, entry);
}

void event_set(struct events *e, uint32_t timer, int64_t at_ns)
{
	struct event_entry entry = {.at_ns = at_ns};
	uint32_t place = e->place[timer];

	if (place && e->heap[place - 1].at_ns == at_ns)
		return;
	entry.order = e->sequence++ << EVENT_TIMER_BITS | timer;
	if (place)
		sift(e, place - 1, entry);
	else
		sift_up(e, e->n++, entry);
}

void event_cancel(struct events *e, uint32_t timer)
{
	uint32_t place = e->place[timer];

	if (!place)
		return;
	e->place[timer] = 0;
	e->n--;
	if (place - 1 < e->n)
		sift(e, place - 1, e->heap[e->n]);
}
