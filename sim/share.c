/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Weighted max-min fairness over many resources; see share.h.
 *
 * Variables and resources are nodes of a graph, needs its edges.  A change
 * touches nodes; solving spreads the touch along the edges, puts what is
 * touched in the order of its ids, and fills it alone.
 */
#include "sim/share.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/heap.h"

#define NO_NEED UINT32_MAX

struct resource {
	double capacity, used;
	uint32_t first;  /* its needs, a list */
	uint32_t n_users;
	uint32_t row;    /* its first place in share.rows, while solving */
	uint32_t n_rows; /* places filled */
	bool touched;
};

struct variable {
	double weight, bound, rate;
	double was;     /* its rate before solving */
	uint32_t first; /* its needs, a list */
	bool open, touched, fixed;
};

struct need {
	double amount;
	uint32_t resource, variable;
	uint32_t next_of_variable; /* or the next free one */
	uint32_t next_of_resource, prev_of_resource;
};

struct share {
	struct resource *resources;
	struct variable *variables;
	struct need *needs;
	uint32_t n_resources, n_variables, n_needs; /* ever used */
	uint32_t max_resources, max_variables, max_needs;
	uint32_t *free_variables; /* a stack */
	uint32_t n_free_variables;
	uint32_t free_needs; /* a list */
	uint32_t *touched_resources, *touched_variables;
	uint32_t n_touched_resources, n_touched_variables;
	/* while solving */
	uint32_t *rows; /* needs of touched resources, by variable */
	uint32_t *changed;
	struct heap heap; /* room for all resources and variables */
};

/* --- memory ---------------------------------------------- */

/* Resizes the array to which the pointer at `array` points. */
static bool resize(void *array, uint32_t n, size_t size)
{
	void *base, *more;

	memcpy(&base, array, sizeof(base));
	more = realloc(base, n * size);
	if (more)
		memcpy(array, &more, sizeof(more));
	return more != NULL;
}

static bool resize_heap(struct share *s)
{
	uint32_t n = s->max_resources + s->max_variables;

	if (!resize(&s->heap.items, n, sizeof(*s->heap.items)))
		return false;
	s->heap.max_items = n;
	return true;
}

static uint32_t more_than(uint32_t n)
{
	return n < 16 ? 16 : n + n / 2;
}

static bool room_for_resource(struct share *s)
{
	uint32_t max = more_than(s->max_resources);

	if (s->n_resources < s->max_resources)
		return true;
	if (!resize(&s->resources, max, sizeof(*s->resources)) ||
	    !resize(&s->touched_resources, max, sizeof(uint32_t)))
		return false;
	s->max_resources = max;
	return resize_heap(s);
}

static bool room_for_variable(struct share *s)
{
	uint32_t max = more_than(s->max_variables);

	if (s->n_free_variables > 0 || s->n_variables < s->max_variables)
		return true;
	if (!resize(&s->variables, max, sizeof(*s->variables)) ||
	    !resize(&s->free_variables, max, sizeof(uint32_t)) ||
	    !resize(&s->touched_variables, max, sizeof(uint32_t)) ||
	    !resize(&s->changed, max, sizeof(uint32_t)))
		return false;
	s->max_variables = max;
	return resize_heap(s);
}

static bool room_for_needs(struct share *s, uint32_t n)
{
	uint32_t max = s->max_needs;

	while (max - s->n_needs < n)
		max = more_than(max);
	if (max == s->max_needs)
		return true;
	if (!resize(&s->needs, max, sizeof(*s->needs)) ||
	    !resize(&s->rows, max, sizeof(uint32_t)))
		return false;
	s->max_needs = max;
	return true;
}

struct share *share_new(void)
{
	struct share *s = calloc(1, sizeof(*s));

	if (s)
		s->free_needs = NO_NEED;
	return s;
}

void share_free(struct share *s)
{
	if (!s)
		return;
	free(s->resources);
	free(s->variables);
	free(s->needs);
	free(s->free_variables);
	free(s->touched_resources);
	free(s->touched_variables);
	free(s->rows);
	free(s->changed);
	free(s->heap.items);
	free(s);
}

/* --- the graph and its changes --------------------------- */

static void touch_resource(struct share *s, uint32_t r)
{
	if (s->resources[r].touched)
		return;
	s->resources[r].touched = true;
	s->touched_resources[s->n_touched_resources++] = r;
}

static void touch_variable(struct share *s, uint32_t v)
{
	if (s->variables[v].touched)
		return;
	s->variables[v].touched = true;
	s->touched_variables[s->n_touched_variables++] = v;
}

static bool is_open(const struct share *s, uint32_t v)
{
	return v < s->n_variables && s->variables[v].open;
}

uint32_t share_add_resource(struct share *s, double capacity)
{
	assert(capacity >= 0);
	if (!room_for_resource(s))
		return SHARE_NONE;
	s->resources[s->n_resources] =
	    (struct resource){.capacity = capacity, .first = NO_NEED};
	return s->n_resources++;
}

