/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim/share.h under random histories of changes, after each of which
 *	- the rates are feasible, and max-min by the definition itself;
 *	- they agree with a slow oracle of another method (bisection of the
 *	  common level, fixing who cannot rise);
 *	- they are, bit for bit, those of a solver that starts from scratch;
 *	- exactly the variables that changed are listed.
 * SHARE_SEED repeats a run; every run prints its seed.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/share.h"

enum { MAX_R = 12, MAX_V = 24, MAX_NEEDS = 5, N_CHANGES = 60, N_RUNS = 400 };

/* What a case is made of, beside the solver under test. */
struct mirror {
	uint32_t n_resources, n_variables;
	double capacity[MAX_R];
	struct {
		bool open;
		double weight, bound, rate;
		double need[MAX_R]; /* 0: none */
	} v[MAX_V];
};

static uint64_t rng;

static uint64_t draw(uint64_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 11) % n;
}

static double used(const struct mirror *m, uint32_t r, const double *x)
{
	double sum = 0;

	for (uint32_t v = 0; v < m->n_variables; v++)
		if (m->v[v].open && m->v[v].need[r] > 0)
			sum += m->v[v].need[r] * x[v];
	return sum;
}

/* Rates when all not yet fixed stand at `level`. */
static void at_level(const struct mirror *m, const bool *fixed,
    const double *x, double level, double *y)
{
	for (uint32_t v = 0; v < m->n_variables; v++)
		y[v] = fixed[v] ? x[v]
		                : fmin(m->v[v].bound, m->v[v].weight * level);
}

static bool feasible(const struct mirror *m, const double *y)
{
	for (uint32_t r = 0; r < m->n_resources; r++)
		if (used(m, r, y) > m->capacity[r] * (1 + 1e-13))
			return false;
	return true;
}

/* Whether v could rise above `level`, all others unfixed rising too. */
static bool can_rise(const struct mirror *m, uint32_t v, const double *y)
{
	if (y[v] >= m->v[v].bound)
		return false;
	for (uint32_t r = 0; r < m->n_resources; r++)
		if (m->v[v].need[r] > 0 &&
		    used(m, r, y) >= m->capacity[r] * (1 - 1e-11))
			return false;
	return true;
}

/* The oracle: bisects the highest feasible level, fixes who is stuck there,
 * and goes on with the rest. */
static void oracle(const struct mirror *m, double *x)
{
	bool fixed[MAX_V] = {false};
	double y[MAX_V], low = 0, high;
	uint32_t n_left = m->n_variables;

	for (uint32_t round = 0; round < MAX_V + 1 && n_left > 0; round++) {
		high = 1e9;
		for (int i = 0; i < 200; i++) {
			double mid = low + (high - low) / 2;

			at_level(m, fixed, x, mid, y);
			*(feasible(m, y) ? &low : &high) = mid;
		}
		at_level(m, fixed, x, low, y);
		n_left = 0;
		for (uint32_t v = 0; v < m->n_variables; v++) {
			if (fixed[v])
				continue;
			x[v] = y[v];
			fixed[v] = !m->v[v].open || !can_rise(m, v, y);
			n_left += !fixed[v];
		}
	}
}

static struct share *from_scratch(const struct mirror *m)
{
	struct share *s = share_new();
	struct share_need needs[MAX_R];

	for (uint32_t r = 0; r < m->n_resources; r++)
		share_add_resource(s, m->capacity[r]);
	for (uint32_t v = 0; v < m->n_variables; v++) {
		uint32_t n = 0;

		for (uint32_t r = m->n_resources; r-- > 0;)
			if (m->v[v].open && m->v[v].need[r] > 0)
				needs[n++] = (struct share_need){
				    r, m->v[v].need[r]};
		ck_assert_uint_eq(v,
		    share_open(s, m->v[v].weight, m->v[v].bound, needs, n));
	}
	return s;
}

static void check_feasible(const struct mirror *m, const struct share *s)
{
	double x[MAX_V] = {0};

	for (uint32_t v = 0; v < m->n_variables; v++) {
		if (!m->v[v].open)
			continue;
		x[v] = share_rate(s, v);
		ck_assert_double_ge(x[v], 0);
		ck_assert_double_le(x[v], m->v[v].bound);
	}
	for (uint32_t r = 0; r < m->n_resources; r++) {
		ck_assert_double_le(
		    used(m, r, x), m->capacity[r] * (1 + 1e-12));
		ck_assert_double_eq_tol(used(m, r, x), share_used(s, r),
		    1e-12 * (1 + used(m, r, x)));
	}
}

/* v is at its bound, or on a full resource where no level is higher. */
static bool is_stuck(
    const struct mirror *m, const struct share *s, uint32_t v)
{
	if (share_rate(s, v) >= m->v[v].bound)
		return true;
	for (uint32_t r = 0; r < m->n_resources; r++) {
		double top = 0;

		if (m->v[v].need[r] <= 0 ||
		    share_used(s, r) < m->capacity[r] * (1 - 1e-9))
			continue;
		for (uint32_t w = 0; w < m->n_variables; w++)
			if (m->v[w].open && m->v[w].need[r] > 0)
				top = fmax(top,
				    share_rate(s, w) / m->v[w].weight);
		if (share_rate(s, v) / m->v[v].weight >= top * (1 - 1e-9))
			return true;
	}
	return false;
}

