/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every host would carry; see tables.h. */
#include "core/tables.h"

#include <string.h>

void tables_lay_out(
    struct tables *t, struct arena *arena, const struct model *model)
{
	t->hosts = ARENA_TAKE(arena, model->n_hosts, struct host_load);
	t->domain_first = ARENA_TAKE(arena, model->n_domains + 1, uint32_t);
	t->domain_hosts = ARENA_TAKE(arena, model->n_hosts, uint32_t);
	t->host_first = ARENA_TAKE(arena, model->n_hosts + 1, uint32_t);
	t->host_vms = ARENA_TAKE(arena, model->n_vms, uint32_t);
}

/* Turns counts in first[1..n] into where each one's run begins. */
static void runs_begin(uint32_t *first, uint32_t n)
{
	for (uint32_t i = 1; i <= n; i++)
		first[i] += first[i - 1];
}

/* After the runs are filled by first[i]++, every first has moved by one. */
static void runs_end(uint32_t *first, uint32_t n)
{
	memmove(first + 1, first, n * sizeof *first);
	first[0] = 0;
}

static void list_hosts(struct tables *t, const struct model *m)
{
	memset(t->domain_first, 0, (m->n_domains + 1) * sizeof(uint32_t));
	for (uint32_t h = 0; h < m->n_hosts; h++)
		t->domain_first[m->hosts[h].domain.ix + 1]++;
	runs_begin(t->domain_first, m->n_domains);
	for (uint32_t h = 0; h < m->n_hosts; h++)
		t->domain_hosts[t->domain_first[m->hosts[h].domain.ix]++] = h;
	runs_end(t->domain_first, m->n_domains);
}

static void list_vms(
    struct tables *t, const struct model *m, const struct observation *obs)
{
	memset(t->host_first, 0, (m->n_hosts + 1) * sizeof(uint32_t));
	for (uint32_t v = 0; v < m->n_vms; v++)
		if (vm_is_placed(&obs->vms[v]))
			t->host_first[obs->vms[v].host.ix + 1]++;
	runs_begin(t->host_first, m->n_hosts);
	for (uint32_t v = 0; v < m->n_vms; v++)
		if (vm_is_placed(&obs->vms[v]))
			t->host_vms[t->host_first[obs->vms[v].host.ix]++] = v;
	runs_end(t->host_first, m->n_hosts);
}

static void fill_hosts(
    struct tables *t, const struct model *m, const struct observation *obs)
{
	for (uint32_t h = 0; h < m->n_hosts; h++) {
		bool up = obs->hosts[h].state == HOST_UP;
		bool emptied = obs->hosts[h].state == HOST_DRAINING;

		t->hosts[h] = (struct host_load){
		    .cpu_cap_mcpu = emptied ? 0 : m->hosts[h].cpu_mcpu,
		    .mem_cap_kib = emptied ? 0 : m->hosts[h].mem_kib,
		    .takes_vms = up};
	}
}

/* A head VM stays even where all others have to leave. */
static void keep_head(struct tables *t, const struct observation *obs,
    struct host_id host, struct want want)
{
	if (obs->hosts[host.ix].state != HOST_DRAINING)
		return;
	t->hosts[host.ix].cpu_cap_mcpu += want.cpu_mcpu;
	t->hosts[host.ix].mem_cap_kib += want.mem_kib;
}

void tables_fill(struct tables *t, const struct model *m,
    const struct observation *obs, const struct want *want)
{
	list_hosts(t, m);
	list_vms(t, m, obs);
	fill_hosts(t, m, obs);
	for (uint32_t v = 0; v < m->n_vms; v++) {
		const struct vm_observation *vm = &obs->vms[v];
		struct want full = {
		    want[v].cpu_mcpu, want_held_kib(vm, &want[v])};

		if (!vm_is_placed(vm))
			continue;
		t->hosts[vm->host.ix].held_kib += vm_held_kib(vm);
		if (m->vms[v].is_head)
			keep_head(t, obs, vm->host, full);
		if (host_none(vm->target)) {
			tables_add(t, vm->host, full);
		} else {
			tables_add(t, vm->target, full);
			t->hosts[vm->target.ix].held_kib += vm_held_kib(vm);
			t->hosts[vm->host.ix].mem_kib += vm_held_kib(vm);
		}
	}
}

void tables_add(struct tables *t, struct host_id host, struct want want)
{
	struct host_load *h = &t->hosts[host.ix];

	h->cpu_mcpu += want.cpu_mcpu;
	h->mem_kib += want.mem_kib;
	h->n_vms++;
}

void tables_remove(struct tables *t, struct host_id host, struct want want)
{
	struct host_load *h = &t->hosts[host.ix];

	h->cpu_mcpu -= want.cpu_mcpu;
	h->mem_kib -= want.mem_kib;
	h->n_vms--;
}
