/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run, and whether it is what the paper tells; see story.h. */
#include "tests/paper/story.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/run.h"

/* Running it, and watching. */

static void observed(void *self, const struct observation *obs)
{
	struct story *story = self;
	size_t n = story->scenario->model.n_vms;
	struct story_step *step;

	if (story->n_steps == story->max_steps) {
		story->max_steps = story->max_steps ? 2 * story->max_steps : 64;
		story->steps = reallocarray(
		    story->steps, story->max_steps, sizeof *story->steps);
		if (!story->steps)
			abort();
	}
	step = &story->steps[story->n_steps++];
	step->now_ns = obs->now_ns;
	step->vms = calloc(n, sizeof *step->vms);
	if (!step->vms)
		abort();
	memcpy(step->vms, obs->vms, n * sizeof *step->vms);
}

static bool simulate(struct story *story, const struct story_of *of,
    const double *values, uint64_t seed, struct err *err)
{
	const struct results_of what = {.scenario = story->scenario,
	    .policy = policy_find(of->policy),
	    .values = values,
	    .seed = seed};
	const struct sim_listener watch = {
	    .manager = {.self = story, .observed = observed}};
	struct sim *sim;
	bool ok;

	story->results = results_new(&what, of->folder, err);
	if (!story->results)
		return false;
	results_also_tell(story->results, &watch);
	sim = sim_new(story->scenario, what.policy, values, seed,
	    results_listener(story->results), err);
	ok = sim && sim_run(sim, err) &&
	     results_finish(story->results, sim_metrics(sim), err);
	sim_free(sim);
	return ok;
}

bool story_run(struct story *story, const struct story_of *of, struct err *err)
{
	struct opt_list sets = {0};
	double values[64];

	*story = (struct story){0};
	while (sets.n < 4 && of->sets[sets.n]) {
		sets.values[sets.n] = of->sets[sets.n];
		sets.n++;
	}
	story->scenario = run_load(of->file, &sets, err);
	assert(policy_find(of->policy)->n_params <= 64);
	if (story->scenario &&
	    scenario_bind_policy(
	        story->scenario, policy_find(of->policy), values, err) &&
	    simulate(story, of, values,
	        of->seed ? of->seed : story->scenario->seed, err))
		return true;
	story_fini(story);
	return false;
}

void story_fini(struct story *story)
{
	for (uint32_t i = 0; i < story->n_steps; i++)
		free(story->steps[i].vms);
	free(story->steps);
	results_free(story->results);
	scenario_free(story->scenario);
	*story = (struct story){0};
}

/* Times. */

struct env_id story_env(const struct story *story, const char *name)
{
	const struct model *model = &story->scenario->model;

	for (uint32_t i = 0; i < model->n_envs; i++)
		if (strcmp(model->envs[i].name, name) == 0)
			return (struct env_id){i};
	assert(!"the scenario has this environment");
	return NO_ENV;
}

const struct result_env *story_end(const struct story *story, const char *name)
{
	return &results_envs(story->results)[story_env(story, name).ix];
}

double story_change(
    const struct story *a, const struct story *b, const char *name)
{
	return 100 * (result_execution_s(story_end(a, name)) /
	                     result_execution_s(story_end(b, name)) -
	                 1);
}

double story_average_change(const struct story *a, const struct story *b)
{
	double sum_a = 0, sum_b = 0;

	for (uint32_t i = 0; i < a->scenario->model.n_envs; i++) {
		double s_a = result_execution_s(&results_envs(a->results)[i]);
		double s_b = result_execution_s(&results_envs(b->results)[i]);

		if (isnan(s_a) || isnan(s_b))
			continue;
		sum_a += s_a;
		sum_b += s_b;
	}
	return 100 * (sum_a / sum_b - 1);
}

double story_overall_change(const struct story *a, const struct story *b)
{
	return 100 *
	       (results_overall_s(a->results) / results_overall_s(b->results) -
	           1);
}

/* Who moved. */

/* The migrations of one environment between or within domains. */
struct journey {
	uint32_t n;
	bool all_done;
	int64_t first_ns, last_ns; /* the first and the last began */
	int64_t end_ns;            /* the last ended */
	uint32_t from, to;         /* domains of the first */
	bool one_way;              /* all of them have these */
};

static uint32_t domain_of(const struct story *story, struct host_id host)
{
	return story->scenario->model.hosts[host.ix].domain.ix;
}

/* Those of the environment that began from `from_ns` to `until_ns`, between
 * domains or within one. */
