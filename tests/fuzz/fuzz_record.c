/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the replay of records: whatever the text says, the reader, the
 * policy that it names and the plan's check take it or refuse it.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("record", 0);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	struct replay_result result;
	struct err err;

	if (in && write(fd, data, size) == (ssize_t)size &&
	    lseek(fd, 0, SEEK_SET) == 0) {
		replay_record(in, "record", NULL, &result, &err);
		replay_result_fini(&result);
	}
	if (in)
		fclose(in);
	return 0;
}
