/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of a scenario file, as libcyaml's tables; see schema.h. */
#include "scenarios/schema.h"

#include "scenarios/schema_tables.h"

#define MUST CYAML_FLAG_DEFAULT
#define MAY CYAML_FLAG_OPTIONAL

#define TEXT(key, flags, type, member) \
	CYAML_FIELD_STRING_PTR(key, (flags) | CYAML_FLAG_POINTER, type, \
	    member, 0, CYAML_UNLIMITED)
#define LIST(key, flags, type, member, entry, min, max) \
	CYAML_FIELD_SEQUENCE(key, (flags) | CYAML_FLAG_POINTER, type, \
	    member, entry, min, max)
#define MAP(key, flags, type, member, fields) \
	CYAML_FIELD_MAPPING(key, flags, type, member, fields)
#define MAP_PTR(key, type, member, fields) \
	CYAML_FIELD_MAPPING_PTR(key, MAY | CYAML_FLAG_POINTER, type, member, \
	    fields)
#define MANY CYAML_UNLIMITED

typedef const cyaml_schema_field_t fields_t[];
typedef const cyaml_schema_value_t entry_t;

static entry_t name_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

/* Infrastructure. */

static fields_t host_fields = {
    TEXT("name", MAY, struct raw_host, name),
    TEXT("count", MAY, struct raw_host, count),
    TEXT("cpus", MAY, struct raw_host, cpus),
    TEXT("memory", MUST, struct raw_host, memory),
    TEXT("nic", MAY, struct raw_host, nic),
    TEXT("join", MAY, struct raw_host, join),
    TEXT("leave", MAY, struct raw_host, leave),
    TEXT("fail", MAY, struct raw_host, fail),
    TEXT("address", MAY, struct raw_host, address),
    TEXT("key", MAY, struct raw_host, key), CYAML_FIELD_END};

static entry_t host_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_host, host_fields)};

static fields_t link_end_fields = {
    TEXT("bandwidth", MAY, struct raw_link_end, bandwidth),
    TEXT("latency", MAY, struct raw_link_end, latency), CYAML_FIELD_END};

static fields_t domain_fields = {
    TEXT("name", MUST, struct raw_domain, name),
    LIST("hosts", MUST, struct raw_domain, hosts, &host_entry, 1, MANY),
    MAP("uplink", MAY, struct raw_domain, uplink, link_end_fields),
    MAP("lan", MAY, struct raw_domain, lan, link_end_fields),
    CYAML_FIELD_END};

static entry_t domain_entry = {CYAML_VALUE_MAPPING(
    CYAML_FLAG_DEFAULT, struct raw_domain, domain_fields)};

static fields_t link_fields = {
    LIST("between", MUST, struct raw_link, between, &name_entry, 2, 2),
    TEXT("bandwidth", MUST, struct raw_link, bandwidth),
    TEXT("latency", MAY, struct raw_link, latency),
    TEXT("background", MAY, struct raw_link, background), CYAML_FIELD_END};

static entry_t link_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_link, link_fields)};

/* Migration, network, manager. */

static fields_t migration_fields = {
    TEXT("rules", MAY, struct raw_migration, rules),
    TEXT("max-rounds", MAY, struct raw_migration, max_rounds),
    TEXT("stop-pages", MAY, struct raw_migration, stop_pages),
    TEXT("max-factor", MAY, struct raw_migration, max_factor),
    TEXT("rate-first", MAY, struct raw_migration, rate_first),
    TEXT("rate-step", MAY, struct raw_migration, rate_step),
    TEXT("rate-max", MAY, struct raw_migration, rate_max),
    TEXT("down-time", MAY, struct raw_migration, down_time),
    TEXT("slowdown", MAY, struct raw_migration, slowdown),
    TEXT("cpu", MAY, struct raw_migration, cpu),
    TEXT("failure", MAY, struct raw_migration, failure), CYAML_FIELD_END};

