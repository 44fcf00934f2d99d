/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scenario: all that one run is made of, read from a YAML file (violin-
 * scenario(5)), checked, with every quantity in base units.  Plain data: the
 * simulator builds its world from it, the live manager its model.
 *
 * All memory is the scenario's own (scenario_free).  Tables run parallel to
 * those of the model: hosts[i] belongs to model.hosts[i], and so on.
 */
#ifndef SCENARIOS_SCENARIO_H
#define SCENARIOS_SCENARIO_H

#include <stdio.h>

#include "core/err.h"
#include "core/manager.h"
#include "core/model.h"
#include "core/policy.h"

/* Infrastructure. */

struct host_setup {
	double nic_bps;   /* its network interface, each direction */
	int64_t join_ns;  /* is there from then on (0: from the start) */
	int64_t leave_ns; /* drained from then on, gone when empty; or NEVER */
	int64_t fail_ns;  /* fails then, with all its VMs; or TIME_NEVER */
	/* of a site (scenario_is_site), else NULL */
	const char *address; /* of its violind: "192.0.2.1:7470" */
	const char *key;     /* its public key, 44 characters */
};

/* A domain's uplink, which all its traffic to other domains shares. */
struct uplink_setup {
	double bps;
	int64_t latency_ns;
	double lan_bps; /* the switch's bisection inside; 0: not a limit */
	int64_t lan_latency_ns;
};

/* A link between two domains, both ways. */
struct link_setup {
	struct domain_id a, b;
	double bps;
	int64_t latency_ns;
	double background; /* mean fraction taken by others' traffic, 0..1;
	                      drawn anew for each flow, +- half of it */
};

/* The hypervisor and the virtual network. */

enum precopy_rules { PRECOPY_XEN_3_0, PRECOPY_XEN_4_17 };

/* How a live migration runs; sim/precopy.h has the equations. */
struct migration_setup {
	enum precopy_rules rules;
	uint32_t max_rounds;
	uint32_t stop_pages;   /* stop when no more than these are left */
	double max_factor;     /* stop when this times memory was sent; 0: no */
	double rate_first_bps; /* adaptive rate (Xen 3.0): round one, */
	double rate_step_bps;  /* added to the last dirtying rate, */
	double rate_max_bps;   /* at most; also the one limit of 4.17, 0: no */
	int64_t down_fixed_ns; /* down-time besides the last round */
	double slowdown;       /* CPU lost by a VM while pre-copied, 0..1 */
	double cpu_mcpu;       /* that either host needs meanwhile */
	double failure;        /* probability that one fails, 0..1 */
};

/* Whose virtual network it is, which says how long it takes. */
enum vnet_rules { VNET_VIOLIN_2006, VNET_VIOLIN_TUNNELD };

/* What moving costs the virtual network; sim/vnet.h has the equations. */
struct vnet_setup {
	enum vnet_rules rules;
	int64_t reestablish_ns; /* mean time until it is whole again */
	double reestablish_spread; /* its standard deviation over its mean */
	int64_t within_ns;      /* the same, after a move within a domain */
	int64_t rto_min_ns;     /* TCP's first retransmission time-out; it
	                           doubles */
	int64_t linger_ns;      /* then traffic is slow for this long */
	double linger_slowdown; /* by this much, 0..1 */
};

/* Workloads. */

/* Pages that a guest writes: a few often (the writable working set), the rest
 * seldom.  Rates are of a VM that runs at full speed. */
struct working_set {
	double fraction;  /* of the VM's used memory */
	double dirty_bps; /* bits of distinct pages dirtied a second, at first:
	                     n pages of a set of N are dirty after t with
	                     n = N (1 - exp(-t dirty / (8 bytes N))) */
};

enum { N_WORKING_SETS = 3 };

/*
 * One stage of a bulk-synchronous application: every compute VM of the
 * environment does `work_s` seconds of CPU in `iterations` rounds of compute
 * and exchange, and none begins a round before all have ended the last.
 */
