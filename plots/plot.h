/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The figures of a result directory, drawn by gnuplot as SVG and PNG into
 * its folder `figures`.  What a figure shows is prepared here, from the
 * result files alone, as NAME.dat beside it; the scripts compute nothing.
 *
 *	placement  who is on which host, over time
 *	instants   the same at the instants where something happened
 *	hosts      CPU utilisation of every host, over time
 *	usage-ENV  allocation and use of a VM's CPU and memory
 *	rounds     the pre-copy rounds of migrations
 *	execution  the execution times of a comparison
 */
#ifndef PLOTS_PLOT_H
#define PLOTS_PLOT_H

#include <stdio.h>

#include "core/err.h"

/*
 * Draws what there is in dir: the figures of a run, or of a comparison and of
 * each run in it.  Figures that are there are replaced.  *n_drawn counts.
 */
bool plot_directory(const char *dir, unsigned *n_drawn, struct err *err);

/*
 * Runs one script over folder/NAME.dat, giving folder/NAME.svg and .png.
 * settings: gnuplot assignments that the script reads, such as
 * "title='V1'; n=5".
 */
bool plot_draw(const char *folder, const char *name, const char *script,
    const char *settings, struct err *err);

/* Opens folder/NAME.dat; NULL with err. */
FILE *plot_data(const char *folder, const char *name, struct err *err);

/* Writes a string as gnuplot reads it, in a data file or a setting. */
void plot_put_text(FILE *out, const char *text);

/* The same without its quotes: a part of a string. */
void plot_put_words(FILE *out, const char *text);

#endif
