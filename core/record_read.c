/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines into what a manager saw, planned and heard; see record.h.  A record
 * may come from anywhere, so every id is held against the model and every
 * state against what policies rely on (a placed VM has a host).
 */
#include "core/record.h"
#include "core/record_line.h"

#include <string.h>

enum phase { HEADER, STEPS, PLAN, SPOILT };

struct record_reader {
	struct record record;
	struct record_size size;
	enum phase phase;
	/* the tables of record.model, filled as lines come */
	struct domain *domains;
	struct host *hosts;
	struct environment *envs;
	struct vm *vms;
	double *link_bps;
	struct record_param *params;
	uint32_t n_domains, n_hosts, n_envs, n_vms, n_params;
	char *text;
	uint64_t text_used;
	bool observed; /* an observe without its plan is open */
	uint32_t actions_left;
};

/* The header. */

bool record_read_size(
    struct record_size *size, const char *text, struct err *err)
{
	char copy[160];
	struct line line;
	uint64_t version = 0;
	size_t n = strlen(text);
	const char *word;

	*size = (struct record_size){0};
	if (n >= sizeof copy)
		return err_set(err, "this is no record");
	memcpy(copy, text, n + 1);
	line_cut(&line, copy, err);
	word = line_word(&line, "violin-record");
	if (!word || strcmp(word, "violin-record") != 0)
		return err_set(err, "this is no record: it does not begin "
		                    "with violin-record");
	if (!line_u64(&line, "version", UINT32_MAX, &version))
		return false;
	if (version != RECORD_VERSION)
		return err_set(err, "the record has version %u, not %d",
		    (uint32_t)version, RECORD_VERSION);
	return line_u32(&line, "number of domains", &size->n_domains) &&
	       line_u32(&line, "number of hosts", &size->n_hosts) &&
	       line_u32(&line, "number of environments", &size->n_envs) &&
	       line_u32(&line, "number of VMs", &size->n_vms) &&
	       line_u32(&line, "number of parameters", &size->n_params) &&
	       line_u64(&line, "length of the texts", UINT32_MAX,
	           &size->text_bytes) &&
	       line_ended(&line, 0);
}

struct record_reader *record_reader_lay_out(
    struct arena *arena, const struct record_size *size)
{
	struct record_reader *r = ARENA_TAKE(arena, 1, struct record_reader);
	struct record_reader made = {.size = *size};
	struct model *model = &made.record.model;
	size_t n = size->n_domains;

	made.domains = ARENA_TAKE(arena, n, struct domain);
	made.hosts = ARENA_TAKE(arena, size->n_hosts, struct host);
	made.envs = ARENA_TAKE(arena, size->n_envs, struct environment);
	made.vms = ARENA_TAKE(arena, size->n_vms, struct vm);
	made.link_bps = ARENA_TAKE(arena, n * n, double);
	made.params = ARENA_TAKE(arena, size->n_params, struct record_param);
	made.text = ARENA_TAKE(arena, size->text_bytes, char);
	*model = (struct model){.domains = made.domains,
	    .hosts = made.hosts,
	    .envs = made.envs,
	    .vms = made.vms,
	    .n_domains = size->n_domains,
	    .n_hosts = size->n_hosts,
	    .n_envs = size->n_envs,
	    .n_vms = size->n_vms};
	made.record.line = 1;
	made.record.params = made.params;
	made.record.n_params = size->n_params;
	observation_lay_out(&made.record.obs, arena, model);
	if (r)
		*r = made;
	return r;
}

/* Keeps the first text of the line; NULL when there is more of it than the
 * first line of the record said. */
static const char *keep_text(struct record_reader *r, struct line *line)
{
	const char *text = line->texts[0];
	size_t n = strlen(text) + 1;
	char *kept = r->text + r->text_used;

	if (n > r->size.text_bytes - r->text_used) {
		err_set(line->err, "more text than the first line said");
		return NULL;
	}
	memcpy(kept, text, n);
	r->text_used += n;
	return kept;
}

static bool take_name(
    struct record_reader *r, struct line *line, const char **name)
{
	return line_ended(line, 1) && (*name = keep_text(r, line));
}

/* Room for one more of what the first line counted? */
static bool have_room(struct line *line, uint32_t used, uint32_t size)
{
	return used < size ||
	       err_set(line->err, "one more than the first line said");
}

static bool read_param(struct record_reader *r, struct line *line)
{
	struct record_param *param = &r->params[r->n_params];

	return have_room(line, r->n_params++, r->size.n_params) &&
	       line_real(line, "value", &param->value) &&
	       take_name(r, line, &param->name);
}

