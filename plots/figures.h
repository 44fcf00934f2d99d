/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The figures of plot.h, one function each, for plot.c. */
#ifndef PLOTS_FIGURES_H
#define PLOTS_FIGURES_H

#include "plots/timeline.h"

/* More VMs than this are no longer told apart by eye. */
enum { FIGURE_MAX_VMS = 120, FIGURE_MAX_HOSTS = 40 };

/* Where figures of `run`, a folder of results, are put. */
struct figure {
	const char *run, *folder;
	unsigned n_drawn;
};

bool figure_placement(
    struct figure *figure, const struct timeline *timeline, struct err *err);
bool figure_instants(
    struct figure *figure, const struct timeline *timeline, struct err *err);
bool figure_hosts(struct figure *figure, struct err *err);
bool figure_usage(struct figure *figure, struct err *err);
bool figure_rounds(struct figure *figure, struct err *err);
bool figure_execution(struct figure *figure, struct err *err);

/* Rows of hosts, from the top, a gap between domains: the row's lower edge,
 * rows being 1 high. */
double figure_host_y(const struct timeline *timeline, uint32_t host);

/* Reads folder/name, and finds its columns; ended by a NULL name. */
bool figure_read(struct table *table, const char *folder, const char *name,
    const char *const *columns, int *found, struct err *err);

#endif
