/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quantities as scenario files write them: a number and its unit in one
 * scalar, "512 MiB", "40 ms", "1 Gbit/s", "0.5 cpu".  The unit is never left
 * out, but for zero.
 *
 * A value is in the base unit of its measure (below).  Printing takes the
 * largest unit that suits and as few digits as give the same value back:
 * parse(print(x)) = x for every x that parses.
 */
#ifndef SCENARIOS_QUANTITY_H
#define SCENARIOS_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>

enum measure {
	MEASURE_NUMBER, /* "0.78", "1e6", "12 %" */
	MEASURE_TIME,   /* ns us ms s min h; base: ns, whole */
	MEASURE_CPU,    /* cpu, mcpu, host; base: mcpu (1/1000 of a CPU) */
	MEASURE_MEMORY, /* KiB MiB GiB TiB; base: KiB, whole */
	MEASURE_DATA,   /* B KiB MiB GiB TiB; base: bytes */
	MEASURE_SPEED,  /* of memory: KiB/s MiB/s GiB/s; base: KiB a second */
	MEASURE_RATE,   /* bit/s kbit/s Mbit/s Gbit/s; base: bits a second */
	N_MEASURES
};

enum { QUANTITY_TEXT_MAX = 64 };

/*
 * What an exact value needs: 64 bits of mantissa hold every time and memory
 * size that a scenario can state.
 */
typedef long double quantity_value;

/*
 * Parses a whole scalar.  host_mcpu is what the unit "host" stands for; 0:
 * there is no such unit here.  Returns NULL when it parsed, else what would
 * be right, such as "a time such as \"10 s\" (ns, us, ms, s, min, h)".
 */
const char *quantity_parse(const char *text, enum measure measure,
    double host_mcpu, quantity_value *value);

/* Writes it; returns text, which has QUANTITY_TEXT_MAX bytes. */
char *quantity_print(
    char *text, enum measure measure, quantity_value value);

/* Shortest decimal that reads back as x; returns text. */
char *quantity_print_number(char *text, double x);

#endif
