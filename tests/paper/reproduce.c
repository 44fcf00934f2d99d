/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the experiments of the paper's section 4 and holds what comes out
 * against what was published (expected.csv): the table, result directories
 * and figures go into a folder.  Exit status 0 only if every row holds.
 *
 *	reproduce [-o FOLDER]		from the top of the source tree
 */
#include <errno.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plots/plot.h"
#include "sim/outdir.h"
#include "tests/paper/jobs.h"
#include "tests/paper/story.h"
#include "tests/paper/verdict.h"

#define OVERHEAD "scenarios/paper/overhead.yaml"
#define SCENARIO1 "scenarios/paper/scenario1.yaml"
#define SCENARIO2 "scenarios/paper/scenario2.yaml"
#define SCENARIO3 "scenarios/paper/scenario3.yaml"

enum { N_SIZES = 5, N_SEEDS = 20, N_DRAWS = 100 };

struct reproduce {
	const char *folder;
	struct verdict verdict;
};

/* Says why a decision was another; the table only says that it was. */
static double held(bool holds, const char *experiment, const struct err *err)
{
	if (!holds)
		fprintf(stderr, "%s: %s\n", experiment, err->text);
	return holds;
}

/* 4.1: what it costs to migrate a whole environment. */

/* A VM's memory is what its part of the problem needs (scenarios/nemo3d.h),
 * rounded up to 10 MiB: 80 MiB + 720 MiB for each million. */
static const struct size {
	unsigned particles, mem_mib;
	const char *label;
} sizes[N_SIZES] = {{125000, 170, "1/8"}, {250000, 260, "1/4"},
    {500000, 440, "1/2"}, {750000, 620, "3/4"}, {1000000, 800, "1"}};

/* values: run time without and with, down-time, network, slow-down */
enum { WITHOUT, WITH, DOWN, NETWORK, SLOW };

static bool run_overhead(const struct size *size, uint64_t seed, bool migrates,
    struct story *story, struct err *err)
{
	char particles[60], memory[60];
	struct story_of of = {.file = OVERHEAD,
	    .sets = {particles, memory, migrates ? NULL : "events=[]"},
	    .policy = "none",
	    .seed = seed};

	snprintf(particles, sizeof particles,
	    "environments.V1.workload.particles=%u", size->particles);
	snprintf(memory, sizeof memory, "environments.V1.vms.memory=%u MiB",
	    size->mem_mib);
	return story_run(story, &of, err);
}

static double longest_downtime_s(const struct story *story)
{
	uint32_t n;
	const struct sim_migration *m = results_migrations(story->results, &n);
	int64_t longest_ns = 0;

	for (uint32_t i = 0; i < n; i++)
		if (m[i].downtime_ns > longest_ns)
			longest_ns = m[i].downtime_ns;
	return ns_to_s(longest_ns);
}

static void overhead_job(void *self, uint32_t i, struct job *job)
{
	const struct size *size = &sizes[i / N_SEEDS];
	uint64_t seed = i % N_SEEDS + 1;
	struct story without, with;
	struct err err = {0};
	double *v = job->values;

	(void)self;
	job->values[WITHOUT] = (double)NAN;
	if (!run_overhead(size, seed, false, &without, &err)) {
		snprintf(job->text, sizeof job->text, "%.190s", err.text);
		return;
	}
	if (run_overhead(size, seed, true, &with, &err)) {
		v[WITHOUT] = result_execution_s(story_end(&without, "V1"));
		v[WITH] = result_execution_s(story_end(&with, "V1"));
		v[DOWN] = longest_downtime_s(&with);
		v[NETWORK] = ns_to_s(story_end(&with, "V1")->stalled_ns);
		v[SLOW] = v[WITH] - v[WITHOUT] - v[DOWN] - v[NETWORK];
		story_fini(&with);
	}
	snprintf(job->text, sizeof job->text, "%.190s", err.text);
	story_fini(&without);
}

struct sample {
	double values[N_SEEDS > N_DRAWS ? N_SEEDS : N_DRAWS];
	size_t n;
};

