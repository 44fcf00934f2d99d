/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One scenario many times, over processes; see sweep.h. */
#include "sim/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/outdir.h"
#include "sim/progress.h"
#include "sim/run.h"
#include "sim/sweep_rows.h"
#include "sim/table.h"

bool sweep_vary(struct sweep *sweep, const char *text, struct err *err)
{
	struct sweep_varied *varied = &sweep->varied[sweep->n_varied];
	char *value, *rest;
	struct override set;

	if (sweep->n_varied == SWEEP_MAX_VARIED)
		return err_set(err, "more than %d --vary", SWEEP_MAX_VARIED);
	if (!run_split_set(text, &set, &varied->key, err))
		return err_set(err,
		    "--vary is \"%s\"; "
		    "key.path=value,value,... is right",
		    text);
	sweep->n_varied++;
	for (rest = varied->key + strlen(varied->key) + 1; rest;) {
		value = strsep(&rest, ",");
		if (varied->n == SWEEP_MAX_VALUES)
			return err_set(err, "--vary %s: more than %d values",
			    varied->key, SWEEP_MAX_VALUES);
		varied->values[varied->n++] = value;
	}
	return true;
}

void sweep_fini(struct sweep *sweep)
{
	for (uint32_t i = 0; i < sweep->n_varied; i++)
		free(sweep->varied[i].key);
	free(sweep->done);
	sweep->n_varied = 0;
	sweep->done = NULL;
}

/* Which run is which. */

static uint64_t count_runs(const struct sweep *sweep)
{
	uint64_t n = sweep->n_policies * sweep->n_seeds;

	for (uint32_t i = 0; i < sweep->n_varied; i++)
		n *= sweep->varied[i].n;
	return n;
}

/* Seeds turn fastest, then the last varied key, policies slowest. */
static void find_run(
    const struct sweep *sweep, uint64_t number, struct sweep_point *point)
{
	point->run = number;
	point->seed = sweep->first_seed + number % sweep->n_seeds;
	number /= sweep->n_seeds;
	for (uint32_t i = sweep->n_varied; i-- > 0;) {
		point->value[i] =
		    sweep->varied[i].values[number % sweep->varied[i].n];
		number /= sweep->varied[i].n;
	}
	point->policy = sweep->policies[number];
}

/* One run, in a process of its own. */

static struct scenario *load(
    const struct sweep *sweep, const struct sweep_point *point, struct err *err)
{
	struct opt_list sets = *sweep->sets;
	char *texts[SWEEP_MAX_VARIED];
	struct scenario *scenario;
	uint32_t n = 0;

	for (; n < sweep->n_varied && sets.n < OPT_LIST_MAX; n++) {
		if (asprintf(&texts[n], "%s=%s", sweep->varied[n].key,
		        point->value[n]) < 0)
			break;
		sets.values[sets.n++] = texts[n];
	}
	scenario = run_load(sweep->scenario, &sets, err);
	while (n-- > 0)
		free(texts[n]);
	return scenario;
}

static bool check_point(
    const struct sweep *sweep, const struct sweep_point *point, struct err *err)
{
	struct scenario *scenario = load(sweep, point, err);
	bool ok = scenario != NULL;

	scenario_free(scenario);
	return ok;
}

bool sweep_check(const struct sweep *sweep, struct err *err)
{
	struct sweep_point point = {0};
	bool ok;

	for (uint32_t i = 0; i < sweep->n_varied; i++)
		point.value[i] = sweep->varied[i].values[0];
	ok = check_point(sweep, &point, err);
	for (uint32_t i = 0; ok && i < sweep->n_varied; i++) {
		for (uint32_t j = 1; ok && j < sweep->varied[i].n; j++) {
			point.value[i] = sweep->varied[i].values[j];
			ok = check_point(sweep, &point, err);
		}
		point.value[i] = sweep->varied[i].values[0];
	}
	return ok;
}

static bool run_point(const struct sweep *sweep,
    const struct sweep_point *point, FILE *out, struct err *err)
{
	struct scenario *scenario = load(sweep, point, err);
	struct plugin plugin = {0};
	struct results *results = NULL;

	if (scenario && plugin_open(&plugin, point->policy, err)) {
		const struct run_spec spec = {.scenario = scenario,
		    .policy = plugin.policy,
		    .seed = point->seed};

		results = run_scenario(&spec, err);
	}
	if (results)
		sweep_put_row(sweep, point, results, out);
	results_free(results);
	plugin_close(&plugin);
	scenario_free(scenario);
	return results != NULL;
}

