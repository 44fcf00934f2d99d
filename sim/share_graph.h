/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What share.c and share_solve.c have in common, private to them: variables
 * and resources as nodes of a graph, needs as its edges.  A change touches
 * nodes; solving spreads the touch along the edges, puts what is touched in
 * the order of its ids, and fills it alone.
 */
#ifndef SIM_SHARE_GRAPH_H
#define SIM_SHARE_GRAPH_H

#include "core/heap.h"
#include "sim/share.h"

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

static inline void share_touch_resource(struct share *s, uint32_t r)
{
	if (s->resources[r].touched)
		return;
	s->resources[r].touched = true;
	s->touched_resources[s->n_touched_resources++] = r;
}

static inline void share_touch_variable(struct share *s, uint32_t v)
{
	if (s->variables[v].touched)
		return;
	s->variables[v].touched = true;
	s->touched_variables[s->n_touched_variables++] = v;
}

#endif
