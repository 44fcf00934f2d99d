/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan and its check; see plan.h. */
#include "core/plan.h"

#include <assert.h>
#include <string.h>

enum { ACTIONS_PER_VM = 4 };

/* What the plan has done to a VM so far, as bits. */
enum {
	TOUCHED_CPU = 1,
	TOUCHED_MEM = 2,
	TOUCHED_WHOLE = 4,
	TOUCHED_ALL = TOUCHED_CPU | TOUCHED_MEM | TOUCHED_WHOLE
};

struct plan_check {
	uint64_t *free_kib; /* by host, after the actions accepted so far */
	uint32_t *moves;    /* by environment */
	uint8_t *touched;   /* by VM */
	/* one step's */
	const struct model *model;
	const struct observation *obs;
	const struct plan_limits *limits;
	uint32_t n_accepted;
};

void plan_lay_out(
    struct plan *plan, struct arena *arena, const struct model *model)
{
	plan->max_actions = model->n_vms * ACTIONS_PER_VM;
	plan->actions = ARENA_TAKE(arena, plan->max_actions, struct action);
	plan_clear(plan);
}

void plan_clear(struct plan *plan)
{
	plan->n_actions = 0;
	plan->n_groups = 0;
}

struct action *plan_add(
    struct plan *plan, enum action_kind kind, struct vm_id vm)
{
	struct action *action;

	assert(plan->n_actions < plan->max_actions);
	action = &plan->actions[plan->n_actions++];
	*action = (struct action){
	    .kind = kind, .vm = vm, .from = NO_HOST, .to = NO_HOST};
	return action;
}

uint32_t plan_new_group(struct plan *plan)
{
	return ++plan->n_groups;
}

struct plan_check *plan_check_lay_out(
    struct arena *arena, const struct model *model)
{
	struct plan_check *c = ARENA_TAKE(arena, 1, struct plan_check);
	struct plan_check made = {0};

