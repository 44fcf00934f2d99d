/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a run is and how long it will take, for who waits at a terminal. */
#ifndef SIM_PROGRESS_H
#define SIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Shown on standard error if that is a terminal, from the second on that it
 * takes; nothing in a pipe. */
struct progress {
	const char *what;
	bool terminal, shown;
	int64_t began_ms, next_ms;
};

void progress_begin(struct progress *progress, const char *what);

/* done of all; cheap enough to call often. */
void progress_tell(struct progress *progress, double done, double all);

/* Clears the line, if there is one. */
void progress_end(struct progress *progress);

#endif