struct stage {
	double work_s;        /* CPU seconds for each VM */
	double demand_mcpu;   /* the most CPU it uses in a round */
	double iterations;    /* >= 1; only exchange depends on it */
	double exchange_bytes;/* each VM sends in each iteration */
	uint64_t mem_used_kib;/* of each VM, from the start of the stage on */
	struct working_set sets[N_WORKING_SETS];
};

enum workload_kind {
	WORKLOAD_IDLE,     /* no application (a head VM, a place-holder) */
	WORKLOAD_STAGES,   /* bulk-synchronous: nemo3d, dummy, a stage trace */
	WORKLOAD_CONSTANT, /* every VM wants demand_mcpu until duration */
	WORKLOAD_TRACE,    /* every VM follows utilisation over time */
	WORKLOAD_TASKS,    /* every VM: think, work, think, ... (closed loop) */
};

/* Utilisation over time of several VMs, as read from CSV: level[step * n_vms
 * + vm].  Which VM takes which column: env_setup.trace_first. */
struct trace {
	uint32_t n_vms, n_steps;
	int64_t interval_ns;
	const float *cpu;     /* fraction of the VM's vCPUs */
	const float *mem_kib; /* used; NULL: the workload's constant */
};

/* Think times and works of tasks, in order, for each VM: VM v has the tasks
 * first[v] .. first[v + 1] - 1. */
struct task_list {
	uint32_t n_vms;
	const uint32_t *first;
	const double *think_s;
	const double *work_s; /* CPU seconds */
};

enum distribution_kind {
	DIST_CONSTANT,    /* mean */
	DIST_EXPONENTIAL, /* mean */
	DIST_UNIFORM,     /* mean, spread = half width */
	DIST_NORMAL,      /* mean, spread = deviation; cut below 0 */
	DIST_LOGNORMAL,   /* mean, spread = deviation, of the value itself */
	DIST_WEIBULL,     /* mean, shape = spread */
	DIST_PARETO,      /* mean, exponent = spread (> 1) */
};

struct distribution {
	enum distribution_kind kind;
	double mean, spread;
};

struct workload {
	enum workload_kind kind;
	bool blocking; /* a VM that waits at a barrier frees its CPU; else it
	                  polls and so uses all it gets */
	/* stages */
	const struct stage *stages;
	uint32_t n_stages;
	/* constant */
	double demand_mcpu;
	int64_t duration_ns; /* of constant and trace; NEVER: no end */
	/* trace */
	const struct trace *trace;
	/* tasks: a list, or by distribution when NULL */
	const struct task_list *tasks;
	struct distribution think_s, work_s;
	int64_t stop_ns; /* no task starts then or later, after the run's
	                    start; one that runs at that time ends */
	/* constant, trace and tasks: used memory and what is dirtied */
	uint64_t mem_used_kib; /* 0: 60 % of what is allocated */
	struct working_set sets[N_WORKING_SETS];
};

enum at_end {
	AT_END_DESTROY, /* the VMs go when the application ends */
	AT_END_KEEP,    /* they stay, idle, and use mem_idle_kib */
};

/* How compute VMs get their hosts at creation. */
enum placement {
	PLACE_POLICY, /* by the policy */
	PLACE_HOME,   /* by model.vms[].home (from a file, or drawn) */
};

struct env_setup {
	int64_t start_ns;   /* asked for then; NEVER: only on request */
	int64_t destroy_ns; /* destroyed then whatever it does; or NEVER */
	int64_t boot_ns;    /* from creation until its application starts */
	enum at_end at_end;
	enum placement placement;
	uint32_t workload;    /* index into scenario.workloads */
	uint32_t trace_first; /* its VM v takes column or list trace_first + v
	                         (modulo their number) of its workload */
	uint64_t mem_idle_kib;/* used by an idle compute VM (after the end) */
	double head_mcpu;     /* CPU that the head VM uses */
	uint64_t head_used_kib; /* memory that the head VM uses */
	double balloon_kib_s; /* speed of a balloon */
	uint64_t swap_kib;    /* of each VM; 0: it crashes when short */
	double swap_slowdown; /* CPU speed lost for each fraction swapped */
	/* of a site: guest configuration files, as paths; else NULL */
	const char *vm_config, *head_config;
};

