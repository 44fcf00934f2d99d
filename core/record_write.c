/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a manager saw, planned and heard, into lines; see record.h. */
#include "core/record.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { BUFFER = 4096 };

struct record_writer {
	const struct model *model;
	struct record_sink sink;
	struct observation seen; /* as the reader knows it by now */
	bool failed;
	size_t used;
	char buffer[BUFFER];
};

/* Compared as bytes, so there may be none between the members. */
_Static_assert(sizeof(struct host_observation) == 16, "padding");
_Static_assert(sizeof(struct env_observation) == 24, "padding");
_Static_assert(sizeof(struct vm_observation) == 56, "padding");

struct record_writer *record_writer_lay_out(struct arena *arena,
    const struct model *model, const struct record_sink *sink)
{
	struct record_writer *w = ARENA_TAKE(arena, 1, struct record_writer);
	struct observation seen = {0};

	observation_lay_out(&seen, arena, model);
	if (!w)
		return NULL;
	w->model = model;
	w->sink = *sink;
	w->seen = seen;
	return w;
}

bool record_writer_ok(const struct record_writer *w)
{
	return !w->failed;
}

/* Pieces of a line. */

static void flush(struct record_writer *w)
{
	if (w->used && !w->failed &&
	    !w->sink.write(w->sink.self, w->buffer, w->used))
		w->failed = true;
	w->used = 0;
}

static void put_char(struct record_writer *w, char c)
{
	if (w->used == BUFFER)
		flush(w);
	w->buffer[w->used++] = c;
}

static void put_word(struct record_writer *w, const char *word)
{
	for (; *word; word++)
		put_char(w, *word);
}

static void put_state(struct record_writer *w, const char *name)
{
	put_char(w, ' ');
	put_word(w, name);
}

static void put_number(struct record_writer *w, uint64_t number)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	put_char(w, ' ');
	while (n)
		put_char(w, digits[--n]);
}

static void put_time(struct record_writer *w, int64_t ns)
{
	char text[24];

	if (ns >= 0) {
		put_number(w, (uint64_t)ns);
		return;
	}
	snprintf(text, sizeof text, " %lld", (long long)ns);
	put_word(w, text);
}

static void put_id(struct record_writer *w, uint32_t ix)
{
	if (ix == ID_NONE)
		put_state(w, "-");
	else
		put_number(w, ix);
}

static void put_memory(struct record_writer *w, uint64_t kib)
{
	if (kib == MEM_UNKNOWN)
		put_state(w, "-");
	else
		put_number(w, kib);
}

static void put_real(struct record_writer *w, double number)
{
	char text[40];

	snprintf(text, sizeof text, " %a", number);
	put_word(w, text);
}

static void put_text(struct record_writer *w, const char *text)
{
	put_char(w, '\t');
	for (; text && *text; text++)
		put_char(w, (unsigned char)*text < ' ' ? ' ' : *text);
}

static void end_line(struct record_writer *w)
{
	put_char(w, '\n');
}

static void put_named(
    struct record_writer *w, const char *word, const char *text)
{
	put_word(w, word);
	put_text(w, text);
	end_line(w);
}

/* The header. */

static uint64_t text_bytes(
    const struct model *model, const struct record_origin *origin)
{
	uint64_t n = strlen(origin->program) + strlen(origin->core) +
	             strlen(origin->policy->name) + 3;

	for (uint32_t i = 0; i < origin->policy->n_params; i++)
		n += strlen(origin->policy->params[i].name) + 1;
	for (uint32_t i = 0; i < model->n_domains; i++)
		n += strlen(model->domains[i].name) + 1;
	for (uint32_t i = 0; i < model->n_hosts; i++)
		n += strlen(model->hosts[i].name) + 1;
	for (uint32_t i = 0; i < model->n_envs; i++)
		n += strlen(model->envs[i].name) + 1;
	for (uint32_t i = 0; i < model->n_vms; i++)
		n += strlen(model->vms[i].name) + 1;
	return n;
}

static void put_origin(
    struct record_writer *w, const struct record_origin *origin)
{
	put_named(w, "program", origin->program);
	put_named(w, "core", origin->core);
	put_named(w, "policy", origin->policy->name);
	for (uint32_t i = 0; i < origin->policy->n_params; i++) {
		put_word(w, "param");
		put_real(w, origin->values[i]);
		put_text(w, origin->policy->params[i].name);
		end_line(w);
	}
	put_word(w, "limits");
	put_number(w, origin->limits.actions_per_period);
	put_number(w, origin->limits.migrations_per_env);
	end_line(w);
}

static void put_host(struct record_writer *w, const struct host *host)
{
	put_word(w, "host");
	put_id(w, host->domain.ix);
	put_number(w, host->cpu_mcpu);
	put_number(w, host->mem_kib);
	put_text(w, host->name);
	end_line(w);
}

static void put_vm(struct record_writer *w, const struct vm *vm)
{
	put_word(w, "vm");
	put_id(w, vm->env.ix);
	put_id(w, vm->home.ix);
	put_number(w, vm->vcpu_mcpu);
	put_number(w, vm->is_head);
	put_number(w, vm->mem_kib);
	put_number(w, vm->mem_min_kib);
	put_number(w, vm->mem_max_kib);
	put_text(w, vm->name);
	end_line(w);
}

static void put_links(struct record_writer *w, const struct model *model)
{
	uint32_t n = model->link_bps ? model->n_domains : 0;

	for (uint32_t a = 0; a < n; a++)
		for (uint32_t b = 0; b < n; b++) {
			put_word(w, "link");
			put_number(w, a);
			put_number(w, b);
			put_real(w, model->link_bps[(size_t)a * n + b]);
			end_line(w);
		}
}

