/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record's observations given to the core again; see replay.h. */
#include "sim/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Lines that grow. */
struct text {
	char *chars;
	size_t used, size;
};

struct replay {
	FILE *in;
	const struct policy *policy;
	double *values;
	struct record_reader *reader;
	const struct record *record;
	struct record_writer *writer;
	struct manager *manager;
	struct manager_listener listener;
	void *reader_memory, *manager_memory;
	char *line; /* as getline keeps it */
	size_t line_size;
	struct text recorded, now;
	uint32_t actions_left; /* of the recorded plan */
	uint64_t plan_line;
	struct replay_result *result;
};

static bool text_add(void *self, const char *chars, size_t n)
{
	struct text *text = self;

	if (text->used + n + 1 > text->size) {
		size_t size = 2 * (text->used + n + 1);
		char *more = realloc(text->chars, size);

		if (!more)
			return false;
		text->chars = more;
		text->size = size;
	}
	memcpy(text->chars + text->used, chars, n);
	text->used += n;
	text->chars[text->used] = '\0';
	return true;
}

/* The world of a replay: what it was. */

static bool world_observe(void *world, struct observation *obs, struct err *err)
{
	const struct record *record = world;
	const struct observation *seen = &record->obs;
	const struct model *model = &record->model;
	struct observation to = *obs;

	(void)err;
	*obs = *seen;
	obs->hosts = to.hosts;
	obs->envs = to.envs;
	obs->vms = to.vms;
	for (uint32_t i = 0; i < model->n_hosts; i++)
		obs->hosts[i] = seen->hosts[i];
	for (uint32_t i = 0; i < model->n_envs; i++)
		obs->envs[i] = seen->envs[i];
	for (uint32_t i = 0; i < model->n_vms; i++)
		obs->vms[i] = seen->vms[i];
	return true;
}

static bool world_start(void *world, uint64_t sequence,
    const struct action *actions, uint32_t n_actions, struct err *err)
{
	(void)world;
	(void)sequence;
	(void)actions;
	(void)n_actions;
	(void)err;
	return true;
}

static uint32_t world_outcomes(
    void *world, struct outcome *outcomes, uint32_t max)
{
	(void)world;
	(void)outcomes;
	(void)max;
	return 0;
}

static const struct backend backend_replay = {
    "replay", world_observe, world_start, world_outcomes};

static void planned(
    void *self, const struct observation *obs, const struct plan *plan)
{
	struct replay *r = self;

	record_write_plan(r->writer, obs->sequence, plan);
}

/* The manager as it was. */

static void *take_memory(struct arena *counted, struct err *err)
{
	size_t size = counted->used ? counted->used : 64;
	void *memory = aligned_alloc(64, size);

	if (!memory) {
		err_set(err, "not enough memory: %zu bytes", size);
		return NULL;
	}
	memset(memory, 0, size);
	*counted = (struct arena){.base = memory, .size = size};
	return memory;
}

static bool take_value(
    struct replay *r, const struct record_param *param, struct err *err)
{
	int i = policy_find_param(r->policy, param->name);
	const struct param *of;

	if (i < 0)
		return err_set(err, "the policy %s has no parameter \"%s\"",
		    r->policy->name, param->name);
	of = &r->policy->params[i];
	if (!(param->value >= of->min && param->value <= of->max))
		return err_set(err,
		    "%s of the policy %s is %g; right is %g to %g",
		    of->name, r->policy->name, param->value, of->min, of->max);
	r->values[i] = param->value;
	return true;
}

static bool take_values(struct replay *r, struct err *err)
{
	uint32_t n = r->policy->n_params;

	r->values = calloc(n + 1, sizeof *r->values);
	if (!r->values)
		return err_set(err, "not enough memory");
	if (r->record->n_params != n)
		return err_set(err,
		    "the record has %u parameters, the policy "
		    "%s %u",
		    r->record->n_params, r->policy->name, n);
	for (uint32_t i = 0; i < n; i++)
		if (!take_value(r, &r->record->params[i], err))
			return false;
	return true;
}

static void lay_out_manager(struct replay *r, struct arena *arena)
{
	const struct model *model = &r->record->model;
	const struct manager_options options = {.limits = r->record->limits};
	const struct record_sink sink = {&r->now, text_add};

	r->manager = manager_lay_out(
	    arena, model, r->policy, r->values, &options, &r->listener);
	r->writer = record_writer_lay_out(arena, model, &sink);
}

static bool begin(struct replay *r, struct err *err)
{
	const struct record *record = r->record;
	struct arena arena = {0};

	if (!r->policy && !(r->policy = policy_find(record->policy)))
		return err_set(err,
		    "the policy \"%s\" is not built in; give "
		    "it by --policy",
		    record->policy);
	if (!take_values(r, err))
		return false;
	snprintf(r->result->core, sizeof r->result->core, "%s", record->core);
	snprintf(
	    r->result->policy, sizeof r->result->policy, "%s", record->policy);
	r->listener = (struct manager_listener){.self = r, .planned = planned};
	lay_out_manager(r, &arena);
	r->manager_memory = take_memory(&arena, err);
	if (!r->manager_memory)
		return false;
	lay_out_manager(r, &arena);
	return true;
}

