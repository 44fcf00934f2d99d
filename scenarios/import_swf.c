/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Standard Workload Format, cleaned; see import.h. */
#include "scenarios/import.h"

#include <inttypes.h>

#include "scenarios/file.h"
#include "scenarios/quantity.h"
#include "scenarios/swf.h"

/* The 18 fields; what scenarios make no use of is unknown, status 1 is done.
 * Seconds keep their fractions. */
static void write_job(const struct swf_job *job, int64_t first_ns, FILE *out)
{
	char submit[QUANTITY_TEXT_MAX], run[QUANTITY_TEXT_MAX];
	char cpu[QUANTITY_TEXT_MAX];

	fprintf(out, "%" PRId64 " %s -1 %s %" PRIu32 " %s ", job->number,
	    quantity_print_number(
		submit, (double)(job->submit_ns - first_ns) / 1e9),
	    quantity_print_number(run, job->run_s), job->processors,
	    quantity_print_number(cpu, job->cpu_s));
	if (job->used_kib)
		fprintf(out, "%" PRIu64, job->used_kib);
	else
		fputs("-1", out);
	fprintf(out, " %" PRIu32 " -1 -1 1 -1 -1 -1 -1 -1 -1 -1\n",
	    job->processors);
}

bool import_swf(const char *path, const char *swf,
    struct import_summary *summary, struct err *err)
{
	struct pool *pool = pool_new();
	const struct swf_log *log = swf_read(pool, path, err);
	struct file_writer writer;
	bool ok = log && file_begin(&writer, swf, err);

	if (ok) {
		fprintf(writer.out,
		    "; Version: 2.2\n; MaxJobs: %" PRIu32 "\n",
		    log->n_jobs);
		for (uint32_t i = 0; i < log->n_jobs; i++)
			write_job(&log->jobs[i], log->jobs[0].submit_ns,
			    writer.out);
		ok = file_end(&writer, true, err);
		*summary = (struct import_summary){
		    .n_vms = log->n_jobs, .n_skipped = log->n_skipped};
	}
	pool_free(pool);
	return ok;
}
