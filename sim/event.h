/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pending events of a simulation: a 4-ary heap of timers, ordered by
 * (time, sequence), so that equal times fire in the order in which they were
 * set.
 *
 * A timer is a number in 0..n_timers-1, fixed for the life of the heap, and
 * is either set (once) or not; setting it again moves it.  Nothing is
 * allocated after events_init.
 */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/units.h"

enum {
	EVENT_TIMER_BITS = 24, /* so many timers at most; the other 40 bits of
	                          an entry count the settings */
};

/* One cache line holds the four children of an entry. */
struct event_entry {
	int64_t at_ns;
	uint64_t order; /* sequence << EVENT_TIMER_BITS | timer */
};

struct events {
	struct event_entry *heap;
	uint32_t *place; /* by timer: 1 + its index in heap; 0: not set */
	uint32_t n, n_timers;
	uint64_t sequence;
	void *memory;
};

/* False when there is no memory, or n_timers does not fit its bits. */
bool events_init(struct events *events, uint64_t n_timers);
void events_fini(struct events *events);

/* Sets a timer, or moves it.  One that is set to the time it has already
 * keeps its place among equals. */
void event_set(struct events *events, uint32_t timer, int64_t at_ns);

/* Takes a timer back; nothing if it is not set. */
void event_cancel(struct events *events, uint32_t timer);

static inline bool event_is_set(const struct events *events, uint32_t timer)
{
	return events->place[timer] != 0;
}

static inline int64_t event_time(const struct events *events, uint32_t timer)
{
	return events->place[timer]
	           ? events->heap[events->place[timer] - 1].at_ns
	           : TIME_NEVER;
}

/* When the first fires; TIME_NEVER if none is set. */
static inline int64_t events_next_ns(const struct events *events)
{
	return events->n ? events->heap[0].at_ns : TIME_NEVER;
}

static inline uint32_t event_timer(const struct event_entry *entry)
{
	return (uint32_t)entry->order & ((1u << EVENT_TIMER_BITS) - 1);
}

/*
 * Firing an event in two halves spares a removal and an insertion when its
 * handler sets the same timer again: between `begin`, which returns the first
 * timer, and `end`, the timer still stands first in the heap.
 */
static inline uint32_t event_fire_begin(
    const struct events *events, uint64_t *order)
{
	*order = events->heap[0].order;
	return event_timer(&events->heap[0]);
}

/* Takes the timer out unless it has been set anew. */
static inline void event_fire_end(
    struct events *events, uint32_t timer, uint64_t order)
{
	if (events->place[timer] &&
	    events->heap[events->place[timer] - 1].order == order)
		event_cancel(events, timer);
}

#endif