/* Line by line. */

/* The next line without its newline; NULL at the end, or with err. */
static char *next_line(struct replay *r, struct err *err)
{
	ssize_t n = getline(&r->line, &r->line_size, r->in);

	if (n < 0) {
		if (ferror(r->in))
			err_set(err, "%s", strerror(errno));
		return NULL;
	}
	if (n > 0 && r->line[n - 1] == '\n')
		r->line[n - 1] = '\0';
	return r->line;
}

/* Each thing counted has a line of its own in the file. */
static bool size_is_honest(
    const struct record_size *size, FILE *in, struct err *err)
{
	uint64_t lines = (uint64_t)size->n_domains + size->n_hosts +
	                 size->n_envs + size->n_vms + size->n_params;
	struct stat st;

	if (fstat(fileno(in), &st) != 0)
		return err_set(err, "%s", strerror(errno));
	if (S_ISREG(st.st_mode) && (lines > (uint64_t)st.st_size ||
	                               size->text_bytes > (uint64_t)st.st_size))
		return err_set(err, "the first line counts more than the file "
		                    "can hold");
	return true;
}

static bool open_reader(struct replay *r, struct err *err)
{
	struct record_size size;
	struct arena arena = {0};
	const char *line = next_line(r, err);

	if (!line)
		return err->text[0] ? false : err_set(err, "the file is empty");
	if (!record_read_size(&size, line, err) ||
	    !size_is_honest(&size, r->in, err))
		return false;
	record_reader_lay_out(&arena, &size);
	r->reader_memory = take_memory(&arena, err);
	if (!r->reader_memory)
		return false;
	r->reader = record_reader_lay_out(&arena, &size);
	r->record = record_of(r->reader);
	return true;
}

/* The observation is complete: what is the plan now? */
static bool ask(struct replay *r, struct err *err)
{
	void *world = (void *)(uintptr_t)r->record; /* only read from */

	r->plan_line = r->record->line;
	r->actions_left = r->record->n_actions;
	r->recorded.used = r->now.used = 0;
	if (!manager_step(r->manager, &backend_replay, world, err))
		return false;
	return record_writer_ok(r->writer) || err_set(err, "not enough memory");
}

static void compare(struct replay *r)
{
	struct replay_result *result = r->result;

	if (strcmp(r->recorded.chars, r->now.chars) == 0) {
		result->n_plans++;
		result->n_actions += r->record->n_actions;
		return;
	}
	result->differs = true;
	result->line = r->plan_line;
	result->at_ns = r->record->obs.now_ns;
	result->recorded = strdup(r->recorded.chars);
	result->now = strdup(r->now.chars);
}

/* Takes one line; `whole` is a copy of it, for the reader cuts it up. */
static bool take_line(
    struct replay *r, char *line, struct text *whole, struct err *err)
{
	enum record_event event;

	whole->used = 0;
	if (!text_add(whole, line, strlen(line)) || !text_add(whole, "\n", 1))
		return err_set(err, "not enough memory");
	event = record_read(r->reader, line, err);
	if (event == RECORD_BAD)
		return false;
	if (event == RECORD_BEGUN)
		return begin(r, err);
	if (event == RECORD_PLAN && !ask(r, err))
		return false;
	if (event == RECORD_ACTION)
		r->actions_left--;
	if (event != RECORD_PLAN && event != RECORD_ACTION)
		return true;
	if (!text_add(&r->recorded, whole->chars, whole->used))
		return err_set(err, "not enough memory");
	if (!r->actions_left)
		compare(r);
	return true;
}

static bool take_lines(struct replay *r, struct err *err)
{
	struct text whole = {0};
	char *line;
	bool ok = true;

	while (ok && !r->result->differs && (line = next_line(r, err)))
		ok = take_line(r, line, &whole, err);
	free(whole.chars);
	if (ok && !r->manager)
		return err_set(err, "the record ends within its header");
	return ok && !ferror(r->in);
}

bool replay_record(FILE *in, const char *path, const struct policy *policy,
    struct replay_result *result, struct err *err)
{
	struct replay r = {.in = in, .policy = policy, .result = result};
	struct err none = {0};
	bool ok;

	err = err ? err : &none;
	*err = none;
	*result = (struct replay_result){0};
	ok = open_reader(&r, err) && take_lines(&r, err);
	if (!ok)
		err_prefix(err, "%s:%llu", path,
		    r.record ? (unsigned long long)r.record->line : 1);
	free(r.reader_memory);
	free(r.manager_memory);
	free(r.values);
	free(r.line);
	free(r.recorded.chars);
	free(r.now.chars);
	return ok;
}

void replay_result_fini(struct replay_result *result)
{
	free(result->recorded);
	free(result->now);
	*result = (struct replay_result){0};
}
