/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time series of a run; see series.h. */
#include "sim/series.h"

#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"

static bool is_wanted(const struct world *w)
{
	return w->scenario->series_ns > 0 &&
	       (w->listener->series_hosts || w->listener->series_vms);
}

bool series_init(struct series *s, struct world *w)
{
	memset(s, 0, sizeof *s);
	if (!is_wanted(w))
		return true;
	s->hosts = calloc(w->model->n_hosts + 1, sizeof *s->hosts);
	s->vms = calloc(w->model->n_vms + 1, sizeof *s->vms);
	world_set_timer(w, TIMER_SERIES, 0, w->scenario->series_ns);
	return s->hosts && s->vms;
}

void series_fini(struct series *s)
{
	free(s->hosts);
	free(s->vms);
}

static double cpu_alloc_mcpu(const struct world *w, uint32_t v)
{
	const struct vm_observation seen = {
	    .weight = w->cpu_vms[v].weight, .cap_mcpu = w->vms[v].cap_mcpu};

	if (host_none(w->vms[v].host))
		return 0;
	return vm_cpu_alloc_mcpu(&w->model->vms[v], &seen);
}

static void fill_vm(struct series *s, struct world *w, uint32_t v, double span)
{
	struct world_vm *vm = &w->vms[v];
	double used_s = cpu_vm_used_s(w, v);

	memory_advance(w, v);
	s->vms[v] = (struct sim_vm_row){.vm = {v},
	    .host = vm->host,
	    .state = vm->state,
	    .cpu_used_mcpu = (used_s - vm->row_used_s) / span * 1e3,
	    .cpu_alloc_mcpu = cpu_alloc_mcpu(w, v),
	    .mem_used_kib = host_none(vm->host) ? 0 : vm->mem_used_kib,
	    .mem_alloc_kib = vm->mem_alloc_kib};
	vm->row_used_s = used_s;
	if (!host_none(vm->host))
		s->hosts[vm->host.ix].cpu_alloc_mcpu +=
		    s->vms[v].cpu_alloc_mcpu;
}

static void fill_host(
    struct series *s, struct world *w, uint32_t h, double span)
{
	struct world_host *host = &w->hosts[h];
	double used_s = cpu_host_used_s(w, h);

	s->hosts[h] = (struct sim_host_row){.host = {h},
	    .n_vms = host->n_vms,
	    .cpu_used_mcpu = (used_s - host->row_used_s) / span * 1e3,
	    .mem_alloc_kib = host->mem_held_kib};
	host->row_used_s = used_s;
}

static void tell_rows(struct series *s, struct world *w)
{
	const struct sim_listener *l = w->listener;
	double span = ns_to_s(w->now_ns - s->last_ns);

	for (uint32_t h = 0; h < w->model->n_hosts; h++)
		fill_host(s, w, h, span);
	for (uint32_t v = 0; v < w->model->n_vms; v++)
		fill_vm(s, w, v, span);
	if (l->series_hosts)
		l->series_hosts(
		    l->self, w->now_ns, s->hosts, w->model->n_hosts);
	if (l->series_vms)
		l->series_vms(l->self, w->now_ns, s->vms, w->model->n_vms);
	s->last_ns = w->now_ns;
}

void series_fired(struct series *s, struct world *w)
{
	tell_rows(s, w);
	world_set_timer(
	    w, TIMER_SERIES, 0, w->now_ns + w->scenario->series_ns);
}

void series_end(struct series *s, struct world *w)
{
	if (s->hosts && w->now_ns > s->last_ns)
		tell_rows(s, w);
}