static fields_t network_fields = {
    TEXT("rules", MAY, struct raw_network, rules),
    TEXT("reestablish", MAY, struct raw_network, reestablish),
    TEXT("reestablish-spread", MAY, struct raw_network, reestablish_spread),
    TEXT("within-domain", MAY, struct raw_network, within_domain),
    TEXT("rto-min", MAY, struct raw_network, rto_min),
    TEXT("linger", MAY, struct raw_network, linger),
    TEXT("linger-slowdown", MAY, struct raw_network, linger_slowdown),
    CYAML_FIELD_END};

static fields_t limits_fields = {
    TEXT("actions", MAY, struct raw_limits, actions),
    TEXT("migrations", MAY, struct raw_limits, migrations),
    CYAML_FIELD_END};

static fields_t param_fields = {TEXT("name", MUST, struct raw_param, name),
    TEXT("value", MUST, struct raw_param, value), CYAML_FIELD_END};

entry_t schema_param = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_param, param_fields)};

static fields_t manager_fields = {
    TEXT("policy", MAY, struct raw_manager, policy),
    TEXT("period", MAY, struct raw_manager, period),
    TEXT("noise", MAY, struct raw_manager, noise),
    TEXT("key", MAY, struct raw_manager, key),
    MAP("limits", MAY, struct raw_manager, limits, limits_fields),
    LIST("parameters", MAY, struct raw_manager, parameters, &schema_param, 0,
        MANY),
    CYAML_FIELD_END};

/* Environments. */

static fields_t head_fields = {
    TEXT("memory", MAY, struct raw_head, memory),
    TEXT("memory-used", MAY, struct raw_head, memory_used),
    TEXT("vcpus", MAY, struct raw_head, vcpus),
    TEXT("cpu", MAY, struct raw_head, cpu),
    TEXT("config", MAY, struct raw_head, config), CYAML_FIELD_END};

static fields_t vms_fields = {TEXT("count", MAY, struct raw_vms, count),
    TEXT("vcpus", MAY, struct raw_vms, vcpus),
    TEXT("memory", MUST, struct raw_vms, memory),
    TEXT("memory-min", MAY, struct raw_vms, memory_min),
    TEXT("memory-max", MAY, struct raw_vms, memory_max),
    TEXT("memory-idle", MAY, struct raw_vms, memory_idle),
    TEXT("config", MAY, struct raw_vms, config), CYAML_FIELD_END};

static fields_t jobs_fields = {TEXT("file", MUST, struct raw_jobs, file),
    TEXT("processors", MAY, struct raw_jobs, processors),
    TEXT("first", MAY, struct raw_jobs, first),
    TEXT("count", MAY, struct raw_jobs, count), CYAML_FIELD_END};

static fields_t working_set_fields = {
    TEXT("fraction", MUST, struct raw_working_set, fraction),
    TEXT("rate", MUST, struct raw_working_set, rate), CYAML_FIELD_END};

static entry_t working_set_entry = {CYAML_VALUE_MAPPING(
    CYAML_FLAG_DEFAULT, struct raw_working_set, working_set_fields)};

static fields_t stage_fields = {
    TEXT("run-time", MUST, struct raw_stage, run_time),
    TEXT("cpu", MAY, struct raw_stage, cpu),
    TEXT("iterations", MAY, struct raw_stage, iterations),
    TEXT("exchange", MAY, struct raw_stage, exchange),
    TEXT("memory", MAY, struct raw_stage, memory),
    LIST("dirty", MAY, struct raw_stage, dirty, &working_set_entry, 0, 3),
    CYAML_FIELD_END};

static entry_t stage_entry = {CYAML_VALUE_MAPPING(
    CYAML_FLAG_DEFAULT, struct raw_stage, stage_fields)};

static fields_t distribution_fields = {
    TEXT("distribution", MAY, struct raw_distribution, distribution),
    TEXT("mean", MUST, struct raw_distribution, mean),
    TEXT("spread", MAY, struct raw_distribution, spread), CYAML_FIELD_END};

