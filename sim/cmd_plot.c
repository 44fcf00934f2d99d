/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin plot: the figures of a result directory. */
#include "sim/cmd.h"

#include <stdio.h>
#include <string.h>

#include "plots/plot.h"
#include "sim/opts.h"

int cmd_plot(int argc, char **argv)
{
	const struct opt table[] = {{0}};
	const struct opts opts = {"plot", "DIR",
	    "Draws the figures of a result directory, that of a run or of a\n"
	    "comparison, into its folders `figures`, as SVG and PNG by "
	    "gnuplot.\n"
	    "Beside each are its data (.dat) and its script (.gp), to be\n"
	    "changed and drawn again by `gnuplot NAME.gp`.",
	    1, 1, table};
	struct err err = {0};
	unsigned n_drawn;
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	if (!plot_directory(argv[first], &n_drawn, &err))
		return opts_fail(&opts,
		    strstr(err.text, "gnuplot") ? EXIT_FAILED : EXIT_USAGE,
		    err.text);
	printf("%s: %u figures\n", argv[first], n_drawn);
	return EXIT_DONE;
}
