/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many runs over all CPUs; see jobs.h. */
#include "tests/paper/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The workers take every n_workers-th job and leave what it gives in memory
 * that they share with their parent. */
static void work(uint32_t first, uint32_t step, uint32_t n,
    void (*run)(void *self, uint32_t i, struct job *job), void *self,
    struct job *shared)
{
	for (uint32_t i = first; i < n; i += step)
		run(self, i, &shared[i]);
}

bool jobs_run(uint32_t n, void (*run)(void *self, uint32_t i, struct job *job),
    void *self, struct job *jobs)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n_workers = n_cpus < 1 ? 1 : (uint32_t)n_cpus;
	size_t size = n * sizeof *jobs;
	struct job *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool ok = true;
	int status;

	if (shared == MAP_FAILED)
		return false;
	fflush(NULL);
	for (uint32_t k = 0; k < n_workers; k++) {
		pid_t pid = fork();

		if (pid == 0) {
			work(k, n_workers, n, run, self, shared);
			_exit(0);
		}
		if (pid < 0)
			work(k, n_workers, n, run, self, shared);
	}
	while (wait(&status) > 0)
		ok = ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	for (uint32_t i = 0; i < n; i++)
		jobs[i] = shared[i];
	munmap(shared, size);
	return ok;
}
