/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a folder, for importers. */
#ifndef SCENARIOS_FOLDER_H
#define SCENARIOS_FOLDER_H

#include <stdint.h>

#include "core/err.h"
#include "scenarios/pool.h"

struct folder {
	char **names; /* by name, so that the order is everywhere the same */
	char **paths;
	uint32_t n;
};

/*
 * Lists the plain files whose name ends in `ending` and does not begin with a
 * dot; names are without the ending.  A path that is such a file itself gives
 * that one.  None is an error.  What is listed lives in the pool.
 */
bool folder_list(struct folder *folder, struct pool *pool, const char *path,
    const char *ending, struct err *err);

#endif
