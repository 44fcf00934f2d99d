/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pool: memory that is taken piece by piece and freed all at once.  What a
 * scenario file becomes lives in one; running out of memory while loading
 * ends the program, as there is nothing to go back to.
 */
#ifndef SCENARIOS_POOL_H
#define SCENARIOS_POOL_H

#include <stddef.h>

struct pool;

struct pool *pool_new(void);
void pool_free(struct pool *pool); /* NULL is fine */

/* n zeroed objects of `size` bytes, aligned for any type. */
void *pool_take(struct pool *pool, size_t n, size_t size);

char *pool_copy(struct pool *pool, const char *text, size_t length);
char *pool_print(struct pool *pool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define POOL_TAKE(pool, n, type) ((type *)pool_take(pool, n, sizeof(type)))

#endif
