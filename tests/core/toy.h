/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A toy world for tests of the core: a model built by hand and an observation
 * that the test writes as it likes.  Needs the core object and nothing else.
 */
#ifndef TESTS_CORE_TOY_H
#define TESTS_CORE_TOY_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/manager.h"

enum { TOY_DOMAINS = 8, TOY_HOSTS = 64, TOY_ENVS = 32, TOY_VMS = 256 };

#define TOY_PERIOD_NS (10 * NS_PER_S)

struct toy {
	struct model model;
	struct domain domains[TOY_DOMAINS];
	struct host hosts[TOY_HOSTS];
	struct environment envs[TOY_ENVS];
	struct vm vms[TOY_VMS];
	struct host_observation seen_hosts[TOY_HOSTS];
	struct env_observation seen_envs[TOY_ENVS];
	struct vm_observation seen_vms[TOY_VMS];
	struct observation obs;
	struct plan plan;
	struct plan_check *check;
	struct plan_limits limits;
	const struct policy *policy;
	double values[32];
	void *state;
	char *memory;
};

static inline struct toy *toy_new(void)
{
	struct toy *t = calloc(1, sizeof *t);

	assert(t);
	t->model.domains = t->domains;
	t->model.hosts = t->hosts;
	t->model.envs = t->envs;
	t->model.vms = t->vms;
	t->obs.hosts = t->seen_hosts;
	t->obs.envs = t->seen_envs;
	t->obs.vms = t->seen_vms;
	t->obs.now_ns = 100 * NS_PER_S;
	t->obs.period_ns = TOY_PERIOD_NS;
	return t;
}

static inline void toy_free(struct toy *t)
{
	free(t->memory);
	free(t);
}

/* A domain of n hosts of one CPU each. */
static inline uint32_t toy_domain(struct toy *t, uint32_t n, uint64_t mem_kib)
{
	uint32_t d = t->model.n_domains++;

	assert(d < TOY_DOMAINS && t->model.n_hosts + n <= TOY_HOSTS);
	t->domains[d].name = "D";
	for (uint32_t i = 0; i < n; i++) {
		uint32_t h = t->model.n_hosts++;

		t->hosts[h] = (struct host){"h", {d}, MCPU_PER_CPU, mem_kib};
		t->seen_hosts[h] = (struct host_observation){
		    HOST_UP, 0, mem_kib};
	}
	return d;
}

/* An environment of n compute VMs of one vCPU, asked for at t = 0. */
static inline uint32_t toy_env(struct toy *t, uint32_t n, uint64_t mem_kib)
{
	uint32_t e = t->model.n_envs++;

	assert(e < TOY_ENVS && t->model.n_vms + n <= TOY_VMS);
	t->envs[e] = (struct environment){"V", t->model.n_vms, n};
	t->seen_envs[e] = (struct env_observation){ENV_QUEUED, 1, 0, -1};
	for (uint32_t i = 0; i < n; i++) {
		uint32_t v = t->model.n_vms++;

		t->vms[v] = (struct vm){"v", {e}, NO_HOST, MCPU_PER_CPU, 0,
		    mem_kib, 1024, 64 * KIB_PER_GIB};
		t->seen_vms[v] = (struct vm_observation){.state = VM_QUEUED,
		    .host = NO_HOST,
		    .target = NO_HOST};
	}
	return e;
}

/* VM v has run on h for long, with this weight, using this CPU and memory. */
static inline void toy_run(struct toy *t, uint32_t v, uint32_t h,
    uint32_t used_mcpu, uint64_t used_kib)
{
	uint64_t mem = t->vms[v].mem_kib;

	t->seen_envs[t->vms[v].env.ix].state = ENV_RUNNING;
	t->seen_vms[v] = (struct vm_observation){.state = VM_RUNNING,
	    .host = {h},
	    .target = NO_HOST,
	    .weight = WEIGHT_DEFAULT,
	    .cpu_used_mcpu = used_mcpu,
	    .mem_alloc_kib = mem,
	    .mem_target_kib = mem,
	    .mem_used_kib = used_kib,
	    .since_ns = 0};
	t->seen_hosts[h].mem_free_kib -= mem;
}

/* Lays out this policy with its initial parameters over the model. */
static inline void toy_policy(struct toy *t, const struct policy *policy)
{
	struct arena arena = {0};

	t->policy = policy;
	for (uint32_t i = 0; i < policy->n_params; i++)
		t->values[i] = policy->params[i].initial;
	for (int pass = 0; pass < 2; pass++) {
		plan_lay_out(&t->plan, &arena, &t->model);
		t->check = plan_check_lay_out(&arena, &t->model);
		t->state = policy->lay_out(&arena, &t->model, t->values);
		if (pass)
			break;
		t->memory = aligned_alloc(64, arena.used);
		assert(t->memory);
		memset(t->memory, 0, arena.used);
		arena = (struct arena){t->memory, arena.used, 0};
	}
}

static inline void toy_set(struct toy *t, const char *param, double value)
{
	int i = policy_find_param(t->policy, param);

	assert(i >= 0);
	t->values[i] = value;
}

/* One step; returns the number of actions accepted. */
static inline uint32_t toy_step(struct toy *t)
{
	plan_clear(&t->plan);
	t->policy->decide(t->state, &t->model, &t->obs, &t->plan);
	return plan_check(
	    t->check, &t->model, &t->obs, &t->limits, &t->plan);
}

static inline uint32_t toy_count(const struct toy *t, enum action_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->plan.n_actions; i++)
		n += t->plan.actions[i].kind == kind;
	return n;
}

static inline const struct action *toy_find(
    const struct toy *t, enum action_kind kind, uint32_t v)
{
	for (uint32_t i = 0; i < t->plan.n_actions; i++)
		if (t->plan.actions[i].kind == kind &&
		    t->plan.actions[i].vm.ix == v)
			return &t->plan.actions[i];
	return NULL;
}

#endif
