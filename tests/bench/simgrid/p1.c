/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenario P1 (../p1.h) in SimGrid, tasks on hosts without its VM layer: to
 * be compared with in the same run.  Built by tests/bench/run where SimGrid
 * is installed.
 *
 *	p1 VMS STOP_SECONDS
 */
#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/p1.h"

#define FLOPS 1e9

static double stop_s, work, response;
static unsigned long tasks, tasks_before;

/* The program of one VM; its number is argv[1]. */
static void program(int argc, char *argv[])
{
	uint64_t s = p1_stream((uint32_t)strtoul(argv[1], NULL, 10));

	(void)argc;
	for (;;) {
		double began_s, flops;

		sg_actor_sleep_for(p1_exp(&s, P1_SLEEP_S));
		began_s = simgrid_get_clock();
		if (began_s >= stop_s)
			return;
		flops = p1_exp(&s, P1_WORK_S) * FLOPS;
		sg_actor_execute(flops);
		tasks++;
		if (simgrid_get_clock() >= stop_s)
			return;
		tasks_before++;
		work += flops;
		response += simgrid_get_clock() - began_s;
	}
}

/* SimGrid reads its hosts from a file. */
static void load_hosts(uint32_t n_hosts, const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		exit(1);
	fputs("<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM "
	      "\"https://simgrid.org/simgrid.dtd\">\n"
	      "<platform version=\"4.1\"><zone id=\"z\" routing=\"None\">\n",
	    file);
	for (uint32_t h = 0; h < n_hosts; h++)
		fprintf(file, "<host id=\"h%u\" speed=\"1Gf\" core=\"%d\"/>\n",
		    h, P1_CPUS);
	fputs("</zone></platform>\n", file);
	if (fclose(file))
		exit(1);
	simgrid_load_platform(path);
}

static void start_vms(uint32_t n_vms, uint32_t n_hosts)
{
	for (uint32_t v = 0; v < n_vms; v++) {
		char host[16], number[16];
		char vm[] = "vm";
		char *argv[] = {vm, number, NULL};

		snprintf(number, sizeof number, "%u", v);
		snprintf(host, sizeof host, "h%u", p1_host(v, n_hosts));
		sg_actor_create_("vm", sg_host_by_name(host), program, 2,
		    (const char *const *)argv);
	}
}

int main(int argc, char **argv)
{
	uint32_t n_vms;
	double cpu_s;

	simgrid_init(&argc, argv);
	if (argc != 4) {
		fputs("usage: p1 VMS STOP_SECONDS SCRATCH.xml\n", stderr);
		return 2;
	}
	n_vms = (uint32_t)strtoul(argv[1], NULL, 10);
	stop_s = strtod(argv[2], NULL);
	load_hosts(n_vms / P1_VMS_PER_HOST, argv[3]);
	start_vms(n_vms, n_vms / P1_VMS_PER_HOST);
	cpu_s = (double)clock() / CLOCKS_PER_SEC;
	simgrid_run();
	cpu_s = (double)clock() / CLOCKS_PER_SEC - cpu_s;
	printf("tasks %lu before %lu flop %.9e response %.6f last %.6f "
	       "cpu_s %.4f tasks_per_s %.0f\n",
	    tasks, tasks_before, work, response / (double)tasks_before,
	    simgrid_get_clock(), cpu_s, (double)tasks / cpu_s);
	return 0;
}
