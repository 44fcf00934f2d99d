/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Environments: what is wished for, and what is done for it without asking
 * the policy: all VMs of one that is to end are destroyed, and so are those
 * of one whose creation failed half-way, before it is asked for again.
 */
#include <stdio.h>
#include <string.h>

#include "backends/live/live_inside.h"

/* After a failed creation it is asked for again, not at once. */
#define RETRY_NS (10 * NS_PER_S)

struct counts {
	uint32_t there, running, nowhere, lost, building;
	uint32_t acts;               /* under way */
	uint32_t compute, ended;     /* compute VMs; those that shut down */
	bool head_ended;
	uint32_t broken;             /* a VM that ended otherwise; ID_NONE */
};

/* Shut down in order, by itself; or to be booted again, which nobody does. */
static bool has_ended(const struct live_vm *vm)
{
	return vm->is == VM_IS_THERE && vm->seen.state == HOST_VM_DEAD &&
	    (vm->seen.end == HOST_END_POWEROFF ||
	        vm->seen.end == HOST_END_REBOOT);
}

static struct counts count_vms(const struct live *live, uint32_t e)
{
	const struct environment *env = &live->model->envs[e];
	struct counts n = {.broken = ID_NONE};

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t v = env->first_vm + i;
		const struct live_vm *vm = &live->vms[v];
		bool there = vm->is == VM_IS_THERE;
		bool dead = there && vm->seen.state == HOST_VM_DEAD;
		bool ended = has_ended(vm);
		bool is_head = live->model->vms[v].is_head;

		n.there += there;
		n.lost += vm->is == VM_IS_LOST;
		n.acts += vm->act != 0 || vm->move != 0;
		n.nowhere += vm->is == VM_IS_NOWHERE && !vm->act && !vm->move;
		n.running += there && vm->seen.state == HOST_VM_RUNNING;
		n.building += there && vm->seen.state == HOST_VM_BUILDING &&
		    !vm->act && !live->hosts[vm->host.ix].old_pending &&
		    live->hosts[vm->host.ix].sampled_ns >= vm->settled_ns;
		n.compute += !is_head;
		n.ended += ended && !is_head;
		n.head_ended |= ended && is_head;
		/* What is being destroyed dies, too. */
		if (dead && !ended && !vm->act)
			n.broken = v;
	}
	return n;
}

static void note(struct live *live, uint32_t e, const char *text)
{
	snprintf(live->envs[e].note, LIVE_NOTE_MAX, "%s", text);
}

void live_env_make(struct live *live, uint32_t e, bool making)
{
	struct live_env *env = &live->envs[e];

	if (env->making != making && live->out.keep)
		live->out.keep(
		    live->out.self, e, making ? LIVE_MAKING : LIVE_MADE);
	env->making = making;
}

/* Removing. */

static void remove_vm(struct live *live, uint32_t v)
{
	struct live_vm *vm = &live->vms[v];
	struct live_move *move = live_move_of_vm(live, v);
	struct message_act act = {.kind = ACT_DESTROY};

	/* Before both ends have forgotten a hand-over they may, after a crash,
	 * look for the VM again. */
	if (move) {
		if (!move->decided)
			live_move_abort(live, move);
		return;
	}
	if (vm->is == VM_IS_LOST)
		vm->is = VM_IS_NOWHERE;
	if (vm->is != VM_IS_THERE || vm->act || live->options.generation == 0 ||
	    live_is_stale(live, vm->host.ix) ||
	    live->hosts[vm->host.ix].sampled_ns < vm->settled_ns)
		return;
	snprintf(act.vm, sizeof act.vm, "%s", live->model->vms[v].name);
	vm->act = live_act_start(live, vm->host.ix, v, &act, NULL);
}

static void remove_vms(struct live *live, uint32_t e)
{
	const struct environment *env = &live->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++)
		remove_vm(live, env->first_vm + i);
}

void live_env_created(
    struct live *live, uint32_t v, bool ok, const char *text)
{
	uint32_t e = live->model->vms[v].env.ix;
	struct live_env *env = &live->envs[e];

	if (ok || env->ending)
		return;
	env->again = true;
	env->retry_ns = live->now_ns + RETRY_NS;
	snprintf(env->note, sizeof env->note, "%s was not created: %.140s",
	    live->model->vms[v].name, text);
}

/* What state it is in. */

