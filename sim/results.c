/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run gives, heard and written as it happens; see results.h. */
#include "sim/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/record.h"
#include "sim/digest.h"
#include "sim/outdir.h"
#include "sim/table.h"

enum file {
	ENVIRONMENTS,
	ACTIONS,
	MIGRATIONS,
	ROUNDS,
	PLACEMENTS,
	HOSTS,
	VMS,
	RECORD,
	SUMMARY,
	N_FILES
};

static const struct {
	const char *name, *header;
} files[N_FILES] = {
    [ENVIRONMENTS] = {"environments.csv",
        "environment,created_s,start_s,end_s,execution_s,outcome\n"},
    [ACTIONS] = {"actions.csv",
        "time_s,action,environment,vm,from_domain,from_host,to_domain,"
        "to_host,amount,unit,reason\n"},
    [MIGRATIONS] = {"migrations.csv",
        "environment,vm,from_host,to_host,start_s,end_s,total_s,downtime_s,"
        "network_s,rounds,sent_bytes,outcome\n"},
    [ROUNDS] = {"rounds.csv",
        "vm,round,sent_pages,skipped_pages,duration_s,rate_bit_s,"
        "dirtied_pages,environment,migration,start_s\n"},
    [PLACEMENTS] = {"placements.csv",
        "time_s,environment,vm,role,from_host,to_host\n"},
    [HOSTS] = {"hosts.csv",
        "time_s,domain,host,vms,cpu_used_mcpu,cpu_alloc_mcpu,cpu_mcpu,"
        "mem_alloc_kib,mem_kib\n"},
    [VMS] = {"vms.csv",
        "time_s,environment,vm,host,state,cpu_used_mcpu,cpu_alloc_mcpu,"
        "mem_used_kib,mem_alloc_kib\n"},
    [RECORD] = {"record", ""},
    [SUMMARY] = {"summary.json", ""},
};

struct results {
	struct results_of of;
	double *values; /* a copy, which of.values is */
	const struct model *model;
	char *folder; /* NULL: nothing is written */
	FILE *files[N_FILES];
	struct record_writer *record; /* NULL: none */
	void *record_memory;
	struct result_env *envs;
	struct sim_migration *migrations;
	uint32_t n_migrations, max_migrations;
	bool out_of_memory;
	bool stopped; /* its files could not be written; all are closed */
	struct sim_metrics metrics;
	struct sim_listener listener;
	struct sim_listener also;
};

/* Names. */

static const char *host_name(const struct model *model, struct host_id host)
{
	return host_none(host) ? "" : model->hosts[host.ix].name;
}

static const char *domain_name(const struct model *model, struct host_id host)
{
	if (host_none(host))
		return "";
	return model->domains[model->hosts[host.ix].domain.ix].name;
}

static const char *env_name(const struct model *model, struct vm_id vm)
{
	return model->envs[model->vms[vm.ix].env.ix].name;
}

static void put_cell(FILE *file, const char *text)
{
	putc(',', file);
	table_put_text(file, text);
}

static void put_time_cell(FILE *file, int64_t ns)
{
	putc(',', file);
	table_put_time(file, ns);
}

/* What the simulation tells. */

static void env_ended(void *self, const struct sim_env_end *end)
{
	struct results *r = self;
	struct result_env *env = &r->envs[end->env.ix];

	env->created_ns = end->created_ns;
	env->start_ns = end->start_ns;
	env->end_ns = end->end_ns;
	env->outcome = end->outcome;
	if (r->also.env_ended)
		r->also.env_ended(r->also.self, end);
}

static void env_stalled(void *self, struct env_id env, int64_t from_ns,
    int64_t until_ns, int64_t linger_ns)
{
	struct results *r = self;

	r->envs[env.ix].stalled_ns += until_ns - from_ns;
	r->envs[env.ix].linger_ns += linger_ns;
	if (r->also.env_stalled)
		r->also.env_stalled(
		    r->also.self, env, from_ns, until_ns, linger_ns);
}

static void migration_began(
    void *self, int64_t now_ns, const struct sim_migration *began)
{
	struct results *r = self;

	if (r->also.migration_began)
		r->also.migration_began(r->also.self, now_ns, began);
}

static void write_round(
    FILE *file, const struct model *model, const struct sim_round *round)
{
	table_put_text(file, model->vms[round->vm.ix].name);
	fprintf(file, ",%u,%.0f,%.0f", round->round, round->sent_pages,
	    round->skipped_pages);
	put_time_cell(file, round->duration_ns);
	fprintf(file, ",%.0f,%.0f", round->rate_bps, round->dirtied_pages);
	put_cell(file, env_name(model, round->vm));
	fprintf(file, ",%u", round->migration);
	put_time_cell(file, round->start_ns);
	putc('\n', file);
}

