/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real hosts as the core's world (core/backend.h); see live.h. */
#include <string.h>

#include "backends/live/live_inside.h"

/* What the core sees. */

static uint32_t mean_mcpu(uint64_t used_ns, uint64_t span_ns)
{
	if (span_ns == 0)
		return 0;
	return (uint32_t)((double)used_ns / (double)span_ns * MCPU_PER_CPU +
	    0.5);
}

static enum host_state host_state(const struct live *live, uint32_t host)
{
	if (live_is_stale(live, host))
		return HOST_STALE;
	return live->hosts[host].draining ? HOST_DRAINING : HOST_UP;
}

static void observe_vm_cpu(struct live *live, uint32_t v)
{
	struct live_vm *vm = &live->vms[v];
	const struct live_host *h;
	bool same;

	if (host_none(vm->host) || vm->is != VM_IS_THERE) {
		vm->seen_host = NO_HOST;
		return;
	}
	h = &live->hosts[vm->host.ix];
	/* A counter goes on only where it was, while the VM is the same. */
	same = host_is(vm->seen_host, vm->host) &&
	    h->incarnation == vm->seen_incarnation &&
	    vm->seen.cpu_time_ns >= vm->seen_cpu_ns;
	if (same && h->clock_ns == vm->seen_clock_ns)
		return;
	vm->cpu_used_mcpu = same
	    ? mean_mcpu(vm->seen.cpu_time_ns - vm->seen_cpu_ns,
		  h->clock_ns - vm->seen_clock_ns)
	    : 0;
	if (!same)
		vm->since_ns = vm->since_ns < 0 ? -1 : live->now_ns;
	vm->seen_host = vm->host;
	vm->seen_cpu_ns = vm->seen.cpu_time_ns;
	vm->seen_clock_ns = h->clock_ns;
	vm->seen_incarnation = h->incarnation;
}

static void observe_host_cpu(struct live *live, uint32_t host, uint32_t sum)
{
	struct live_host *h = &live->hosts[host];
	bool same = h->incarnation == h->seen_incarnation &&
	    h->idle_time_ns >= h->seen_idle_ns;
	uint64_t span_ns = h->clock_ns - h->seen_clock_ns;
	uint64_t cpus_ns = span_ns * h->n_cpus;
	uint64_t idle_ns = h->idle_time_ns - h->seen_idle_ns;

	if (h->idle_time_ns == 0)
		h->cpu_used_mcpu = sum;
	else if (same && span_ns > 0)
		h->cpu_used_mcpu = mean_mcpu(
		    idle_ns < cpus_ns ? cpus_ns - idle_ns : 0, span_ns);
	h->seen_idle_ns = h->idle_time_ns;
	h->seen_clock_ns = h->clock_ns;
	h->seen_incarnation = h->incarnation;
}

static void observe_hosts(struct live *live, struct observation *obs)
{
	for (uint32_t h = 0; h < live->model->n_hosts; h++)
		obs->hosts[h] = (struct host_observation){
		    .state = host_state(live, h),
		    .mem_free_kib = live->hosts[h].mem_free_kib};
	for (uint32_t v = 0; v < live->model->n_vms; v++)
		if (vm_is_placed(&obs->vms[v]))
			obs->hosts[obs->vms[v].host.ix].cpu_used_mcpu +=
			    obs->vms[v].cpu_used_mcpu;
	for (uint32_t h = 0; h < live->model->n_hosts; h++) {
		observe_host_cpu(live, h, obs->hosts[h].cpu_used_mcpu);
		obs->hosts[h].cpu_used_mcpu = live->hosts[h].cpu_used_mcpu;
	}
}

static bool live_observe(
    void *world, struct observation *obs, struct err *err)
{
	struct live *live = world;

	if (live->superseded)
		return err_set(err, "another manager has taken over");
	live_env_tick(live);
	for (uint32_t v = 0; v < live->model->n_vms; v++)
		observe_vm_cpu(live, v);
	live_view(live, obs->envs, obs->vms);
	observe_hosts(live, obs);
	obs->now_ns = live->now_ns;
	obs->period_ns =
	    live->observed_ns < 0 ? 0 : live->now_ns - live->observed_ns;
	obs->sequence = live->sequence++;
	live->observed_ns = live->now_ns;
	return true;
}

/* What it does: the last check, over the world as it is now. */

static const char *why_not_host(
    const struct live *live, uint32_t host, bool arrives)
{
	const struct live_host *h;

	if (host >= live->model->n_hosts)
		return "there is no such host";
	h = &live->hosts[host];
	if (live_is_stale(live, host))
		return "the host does not answer";
	if (live->now_ns - h->told_ns > live->options.fresh_ns ||
	    h->trouble[0] != '\0')
		return "what is known of the host is too old";
	if (arrives && h->draining)
		return "the host is being drained";
	return NULL;
}

