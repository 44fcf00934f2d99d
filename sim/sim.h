/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run of the simulated world: a scenario under a policy, from its start
 * until nothing more can happen or its stop time.  What happens is told to
 * a listener as it happens (sim/results.h writes it into files); a run
 * itself touches no file.  Several runs may go on in several threads.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "core/manager.h"
#include "scenarios/scenario.h"

struct sim_env_end {
	struct env_id env;
	int64_t created_ns; /* asked for */
	int64_t start_ns;   /* its application began; -1: never */
	int64_t end_ns;     /* it ended, or crashed; -1: neither until stop */
	const char *outcome; /* "done", "crashed", "failed" (its host),
	                        "destroyed", "running", "queued" */
};

struct sim_round {
	struct vm_id vm;
	int64_t start_ns;
	uint32_t migration; /* counts from 0 in the run */
	uint32_t round;     /* 1, 2, ...; the last is the one while stopped */
	double sent_pages, skipped_pages, dirtied_pages;
	int64_t duration_ns;
	double rate_bps; /* what the flow really got, mean */
};

struct sim_migration {
	struct vm_id vm;
	struct host_id from, to;
	uint32_t migration;
	uint32_t rounds;
	int64_t start_ns, end_ns;
	int64_t downtime_ns; /* suspended until it runs at the target */
	int64_t network_ns;  /* then, until its environment's network was
	                        whole; -1: it did not move, or nobody knows.
	                        What TCP makes of it is env_stalled's */
	double sent_bytes;
	const char *outcome; /* "done", "aborted", "failed" */
};

/* One row of the series: means over the interval that ends now. */
struct sim_host_row {
	struct host_id host;
	uint32_t n_vms;
	double cpu_used_mcpu, cpu_alloc_mcpu;
	uint64_t mem_alloc_kib;
};

struct sim_vm_row {
	struct vm_id vm;
	struct host_id host;
	enum vm_state state;
	double cpu_used_mcpu, cpu_alloc_mcpu;
	uint64_t mem_used_kib; /* or MEM_UNKNOWN */
	uint64_t mem_alloc_kib;
};

/* Any member may be NULL.  Arguments are borrowed during the call. */
struct sim_listener {
	void *self;
	void (*env_ended)(void *self, const struct sim_env_end *end);
	/* Runs of it are stopped while its network was cut: for 4.1. */
	void (*env_stalled)(void *self, struct env_id env, int64_t from_ns,
	    int64_t until_ns, int64_t linger_ns);
	void (*migration_began)(
	    void *self, int64_t now_ns, const struct sim_migration *began);
	void (*round_ended)(void *self, const struct sim_round *round);
	void (*migration_ended)(void *self, const struct sim_migration *ended);
	/* Where a VM is has changed (to is NO_HOST when it is gone). */
	void (*vm_moved)(void *self, int64_t now_ns, struct vm_id vm,
	    struct host_id from, struct host_id to);
	void (*series_hosts)(void *self, int64_t now_ns,
	    const struct sim_host_row *rows, uint32_t n_rows);
	void (*series_vms)(void *self, int64_t now_ns,
	    const struct sim_vm_row *rows, uint32_t n_rows);
	/* Called now and then, cheaply; until_ns is the best guess. */
	void (*progress)(void *self, int64_t now_ns, int64_t until_ns);
	/* What the manager sees and does (core/manager.h). */
	struct manager_listener manager;
};

/* Sums over a run; all deterministic. */
struct sim_metrics {
	int64_t end_ns;     /* the last event so far, or the stop time */
	int64_t first_start_ns, last_end_ns; /* over environments that ran */
	uint64_t n_events, n_steps;
	uint64_t event_digest; /* of what fired when, in order */
	uint64_t n_migrations, n_migrations_failed;
	/* closed-loop tasks */
	uint64_t n_tasks, n_tasks_before_stop;
	double work_before_stop_s; /* CPU seconds */
	double response_sum_s;     /* of tasks completed before stop */
	/* demand of traces and what was not served of it, CPU seconds */
	double demand_s, unserved_s;
	double energy_cpu_s; /* CPU seconds used on all hosts */
};

struct sim;

/*
 * Builds the world.  Borrows everything; values are the policy's parameters
 * (scenario_bind_policy).  NULL with err when it cannot be built (memory).
 * seed 0 takes the scenario's.
 */
struct sim *sim_new(const struct scenario *scenario,
    const struct policy *policy, const double *values, uint64_t seed,
    const struct sim_listener *listener, struct err *err);

/* Runs it to its end.  False with err when the manager's step failed. */
bool sim_run(struct sim *sim, struct err *err);

/* One event further; false when there is none (for tests: check, go on). */
bool sim_step(struct sim *sim);

/* Checks every invariant of the world (memory never over-committed, every VM
 * in one place, heads where they began, shares feasible); slow, for tests. */
bool sim_check(const struct sim *sim, struct err *err);

const struct sim_metrics *sim_metrics(const struct sim *sim);
void sim_free(struct sim *sim);

#endif
