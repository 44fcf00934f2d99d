/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A workload of kind nemo3d becomes stages (nemo3d.h); see load.h. */
#include "scenarios/load.h"

#include "scenarios/nemo3d.h"

static const struct field particles = FIELD("particles", NUMBER,
    struct raw_workload, particles, struct nemo3d, particles,
    .least = "1", .most = "1e12");

static const struct field iterations = FIELD("iterations", NUMBER,
    struct raw_workload, iterations, struct nemo3d, iterations, .least = "1",
    .most = "1e12");

static const struct field run_time = FIELD("run-time", SECONDS,
    struct raw_workload, run_time, struct nemo3d, run_s, .least = "1 ms");

struct stage *load_nemo3d(struct loader *ld, const char *at,
    struct raw_workload *raw, const struct vm *vm, uint32_t n_vms,
    uint32_t *n_stages)
{
	struct nemo3d n = {.n_vms = n_vms, .demand_mcpu = vm->vcpu_mcpu};
	struct stage *stages;

	if (!raw->particles)
		load_set_text(&raw->particles, "%.17g",
		    nemo3d_particles_for(vm->mem_kib, n_vms));
	if (!load_field(ld, at, &particles, &raw->particles, &n.particles))
		return NULL;
	if (raw->iterations && !load_field(ld, at, &iterations,
				   &raw->iterations, &n.iterations))
		return NULL;
	if (raw->run_time &&
	    !load_field(ld, at, &run_time, &raw->run_time, &n.run_s))
		return NULL;
	nemo3d_complete(&n);
	/* what was made up for counts as it is printed */
	if (!raw->iterations)
		load_set_text(&raw->iterations, "%.17g", n.iterations);
	if (!raw->run_time)
		load_set_text(&raw->run_time, "%.9f s", n.run_s);
	if (!load_field(ld, at, &iterations, &raw->iterations,
		&n.iterations) ||
	    !load_field(ld, at, &run_time, &raw->run_time, &n.run_s))
		return NULL;
	stages = POOL_TAKE(ld->scratch, NEMO3D_STAGES, struct stage);
	nemo3d_fill_stages(&n, stages);
	*n_stages = NEMO3D_STAGES;
	return stages;
}
