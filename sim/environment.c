/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of an environment and of its VMs; see environment.h. */
#include "sim/environment.h"

#include <math.h>

#include "sim/memory.h"
#include "sim/migrate.h"
#include "sim/workload.h"

static const struct env_setup *setup_of(const struct world *w, uint32_t e)
{
	return &w->scenario->envs[e];
}

/* What a VM uses whose application does not run; a head always does. */
static uint64_t idle_kib(const struct world *w, uint32_t v)
{
	const struct env_setup *setup = setup_of(w, w->model->vms[v].env.ix);

	return world_is_compute(w, v) ? setup->mem_idle_kib
	                              : setup->head_used_kib;
}

/* Work is drawn once, evenly within +- the scenario's variation. */
static double draw_work_factor(const struct world *w, uint32_t e)
{
	struct stream stream = stream_of(w->seed, "work", e);
	double spread = w->scenario->variation.work;

	return 1 + spread * (2 * stream_uniform(&stream) - 1);
}

void environment_ask(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];

	if (w->envs[e].state != ENV_ABSENT)
		return;
	w->envs[e].state = ENV_QUEUED;
	w->envs[e].queued_ns = w->now_ns;
	w->envs[e].work_factor = draw_work_factor(w, e);
	for (uint32_t i = 0; i < env->n_vms; i++)
		w->vms[env->first_vm + i].state = VM_QUEUED;
}

static void tell_moved(
    const struct world *w, uint32_t v, struct host_id from, struct host_id to)
{
	if (w->listener->vm_moved)
		w->listener->vm_moved(w->listener->self, w->now_ns,
		    (struct vm_id){v}, from, to);
}

void environment_place_vm(struct world *w, uint32_t v, uint32_t h,
    uint64_t mem_kib, uint32_t weight, struct ticket ticket)
{
	struct world_vm *vm = &w->vms[v];
	uint32_t e = w->model->vms[v].env.ix;
	int64_t boot_ns = setup_of(w, e)->boot_ns;

	vm->state = VM_STARTING;
	vm->host = (struct host_id){h};
	vm->since_ns = w->now_ns;
	vm->balloon_ns = w->now_ns;
	vm->mem_alloc_kib = mem_kib;
	vm->mem_target_kib = mem_kib;
	vm->speed_copied = 1;
	vm->speed_swapped = 1;
	vm->placing = ticket;
	w->hosts[h].n_vms++;
	cpu_set_share(w, v, weight, 0);
	cpu_move(w, v, h);
	tell_moved(w, v, NO_HOST, vm->host);
	if (++w->envs[e].n_placed == w->model->envs[e].n_vms)
		w->envs[e].state = ENV_RUNNING;
	w->cpu_vms[v].flags |= CPU_BOOTS;
	if (boot_ns > 0)
		cpu_wake(w, v, w->now_ns + boot_ns);
	else
		environment_vm_booted(w, v);
}

static void begin(struct world *w, uint32_t e)
{
	const struct workload_model *model = workload_of(w, e);

	w->envs[e].start_ns = w->now_ns;
	if (w->metrics.first_start_ns < 0)
		w->metrics.first_start_ns = w->now_ns;
	if (model->begin)
		model->begin(w, e);
}

void environment_vm_booted(struct world *w, uint32_t v)
{
	uint32_t e = w->model->vms[v].env.ix;

	w->vms[v].state = VM_RUNNING;
	w->cpu_vms[v].flags &= (uint8_t)~CPU_BOOTS;
	world_tell(w, w->vms[v].placing, OUTCOME_DONE, "");
	w->vms[v].placing = NO_TICKET;
	if (!world_is_compute(w, v) && setup_of(w, e)->head_mcpu > 0) {
		cpu_demand(w, v, setup_of(w, e)->head_mcpu);
		cpu_work(w, v, WORK_ENDLESS);
	}
	if (!memory_use(w, v, idle_kib(w, v)))
		return;
	if (++w->envs[e].n_running == w->model->envs[e].n_vms)
		begin(w, e);
}

static void tell_ended(const struct world *w, uint32_t e)
{
	const struct world_env *env = &w->envs[e];
	struct sim_env_end end = {.env = {e},
	    .created_ns = env->queued_ns,
	    .start_ns = env->start_ns,
	    .end_ns = env->end_ns,
	    .outcome = env->outcome};

	if (w->listener->env_ended)
		w->listener->env_ended(w->listener->self, &end);
}

/* The first end of an environment is the one that counts. */
static void close_env(struct world *w, uint32_t e, const char *outcome)
{
	struct world_env *env = &w->envs[e];

	if (!env->open)
		return;
	env->open = false;
	w->n_open--;
	env->end_ns = w->now_ns;
	env->outcome = outcome;
	if (env->start_ns >= 0)
		w->metrics.last_end_ns = w->now_ns;
	tell_ended(w, e);
}

static void stop_application(struct world *w, uint32_t e)
{
	const struct workload_model *model = workload_of(w, e);
	const struct environment *env = &w->model->envs[e];

	if (w->envs[e].start_ns >= 0 && w->envs[e].state == ENV_RUNNING &&
	    model->stop)
		model->stop(w, e);
	world_cancel_timer(w, TIMER_ENV_WORK, e);
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (!world_is_compute(w, v))
			continue;
		cpu_rest(w, v);
		cpu_wake(w, v, TIME_NEVER);
	}
}

