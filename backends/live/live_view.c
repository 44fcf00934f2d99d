/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the live manager knows, in the words of core/observation.h and for
 * people; and what an operator settles. */
#include <string.h>

#include "backends/live/live_inside.h"

/* VMs and environments. */

static enum vm_state state_there(const struct live *live, uint32_t v)
{
	const struct live_vm *vm = &live->vms[v];
	const struct live_env *env = &live->envs[live->model->vms[v].env.ix];

	if (vm->seen.state == HOST_VM_DEAD)
		return VM_DEAD;
	if (env->ending || env->again || vm->act)
		return VM_LEAVING;
	return vm->seen.state == HOST_VM_RUNNING ? VM_RUNNING : VM_STARTING;
}

static void view_there(
    const struct live *live, uint32_t v, struct vm_observation *out)
{
	const struct live_vm *vm = &live->vms[v];

	out->state = state_there(live, v);
	if (out->state == VM_DEAD)
		return;
	out->host = vm->host;
	out->weight = vm->seen.weight;
	out->cap_mcpu = vm->seen.cap_mcpu;
	out->cpu_used_mcpu = vm->cpu_used_mcpu;
	out->mem_alloc_kib = vm->seen.mem_kib;
	out->mem_target_kib = vm->seen.mem_target_kib;
	out->mem_used_kib = vm->seen.mem_used_kib;
	out->since_ns = vm->since_ns < 0 ? live->now_ns : vm->since_ns;
}

static void view_move(const struct live *live, uint32_t v,
    const struct live_move *move, struct vm_observation *out)
{
	struct host_id from = {move->source.host}, to = {move->target.host};

	view_there(live, v, out);
	if (host_none(from))
		from = live->vms[v].host;
	out->host = host_none(from) ? to : from;
	if (!host_none(from) && !host_none(to) && !host_is(from, to)) {
		out->state = VM_MIGRATING;
		out->target = to;
	} else {
		/* One end alone was heard of: not to be touched there. */
		out->state = VM_STARTING;
	}
}

void live_view_vm(
    const struct live *live, uint32_t v, struct vm_observation *out)
{
	const struct live_vm *vm = &live->vms[v];
	const struct live_env *env = &live->envs[live->model->vms[v].env.ix];
	const struct live_move *move = live_move_find(live, vm->move);
	const struct live_act *act = live_act_find(live, vm->act);

	*out = (struct vm_observation){.host = NO_HOST, .target = NO_HOST};
	if (move) {
		view_move(live, v, move, out);
	} else if (act && act->act.kind == ACT_CREATE) {
		out->state = VM_STARTING;
		out->host = (struct host_id){act->host};
		out->weight = act->act.weight;
		out->mem_alloc_kib = out->mem_target_kib = act->act.mem_kib;
		out->mem_used_kib = MEM_UNKNOWN;
		out->since_ns = live->now_ns;
	} else if (vm->is == VM_IS_THERE) {
		view_there(live, v, out);
	} else if (vm->is == VM_IS_LOST) {
		out->state = VM_DEAD;
	} else {
		out->state = env->state == ENV_QUEUED ? VM_QUEUED : VM_ABSENT;
	}
}

static bool is_cut(const struct live *live, uint32_t env)
{
	for (uint32_t i = 0; i < live->n_moves; i++) {
		const struct live_move *move = live->moves[i];

		if (move->vm != ID_NONE &&
		    live->model->vms[move->vm].env.ix == env &&
		    live_move_cuts(move))
			return true;
	}
	return false;
}

void live_view(const struct live *live, struct env_observation *envs,
    struct vm_observation *vms)
{
	for (uint32_t v = 0; v < live->model->n_vms; v++)
		live_view_vm(live, v, &vms[v]);
	for (uint32_t e = 0; e < live->model->n_envs; e++)
		envs[e] = (struct env_observation){
		    .state = live->envs[e].state,
		    .network_up = !is_cut(live, e),
		    .queued_ns = live->envs[e].queued_ns,
		    .moved_ns = live->envs[e].moved_ns};
}

const char *live_env_note(const struct live *live, uint32_t env)
{
	return live->envs[env].note;
}

/* Hosts, moves, acts. */

struct live_host_view live_view_host(const struct live *live, uint32_t host)
{
	const struct live_host *h = &live->hosts[host];
	enum host_state state = h->draining ? HOST_DRAINING : HOST_UP;

	return (struct live_host_view){
	    .state = live_is_stale(live, host) ? HOST_STALE : state,
	    .heard_ns = h->heard_ns,
	    .trouble = h->trouble,
	    .version = h->version,
	    .n_foreign = h->n_foreign,
	    .cpu_used_mcpu = h->cpu_used_mcpu,
	    .mem_free_kib = h->mem_free_kib,
	    .mem_total_kib = h->mem_total_kib};
}

uint32_t live_n_acts(const struct live *live)
{
	return live->n_acts;
}

uint32_t live_n_moves(const struct live *live)
{
	return live->n_moves;
}

struct live_move_view live_view_move(const struct live *live, uint32_t i)
{
	const struct live_move *move = live->moves[i];

	return (struct live_move_view){.id = move->id,
	    .vm = {move->vm},
	    .vm_name = move->vm_name,
	    .from = {move->source.host},
	    .to = {move->target.host},
	    .source = move->source.state,
	    .target = move->target.state,
	    .bytes = move->bytes,
	    .since_ns = move->start_ns,
	    .operator_needed = move->operator_needed,
	    .text = move->text};
}

/* An operator's word. */

const char *live_risk(enum handover_word word)
{
	switch (word) {
	case WORD_RESUME:
		return "if the target runs the VM or starts it later, it runs "
		       "twice and both copies spoil what they share";
	case WORD_RUN:
		return "if the source has resumed the VM or does so later, it "
		       "runs twice and both copies spoil what they share";
	case WORD_DROP:
		return "if the target does not run the VM, its memory is lost";
	case WORD_DISCARD:
		return "if the source no longer has the VM, its memory is "
		       "lost";
	case WORD_FORGET:
		return "if an end that is silent still has a copy, nobody "
		       "will know of it";
	default:
		return "before the hand-over's commit point, nothing is lost";
	}
}

bool live_resolve(struct live *live, uint64_t id, enum handover_word word,
    struct err *err)
{
	struct live_move *move = live_move_find(live, id);
	bool to_source = word != WORD_RUN && word != WORD_DISCARD;
	bool to_target = word != WORD_RESUME && word != WORD_DROP;
	bool said = false;

	if (!move)
		return err_set(err, "there is no hand-over %llu",
		    (unsigned long long)id);
	if (live->options.generation == 0)
		return err_set(err, "this manager only observes; it was "
				    "started without --act");
	if (to_source)
		said |= live_say(live, move, &move->source, word, true);
	if (to_target)
		said |= live_say(live, move, &move->target, word, true);
	if (!said)
		return err_set(err, "the end that this is for does not answer; "
				    "it can be told only when it is heard of");
	live_move_force(live, move, word);
	live_log(live, "resolve handover=%llu vm=%s word=%s by=operator",
	    (unsigned long long)id, move->vm_name, handover_word_name(word));
	return true;
}