void share_set_capacity(struct share *s, uint32_t r, double capacity)
{
	assert(r < s->n_resources && capacity >= 0);
	s->resources[r].capacity = capacity;
	touch_resource(s, r);
}

static uint32_t take_need(struct share *s)
{
	uint32_t n = s->free_needs;

	if (n == NO_NEED)
		return s->n_needs++;
	s->free_needs = s->needs[n].next_of_variable;
	return n;
}

static void add_need(struct share *s, uint32_t v, const struct share_need *add)
{
	struct resource *r = &s->resources[add->resource];
	uint32_t n = r->first;

	assert(add->resource < s->n_resources && add->amount > 0);
	/* A resource's newest need comes first: a second one adds up. */
	if (n != NO_NEED && s->needs[n].variable == v) {
		s->needs[n].amount += add->amount;
		return;
	}
	n = take_need(s);
	s->needs[n] = (struct need){.amount = add->amount,
	    .resource = add->resource,
	    .variable = v,
	    .next_of_variable = s->variables[v].first,
	    .next_of_resource = r->first,
	    .prev_of_resource = NO_NEED};
	if (r->first != NO_NEED)
		s->needs[r->first].prev_of_resource = n;
	s->variables[v].first = n;
	r->first = n;
	r->n_users++;
}

static void drop_need(struct share *s, uint32_t n)
{
	struct need *need = &s->needs[n];
	struct resource *r = &s->resources[need->resource];

	if (need->prev_of_resource != NO_NEED)
		s->needs[need->prev_of_resource].next_of_resource =
		    need->next_of_resource;
	else
		r->first = need->next_of_resource;
	if (need->next_of_resource != NO_NEED)
		s->needs[need->next_of_resource].prev_of_resource =
		    need->prev_of_resource;
	r->n_users--;
	touch_resource(s, need->resource);
	need->next_of_variable = s->free_needs;
	s->free_needs = n;
}

uint32_t share_open(struct share *s, double weight, double bound,
    const struct share_need *needs, uint32_t n_needs)
{
	uint32_t v;

	assert(weight > 0 && weight < HUGE_VAL && bound >= 0);
	if (!room_for_variable(s) || !room_for_needs(s, n_needs))
		return SHARE_NONE;
	if (s->n_free_variables > 0) {
		v = s->free_variables[--s->n_free_variables];
	} else {
		v = s->n_variables++;
		s->variables[v].touched = false;
	}
	s->variables[v] = (struct variable){.weight = weight,
	    .bound = bound,
	    .first = NO_NEED,
	    .open = true,
	    .touched = s->variables[v].touched};
	for (uint32_t i = 0; i < n_needs; i++)
		add_need(s, v, &needs[i]);
	touch_variable(s, v);
	return v;
}

void share_close(struct share *s, uint32_t v)
{
	uint32_t next;

	assert(is_open(s, v));
	for (uint32_t n = s->variables[v].first; n != NO_NEED; n = next) {
		next = s->needs[n].next_of_variable;
		drop_need(s, n);
	}
	s->variables[v].open = false;
	s->free_variables[s->n_free_variables++] = v;
}

void share_set_weight(struct share *s, uint32_t v, double weight)
{
	assert(is_open(s, v) && weight > 0 && weight < HUGE_VAL);
	s->variables[v].weight = weight;
	touch_variable(s, v);
}

void share_set_bound(struct share *s, uint32_t v, double bound)
{
	assert(is_open(s, v) && bound >= 0);
	s->variables[v].bound = bound;
	touch_variable(s, v);
}

/* --- solving --------------------------------------------- */

/* Touches all that is connected with what is touched. */
static void spread(struct share *s)
{
	uint32_t r = 0, v = 0, n;

	while (r < s->n_touched_resources || v < s->n_touched_variables) {
		if (r < s->n_touched_resources) {
			n = s->resources[s->touched_resources[r++]].first;
			for (; n != NO_NEED; n = s->needs[n].next_of_resource)
				touch_variable(s, s->needs[n].variable);
			continue;
		}
		if (!s->variables[s->touched_variables[v]].open) {
			v++;
			continue;
		}
		n = s->variables[s->touched_variables[v++]].first;
		for (; n != NO_NEED; n = s->needs[n].next_of_variable)
			touch_resource(s, s->needs[n].resource);
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

double share_rate(const struct share *s, uint32_t v)
{
	assert(is_open(s, v));
	return s->variables[v].rate;
}

double share_capacity(const struct share *s, uint32_t r)
{
	assert(r < s->n_resources);
	return s->resources[r].capacity;
}

double share_used(const struct share *s, uint32_t r)
{
	assert(r < s->n_resources);
	return s->resources[r].used;
}

uint32_t share_users(const struct share *s, uint32_t r)
{
	assert(r < s->n_resources);
	return s->resources[r].n_users;
}
