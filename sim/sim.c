/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The clock: fires events in order, brings the world up to date after each,
 * and steps the manager every period; see sim.h.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/environment.h"
#include "sim/fault.h"
#include "sim/memory.h"
#include "sim/migrate.h"
#include "sim/series.h"
#include "sim/workload.h"
#include "sim/world.h"

enum {
	/* Steps of the manager without an action, when no event is pending
	 * and there is no stop time, after which nothing more will happen:
	 * more than any policy waits for. */
	IDLE_STEPS = 64,
	PROGRESS_EVENTS = 1 << 16, /* between two calls of progress */
};

struct sim {
	struct world *world;
	struct series series;
	struct manager *manager;
	void *manager_memory;
	struct sim_listener listener;
	struct err err;
	uint32_t idle_steps;
	bool failed, ended;
};

static bool lay_out_manager(struct sim *sim, const struct policy *policy,
    const double *values, struct err *err)
{
	const struct scenario *s = sim->world->scenario;
	struct manager_options options = {.limits = s->manager.limits};
	struct arena count = {0}, real = {0};

	manager_lay_out(&count, &s->model, policy, values, &options,
	    &sim->listener.manager);
	real.size = count.used;
	sim->manager_memory = calloc(1, count.used + 64);
	if (!sim->manager_memory)
		return err_set(err, "no memory for the manager: %zu bytes",
		    count.used);
	real.base = sim->manager_memory;
	sim->manager = manager_lay_out(&real, &s->model, policy, values,
	    &options, &sim->listener.manager);
	return true;
}

struct sim *sim_new(const struct scenario *scenario,
    const struct policy *policy, const double *values, uint64_t seed,
    const struct sim_listener *listener, struct err *err)
{
	struct sim *sim = calloc(1, sizeof *sim);

	if (!sim) {
		err_set(err, "no memory for a simulation");
		return NULL;
	}
	if (listener)
		sim->listener = *listener;
	sim->world = world_new(
	    scenario, seed ? seed : scenario->seed, &sim->listener, err);
	if (!sim->world || !lay_out_manager(sim, policy, values, err)) {
		sim_free(sim);
		return NULL;
	}
	/* Behind all that the scenario asks for at time 0. */
	world_set_timer(sim->world, TIMER_MANAGER, 0, 0);
	if (!series_init(&sim->series, sim->world)) {
		err_set(err, "no memory for the time series");
		sim_free(sim);
		return NULL;
	}
	return sim;
}

void sim_free(struct sim *sim)
{
	if (!sim)
		return;
	series_fini(&sim->series);
	world_free(sim->world);
	free(sim->manager_memory);
	free(sim);
}

/* Does anything happen besides what happens every period? */
static bool is_anything_pending(const struct world *w)
{
	uint32_t periodic =
	    event_is_set(&w->events, world_timer(w, TIMER_MANAGER, 0)) +
	    event_is_set(&w->events, world_timer(w, TIMER_SERIES, 0));

	return w->events.n > periodic;
}

static void step_manager(struct sim *sim)
{
	struct world *w = sim->world;

	w->metrics.n_steps++;
	w->n_started = 0;
	if (!manager_step(sim->manager, &backend_sim, w, &sim->err)) {
		sim->failed = true;
		return;
	}
	if (w->n_started || is_anything_pending(w) ||
	    w->scenario->stop_ns != TIME_NEVER)
		sim->idle_steps = 0;
	else
		sim->idle_steps++;
	world_set_timer(w, TIMER_MANAGER, 0,
	    w->now_ns + w->scenario->manager.period_ns);
}

static void fire_env_work(struct world *w, uint32_t e)
{
	workload_of(w, e)->env_fired(w, e);
}

static void destroy_env(struct world *w, uint32_t e)
{
	environment_kill(w, e, ENV_ENDED, "destroyed");
}

/* What a timer does; those of the run itself have none here. */
static void (*const handlers[N_TIMER_KINDS])(struct world *, uint32_t) = {
    [TIMER_HOST] = cpu_host_fired,
    [TIMER_BALLOON] = memory_balloon_fired,
    [TIMER_MIGRATION] = migrate_fired,
    [TIMER_ENV_WORK] = fire_env_work,
    [TIMER_ENV_NETWORK] = environment_network_fired,
    [TIMER_ENV_ASK] = environment_ask,
    [TIMER_ENV_DESTROY] = destroy_env,
    [TIMER_HOST_FATE] = fault_host_fired,
    [TIMER_HOST_FAIL] = fault_host_fail,
    [TIMER_EVENT] = fault_event_fired,
};