/* What happens besides. */

enum event_kind {
	TIMED_MIGRATE, /* the compute VMs of env to domain, by command */
	TIMED_ABORT,   /* migrations of env under way are aborted */
	TIMED_FAIL,    /* host fails */
	TIMED_DRAIN,   /* host is to be emptied */
	TIMED_JOIN,    /* host comes (back) */
	TIMED_LINK,    /* link bps changes to bps (0: cut) */
};

struct event_setup {
	enum event_kind kind;
	int64_t at_ns;
	struct env_id env;
	struct domain_id domain;
	struct host_id host;
	uint32_t link;
	double bps;
};

struct manager_setup {
	char *policy;  /* a name, or a path with a slash to a shared object */
	int64_t period_ns;
	double noise;  /* standard deviation of a sample over its value */
	const char *key; /* of a site: the file of its own key; else NULL */
	struct plan_limits limits;
	/* parameters as written; bound to a policy by scenario_bind_policy */
	struct {
		char *name, *value;
		int line, column;
	} *params;
	uint32_t n_params;
};

/* Random variation of a run, for robustness studies: by seed. */
struct variation {
	double work;      /* each environment's work is drawn +- this part */
	int64_t start_ns; /* each start is drawn +- this, not below 0 */
};

struct scenario {
	char *name;
	char *path; /* of the file, for messages */
	uint64_t seed;
	int64_t stop_ns;   /* the run ends then at the latest; or NEVER */
	int64_t series_ns; /* interval of hosts.csv and vms.csv; 0: none */
	bool record;       /* write the record */
	struct model model;
	struct host_setup *hosts;
	struct uplink_setup *uplinks; /* one a domain */
	struct link_setup *links;
	uint32_t n_links;
	struct migration_setup migration;
	struct vnet_setup vnet;
	struct workload *workloads;
	uint32_t n_workloads;
	struct env_setup *envs;
	struct event_setup *events;
	uint32_t n_events;
	struct manager_setup manager;
	struct variation variation;
	char digest[65]; /* SHA-256 of the normalised text */
	void *memory;    /* the loader's own */
};

/* One `--set key.path=value`. */
struct override {
	const char *path, *value;
};

/*
 * Reads and checks a scenario file.  Returns new, or NULL with err naming
 * file, line and column and what would be right.  Files it names are read
 * relative to its folder.
 */
struct scenario *scenario_load(const char *path,
    const struct override *overrides, uint32_t n_overrides, struct err *err);

/* The same from text that is said to come from `path`. */
struct scenario *scenario_load_text(const char *path, const char *text,
    size_t size, const struct override *overrides, uint32_t n_overrides,
    struct err *err);

void scenario_free(struct scenario *scenario); /* NULL is fine */

/* Does it say where its hosts are, and so all that live mode needs? */
bool scenario_is_site(const struct scenario *scenario);

/* Writes it normalised: every key, canonical units; itself a valid scenario,
 * from which the same scenario loads where the files it names are. */
bool scenario_print(
    const struct scenario *scenario, FILE *out, struct err *err);

/*
 * Fills values (policy->n_params of them) from the policy's initial values
 * and the file's `parameters`; false with file:line:column for a wrong unit, a
 * value out of range, or an unknown name.  To a policy that is not the
 * scenario's own (one that it is compared with), what it does not know does
 * not matter.
 */
bool scenario_bind_policy(const struct scenario *scenario,
    const struct policy *policy, double *values, struct err *err);

#endif
