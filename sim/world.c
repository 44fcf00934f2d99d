/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulated world's tables; see world.h. */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "sim/couple.h"
#include "sim/fault.h"
#include "sim/migrate.h"
#include "sim/pages.h"
#include "sim/workload.h"

static bool uses(const struct world *w, enum workload_kind kind)
{
	for (uint32_t i = 0; i < w->scenario->n_workloads; i++)
		if (w->scenario->workloads[i].kind == kind)
			return true;
	return false;
}

static bool blocks(const struct world *w)
{
	for (uint32_t i = 0; i < w->scenario->n_workloads; i++)
		if (w->scenario->workloads[i].kind == WORKLOAD_STAGES &&
		    w->scenario->workloads[i].blocking)
			return true;
	return false;
}

static bool exchanges(const struct world *w)
{
	for (uint32_t i = 0; i < w->scenario->n_workloads; i++)
		for (uint32_t s = 0; s < w->scenario->workloads[i].n_stages;
		     s++)
			if (w->scenario->workloads[i]
			        .stages[s].exchange_bytes > 0)
				return true;
	return false;
}

/* First timer of each kind, and how many there are. */
static uint64_t number_timers(struct world *w)
{
	const struct model *m = w->model;
	const uint64_t n[N_TIMER_KINDS] = {
	    [TIMER_HOST] = m->n_hosts,
	    [TIMER_BALLOON] = m->n_vms,
	    [TIMER_MIGRATION] = m->n_vms,
	    [TIMER_ENV_WORK] = m->n_envs,
	    [TIMER_ENV_NETWORK] = m->n_envs,
	    [TIMER_ENV_ASK] = m->n_envs,
	    [TIMER_ENV_DESTROY] = m->n_envs,
	    [TIMER_HOST_FATE] = m->n_hosts,
	    [TIMER_HOST_FAIL] = m->n_hosts,
	    [TIMER_EVENT] = w->scenario->n_events,
	    [TIMER_MANAGER] = 1,
	    [TIMER_SERIES] = 1,
	};
	uint64_t first = 0;

	for (int kind = 0; kind < N_TIMER_KINDS; kind++) {
		w->timers[kind] = (uint32_t)first;
		first += n[kind];
	}
	w->timers[N_TIMER_KINDS] = (uint32_t)first;
	return first;
}

static bool take_tables(struct world *w)
{
	const struct model *m = w->model;

	w->cpu_vms = pages_take(m->n_vms, sizeof *w->cpu_vms);
	w->cpu_hosts = pages_take(m->n_hosts, sizeof *w->cpu_hosts);
	w->vms = pages_take(m->n_vms, sizeof *w->vms);
	w->hosts = pages_take(m->n_hosts, sizeof *w->hosts);
	w->envs = pages_take(m->n_envs, sizeof *w->envs);
	w->dirty_hosts = pages_take(m->n_hosts, sizeof *w->dirty_hosts);
	w->dirty_envs = pages_take(m->n_envs, sizeof *w->dirty_envs);
	w->ids = pages_take(m->n_vms, sizeof *w->ids);
	w->host_ids = pages_take(m->n_vms, sizeof *w->host_ids);
	w->host_scratch = pages_take(m->n_hosts, sizeof *w->host_scratch);
	w->weights = pages_take(m->n_vms, sizeof *w->weights);
	w->bounds = pages_take(m->n_vms, sizeof *w->bounds);
	w->shares = pages_take(m->n_vms, sizeof *w->shares);
	if (uses(w, WORKLOAD_TASKS))
		w->tasks = pages_take(m->n_vms, sizeof *w->tasks);
	return w->cpu_vms && w->cpu_hosts && w->vms && w->hosts && w->envs &&
	       w->dirty_hosts && w->dirty_envs && w->ids && w->host_ids &&
	       w->host_scratch && w->weights && w->bounds && w->shares &&
	       (w->tasks || !uses(w, WORKLOAD_TASKS));
}

static void fill_tables(struct world *w)
{
	const struct model *m = w->model;

	for (uint32_t v = 0; v < m->n_vms; v++) {
		w->cpu_vms[v] = (struct cpu_vm){.speed = 1,
		    .host = ID_NONE,
		    .weight = WEIGHT_DEFAULT};
		w->vms[v].host = NO_HOST;
		w->vms[v].target = NO_HOST;
		w->vms[v].migration = ID_NONE;
		w->vms[v].speed_copied = 1;
		w->vms[v].speed_swapped = 1;
		w->vms[v].placing = NO_TICKET;
		w->vms[v].ballooning = NO_TICKET;
	}
	for (uint32_t h = 0; h < m->n_hosts; h++)
		cpu_init_host(&w->cpu_hosts[h], m->hosts[h].cpu_mcpu);
}

/* A start is drawn once, evenly within +- the scenario's variation. */
static int64_t draw_start_ns(const struct world *w, uint32_t e)
{
	struct stream stream = stream_of(w->seed, "start", e);
	double spread_ns = (double)w->scenario->variation.start_ns;
	double at_ns = (double)w->scenario->envs[e].start_ns +
	               spread_ns * (2 * stream_uniform(&stream) - 1);

	return at_ns > 0 ? (int64_t)at_ns : 0;
}

