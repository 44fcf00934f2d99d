/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gnuplot scripts of this folder, as they are within the program. */
#ifndef PLOTS_SCRIPTS_H
#define PLOTS_SCRIPTS_H

struct plot_script {
	const char *name; /* "placement" */
	const char *text;
};

/* Ended by a NULL name; the first is the style that all others need. */
extern const struct plot_script plot_scripts[];

#endif
