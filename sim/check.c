/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The invariants of the simulated world; see check.h. */
#include "sim/check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/memory.h"
#include "sim/workload.h"

#define EPSILON 1e-9

struct sums {
	uint64_t held_kib;
	uint32_t n_vms;
	double rate, bound;
};

static bool is_placed(const struct world_vm *vm)
{
	return vm->state == VM_STARTING || vm->state == VM_RUNNING ||
	       vm->state == VM_MIGRATING || vm->state == VM_LEAVING;
}

static bool is_there(const struct world *w, struct host_id host)
{
	enum host_state state = w->hosts[host.ix].state;

	return state == HOST_UP || state == HOST_DRAINING;
}

static bool check_nowhere(const struct world *w, uint32_t v, struct err *err)
{
	const struct world_vm *vm = &w->vms[v];
	const struct cpu_vm *cpu = &w->cpu_vms[v];

	if (!host_none(vm->host) || !host_none(vm->target) ||
	    cpu->host != ID_NONE)
		return err_set(err, "VM %u is nowhere, yet on a host", v);
	if (memory_held_kib(vm) || cpu->rate > 0)
		return err_set(err, "VM %u is nowhere, yet holds something", v);
	return true;
}

static bool check_migration(const struct world *w, uint32_t v, struct err *err)
{
	const struct world_vm *vm = &w->vms[v];
	bool moves = vm->state == VM_MIGRATING;

	if (moves != (vm->migration != ID_NONE) ||
	    moves != !host_none(vm->target))
		return err_set(err, "VM %u is half in a migration", v);
	if (moves && (!world_is_compute(w, v) || !is_there(w, vm->target)))
		return err_set(err, "VM %u may not move there", v);
	return true;
}

static bool check_vm(
    const struct world *w, uint32_t v, struct sums *sums, struct err *err)
{
	const struct world_vm *vm = &w->vms[v];
	const struct cpu_vm *cpu = &w->cpu_vms[v];
	struct sums *host;

	if (!check_migration(w, v, err))
		return false;
	if (!is_placed(vm))
		return check_nowhere(w, v, err);
	if (host_none(vm->host) || cpu->host != vm->host.ix)
		return err_set(err, "VM %u is placed, yet not on a host", v);
	if (!is_there(w, vm->host))
		return err_set(err, "VM %u is on a host that is not up", v);
	host = &sums[vm->host.ix];
	host->n_vms++;
	host->held_kib += memory_held_kib(vm);
	if (!host_none(vm->target))
		sums[vm->target.ix].held_kib += memory_held_kib(vm);
	if (!cpu_is_active(cpu) && cpu->rate > 0)
		return err_set(err, "VM %u gets CPU it does not want", v);
	if (cpu->rate < 0 || cpu->rate > cpu->bound_mcpu * 1e-3 + EPSILON)
		return err_set(err, "VM %u gets %g CPUs, above its bound", v,
		    cpu->rate);
	host->rate += cpu->rate;
	if (cpu_is_active(cpu))
		host->bound += cpu->bound_mcpu * 1e-3;
	return true;
}

static bool check_host(const struct world *w, uint32_t h,
    const struct sums *sum, struct err *err)
{
	const struct world_host *host = &w->hosts[h];
	double cpus = w->cpu_hosts[h].cpu_mcpu * 1e-3;
	double least = sum->bound < cpus ? sum->bound : cpus;

	if (sum->held_kib != host->mem_held_kib || sum->n_vms != host->n_vms)
		return err_set(err,
		    "host %u counts %" PRIu64 " KiB of %u VMs, they hold "
		    "%" PRIu64 " of %u", h, host->mem_held_kib, host->n_vms,
		    sum->held_kib, sum->n_vms);
	if (host->mem_held_kib > w->model->hosts[h].mem_kib)
		return err_set(err, "host %u: memory over-committed", h);
	if (sum->rate > cpus + EPSILON)
		return err_set(err, "host %u: %g CPUs of %g", h, sum->rate,
		    cpus);
	if (!w->couple && sum->rate < least - EPSILON)
		return err_set(err, "host %u: %g CPUs given, %g wanted", h,
		    sum->rate, sum->bound);
	return true;
}

static bool check_env(const struct world *w, uint32_t e, struct err *err)
{
	const struct environment *env = &w->model->envs[e];
	const struct world_env *now = &w->envs[e];
	uint32_t n_placed = 0;

	for (uint32_t i = 0; i < env->n_vms; i++)
		n_placed += is_placed(&w->vms[env->first_vm + i]);
	if (n_placed != now->n_placed)
		return err_set(err, "environment %u counts %u VMs, has %u", e,
		    now->n_placed, n_placed);
	if (n_placed &&
	    (now->state == ENV_ENDED || now->state == ENV_CRASHED))
		return err_set(err, "environment %u has ended, yet runs", e);
	return true;
}

bool world_check(const struct world *w, struct err *err)
{
	struct sums *sums = calloc(w->model->n_hosts + 1, sizeof *sums);
	bool ok = sums || err_set(err, "no memory to check the world");

	for (uint32_t v = 0; ok && v < w->model->n_vms; v++)
		ok = check_vm(w, v, sums, err);
	for (uint32_t h = 0; ok && h < w->model->n_hosts; h++)
		ok = check_host(w, h, &sums[h], err);
	for (uint32_t e = 0; ok && e < w->model->n_envs; e++)
		ok = check_env(w, e, err);
	free(sums);
	return ok;
}