static void round_ended(void *self, const struct sim_round *round)
{
	struct results *r = self;

	if (r->files[ROUNDS])
		write_round(r->files[ROUNDS], r->model, round);
	if (r->also.round_ended)
		r->also.round_ended(r->also.self, round);
}

static void keep_migration(struct results *r, const struct sim_migration *ended)
{
	if (r->n_migrations == r->max_migrations) {
		uint32_t max = r->max_migrations ? 2 * r->max_migrations : 16;
		void *more = realloc(r->migrations, max * sizeof *ended);

		if (!more) {
			r->out_of_memory = true;
			return;
		}
		r->migrations = more;
		r->max_migrations = max;
	}
	r->migrations[r->n_migrations++] = *ended;
}

static void write_migration(
    FILE *file, const struct model *model, const struct sim_migration *ended)
{
	table_put_text(file, env_name(model, ended->vm));
	put_cell(file, model->vms[ended->vm.ix].name);
	put_cell(file, host_name(model, ended->from));
	put_cell(file, host_name(model, ended->to));
	put_time_cell(file, ended->start_ns);
	put_time_cell(file, ended->end_ns);
	put_time_cell(file, ended->end_ns - ended->start_ns);
	put_time_cell(file, ended->downtime_ns);
	put_time_cell(file, ended->network_ns);
	fprintf(file, ",%u,%.0f", ended->rounds, ended->sent_bytes);
	put_cell(file, ended->outcome);
	putc('\n', file);
}

static void migration_ended(void *self, const struct sim_migration *ended)
{
	struct results *r = self;

	keep_migration(r, ended);
	if (r->files[MIGRATIONS])
		write_migration(r->files[MIGRATIONS], r->model, ended);
	if (r->also.migration_ended)
		r->also.migration_ended(r->also.self, ended);
}

static void vm_moved(void *self, int64_t now_ns, struct vm_id vm,
    struct host_id from, struct host_id to)
{
	struct results *r = self;
	FILE *file = r->files[PLACEMENTS];

	if (file) {
		table_put_time(file, now_ns);
		put_cell(file, env_name(r->model, vm));
		put_cell(file, r->model->vms[vm.ix].name);
		fputs(
		    r->model->vms[vm.ix].is_head ? ",head" : ",compute", file);
		put_cell(file, host_name(r->model, from));
		put_cell(file, host_name(r->model, to));
		putc('\n', file);
	}
	if (r->also.vm_moved)
		r->also.vm_moved(r->also.self, now_ns, vm, from, to);
}

static void series_hosts(void *self, int64_t now_ns,
    const struct sim_host_row *rows, uint32_t n_rows)
{
	struct results *r = self;
	FILE *file = r->files[HOSTS];

	for (uint32_t i = 0; file && i < n_rows; i++) {
		const struct sim_host_row *row = &rows[i];
		const struct host *host = &r->model->hosts[row->host.ix];

		table_put_time(file, now_ns);
		put_cell(file, domain_name(r->model, row->host));
		put_cell(file, host->name);
		fprintf(file, ",%u,%.1f,%.1f,%u,%llu,%llu\n", row->n_vms,
		    row->cpu_used_mcpu, row->cpu_alloc_mcpu, host->cpu_mcpu,
		    (unsigned long long)row->mem_alloc_kib,
		    (unsigned long long)host->mem_kib);
	}
	if (r->also.series_hosts)
		r->also.series_hosts(r->also.self, now_ns, rows, n_rows);
}

static void series_vms(
    void *self, int64_t now_ns, const struct sim_vm_row *rows, uint32_t n_rows)
{
	struct results *r = self;
	FILE *file = r->files[VMS];

	for (uint32_t i = 0; file && i < n_rows; i++) {
		const struct sim_vm_row *row = &rows[i];

		table_put_time(file, now_ns);
		put_cell(file, env_name(r->model, row->vm));
		put_cell(file, r->model->vms[row->vm.ix].name);
		put_cell(file, host_name(r->model, row->host));
		put_cell(file, vm_state_name(row->state));
		fprintf(file, ",%.1f,%.1f,", row->cpu_used_mcpu,
		    row->cpu_alloc_mcpu);
		if (row->mem_used_kib != MEM_UNKNOWN)
			fprintf(file, "%llu",
			    (unsigned long long)row->mem_used_kib);
		fprintf(file, ",%llu\n",
		    (unsigned long long)row->mem_alloc_kib);
	}
	if (r->also.series_vms)
		r->also.series_vms(r->also.self, now_ns, rows, n_rows);
}

