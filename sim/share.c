/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Weighted max-min fairness over many resources; see share.h.  Here is the
 * graph and how it changes; share_solve.c solves it.
 */
#include "sim/share.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/share_graph.h"

/* Memory. */

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

/* The graph and its changes. */

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
	share_touch_resource(s, r);
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
	share_touch_resource(s, need->resource);
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
	share_touch_variable(s, v);
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
	share_touch_variable(s, v);
}

void share_set_bound(struct share *s, uint32_t v, double bound)
{
	assert(is_open(s, v) && bound >= 0);
	s->variables[v].bound = bound;
	share_touch_variable(s, v);
}

/* What was solved. */

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
