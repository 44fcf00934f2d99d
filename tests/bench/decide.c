/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a policy takes to decide: a million VMs on a hundred thousand
 * hosts, as a busy world looks (a quarter of the VMs want a whole CPU).
 * Prints one line a policy: its name, CPU seconds of the slowest step, and
 * the number of actions in it.  Usage: decide [VMS [DOMAINS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/manager.h"

enum { VMS_PER_HOST = 10, VMS_PER_ENV = 4, CPUS = 4, STEPS = 4 };

struct bench {
	struct model model;
	struct observation obs;
	struct plan plan;
	struct plan_check *check;
	void *state;
};

static uint64_t seed = 42;

static uint32_t draw(uint32_t below)
{
	uint64_t z = (seed += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return (uint32_t)((z ^ z >> 31) % below);
}

static void make_model(struct bench *b, uint32_t n_vms, uint32_t n_domains)
{
	uint32_t n_hosts = n_vms / VMS_PER_HOST;
	uint32_t n_envs = n_vms / VMS_PER_ENV;
	struct domain *domains = calloc(n_domains, sizeof *domains);
	struct host *hosts = calloc(n_hosts, sizeof *hosts);
	struct environment *envs = calloc(n_envs, sizeof *envs);
	struct vm *vms = calloc(n_vms, sizeof *vms);

	if (!domains || !hosts || !envs || !vms)
		exit(EXIT_FAILURE);
	for (uint32_t h = 0; h < n_hosts; h++)
		hosts[h] = (struct host){"", {h % n_domains},
		    CPUS * MCPU_PER_CPU, 64 * KIB_PER_GIB};
	for (uint32_t e = 0; e < n_envs; e++)
		envs[e] =
		    (struct environment){"", e * VMS_PER_ENV, VMS_PER_ENV};
	for (uint32_t v = 0; v < n_vms; v++)
		vms[v] = (struct vm){"", {v / VMS_PER_ENV}, NO_HOST,
		    MCPU_PER_CPU, 0, KIB_PER_GIB, 65536, 4 * KIB_PER_GIB};
	b->model = (struct model){domains, hosts, envs, vms, n_domains,
	    n_hosts, n_envs, n_vms, NULL};
}

static void observe(struct bench *b)
{
	struct observation *o = &b->obs;

	o->period_ns = 10 * NS_PER_S;
	o->now_ns += o->period_ns;
	for (uint32_t h = 0; h < b->model.n_hosts; h++)
		o->hosts[h] = (struct host_observation){
		    HOST_UP, 0, 32 * KIB_PER_GIB};
	for (uint32_t e = 0; e < b->model.n_envs; e++)
		o->envs[e] = (struct env_observation){ENV_RUNNING, 1, 0, -1};
	for (uint32_t v = 0; v < b->model.n_vms; v++) {
		struct vm_observation *vm = &o->vms[v];

		*vm = (struct vm_observation){.state = VM_RUNNING,
		    .host = {v / VMS_PER_ENV * 7919 % b->model.n_hosts},
		    .target = NO_HOST,
		    .weight = WEIGHT_DEFAULT,
		    .cpu_used_mcpu = draw(4) ? draw(300) : 1000,
		    .mem_alloc_kib = KIB_PER_GIB,
		    .mem_target_kib = KIB_PER_GIB,
		    .mem_used_kib = draw(KIB_PER_GIB)};
	}
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(struct bench *b, const struct policy *policy)
{
	double values[32], slowest = 0;
	struct plan_limits none = {0};
	struct arena arena = {0};
	uint32_t n_actions = 0;
	char *memory = NULL;

	for (uint32_t i = 0; i < policy->n_params; i++)
		values[i] = policy->params[i].initial;
	for (int pass = 0; pass < 2; pass++) {
		if (pass && !(memory = calloc(1, arena.used)))
			exit(EXIT_FAILURE);
		arena = (struct arena){memory, arena.used, 0};
		observation_lay_out(&b->obs, &arena, &b->model);
		plan_lay_out(&b->plan, &arena, &b->model);
		b->check = plan_check_lay_out(&arena, &b->model);
		b->state = policy->lay_out(&arena, &b->model, values);
	}
	for (int step = 0; step < STEPS; step++) {
		double from;

		observe(b);
		plan_clear(&b->plan);
		from = cpu_s();
		policy->decide(b->state, &b->model, &b->obs, &b->plan);
		plan_check(b->check, &b->model, &b->obs, &none, &b->plan);
		if (cpu_s() - from > slowest) {
			slowest = cpu_s() - from;
			n_actions = b->plan.n_actions;
		}
	}
	printf("%-10s %8.3f s  %u actions\n", policy->name, slowest,
	    n_actions);
	fflush(stdout);
	free(memory);
}

int main(int argc, char **argv)
{
	uint32_t n_vms = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000;
	uint32_t n_domains = argc > 2 ? (uint32_t)atoi(argv[2]) : 4;
	struct bench b = {0};

	make_model(&b, n_vms, n_domains);
	for (uint32_t i = 0; policies[i]; i++)
		measure(&b, policies[i]);
	return 0;
}