static bool read_limits(struct record_reader *r, struct line *line)
{
	struct plan_limits *limits = &r->record.limits;

	return line_u32(line, "actions", &limits->actions_per_period) &&
	       line_u32(line, "migrations", &limits->migrations_per_env) &&
	       line_ended(line, 0);
}

static bool read_host(struct record_reader *r, struct line *line)
{
	struct host *host = &r->hosts[r->n_hosts];

	return have_room(line, r->n_hosts++, r->size.n_hosts) &&
	       line_known_id(
	           line, "domain", r->size.n_domains, &host->domain.ix) &&
	       line_u32(line, "CPU", &host->cpu_mcpu) &&
	       line_u64(line, "memory", INT64_MAX, &host->mem_kib) &&
	       take_name(r, line, &host->name);
}

static bool read_environment(struct record_reader *r, struct line *line)
{
	struct environment *env = &r->envs[r->n_envs];

	return have_room(line, r->n_envs++, r->size.n_envs) &&
	       line_u32(line, "first VM", &env->first_vm) &&
	       line_u32(line, "number of VMs", &env->n_vms) &&
	       take_name(r, line, &env->name);
}

static bool read_vm(struct record_reader *r, struct line *line)
{
	struct vm *vm = &r->vms[r->n_vms];

	return have_room(line, r->n_vms++, r->size.n_vms) &&
	       line_known_id(
	           line, "environment", r->size.n_envs, &vm->env.ix) &&
	       line_id(line, "home", r->size.n_hosts, &vm->home.ix) &&
	       line_u32(line, "CPU", &vm->vcpu_mcpu) &&
	       line_u32(line, "head", &vm->is_head) &&
	       line_u64(line, "memory", INT64_MAX, &vm->mem_kib) &&
	       line_u64(line, "least memory", INT64_MAX, &vm->mem_min_kib) &&
	       line_u64(line, "most memory", INT64_MAX, &vm->mem_max_kib) &&
	       take_name(r, line, &vm->name);
}

static bool read_link(struct record_reader *r, struct line *line)
{
	uint32_t n = r->size.n_domains, a, b;
	double bps;

	if (!line_known_id(line, "domain", n, &a) ||
	    !line_known_id(line, "domain", n, &b) ||
	    !line_real(line, "bandwidth", &bps) || !line_ended(line, 0))
		return false;
	r->link_bps[(size_t)a * n + b] = bps;
	r->record.model.link_bps = r->link_bps;
	return true;
}

/* Is each VM in the environment that says it has it? */
static bool envs_fit(const struct record_reader *r, struct err *err)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < r->n_envs; i++) {
		const struct environment *env = &r->envs[i];

		if (env->first_vm != next || env->n_vms > r->n_vms - next)
			return err_set(err,
			    "environment %u has VMs from %u, "
			    "not from %u",
			    i, env->first_vm, next);
		for (; next < env->first_vm + env->n_vms; next++)
			if (r->vms[next].env.ix != i)
				return err_set(err,
				    "VM %u is in environment "
				    "%u, not in %u",
				    next, i, r->vms[next].env.ix);
	}
	return next == r->n_vms ||
	       err_set(err, "VM %u is in no environment", next);
}

static bool read_begin(struct record_reader *r, struct line *line)
{
	const struct record *record = &r->record;

	if (!line_ended(line, 0))
		return false;
	if (r->n_domains != r->size.n_domains ||
	    r->n_hosts != r->size.n_hosts || r->n_envs != r->size.n_envs ||
	    r->n_vms != r->size.n_vms || r->n_params != r->size.n_params)
		return err_set(line->err, "less than the first line said");
	if (!record->program || !record->core || !record->policy)
		return err_set(line->err, "program, core or policy is missing");
	r->phase = STEPS;
	return envs_fit(r, line->err);
}

static bool read_header(
    struct record_reader *r, const char *word, struct line *line)
{
	static const struct {
		const char *word;
		bool (*read)(struct record_reader *r, struct line *line);
	} lines[] = {{"param", read_param}, {"limits", read_limits},
	    {"host", read_host}, {"environment", read_environment},
	    {"vm", read_vm}, {"link", read_link}, {"begin", read_begin}};
	struct record *record = &r->record;

