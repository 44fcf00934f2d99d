/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The locations kept over restarts, in one file that is replaced as a whole:
 * after a crash it is the old table or the new one, never a part.
 */
#ifndef BACKENDS_TUNNEL_STATE_H
#define BACKENDS_TUNNEL_STATE_H

#include "backends/location.h"

bool state_save(
    const struct location_table *table, const char *path, struct err *err);
/* Into an empty table; a file that is not there is an empty table. */
bool state_load(
    struct location_table *table, const char *path, struct err *err);

/* Locks the folder of the state for this process, with a little patience for
 * one that is just ending.  Its descriptor, to be kept open, or -1. */
int state_lock(const char *folder, struct err *err);

#endif