static void tell_overhead(struct reproduce *r, const struct size *size,
    const struct job *jobs, FILE *data)
{
	struct sample s[SLOW + 2]; /* of the values, and of what is added */
	char subject[80];

	for (int k = 0; k <= SLOW; k++)
		for (uint32_t i = 0; i < N_SEEDS; i++)
			s[k].values[i] = jobs[i].values[k];
	for (uint32_t i = 0; i < N_SEEDS; i++)
		s[SLOW + 1].values[i] =
		    s[WITH].values[i] - s[WITHOUT].values[i];
#define MEAN(k) gsl_stats_mean(s[k].values, 1, N_SEEDS)
#define TELL(quantity, what, number)                                           \
	do {                                                                   \
		snprintf(subject, sizeof subject,                              \
		    "%u particles, " what " of %d seeds", size->particles,     \
		    N_SEEDS);                                                  \
		verdict_tell(&r->verdict, "4.1", quantity, subject, number);   \
	} while (0)
	TELL("run time added (s)", "mean", MEAN(SLOW + 1));
	TELL("run time added (s)", "least",
	    gsl_stats_min(s[SLOW + 1].values, 1, N_SEEDS));
	TELL("run time added (s)", "most",
	    gsl_stats_max(s[SLOW + 1].values, 1, N_SEEDS));
	TELL("of it down-time (s)", "mean", MEAN(DOWN));
	TELL("of it virtual network (s)", "mean", MEAN(NETWORK));
	TELL("of it slow-down (s)", "mean", MEAN(SLOW));
	fprintf(data,
	    "\"%s\" %.3f %.3f %.3f %.3f %.3f %.3f %.3f %.3f "
	    "%.3f\n",
	    size->label, MEAN(WITHOUT), MEAN(WITH), MEAN(SLOW + 1),
	    gsl_stats_min(s[SLOW + 1].values, 1, N_SEEDS),
	    gsl_stats_max(s[SLOW + 1].values, 1, N_SEEDS), MEAN(DOWN),
	    MEAN(DOWN) + MEAN(NETWORK), MEAN(DOWN) + MEAN(NETWORK) + MEAN(SLOW),
	    gsl_stats_max(s[SLOW + 1].values, 1, N_SEEDS) -
	        gsl_stats_min(s[SLOW + 1].values, 1, N_SEEDS));
}

static bool reproduce_overhead(struct reproduce *r, struct err *err)
{
	static struct job jobs[N_SIZES * N_SEEDS];
	FILE *data;

	if (!jobs_run(N_SIZES * N_SEEDS, overhead_job, NULL, jobs))
		return err_set(err, "a run of %s died", OVERHEAD);
	for (uint32_t i = 0; i < N_SIZES * N_SEEDS; i++)
		if (isnan(jobs[i].values[WITHOUT]))
			return err_set(err, "%s", jobs[i].text);
	data = plot_data(r->folder, "figure2", err);
	if (!data)
		return false;
	for (int k = 0; k < N_SIZES; k++)
		tell_overhead(r, &sizes[k], &jobs[k * N_SEEDS], data);
	return outdir_finish(data, r->folder, "figure2.dat", err) &&
	       plot_draw(r->folder, "figure2", "overhead",
	           "unit = 'million particles'\nn = 5\n", err);
}

/* 4.2 to 4.4: with and without adaptation. */

struct pair {
	struct story none, violin;
};

static bool pair_run(struct pair *pair, const char *file, const char *set,
    uint64_t seed, struct err *err)
{
	struct story_of of = {
	    .file = file, .sets = {set}, .policy = "none", .seed = seed};

	if (!story_run(&pair->none, &of, err))
		return false;
	of.policy = "violin";
	if (story_run(&pair->violin, &of, err))
		return true;
	story_fini(&pair->none);
	return false;
}

static void pair_fini(struct pair *pair)
{
	story_fini(&pair->none);
	story_fini(&pair->violin);
}

static void tell_change(struct reproduce *r, const char *experiment,
    const struct pair *pair, const char *env, const char *subject)
{
	verdict_tell(&r->verdict, experiment, "change of execution time (%)",
	    subject, story_change(&pair->violin, &pair->none, env));
}

static void tell_sums(
    struct reproduce *r, const char *experiment, const struct pair *pair)
{
	verdict_tell(&r->verdict, experiment, "change of execution time (%)",
	    "average", story_average_change(&pair->violin, &pair->none));
	verdict_tell(&r->verdict, experiment, "change of overall time (%)",
	    "first start to last end",
	    story_overall_change(&pair->violin, &pair->none));
}

static double worst_change(const struct pair *pair)
{
	const struct model *model = &pair->none.scenario->model;
	double worst = -(double)INFINITY;

	for (uint32_t i = 0; i < model->n_envs; i++)
		worst = fmax(worst, story_change(&pair->violin, &pair->none,
		                        model->envs[i].name));
	return worst;
}