static void put_model(struct record_writer *w, const struct model *model)
{
	for (uint32_t i = 0; i < model->n_domains; i++)
		put_named(w, "domain", model->domains[i].name);
	for (uint32_t i = 0; i < model->n_hosts; i++)
		put_host(w, &model->hosts[i]);
	for (uint32_t i = 0; i < model->n_envs; i++) {
		put_word(w, "environment");
		put_number(w, model->envs[i].first_vm);
		put_number(w, model->envs[i].n_vms);
		put_text(w, model->envs[i].name);
		end_line(w);
	}
	for (uint32_t i = 0; i < model->n_vms; i++)
		put_vm(w, &model->vms[i]);
	put_links(w, model);
}

void record_write_header(
    struct record_writer *w, const struct record_origin *origin)
{
	const struct model *model = w->model;

	put_word(w, "violin-record");
	put_number(w, RECORD_VERSION);
	put_number(w, model->n_domains);
	put_number(w, model->n_hosts);
	put_number(w, model->n_envs);
	put_number(w, model->n_vms);
	put_number(w, origin->policy->n_params);
	put_number(w, text_bytes(model, origin));
	end_line(w);
	put_origin(w, origin);
	put_model(w, model);
	put_word(w, "begin\n");
	flush(w);
}

/* The steps. */

static void put_host_seen(
    struct record_writer *w, uint32_t i, const struct host_observation *host)
{
	put_char(w, 'h');
	put_number(w, i);
	put_state(w, host_state_name(host->state));
	put_number(w, host->cpu_used_mcpu);
	put_number(w, host->mem_free_kib);
	end_line(w);
}

static void put_env_seen(
    struct record_writer *w, uint32_t i, const struct env_observation *env)
{
	put_char(w, 'e');
	put_number(w, i);
	put_state(w, env_state_name(env->state));
	put_number(w, env->network_up);
	put_time(w, env->queued_ns);
	put_time(w, env->moved_ns);
	end_line(w);
}

static void put_vm_seen(
    struct record_writer *w, uint32_t i, const struct vm_observation *vm)
{
	put_char(w, 'v');
	put_number(w, i);
	put_state(w, vm_state_name(vm->state));
	put_id(w, vm->host.ix);
	put_id(w, vm->target.ix);
	put_number(w, vm->weight);
	put_number(w, vm->cap_mcpu);
	put_number(w, vm->cpu_used_mcpu);
	put_number(w, vm->mem_alloc_kib);
	put_number(w, vm->mem_target_kib);
	put_memory(w, vm->mem_used_kib);
	put_time(w, vm->since_ns);
	end_line(w);
}

/* Has *now changed from *seen?  Then it is seen. */
static bool differs(void *seen, const void *now, size_t size)
{
	if (memcmp(seen, now, size) == 0)
		return false;
	memcpy(seen, now, size);
	return true;
}

void record_write_observation(
    struct record_writer *w, const struct observation *obs)
{
	const struct model *model = w->model;
	struct observation *seen = &w->seen;

	put_word(w, "observe");
	put_number(w, obs->sequence);
	put_time(w, obs->now_ns);
	put_time(w, obs->period_ns);
	end_line(w);
	for (uint32_t i = 0; i < model->n_hosts; i++)
		if (differs(
		        &seen->hosts[i], &obs->hosts[i], sizeof obs->hosts[i]))
			put_host_seen(w, i, &obs->hosts[i]);
	for (uint32_t i = 0; i < model->n_envs; i++)
		if (differs(&seen->envs[i], &obs->envs[i], sizeof obs->envs[i]))
			put_env_seen(w, i, &obs->envs[i]);
	for (uint32_t i = 0; i < model->n_vms; i++)
		if (differs(&seen->vms[i], &obs->vms[i], sizeof obs->vms[i]))
			put_vm_seen(w, i, &obs->vms[i]);
}

static void put_action(struct record_writer *w, const struct action *action)
{
	char reason[256];

	put_char(w, 'a');
	put_state(w, action_kind_name(action->kind));
	put_id(w, action->vm.ix);
	put_id(w, action->from.ix);
	put_id(w, action->to.ix);
	put_number(w, action->group);
	put_number(w, action->weight);
	put_number(w, action->cap_mcpu);
	put_number(w, action->mem_kib);
	put_text(w, reason_print(&action->reason, reason, sizeof reason));
	if (action->refused)
		put_text(w, action->refused);
	end_line(w);
}

void record_write_plan(
    struct record_writer *w, uint64_t sequence, const struct plan *plan)
{
	put_word(w, "plan");
	put_number(w, sequence);
	put_number(w, plan->n_actions);
	end_line(w);
	for (uint32_t i = 0; i < plan->n_actions; i++)
		put_action(w, &plan->actions[i]);
	flush(w);
}

const char *outcome_kind_name(enum outcome_kind kind)
{
	static const char *const names[N_OUTCOME_KINDS] = {
	    "done", "refused", "failed"};

	assert(kind < N_OUTCOME_KINDS);
	return names[kind];
}

void record_write_outcome(
    struct record_writer *w, const struct outcome *outcome)
{
	put_char(w, 'o');
	put_number(w, outcome->ticket.sequence);
	put_number(w, outcome->ticket.action);
	put_state(w, outcome_kind_name(outcome->kind));
	put_time(w, outcome->at_ns);
	if (outcome->text[0])
		put_text(w, outcome->text);
	end_line(w);
	flush(w);
}
