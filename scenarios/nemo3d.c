/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A workload like NEMO 3-D; see nemo3d.h. */
#include "scenarios/nemo3d.h"

#include <assert.h>
#include <math.h>

enum { CONSTRUCTION, LANCZOS };

static const double iteration_cpu_s = 32e-6; /* c */
static const double vector_bytes = 320;      /* V */
static const double n_vectors = 3;

static const double construction_work = 0.1;
static const double construction_data = 0.36;
static const double base_mib = 80;
static const double data_mib = 720e-6 * 4; /* of a particle */

static const double hot_fraction = 0.02;
static const double hot_bps = 50e6;

static double part(const struct nemo3d *n)
{
	return n->particles / n->n_vms;
}

double nemo3d_particles_for(uint64_t mem_kib, uint32_t n_vms)
{
	double used_mib = 0.6 * (double)mem_kib / KIB_PER_MIB;

	return fmax(1, floor((used_mib - base_mib) / data_mib * n_vms));
}

/* Memory of a stage that holds this much of the data. */
static uint64_t mem_used(const struct nemo3d *n, double data)
{
	return (uint64_t)llround(
	    KIB_PER_MIB * (base_mib + data * data_mib * part(n)));
}

/* A set of so many bytes, all written once in so many CPU seconds. */
static struct working_set written_once(
    const struct nemo3d *n, const struct stage *stage, double bytes, double s)
{
	return (struct working_set){
	    .fraction = fmin(1 - hot_fraction,
		bytes / (1024.0 * (double)stage->mem_used_kib)),
	    .dirty_bps = 8 * bytes / s * n->demand_mcpu / MCPU_PER_CPU};
}

static void fill_construction(
    const struct nemo3d *n, double work, struct stage *stage)
{
	double data_bytes =
	    construction_data * data_mib * part(n) * KIB_PER_MIB * 1024;

	*stage = (struct stage){.work_s = work,
	    .demand_mcpu = n->demand_mcpu,
	    .iterations = 1,
	    .mem_used_kib = mem_used(n, construction_data)};
	stage->sets[0] = written_once(n, stage, data_bytes, work);
	stage->sets[1] = (struct working_set){hot_fraction, hot_bps};
}

static void fill_lanczos(
    const struct nemo3d *n, double work, struct stage *stage)
{
	*stage = (struct stage){.work_s = work,
	    .demand_mcpu = n->demand_mcpu,
	    .iterations = n->iterations,
	    .mem_used_kib = mem_used(n, 1)};
	if (n->n_vms > 1)
		stage->exchange_bytes =
		    2 * vector_bytes * pow(part(n), 2.0 / 3);
	stage->sets[0] = written_once(n, stage,
	    n_vectors * vector_bytes * part(n),
	    n_vectors * work / n->iterations);
	stage->sets[1] = (struct working_set){hot_fraction, hot_bps};
}

/* Seconds that one iteration takes on a dedicated host. */
static double iteration_s(const struct nemo3d *n)
{
	return iteration_cpu_s * part(n) * MCPU_PER_CPU / n->demand_mcpu;
}

void nemo3d_complete(struct nemo3d *n)
{
	double lanczos = 1 - construction_work;

	if (n->iterations <= 0 && n->run_s <= 0)
		n->run_s = NEMO3D_RUN_S;
	if (n->iterations <= 0)
		n->iterations =
		    fmax(1, round(n->run_s * lanczos / iteration_s(n)));
	if (n->run_s <= 0)
		n->run_s = n->iterations * iteration_s(n) / lanczos;
}

void nemo3d_fill_stages(
    const struct nemo3d *n, struct stage stages[NEMO3D_STAGES])
{
	double work = n->run_s * n->demand_mcpu / MCPU_PER_CPU;

	assert(n->particles > 0 && n->n_vms > 0 && n->demand_mcpu > 0);
	assert(n->iterations > 0 && n->run_s > 0);
	fill_construction(n, work * construction_work,
	    &stages[CONSTRUCTION]);
	fill_lanczos(n, work * (1 - construction_work), &stages[LANCZOS]);
}
