/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NEMO3D's stages; see load.h. */
#include "scenarios/load.h"

struct stage *load_nemo3d(struct loader *ld, const char *at,
    struct raw_workload *raw, const struct vm *vm, uint32_t n_vms,
    uint32_t *n_stages)
{
	static const struct field particles = {.key = "particles", .kind = FIELD_NUMBER, .initial = "500000", .least = "1"};
	static const struct field run_time = {.key = "run-time", .kind = FIELD_SECONDS, .initial = "300 s", .least = "1 ms"};
	static const struct field iterations = {.key = "iterations", .kind = FIELD_NUMBER, .initial = "1000", .least = "1"};
	struct stage *s = POOL_TAKE(ld->scratch, 2, struct stage);
	double p, t, n, mib;

	if (!load_field(ld, at, &particles, &raw->particles, &p) ||
	    !load_field(ld, at, &run_time, &raw->run_time, &t) ||
	    !load_field(ld, at, &iterations, &raw->iterations, &n))
		return NULL;
	mib = 80 + 720 * (p / 1e6 * 4 / n_vms);
	for (int i = 0; i < 2; i++) {
		s[i].work_s = t * (i ? 0.9 : 0.1);
		s[i].demand_mcpu = vm->vcpu_mcpu;
		s[i].iterations = i ? n : 1;
		s[i].mem_used_kib = (uint64_t)(mib * (i ? 1 : 0.4) * 1024);
		s[i].sets[0] = (struct working_set){0.02, 200e6};
		s[i].sets[1] = (struct working_set){0.98, 2e6};
	}
	*n_stages = 2;
	return s;
}
