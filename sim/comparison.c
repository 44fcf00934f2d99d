/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One scenario under several policies; see comparison.h. */
#include "sim/comparison.h"

#include <math.h>

#include "sim/digest.h"
#include "sim/table.h"

static const struct scenario *scenario_of(const struct comparison *c)
{
	return results_what(c->results[0])->scenario;
}

static const char *policy_name(const struct comparison *c, uint32_t k)
{
	return results_what(c->results[k])->policy->name;
}

uint32_t comparison_average(const struct comparison *c)
{
	return scenario_of(c)->model.n_envs;
}

uint32_t comparison_overall(const struct comparison *c)
{
	return comparison_average(c) + 1;
}

const char *comparison_row_name(const struct comparison *c, uint32_t row)
{
	if (row == comparison_average(c))
		return "average";
	if (row == comparison_overall(c))
		return "overall";
	return scenario_of(c)->model.envs[row].name;
}

static bool done_everywhere(const struct comparison *c, uint32_t env)
{
	for (uint32_t k = 0; k < c->n; k++)
		if (isnan(
		        result_execution_s(&results_envs(c->results[k])[env])))
			return false;
	return true;
}

static double average_s(const struct comparison *c, uint32_t k)
{
	uint32_t n = 0;
	double sum = 0;

	for (uint32_t i = 0; i < comparison_average(c); i++)
		if (done_everywhere(c, i)) {
			sum +=
			    result_execution_s(&results_envs(c->results[k])[i]);
			n++;
		}
	return n ? sum / n : (double)NAN;
}

double comparison_time_s(const struct comparison *c, uint32_t row, uint32_t k)
{
	if (row == comparison_average(c))
		return average_s(c, k);
	if (row == comparison_overall(c))
		return results_overall_s(c->results[k]);
	return result_execution_s(&results_envs(c->results[k])[row]);
}

double comparison_ratio(const struct comparison *c, uint32_t row, uint32_t k)
{
	return comparison_time_s(c, row, k) / comparison_time_s(c, row, 0);
}

static void put_number(FILE *out, double number)
{
	putc(',', out);
	if (isfinite(number))
		fprintf(out, "%.6f", number);
}

void comparison_write_csv(const struct comparison *c, FILE *out)
{
	fputs("environment", out);
	for (uint32_t k = 0; k < c->n; k++)
		fprintf(out, ",%s_s", policy_name(c, k));
	for (uint32_t k = 1; k < c->n; k++)
		fprintf(out, ",%s_ratio", policy_name(c, k));
	putc('\n', out);
	for (uint32_t row = 0; row <= comparison_overall(c); row++) {
		table_put_text(out, comparison_row_name(c, row));
		for (uint32_t k = 0; k < c->n; k++)
			put_number(out, comparison_time_s(c, row, k));
		for (uint32_t k = 1; k < c->n; k++)
			put_number(out, comparison_ratio(c, row, k));
		putc('\n', out);
	}
}

/* What became of a row that has no time, such as "crashed". */
static const char *why_not(
    const struct comparison *c, uint32_t row, uint32_t k)
{
	return row < comparison_average(c)
	           ? results_envs(c->results[k])[row].outcome
	           : "-";
}

static void print_row(const struct comparison *c, FILE *out, uint32_t row)
{
	fprintf(out, "%-20s", comparison_row_name(c, row));
	for (uint32_t k = 0; k < c->n; k++) {
		double time_s = comparison_time_s(c, row, k);

		if (isfinite(time_s))
			fprintf(out, " %12.1f", time_s);
		else
			fprintf(out, " %12s", why_not(c, row, k));
	}
	for (uint32_t k = 1; k < c->n; k++) {
		double ratio = comparison_ratio(c, row, k);

		if (isfinite(ratio))
			fprintf(out, " %+9.1f %%", 100 * (ratio - 1));
		else
			fprintf(out, " %11s", "-");
	}
	putc('\n', out);
}

void comparison_print(const struct comparison *c, FILE *out)
{
	enum { MANY = 50 }; /* environments that a screen can show */
	uint32_t average = comparison_average(c);

	fprintf(out,
	    "%s: execution time in seconds, and its change from %s\n\n"
	    "%-20s",
	    scenario_of(c)->name, policy_name(c, 0), "environment");
	for (uint32_t k = 0; k < c->n; k++)
		fprintf(out, " %12s", policy_name(c, k));
	for (uint32_t k = 1; k < c->n; k++)
		fprintf(out, " %11s", policy_name(c, k));
	putc('\n', out);
	for (uint32_t row = 0; row <= comparison_overall(c); row++)
		if (row < MANY || row >= average)
			print_row(c, out, row);
	if (average > MANY)
		fprintf(
		    out, "(%u environments are not shown)\n", average - MANY);
}

static void put_json_number(FILE *out, double number)
{
	if (isfinite(number))
		fprintf(out, "%.6f", number);
	else
		fputs("null", out);
}

static void put_json_row(const struct comparison *c, FILE *out, uint32_t row)
{
	fputs("    {\"environment\": ", out);
	json_put_text(out, comparison_row_name(c, row));
	for (uint32_t k = 0; k < c->n; k++) {
		fprintf(out, ", \"%s_s\": ", policy_name(c, k));
		put_json_number(out, comparison_time_s(c, row, k));
	}
	for (uint32_t k = 1; k < c->n; k++) {
		fprintf(out, ", \"%s_ratio\": ", policy_name(c, k));
		put_json_number(out, comparison_ratio(c, row, k));
	}
	putc('}', out);
}

void comparison_print_json(const struct comparison *c, FILE *out)
{
	const struct scenario *scenario = scenario_of(c);

	fputs("{\n  \"program\": \"violin\",\n  \"version\": ", out);
	json_put_text(out, VIOLIN_VERSION);
	fprintf(out, ",\n  \"core\": \"%s\",\n  \"scenario\": ", core_digest);
	json_put_text(out, scenario->name);
	fprintf(out,
	    ",\n  \"scenario_digest\": \"%s\",\n  \"seed\": %llu,\n"
	    "  \"comparison\": [\n",
	    scenario->digest,
	    (unsigned long long)results_what(c->results[0])->seed);
	for (uint32_t row = 0; row <= comparison_overall(c); row++) {
		fputs(row ? ",\n" : "", out);
		put_json_row(c, out, row);
	}
	fputs("\n  ]\n}\n", out);
}