/* A row is written to the pipe at once, so rows of two do not mix. */
static _Noreturn void be_child(
    const struct sweep *sweep, uint64_t number, int to_parent)
{
	struct sweep_point point;
	struct err err = {0};
	char *row = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&row, &size);

	find_run(sweep, number, &point);
	if (!out || !run_point(sweep, &point, out, &err) || fclose(out) != 0 ||
	    size > 4096 || write(to_parent, row, size) != (ssize_t)size) {
		fprintf(stderr, "violin sweep: run %llu: %s\n",
		    (unsigned long long)number, err.text);
		_exit(EXIT_FAILED);
	}
	_exit(EXIT_DONE);
}

/* All of them. */

struct crew {
	FILE *rows, *from_children;
	int to_parent;
	uint64_t n_running, n_done, n_wanted;
	bool failed;
	struct progress progress;
};

static bool begin_run(
    struct sweep *sweep, struct crew *crew, uint64_t number, struct err *err)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return err_set(err, "fork: %s", strerror(errno));
	if (pid == 0)
		be_child(sweep, number, crew->to_parent);
	crew->n_running++;
	return true;
}

/* Waits for one to end, and appends its row, on disk when we return. */
static bool end_run(struct crew *crew, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	int status;
	bool ok = true;

	while (wait(&status) < 0)
		if (errno != EINTR)
			return err_set(err, "wait: %s", strerror(errno));
	crew->n_running--;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		crew->failed = true;
		return true;
	}
	if (getline(&line, &size, crew->from_children) < 0 ||
	    fputs(line, crew->rows) < 0 || fflush(crew->rows) != 0 ||
	    fdatasync(fileno(crew->rows)) != 0)
		ok = err_set(err, "runs.csv: %s", strerror(errno));
	free(line);
	crew->n_done++;
	progress_tell(
	    &crew->progress, (double)crew->n_done, (double)crew->n_wanted);
	return ok;
}

static bool is_wanted(const struct sweep *sweep, uint64_t number)
{
	return !sweep->done[number] && number % sweep->n_parts == sweep->part;
}

static bool run_all(struct sweep *sweep, struct crew *crew, struct err *err)
{
	bool ok = true;

	for (uint64_t i = 0; i < sweep->n_runs; i++)
		crew->n_wanted += is_wanted(sweep, i);
	progress_begin(&crew->progress, "sweep");
	for (uint64_t i = 0; ok && !crew->failed && i < sweep->n_runs; i++) {
		if (!is_wanted(sweep, i))
			continue;
		while (ok && crew->n_running >= sweep->n_jobs)
			ok = end_run(crew, err);
		ok = ok && begin_run(sweep, crew, i, err);
	}
	while (crew->n_running)
		if (!end_run(crew, ok ? err : NULL)) {
			ok = false;
			break;
		}
	progress_end(&crew->progress);
	return ok && (!crew->failed ||
	                 err_set(err,
	                     "a run failed; what was "
	                     "completed stays, and the same command goes on"));
}

static bool open_crew(
    const struct sweep *sweep, struct crew *crew, struct err *err)
{
	char *path = outdir_join(sweep->folder, "runs.csv");
	int ends[2] = {-1, -1};

	*crew = (struct crew){.to_parent = -1};
	crew->rows = path ? fopen(path, "ae") : NULL;
	free(path);
	if (!crew->rows || pipe(ends) != 0)
		return err_set(
		    err, "%s/runs.csv: %s", sweep->folder, strerror(errno));
	crew->from_children = fdopen(ends[0], "r");
	crew->to_parent = ends[1];
	return crew->from_children || err_set(err, "not enough memory");
}

static bool close_crew(struct crew *crew)
{
	bool ok = !crew->rows || fclose(crew->rows) == 0;

	if (crew->from_children)
		fclose(crew->from_children);
	if (crew->to_parent >= 0)
		close(crew->to_parent);
	return ok;
}

static bool make_folder(const struct sweep *sweep, struct err *err)
{
	return mkdir(sweep->folder, 0777) == 0 || errno == EEXIST ||
	       err_set(err, "%s: %s", sweep->folder, strerror(errno));
}

bool sweep_run(struct sweep *sweep, struct err *err)
{
	struct crew crew;
	bool ok;

	sweep->n_runs = count_runs(sweep);
	sweep->done = calloc(sweep->n_runs + 1, 1);
	if (!sweep->done)
		return err_set(err, "not enough memory");
	if (!make_folder(sweep, err) || !sweep_begin_rows(sweep, err))
		return false;
	ok = open_crew(sweep, &crew, err) && run_all(sweep, &crew, err);
	if (!close_crew(&crew) && ok)
		ok = err_set(err, "runs.csv: %s", strerror(errno));
	return ok && sweep_find_done(sweep, err);
}

bool sweep_is_complete(const struct sweep *sweep)
{
	return !memchr(sweep->done, 0, sweep->n_runs);
}
