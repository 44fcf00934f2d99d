/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sums of a run, for people and as summary.json; see results.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/digest.h"
#include "sim/results.h"
#include "sim/table.h"

double result_execution_s(const struct result_env *env)
{
	if (strcmp(env->outcome, "done") != 0)
		return (double)NAN;
	return ns_to_s(env->end_ns - env->start_ns);
}

double results_mean_execution_s(const struct results *r)
{
	const struct result_env *envs = results_envs(r);
	uint32_t n = results_what(r)->scenario->model.n_envs, done = 0;
	double sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		double execution_s = result_execution_s(&envs[i]);

		if (isnan(execution_s))
			continue;
		sum += execution_s;
		done++;
	}
	return done ? sum / done : (double)NAN;
}

double results_overall_s(const struct results *r)
{
	const struct result_env *envs = results_envs(r);
	uint32_t n = results_what(r)->scenario->model.n_envs;
	int64_t first = TIME_NEVER, last = -1;

	for (uint32_t i = 0; i < n; i++) {
		if (envs[i].start_ns >= 0 && envs[i].start_ns < first)
			first = envs[i].start_ns;
		if (envs[i].end_ns > last)
			last = envs[i].end_ns;
	}
	return last < 0 || first > last ? (double)NAN : ns_to_s(last - first);
}

/* Summary.json. */

static void put_key(FILE *out, const char *indent, const char *key)
{
	fprintf(out, "%s\"%s\": ", indent, key);
}

static void put_string(
    FILE *out, const char *indent, const char *key, const char *text)
{
	put_key(out, indent, key);
	json_put_text(out, text);
	fputs(",\n", out);
}

static void put_count(FILE *out, const char *key, uint64_t count)
{
	put_key(out, "  ", key);
	fprintf(out, "%llu,\n", (unsigned long long)count);
}

/* JSON knows no NAN: what is not known is null. */
static void put_real(FILE *out, const char *key, double number)
{
	put_key(out, "  ", key);
	if (isfinite(number))
		fprintf(out, "%.6f,\n", number);
	else
		fputs("null,\n", out);
}

static void put_policy(FILE *out, const struct results_of *of)
{
	fputs("  \"policy\": {\n", out);
	put_string(out, "    ", "name", of->policy->name);
	fputs("    \"parameters\": {", out);
	for (uint32_t i = 0; i < of->policy->n_params; i++) {
		fputs(i ? ",\n      " : "\n      ", out);
		json_put_text(out, of->policy->params[i].name);
		fputs(": ", out);
		json_put_number(out, of->values[i]);
	}
	fputs(of->policy->n_params ? "\n    }\n  },\n" : "}\n  },\n", out);
}

static void put_metrics(FILE *out, const struct results *r)
{
	const struct sim_metrics *m = results_metrics(r);

	put_real(out, "end_s", ns_to_s(m->end_ns));
	put_real(out, "mean_execution_s", results_mean_execution_s(r));
	put_real(out, "overall_s", results_overall_s(r));
	put_count(out, "events", m->n_events);
	put_count(out, "steps", m->n_steps);
	put_count(out, "migrations", m->n_migrations);
	put_count(out, "migrations_failed", m->n_migrations_failed);
	put_count(out, "tasks", m->n_tasks);
	put_count(out, "tasks_before_stop", m->n_tasks_before_stop);
	put_real(out, "work_before_stop_s", m->work_before_stop_s);
	put_real(out, "mean_response_s",
	    m->n_tasks_before_stop
	        ? m->response_sum_s / (double)m->n_tasks_before_stop
	        : (double)NAN);
	put_real(out, "demand_s", m->demand_s);
	put_real(out, "unserved_s", m->unserved_s);
	put_real(out, "cpu_s", m->energy_cpu_s);
}

