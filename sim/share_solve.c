/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progressive filling of what has changed; see share.h. */
#include "sim/share.h"

#include <math.h>

#include "sim/share_graph.h"

/* Touches all that is connected with what is touched. */
static void spread(struct share *s)
{
	uint32_t r = 0, v = 0, n;

	while (r < s->n_touched_resources || v < s->n_touched_variables) {
		if (r < s->n_touched_resources) {
			n = s->resources[s->touched_resources[r++]].first;
			for (; n != NO_NEED; n = s->needs[n].next_of_resource)
				share_touch_variable(s, s->needs[n].variable);
			continue;
		}
		if (!s->variables[s->touched_variables[v]].open) {
			v++;
			continue;
		}
		n = s->variables[s->touched_variables[v++]].first;
		for (; n != NO_NEED; n = s->needs[n].next_of_variable)
			share_touch_resource(s, s->needs[n].resource);
	}
}

static void sort_ids(struct heap *heap, uint32_t *ids, uint32_t n)
{
	heap_clear(heap);
	for (uint32_t i = 0; i < n; i++)
		heap_push(heap, (struct heap_item){.id = ids[i]});
	for (uint32_t i = 0; i < n; i++)
		ids[i] = heap_pop(heap).id;
}

/* Forgets the closed ones; puts the needs of each resource into one row. */
static void line_up(struct share *s)
{
	uint32_t place = 0, n_open = 0, n;

	for (uint32_t i = 0; i < s->n_touched_resources; i++) {
		struct resource *r = &s->resources[s->touched_resources[i]];

		r->row = place;
		r->n_rows = 0;
		place += r->n_users;
	}
	for (uint32_t i = 0; i < s->n_touched_variables; i++) {
		uint32_t id = s->touched_variables[i];
		struct variable *v = &s->variables[id];

		v->touched = false;
		if (!v->open)
			continue;
		v->fixed = false;
		v->was = v->rate;
		s->touched_variables[n_open++] = id;
		for (n = v->first; n != NO_NEED;
		     n = s->needs[n].next_of_variable) {
			struct resource *r =
			    &s->resources[s->needs[n].resource];

			s->rows[r->row + r->n_rows++] = n;
		}
	}
	s->n_touched_variables = n_open;
}

/* The level at which a resource is full; HUGE_VAL when all are fixed. */
static double full_level(const struct share *s, const struct resource *r)
{
	double left = r->capacity, weight = 0;

	for (uint32_t i = r->row; i < r->row + r->n_rows; i++) {
		const struct need *need = &s->needs[s->rows[i]];
		const struct variable *v = &s->variables[need->variable];

		if (v->fixed)
			left -= need->amount * v->rate;
		else
			weight += need->amount * v->weight;
	}
	if (weight <= 0)
		return HUGE_VAL;
	return left > 0 ? left / weight : 0;
}

static void fix(struct share *s, uint32_t id, double rate)
{
	struct variable *v = &s->variables[id];

	if (v->fixed)
		return;
	v->fixed = true;
	v->rate = rate;
}

static void fix_users(struct share *s, const struct resource *r, double level)
{
	for (uint32_t i = r->row; i < r->row + r->n_rows; i++) {
		uint32_t id = s->needs[s->rows[i]].variable;
		const struct variable *v = &s->variables[id];

		fix(s, id, fmin(v->bound, v->weight * level));
	}
}

enum { BOUND, RESOURCE }; /* what a heap item is; bounds come first */

static void push_level(struct share *s, double level, int kind, uint32_t id)
{
	if (level < HUGE_VAL)
		heap_push(&s->heap, (struct heap_item){level, kind, id});
}

/* Progressive filling of what is touched.  A resource's level only rises as
 * others are fixed below it, so an old level is a lower bound of the new. */
static void fill(struct share *s)
{
	heap_clear(&s->heap);
	for (uint32_t i = 0; i < s->n_touched_variables; i++) {
		uint32_t id = s->touched_variables[i];
		const struct variable *v = &s->variables[id];

		push_level(s, v->bound / v->weight, BOUND, id);
	}
	for (uint32_t i = 0; i < s->n_touched_resources; i++) {
		uint32_t id = s->touched_resources[i];

		push_level(s, full_level(s, &s->resources[id]), RESOURCE, id);
	}
	while (s->heap.n_items > 0) {
		struct heap_item item = heap_pop(&s->heap);
		double level;

		if (item.second < RESOURCE) {
			fix(s, item.id, s->variables[item.id].bound);
			continue;
		}
		level = full_level(s, &s->resources[item.id]);
		if (level > item.key)
			push_level(s, level, RESOURCE, item.id);
		else
			fix_users(s, &s->resources[item.id], level);
	}
	for (uint32_t i = 0; i < s->n_touched_variables; i++)
		fix(s, s->touched_variables[i], HUGE_VAL);
}

static uint32_t list_changed(struct share *s)
{
	uint32_t n_changed = 0;

	for (uint32_t i = 0; i < s->n_touched_variables; i++) {
		uint32_t id = s->touched_variables[i];
		const struct variable *v = &s->variables[id];

		if (v->rate < v->was || v->rate > v->was)
			s->changed[n_changed++] = id;
	}
	return n_changed;
}

static void sum_used(struct share *s)
{
	for (uint32_t i = 0; i < s->n_touched_resources; i++) {
		struct resource *r = &s->resources[s->touched_resources[i]];

		r->used = 0;
		r->touched = false;
		for (uint32_t j = r->row; j < r->row + r->n_rows; j++) {
			const struct need *need = &s->needs[s->rows[j]];

			r->used += need->amount *
			    s->variables[need->variable].rate;
		}
	}
}

const uint32_t *share_solve(struct share *s, uint32_t *n_changed)
{
	spread(s);
	sort_ids(&s->heap, s->touched_variables, s->n_touched_variables);
	line_up(s);
	fill(s);
	*n_changed = list_changed(s);
	sum_used(s);
	s->n_touched_resources = s->n_touched_variables = 0;
	return s->changed;
}