	if (strcmp(word, "program") == 0)
		return take_name(r, line, &record->program);
	if (strcmp(word, "core") == 0)
		return take_name(r, line, &record->core);
	if (strcmp(word, "policy") == 0)
		return take_name(r, line, &record->policy);
	if (strcmp(word, "domain") == 0)
		return have_room(line, r->n_domains, r->size.n_domains) &&
		       take_name(r, line, &r->domains[r->n_domains++].name);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (strcmp(word, lines[i].word) == 0)
			return lines[i].read(r, line);
	return err_set(line->err, "\"%s\" begins no line of the header", word);
}

/* Kinds and states by their names. */

#define NAME_OF(name, type)                                                    \
	static const char *name##_of(uint32_t kind)                            \
	{                                                                      \
		return name((enum type)kind);                                  \
	}

NAME_OF(host_state_name, host_state)
NAME_OF(env_state_name, env_state)
NAME_OF(vm_state_name, vm_state)
NAME_OF(action_kind_name, action_kind)
NAME_OF(outcome_kind_name, outcome_kind)

/* The steps. */

static bool read_observe(struct record_reader *r, struct line *line)
{
	struct observation *obs = &r->record.obs;

	if (r->observed)
		return err_set(line->err, "the plan is missing");
	r->observed = true;
	return line_u64(line, "sequence", UINT64_MAX, &obs->sequence) &&
	       line_time(line, "time", &obs->now_ns) &&
	       line_time(line, "period", &obs->period_ns) &&
	       line_ended(line, 0);
}

static bool read_host_seen(struct record_reader *r, struct line *line)
{
	struct host_observation *host;
	uint32_t i, state;

	if (!line_known_id(line, "host", r->size.n_hosts, &i) ||
	    !line_kind(line, "state of a host", host_state_name_of,
	        N_HOST_STATES, &state))
		return false;
	host = &r->record.obs.hosts[i];
	host->state = (enum host_state)state;
	return line_u32(line, "CPU", &host->cpu_used_mcpu) &&
	       line_u64(line, "free memory", INT64_MAX, &host->mem_free_kib) &&
	       line_ended(line, 0);
}

static bool read_env_seen(struct record_reader *r, struct line *line)
{
	struct env_observation *env;
	uint32_t i, state;

	if (!line_known_id(line, "environment", r->size.n_envs, &i) ||
	    !line_kind(line, "state of an environment", env_state_name_of,
	        N_ENV_STATES, &state))
		return false;
	env = &r->record.obs.envs[i];
	env->state = (enum env_state)state;
	return line_u32(line, "network", &env->network_up) &&
	       line_time(line, "time of asking", &env->queued_ns) &&
	       line_time(line, "time of moving", &env->moved_ns) &&
	       line_ended(line, 0);
}

static bool read_vm_seen(struct record_reader *r, struct line *line)
{
	struct vm_observation *vm;
	uint32_t i, state, n = r->size.n_hosts;

	if (!line_known_id(line, "VM", r->size.n_vms, &i) ||
	    !line_kind(
	        line, "state of a VM", vm_state_name_of, N_VM_STATES, &state))
		return false;
	vm = &r->record.obs.vms[i];
	vm->state = (enum vm_state)state;
	if (!line_id(line, "host", n, &vm->host.ix) ||
	    !line_id(line, "target", n, &vm->target.ix) ||
	    !line_u32(line, "weight", &vm->weight) ||
	    !line_u32(line, "cap", &vm->cap_mcpu) ||
	    !line_u32(line, "CPU", &vm->cpu_used_mcpu) ||
	    !line_u64(line, "memory", INT64_MAX, &vm->mem_alloc_kib) ||
	    !line_u64(line, "target memory", INT64_MAX, &vm->mem_target_kib) ||
	    !line_memory(line, "used memory", &vm->mem_used_kib) ||
	    !line_time(line, "time of landing", &vm->since_ns) ||
	    !line_ended(line, 0))
		return false;
	if (vm_is_placed(vm) && host_none(vm->host))
		return err_set(line->err, "a %s VM without a host",
		    vm_state_name(vm->state));
	if (vm->state == VM_MIGRATING && host_none(vm->target))
		return err_set(line->err, "a migrating VM without a target");
	return true;
}

static bool read_plan(struct record_reader *r, struct line *line)
{
	uint64_t sequence;

	if (!r->observed)
		return err_set(line->err, "a plan without an observation");
	if (!line_u64(line, "sequence", UINT64_MAX, &sequence) ||
	    !line_u32(line, "number of actions", &r->record.n_actions) ||
	    !line_ended(line, 0))
		return false;
	if (sequence != r->record.obs.sequence)
		return err_set(line->err, "a plan for another observation");
	r->observed = false;
	r->actions_left = r->record.n_actions;
	r->phase = r->actions_left ? PLAN : STEPS;
	return true;
}