static void progress(void *self, int64_t now_ns, int64_t until_ns)
{
	struct results *r = self;

	if (r->also.progress)
		r->also.progress(r->also.self, now_ns, until_ns);
}

/* What the manager tells. */

static void observed(void *self, const struct observation *obs)
{
	struct results *r = self;

	if (r->record)
		record_write_observation(r->record, obs);
	if (r->also.manager.observed)
		r->also.manager.observed(r->also.manager.self, obs);
}

static void put_amount(FILE *file, const struct model *model,
    const struct observation *obs, const struct action *action)
{
	const struct vm_observation *seen = &obs->vms[action->vm.ix];
	struct vm_observation wanted = {
	    .weight = action->weight, .cap_mcpu = action->cap_mcpu};

	switch (action->kind) {
	case ACTION_SET_CPU:
		fprintf(file, ",%u,mcpu",
		    vm_cpu_alloc_mcpu(&model->vms[action->vm.ix], &wanted));
		return;
	case ACTION_CREATE:
	case ACTION_SET_MEM:
		fprintf(file, ",%llu,KiB", (unsigned long long)action->mem_kib);
		return;
	case ACTION_MIGRATE:
		fprintf(
		    file, ",%llu,KiB", (unsigned long long)vm_held_kib(seen));
		return;
	default:
		fputs(",,", file);
	}
}

static void write_action(FILE *file, const struct model *model,
    const struct observation *obs, const struct action *action)
{
	char reason[256];

	table_put_time(file, obs->now_ns);
	put_cell(file, action_kind_name(action->kind));
	put_cell(file, env_name(model, action->vm));
	put_cell(file, model->vms[action->vm.ix].name);
	put_cell(file, domain_name(model, action->from));
	put_cell(file, host_name(model, action->from));
	put_cell(file, domain_name(model, action->to));
	put_cell(file, host_name(model, action->to));
	put_amount(file, model, obs, action);
	put_cell(file, reason_print(&action->reason, reason, sizeof reason));
	putc('\n', file);
}

static void planned(
    void *self, const struct observation *obs, const struct plan *plan)
{
	struct results *r = self;
	FILE *file = r->files[ACTIONS];

	if (r->record)
		record_write_plan(r->record, obs->sequence, plan);
	for (uint32_t i = 0; file && i < plan->n_actions; i++)
		if (!plan->actions[i].refused)
			write_action(file, r->model, obs, &plan->actions[i]);
	if (r->also.manager.planned)
		r->also.manager.planned(r->also.manager.self, obs, plan);
}

static void heard(void *self, const struct outcome *outcome)
{
	struct results *r = self;

	if (r->record)
		record_write_outcome(r->record, outcome);
	if (r->also.manager.heard)
		r->also.manager.heard(r->also.manager.self, outcome);
}

/* Life. */

static bool write_to_file(void *self, const char *text, size_t length)
{
	return fwrite(text, 1, length, self) == length;
}

static bool open_record(struct results *r, struct err *err)
{
	const struct record_sink sink = {r->files[RECORD], write_to_file};
	const struct record_origin origin = {.program = VIOLIN_VERSION,
	    .core = core_digest,
	    .policy = r->of.policy,
	    .values = r->of.values,
	    .limits = r->of.scenario->manager.limits};
	struct arena arena = {0};

	record_writer_lay_out(&arena, r->model, &sink);
	arena = (struct arena){
	    .base = aligned_alloc(64, arena.used), .size = arena.used};
	if (!arena.base)
		return err_set(err, "not enough memory for the record");
	memset(arena.base, 0, arena.size);
	r->record_memory = arena.base;
	r->record = record_writer_lay_out(&arena, r->model, &sink);
	record_write_header(r->record, &origin);
	return true;
}

static bool open_files(struct results *r, struct err *err)
{
	for (int i = 0; i < N_FILES; i++) {
		if (i == RECORD && !r->of.scenario->record)
			continue;
		r->files[i] = outdir_create(r->folder, files[i].name, err);
		if (!r->files[i])
			return false;
		fputs(files[i].header, r->files[i]);
	}
	return !r->files[RECORD] || open_record(r, err);
}

static bool take_memory(struct results *r, const struct results_of *of)
{
	size_t n = of->policy->n_params, n_envs = of->scenario->model.n_envs;

	r->envs = calloc(n_envs + 1, sizeof *r->envs);
	r->values = calloc(n + 1, sizeof *r->values);
	if (!r->envs || !r->values)
		return false;
	if (n)
		memcpy(r->values, of->values, n * sizeof *r->values);
	r->of = *of;
	r->of.values = r->values;
	return true;
}