static void check_max_min(const struct mirror *m, const struct share *s)
{
	double x[MAX_V];

	oracle(m, x);
	for (uint32_t v = 0; v < m->n_variables; v++) {
		if (!m->v[v].open)
			continue;
		ck_assert_msg(is_stuck(m, s, v), "%u could rise", v);
		ck_assert_double_eq_tol(
		    share_rate(s, v), x[v], 1e-8 * (1 + x[v]));
	}
}

static void check_scratch(const struct mirror *m, const struct share *s)
{
	struct share *fresh = from_scratch(m);
	uint32_t n_changed;

	share_solve(fresh, &n_changed);
	for (uint32_t v = 0; v < m->n_variables; v++)
		if (m->v[v].open)
			ck_assert_double_eq(
			    share_rate(s, v), share_rate(fresh, v));
	share_free(fresh);
}

static void check_changed(struct mirror *m, const struct share *s,
    const uint32_t *changed, uint32_t n_changed)
{
	uint32_t n = 0;

	for (uint32_t v = 0; v < m->n_variables; v++) {
		bool other;

		if (!m->v[v].open)
			continue;
		other = share_rate(s, v) < m->v[v].rate ||
		    share_rate(s, v) > m->v[v].rate;
		if (other) {
			ck_assert_uint_lt(n, n_changed);
			ck_assert_uint_eq(changed[n++], v);
		}
		m->v[v].rate = share_rate(s, v);
	}
	ck_assert_uint_eq(n, n_changed);
}

/* Small numbers on purpose, so that ties and full bounds are common. */
static double draw_bound(void)
{
	return draw(3) == 0 ? (double)draw(6) : 1e6;
}

static void open_one(struct mirror *m, struct share *s)
{
	struct share_need needs[MAX_NEEDS];
	uint32_t n = 1 + (uint32_t)draw(MAX_NEEDS), v;
	double weight = 1 + (double)draw(4), bound = draw_bound();

	for (uint32_t i = 0; i < n; i++)
		needs[i] = (struct share_need){
		    (uint32_t)draw(m->n_resources),
		    0.5 * (1 + (double)draw(5))};
	v = share_open(s, weight, bound, needs, n);
	ck_assert_uint_lt(v, MAX_V);
	if (v >= m->n_variables)
		m->n_variables = v + 1;
	m->v[v].open = true;
	m->v[v].rate = 0;
	m->v[v].weight = weight;
	m->v[v].bound = bound;
	for (uint32_t r = 0; r < MAX_R; r++)
		m->v[v].need[r] = 0;
	for (uint32_t i = 0; i < n; i++)
		m->v[v].need[needs[i].resource] += needs[i].amount;
}

static void change_one(struct mirror *m, struct share *s, uint32_t v)
{
	switch (draw(3)) {
	case 0:
		share_close(s, v);
		m->v[v].open = false;
		break;
	case 1:
		m->v[v].bound = draw_bound();
		share_set_bound(s, v, m->v[v].bound);
		break;
	default:
		m->v[v].weight = 1 + (double)draw(4);
		share_set_weight(s, v, m->v[v].weight);
	}
}

static uint32_t n_open(const struct mirror *m)
{
	uint32_t n = 0;

	for (uint32_t v = 0; v < m->n_variables; v++)
		n += m->v[v].open;
	return n;
}

static void change(struct mirror *m, struct share *s)
{
	uint32_t v = (uint32_t)draw(MAX_V), r;

	if (draw(8) == 0) {
		r = (uint32_t)draw(m->n_resources);
		m->capacity[r] = (double)draw(12);
		share_set_capacity(s, r, m->capacity[r]);
	} else if (v < m->n_variables && m->v[v].open) {
		change_one(m, s, v);
	} else if (n_open(m) < MAX_V) {
		open_one(m, s);
	}
}

START_TEST(every_history_ends_in_the_one_max_min_allocation)
{
	struct mirror m = {.n_resources = 1 + (uint32_t)draw(MAX_R)};
	struct share *s = share_new();
	const uint32_t *changed;
	uint32_t n_changed;

	for (uint32_t r = 0; r < m.n_resources; r++) {
		m.capacity[r] = (double)draw(12);
		ck_assert_uint_eq(r, share_add_resource(s, m.capacity[r]));
	}
	for (int i = 0; i < N_CHANGES; i++) {
		for (uint64_t n = 1 + draw(3); n > 0; n--)
			change(&m, s);
		changed = share_solve(s, &n_changed);
		check_feasible(&m, s);
		check_changed(&m, s, changed, n_changed);
		check_scratch(&m, s);
		if (i % 8 == 0)
			check_max_min(&m, s);
	}
	share_free(s);
}
END_TEST

/* Without fork every run draws from one stream, as it goes on. */
int main(void)
{
	const char *text = getenv("SHARE_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
	Suite *suite = suite_create("share");
	TCase *tc = tcase_create("properties");
	SRunner *runner;
	int failed;

	printf("SHARE_SEED=%llu\n", (unsigned long long)seed);
	rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	tcase_add_loop_test(tc,
	    every_history_ends_in_the_one_max_min_allocation, 0, N_RUNS);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