/* How many environments came to each outcome, in the order of their names. */
static void put_outcomes(FILE *out, const struct results *r)
{
	static const char *const outcomes[] = {"absent", "crashed", "destroyed",
	    "done", "failed", "queued", "running"};
	const struct result_env *envs = results_envs(r);
	uint32_t n_envs = results_what(r)->scenario->model.n_envs;
	bool first = true;

	fputs("  \"environments\": {", out);
	for (size_t k = 0; k < sizeof outcomes / sizeof *outcomes; k++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < n_envs; i++)
			n += strcmp(envs[i].outcome, outcomes[k]) == 0;
		if (!n)
			continue;
		fprintf(out, "%s\"%s\": %u", first ? "" : ", ", outcomes[k], n);
		first = false;
	}
	fputs("}\n", out);
}

void results_print_json(const struct results *r, FILE *out)
{
	const struct results_of *of = results_what(r);

	fputs("{\n", out);
	put_string(out, "  ", "program", "violin");
	put_string(out, "  ", "version", VIOLIN_VERSION);
	put_string(out, "  ", "core", core_digest);
	put_string(out, "  ", "scenario", of->scenario->name);
	put_string(out, "  ", "scenario_digest", of->scenario->digest);
	put_count(out, "seed", of->seed);
	put_policy(out, of);
	put_metrics(out, r);
	put_outcomes(out, r);
	fputs("}\n", out);
}

/* For people. */

static void print_seconds(FILE *out, double seconds)
{
	if (isfinite(seconds))
		fprintf(out, " %11.1f", seconds);
	else
		fprintf(out, " %11s", "-");
}

static void print_env(FILE *out, const char *name, const struct result_env *env)
{
	bool ran = env->start_ns >= 0 && env->end_ns >= 0;

	fprintf(out, "%-20s", name);
	print_seconds(
	    out, env->start_ns < 0 ? (double)NAN : ns_to_s(env->start_ns));
	print_seconds(
	    out, env->end_ns < 0 ? (double)NAN : ns_to_s(env->end_ns));
	print_seconds(
	    out, ran ? ns_to_s(env->end_ns - env->start_ns) : (double)NAN);
	fprintf(out, "  %s\n", env->outcome);
}

void results_print(const struct results *r, FILE *out)
{
	enum { MANY = 50 }; /* environments that a screen can show */
	const struct results_of *of = results_what(r);
	const struct model *model = &of->scenario->model;
	const struct sim_metrics *m = results_metrics(r);
	uint32_t shown = model->n_envs > MANY ? MANY : model->n_envs;

	fprintf(out, "%s, policy %s, seed %llu\n\n", of->scenario->name,
	    of->policy->name, (unsigned long long)of->seed);
	fprintf(out, "%-20s %11s %11s %11s  %s\n", "environment", "start s",
	    "end s", "execution s", "outcome");
	for (uint32_t i = 0; i < shown; i++)
		print_env(out, model->envs[i].name, &results_envs(r)[i]);
	if (shown < model->n_envs)
		fprintf(out, "... and %u more\n", model->n_envs - shown);
	fprintf(out, "%-20s %11s %11s", "average", "", "");
	print_seconds(out, results_mean_execution_s(r));
	fprintf(out, "\n%-20s %11s %11s", "overall", "", "");
	print_seconds(out, results_overall_s(r));
	fprintf(out,
	    "\n\n%llu migrations, %llu failed; %llu steps, "
	    "%llu events\n",
	    (unsigned long long)m->n_migrations,
	    (unsigned long long)m->n_migrations_failed,
	    (unsigned long long)m->n_steps, (unsigned long long)m->n_events);
	if (m->n_tasks)
		fprintf(out, "%llu tasks, %llu of them before the stop\n",
		    (unsigned long long)m->n_tasks,
		    (unsigned long long)m->n_tasks_before_stop);
	if (m->demand_s > 0)
		fprintf(out, "%.1f CPU s asked for, %.4f %% not served\n",
		    m->demand_s, 100 * m->unserved_s / m->demand_s);
}
