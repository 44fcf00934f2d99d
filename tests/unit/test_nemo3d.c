/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenarios/nemo3d.h against calculations by hand, and through its CSV. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/nemo3d.h"
#include "scenarios/trace.h"

static struct stage stages[NEMO3D_STAGES];

static void fill(double particles, uint32_t n_vms, double iterations,
    double run_s, double demand_mcpu)
{
	struct nemo3d n = {particles, n_vms, demand_mcpu, iterations, run_s};

	nemo3d_complete(&n);
	nemo3d_fill_stages(&n, stages);
}

/* 1 M particles on 4 VMs: 800 MiB, and 80 + 0.36 * 720 = 339.2 before. */
START_TEST(memory_grows_with_the_particles_of_a_vm)
{
	fill(1e6, 4, 0, 0, 1000);
	ck_assert_uint_eq(stages[0].mem_used_kib, 347341); /* 347340.8 */
	ck_assert_uint_eq(stages[1].mem_used_kib, 800 * 1024);
	fill(125e3, 4, 0, 0, 1000);
	ck_assert_uint_eq(stages[1].mem_used_kib, 170 * 1024);
	fill(1e6, 8, 0, 0, 1000);
	ck_assert_uint_eq(stages[1].mem_used_kib, 440 * 1024);
}
END_TEST

/* 250,000 particles, 32 us each: 8 s an iteration; 100 of them are nine
 * tenths of the whole, 888.9 s, whatever CPU does them. */
START_TEST(work_is_proportional_to_particles_and_iterations)
{
	fill(1e6, 4, 100, 0, 1000);
	ck_assert_double_eq(stages[1].iterations, 100);
	ck_assert_double_eq_tol(stages[1].work_s, 800, 1e-9);
	ck_assert_double_eq_tol(stages[0].work_s, 800 / 9.0, 1e-9);
	fill(1e6, 4, 100, 0, 500);
	ck_assert_double_eq_tol(stages[1].work_s, 800, 1e-9);
	fill(1e6, 8, 50, 0, 1000);
	ck_assert_double_eq_tol(stages[1].work_s, 200, 1e-9);
}
END_TEST

START_TEST(a_run_time_on_dedicated_hosts_is_kept)
{
	fill(1e6, 4, 0, 450, 1000);
	ck_assert_double_eq_tol(
	    stages[0].work_s + stages[1].work_s, 450, 1e-9);
	ck_assert_double_eq(stages[1].iterations, 51); /* 405 s / 8 s */
	fill(1e6, 4, 7, 450, 2000);
	ck_assert_double_eq_tol(
	    stages[0].work_s + stages[1].work_s, 900, 1e-9);
	ck_assert_double_eq(stages[1].iterations, 7);
	fill(1e6, 4, 0, 1, 1000);
	ck_assert_double_eq(stages[1].iterations, 1);
	fill(1e6, 4, 0, 0, 1000);
	ck_assert_double_eq_tol(stages[1].work_s, 270, 1e-9);
}
END_TEST

/* 250000^(2/3) = 3968.5 particles of surface, 320 bytes, two sides. */
START_TEST(the_exchange_is_the_surface_of_the_part)
{
	fill(1e6, 4, 0, 0, 1000);
	ck_assert_double_eq_tol(
	    stages[1].exchange_bytes, 2 * 320 * 3968.503, 1);
	ck_assert_double_eq(stages[0].exchange_bytes, 0);
	fill(1e6, 1, 0, 0, 1000);
	ck_assert_double_eq(stages[1].exchange_bytes, 0);
}
END_TEST

/* One of three vectors of 250,000 x 320 bytes each 8 s: 80 Mbit/s; all three,
 * 240 MB, are 0.2861 of 800 MiB.  The rate does not depend on the size, but
 * on the speed. */
START_TEST(lanczos_writes_one_of_three_vectors_an_iteration)
{
	fill(1e6, 4, 100, 0, 1000);
	ck_assert_double_eq_tol(stages[1].sets[0].dirty_bps, 80e6, 1);
	ck_assert_double_eq_tol(stages[1].sets[0].fraction, 0.28610, 1e-5);
	fill(125e3, 4, 100, 0, 1000);
	ck_assert_double_eq_tol(stages[1].sets[0].dirty_bps, 80e6, 1);
	fill(125e3, 4, 100, 0, 500);
	ck_assert_double_eq_tol(stages[1].sets[0].dirty_bps, 40e6, 1);
}
END_TEST