static bool reproduce_scenario1(struct reproduce *r, struct err *err)
{
	struct pair pair;
	struct err why = {0};
	bool decided;

	if (!pair_run(&pair, SCENARIO1, NULL, 0, err))
		return false;
	decided = story_is_scenario1(&pair.violin, &why);
	verdict_tell(&r->verdict, "scenario 1", "decisions",
	    "V1 alone migrates, D1 to D2, at once, after V2 has ended",
	    held(decided, "scenario 1", &why));
	tell_change(r, "scenario 1", &pair, "V1", "V1");
	tell_change(r, "scenario 1", &pair, "V3", "V3");
	verdict_tell(&r->verdict, "scenario 1", "change of execution time (%)",
	    "the one that changes most for the worse", worst_change(&pair));
	tell_sums(r, "scenario 1", &pair);
	pair_fini(&pair);
	return true;
}

static bool reproduce_scenario2(struct reproduce *r, struct err *err)
{
	struct pair pair;
	struct err why = {0};
	bool decided;

	if (!pair_run(&pair, SCENARIO2, NULL, 0, err))
		return false;
	decided = story_is_scenario2(&pair.violin, &why);
	verdict_tell(&r->verdict, "scenario 2", "decisions",
	    "V2 migrates, D2 to D1, after V1's drop; V1's six VMs end on two "
	    "hosts",
	    held(decided, "scenario 2", &why));
	tell_change(r, "scenario 2", &pair, "V1", "V1");
	tell_change(r, "scenario 2", &pair, "V2", "V2 (printed as V3)");
	tell_change(r, "scenario 2", &pair, "V3", "V3 (printed as V2)");
	tell_change(r, "scenario 2", &pair, "V4", "V4");
	tell_sums(r, "scenario 2", &pair);
	pair_fini(&pair);
	return true;
}

static bool survives(const struct story *story)
{
	return strcmp(story_end(story, "V3")->outcome, "done") == 0;
}

static bool reproduce_scenario3(struct reproduce *r, struct err *err)
{
	struct pair pair;
	struct err why = {0};
	bool ok;

	if (!pair_run(&pair, SCENARIO3, NULL, 0, err))
		return false;
	ok = story_v1_makes_room(&pair.violin, &why);
	verdict_tell(&r->verdict, "scenario 3", "decisions",
	    "V1 migrates, D1 to D2, at once; no other environment before V3 "
	    "ends",
	    held(ok, "scenario 3", &why));
	verdict_tell(&r->verdict, "scenario 3", "memory that V3's VMs get (MB)",
	    "the least of them", story_least_peak_mb(&pair.violin, "V3"));
	ok = story_v3_grows_after(&pair.violin, &why);
	verdict_tell(&r->verdict, "scenario 3", "decisions",
	    "V3's VMs get it only once V1 has gone",
	    held(ok, "scenario 3", &why));
	verdict_tell(&r->verdict, "scenario 3", "V3 survives its second phase",
	    "with adaptation", survives(&pair.violin));
	verdict_tell(&r->verdict, "scenario 3", "V3 survives its second phase",
	    "without adaptation", survives(&pair.none));
	ok = story_v4_comes_after(&pair.violin, &why);
	verdict_tell(&r->verdict, "scenario 3", "decisions",
	    "V4 is created after V3 has returned its memory",
	    held(ok, "scenario 3", &why));
	pair_fini(&pair);
	return true;
}

/* Is it the migration that helps?. */

static bool reproduce_ablation(
    struct reproduce *r, const char *file, const char *subject, struct err *err)
{
	struct pair pair;
	const struct model *model;
	double most = 0;

	if (!pair_run(
	        &pair, file, "manager.parameters.between-domains=no", 0, err))
		return false;
	model = &pair.none.scenario->model;
	for (uint32_t i = 0; i < model->n_envs; i++) {
		double change =
		    story_change(&pair.violin, &pair.none, model->envs[i].name);

		if (!(fabs(change) <= fabs(most)))
			most = change;
	}
	verdict_tell(&r->verdict, "ablation",
	    "largest change of any execution time (%)", subject, most);
	pair_fini(&pair);
	return true;
}

/* Does it hold when the scenario is not quite this one?. */

struct robustness {
	const char *name, *file;
	bool (*decided)(const struct story *story, struct err *err);
};

static const struct robustness robust[] = {
    {"scenario 1", SCENARIO1, story_is_scenario1},
    {"scenario 2", SCENARIO2, story_is_scenario2}};

