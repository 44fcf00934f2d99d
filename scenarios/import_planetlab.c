/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A day of PlanetLab's utilisation; see import.h. */
#include "scenarios/import.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/file.h"
#include "scenarios/folder.h"
#include "scenarios/pool.h"

enum { N_STEPS = 288, STEP_S = 300 };

struct day {
	uint8_t *percent; /* [step * n_vms + vm] */
	uint32_t n_vms;
};

static bool take_line(const char *path, uint32_t line, const char *text,
    uint8_t *percent, struct err *err)
{
	char *end;
	long value = strtol(text, &end, 10);

	end += strspn(end, " \t\r");
	if (end == text || (*end != '\n' && *end != '\0') || value < 0 ||
	    value > 100)
		return err_set(err,
		    "%s:%u:1: \"%.*s\" is no percentage; there must be a whole "
		    "number, 0 to 100", path, line,
		    (int)strnlen(text, strcspn(text, "\r\n") > 40
			    ? 40
			    : strcspn(text, "\r\n")), text);
	*percent = (uint8_t)value;
	return true;
}

static bool read_vm(
    struct day *day, uint32_t vm, const char *path, struct err *err)
{
	size_t size;
	char *text = file_read(path, &size, err), *p = text;
	uint32_t step = 0;
	bool ok = text != NULL;

	for (; ok && *p; step++) {
		char *next = strchrnul(p, '\n');

		if (step == N_STEPS)
			ok = err_set(err,
			    "%s:%u:1: more lines than the %d of a day", path,
			    step + 1, N_STEPS);
		else
			ok = take_line(path, step + 1, p,
			    &day->percent[(size_t)step * day->n_vms + vm],
			    err);
		p = *next ? next + 1 : next;
	}
	free(text);
	if (ok && step < N_STEPS)
		return err_set(err,
		    "%s:%u:1: the file ends; a day has %d lines, one every "
		    "%d s", path, step + 1, N_STEPS, STEP_S);
	return ok;
}

static void write_day(
    const struct day *day, const struct folder *folder, FILE *out)
{
	fputs("time_s", out);
	for (uint32_t v = 0; v < day->n_vms; v++) {
		putc(',', out);
		csv_fwrite(
		    out, folder->names[v], strlen(folder->names[v]));
	}
	putc('\n', out);
	for (uint32_t step = 0; step < N_STEPS; step++) {
		const uint8_t *row = day->percent + (size_t)step * day->n_vms;

		fprintf(out, "%u", step * STEP_S);
		for (uint32_t v = 0; v < day->n_vms; v++)
			fprintf(out, ",%u", row[v]);
		putc('\n', out);
	}
}

bool import_planetlab(const char *path, const char *cpu_csv,
    struct import_summary *summary, struct err *err)
{
	struct pool *pool = pool_new();
	struct folder folder;
	struct file_writer writer;
	struct day day;
	bool ok = folder_list(&folder, pool, path, "", err);

	if (!ok)
		goto out;
	day.n_vms = folder.n;
	day.percent = POOL_TAKE(pool, (size_t)N_STEPS * folder.n, uint8_t);
	for (uint32_t v = 0; ok && v < folder.n; v++)
		ok = read_vm(&day, v, folder.paths[v], err);
	if (!ok || !(ok = file_begin(&writer, cpu_csv, err)))
		goto out;
	write_day(&day, &folder, writer.out);
	ok = file_end(&writer, true, err);
	*summary = (struct import_summary){
	    .n_vms = day.n_vms, .n_steps = N_STEPS, .interval_s = STEP_S};
out:
	pool_free(pool);
	return ok;
}