START_TEST(working_sets_fit_into_the_memory_in_use)
{
	for (double p = 1; p < 1e12; p *= 10)
		for (uint32_t n = 1; n < 2000; n *= 3) {
			fill(p, n, 0, 0, 1000);
			for (int i = 0; i < NEMO3D_STAGES; i++)
				ck_assert_double_le(
				    stages[i].sets[0].fraction +
				        stages[i].sets[1].fraction,
				    1);
		}
}
END_TEST

static bool same_bits(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void check_same(
    const struct stage *a, const struct stage *b, uint32_t n_stages)
{
	for (; n_stages > 0; n_stages--, a++, b++) {
		ck_assert(same_bits(a->work_s, b->work_s));
		ck_assert(same_bits(a->demand_mcpu, b->demand_mcpu));
		ck_assert(same_bits(a->iterations, b->iterations));
		ck_assert(same_bits(a->exchange_bytes, b->exchange_bytes));
		ck_assert_uint_eq(a->mem_used_kib, b->mem_used_kib);
		for (int s = 0; s < N_WORKING_SETS; s++) {
			ck_assert(same_bits(
			    a->sets[s].fraction, b->sets[s].fraction));
			ck_assert(same_bits(
			    a->sets[s].dirty_bps, b->sets[s].dirty_bps));
		}
	}
}

/* A file in the folder of this test, by name; new_file opens it. */
static const char *in_folder(const char *name)
{
	static char path[4096];
	const char *folder = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/%d-%s", folder ? folder : P_tmpdir,
	    (int)getpid(), name);
	return path;
}

static FILE *new_file(const char *name)
{
	FILE *file = fopen(in_folder(name), "w");

	ck_assert_ptr_nonnull(file);
	return file;
}

static void write_trace(void)
{
	FILE *file = new_file("stages.csv");

	trace_write_stages(stages, NEMO3D_STAGES, file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_trace_of_it_reads_back_to_the_same_bits)
{
	struct pool *pool = pool_new();
	struct err err;
	struct stage *read;
	uint32_t n;

	fill(123457, 7, 13, 1000.0 / 3, 900);
	write_trace();
	read = trace_read_stages(pool, in_folder("stages.csv"), &n, &err);
	unlink(in_folder("stages.csv"));
	ck_assert_msg(read != NULL, "%s", err.text);
	ck_assert_uint_eq(n, NEMO3D_STAGES);
	check_same(stages, read, n);
	pool_free(pool);
}
END_TEST

/* A scenario with this workload. */
static struct scenario *load(const char *workload)
{
	struct err err = {""};
	struct scenario *scenario;
	FILE *file = new_file("scenario.yaml");

	fprintf(file,
	    "domains: [{name: D, hosts: [{count: 4, memory: 2 GiB}]}]\n"
	    "environments:\n"
	    "  - {name: V, vms: {count: 4, memory: 1 GiB}, workload: {%s}}\n",
	    workload);
	ck_assert_int_eq(fclose(file), 0);
	scenario = scenario_load(in_folder("scenario.yaml"), NULL, 0, &err);
	unlink(in_folder("scenario.yaml"));
	ck_assert_msg(scenario != NULL, "%s", err.text);
	return scenario;
}

START_TEST(a_scenario_runs_the_model_and_its_trace_alike)
{
	struct scenario *model, *traced;
	char workload[4200];

	model = load("kind: nemo3d, particles: 876543, run-time: 123.4 s");
	fill(876543, 4, 0, 123.4, 1000);
	write_trace();
	snprintf(workload, sizeof(workload), "kind: stages, file: %s",
	    in_folder("stages.csv"));
	traced = load(workload);
	unlink(in_folder("stages.csv"));
	ck_assert_uint_eq(model->workloads[0].n_stages, NEMO3D_STAGES);
	ck_assert_uint_eq(traced->workloads[0].n_stages, NEMO3D_STAGES);
	check_same(model->workloads[0].stages, traced->workloads[0].stages,
	    NEMO3D_STAGES);
	check_same(stages, model->workloads[0].stages, NEMO3D_STAGES);
	scenario_free(model);
	scenario_free(traced);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nemo3d");
	TCase *tc = tcase_create("by hand");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, memory_grows_with_the_particles_of_a_vm);
	tcase_add_test(tc, work_is_proportional_to_particles_and_iterations);
	tcase_add_test(tc, a_run_time_on_dedicated_hosts_is_kept);
	tcase_add_test(tc, the_exchange_is_the_surface_of_the_part);
	tcase_add_test(tc, lanczos_writes_one_of_three_vectors_an_iteration);
	tcase_add_test(tc, working_sets_fit_into_the_memory_in_use);
	tcase_add_test(tc, a_trace_of_it_reads_back_to_the_same_bits);
	tcase_add_test(tc, a_scenario_runs_the_model_and_its_trace_alike);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
