/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenarios/quantity.h: units by hand, and parse(print(x)) = x. */
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "scenarios/quantity.h"

static quantity_value parsed(const char *text, enum measure measure)
{
	quantity_value value;

	ck_assert_msg(quantity_parse(text, measure, 2000, &value) == NULL,
	    "\"%s\" did not parse", text);
	return value;
}

START_TEST(units_mean_what_they_say)
{
	static const struct {
		const char *text;
		enum measure measure;
		double value;
	} rows[] = {
		{"512 MiB", MEASURE_MEMORY, 524288},
		{"1.5 GiB", MEASURE_MEMORY, 1572864},
		{"4 KiB", MEASURE_MEMORY, 4},
		{"1 TiB", MEASURE_MEMORY, 1073741824},
		{"40 ms", MEASURE_TIME, 40e6},
		{"1.5 s", MEASURE_TIME, 1.5e9},
		{"2 min", MEASURE_TIME, 120e9},
		{"1 h", MEASURE_TIME, 3600e9},
		{"7 us", MEASURE_TIME, 7e3},
		{"3 ns", MEASURE_TIME, 3},
		{"0.5 cpu", MEASURE_CPU, 500},
		{"20 mcpu", MEASURE_CPU, 20},
		{"0.12 host", MEASURE_CPU, 240},
		{"1 Gbit/s", MEASURE_RATE, 1e9},
		{"100 Mbit/s", MEASURE_RATE, 1e8},
		{"9600 bit/s", MEASURE_RATE, 9600},
		{"64 KiB", MEASURE_DATA, 65536},
		{"1500 B", MEASURE_DATA, 1500},
		{"256 MiB/s", MEASURE_SPEED, 262144},
		{"2 %", MEASURE_NUMBER, 0.02},
		{"1e6", MEASURE_NUMBER, 1e6},
		{"0", MEASURE_TIME, 0},
		{"-5s", MEASURE_TIME, -5e9},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg((double)parsed(rows[i].text, rows[i].measure) ==
		                  rows[i].value, "%s", rows[i].text);
}
END_TEST

START_TEST(what_is_no_quantity_is_refused)
{
	static const struct {
		const char *text;
		enum measure measure;
	} rows[] = {
		{"5", MEASURE_TIME}, {"5 MB", MEASURE_MEMORY},
		{"5 sec", MEASURE_TIME}, {"", MEASURE_NUMBER},
		{"nan", MEASURE_NUMBER}, {"inf s", MEASURE_TIME},
		{"0x10 s", MEASURE_TIME}, {"1 s 2", MEASURE_TIME},
		{"1e999 s", MEASURE_TIME}, {"1e4000", MEASURE_NUMBER},
		{"1 gbit/s", MEASURE_RATE}, {"--1 s", MEASURE_TIME},
		{"5 %", MEASURE_TIME}, {"one", MEASURE_NUMBER},
		{"1 host", MEASURE_TIME},
	};
	quantity_value value;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (quantity_parse(
			rows[i].text, rows[i].measure, 1000, &value) == NULL)
			/* 1e999 s still fits a long double */
			ck_assert_msg(value > 1e100L, "took \"%s\"",
			    rows[i].text);
	ck_assert_ptr_nonnull(
	    quantity_parse("1 host", MEASURE_CPU, 0, &value));
}
END_TEST

START_TEST(printing_takes_the_unit_that_suits)
{
	static const struct {
		double value;
		enum measure measure;
		const char *text;
	} rows[] = {
		{524288, MEASURE_MEMORY, "512 MiB"},
		{1572864, MEASURE_MEMORY, "1.5 GiB"},
		{1e10, MEASURE_TIME, "10 s"}, {40e6, MEASURE_TIME, "40 ms"},
		{3600e9, MEASURE_TIME, "3600 s"}, {1, MEASURE_TIME, "1 ns"},
		{120, MEASURE_CPU, "120 mcpu"}, {2000, MEASURE_CPU, "2 cpu"},
		{1e8, MEASURE_RATE, "100 Mbit/s"},
		{0, MEASURE_MEMORY, "0 MiB"}, {0, MEASURE_TIME, "0 s"},
		{500000, MEASURE_NUMBER, "500000"},
		{0.78, MEASURE_NUMBER, "0.78"},
	};
	char text[QUANTITY_TEXT_MAX];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(quantity_print(text, rows[i].measure,
				     (quantity_value)rows[i].value),
		    rows[i].text);
}
END_TEST

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* A value of any size that a scenario can state. */
static quantity_value any_value(enum measure measure)
{
	uint64_t bits = draw() >> (draw() % 63);

	if (measure == MEASURE_TIME)
		return bits % UINT64_C(1000000000000000000);
	if (measure == MEASURE_MEMORY)
		return bits % (UINT64_C(1) << 40);
	return (quantity_value)ldexp(
	    (double)(bits >> 11), (int)(draw() % 60) - 40);
}

START_TEST(parse_of_print_is_the_same)
{
	char text[QUANTITY_TEXT_MAX];

	for (int i = 0; i < 300000; i++) {
		enum measure measure = i % N_MEASURES;
		quantity_value x = any_value(measure), back;
		const char *wanted;

		quantity_print(text, measure, x);
		wanted = quantity_parse(text, measure, 0, &back);
		ck_assert_msg(!wanted && back == x,
		    "measure %d: %.20Lg printed as \"%s\", read as %.20Lg",
		    (int)measure, x, text, wanted ? -1.0L : back);
	}
}
END_TEST

/* Sixteen digits of it are nearly half way between two doubles. */
START_TEST(number_is_read_again_though_it_rounds_twice)
{
	char text[QUANTITY_TEXT_MAX];
	const double x = 56179839.929417066276;

	quantity_print(text, MEASURE_CPU, x);
	ck_assert_str_eq(text, "56179839.929417066 mcpu");
	ck_assert(parsed(text, MEASURE_CPU) == x);
}
END_TEST

/* The canonical text stays as it is. */
START_TEST(print_of_parse_of_print_is_the_same)
{
	char text[QUANTITY_TEXT_MAX], again[QUANTITY_TEXT_MAX];

	for (int i = 0; i < 50000; i++) {
		enum measure measure = i % N_MEASURES;

		quantity_print(text, measure, any_value(measure));
		quantity_print(again, measure, parsed(text, measure));
		ck_assert_str_eq(text, again);
	}
}
END_TEST

int main(void)
{
	const char *seed = getenv("SEED");
	Suite *suite = suite_create("quantity");
	TCase *tc = tcase_create("quantity");
	SRunner *runner;
	int failed;

	state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("SEED=%" PRIu64 "\n", state);
	state = state * 2 + 1;
	tcase_add_test(tc, units_mean_what_they_say);
	tcase_add_test(tc, number_is_read_again_though_it_rounds_twice);
	tcase_add_test(tc, what_is_no_quantity_is_refused);
	tcase_add_test(tc, printing_takes_the_unit_that_suits);
	tcase_add_test(tc, parse_of_print_is_the_same);
	tcase_add_test(tc, print_of_parse_of_print_is_the_same);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