static struct journey journey_of(const struct story *story, const char *name,
    bool between, int64_t from_ns, int64_t until_ns)
{
	const struct vm *vms = story->scenario->model.vms;
	struct journey j = {.all_done = true, .one_way = true};
	uint32_t n;
	const struct sim_migration *m = results_migrations(story->results, &n);

	for (; n > 0; n--, m++) {
		uint32_t from = domain_of(story, m->from);
		uint32_t to = domain_of(story, m->to);

		if (vms[m->vm.ix].env.ix != story_env(story, name).ix ||
		    (from != to) != between || m->start_ns < from_ns ||
		    m->start_ns > until_ns)
			continue;
		if (j.n++ == 0) {
			j.first_ns = j.last_ns = m->start_ns;
			j.from = from;
			j.to = to;
		}
		if (m->start_ns < j.first_ns)
			j.first_ns = m->start_ns;
		if (m->start_ns > j.last_ns)
			j.last_ns = m->start_ns;
		if (m->end_ns > j.end_ns)
			j.end_ns = m->end_ns;
		j.all_done = j.all_done && strcmp(m->outcome, "done") == 0;
		j.one_way = j.one_way && from == j.from && to == j.to;
	}
	return j;
}

static uint32_t count_compute_vms(const struct story *story, const char *name)
{
	const struct model *model = &story->scenario->model;
	const struct environment *env = &model->envs[story_env(story, name).ix];

	return env->n_vms - (model->vms[env->first_vm].is_head ? 1 : 0);
}

/* All compute VMs of it went together, once, and arrived. */
static bool went_whole(const struct story *story, const char *name,
    const char *from, const char *to, const struct journey *j, struct err *err)
{
	const struct domain *domains = story->scenario->model.domains;
	uint32_t n = count_compute_vms(story, name);

	if (j->n == 0)
		return err_set(err, "%s did not migrate", name);
	if (j->n != n)
		return err_set(err,
		    "%s has %u compute VMs, and %u migrations "
		    "between domains",
		    name, n, j->n);
	if (strcmp(domains[j->from].name, from) != 0 ||
	    strcmp(domains[j->to].name, to) != 0 || !j->one_way)
		return err_set(err, "%s went from %s to %s", name,
		    domains[j->from].name, domains[j->to].name);
	if (j->first_ns != j->last_ns)
		return err_set(err,
		    "%s did not go at once: from %.1f to %.1f s", name,
		    ns_to_s(j->first_ns), ns_to_s(j->last_ns));
	return j->all_done ||
	       err_set(err, "a migration of %s was not done", name);
}

/* Nobody but these two environments has migrated by then. */
static bool others_stayed(const struct story *story, const char *but,
    const char *and_but, int64_t until_ns, bool within_too, struct err *err)
{
	const struct model *model = &story->scenario->model;

	for (uint32_t i = 0; i < model->n_envs; i++) {
		const char *name = model->envs[i].name;
		struct journey j, k;

		if (strcmp(name, but) == 0 || strcmp(name, and_but) == 0)
			continue;
		j = journey_of(story, name, true, 0, until_ns);
		k = journey_of(story, name, false, 0, until_ns);
		if (j.n || (within_too && k.n))
			return err_set(err, "%s migrated, too, at %.1f s", name,
			    ns_to_s(j.n ? j.first_ns : k.first_ns));
	}
	return true;
}

/* Scenarios 1 and 2. */

bool story_is_scenario1(const struct story *story, struct err *err)
{
	struct journey v1 = journey_of(story, "V1", true, 0, TIME_NEVER);

	if (!went_whole(story, "V1", "D1", "D2", &v1, err) ||
	    !others_stayed(story, "V1", "V1", TIME_NEVER, true, err))
		return false;
	if (journey_of(story, "V1", false, 0, TIME_NEVER).n)
		return err_set(err, "V1 migrated within a domain, too");
	return v1.first_ns >= story_end(story, "V2")->end_ns ||
	       err_set(err, "V1 left at %.1f s, before V2 had ended",
	           ns_to_s(v1.first_ns));
}

/* The CPU that an environment used, as the manager saw it at a step. */
static double used_mcpu(
    const struct story *story, const char *name, uint32_t step)
{
	const struct environment *env =
	    &story->scenario->model.envs[story_env(story, name).ix];
	double sum = 0;

	for (uint32_t i = 0; i < env->n_vms; i++)
		sum += story->steps[step].vms[env->first_vm + i].cpu_used_mcpu;
	return sum;
}

static uint32_t step_at(const struct story *story, int64_t at_ns)
{
	uint32_t i = story->n_steps;

	while (i > 0 && story->steps[--i].now_ns > at_ns)
		;
	return i;
}

/* At that time it used less than half of the most that it ever did. */
static bool has_dropped(
    const struct story *story, const char *name, int64_t at_ns)
{
	double most = 0;

	for (uint32_t i = 0; i < story->n_steps; i++)
		most = fmax(most, used_mcpu(story, name, i));
	return used_mcpu(story, name, step_at(story, at_ns)) < most / 2;
}

