/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory freed all at once; see pool.h. */
#include "scenarios/pool.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 65536, ALIGN = 16 };

struct block {
	struct block *next;
	size_t size, used; /* of data */
	_Alignas(ALIGN) char data[];
};

struct pool {
	struct block *blocks; /* the first one is being filled */
};

static void *must(void *memory)
{
	if (!memory) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

struct pool *pool_new(void)
{
	return must(calloc(1, sizeof(struct pool)));
}

void pool_free(struct pool *pool)
{
	struct block *b, *next;

	if (!pool)
		return;
	for (b = pool->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	free(pool);
}

/* A block that is zero: large ones come as untouched pages. */
static struct block *block_new(size_t size)
{
	struct block *b = must(calloc(1, sizeof *b + size));

	b->size = size;
	return b;
}

/* Pieces too large for a common block get one behind the first. */
static void *take_large(struct pool *pool, size_t bytes)
{
	struct block *b = block_new(bytes);

	b->used = bytes;
	if (pool->blocks) {
		b->next = pool->blocks->next;
		pool->blocks->next = b;
	} else {
		pool->blocks = b;
	}
	return b->data;
}

void *pool_take(struct pool *pool, size_t n, size_t size)
{
	struct block *b = pool->blocks;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    bytes > SIZE_MAX / 2)
		must(NULL);
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (bytes > BLOCK_BYTES / 4)
		return take_large(pool, bytes);
	if (!b || b->size - b->used < bytes) {
		b = block_new(BLOCK_BYTES);
		b->next = pool->blocks;
		pool->blocks = b;
	}
	b->used += bytes;
	return b->data + b->used - bytes;
}

char *pool_copy(struct pool *pool, const char *text, size_t length)
{
	char *copy = pool_take(pool, length + 1, 1);

	memcpy(copy, text, length);
	return copy;
}

char *pool_print(struct pool *pool, const char *format, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (n >= (int)sizeof text)
		n = sizeof text - 1;
	return pool_copy(pool, text, (size_t)n);
}
