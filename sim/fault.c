/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens to hosts and links besides; see fault.h. */
#include "sim/fault.h"

#include <string.h>

#include "sim/environment.h"
#include "sim/memory.h"
#include "sim/migrate.h"
#include "sim/workload.h"

void fault_init(struct world *w)
{
	for (uint32_t h = 0; h < w->model->n_hosts; h++) {
		const struct host_setup *host = &w->scenario->hosts[h];

		w->hosts[h].state = HOST_UP;
		if (host->join_ns > 0) {
			w->hosts[h].state = HOST_ABSENT;
			world_set_timer(w, TIMER_HOST_FATE, h, host->join_ns);
		} else {
			world_set_timer(
			    w, TIMER_HOST_FATE, h, host->leave_ns);
		}
		world_set_timer(w, TIMER_HOST_FAIL, h, host->fail_ns);
	}
	for (uint32_t i = 0; i < w->scenario->n_events; i++)
		world_set_timer(
		    w, TIMER_EVENT, i, w->scenario->events[i].at_ns);
}

void fault_host_fired(struct world *w, uint32_t h)
{
	const struct host_setup *host = &w->scenario->hosts[h];

	if (w->now_ns == host->leave_ns) {
		fault_host_drain(w, h);
		return;
	}
	fault_host_join(w, h);
	world_set_timer(w, TIMER_HOST_FATE, h, host->leave_ns);
}

void fault_host_join(struct world *w, uint32_t h)
{
	w->hosts[h].state = HOST_UP;
}

void fault_host_drain(struct world *w, uint32_t h)
{
	if (w->hosts[h].state != HOST_UP)
		return;
	w->hosts[h].state = HOST_DRAINING;
	memory_give(w, h, 0);
}

void fault_host_fail(struct world *w, uint32_t h)
{
	if (w->hosts[h].state != HOST_UP && w->hosts[h].state != HOST_DRAINING)
		return;
	w->hosts[h].state = HOST_FAILED;
	for (uint32_t v = 0; v < w->model->n_vms; v++)
		if (w->vms[v].target.ix == h && w->vms[v].host.ix != h)
			migrate_abort(w, v, "failed");
	for (uint32_t v = 0; v < w->model->n_vms; v++)
		if (w->vms[v].host.ix == h)
			environment_kill(w, w->model->vms[v].env.ix,
			    ENV_CRASHED, "failed");
}

/* Of the domain's hosts with room for it: the one with the fewest VMs, on it
 * or heading to it. */
static uint32_t least_loaded(const struct world *w, uint32_t domain,
    uint64_t kib, const uint32_t *heading)
{
	uint32_t best = ID_NONE;
	uint32_t least = UINT32_MAX;

	for (uint32_t h = 0; h < w->model->n_hosts; h++) {
		const struct world_host *host = &w->hosts[h];
		uint32_t n = host->n_vms + heading[h];

		if (w->model->hosts[h].domain.ix != domain ||
		    host->state != HOST_UP || n >= least ||
		    w->model->hosts[h].mem_kib - host->mem_held_kib < kib)
			continue;
		best = h;
		least = n;
	}
	return best;
}

static bool moves_by_command(
    const struct world *w, uint32_t v, uint32_t domain)
{
	return world_is_compute(w, v) &&
	       w->model->hosts[w->vms[v].host.ix].domain.ix != domain;
}

/* Takes a place for each VM; false when one finds none. */
static bool take_places(
    struct world *w, uint32_t e, uint32_t domain, uint32_t *to)
{
	const struct environment *env = &w->model->envs[e];
	uint32_t *heading = w->host_scratch;

	memset(heading, 0, w->model->n_hosts * sizeof *heading);
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i, h = ID_NONE;
		uint64_t kib = memory_held_kib(&w->vms[v]);

		to[i] = ID_NONE;
		if (w->vms[v].state != VM_RUNNING)
			return false;
		if (!moves_by_command(w, v, domain))
			continue;
		h = least_loaded(w, domain, kib, heading);
		if (h == ID_NONE || !memory_take(w, h, kib))
			return false;
		heading[h]++;
		to[i] = h;
	}
	return true;
}

/* All compute VMs that are not in the domain move there, or none does. */
static void migrate_env(struct world *w, uint32_t e, uint32_t domain)
{
	const struct environment *env = &w->model->envs[e];
	uint32_t *to = w->ids;
	bool fits;

	for (uint32_t i = 0; i < env->n_vms; i++) {
		memory_advance(w, env->first_vm + i);
		to[i] = ID_NONE;
	}
	fits = take_places(w, e, domain, to);
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (to[i] == ID_NONE)
			continue;
		if (fits)
			migrate_start(w, v, to[i], NO_TICKET);
		else
			memory_give(w, to[i], memory_held_kib(&w->vms[v]));
	}
}

static void abort_env(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (w->vms[env->first_vm + i].migration != ID_NONE)
			migrate_abort(w, env->first_vm + i, "aborted");
}

void fault_event_fired(struct world *w, uint32_t i)
{
	const struct event_setup *event = &w->scenario->events[i];

	switch (event->kind) {
	case TIMED_MIGRATE:
		migrate_env(w, event->env.ix, event->domain.ix);
		break;
	case TIMED_ABORT:
		abort_env(w, event->env.ix);
		break;
	case TIMED_FAIL:
		fault_host_fail(w, event->host.ix);
		break;
	case TIMED_DRAIN:
		fault_host_drain(w, event->host.ix);
		break;
	case TIMED_JOIN:
		fault_host_join(w, event->host.ix);
		break;
	case TIMED_LINK:
		network_set_link(w->network, event->link, event->bps);
		migrate_touch(w);
		break;
	}
}
