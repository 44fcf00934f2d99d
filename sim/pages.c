/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Large tables; see pages.h. */
#include "sim/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CACHE_LINE = 64, HUGE_PAGE = 2 << 20 };

void *pages_take(size_t n, size_t size)
{
	size_t align = CACHE_LINE, bytes;
	void *table;

	if (n >= SIZE_MAX / 2 / size)
		return NULL;
	bytes = (n + 1) * size;
	if (bytes >= HUGE_PAGE)
		align = HUGE_PAGE;
	bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	table = aligned_alloc(align, (bytes + align - 1) / align * align);
	if (!table)
		return NULL;
	if (align == HUGE_PAGE)
		madvise(table, bytes, MADV_HUGEPAGE);
	return memset(table, 0, bytes);
}
