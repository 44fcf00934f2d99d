/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenarios built in C; see support.h. */
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>

#define GBIT 1e9

enum { VALUES_MAX = 128 };

/* What the scenario's const tables really are, so that they can grow. */
struct site {
	struct scenario scenario; /* first: a site is one */
	struct domain *domains;
	struct host *hosts;
	struct environment *envs;
	struct vm *vms;
	double *values; /* of the policy that runs, VALUES_MAX */
};

static void *grow(void *old, size_t n, size_t size)
{
	void *bigger = realloc(old, n * size);

	if (!bigger) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	return bigger;
}

#define GROW(array, n) ((array) = grow((array), (n), sizeof *(array)))

static void share_tables(struct site *site)
{
	struct model *m = &site->scenario.model;

	m->domains = site->domains;
	m->hosts = site->hosts;
	m->envs = site->envs;
	m->vms = site->vms;
}

static void add_links(struct scenario *s, uint32_t n_domains)
{
	for (uint32_t a = 0; a < n_domains; a++)
		for (uint32_t b = a + 1; b < n_domains; b++) {
			GROW(s->links, s->n_links + 1);
			s->links[s->n_links++] = (struct link_setup){
			    .a = {a}, .b = {b}, .bps = GBIT};
		}
}

static void add_hosts(struct site *site, uint32_t n_domains, uint32_t n_each)
{
	struct scenario *s = &site->scenario;
	uint32_t n = n_domains * n_each;

	GROW(site->domains, n_domains);
	GROW(site->hosts, n);
	GROW(s->hosts, n);
	GROW(s->uplinks, n_domains);
	for (uint32_t d = 0; d < n_domains; d++) {
		site->domains[d] = (struct domain){.name = "domain"};
		s->uplinks[d] = (struct uplink_setup){.bps = GBIT};
	}
	for (uint32_t h = 0; h < n; h++) {
		site->hosts[h] = (struct host){.name = "host",
		    .domain = {h / n_each},
		    .cpu_mcpu = MCPU_PER_CPU,
		    .mem_kib = 4 * KIB_PER_GIB};
		s->hosts[h] = (struct host_setup){.nic_bps = GBIT,
		    .leave_ns = TIME_NEVER,
		    .fail_ns = TIME_NEVER};
	}
	s->model.n_domains = n_domains;
	s->model.n_hosts = n;
}

struct scenario *site_new(uint32_t n_domains, uint32_t n_hosts_each)
{
	struct site *site = grow(NULL, 1, sizeof *site);
	struct scenario *s = &site->scenario;
	static char none[] = "none";

	*site = (struct site){.scenario.seed = 1};
	GROW(site->values, VALUES_MAX);
	s->stop_ns = TIME_NEVER;
	s->manager.policy = none;
	s->manager.period_ns = 10 * NS_PER_S;
	s->migration = (struct migration_setup){.rules = PRECOPY_XEN_4_17,
	    .max_rounds = 5,
	    .stop_pages = 50,
	    .down_fixed_ns = 50 * NS_PER_MS};
	s->vnet = (struct vnet_setup){.reestablish_ns = 9 * NS_PER_S,
	    .within_ns = NS_PER_S,
	    .rto_min_ns = 200 * NS_PER_MS};
	add_hosts(site, n_domains, n_hosts_each);
	add_links(s, n_domains);
	share_tables(site);
	return s;
}

void site_free(struct scenario *s)
{
	struct site *site = (struct site *)s;

	free(site->values);
	free(site->domains);
	free(site->hosts);
	free(site->envs);
	free(site->vms);
	free(s->hosts);
	free(s->uplinks);
	free(s->links);
	free(s->workloads);
	free(s->envs);
	free(s->events);
	free(site);
}

void site_set_hosts(struct scenario *s, uint32_t cpu_mcpu, uint64_t mem_kib)
{
	for (uint32_t h = 0; h < s->model.n_hosts; h++) {
		site_host(s, h)->cpu_mcpu = cpu_mcpu;
		site_host(s, h)->mem_kib = mem_kib;
	}
}

uint32_t site_add_workload(struct scenario *s, struct workload workload)
{
	GROW(s->workloads, s->n_workloads + 1);
	s->workloads[s->n_workloads] = workload;
	return s->n_workloads++;
}

static void add_vms(struct site *site, uint32_t e, uint32_t n, bool head)
{
	struct model *m = &site->scenario.model;

	GROW(site->vms, m->n_vms + n);
	for (uint32_t i = 0; i < n; i++)
		site->vms[m->n_vms++] = (struct vm){.name = "vm",
		    .env = {e},
		    .home = NO_HOST,
		    .vcpu_mcpu = MCPU_PER_CPU,
		    .is_head = head && i == 0,
		    .mem_kib = 512 * KIB_PER_MIB,
		    .mem_min_kib = 32 * KIB_PER_MIB,
		    .mem_max_kib = 4 * KIB_PER_GIB};
}

uint32_t site_add_env(
    struct scenario *s, uint32_t n_vms, bool head, uint32_t workload)
{
	struct site *site = (struct site *)s;
	uint32_t e = s->model.n_envs++;

	GROW(site->envs, e + 1);
	GROW(s->envs, e + 1);
	site->envs[e] = (struct environment){.name = "env",
	    .first_vm = s->model.n_vms,
	    .n_vms = n_vms + head};
	s->envs[e] = (struct env_setup){.destroy_ns = TIME_NEVER,
	    .workload = workload,
	    .mem_idle_kib = 64 * KIB_PER_MIB,
	    .head_used_kib = 64 * KIB_PER_MIB,
	    .balloon_kib_s = 100.0 * KIB_PER_MIB};
	add_vms(site, e, n_vms + head, head);
	share_tables(site);
	return e;
}

void site_add_event(struct scenario *s, struct event_setup event)
{
	GROW(s->events, s->n_events + 1);
	s->events[s->n_events++] = event;
}

struct vm *site_vm(struct scenario *s, uint32_t v)
{
	return &((struct site *)s)->vms[v];
}

struct host *site_host(struct scenario *s, uint32_t h)
{
	return &((struct site *)s)->hosts[h];
}

void site_values(const struct policy *policy, double *values)
{
	for (uint32_t i = 0; i < policy->n_params; i++)
		values[i] = policy->params[i].initial;
}

struct sim *site_sim(const struct scenario *s, const struct policy *policy,
    const struct sim_listener *listener)
{
	/* The site keeps the values as long as the simulation borrows them. */
	double *values = ((const struct site *)s)->values;
	struct err err = {0};
	struct sim *sim;

	site_values(policy, values);
	sim = sim_new(s, policy, values, 0, listener, &err);
	if (!sim) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return sim;
}