/* A host on which what another manager began has not ended; ID_NONE: none. */
static uint32_t old_pending(const struct live *live)
{
	for (uint32_t h = 0; h < live->model->n_hosts; h++)
		if (live->hosts[h].old_pending)
			return h;
	return ID_NONE;
}

static void note_broken(struct live *live, uint32_t e, uint32_t v)
{
	const struct live_vm *vm = &live->vms[v];

	snprintf(live->envs[e].note, LIVE_NOTE_MAX,
	    "%.63s %s on %.63s: violin create makes all of it again, violin "
	    "destroy removes it", live->model->vms[v].name,
	    vm->seen.end == HOST_END_CRASH ? "has crashed" : "was killed",
	    live->model->hosts[vm->host.ix].name);
}

static enum env_state state_there(
    struct live *live, uint32_t e, const struct counts *n)
{
	struct live_env *env = &live->envs[e];
	const struct live_listener *l = &live->out.listener;
	bool at_rest = n->acts == 0 && live_has_heard_all(live);

	if (n->building && at_rest) {
		note(live, e, "its creation was interrupted");
		env->again = true;
		return ENV_ABSENT;
	}
	if (n->broken != ID_NONE) {
		note_broken(live, e, n->broken);
		return ENV_CRASHED;
	}
	if (env->done && n->running == 0 &&
	    live->site->envs[e].at_end == AT_END_KEEP)
		return ENV_IDLE;
	if (n->compute > 0 && n->ended == n->compute) {
		note(live, e, "its VMs have shut down");
		if (!env->done && live->out.keep)
			live->out.keep(live->out.self, e, LIVE_ENDED);
		env->done = true;
		if (live->site->envs[e].at_end == AT_END_KEEP)
			return ENV_IDLE;
		env->ending = true;
		return ENV_ENDED;
	}
	if (n->lost || n->head_ended) {
		note(live, e, n->lost ? "a VM of it is gone"
				      : "its head VM has shut down");
		return ENV_CRASHED;
	}
	if (n->nowhere && at_rest && env->making &&
	    old_pending(live) == ID_NONE) {
		note(live, e, "its creation was interrupted");
		env->again = true;
		return ENV_ABSENT;
	}
	if (n->nowhere && at_rest && !env->making) {
		note(live, e, "it is incomplete: violin create makes it "
			      "again, violin destroy removes it");
		return ENV_CRASHED;
	}
	if (!n->nowhere && n->running == live->model->envs[e].n_vms) {
		if (!env->complete && l->env_started)
			l->env_started(
			    l->self, live->now_ns, (struct env_id){e});
		env->complete = true;
		live_env_make(live, e, false);
		note(live, e, "");
	}
	return ENV_RUNNING;
}

static enum env_state state_waiting(struct live *live, uint32_t e)
{
	struct live_env *env = &live->envs[e];
	uint32_t h;

	for (h = 0; h < live->model->n_hosts; h++) {
		if (live->hosts[h].heard)
			continue;
		snprintf(env->note, sizeof env->note,
		    "waits until %.60s is heard of: it may run there",
		    live->model->hosts[h].name);
		return ENV_ABSENT;
	}
	if (env->wrong) {
		note(live, e, env->wrong_text);
		return ENV_ABSENT;
	}
	h = old_pending(live);
	if (h != ID_NONE) {
		snprintf(env->note, sizeof env->note,
		    "waits until what another manager began on %.60s has "
		    "ended", live->model->hosts[h].name);
		return ENV_ABSENT;
	}
	h = live_check_waits_for(live, e);
	if (h != ID_NONE) {
		snprintf(env->note, sizeof env->note,
		    "waits until %.60s has checked its configuration",
		    live->model->hosts[h].name);
		return ENV_ABSENT;
	}
	if (env->retry_ns > live->now_ns)
		return ENV_ABSENT;
	if (strncmp(env->note, "waits", 5) == 0)
		note(live, e, "");
	return ENV_QUEUED;
}

static enum env_state find_state(struct live *live, uint32_t e)
{
	struct live_env *env = &live->envs[e];
	struct counts n = count_vms(live, e);
	bool gone = n.there == 0 && n.acts == 0;