/* Takes a VM off its host, whatever it was doing. */
static void remove_vm(struct world *w, uint32_t v, enum vm_state state)
{
	struct world_vm *vm = &w->vms[v];
	struct host_id from = vm->host;

	if (vm->migration != ID_NONE)
		migrate_drop(w, v, "the VM is gone");
	world_tell(w, vm->placing, OUTCOME_FAILED, "the VM is gone");
	world_tell(w, vm->ballooning, OUTCOME_FAILED, "the VM is gone");
	vm->placing = NO_TICKET;
	vm->ballooning = NO_TICKET;
	vm->state = state;
	w->cpu_vms[v].flags &= (uint8_t)~CPU_BOOTS;
	if (host_none(from))
		return;
	cpu_rest(w, v);
	cpu_move(w, v, ID_NONE);
	w->hosts[from.ix].n_vms--;
	memory_leave(w, v);
	vm->host = NO_HOST;
	vm->target = NO_HOST;
	w->envs[w->model->vms[v].env.ix].n_placed--;
	tell_moved(w, v, from, NO_HOST);
}

static void remove_vms(struct world *w, uint32_t e, enum vm_state state)
{
	const struct environment *env = &w->model->envs[e];

	world_cancel_timer(w, TIMER_ENV_NETWORK, e);
	w->envs[e].stalled = false;
	w->envs[e].lingers = false;
	for (uint32_t i = 0; i < env->n_vms; i++)
		remove_vm(w, env->first_vm + i, state);
}

static void keep_vms_idle(struct world *w, uint32_t e)
{
	const struct environment *env = &w->model->envs[e];

	w->envs[e].state = ENV_IDLE;
	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;

		if (w->envs[e].state == ENV_IDLE)
			memory_use(w, v, idle_kib(w, v));
	}
}

void environment_end(struct world *w, uint32_t e)
{
	stop_application(w, e);
	close_env(w, e, "done");
	if (setup_of(w, e)->at_end == AT_END_KEEP) {
		keep_vms_idle(w, e);
		return;
	}
	w->envs[e].state = ENV_ENDED;
	remove_vms(w, e, VM_ABSENT);
	world_cancel_timer(w, TIMER_ENV_DESTROY, e);
}

void environment_kill(
    struct world *w, uint32_t e, enum env_state state, const char *outcome)
{
	world_cancel_timer(w, TIMER_ENV_ASK, e);
	world_cancel_timer(w, TIMER_ENV_DESTROY, e);
	stop_application(w, e);
	w->envs[e].state = state;
	remove_vms(w, e, state == ENV_CRASHED ? VM_DEAD : VM_ABSENT);
	close_env(w, e, outcome);
}

void environment_destroy_vm(struct world *w, uint32_t v)
{
	uint32_t e = w->model->vms[v].env.ix;

	if (w->envs[e].state != ENV_IDLE) {
		environment_kill(w, e, ENV_ENDED, "destroyed");
		return;
	}
	remove_vm(w, v, VM_ABSENT);
	if (w->envs[e].n_placed == 0)
		environment_kill(w, e, ENV_ENDED, "destroyed");
}

void environment_cut(struct world *w, uint32_t e)
{
	struct world_env *env = &w->envs[e];

	if (!env->stalled) {
		env->stalled = true;
		env->stalled_ns = w->now_ns;
	}
	env->lingers = false;
	vnet_cut(&env->vnet, &w->scenario->vnet, w->now_ns);
	world_cancel_timer(w, TIMER_ENV_NETWORK, e);
	world_touch_env(w, e);
}

void environment_landed(
    struct world *w, uint32_t e, bool across, int64_t network_ns)
{
	struct world_env *env = &w->envs[e];

	if (across)
		env->moved_ns = w->now_ns;
	vnet_land(&env->vnet, w->now_ns, network_ns);
	world_set_timer(w, TIMER_ENV_NETWORK, e,
	    vnet_resume_ns(&env->vnet, &w->scenario->vnet));
}

void environment_network_fired(struct world *w, uint32_t e)
{
	struct world_env *env = &w->envs[e];
	int64_t linger_ns = w->scenario->vnet.linger_ns;

	world_touch_env(w, e);
	if (env->lingers) {
		env->lingers = false;
		return;
	}
	env->stalled = false;
	if (w->listener->env_stalled)
		w->listener->env_stalled(w->listener->self,
		    (struct env_id){e}, env->stalled_ns, w->now_ns, linger_ns);
	if (linger_ns > 0) {
		env->lingers = true;
		world_set_timer(
		    w, TIMER_ENV_NETWORK, e, w->now_ns + linger_ns);
	}
}

void environment_stop(struct world *w, uint32_t e)
{
	struct world_env *env = &w->envs[e];

	if (!env->open)
		return;
	if (env->state == ENV_RUNNING && env->start_ns >= 0 &&
	    workload_of(w, e)->stop)
		workload_of(w, e)->stop(w, e);
	env->outcome = env->start_ns >= 0 ? "running" : "queued";
	tell_ended(w, e);
}
