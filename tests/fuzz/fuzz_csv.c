/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CSV files and batch logs: any bytes are read or give an error.  The first
 * byte says as what.  Stages that are read are written and read to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scenarios/csv.h"
#include "scenarios/import.h"
#include "scenarios/swf.h"
#include "scenarios/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *any_place(
    void *self, const char *vm, const char *host, bool *wrong_vm)
{
	(void)self;
	(void)host;
	*wrong_vm = *vm == 'x';
	return *vm == 'x' ? "is x" : NULL;
}

/* A file in memory with this content, and its path. */
static int content_open(const void *data, size_t size, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void check_stages(struct pool *pool, const struct stage *stages,
    uint32_t n_stages)
{
	struct err err = {""};
	struct stage *again;
	char *text = NULL, path[32];
	uint32_t n;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int fd;

	if (!out)
		abort();
	trace_write_stages(stages, n_stages, out);
	fclose(out);
	fd = content_open(text, size, path);
	again = trace_read_stages(pool, path, &n, &err);
	if (!again || n != n_stages ||
	    memcmp(again, stages, n * sizeof *stages) != 0) {
		fprintf(stderr, "%s\n%s\n", err.text, text);
		abort();
	}
	close(fd);
	free(text);
}

static bool read_any(
    struct pool *pool, int format, const char *path, struct err *err)
{
	struct import_summary summary;
	struct stage *stages;
	uint32_t n;

	switch (format) {
	case 't':
		return trace_read(pool, path, NULL, err);
	case 'm':
		return trace_read(pool, path, path, err);
	case 'k':
		return trace_read_tasks(pool, path, err);
	case 'p':
		return trace_read_placement(path, any_place, NULL, err);
	case 'w':
		return swf_read(pool, path, err);
	case 's':
		stages = trace_read_stages(pool, path, &n, err);
		if (stages)
			check_stages(pool, stages, n);
		return stages;
	default:
		/* nothing can be written there: all of the input is read */
		return import_bitbrains(path, "/proc/self/no/x",
		    "/proc/self/no/y", &summary, err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool;
	struct err err = {""};
	char path[32];
	int fd;

	if (size < 1)
		return 0;
	pool = pool_new();
	fd = content_open(data + 1, size - 1, path);
	if (!read_any(pool, data[0], path, &err) && !*err.text)
		abort();
	close(fd);
	pool_free(pool);
	return 0;
}
