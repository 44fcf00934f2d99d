/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenario P1 (p1.h) as a scenario of this project, built in memory. */
#ifndef TESTS_BENCH_P1_SITE_H
#define TESTS_BENCH_P1_SITE_H

#include <stdlib.h>

#include "tests/bench/p1.h"
#include "tests/support.h"

/* Memory is not binding: hosts have room for all their VMs and more. */
static inline struct scenario *p1_site(
    uint32_t n_vms, double stop_s, const struct task_list *tasks)
{
	uint32_t n_hosts = n_vms / P1_VMS_PER_HOST;
	struct scenario *site = site_new(1, n_hosts);
	uint32_t load = site_add_workload(site, (struct workload){
	    .kind = WORKLOAD_TASKS,
	    .tasks = tasks,
	    .think_s = {DIST_EXPONENTIAL, P1_SLEEP_S, 0},
	    .work_s = {DIST_EXPONENTIAL, P1_WORK_S, 0},
	    .duration_ns = TIME_NEVER,
	    .stop_ns = (int64_t)(stop_s * 1e9)});

	site_add_env(site, n_vms, false, load);
	site_set_hosts(site, P1_CPUS * MCPU_PER_CPU, KIB_PER_GIB);
	site->envs[0].mem_idle_kib = 0;
	for (uint32_t v = 0; v < n_vms; v++) {
		site_vm(site, v)->home.ix = p1_host(v, n_hosts);
		site_vm(site, v)->mem_kib = KIB_PER_MIB;
		site_vm(site, v)->mem_min_kib = KIB_PER_MIB;
	}
	return site;
}

/* The tasks that P1's recipe draws, more of them than any VM needs: work and
 * sleep alone last until the stop time. */
static inline struct task_list p1_tasks(uint32_t n_vms, double stop_s)
{
	struct task_list list = {.n_vms = n_vms};
	uint32_t *first = malloc((n_vms + 1) * sizeof *first);
	double *think = NULL, *work = NULL;
	uint32_t n = 0, max = 0;

	for (uint32_t v = 0; v < n_vms; v++) {
		uint64_t s = p1_stream(v);
		double at_s = 0;

		first[v] = n;
		while (at_s < stop_s) {
			if (n == max) {
				max = max ? 2 * max : 1 << 16;
				think = realloc(think, max * sizeof *think);
				work = realloc(work, max * sizeof *work);
			}
			think[n] = p1_exp(&s, P1_SLEEP_S);
			work[n] = p1_exp(&s, P1_WORK_S);
			at_s += think[n] + work[n];
			n++;
		}
	}
	first[n_vms] = n;
	list.first = first;
	list.think_s = think;
	list.work_s = work;
	return list;
}

#endif
