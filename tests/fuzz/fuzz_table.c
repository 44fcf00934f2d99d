/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the reader of CSV tables, which `violin plot` and `sweep` trust with
 * whatever is in a directory: what it takes has cells in every row.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const struct table *table)
{
	for (uint32_t row = 0; row < table->n_rows; row++)
		for (uint32_t c = 0; c < table->n_columns; c++)
			assert(strlen(table_text(table, row, (int)c)) <=
			       (size_t)1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("table", 0);
	struct table table;
	struct err err;
	char path[40];

	if (fd < 0)
		return 0;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size &&
	    table_read(&table, path, &err)) {
		touch(&table);
		table_fini(&table);
	}
	close(fd);
	return 0;
}