/* values: 1 if the decisions held, average and overall change */
enum { HELD, AVERAGE, OVERALL };

static void draw_job(void *self, uint32_t i, struct job *job)
{
	const struct robustness *what = self;
	struct pair pair;
	struct err err = {0};

	job->values[HELD] = (double)NAN;
	if (!pair_run(&pair, what->file, "variation={work: 0.15, start: 15 s}",
	        i + 1, &err)) {
		snprintf(job->text, sizeof job->text, "%.190s", err.text);
		return;
	}
	job->values[HELD] = what->decided(&pair.violin, &err);
	job->values[AVERAGE] = story_average_change(&pair.violin, &pair.none);
	job->values[OVERALL] = story_overall_change(&pair.violin, &pair.none);
	snprintf(job->text, sizeof job->text, "%.190s", err.text);
	pair_fini(&pair);
}

static void noise_job(void *self, uint32_t i, struct job *job)
{
	const struct robustness *what = self;
	const struct story_of of = {.file = what->file,
	    .sets = {"manager.noise=0.02"},
	    .policy = "violin",
	    .seed = i + 1};
	struct story story;
	struct err err = {0};

	job->values[HELD] = (double)NAN;
	if (story_run(&story, &of, &err)) {
		job->values[HELD] = what->decided(&story, &err);
		story_fini(&story);
	}
	snprintf(job->text, sizeof job->text, "%.190s", err.text);
}

/* How many held; says the first few that did not, and why. */
static double count_held(
    const struct job *jobs, const char *name, const char *what)
{
	uint32_t n = 0, said = 0;

	for (uint32_t i = 0; i < N_DRAWS; i++) {
		if (jobs[i].values[HELD] > 0)
			n++;
		else if (said++ < 3)
			fprintf(stderr, "%s, %s %u: %s\n", name, what, i + 1,
			    jobs[i].text);
	}
	return n;
}

static void tell_spread(struct reproduce *r, const struct robustness *what,
    const char *quantity, const char *of, const struct job *jobs, int value)
{
	double values[N_DRAWS];
	char subject[80];

	for (uint32_t i = 0; i < N_DRAWS; i++)
		values[i] = jobs[i].values[value];
	gsl_sort(values, 1, N_DRAWS);
	snprintf(subject, sizeof subject, "%s, %s, mean of %d draws",
	    what->name, of, N_DRAWS);
	verdict_tell(&r->verdict, "robustness", quantity, subject,
	    gsl_stats_mean(values, 1, N_DRAWS));
	snprintf(
	    subject, sizeof subject, "%s, %s, 2.5 %% quantile", what->name, of);
	verdict_tell(&r->verdict, "robustness", quantity, subject,
	    gsl_stats_quantile_from_sorted_data(values, 1, N_DRAWS, 0.025));
	snprintf(subject, sizeof subject, "%s, %s, 97.5 %% quantile",
	    what->name, of);
	verdict_tell(&r->verdict, "robustness", quantity, subject,
	    gsl_stats_quantile_from_sorted_data(values, 1, N_DRAWS, 0.975));
}

static bool reproduce_robustness(
    struct reproduce *r, const struct robustness *what, struct err *err)
{
	static struct job jobs[N_DRAWS];
	struct robustness copy = *what;
	char subject[80];

	if (!jobs_run(N_DRAWS, draw_job, &copy, jobs))
		return err_set(err, "a run of %s died", what->file);
	snprintf(subject, sizeof subject, "%s, %d draws of work and starts",
	    what->name, N_DRAWS);
	verdict_tell(&r->verdict, "robustness", "draws whose decisions hold",
	    subject, count_held(jobs, what->name, "draw"));
	tell_spread(
	    r, what, "change of execution time (%)", "average", jobs, AVERAGE);
	tell_spread(
	    r, what, "change of overall time (%)", "overall", jobs, OVERALL);
	if (!jobs_run(N_DRAWS, noise_job, &copy, jobs))
		return err_set(err, "a run of %s died", what->file);
	snprintf(subject, sizeof subject, "%s, %d seeds of 2 %% monitor noise",
	    what->name, N_DRAWS);
	verdict_tell(&r->verdict, "robustness", "seeds whose decisions hold",
	    subject, count_held(jobs, what->name, "noise of seed"));
	return true;
}

/* Result directories and figures. */

