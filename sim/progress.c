/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a run is; see progress.h. */
#include "sim/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 1000, EVERY_MS = 200 };

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){.what = what,
	    .terminal = isatty(STDERR_FILENO),
	    .began_ms = now_ms()};
	p->next_ms = p->began_ms + FIRST_MS;
}

void progress_tell(struct progress *p, double done, double all)
{
	int64_t now;
	double part = all > 0 && done < all ? done / all : 1;

	if (!p->terminal || (now = now_ms()) < p->next_ms)
		return;
	p->next_ms = now + EVERY_MS;
	p->shown = true;
	fprintf(stderr, "\r\033[K%s: %3.0f %%", p->what, 100 * part);
	if (part > 0.01)
		fprintf(stderr, ", %.0f s left",
		    (double)(now - p->began_ms) / 1000 * (1 - part) / part);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
