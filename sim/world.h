/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated world: what is true of every host, VM and environment now.
 * Plain tables, one row an id of the model; each model of behaviour is a file
 * of its own over them (cpu, memory, migrate, environment, workload_*,
 * fault), and sim.c runs the clock.
 *
 * A handler of an event changes rows and marks what it has touched; when it
 * has returned, world_settle brings shares and paces up to date.  So several
 * changes at one instant cost one update.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "core/backend.h"
#include "scenarios/scenario.h"
#include "sim/cpu.h"
#include "sim/event.h"
#include "sim/network.h"
#include "sim/sim.h"
#include "sim/stream.h"
#include "sim/vnet.h"

/* Each kind of timer has one timer for each row of a table. */
enum timer_kind {
	TIMER_HOST,        /* its VMs' next completion or wake-up (cpu.h) */
	TIMER_BALLOON,     /* by VM */
	TIMER_MIGRATION,   /* by VM */
	TIMER_ENV_WORK,    /* by environment: its workload */
	TIMER_ENV_NETWORK, /* its network resumes; the lingering ends */
	TIMER_ENV_ASK,     /* it is asked for */
	TIMER_ENV_DESTROY,
	TIMER_HOST_FATE,   /* by host: joins, leaves */
	TIMER_HOST_FAIL,
	TIMER_EVENT,       /* by event of the scenario */
	TIMER_MANAGER,
	TIMER_SERIES,
	N_TIMER_KINDS
};

#define NO_TICKET ((struct ticket){UINT64_MAX, 0})

/* What is not hot of a VM; the rest is in struct cpu_vm. */
struct world_vm {
	enum vm_state state;
	struct host_id host;    /* where it runs */
	struct host_id target;  /* where it is migrating to */
	uint32_t migration;     /* its row in migrate.c; ID_NONE */
	uint32_t cap_mcpu;      /* 0: none */
	double speed_copied;    /* factors of its speed: while pre-copied, */
	double speed_swapped;   /* and while it swaps; 1: full */
	double demand_mcpu;
	uint64_t mem_alloc_kib; /* at balloon_ns */
	uint64_t mem_target_kib;
	uint64_t mem_used_kib;
	int64_t balloon_ns;
	int64_t since_ns;       /* created or landed there */
	double seen_used_s;     /* CPU used as of the last observation, */
	double row_used_s;      /* the last row of the series, */
	double level_used_s;    /* the last level of its workload */
	struct ticket placing;  /* the action that creates or migrates it */
	struct ticket ballooning;
};

struct world_host {
	enum host_state state;
	uint32_t n_vms;        /* running here */
	uint64_t mem_held_kib; /* by VMs here, arriving and leaving */
	double seen_used_s;
	double row_used_s;     /* as of the last row of the series */
};

struct world_env {
	enum env_state state;
	bool open;            /* something may still become of it */
	uint32_t n_placed;    /* VMs that have a host */
	uint32_t n_running;   /* VMs that have booted */
	uint32_t n_busy;      /* VMs whose tasks go on */
	int64_t queued_ns;
	int64_t start_ns;     /* its application began; -1 */
	int64_t end_ns;       /* -1 */
	int64_t moved_ns;     /* -1: never */
	const char *outcome;
	/* its network */
	struct vnet vnet;
	bool stalled;         /* the application waits for the network */
	bool lingers;         /* or is slow after it */
	int64_t stalled_ns;   /* since */
	/* its application: stages (workload_stages.c) */
	double work_factor;   /* drawn, see struct variation */
	uint32_t stage;
	uint32_t trace_step;
	bool dirty;           /* its pace is to be found anew */
	bool spread_changed;  /* its VMs are elsewhere: messages cost more */
	double left_s;        /* of the stage, work of each VM */
	double pace;          /* work a second */
	double exchange_s;    /* of one iteration */
	int64_t last_ns;
	uint32_t coupled;     /* its variable in couple.c; SHARE_NONE */
};

