/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live migrations in the world; see migrate.h. */
#include "sim/migrate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/environment.h"
#include "sim/memory.h"
#include "sim/precopy.h"
#include "sim/workload.h"

enum phase {
	PHASE_WAITS, /* the next round starts when the flow's rate is known */
	PHASE_ROUND,
	PHASE_LANDS,
};

/* One that is under way. */
struct migration {
	struct precopy precopy;
	struct sim_migration told;
	enum phase phase;
	bool suspended;
	uint32_t vm;
	uint32_t flow;
	int64_t round_ns; /* the round began */
	int64_t last_ns;  /* left_bits is as of then */
	double left_bits;
	double rate_bps;
	double used_s;    /* the VM's CPU seconds when the round began */
};

struct migrate {
	struct migration *rows;
	uint32_t *free;      /* rows that are not in use, a stack */
	uint32_t *of_flow;   /* row by flow */
	uint32_t *waiting;   /* VMs whose round waits for its rate */
	uint32_t n_rows, n_free, n_flows, n_waiting;
	uint32_t n_begun;
	bool touched;
};

struct migrate *migrate_new(const struct world *w)
{
	struct migrate *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->waiting = calloc(w->model->n_vms + 1, sizeof *m->waiting);
	if (m->waiting)
		return m;
	free(m);
	return NULL;
}

void migrate_free(struct migrate *m)
{
	if (!m)
		return;
	free(m->rows);
	free(m->free);
	free(m->of_flow);
	free(m->waiting);
	free(m);
}

static void *grow(void *old, size_t n, size_t size)
{
	void *bigger = realloc(old, n * size);

	if (!bigger)
		abort();
	return bigger;
}

static uint32_t take_row(struct migrate *m)
{
	if (m->n_free == 0) {
		uint32_t n = m->n_rows ? 2 * m->n_rows : 16;

		m->rows = grow(m->rows, n, sizeof *m->rows);
		m->free = grow(m->free, n, sizeof *m->free);
		for (uint32_t ix = n; ix > m->n_rows; ix--)
			m->free[m->n_free++] = ix - 1;
		m->n_rows = n;
	}
	return m->free[--m->n_free];
}

static struct migration *row_of(const struct world *w, uint32_t v)
{
	assert(w->vms[v].migration != ID_NONE);
	return &w->migrate->rows[w->vms[v].migration];
}

static void open_flow(struct world *w, struct migration *row, uint32_t ix)
{
	struct migrate *m = w->migrate;

	row->flow = network_open_flow(w->network, row->told.from,
	    row->told.to, precopy_rate_limit_bps(&row->precopy),
	    stream_uniform(&w->background_draws));
	if (row->flow == ID_NONE)
		abort();
	if (row->flow >= m->n_flows) {
		uint32_t n = 2 * row->flow + 16;

		m->of_flow = grow(m->of_flow, n, sizeof *m->of_flow);
		m->n_flows = n;
	}
	m->of_flow[row->flow] = ix;
	m->touched = true;
}

static void close_flow(struct world *w, struct migration *row)
{
	if (row->flow == ID_NONE)
		return;
	network_close_flow(w->network, row->flow);
	row->flow = ID_NONE;
	w->migrate->touched = true;
}

static void wait_for_rate(struct world *w, struct migration *row)
{
	row->phase = PHASE_WAITS;
	w->migrate->waiting[w->migrate->n_waiting++] = row->vm;
}

void migrate_start(
    struct world *w, uint32_t v, uint32_t to, struct ticket ticket)
{
	struct world_vm *vm = &w->vms[v];
	uint32_t ix = take_row(w->migrate);
	struct migration *row = &w->migrate->rows[ix];

	assert(vm->state == VM_RUNNING && vm->migration == ID_NONE);
	memory_advance(w, v);
	memset(row, 0, sizeof *row);
	row->vm = v;
	row->told = (struct sim_migration){.vm = {v},
	    .from = vm->host,
	    .to = {to},
	    .network_ns = -1,
	    .migration = w->migrate->n_begun++,
	    .start_ns = w->now_ns};
	precopy_begin(&row->precopy, &w->scenario->migration,
	    vm->mem_alloc_kib, vm->mem_used_kib, workload_sets(w, v));
	open_flow(w, row, ix);
	cpu_migrates(w, vm->host.ix, 1);
	cpu_migrates(w, to, 1);
	vm->state = VM_MIGRATING;
	vm->target = (struct host_id){to};
	vm->migration = ix;
	vm->placing = ticket;
	vm->speed_copied = 1 - w->scenario->migration.slowdown;
	memory_apply_speed(w, v);
	w->metrics.n_migrations++;
	if (w->listener->migration_began)
		w->listener->migration_began(
		    w->listener->self, w->now_ns, &row->told);
	wait_for_rate(w, row);
}