/* As a user would make them: violin compare, violin plot. */
static bool make_results(const struct reproduce *r, const char *violin,
    const char *file, const char *name, struct err *err)
{
	char *folder = outdir_join(r->folder, name);
	unsigned n_drawn;
	pid_t pid;
	int status;
	bool ok;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(127);
		execl(violin, "violin", "compare", file, "-o", folder, "-f",
		    (char *)NULL);
		_exit(127);
	}
	ok = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	     WEXITSTATUS(status) == 0;
	if (!ok)
		err_set(err, "%s compare %s failed", violin, file);
	ok = ok && plot_directory(folder, &n_drawn, err);
	free(folder);
	return ok;
}

/* The paper's figures, by its numbers, beside the table. */
static bool name_figures(const struct reproduce *r, struct err *err)
{
	static const struct {
		const char *name, *of;
	} figures[] = {{"figure3", "scenario1/violin/figures/instants"},
	    {"figure4", "scenario1/figures/execution"},
	    {"figure5", "scenario2/violin/figures/instants"},
	    {"figure6", "scenario2/figures/execution"},
	    {"figure7", "scenario3/violin/figures/instants"}};
	static const char *const formats[] = {"svg", "png"};

	for (size_t i = 0; i < 2 * sizeof figures / sizeof *figures; i++) {
		char from[1024], to[1024];

		snprintf(from, sizeof from, "%s/%s.%s", r->folder,
		    figures[i / 2].of, formats[i % 2]);
		snprintf(to, sizeof to, "%s/%s.%s", r->folder,
		    figures[i / 2].name, formats[i % 2]);
		unlink(to);
		if (link(from, to) != 0)
			return err_set(err, "%s: %s", to, strerror(errno));
	}
	return true;
}

static bool make_all_results(const struct reproduce *r, struct err *err)
{
	const char *violin = getenv("VIOLIN");

	violin = violin ? violin : "build/violin";
	return make_results(r, violin, SCENARIO1, "scenario1", err) &&
	       make_results(r, violin, SCENARIO2, "scenario2", err) &&
	       make_results(r, violin, SCENARIO3, "scenario3", err) &&
	       name_figures(r, err);
}

static bool write_table(const struct reproduce *r, struct err *err)
{
	char *path = outdir_join(r->folder, "table.csv");
	FILE *out;

	unlink(path);
	free(path);
	out = outdir_create(r->folder, "table.csv", err);
	if (!out)
		return false;
	verdict_write_csv(&r->verdict, out);
	return outdir_finish(out, r->folder, "table.csv", err);
}

static bool reproduce(struct reproduce *r, struct err *err)
{
	return reproduce_overhead(r, err) && reproduce_scenario1(r, err) &&
	       reproduce_scenario2(r, err) && reproduce_scenario3(r, err) &&
	       reproduce_ablation(r, SCENARIO1,
	           "scenario 1, no migration between domains", err) &&
	       reproduce_ablation(r, SCENARIO2,
	           "scenario 2, no migration between domains", err) &&
	       reproduce_robustness(r, &robust[0], err) &&
	       reproduce_robustness(r, &robust[1], err) &&
	       make_all_results(r, err) && write_table(r, err);
}

static int print(const struct reproduce *r)
{
	bool holds = verdict_holds(&r->verdict);

	verdict_print(&r->verdict, stdout);
	printf(
	    "\n"
	    "Scenario 2: the paper's sentence on its results has V1 and V2 "
	    "about the same\nand V3 and V4 much faster.  V3 ends before "
	    "anything is adapted, so that it\ncannot change, and V2 is the one "
	    "whose migration helps: V2 and V3 are taken\nas transposed in that "
	    "one sentence.\n\n"
	    "%s; table.csv, result directories and figures are in %s\n",
	    holds ? "Every row holds" : "Not every row holds", r->folder);
	return holds ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct reproduce r = {.folder = "build/reproduce"};
	struct err err = {0};
	int c, status = 1;

	while ((c = getopt(argc, argv, "o:")) != -1) {
		if (c != 'o') {
			fputs("usage: reproduce [-o FOLDER]\n", stderr);
			return 2;
		}
		r.folder = optarg;
	}
	if (mkdir(r.folder, 0777) != 0 && errno != EEXIST)
		err_set(&err, "%s: %s", r.folder, strerror(errno));
	else if (verdict_open(&r.verdict, "tests/paper/expected.csv", &err) &&
	         reproduce(&r, &err))
		status = print(&r);
	if (err.text[0])
		fprintf(stderr, "reproduce: %s\n", err.text);
	verdict_close(&r.verdict);
	return status;
}