static void set_env_timers(struct world *w)
{
	for (uint32_t e = 0; e < w->model->n_envs; e++) {
		const struct env_setup *env = &w->scenario->envs[e];

		w->envs[e] = (struct world_env){.open = true,
		    .start_ns = -1,
		    .end_ns = -1,
		    .moved_ns = -1,
		    .work_factor = 1,
		    .coupled = ID_NONE};
		if (env->start_ns != TIME_NEVER)
			world_set_timer(
			    w, TIMER_ENV_ASK, e, draw_start_ns(w, e));
		world_set_timer(w, TIMER_ENV_DESTROY, e, env->destroy_ns);
	}
	w->n_open = w->model->n_envs;
}

struct world *world_new(const struct scenario *scenario, uint64_t seed,
    const struct sim_listener *listener, struct err *err)
{
	struct world *w = calloc(1, sizeof *w);
	uint64_t n_timers;

	if (!w) {
		err_set(err, "no memory for the simulated world");
		return NULL;
	}
	w->scenario = scenario;
	w->model = &scenario->model;
	w->listener = listener;
	w->seed = seed;
	n_timers = number_timers(w);
	w->network = network_new(scenario);
	if (!events_init(&w->events, n_timers) || !take_tables(w) ||
	    !w->network || !(w->migrate = migrate_new(w)) ||
	    (blocks(w) && !(w->couple = couple_new(w)))) {
		err_set(err,
		    "no memory for a world of %u VMs on %u hosts (%llu timers "
		    "of at most %u)",
		    w->model->n_vms, w->model->n_hosts,
		    (unsigned long long)n_timers, 1u << EVENT_TIMER_BITS);
		world_free(w);
		return NULL;
	}
	w->exchanges = exchanges(w);
	w->observed_ns = -1;
	w->metrics.first_start_ns = -1;
	w->metrics.last_end_ns = -1;
	w->fate = stream_of(seed, "migration", 0);
	w->vnet_draws = stream_of(seed, "vnet", 0);
	w->background_draws = stream_of(seed, "background", 0);
	fill_tables(w);
	set_env_timers(w);
	fault_init(w);
	return w;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	events_fini(&w->events);
	for (uint32_t h = 0; w->cpu_hosts && h < w->model->n_hosts; h++)
		cpu_fini_host(&w->cpu_hosts[h]);
	network_free(w->network);
	migrate_free(w->migrate);
	couple_free(w->couple);
	free(w->cpu_vms);
	free(w->cpu_hosts);
	free(w->vms);
	free(w->hosts);
	free(w->envs);
	free(w->dirty_hosts);
	free(w->dirty_envs);
	free(w->ids);
	free(w->host_ids);
	free(w->host_scratch);
	free(w->weights);
	free(w->bounds);
	free(w->shares);
	free(w->tasks);
	free(w->outcomes);
	free(w);
}

void world_touch_env(struct world *w, uint32_t e)
{
	if (w->envs[e].dirty)
		return;
	w->envs[e].dirty = true;
	w->dirty_envs[w->n_dirty_envs++] = e;
}

/* The exchange of an application whose VMs, or whose network's other users,
 * are elsewhere than before. */
static void find_exchange(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];
	const struct workload *load = world_workload(w, e);
	uint32_t n = 0;

	if (!w->envs[e].spread_changed || load->kind != WORKLOAD_STAGES)
		return;
	w->envs[e].spread_changed = false;
	for (uint32_t i = 0; i < env->n_vms; i++)
		if (world_is_compute(w, env->first_vm + i))
			w->host_ids[n++] = w->vms[env->first_vm + i].host;
	w->envs[e].exchange_s = network_exchange_s(w->network, w->host_ids, n,
	    load->stages[w->envs[e].stage].exchange_bytes);
}

static bool is_paced(const struct world *w, uint32_t e)
{
	return w->envs[e].state == ENV_RUNNING && w->envs[e].start_ns >= 0;
}

void world_settle(struct world *w)
{
	migrate_settle(w);
	for (uint32_t i = 0; i < w->n_dirty_envs; i++)
		if (is_paced(w, w->dirty_envs[i]))
			find_exchange(w, w->dirty_envs[i]);
	cpu_settle(w);
	for (uint32_t i = 0; i < w->n_dirty_envs; i++) {
		uint32_t e = w->dirty_envs[i];

		w->envs[e].dirty = false;
		if (is_paced(w, e) && workload_of(w, e)->pace)
			workload_of(w, e)->pace(w, e);
	}
	w->n_dirty_envs = 0;
}

static void make_room(struct world *w)
{
	size_t n = w->max_outcomes ? 2 * w->max_outcomes : 64;

	if (w->n_outcomes < w->max_outcomes)
		return;
	w->outcomes = realloc(w->outcomes, n * sizeof *w->outcomes);
	if (!w->outcomes)
		abort();
	w->max_outcomes = n;
}

void world_tell(struct world *w, struct ticket ticket, enum outcome_kind kind,
    const char *text)
{
	if (ticket.sequence == NO_TICKET.sequence)
		return;
	if (w->first_outcome == w->n_outcomes) {
		w->first_outcome = 0;
		w->n_outcomes = 0;
	}
	make_room(w);
	w->outcomes[w->n_outcomes++] = (struct world_outcome){
	    .ticket = ticket, .at_ns = w->now_ns, .kind = kind, .text = text};
}