/* Hosts of its compute VMs at the last step before its end. */
static uint32_t count_hosts_at_end(const struct story *story, const char *name)
{
	const struct model *model = &story->scenario->model;
	const struct environment *env = &model->envs[story_env(story, name).ix];
	const struct story_step *step =
	    &story->steps[step_at(story, story_end(story, name)->end_ns - 1)];
	uint32_t n = 0;

	for (uint32_t h = 0; h < model->n_hosts; h++) {
		bool used = false;

		for (uint32_t i = 0; i < env->n_vms; i++) {
			uint32_t vm = env->first_vm + i;

			used = used || (!model->vms[vm].is_head &&
			                   step->vms[vm].host.ix == h);
		}
		n += used;
	}
	return n;
}

bool story_is_scenario2(const struct story *story, struct err *err)
{
	struct journey v2 = journey_of(story, "V2", true, 0, TIME_NEVER);
	struct journey v1 = journey_of(story, "V1", false, 0, TIME_NEVER);
	uint32_t n;

	if (!went_whole(story, "V2", "D2", "D1", &v2, err) ||
	    !others_stayed(story, "V1", "V2", TIME_NEVER, true, err))
		return false;
	if (journey_of(story, "V1", true, 0, TIME_NEVER).n)
		return err_set(err, "V1 left its domain");
	if (!has_dropped(story, "V1", v2.first_ns))
		return err_set(err,
		    "V2 left at %.1f s, when V1 had not "
		    "dropped yet",
		    ns_to_s(v2.first_ns));
	if (v1.n && v1.first_ns < v2.first_ns)
		return err_set(
		    err, "V1 moved at %.1f s, before V2", ns_to_s(v1.first_ns));
	n = count_hosts_at_end(story, "V1");
	return n == 2 || err_set(err, "V1 ended on %u hosts", n);
}

/* Scenario 3. */

bool story_v1_makes_room(const struct story *story, struct err *err)
{
	int64_t until_ns = story_end(story, "V3")->end_ns;
	struct journey v1 = journey_of(story, "V1", true, 0, until_ns);

	return went_whole(story, "V1", "D1", "D2", &v1, err) &&
	       others_stayed(story, "V1", "V1", until_ns, false, err);
}

static double mem_mb(const struct story *story, uint32_t step, uint32_t vm)
{
	const struct vm_observation *seen = &story->steps[step].vms[vm];

	return vm_is_placed(seen) ? (double)seen->mem_alloc_kib / 1024 : 0;
}

double story_least_peak_mb(const struct story *story, const char *name)
{
	const struct model *model = &story->scenario->model;
	const struct environment *env = &model->envs[story_env(story, name).ix];
	double least = (double)INFINITY;

	for (uint32_t i = 0; i < env->n_vms; i++) {
		uint32_t vm = env->first_vm + i;
		double peak = 0;

		if (model->vms[vm].is_head)
			continue;
		for (uint32_t s = 0; s < story->n_steps; s++)
			peak = fmax(peak, mem_mb(story, s, vm));
		least = fmin(least, peak);
	}
	return least;
}

/* The most memory that any compute VM of it has at a step. */
static double most_mb(
    const struct story *story, const char *name, uint32_t step)
{
	const struct model *model = &story->scenario->model;
	const struct environment *env = &model->envs[story_env(story, name).ix];
	double most = 0;

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (!model->vms[env->first_vm + i].is_head)
			most =
			    fmax(most, mem_mb(story, step, env->first_vm + i));
	return most;
}

/* All of them have the memory they get in the end only after V1 has left. */
bool story_v3_grows_after(const struct story *story, struct err *err)
{
	double peak = story_least_peak_mb(story, "V3");
	struct journey v1 =
	    journey_of(story, "V1", true, 0, story_end(story, "V3")->end_ns);
	const struct environment *env =
	    &story->scenario->model.envs[story_env(story, "V3").ix];
	uint32_t step = step_at(story, v1.first_ns), n = 0;

	if (v1.n == 0)
		return err_set(err, "V1 did not migrate");
	for (uint32_t i = 0; i < env->n_vms; i++)
		n += mem_mb(story, step, env->first_vm + i) >= peak;
	return n < count_compute_vms(story, "V3") ||
	       err_set(err, "V3 had all its memory when V1 left");
}

bool story_v4_comes_after(const struct story *story, struct err *err)
{
	const struct result_env *v3 = story_end(story, "V3");
	const struct result_env *v4 = story_end(story, "V4");
	double before, after;

	if (v4->start_ns < 0)
		return err_set(err, "V4 was never created");
	if (v4->start_ns <= v4->created_ns)
		return err_set(err, "V4 did not have to wait");
	if (v4->start_ns <= v3->end_ns)
		return err_set(err,
		    "V4 was created at %.1f s, before V3 had "
		    "ended",
		    ns_to_s(v4->start_ns));
	before = most_mb(story, "V3", step_at(story, v3->end_ns - 1));
	after = most_mb(story, "V3", step_at(story, v4->start_ns));
	return after < before ||
	       err_set(err,
	           "V3 had %.0f MB before it ended, and %.0f when V4 "
	           "was created",
	           before, after);
}