static struct sim_listener listener_to(struct results *r)
{
	return (struct sim_listener){.self = r,
	    .env_ended = env_ended,
	    .env_stalled = env_stalled,
	    .migration_began = migration_began,
	    .round_ended = round_ended,
	    .migration_ended = migration_ended,
	    .vm_moved = vm_moved,
	    .series_hosts = series_hosts,
	    .series_vms = series_vms,
	    .progress = progress,
	    .manager = {.self = r,
	        .observed = observed,
	        .planned = planned,
	        .heard = heard}};
}

struct results *results_new(
    const struct results_of *of, const char *folder, struct err *err)
{
	struct results *r = calloc(1, sizeof *r);

	if (!r || !take_memory(r, of)) {
		err_set(err, "not enough memory");
		results_free(r);
		return NULL;
	}
	r->model = &of->scenario->model;
	r->listener = listener_to(r);
	for (uint32_t i = 0; i < r->model->n_envs; i++)
		r->envs[i] = (struct result_env){.created_ns = -1,
		    .start_ns = -1,
		    .end_ns = -1,
		    .outcome = "absent"};
	if (!folder)
		return r;
	r->folder = strdup(folder);
	if (r->folder && open_files(r, err))
		return r;
	results_free(r);
	return NULL;
}

const struct sim_listener *results_listener(const struct results *r)
{
	return &r->listener;
}

void results_also_tell(struct results *r, const struct sim_listener *listener)
{
	r->also = *listener;
}

static void write_environments(const struct results *r, FILE *file)
{
	for (uint32_t i = 0; i < r->model->n_envs; i++) {
		const struct result_env *env = &r->envs[i];
		bool ran = env->start_ns >= 0 && env->end_ns >= 0;

		table_put_text(file, r->model->envs[i].name);
		put_time_cell(file, env->created_ns);
		put_time_cell(file, env->start_ns);
		put_time_cell(file, env->end_ns);
		put_time_cell(file, ran ? env->end_ns - env->start_ns : -1);
		put_cell(file, env->outcome);
		putc('\n', file);
	}
}

/* Whole lines only: where a disk was full, a line may have been torn. */
static void cut_file(const char *folder, const char *name)
{
	char *path = outdir_join(folder, name);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	char last = 0;

	while (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n')
		end--;
	if (fd >= 0 && ftruncate(fd, end) < 0)
		end = 0; /* nothing is left to be done about it */
	if (fd >= 0)
		close(fd);
	free(path);
}

static void stop(struct results *r)
{
	r->stopped = true;
	r->record = NULL;
	for (int i = 0; i < N_FILES; i++) {
		if (!r->files[i])
			continue;
		fclose(r->files[i]);
		r->files[i] = NULL;
		cut_file(r->folder, files[i].name);
	}
}

bool results_flush(struct results *r, struct err *err)
{
	for (int i = 0; i < N_FILES; i++) {
		errno = EIO;
		if (!r->files[i] ||
		    (fflush(r->files[i]) == 0 && !ferror(r->files[i])))
			continue;
		err_set(err, "%s/%s: %s", r->folder, files[i].name,
		    strerror(errno));
		stop(r);
		return false;
	}
	return true;
}

bool results_finish(
    struct results *r, const struct sim_metrics *metrics, struct err *err)
{
	bool ok = true;

	r->metrics = *metrics;
	if (r->out_of_memory)
		return err_set(err, "not enough memory for the migrations");
	if (r->stopped)
		return err_set(err, "%s: not written to the end", r->folder);
	if (r->folder) {
		write_environments(r, r->files[ENVIRONMENTS]);
		results_print_json(r, r->files[SUMMARY]);
	}
	if (r->record && !record_writer_ok(r->record))
		ok = err_set(err, "%s/record: cannot write", r->folder);
	for (int i = 0; i < N_FILES; i++) {
		FILE *file = r->files[i];

		r->files[i] = NULL;
		if (!outdir_finish(
		        file, r->folder, files[i].name, ok ? err : NULL))
			ok = false;
	}
	return ok;
}

void results_free(struct results *r)
{
	if (!r)
		return;
	for (int i = 0; i < N_FILES; i++)
		if (r->files[i])
			fclose(r->files[i]);
	free(r->record_memory);
	free(r->envs);
	free(r->values);
	free(r->migrations);
	free(r->folder);
	free(r);
}

const struct result_env *results_envs(const struct results *r)
{
	return r->envs;
}

const struct sim_migration *results_migrations(
    const struct results *r, uint32_t *n)
{
	*n = r->n_migrations;
	return r->migrations;
}

const struct sim_metrics *results_metrics(const struct results *r)
{
	return &r->metrics;
}

const struct results_of *results_what(const struct results *r)
{
	return &r->of;
}
