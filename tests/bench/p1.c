/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenario P1 (p1.h) in this simulator: speed, memory, and what came out.
 *
 *	p1 VMS STOP_SECONDS [list]
 *
 * Tasks are drawn by distribution, or with `list` are the list of p1.h's
 * recipe, of which the other simulators' results are known.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/bench/p1_site.h"

static double cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void print(const struct sim_metrics *m, double spent_s, double built_s)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("tasks %llu before %llu flop %.9e response %.6f last %.6f "
	       "cpu_s %.4f tasks_per_s %.0f built_s %.3f mib %ld steps %llu\n",
	    (unsigned long long)m->n_tasks,
	    (unsigned long long)m->n_tasks_before_stop,
	    m->work_before_stop_s * 1e9,
	    m->response_sum_s / (double)m->n_tasks_before_stop,
	    ns_to_s(m->end_ns), spent_s, (double)m->n_tasks / spent_s,
	    built_s, usage.ru_maxrss / 1024, (unsigned long long)m->n_steps);
}

int main(int argc, char **argv)
{
	bool listed = argc == 4 && strcmp(argv[3], "list") == 0;
	struct task_list tasks = {0};
	struct scenario *site;
	struct sim *sim;
	struct err err = {0};
	double start_s = cpu_s(), built_s, stop_s;
	uint32_t n_vms;

	if (argc != 3 && !listed) {
		fputs("usage: p1 VMS STOP_SECONDS [list]\n", stderr);
		return 2;
	}
	n_vms = (uint32_t)strtoul(argv[1], NULL, 10);
	stop_s = strtod(argv[2], NULL);
	if (n_vms < P1_VMS_PER_HOST)
		return 2;
	if (listed)
		tasks = p1_tasks(n_vms, stop_s);
	site = p1_site(n_vms, stop_s, listed ? &tasks : NULL);
	sim = site_sim(site, &policy_none, NULL);
	built_s = cpu_s();
	if (!sim_run(sim, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	print(sim_metrics(sim), cpu_s() - built_s, built_s - start_s);
	sim_free(sim);
	site_free(site);
	return 0;
}
