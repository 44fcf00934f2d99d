/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of a running live manager, shared by run.c (the loop),
 * run_check.c (is a site right), run_control.c (what operators ask) and
 * run_status.c (what they see). */
#ifndef BACKENDS_LIVE_RUN_INSIDE_H
#define BACKENDS_LIVE_RUN_INSIDE_H

#include <stdio.h>

#include "backends/live/run.h"
#include "backends/live/serve.h"
#include "backends/live/site.h"
#include "backends/live/wishes.h"

enum { RUN_DECISIONS = 32 };

struct run_decision {
	int64_t at_ns;
	struct ticket ticket;
	struct action action;
	char refused[OUTCOME_TEXT_MAX];
	bool has_outcome;
	enum outcome_kind outcome;
	char text[OUTCOME_TEXT_MAX];
};

struct live_run {
	struct live_run_options options;
	struct serve control, metrics;
	int signals;
	int64_t began_ns;
	bool checking; /* run_check.c: it only looks, and logs nothing */
	bool paused, ended, reload;
	uint64_t n_steps, n_actions, n_outcomes[N_OUTCOME_KINDS];
	struct wishes wishes; /* still hold when the site is read again */

	/* of the site as it is now */
	const struct scenario *scenario;
	const char *policy;
	struct live_site site;
	struct curve_clients *clients;
	struct curve_client **hosts;
	struct live *live;
	struct manager *manager;
	void *manager_memory;
	struct live_run_listener listener;
	int64_t next_step_ns, refresh_ns; /* refresh_ns < 0: not asked */
	struct run_decision decisions[RUN_DECISIONS];
	uint64_t n_decisions;
	struct env_observation *envs; /* for status */
	struct vm_observation *vms;
	zmq_pollitem_t *items;
};

void run_log(void *run, const char *text);
/* Reads a site's files and connects to its hosts; closed also if it fails. */
bool run_open_site(
    struct live_run *run, const struct scenario *site, struct err *err);
void run_close_site(struct live_run *run);
void run_receive_all(struct live_run *run);
/* Ends the loop to read the site again, if that is right. */
bool run_reload(struct live_run *run, struct err *err);

/* run_control.c */
void run_answer_control(void *run, char *request, FILE *out);
void run_fulfil_wishes(struct live_run *run);
/* As live_outside.keep. */
void run_keep_fate(void *run, uint32_t env, enum live_fate fate);

/* run_status.c */
void run_print_status(struct live_run *run, FILE *out);
void run_print_json(struct live_run *run, FILE *out);
void run_answer_metrics(void *run, char *request, FILE *out);

#endif
