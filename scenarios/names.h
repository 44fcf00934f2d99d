/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and the numbers they stand for: a hash table that only grows. */
#ifndef SCENARIOS_NAMES_H
#define SCENARIOS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct names;

struct names *names_new(void); /* returns new */
void names_free(struct names *names); /* NULL is fine */

/* Borrows the name.  False if it is there already. */
bool names_add(struct names *names, const char *name, uint32_t ix);

/* ID_NONE (core/ids.h) if it is not there. */
uint32_t names_find(const struct names *names, const char *name);

/* The one in the table that is nearest to `name`, or NULL; slow. */
const char *names_nearest(const struct names *names, const char *name);

#endif
