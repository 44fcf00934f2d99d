/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A workload like NEMO 3-D, the atomistic simulation that the paper's
 * environments run: P particles, divided among n VMs, in two stages.
 *
 *	construction	positions and neighbours are laid out; little memory
 *	Lanczos		I iterations of compute and exchange over the whole
 *
 * Variables
 *	P, n, p	particles, compute VMs, particles of one VM: p = P / n
 *	I	Lanczos iterations
 *	W	CPU seconds of one VM, both stages
 *	c	CPU seconds of one particle in one iteration
 *	V	bytes of one particle in one vector
 *
 * Equations
 *	W = c p I / 0.9			construction is a tenth of it
 *	memory = 80 MiB + 720 MiB 4 p / 10^6	in the Lanczos stage
 *	construction has 80 MiB and 0.36 of the rest
 *	exchange = 2 V p^(2/3) bytes sent by each VM in each iteration: the
 *		surface towards two neighbours; none if it is alone
 *	Lanczos writes one of its three vectors, V p bytes, in each iteration,
 *		the three in turn; and, faster, 2 % of its memory (stacks,
 *		buffers, the guest's kernel)
 *	construction writes its data once in its whole duration; and the 2 %
 *
 * c: a matrix row of an atom has 5 blocks (itself, 4 neighbours) of 20 x 20
 * complex numbers, 8 flops each: 16 kflop, at some 500 Mflop/s of the paper's
 * Pentium 4: 32 us.  V: 20 complex numbers, 320 bytes.
 *
 * Sources: Klimeck et al., Development of a nanoelectronic 3-D (NEMO 3-D)
 * simulator (2002), for what is computed; memory and its 160 to 300 MB from
 * one stage to the next as the paper has them (sections 4.1 and 4.4).
 *
 * Limits: all parts alike; no eigenvalues converge early.
 */
#ifndef SCENARIOS_NEMO3D_H
#define SCENARIOS_NEMO3D_H

#include "scenarios/scenario.h"

struct nemo3d {
	double particles;   /* P > 0 */
	uint32_t n_vms;     /* n >= 1 */
	double demand_mcpu; /* the most CPU that a VM uses, > 0 */
	double iterations;  /* I >= 1; 0: not given */
	double run_s;       /* seconds on dedicated hosts, exchange aside,
	                       W / demand; 0: not given */
};

enum { NEMO3D_STAGES = 2, NEMO3D_RUN_S = 300 };

/* As many particles, on n_vms VMs of this memory, as use 60 % of it. */
double nemo3d_particles_for(uint64_t mem_kib, uint32_t n_vms);

/* Makes up for what is not given: as many iterations as fill run_s, at least
 * one; or the run_s that they take.  Neither: NEMO3D_RUN_S. */
void nemo3d_complete(struct nemo3d *nemo3d);

/* Fills the stages of one that is complete.  Both given need not fit: work
 * is run_s's, and iterations how often it exchanges. */
void nemo3d_fill_stages(
    const struct nemo3d *nemo3d, struct stage stages[NEMO3D_STAGES]);

#endif