/* A VM in a closed loop (workload_tasks.c). */
struct world_task {
	union {
		struct stream stream; /* by distribution */
		uint64_t next;        /* by list: the next task */
	};
	int64_t began_ns;
	double work_s; /* of the task that runs */
	uint32_t env;
};

/* An outcome that the manager has not taken yet. */
struct world_outcome {
	struct ticket ticket;
	int64_t at_ns;
	enum outcome_kind kind;
	const char *text;
};

struct world {
	const struct scenario *scenario;
	const struct model *model;
	const struct sim_listener *listener; /* never NULL */
	uint64_t seed;
	int64_t now_ns;
	struct events events;
	uint32_t timers[N_TIMER_KINDS + 1]; /* first of each kind */
	struct cpu_vm *cpu_vms;
	struct cpu_host *cpu_hosts;
	struct world_vm *vms;
	struct world_host *hosts;
	struct world_env *envs;
	struct world_task *tasks; /* by VM; NULL: nobody has any */
	struct network *network;
	struct couple *couple;    /* NULL: nobody blocks (couple.h) */
	struct migrate *migrate;
	bool exchanges;           /* some application sends messages */
	/* touched since the last settling */
	uint32_t *dirty_hosts, *dirty_envs;
	uint32_t n_dirty_hosts, n_dirty_envs;
	/* scratch of one call, n_vms long */
	uint32_t *ids;
	struct host_id *host_ids;
	uint32_t *host_scratch; /* n_hosts long */
	double *weights, *bounds, *shares;
	/* outcomes to be taken, from first_outcome on */
	struct world_outcome *outcomes;
	size_t n_outcomes, max_outcomes, first_outcome;
	/* environments that something may still become of */
	uint32_t n_open;
	int64_t observed_ns; /* -1: not yet */
	uint64_t sequence;   /* of the next observation */
	uint32_t n_started;  /* actions that began since the last step */
	struct stream fate;  /* of migrations */
	struct stream vnet_draws, background_draws;
	struct sim_metrics metrics;
};

/* Returns new; NULL with err when it does not fit.  Borrows all. */
struct world *world_new(const struct scenario *scenario, uint64_t seed,
    const struct sim_listener *listener, struct err *err);
void world_free(struct world *world);

/* Brings shares and paces up to date after changes at one instant. */
void world_settle(struct world *world);

/* Queues an outcome; nothing for NO_TICKET. */
void world_tell(struct world *world, struct ticket ticket,
    enum outcome_kind kind, const char *text);

/* Marks an environment whose pace may have changed. */
void world_touch_env(struct world *world, uint32_t env);

/* The world as core/backend.h (backends/sim/backend_sim.c). */
extern const struct backend backend_sim;

static inline uint32_t world_timer(
    const struct world *w, enum timer_kind kind, uint32_t ix)
{
	return w->timers[kind] + ix;
}

static inline void world_set_timer(
    struct world *w, enum timer_kind kind, uint32_t ix, int64_t at_ns)
{
	if (at_ns == TIME_NEVER)
		event_cancel(&w->events, world_timer(w, kind, ix));
	else
		event_set(&w->events, world_timer(w, kind, ix), at_ns);
}

static inline void world_cancel_timer(
    struct world *w, enum timer_kind kind, uint32_t ix)
{
	event_cancel(&w->events, world_timer(w, kind, ix));
}

static inline const struct workload *world_workload(
    const struct world *w, uint32_t env)
{
	return &w->scenario->workloads[w->scenario->envs[env].workload];
}

/* s seconds from now, rounded to the nearest nanosecond. */
static inline int64_t world_after(const struct world *w, double s)
{
	double ns = s * 1e9 + 0.5;

	return ns < (double)(TIME_NEVER - w->now_ns)
	           ? w->now_ns + (int64_t)ns
	           : TIME_NEVER;
}

#endif
