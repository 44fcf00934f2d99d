/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Importers: public traces become the files that scenarios name (trace.h,
 * swf.h).  Each output is written whole or not at all; every error names
 * file, line and column of the input.
 */
#ifndef SCENARIOS_IMPORT_H
#define SCENARIOS_IMPORT_H

#include <stdint.h>

#include "core/err.h"

/* What was imported, to be told to the user. */
struct import_summary {
	uint32_t n_vms;     /* columns; or jobs */
	uint32_t n_steps;   /* rows of a utilisation trace */
	uint32_t n_skipped; /* jobs that never ran */
	double interval_s;  /* of a step */
};

/*
 * PlanetLab 2011, as cloud simulators use it: a folder (one day) of files, one
 * a VM, each with 288 whole percentages, one every 300 s.  Writes a
 * utilisation trace, a column for each file by name.
 */
bool import_planetlab(const char *folder, const char *cpu_csv,
    struct import_summary *summary, struct err *err);

/*
 * Bitbrains GWA-T-12: one file a VM, or a folder of such files (*.csv),
 * ';'-separated with 11 columns.  Writes CPU and memory traces on one grid
 * from the first sample of any VM to the last; between its samples a VM stays
 * as it was, and is 0 before the first.  mem_csv may be NULL.
 */
bool import_bitbrains(const char *path, const char *cpu_csv,
    const char *mem_csv, struct import_summary *summary, struct err *err);

/*
 * Standard Workload Format 2.2.  Writes the jobs that ran as such a log again,
 * by submit time, the first at 0, for `jobs: {file: ...}`.
 */
bool import_swf(const char *path, const char *swf,
    struct import_summary *summary, struct err *err);

#endif