static bool read_action(struct record_reader *r, struct line *line)
{
	struct action *action = &r->record.action;
	uint32_t n = r->size.n_hosts, kind;

	*action = (struct action){0};
	if (!line_kind(
	        line, "action", action_kind_name_of, N_ACTION_KINDS, &kind) ||
	    !line_known_id(line, "VM", r->size.n_vms, &action->vm.ix) ||
	    !line_id(line, "host", n, &action->from.ix) ||
	    !line_id(line, "host", n, &action->to.ix) ||
	    !line_u32(line, "group", &action->group) ||
	    !line_u32(line, "weight", &action->weight) ||
	    !line_u32(line, "cap", &action->cap_mcpu) ||
	    !line_u64(line, "memory", INT64_MAX, &action->mem_kib) ||
	    !line_ended(line, line->n_texts == 2 ? 2 : 1))
		return false;
	action->kind = (enum action_kind)kind;
	action->reason.text = line->texts[0];
	action->refused = line->n_texts == 2 ? line->texts[1] : NULL;
	if (--r->actions_left == 0)
		r->phase = STEPS;
	return true;
}

static bool read_outcome(struct record_reader *r, struct line *line)
{
	struct outcome *outcome = &r->record.outcome;
	const char *text = line->n_texts ? line->texts[0] : "";
	size_t n = strlen(text);
	uint32_t kind;

	*outcome = (struct outcome){0};
	if (!line_u64(
	        line, "sequence", UINT64_MAX, &outcome->ticket.sequence) ||
	    !line_u32(line, "action", &outcome->ticket.action) ||
	    !line_kind(
	        line, "outcome", outcome_kind_name_of, N_OUTCOME_KINDS, &kind))
		return false;
	outcome->kind = (enum outcome_kind)kind;
	if (n >= OUTCOME_TEXT_MAX)
		n = OUTCOME_TEXT_MAX - 1;
	memcpy(outcome->text, text, n);
	return line_time(line, "time", &outcome->at_ns) &&
	       line_ended(line, line->n_texts ? 1 : 0);
}

static bool read_seen(
    struct record_reader *r, const char *word, struct line *line)
{
	if (!r->observed)
		return err_set(line->err, "no observation is open");
	switch (*word) {
	case 'h':
		return read_host_seen(r, line);
	case 'e':
		return read_env_seen(r, line);
	default:
		return read_vm_seen(r, line);
	}
}

static enum record_event read_step(
    struct record_reader *r, const char *word, struct line *line)
{
	char letter = word[0] && !word[1] ? word[0] : '\0';

	if (strcmp(word, "observe") == 0)
		return read_observe(r, line) ? RECORD_TAKEN : RECORD_BAD;
	if (strcmp(word, "plan") == 0)
		return read_plan(r, line) ? RECORD_PLAN : RECORD_BAD;
	if (letter == 'h' || letter == 'e' || letter == 'v')
		return read_seen(r, word, line) ? RECORD_TAKEN : RECORD_BAD;
	if (letter == 'o')
		return read_outcome(r, line) ? RECORD_OUTCOME : RECORD_BAD;
	err_set(line->err, "\"%s\" begins no line of a step", word);
	return RECORD_BAD;
}

static enum record_event read_line(
    struct record_reader *r, const char *word, struct line *line)
{
	switch (r->phase) {
	case HEADER:
		if (!read_header(r, word, line))
			return RECORD_BAD;
		return r->phase == STEPS ? RECORD_BEGUN : RECORD_TAKEN;
	case PLAN:
		if (strcmp(word, "a") == 0)
			return read_action(r, line) ? RECORD_ACTION
			                            : RECORD_BAD;
		err_set(line->err, "%u actions are missing", r->actions_left);
		return RECORD_BAD;
	case STEPS:
		return read_step(r, word, line);
	default:
		err_set(line->err, "what stood before was wrong");
		return RECORD_BAD;
	}
}

enum record_event record_read(
    struct record_reader *r, char *text, struct err *err)
{
	enum record_event event = RECORD_BAD;
	struct line line;
	const char *word;

	r->record.line++;
	if (line_cut(&line, text, err) && (word = line_word(&line, "a word")))
		event = read_line(r, word, &line);
	if (event == RECORD_BAD)
		r->phase = SPOILT;
	return event;
}

const struct record *record_of(const struct record_reader *r)
{
	return &r->record;
}
