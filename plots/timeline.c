/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who was where and when; see timeline.h. */
#include "plots/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/outdir.h"

static uint32_t names_find(const struct names *names, const char *text)
{
	uint32_t i = 0;

	while (i < names->n && strcmp(names->text[i], text) != 0)
		i++;
	return i;
}

/* The number of a name, a new one if it is new. */
static uint32_t names_take(struct names *names, const char *text)
{
	uint32_t i = names_find(names, text);

	if (i == names->n)
		names->text[names->n++] = text;
	return i;
}

static bool read_file(
    struct table *table, const char *folder, const char *name, struct err *err)
{
	char *path = outdir_join(folder, name);
	bool ok = path ? table_read(table, path, err)
	               : err_set(err, "not enough memory");

	free(path);
	return ok;
}

/* The columns of these names, all of which must be there. */
static bool find_columns(const struct table *table, const char *file,
    const char *const *names, int *columns, struct err *err)
{
	for (; *names; names++, columns++) {
		*columns = table_find(table, *names);
		if (*columns == NO_COLUMN)
			return err_set(
			    err, "%s has no column %s", file, *names);
	}
	return true;
}

static bool take_memory(struct timeline *t)
{
	size_t n_hosts = t->series.n_rows + 1;
	size_t n_rows = t->placements.n_rows + 1;

	t->domains.text = calloc(n_hosts, sizeof *t->domains.text);
	t->hosts.text = calloc(n_hosts, sizeof *t->hosts.text);
	t->host_domain = calloc(n_hosts, sizeof *t->host_domain);
	t->envs.text =
	    calloc(t->environments.n_rows + n_rows, sizeof *t->envs.text);
	t->vms.text = calloc(n_rows, sizeof *t->vms.text);
	t->vm_env = calloc(n_rows, sizeof *t->vm_env);
	t->vm_head = calloc(n_rows, sizeof *t->vm_head);
	t->stays = calloc(n_rows, sizeof *t->stays);
	t->moves = calloc(t->migrations.n_rows + 1, sizeof *t->moves);
	return t->domains.text && t->hosts.text && t->host_domain &&
	       t->envs.text && t->vms.text && t->vm_env && t->vm_head &&
	       t->stays && t->moves;
}

/* The first instant of the series names every host. */
static bool read_hosts(struct timeline *t, struct err *err)
{
	static const char *const names[] = {"time_s", "domain", "host", NULL};
	const struct table *s = &t->series;
	int c[3];

	if (!find_columns(s, "hosts.csv", names, c, err))
		return false;
	for (uint32_t i = 0; i < s->n_rows; i++) {
		if (strcmp(table_text(s, i, c[0]), table_text(s, 0, c[0])) != 0)
			break;
		t->host_domain[t->hosts.n] =
		    names_take(&t->domains, table_text(s, i, c[1]));
		t->hosts.text[t->hosts.n++] = table_text(s, i, c[2]);
	}
	if (s->n_rows)
		t->end_s = table_number(s, s->n_rows - 1, c[0]);
	return true;
}

static bool read_environments(struct timeline *t, struct err *err)
{
	static const char *const names[] = {"environment", "end_s", NULL};
	int c[2];

	if (!find_columns(&t->environments, "environments.csv", names, c, err))
		return false;
	for (uint32_t i = 0; i < t->environments.n_rows; i++) {
		double end_s = table_number(&t->environments, i, c[1]);

		names_take(&t->envs, table_text(&t->environments, i, c[0]));
		if (end_s > t->end_s)
			t->end_s = end_s;
	}
	return true;
}

/* VMs of two environments may have one name. */
static uint32_t find_vm(
    const struct timeline *t, uint32_t env, const char *name)
{
	uint32_t i = 0;

	while (i < t->n_vms &&
	       (t->vm_env[i] != env || strcmp(t->vms.text[i], name) != 0))
		i++;
	return i;
}

static uint32_t take_vm(
    struct timeline *t, const char *env_name, const char *name)
{
	uint32_t env = names_take(&t->envs, env_name);
	uint32_t vm = find_vm(t, env, name);

	if (vm < t->n_vms)
		return vm;
	t->vms.text[vm] = name;
	t->vm_env[vm] = env;
	t->n_vms++;
	return vm;
}