static void fire(struct sim *sim, uint32_t timer)
{
	struct world *w = sim->world;
	uint32_t kind = 0;

	while (timer >= w->timers[kind + 1])
		kind++;
	if (handlers[kind])
		handlers[kind](w, timer - w->timers[kind]);
	else if (kind == TIMER_MANAGER)
		step_manager(sim);
	else
		series_fired(&sim->series, w);
}

static void end(struct sim *sim)
{
	struct world *w = sim->world;

	sim->ended = true;
	series_end(&sim->series, w);
	for (uint32_t e = 0; e < w->model->n_envs; e++)
		environment_stop(w, e);
	w->metrics.end_ns = w->now_ns;
	w->metrics.energy_cpu_s = 0;
	for (uint32_t h = 0; h < w->model->n_hosts; h++)
		w->metrics.energy_cpu_s += cpu_host_used_s(w, h);
}

static bool is_over(const struct sim *sim)
{
	const struct world *w = sim->world;

	return sim->failed || sim->idle_steps >= IDLE_STEPS ||
	       (w->n_open == 0 && migrate_count(w) == 0) || w->events.n == 0;
}

/* When the last of what is known now will have happened: of each environment
 * its next event, or the stop of its tasks. */
static int64_t guess_end_ns(const struct world *w)
{
	int64_t end_ns = w->now_ns;

	for (uint32_t e = 0; e < w->model->n_envs; e++) {
		const struct workload *load = world_workload(w, e);
		int64_t next_ns = event_time(
		    &w->events, world_timer(w, TIMER_ENV_WORK, e));

		if (load->kind == WORKLOAD_TASKS)
			next_ns = load->stop_ns;
		if (load->kind == WORKLOAD_TRACE && w->envs[e].start_ns >= 0 &&
		    load->duration_ns != TIME_NEVER)
			next_ns = w->envs[e].start_ns + load->duration_ns;
		if (w->envs[e].open && next_ns != TIME_NEVER &&
		    next_ns > end_ns)
			end_ns = next_ns;
	}
	return end_ns < w->scenario->stop_ns ? end_ns : w->scenario->stop_ns;
}

static void tell_progress(const struct sim *sim)
{
	const struct world *w = sim->world;

	if (sim->listener.progress)
		sim->listener.progress(
		    sim->listener.self, w->now_ns, guess_end_ns(w));
}

/* What was fired when, in order: the same for the same run. */
static uint64_t digest(uint64_t so_far, int64_t now_ns, uint32_t timer)
{
	return (so_far ^ (uint64_t)now_ns ^ (uint64_t)timer << 40) *
	       0x9E3779B97F4A7C15u;
}

bool sim_step(struct sim *sim)
{
	struct world *w = sim->world;
	int64_t next_ns = events_next_ns(&w->events);
	uint64_t order;
	uint32_t timer;

	if (sim->ended)
		return false;
	if (next_ns > w->scenario->stop_ns || is_over(sim)) {
		if (next_ns > w->scenario->stop_ns && !is_over(sim))
			w->now_ns = w->scenario->stop_ns;
		end(sim);
		return false;
	}
	w->now_ns = next_ns;
	w->metrics.end_ns = next_ns;
	timer = event_fire_begin(&w->events, &order);
	fire(sim, timer);
	event_fire_end(&w->events, timer, order);
	world_settle(w);
	w->metrics.event_digest =
	    digest(w->metrics.event_digest, next_ns, timer);
	if (++w->metrics.n_events % PROGRESS_EVENTS == 0)
		tell_progress(sim);
	return true;
}

bool sim_run(struct sim *sim, struct err *err)
{
	while (sim_step(sim))
		;
	if (sim->failed && err)
		*err = sim->err;
	return !sim->failed;
}

bool sim_check(const struct sim *sim, struct err *err)
{
	return world_check(sim->world, err);
}

const struct sim_metrics *sim_metrics(const struct sim *sim)
{
	return &sim->world->metrics;
}