/* How fast the guest runs, as a fraction of what it would if it had all the
 * CPU that it wants: used_s in span_s seconds. */
static double guest_speed(
    const struct world *w, uint32_t v, double used_s, double span_s)
{
	double wanted = fmin(w->vms[v].demand_mcpu,
	                    w->model->vms[v].vcpu_mcpu) * 1e-3;

	if (wanted <= 0 || span_s <= 0)
		return 0;
	return fmin(1, used_s / span_s / wanted) * w->cpu_vms[v].speed;
}

static void set_round_timer(struct world *w, const struct migration *row)
{
	int64_t end_ns = TIME_NEVER;

	if (row->left_bits <= 0)
		end_ns = w->now_ns;
	else if (row->rate_bps > 0)
		end_ns = world_after(w, row->left_bits / row->rate_bps);
	world_set_timer(w, TIMER_MIGRATION, row->vm, end_ns);
}

static void start_round(struct world *w, struct migration *row)
{
	row->rate_bps = network_rate_bps(w->network, row->flow);
	row->used_s = cpu_vm_used_s(w, row->vm);
	row->round_ns = w->now_ns;
	row->last_ns = w->now_ns;
	precopy_start_round(&row->precopy, row->rate_bps,
	    guest_speed(w, row->vm, w->cpu_vms[row->vm].rate, 1));
	row->left_bits = 8 * precopy_bytes(row->precopy.round.sent_pages);
	row->phase = PHASE_ROUND;
	set_round_timer(w, row);
}

static void tell_round(struct world *w, struct migration *row)
{
	const struct precopy_round *ended = &row->precopy.round;
	int64_t duration_ns = w->now_ns - row->round_ns;
	double bytes = precopy_bytes(ended->sent_pages);
	struct sim_round round = {.vm = {row->vm},
	    .start_ns = row->round_ns,
	    .migration = row->told.migration,
	    .round = ended->number,
	    .sent_pages = ended->sent_pages,
	    .skipped_pages = ended->skipped_pages,
	    .dirtied_pages = ended->dirtied_pages,
	    .duration_ns = duration_ns};

	if (duration_ns > 0)
		round.rate_bps = 8 * bytes / ns_to_s(duration_ns);
	row->told.rounds = ended->number;
	row->told.sent_bytes += bytes;
	if (w->listener->round_ended)
		w->listener->round_ended(w->listener->self, &round);
}

/* Takes the row away and tells what came of it. */
static void close_row(
    struct world *w, struct migration *row, const char *outcome)
{
	struct world_vm *vm = &w->vms[row->vm];
	struct migrate *m = w->migrate;

	close_flow(w, row);
	cpu_migrates(w, row->told.from.ix, -1);
	cpu_migrates(w, row->told.to.ix, -1);
	world_cancel_timer(w, TIMER_MIGRATION, row->vm);
	for (uint32_t i = 0; i < m->n_waiting; i++)
		if (m->waiting[i] == row->vm)
			m->waiting[i--] = m->waiting[--m->n_waiting];
	row->told.end_ns = w->now_ns;
	row->told.outcome = outcome;
	if (w->listener->migration_ended)
		w->listener->migration_ended(w->listener->self, &row->told);
	m->free[m->n_free++] = vm->migration;
	vm->migration = ID_NONE;
	vm->speed_copied = 1;
}

void migrate_abort(struct world *w, uint32_t v, const char *outcome)
{
	struct migration *row = row_of(w, v);
	struct world_vm *vm = &w->vms[v];
	bool suspended = row->suspended;
	uint64_t held = memory_held_kib(vm);

	w->metrics.n_migrations_failed++;
	close_row(w, row, outcome);
	memory_give(w, vm->target.ix, held);
	vm->target = NO_HOST;
	vm->state = VM_RUNNING;
	memory_apply_speed(w, v);
	world_tell(w, vm->placing, OUTCOME_FAILED, outcome);
	vm->placing = NO_TICKET;
	if (suspended) {
		cpu_hold(w, v, false);
		environment_landed(w, w->model->vms[v].env.ix, false, 0);
	}
}

void migrate_drop(struct world *w, uint32_t v, const char *text)
{
	struct world_vm *vm = &w->vms[v];

	w->metrics.n_migrations_failed++;
	close_row(w, row_of(w, v), "failed");
	cpu_hold(w, v, false);
	world_tell(w, vm->placing, OUTCOME_FAILED, text);
	vm->placing = NO_TICKET;
}

