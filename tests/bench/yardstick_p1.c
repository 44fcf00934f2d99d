/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The yardstick: scenario P1 (p1.h) in plain C that can do nothing else, with
 * doubles for time, equal shares, a binary heap with one entry a VM that
 * thinks and one a host that works.
 *
 *	yardstick_p1 VMS STOP_SECONDS
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/p1.h"

enum { HOST_VMS_MAX = 64 };

struct vm {
	uint64_t stream;
	double left, work, began;
	uint32_t host;
};

struct host {
	double last;
	uint32_t n, running[HOST_VMS_MAX];
};

struct sum {
	uint64_t tasks, tasks_before;
	double work, response, last;
};

static struct vm *vms;
static struct host *hosts;
static double *key;          /* by entry: VM, or n_vms + host */
static uint32_t *heap, *place, n_heap, n_vms, n_hosts;
static const uint32_t nowhere = UINT32_MAX;

static void put(uint32_t i, uint32_t entry)
{
	heap[i] = entry;
	place[entry] = i;
}

static void sift(uint32_t i, uint32_t entry)
{
	while (i > 0 && key[entry] < key[heap[(i - 1) / 2]]) {
		put(i, heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < n_heap && key[heap[child + 1]] <
		                              key[heap[child]])
			child++;
		if (child >= n_heap || key[heap[child]] >= key[entry])
			break;
		put(i, heap[child]);
		i = child;
	}
	put(i, entry);
}

static void set(uint32_t entry, double at)
{
	key[entry] = at;
	sift(place[entry] == nowhere ? n_heap++ : place[entry], entry);
}

static void unset(uint32_t entry)
{
	uint32_t i = place[entry];

	if (i == nowhere)
		return;
	place[entry] = nowhere;
	if (i < --n_heap)
		sift(i, heap[n_heap]);
}

static double speed(const struct host *host)
{
	return host->n > P1_CPUS ? (double)P1_CPUS / host->n : 1;
}

static void advance(struct host *host, double now)
{
	double done = (now - host->last) * speed(host);

	for (uint32_t i = 0; i < host->n; i++)
		vms[host->running[i]].left -= done;
	host->last = now;
}

static void set_next(struct host *host, double now)
{
	double least = (double)INFINITY;

	for (uint32_t i = 0; i < host->n; i++)
		least = fmin(least, vms[host->running[i]].left);
	if (host->n)
		set(n_vms + (uint32_t)(host - hosts),
		    now + fmax(0, least) / speed(host));
	else
		unset(n_vms + (uint32_t)(host - hosts));
}

static void start_task(uint32_t v, double now)
{
	struct host *host = &hosts[vms[v].host];

	unset(v);
	advance(host, now);
	vms[v].work = p1_exp(&vms[v].stream, P1_WORK_S);
	vms[v].left = vms[v].work;
	vms[v].began = now;
	if (host->n == HOST_VMS_MAX)
		exit(1);
	host->running[host->n++] = v;
	set_next(host, now);
}

static void end_task(
    struct host *host, double now, double stop, struct sum *sum)
{
	uint32_t least = 0, v;

	advance(host, now);
	for (uint32_t i = 1; i < host->n; i++)
		if (vms[host->running[i]].left <
		    vms[host->running[least]].left)
			least = i;
	v = host->running[least];
	host->running[least] = host->running[--host->n];
	set_next(host, now);
	sum->tasks++;
	if (now >= stop)
		return;
	sum->tasks_before++;
	sum->work += vms[v].work;
	sum->response += now - vms[v].began;
	set(v, now + p1_exp(&vms[v].stream, P1_SLEEP_S));
}

static struct sum run(double stop)
{
	struct sum sum = {0};

	while (n_heap) {
		uint32_t entry = heap[0];
		double now = key[entry];

		sum.last = now;
		if (entry >= n_vms)
			end_task(&hosts[entry - n_vms], now, stop, &sum);
		else if (now >= stop)
			unset(entry);
		else
			start_task(entry, now);
	}
	return sum;
}

static void set_up(void)
{
	vms = calloc(n_vms, sizeof *vms);
	hosts = calloc(n_hosts, sizeof *hosts);
	key = calloc(n_vms + n_hosts, sizeof *key);
	heap = calloc(n_vms + n_hosts, sizeof *heap);
	place = malloc((n_vms + n_hosts) * sizeof *place);
	if (!vms || !hosts || !key || !heap || !place)
		exit(1);
	memset(place, 0xFF, (n_vms + n_hosts) * sizeof *place);
	for (uint32_t v = 0; v < n_vms; v++) {
		vms[v].host = p1_host(v, n_hosts);
		vms[v].stream = p1_stream(v);
		set(v, p1_exp(&vms[v].stream, P1_SLEEP_S));
	}
}

int main(int argc, char **argv)
{
	struct sum sum;
	double cpu_s;

	if (argc != 3) {
		fputs("usage: yardstick_p1 VMS STOP_SECONDS\n", stderr);
		return 2;
	}
	n_vms = (uint32_t)strtoul(argv[1], NULL, 10);
	n_hosts = n_vms / P1_VMS_PER_HOST;
	if (n_hosts == 0)
		return 2;
	set_up();
	cpu_s = (double)clock() / CLOCKS_PER_SEC;
	sum = run(strtod(argv[2], NULL));
	cpu_s = (double)clock() / CLOCKS_PER_SEC - cpu_s;
	printf("tasks %llu before %llu flop %.9e response %.6f last %.6f "
	       "cpu_s %.4f tasks_per_s %.0f\n",
	    (unsigned long long)sum.tasks,
	    (unsigned long long)sum.tasks_before, sum.work * 1e9,
	    sum.response / (double)sum.tasks_before, sum.last, cpu_s,
	    (double)sum.tasks / cpu_s);
	return 0;
}
