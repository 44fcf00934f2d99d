/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin import: public traces into the files that scenarios name. */
#include "sim/cmd.h"

#include <stdio.h>
#include <string.h>

#include "scenarios/import.h"
#include "sim/opts.h"

struct args {
	const char *kind, *from, *out, *memory;
};

static bool import(
    const struct args *args, struct import_summary *summary, struct err *err)
{
	if (strcmp(args->kind, "planetlab") == 0)
		return import_planetlab(args->from, args->out, summary, err);
	if (strcmp(args->kind, "bitbrains") == 0)
		return import_bitbrains(
		    args->from, args->out, args->memory, summary, err);
	return import_swf(args->from, args->out, summary, err);
}

static bool args_are_right(const struct args *args, struct err *err)
{
	if (strcmp(args->kind, "planetlab") != 0 &&
	    strcmp(args->kind, "bitbrains") != 0 &&
	    strcmp(args->kind, "swf") != 0)
		return err_set(err,
		    "\"%s\" is no kind of trace; planetlab, "
		    "bitbrains and swf are",
		    args->kind);
	if (!args->out)
		return err_set(err, "-o FILE is missing");
	if (args->memory && strcmp(args->kind, "bitbrains") != 0)
		return err_set(err,
		    "--memory is for bitbrains; a %s trace "
		    "has none",
		    args->kind);
	return true;
}

static void tell(const struct args *args, const struct import_summary *s)
{
	if (strcmp(args->kind, "swf") == 0)
		printf("%s: %u jobs, %u that never ran left out\n", args->out,
		    s->n_vms, s->n_skipped);
	else
		printf("%s: %u VMs, %u steps of %g s\n", args->out, s->n_vms,
		    s->n_steps, s->interval_s);
}

int cmd_import(int argc, char **argv)
{
	struct args args = {0};
	const struct opt table[] = {
	    {'o', "output", "FILE", "CPU utilisation as CSV; of swf, the log",
	        .text = &args.out},
	    {'m', "memory", "FILE", "memory as CSV, of bitbrains",
	        .text = &args.memory},
	    {0}};
	const struct opts opts = {"import", "KIND PATH",
	    "Makes of a public trace a file that a scenario can name:\n"
	    "  planetlab DIR    a day's folder, a file of percentages a VM\n"
	    "  bitbrains PATH   a file of GWA-T-12, or a folder of them\n"
	    "  swf LOG          the Standard Workload Format, version 2.2",
	    2, 2, table};
	struct import_summary summary = {0};
	struct err err = {0};
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	args.kind = argv[first];
	args.from = argv[first + 1];
	if (!args_are_right(&args, &err) || !import(&args, &summary, &err))
		return opts_fail(&opts, EXIT_USAGE, err.text);
	tell(&args, &summary);
	return EXIT_DONE;
}