	if (env->ending || env->again) {
		remove_vms(live, e);
		/* What has not told may have a part of it. */
		if (!gone || !live_has_heard_all(live))
			return env->ending ? ENV_ENDED : ENV_ABSENT;
		if (env->ending) {
			live_env_make(live, e, false);
			env->asked = false;
		}
		env->complete = env->again = false;
		if (env->ending) {
			env->ending = false;
			return ENV_ENDED;
		}
	}
	if (!gone)
		return state_there(live, e, &n);
	if (n.lost)
		return ENV_CRASHED;
	if (env->asked)
		return state_waiting(live, e);
	return env->state == ENV_ENDED ? ENV_ENDED : ENV_ABSENT;
}

static void tell_changed(struct live *live, uint32_t e)
{
	const struct live_listener *l = &live->out.listener;
	const struct live_env *env = &live->envs[e];
	struct env_id id = {e};

	live_log(live, "environment name=%s %s note=\"%s\"",
	    live->model->envs[e].name, env_state_name(env->state), env->note);
	if (env->state == ENV_QUEUED && l->env_asked)
		l->env_asked(l->self, live->now_ns, id);
	if ((env->state == ENV_ENDED || env->state == ENV_IDLE ||
		env->state == ENV_CRASHED) &&
	    l->env_ended)
		l->env_ended(l->self, live->now_ns, id,
		    env->done ? "done"
			: env->state == ENV_CRASHED ? "crashed"
						    : "destroyed");
}

void live_env_tick(struct live *live)
{

	for (uint32_t e = 0; e < live->model->n_envs; e++) {
		struct live_env *env = &live->envs[e];
		enum env_state before = env->state;

		if (env->start_ns <= live->now_ns) {
			env->start_ns = TIME_NEVER;
			env->asked = true;
			env->queued_ns = live->now_ns;
		}
		if (env->destroy_ns <= live->now_ns) {
			env->destroy_ns = TIME_NEVER;
			env->ending = true;
		}
		env->state = find_state(live, e);
		if (env->state != before)
			tell_changed(live, e);
	}
}

int64_t live_env_next(const struct live *live)
{
	int64_t next_ns = TIME_NEVER;

	for (uint32_t e = 0; e < live->model->n_envs; e++) {
		const struct live_env *env = &live->envs[e];

		if (env->start_ns < next_ns)
			next_ns = env->start_ns;
		if (env->destroy_ns < next_ns)
			next_ns = env->destroy_ns;
	}
	return next_ns;
}

/* Wishes. */

bool live_create(struct live *live, uint32_t e, struct err *err)
{
	struct live_env *env = &live->envs[e];
	const char *name = live->model->envs[e].name;

	if (env->ending)
		return err_set(err,
		    "%s is being destroyed; create it when it is gone", name);
	if (env->state == ENV_RUNNING || env->state == ENV_IDLE ||
	    env->state == ENV_QUEUED)
		return err_set(
		    err, "%s is %s already", name, env_state_name(env->state));
	live_check_again(live, e);
	live_env_make(live, e, true);
	env->asked = true;
	env->again = true;
	env->done = false;
	env->retry_ns = 0;
	env->queued_ns = live->now_ns;
	note(live, e, "");
	return true;
}

void live_recall(struct live *live, uint32_t e, enum live_fate fate)
{
	struct live_env *env = &live->envs[e];

	switch (fate) {
	case LIVE_MAKING:
		env->making = true;
		/* fallthrough */
	case LIVE_WISHED:
		env->asked = true;
		env->queued_ns = live->now_ns;
		break;
	case LIVE_ENDED:
		env->start_ns = TIME_NEVER;
		env->done = true;
		env->ending = live->site->envs[e].at_end != AT_END_KEEP;
		env->state = ENV_ENDED;
		note(live, e, "its VMs have shut down");
		break;
	case LIVE_UNWANTED:
		env->start_ns = TIME_NEVER;
		env->ending = true;
		note(live, e, "destroyed on request");
		break;
	case LIVE_MADE:
		break;
	}
}

bool live_destroy(struct live *live, uint32_t e, struct err *err)
{
	struct live_env *env = &live->envs[e];

	if (!env->asked &&
	    (env->state == ENV_ABSENT || env->state == ENV_ENDED))
		return err_set(err, "%s is not there",
		    live->model->envs[e].name);
	env->ending = true;
	env->start_ns = TIME_NEVER;
	note(live, e, "destroyed on request");
	return true;
}

bool live_drain(struct live *live, uint32_t host, bool drain, struct err *err)
{
	struct live_host *h = &live->hosts[host];

	if (h->draining == drain)
		return err_set(err, "%s is %s being drained",
		    live->model->hosts[host].name, drain ? "already" : "not");
	h->draining = drain;
	return true;
}