static const char *why_not_vm(
    const struct live *live, const struct action *a)
{
	const struct live_vm *vm = &live->vms[a->vm.ix];
	const struct vm *model = &live->model->vms[a->vm.ix];
	struct vm_observation seen;

	live_view_vm(live, a->vm.ix, &seen);
	if (vm->act || vm->move)
		return "something is under way for the VM";
	if (a->kind == ACTION_CREATE)
		return seen.state == VM_QUEUED ? NULL : "nobody asks for it";
	if (vm->is != VM_IS_THERE || !host_is(vm->host, a->from))
		return "the VM is not on that host";
	if ((a->kind == ACTION_DESTROY || a->kind == ACTION_MIGRATE) &&
	    live_move_of_vm(live, a->vm.ix))
		return "the ends of its last move have not forgotten it";
	if (a->kind == ACTION_DESTROY)
		return NULL;
	if (a->kind == ACTION_MIGRATE && model->is_head)
		return "a head VM does not move";
	if (a->kind == ACTION_SET_MEM && seen.mem_used_kib == MEM_UNKNOWN)
		return "the guest does not say what it uses; its memory stays";
	return seen.state == VM_RUNNING ? NULL : "the VM is not running";
}

static const char *why_not(const struct live *live, const struct action *a)
{
	const char *why = NULL;

	if (live->options.generation == 0)
		return "this manager only observes";
	if (a->vm.ix >= live->model->n_vms)
		return "there is no such VM";
	if (a->kind != ACTION_CREATE)
		why = why_not_host(live, a->from.ix, false);
	if (!why && (a->kind == ACTION_CREATE || a->kind == ACTION_MIGRATE))
		why = why_not_host(live, a->to.ix, true);
	return why ? why : why_not_vm(live, a);
}

static void carry_out(
    struct live *live, const struct action *a, struct ticket ticket)
{
	static const enum act_kind kinds[N_ACTION_KINDS] = {
	    [ACTION_CREATE] = ACT_CREATE,
	    [ACTION_DESTROY] = ACT_DESTROY,
	    [ACTION_SET_CPU] = ACT_SET_CPU,
	    [ACTION_SET_MEM] = ACT_SET_MEM};
	struct host_id host = a->kind == ACTION_CREATE ? a->to : a->from;
	struct message_act act = {.kind = kinds[a->kind],
	    .weight = a->weight,
	    .cap_mcpu = a->cap_mcpu,
	    .mem_kib = a->mem_kib};
	uint64_t request;

	if (a->kind == ACTION_MIGRATE) {
		live_move_start(live, a->vm.ix, a->to.ix, ticket);
		return;
	}
	if (a->kind == ACTION_CREATE)
		live_env_make(live, live->model->vms[a->vm.ix].env.ix, true);
	strncpy(act.vm, live->model->vms[a->vm.ix].name, sizeof act.vm - 1);
	request = live_act_start(live, host.ix, a->vm.ix, &act, &ticket);
	if (a->kind == ACTION_CREATE || a->kind == ACTION_DESTROY)
		live->vms[a->vm.ix].act = request;
}

/* The accepted actions first..first+n-1 of one group: all, or none. */
static void start_group(struct live *live, uint64_t sequence,
    const struct action *actions, uint32_t first, uint32_t n)
{
	const char *why = NULL;

	for (uint32_t i = first; i < first + n && !why; i++)
		why = why_not(live, &actions[i]);
	for (uint32_t i = first; i < first + n; i++) {
		struct ticket ticket = {sequence, i};

		if (why)
			live_tell(live, ticket, OUTCOME_REFUSED, why);
		else
			carry_out(live, &actions[i], ticket);
	}
}

static bool live_start(void *world, uint64_t sequence,
    const struct action *actions, uint32_t n_actions, struct err *err)
{
	struct live *live = world;
	uint32_t n = 0;

	(void)err;
	for (uint32_t i = 0; i < n_actions; i += n) {
		n = action_group_size(&actions[i], n_actions - i);
		if (!actions[i].refused)
			start_group(live, sequence, actions, i, n);
	}
	return true;
}

static uint32_t live_outcomes(
    void *world, struct outcome *outcomes, uint32_t max)
{
	struct live *live = world;
	uint32_t n = live->n_outcomes < max ? live->n_outcomes : max;

	if (n == 0)
		return 0;
	memcpy(outcomes, live->outcomes, n * sizeof *outcomes);
	live->n_outcomes -= n;
	memmove(live->outcomes, live->outcomes + n,
	    live->n_outcomes * sizeof *outcomes);
	return n;
}

const struct backend backend_live = {
    .name = "xen",
    .observe = live_observe,
    .start = live_start,
    .outcomes = live_outcomes,
};