static fields_t workload_fields = {
    TEXT("kind", MUST, struct raw_workload, kind),
    TEXT("barrier", MAY, struct raw_workload, barrier),
    TEXT("particles", MAY, struct raw_workload, particles),
    TEXT("run-time", MAY, struct raw_workload, run_time),
    TEXT("iterations", MAY, struct raw_workload, iterations),
    TEXT("file", MAY, struct raw_workload, file),
    TEXT("cpu", MAY, struct raw_workload, cpu),
    TEXT("memory", MAY, struct raw_workload, memory),
    TEXT("interval", MAY, struct raw_workload, interval),
    TEXT("duration", MAY, struct raw_workload, duration),
    MAP_PTR("think", struct raw_workload, think, distribution_fields),
    MAP_PTR("work", struct raw_workload, work, distribution_fields),
    TEXT("stop", MAY, struct raw_workload, stop),
    LIST("stages", MAY, struct raw_workload, stages, &stage_entry, 0, MANY),
    LIST("dirty", MAY, struct raw_workload, dirty, &working_set_entry, 0, 3),
    CYAML_FIELD_END};

static fields_t env_fields = {TEXT("name", MUST, struct raw_env, name),
    TEXT("count", MAY, struct raw_env, count),
    TEXT("start", MAY, struct raw_env, start),
    TEXT("destroy", MAY, struct raw_env, destroy),
    TEXT("boot", MAY, struct raw_env, boot),
    TEXT("at-end", MAY, struct raw_env, at_end),
    TEXT("placement", MAY, struct raw_env, placement),
    TEXT("balloon", MAY, struct raw_env, balloon),
    TEXT("swap", MAY, struct raw_env, swap),
    TEXT("swap-slowdown", MAY, struct raw_env, swap_slowdown),
    MAP_PTR("head", struct raw_env, head, head_fields),
    MAP("vms", MUST, struct raw_env, vms, vms_fields),
    MAP_PTR("jobs", struct raw_env, jobs, jobs_fields),
    MAP("workload", MAY, struct raw_env, workload, workload_fields),
    CYAML_FIELD_END};

static entry_t env_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_env, env_fields)};

/* The rest. */

static fields_t event_fields = {TEXT("at", MUST, struct raw_event, at),
    TEXT("migrate", MAY, struct raw_event, migrate),
    TEXT("to", MAY, struct raw_event, to),
    TEXT("abort", MAY, struct raw_event, abort),
    TEXT("fail", MAY, struct raw_event, fail),
    TEXT("drain", MAY, struct raw_event, drain),
    TEXT("join", MAY, struct raw_event, join),
    LIST("link", MAY, struct raw_event, link, &name_entry, 2, 2),
    TEXT("bandwidth", MAY, struct raw_event, bandwidth), CYAML_FIELD_END};

static entry_t event_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_event, event_fields)};

static fields_t variation_fields = {
    TEXT("work", MAY, struct raw_variation, work),
    TEXT("start", MAY, struct raw_variation, start), CYAML_FIELD_END};

static fields_t root_fields = {TEXT("name", MAY, struct raw, name),
    TEXT("seed", MAY, struct raw, seed), TEXT("stop", MAY, struct raw, stop),
    TEXT("series", MAY, struct raw, series),
    TEXT("record", MAY, struct raw, record),
    MAP("manager", MAY, struct raw, manager, manager_fields),
    LIST("domains", MUST, struct raw, domains, &domain_entry, 1, MANY),
    LIST("links", MAY, struct raw, links, &link_entry, 0, MANY),
    MAP("migration", MAY, struct raw, migration, migration_fields),
    MAP("network", MAY, struct raw, network, network_fields),
    LIST("environments", MUST, struct raw, environments, &env_entry, 1, MANY),
    LIST("events", MAY, struct raw, events, &event_entry, 0, MANY),
    MAP("variation", MAY, struct raw, variation, variation_fields),
    CYAML_FIELD_END};

entry_t schema_root = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, root_fields)};
