/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole files: read at once, or written under their name when complete. */
#ifndef SCENARIOS_FILE_H
#define SCENARIOS_FILE_H

#include <stdio.h>

#include "core/err.h"

/* Returns the text, new (free), with a NUL behind it; or NULL with err. */
char *file_read(const char *path, size_t *size, struct err *err);

struct file_writer {
	FILE *out;
	char *path, *temporary;
};

/* Opens a temporary file beside `path`. */
bool file_begin(struct file_writer *writer, const char *path, struct err *err);

/* Renames it to `path`, if all could be written and `ok`; removes it
 * otherwise.  Returns ok, or false with err when writing failed. */
bool file_end(struct file_writer *writer, bool ok, struct err *err);

#endif