static void suspend(struct world *w, struct migration *row)
{
	if (stream_uniform(&w->fate) < w->scenario->migration.failure) {
		migrate_abort(w, row->vm, "failed");
		return;
	}
	row->suspended = true;
	row->told.downtime_ns = -w->now_ns;
	cpu_hold(w, row->vm, true);
	environment_cut(w, w->model->vms[row->vm].env.ix);
	network_limit_flow(
	    w->network, row->flow, precopy_rate_limit_bps(&row->precopy));
	w->migrate->touched = true;
	wait_for_rate(w, row);
}

static void land(struct world *w, struct migration *row)
{
	uint32_t v = row->vm, e = w->model->vms[v].env.ix;
	struct world_vm *vm = &w->vms[v];
	struct host_id from = row->told.from, to = row->told.to;
	bool across = w->model->hosts[from.ix].domain.ix !=
	              w->model->hosts[to.ix].domain.ix;
	int64_t network_ns;

	row->told.downtime_ns += w->now_ns;
	network_ns = vnet_reestablish_ns(&w->scenario->vnet, !across,
	    stream_gaussian(&w->vnet_draws, 1));
	row->told.network_ns = network_ns;
	close_row(w, row, "done");
	vm->host = to;
	vm->target = NO_HOST;
	vm->state = VM_RUNNING;
	vm->since_ns = w->now_ns;
	w->hosts[to.ix].n_vms++;
	w->hosts[from.ix].n_vms--;
	memory_give(w, from.ix, memory_held_kib(vm));
	cpu_move(w, v, to.ix);
	cpu_hold(w, v, false);
	memory_apply_speed(w, v);
	w->envs[e].spread_changed = true;
	world_tell(w, vm->placing, OUTCOME_DONE, "");
	vm->placing = NO_TICKET;
	if (w->listener->vm_moved)
		w->listener->vm_moved(
		    w->listener->self, w->now_ns, (struct vm_id){v}, from, to);
	environment_landed(w, e, across, network_ns);
}

static void end_round(struct world *w, struct migration *row)
{
	double span_s = ns_to_s(w->now_ns - row->round_ns);
	enum precopy_next next = precopy_end_round(&row->precopy, span_s,
	    guest_speed(w, row->vm,
	        cpu_vm_used_s(w, row->vm) - row->used_s, span_s));

	tell_round(w, row);
	switch (next) {
	case PRECOPY_ROUND:
		network_limit_flow(w->network, row->flow,
		    precopy_rate_limit_bps(&row->precopy));
		w->migrate->touched = true;
		wait_for_rate(w, row);
		break;
	case PRECOPY_STOP:
		suspend(w, row);
		break;
	case PRECOPY_DONE:
		close_flow(w, row);
		row->phase = PHASE_LANDS;
		world_set_timer(w, TIMER_MIGRATION, row->vm,
		    w->now_ns + w->scenario->migration.down_fixed_ns);
		break;
	}
}

void migrate_fired(struct world *w, uint32_t v)
{
	struct migration *row = row_of(w, v);

	if (row->phase == PHASE_LANDS)
		land(w, row);
	else
		end_round(w, row);
}

/* A flow's rate is another from now on. */
static void change_rate(struct world *w, struct migration *row)
{
	if (row->phase != PHASE_ROUND)
		return;
	row->left_bits -= row->rate_bps * ns_to_s(w->now_ns - row->last_ns);
	row->last_ns = w->now_ns;
	row->rate_bps = network_rate_bps(w->network, row->flow);
	set_round_timer(w, row);
}

/* Messages meet other transfers now. */
static void touch_spread_envs(struct world *w)
{
	for (uint32_t e = 0; e < w->model->n_envs; e++)
		if (w->envs[e].state == ENV_RUNNING) {
			w->envs[e].spread_changed = true;
			world_touch_env(w, e);
		}
}

void migrate_settle(struct world *w)
{
	struct migrate *m = w->migrate;
	const uint32_t *changed;
	uint32_t n;

	if (!m->touched)
		return;
	m->touched = false;
	changed = network_solve(w->network, &n);
	for (uint32_t i = 0; i < n; i++)
		change_rate(w, &m->rows[m->of_flow[changed[i]]]);
	for (uint32_t i = 0; i < m->n_waiting; i++)
		start_round(w, row_of(w, m->waiting[i]));
	m->n_waiting = 0;
	if (w->exchanges)
		touch_spread_envs(w);
}

void migrate_touch(struct world *w)
{
	w->migrate->touched = true;
}

uint32_t migrate_count(const struct world *w)
{
	return w->migrate->n_rows - w->migrate->n_free;
}
