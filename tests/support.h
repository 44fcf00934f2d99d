/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenarios built in C, for tests of the simulated world: a site of equal
 * hosts, to which environments are added; any field may then be changed.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "scenarios/scenario.h"
#include "sim/sim.h"

/* Returns new: domains of so many hosts each, of 1 CPU and 4 GiB, 1 Gbit/s
 * NICs and links, period 10 s, policy `none`.  Out of memory ends the test. */
struct scenario *site_new(uint32_t n_domains, uint32_t n_hosts_each);
void site_free(struct scenario *site);

void site_set_hosts(struct scenario *site, uint32_t cpu_mcpu, uint64_t mem_kib);

/* Copies the workload, borrowing what it points to; returns its index. */
uint32_t site_add_workload(struct scenario *site, struct workload workload);

/* An environment of n VMs of one vCPU and 512 MiB, with a head first if
 * asked for; starts at 0, boots in no time. */
uint32_t site_add_env(
    struct scenario *site, uint32_t n_vms, bool head, uint32_t workload);

void site_add_event(struct scenario *site, struct event_setup event);

/* Writable, for what a builder sets. */
struct vm *site_vm(struct scenario *site, uint32_t vm);
struct host *site_host(struct scenario *site, uint32_t host);

/* The parameters of a policy at their initial values; values has room. */
void site_values(const struct policy *policy, double *values);

/* Builds a simulation or ends the test. */
struct sim *site_sim(const struct scenario *site, const struct policy *policy,
    const struct sim_listener *listener);

#endif
