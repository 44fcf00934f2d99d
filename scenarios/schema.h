/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schema of a scenario file: which keys there are, which must be there,
 * and the structs that they are read into.  Every value is still the text
 * that was written; the loader (load.h) makes quantities of them, writes what
 * was left out and what was written otherwise back in canonical form, and so
 * what schema_write prints is normalised.
 *
 * The tables in schema.c are the single list of keys.  violin-scenario(5) says
 * what each means.
 */
#ifndef SCENARIOS_SCHEMA_H
#define SCENARIOS_SCHEMA_H

#include <stdio.h>

#include "scenarios/tree.h"

struct raw_link_end {
	char *bandwidth, *latency;
};

struct raw_host {
	char *name, *count, *cpus, *memory, *nic, *join, *leave, *fail;
	char *address, *key;
};

struct raw_domain {
	char *name;
	struct raw_host *hosts;
	uint32_t hosts_count;
	struct raw_link_end uplink, lan;
};

struct raw_link {
	char **between;
	uint32_t between_count;
	char *bandwidth, *latency, *background;
};

struct raw_migration {
	char *rules, *max_rounds, *stop_pages, *max_factor;
	char *rate_first, *rate_step, *rate_max;
	char *down_time, *slowdown, *cpu, *failure;
};

struct raw_network {
	char *rules, *reestablish, *reestablish_spread, *within_domain;
	char *rto_min, *linger, *linger_slowdown;
};

struct raw_param {
	char *name, *value;
};

struct raw_limits {
	char *actions, *migrations;
};

struct raw_manager {
	char *policy, *period, *noise, *key;
	struct raw_limits limits;
	struct raw_param *parameters;
	uint32_t parameters_count;
};

struct raw_working_set {
	char *fraction, *rate;
};

struct raw_stage {
	char *run_time, *cpu, *iterations, *exchange, *memory;
	struct raw_working_set *dirty;
	uint32_t dirty_count;
};

struct raw_distribution {
	char *distribution, *mean, *spread;
};

struct raw_workload {
	char *kind, *barrier;
	char *particles, *run_time, *iterations;
	char *file, *cpu, *memory, *interval, *duration;
	struct raw_distribution *think, *work;
	char *stop;
	struct raw_stage *stages;
	uint32_t stages_count;
	struct raw_working_set *dirty;
	uint32_t dirty_count;
};

struct raw_head {
	char *memory, *memory_used, *vcpus, *cpu, *config;
};

struct raw_vms {
	char *count, *vcpus, *memory, *memory_min, *memory_max, *memory_idle;
	char *config;
};

struct raw_jobs {
	char *file, *processors, *first, *count;
};

struct raw_env {
	char *name, *count, *start, *destroy, *boot, *at_end;
	char *placement, *balloon, *swap, *swap_slowdown;
	struct raw_head *head;
	struct raw_vms vms;
	struct raw_jobs *jobs;
	struct raw_workload workload;
};

struct raw_event {
	char *at;
	char *migrate, *to, *abort, *fail, *drain, *join;
	char **link;
	uint32_t link_count;
	char *bandwidth;
};

struct raw_variation {
	char *work, *start;
};

struct raw {
	char *name, *seed, *stop, *series, *record;
	struct raw_manager manager;
	struct raw_domain *domains;
	uint32_t domains_count;
	struct raw_link *links;
	uint32_t links_count;
	struct raw_migration migration;
	struct raw_network network;
	struct raw_env *environments;
	uint32_t environments_count;
	struct raw_event *events;
	uint32_t events_count;
	struct raw_variation variation;
};

/*
 * Checks a tree against the schema, then loads it.  Returns new, or NULL with
 * err naming where in `file`.  Strings are malloc'ed and may be replaced.
 */
struct raw *schema_load(
    const struct node *root, const char *file, struct err *err);
void schema_free(struct raw *raw); /* NULL is fine */

/* Writes all values that are there as YAML. */
void schema_write(const struct raw *raw, FILE *out);

#endif
