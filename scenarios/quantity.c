/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers with units; see quantity.h. */
#include "scenarios/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	quantity_value factor; /* base units in one */
};

/* Units of a measure, falling; `wanted` completes "... is not". */
static const struct measure_info {
	struct unit units[6];
	bool whole; /* rounded to a whole number of base units */
	const char *zero;
	const char *wanted;
} measures[N_MEASURES] = {
	[MEASURE_NUMBER] =
	    {{{"", 1}}, false, "0", "a number such as \"0.5\""},
	[MEASURE_TIME] = {{{"h", 3600e9L}, {"min", 60e9L}, {"s", 1e9L},
	                      {"ms", 1e6L}, {"us", 1e3L}, {"ns", 1}},
	    true, "0 s", "a time such as \"10 s\" (ns, us, ms, s, min, h)"},
	[MEASURE_CPU] = {{{"cpu", 1000}, {"mcpu", 1}}, false, "0 cpu",
	    "an amount of CPU such as \"0.5 host\" (host, cpu, mcpu)"},
	[MEASURE_MEMORY] = {{{"TiB", 0x1p30L}, {"GiB", 0x1p20L},
	                        {"MiB", 0x1p10L}, {"KiB", 1}},
	    true, "0 MiB",
	    "a memory size such as \"512 MiB\" (KiB, MiB, GiB, TiB)"},
	[MEASURE_DATA] = {{{"TiB", 0x1p40L}, {"GiB", 0x1p30L},
	                      {"MiB", 0x1p20L}, {"KiB", 0x1p10L}, {"B", 1}},
	    false, "0 B",
	    "an amount of data such as \"64 KiB\" (B, KiB, MiB, GiB, TiB)"},
	[MEASURE_SPEED] = {{{"GiB/s", 0x1p20L}, {"MiB/s", 0x1p10L},
	                       {"KiB/s", 1}}, false, "0 MiB/s",
	    "a speed such as \"256 MiB/s\" (KiB/s, MiB/s, GiB/s)"},
	[MEASURE_RATE] = {{{"Gbit/s", 1e9L}, {"Mbit/s", 1e6L},
	                      {"kbit/s", 1e3L}, {"bit/s", 1}},
	    false, "0 bit/s",
	    "a rate such as \"1 Gbit/s\" (bit/s, kbit/s, Mbit/s, Gbit/s)"},
};

enum { MAX_UNITS = sizeof measures[0].units / sizeof measures[0].units[0] };

static bool find_factor(const struct measure_info *m, const char *name,
    double host_mcpu, quantity_value *factor)
{
	if (m == &measures[MEASURE_CPU] && host_mcpu > 0 &&
	    strcmp(name, "host") == 0) {
		*factor = (quantity_value)host_mcpu;
		return true;
	}
	for (int i = 0; i < MAX_UNITS && m->units[i].name; i++)
		if (strcmp(name, m->units[i].name) == 0) {
			*factor = m->units[i].factor;
			return true;
		}
	return false;
}

/* Only decimal numbers: strtold would take "nan", "inf" and "0x10" too. */
static bool parse_decimal(const char *text, quantity_value *x, char **end)
{
	size_t n = strspn(text, "+-0123456789.eE");

	if (strcspn(text, "0123456789") >= n)
		return false;
	*x = strtold(text, end);
	return isfinite(*x) && *end > text && *end <= text + n;
}

const char *quantity_parse(const char *text, enum measure measure,
    double host_mcpu, quantity_value *value)
{
	const struct measure_info *m = &measures[measure];
	quantity_value x, factor;
	char *unit;

	if (!parse_decimal(text, &x, &unit))
		return m->wanted;
	unit += strspn(unit, " ");
	if (measure == MEASURE_NUMBER && strcmp(unit, "%") == 0)
		x /= 100;
	else if (find_factor(m, unit, host_mcpu, &factor))
		x *= factor;
	else if (*unit || x != 0)
		return m->wanted;
	if (m->whole)
		x = rintl(x);
	else
		x = (quantity_value)(double)x; /* what holds it is a double */
	if (!isfinite(x))
		return m->wanted;
	*value = x == 0 ? 0 : x; /* no minus zero */
	return NULL;
}

char *quantity_print_number(char *text, double x)
{
	if (x == rint(x) && fabs(x) < 1e15) { /* 500000, not 5e+05 */
		snprintf(text, QUANTITY_TEXT_MAX, "%.0f", x);
		return text;
	}
	/* Whoever reads it, at once or as quantity_parse() by way of a long
	 * double, which rounds twice. */
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, QUANTITY_TEXT_MAX, "%.*g", digits, x);
		if (strtod(text, NULL) == x && (double)strtold(text, NULL) == x)
			break;
	}
	return text;
}

/* Tries x in this unit, with at most three decimals. */
static bool print_in(char *text, enum measure measure, const struct unit *unit,
    quantity_value x)
{
	quantity_value back;
	char *end;

	snprintf(text, QUANTITY_TEXT_MAX, "%.3Lf", x / unit->factor);
	end = text + strlen(text);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		*--end = '\0';
	snprintf(end, (size_t)(text + QUANTITY_TEXT_MAX - end), " %s",
	    unit->name);
	return quantity_parse(text, measure, 0, &back) == NULL && back == x;
}

/* In the base unit, whatever the digits. */
static char *print_base(char *text, const struct measure_info *m,
    const char *unit, quantity_value x)
{
	if (m->whole)
		snprintf(text, QUANTITY_TEXT_MAX, "%.0Lf", x);
	else
		quantity_print_number(text, (double)x);
	return strcat(strcat(text, " "), unit);
}

char *quantity_print(char *text, enum measure measure, quantity_value x)
{
	const struct measure_info *m = &measures[measure];
	int i = 0;

	if (x == 0)
		return strcpy(text, m->zero);
	if (measure == MEASURE_NUMBER)
		return quantity_print_number(text, (double)x);
	if (measure == MEASURE_TIME)
		i = 2; /* hours and minutes read worse than seconds do */
	for (; i < MAX_UNITS && m->units[i].name; i++) {
		quantity_value n = fabsl(x / m->units[i].factor);

		if (n >= 1 && n < 1e12L &&
		    print_in(text, measure, &m->units[i], x))
			return text;
	}
	return print_base(text, m, m->units[i - 1].name, x);
}
