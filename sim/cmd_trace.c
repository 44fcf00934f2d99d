/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin trace: the workload of a model as a file, to change and to run. */
#include "sim/cmd.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/nemo3d.h"
#include "scenarios/trace.h"
#include "sim/opts.h"

struct args {
	const char *out, *particles, *vms, *iterations, *run_s, *cpu;
};

/* A number that is given, or the one that stands for it. */
static bool take(const char *name, const char *text, double least, double most,
    double *number, struct err *err)
{
	char *end;

	if (!text)
		return true;
	*number = strtod(text, &end);
	if (end == text || *end || !(*number >= least && *number <= most))
		return err_set(err,
		    "--%s is \"%s\", not a number from %g to "
		    "%g",
		    name, text, least, most);
	return true;
}

static bool take_args(
    const struct args *args, struct nemo3d *nemo3d, struct err *err)
{
	double n_vms = 4, cpus = 1;

	*nemo3d = (struct nemo3d){.particles = 1e6};
	if (!take("particles", args->particles, 1, 1e12, &nemo3d->particles,
	        err) ||
	    !take("vms", args->vms, 1, 1e6, &n_vms, err) ||
	    !take("iterations", args->iterations, 1, 1e9, &nemo3d->iterations,
	        err) ||
	    !take("run-time", args->run_s, 1e-3, 1e9, &nemo3d->run_s, err) ||
	    !take("cpu", args->cpu, 1e-3, 1e6, &cpus, err))
		return false;
	if (n_vms != floor(n_vms))
		return err_set(err, "--vms is %g, not a whole number", n_vms);
	nemo3d->n_vms = (uint32_t)n_vms;
	nemo3d->demand_mcpu = cpus * MCPU_PER_CPU;
	nemo3d_complete(nemo3d);
	return true;
}

static bool write_stages(
    const char *path, const struct stage *stages, struct err *err)
{
	FILE *out;
	char *part;
	bool ok;

	if (!path) {
		trace_write_stages(stages, NEMO3D_STAGES, stdout);
		return true;
	}
	if (asprintf(&part, "%s.part", path) < 0)
		return err_set(err, "not enough memory");
	out = fopen(part, "we");
	ok = out != NULL;
	if (ok) {
		trace_write_stages(stages, NEMO3D_STAGES, out);
		ok = !ferror(out);
		ok = fclose(out) == 0 && ok && rename(part, path) == 0;
	}
	if (!ok) {
		err_set(err, "%s: %s", path, strerror(errno));
		remove(part);
	}
	free(part);
	return ok;
}

int cmd_trace(int argc, char **argv)
{
	struct args args = {0};
	const struct opt table[] = {
	    {'o', "output", "FILE", "instead of standard output",
	        .text = &args.out},
	    {0, "particles", "N", "of the whole problem (1000000)",
	        .text = &args.particles},
	    {0, "vms", "N", "that share it (4)", .text = &args.vms},
	    {0, "iterations", "N", "of Lanczos (what the run time takes)",
	        .text = &args.iterations},
	    {0, "run-time", "S", "seconds on dedicated hosts (300)",
	        .text = &args.run_s},
	    {0, "cpu", "CPUS", "the most that a VM uses (1)",
	        .text = &args.cpu},
	    {0}};
	const struct opts opts = {"trace", "nemo3d",
	    "Writes the stages of a workload as CSV.  A scenario that names\n"
	    "the file (kind: stages, file: FILE) runs as the model does.",
	    1, 1, table};
	struct stage stages[NEMO3D_STAGES];
	struct nemo3d nemo3d;
	struct err err = {0};
	int status = EXIT_USAGE, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	if (strcmp(argv[first], "nemo3d") != 0) {
		err_set(&err, "\"%s\" is no model; nemo3d is", argv[first]);
		return opts_fail(&opts, EXIT_USAGE, err.text);
	}
	if (!take_args(&args, &nemo3d, &err))
		return opts_fail(&opts, EXIT_USAGE, err.text);
	nemo3d_fill_stages(&nemo3d, stages);
	if (!write_stages(args.out, stages, &err))
		return opts_fail(&opts, EXIT_FAILED, err.text);
	return EXIT_DONE;
}
