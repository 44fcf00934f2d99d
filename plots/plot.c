/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The figures of a result directory, by gnuplot; see plot.h. */
#include "plots/plot.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plots/figures.h"
#include "plots/scripts.h"
#include "sim/outdir.h"

/* Data and scripts. */

static FILE *create(
    const char *folder, const char *name, const char *suffix, struct err *err)
{
	char *path;
	FILE *file;

	if (asprintf(&path, "%s/%s%s", folder, name, suffix) < 0) {
		err_set(err, "not enough memory");
		return NULL;
	}
	file = fopen(path, "we");
	if (!file)
		err_set(err, "%s: %s", path, strerror(errno));
	free(path);
	return file;
}

FILE *plot_data(const char *folder, const char *name, struct err *err)
{
	return create(folder, name, ".dat", err);
}

void plot_put_words(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		/* A backslash or a quote would end or change the string. */
		putc(c == '"' || c == '\\' || c < ' ' ? '\'' : c, out);
	}
}

void plot_put_text(FILE *out, const char *text)
{
	putc('"', out);
	plot_put_words(out, text);
	putc('"', out);
}

static const char *script_text(const char *name)
{
	for (const struct plot_script *s = plot_scripts; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s->text;
	return NULL;
}

/* One file that draws the figure again, whoever runs gnuplot over it. */
static bool write_script(const char *folder, const char *name,
    const char *script, const char *settings, struct err *err)
{
	FILE *file = create(folder, name, ".gp", err);

	if (!file)
		return false;
	fprintf(file,
	    "# gnuplot -e \"format='png'\" %s.gp; or svg\n"
	    "name = '%s'\n%s\n%s\n%s",
	    name, name, settings, plot_scripts[0].text, script_text(script));
	return outdir_finish(file, folder, name, err);
}

static bool run_gnuplot(
    const char *folder, const char *script, const char *format, struct err *err)
{
	char setting[40], program[] = "gnuplot", e[] = "-e";
	char *copy = strdup(script);
	char *argv[] = {program, e, setting, copy, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int failed, status = 0;

	snprintf(setting, sizeof setting, "format='%s'", format);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addchdir_np(&actions, folder);
	failed = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	free(copy);
	if (failed)
		return err_set(
		    err, "gnuplot: %s; is it installed?", strerror(failed));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, "gnuplot: %s", strerror(errno));
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	       err_set(err, "gnuplot failed on %s/%s", folder, script);
}

bool plot_draw(const char *folder, const char *name, const char *script,
    const char *settings, struct err *err)
{
	char *file;
	bool ok;

	if (!write_script(folder, name, script, settings, err))
		return false;
	if (asprintf(&file, "%s.gp", name) < 0)
		return err_set(err, "not enough memory");
	ok = run_gnuplot(folder, file, "svg", err) &&
	     run_gnuplot(folder, file, "png", err);
	free(file);
	return ok;
}

bool figure_read(struct table *table, const char *folder, const char *name,
    const char *const *columns, int *found, struct err *err)
{
	char *path = outdir_join(folder, name);
	bool ok = path ? table_read(table, path, err)
	               : err_set(err, "not enough memory");

	for (; ok && *columns; columns++, found++) {
		*found = table_find(table, *columns);
		if (*found == NO_COLUMN) {
			ok =
			    err_set(err, "%s has no column %s", path, *columns);
			table_fini(table);
		}
	}
	free(path);
	return ok;
}

/* What there is to draw. */

static bool is_there(const char *folder, const char *name)
{
	char *path = outdir_join(folder, name);
	bool there = path && access(path, F_OK) == 0;

	free(path);
	return there;
}

static bool make_figures(struct figure *figure, struct err *err)
{
	if (is_there(figure->run, "figures"))
		return true;
	return outdir_mkdir(figure->run, "figures", err);
}

static bool draw_timeline(struct figure *figure, struct err *err)
{
	struct timeline timeline;
	bool ok = true;

	if (!timeline_read(&timeline, figure->run, err))
		return false;
	if (timeline.n_stays && timeline.hosts.n &&
	    timeline.n_vms <= FIGURE_MAX_VMS &&
	    timeline.hosts.n <= FIGURE_MAX_HOSTS)
		ok = figure_placement(figure, &timeline, err) &&
		     figure_instants(figure, &timeline, err);
	timeline_fini(&timeline);
	return ok;
}

static bool draw_run(struct figure *figure, struct err *err)
{
	return draw_timeline(figure, err) && figure_hosts(figure, err) &&
	       figure_usage(figure, err) && figure_rounds(figure, err);
}

static bool draw_folder(const char *run, unsigned *n_drawn,
    bool (*draw)(struct figure *figure, struct err *err), struct err *err)
{
	char *folder = outdir_join(run, "figures");
	struct figure figure = {.run = run, .folder = folder};
	bool ok = folder && make_figures(&figure, err) && draw(&figure, err);

	*n_drawn += figure.n_drawn;
	free(folder);
	return ok;
}

/* A comparison: a column P_s is of the run in the folder P. */
static bool draw_runs(const char *dir, unsigned *n_drawn, struct err *err)
{
	static const char *const columns[] = {"environment", NULL};
	struct table table;
	int environment;
	bool ok = true;

	if (!figure_read(
	        &table, dir, "comparison.csv", columns, &environment, err))
		return false;
	for (uint32_t i = 0; ok && i < table.n_columns; i++) {
		char *folder = outdir_join(dir, table.cells[i]);
		size_t n = folder ? strlen(folder) : 0;

		if (n > 2 && strcmp(folder + n - 2, "_s") == 0) {
			folder[n - 2] = '\0';
			ok = draw_folder(folder, n_drawn, draw_run, err);
		}
		free(folder);
	}
	table_fini(&table);
	return ok;
}

bool plot_directory(const char *dir, unsigned *n_drawn, struct err *err)
{
	*n_drawn = 0;
	if (access(dir, F_OK) != 0)
		return err_set(err, "%s: %s", dir, strerror(errno));
	if (is_there(dir, "comparison.csv"))
		return draw_folder(dir, n_drawn, figure_execution, err) &&
		       draw_runs(dir, n_drawn, err);
	if (is_there(dir, "environments.csv"))
		return draw_folder(dir, n_drawn, draw_run, err);
	return err_set(err,
	    "%s: neither environments.csv nor comparison.csv "
	    "is in it: not the result directory of a run or comparison",
	    dir);
}
