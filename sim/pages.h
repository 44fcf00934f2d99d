/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large tables that are walked at random: zeroed, aligned to cache lines, and
 * where the system grants it on huge pages, for which the processor's
 * translation of addresses has far fewer entries to miss.
 */
#ifndef SIM_PAGES_H
#define SIM_PAGES_H

#include <stddef.h>

/* n + 1 rows of `size` bytes; NULL: out of memory.  To be freed by free. */
void *pages_take(size_t n, size_t size);

#endif
