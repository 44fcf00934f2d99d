/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An action: one step that the manager asks of a world, with its reason.
 * Submitting one only starts it; its effect shows in later observations.
 */
#ifndef CORE_ACTION_H
#define CORE_ACTION_H

#include <stddef.h>

#include "core/model.h"

enum action_kind {
	ACTION_CREATE,  /* vm on `to`, with mem_kib and weight */
	ACTION_DESTROY, /* vm, on `from` */
	ACTION_SET_CPU, /* weight and cap_mcpu of vm, on `from` */
	ACTION_SET_MEM, /* balloon of vm to mem_kib, on `from` */
	ACTION_MIGRATE, /* vm live from `from` to `to` */
	N_ACTION_KINDS
};

/*
 * Why.  `text` is a sentence that outlives the action (a string literal);
 * each "{}" in it stands for the next of the two numbers, printed with at
 * most two decimals: "uses {} % of its CPU, above {} %".
 */
struct reason {
	const char *text;
	double x, y;
};

struct action {
	enum action_kind kind;
	struct vm_id vm;
	struct host_id from, to;
	uint32_t group;   /* actions of one group start together or not at
	                     all (a whole environment moves); 0: no group */
	uint32_t weight;
	uint32_t cap_mcpu; /* 0: no cap */
	uint64_t mem_kib;
	struct reason reason;
	const char *refused; /* by the check (plan.h): why; NULL: accepted */
};

/* The name in records and results, such as "migrate". */
const char *action_kind_name(enum action_kind kind);

/* How many of a[0..n-1], n > 0, stand in one group with the first: the members
 * of a group stand side by side. */
uint32_t action_group_size(const struct action *a, uint32_t n);

/* Writes the reason as text, cut at size; returns text. */
char *reason_print(const struct reason *reason, char *text, size_t size);

#endif