static void end_stay(struct timeline *t, uint32_t vm, double at_s)
{
	for (uint32_t i = t->n_stays; i-- > 0;)
		if (t->stays[i].vm == vm) {
			if (isinf(t->stays[i].to_s))
				t->stays[i].to_s = at_s;
			return;
		}
}

static bool read_placements(struct timeline *t, struct err *err)
{
	static const char *const names[] = {
	    "time_s", "environment", "vm", "role", "to_host", NULL};
	const struct table *p = &t->placements;
	int c[5];

	if (!find_columns(p, "placements.csv", names, c, err))
		return false;
	for (uint32_t i = 0; i < p->n_rows; i++) {
		double at_s = table_number(p, i, c[0]);
		uint32_t vm =
		    take_vm(t, table_text(p, i, c[1]), table_text(p, i, c[2]));
		uint32_t host = names_find(&t->hosts, table_text(p, i, c[4]));

		t->vm_head[vm] = strcmp(table_text(p, i, c[3]), "head") == 0;
		end_stay(t, vm, at_s);
		if (host < t->hosts.n)
			t->stays[t->n_stays++] =
			    (struct stay){vm, host, at_s, (double)INFINITY};
		if (at_s > t->end_s)
			t->end_s = at_s;
	}
	for (uint32_t i = 0; i < t->n_stays; i++)
		if (isinf(t->stays[i].to_s))
			t->stays[i].to_s = t->end_s;
	return true;
}

static bool read_migrations(struct timeline *t, struct err *err)
{
	static const char *const names[] = {"environment", "vm", "from_host",
	    "to_host", "start_s", "end_s", NULL};
	const struct table *m = &t->migrations;
	int c[6];

	if (!find_columns(m, "migrations.csv", names, c, err))
		return false;
	for (uint32_t i = 0; i < m->n_rows; i++) {
		struct move move = {
		    .vm =
		        find_vm(t, names_find(&t->envs, table_text(m, i, c[0])),
		            table_text(m, i, c[1])),
		    .from = names_find(&t->hosts, table_text(m, i, c[2])),
		    .to = names_find(&t->hosts, table_text(m, i, c[3])),
		    .start_s = table_number(m, i, c[4]),
		    .end_s = table_number(m, i, c[5])};

		if (move.vm < t->n_vms && move.from < t->hosts.n &&
		    move.to < t->hosts.n)
			t->moves[t->n_moves++] = move;
	}
	return true;
}

bool timeline_read(struct timeline *t, const char *folder, struct err *err)
{
	*t = (struct timeline){0};
	if (read_file(&t->environments, folder, "environments.csv", err) &&
	    read_file(&t->placements, folder, "placements.csv", err) &&
	    read_file(&t->migrations, folder, "migrations.csv", err) &&
	    read_file(&t->series, folder, "hosts.csv", err) &&
	    (take_memory(t) || err_set(err, "not enough memory")) &&
	    read_hosts(t, err) && read_environments(t, err) &&
	    read_placements(t, err) && read_migrations(t, err))
		return true;
	timeline_fini(t);
	return false;
}

void timeline_fini(struct timeline *t)
{
	free(t->domains.text);
	free(t->hosts.text);
	free(t->host_domain);
	free(t->envs.text);
	free(t->vms.text);
	free(t->vm_env);
	free(t->vm_head);
	free(t->stays);
	free(t->moves);
	table_fini(&t->environments);
	table_fini(&t->placements);
	table_fini(&t->migrations);
	table_fini(&t->series);
	*t = (struct timeline){0};
}

uint32_t timeline_host_at(const struct timeline *t, uint32_t vm, double at_s)
{
	for (uint32_t i = 0; i < t->n_stays; i++) {
		const struct stay *stay = &t->stays[i];

		if (stay->vm == vm && stay->from_s <= at_s && at_s < stay->to_s)
			return stay->host;
	}
	return t->hosts.n;
}

const struct move *timeline_move_at(
    const struct timeline *t, uint32_t vm, double at_s)
{
	for (uint32_t i = 0; i < t->n_moves; i++) {
		const struct move *move = &t->moves[i];

		if (move->vm == vm && move->start_s <= at_s &&
		    at_s < move->end_s)
			return move;
	}
	return NULL;
}