	made.free_kib = ARENA_TAKE(arena, model->n_hosts, uint64_t);
	made.moves = ARENA_TAKE(arena, model->n_envs, uint32_t);
	made.touched = ARENA_TAKE(arena, model->n_vms, uint8_t);
	if (c)
		*c = made;
	return c;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * Free memory of each host: what is not held or promised to VMs on it or
 * heading to it, and never more than the hypervisor says is free.
 */
static void fill_free(struct plan_check *c)
{
	const struct model *m = c->model;

	for (uint32_t h = 0; h < m->n_hosts; h++)
		c->free_kib[h] = m->hosts[h].mem_kib;
	for (uint32_t v = 0; v < m->n_vms; v++) {
		const struct vm_observation *vm = &c->obs->vms[v];
		uint64_t held = vm_held_kib(vm);

		if (!vm_is_placed(vm))
			continue;
		c->free_kib[vm->host.ix] =
		    less(c->free_kib[vm->host.ix], held);
		if (!host_none(vm->target))
			c->free_kib[vm->target.ix] =
			    less(c->free_kib[vm->target.ix], held);
	}
	for (uint32_t h = 0; h < m->n_hosts; h++)
		if (c->free_kib[h] > c->obs->hosts[h].mem_free_kib)
			c->free_kib[h] = c->obs->hosts[h].mem_free_kib;
}

static bool is_up(const struct plan_check *c, struct host_id host)
{
	return host.ix < c->model->n_hosts &&
	       c->obs->hosts[host.ix].state == HOST_UP;
}

/* May be spoken to, though it takes no VM. */
static bool answers(const struct plan_check *c, struct host_id host)
{
	return is_up(c, host) ||
	       (host.ix < c->model->n_hosts &&
	           c->obs->hosts[host.ix].state == HOST_DRAINING);
}

static bool take(struct plan_check *c, struct host_id host, uint64_t kib)
{
	if (c->free_kib[host.ix] < kib)
		return false;
	c->free_kib[host.ix] -= kib;
	return true;
}

static const char *check_create(struct plan_check *c, const struct action *a)
{
	const struct vm *vm = &c->model->vms[a->vm.ix];

	if (c->obs->vms[a->vm.ix].state != VM_QUEUED)
		return "nobody asks for this VM";
	if (!is_up(c, a->to))
		return "the host is not up";
	if (!host_none(vm->home) && !host_is(vm->home, a->to))
		return "the VM has another home";
	if (a->weight < 1 || a->weight > WEIGHT_MAX)
		return "the weight is not in 1..65535";
	if (a->mem_kib < vm->mem_min_kib || a->mem_kib > vm->mem_max_kib)
		return "the memory is outside the VM's limits";
	return take(c, a->to, a->mem_kib) ? NULL : "the host has no room";
}

static const char *check_migrate(struct plan_check *c, const struct action *a)
{
	const struct vm *vm = &c->model->vms[a->vm.ix];
	const struct vm_observation *seen = &c->obs->vms[a->vm.ix];
	uint32_t most = c->limits->migrations_per_env;

	if (vm->is_head)
		return "a head VM does not move";
	if (seen->state != VM_RUNNING)
		return "the VM is not running";
	if (!is_up(c, a->to))
		return "the host is not up";
	if (host_is(a->to, seen->host))
		return "the VM is there already";
	if (most && c->moves[vm->env.ix] >= most)
		return "the environment has had its migrations";
	if (!take(c, a->to, vm_held_kib(seen)))
		return "the host has no room";
	c->moves[vm->env.ix]++;
	return NULL;
}

static const char *check_set_mem(struct plan_check *c, const struct action *a)
{
	const struct vm *vm = &c->model->vms[a->vm.ix];
	const struct vm_observation *seen = &c->obs->vms[a->vm.ix];

	if (seen->state != VM_RUNNING)
		return "the VM is not running";
	if (a->mem_kib < vm->mem_min_kib || a->mem_kib > vm->mem_max_kib)
		return "the memory is outside the VM's limits";
	/* What shrinks is free only when it has shrunk. */
	return take(c, seen->host, less(a->mem_kib, vm_held_kib(seen)))
	           ? NULL
	           : "the host has no room";
}

static const char *check_set_cpu(
    const struct plan_check *c, const struct action *a)
{
	if (c->obs->vms[a->vm.ix].state != VM_RUNNING)
		return "the VM is not running";
	return a->weight >= 1 && a->weight <= WEIGHT_MAX
	           ? NULL
	           : "the weight is not in 1..65535";
}

static const char *check_destroy(
    const struct plan_check *c, const struct action *a)
{
	enum vm_state state = c->obs->vms[a->vm.ix].state;

	return state == VM_RUNNING || state == VM_STARTING
	           ? NULL
	           : "the VM is not running";
}

static uint8_t touches(enum action_kind kind)
{
	switch (kind) {
	case ACTION_SET_CPU:
		return TOUCHED_CPU;
	case ACTION_SET_MEM:
		return TOUCHED_MEM;
	default:
		return TOUCHED_WHOLE;
	}
}

/* A share of CPU may be set and then the VM sent away: until it has left it
 * shares its host with those that stay.  A balloon and a migration do not
 * go together, and nothing follows either a move, a start or an end. */
static uint8_t conflicts(enum action_kind kind)
{
	switch (kind) {
	case ACTION_SET_CPU:
		return TOUCHED_CPU | TOUCHED_WHOLE;
	case ACTION_MIGRATE:
	case ACTION_SET_MEM:
		return TOUCHED_MEM | TOUCHED_WHOLE;
	default:
		return TOUCHED_ALL;
	}
}

/* Why not, or NULL; where NULL, the action's claims are taken. */
static const char *check_one(struct plan_check *c, const struct action *a)
{
	const char *refused = NULL;
	uint32_t most = c->limits->actions_per_period;

	if (a->vm.ix >= c->model->n_vms)
		return "there is no such VM";
	if (c->touched[a->vm.ix] & conflicts(a->kind))
		return "the VM has another action in this plan";
	if (most && c->n_accepted >= most)
		return "the period has had its actions";
	if (a->kind != ACTION_CREATE &&
	    !host_is(a->from, c->obs->vms[a->vm.ix].host))
		return "the VM is not on that host";
	if (a->kind != ACTION_CREATE && !answers(c, a->from))
		return "the VM's host does not answer";
	switch (a->kind) {
	case ACTION_CREATE:
		refused = check_create(c, a);
		break;
	case ACTION_DESTROY:
		refused = check_destroy(c, a);
		break;
	case ACTION_SET_CPU:
		refused = check_set_cpu(c, a);
		break;
	case ACTION_SET_MEM:
		refused = check_set_mem(c, a);
		break;
	case ACTION_MIGRATE:
		refused = check_migrate(c, a);
		break;
	default:
		return "there is no such action";
	}
	if (refused)
		return refused;
	c->touched[a->vm.ix] |= touches(a->kind);
	c->n_accepted++;
	return NULL;
}

/* Gives back what an accepted action has taken. */
static void undo_one(struct plan_check *c, const struct action *a)
{
	const struct vm_observation *seen = &c->obs->vms[a->vm.ix];

	if (a->kind == ACTION_CREATE)
		c->free_kib[a->to.ix] += a->mem_kib;
	if (a->kind == ACTION_MIGRATE) {
		c->free_kib[a->to.ix] += vm_held_kib(seen);
		c->moves[c->model->vms[a->vm.ix].env.ix]--;
	}
	if (a->kind == ACTION_SET_MEM)
		c->free_kib[seen->host.ix] +=
		    less(a->mem_kib, vm_held_kib(seen));
	c->touched[a->vm.ix] &= (uint8_t)~touches(a->kind);
	c->n_accepted--;
}

/* The members of a group stand side by side: all of them, or none. */
static void check_group(struct plan_check *c, struct action *a, uint32_t n)
{
	uint32_t done = 0;

	while (done < n && !(a[done].refused = check_one(c, &a[done])))
		done++;
	if (done == n)
		return;
	for (uint32_t i = done; i > 0; i--)
		undo_one(c, &a[i - 1]);
	for (uint32_t i = 0; i < n; i++)
		if (i != done)
			a[i].refused = "another of its group is refused";
}

uint32_t plan_check(struct plan_check *c, const struct model *model,
    const struct observation *obs, const struct plan_limits *limits,
    struct plan *plan)
{
	uint32_t n = 0;

	c->model = model;
	c->obs = obs;
	c->limits = limits;
	c->n_accepted = 0;
	if (plan->n_actions == 0)
		return 0;
	memset(c->moves, 0, model->n_envs * sizeof *c->moves);
	memset(c->touched, 0, model->n_vms);
	fill_free(c);
	for (uint32_t i = 0; i < plan->n_actions; i += n) {
		n = action_group_size(
		    &plan->actions[i], plan->n_actions - i);
		check_group(c, &plan->actions[i], n);
	}
	return c->n_accepted;
}
