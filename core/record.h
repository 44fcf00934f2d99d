/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record: what a manager saw, planned and heard, as lines of text, so that
 * the same plans can be asked for again (`violin replay`).  Written alike by
 * the simulator and by the live manager; record_write.c and record_read.c
 * are the two directions.  No I/O here: text leaves through a sink and comes
 * in line by line.
 *
 * A line is a word, then fields after one space each, then texts after one
 * tab each.  Numbers are decimal; an id that is none and a memory that is
 * unknown are written as -; a real number is as C's %a writes it, so that it
 * comes back exactly.  Control characters in a text are written as spaces.
 *
 *	violin-record 1 DOMAINS HOSTS ENVS VMS PARAMS TEXT   counts; bytes of
 *	                                      all texts up to `begin`, each + 1
 *	program<TAB>VERSION
 *	core<TAB>DIGEST
 *	policy<TAB>NAME
 *	param VALUE<TAB>NAME                                one a parameter
 *	limits ACTIONS MIGRATIONS                            0: none
 *	domain<TAB>NAME                                     in order of ids,
 *	host DOMAIN CPU_MCPU MEM_KIB<TAB>NAME               all the model
 *	environment FIRST_VM N_VMS<TAB>NAME
 *	vm ENV HOME VCPU_MCPU HEAD MEM MIN MAX<TAB>NAME
 *	link A B BPS                                         where known
 *	begin
 *
 * then, for each step of the manager, what has changed since the step before
 * (at the first: since all zero), and the plan:
 *
 *	observe SEQUENCE NOW_NS PERIOD_NS
 *	h HOST STATE CPU_USED MEM_FREE
 *	e ENV STATE NETWORK_UP QUEUED_NS MOVED_NS
 *	v VM STATE HOST TARGET WEIGHT CAP CPU_USED ALLOC TARGET USED SINCE_NS
 *	plan SEQUENCE N_ACTIONS
 *	a KIND VM FROM TO GROUP WEIGHT CAP MEM<TAB>REASON<TAB>REFUSED
 *
 * and between steps, as they come:
 *
 *	o SEQUENCE ACTION KIND AT_NS<TAB>WHY
 *
 * A record may end after any line: a manager may be killed.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "core/arena.h"
#include "core/backend.h"
#include "core/manager.h"
#include "core/policy.h"

enum { RECORD_VERSION = 1 };

/* Writing. */

/* Where text goes: pieces of lines, in order.  A sink that fails says so by
 * returning false; then nothing more is written. */
struct record_sink {
	void *self;
	bool (*write)(void *self, const char *text, size_t length);
};

/* What made the record; borrowed during the call. */
struct record_origin {
	const char *program; /* version */
	const char *core;    /* digest of the core object */
	const struct policy *policy;
	const double *values; /* policy->n_params of them */
	struct plan_limits limits;
};

struct record_writer;

/* Takes its memory (arena.h); borrows the model as long as it lives. */
struct record_writer *record_writer_lay_out(struct arena *arena,
    const struct model *model, const struct record_sink *sink);

void record_write_header(
    struct record_writer *w, const struct record_origin *origin);
void record_write_observation(
    struct record_writer *w, const struct observation *obs);
void record_write_plan(
    struct record_writer *w, uint64_t sequence, const struct plan *plan);
void record_write_outcome(
    struct record_writer *w, const struct outcome *outcome);

/* False once the sink has failed. */
bool record_writer_ok(const struct record_writer *w);

/* The name in records and results, such as "done". */
const char *outcome_kind_name(enum outcome_kind kind);

/* Reading. */

/* What the first line says; all that reading the rest needs memory for. */
struct record_size {
	uint32_t n_domains, n_hosts, n_envs, n_vms, n_params;
	uint64_t text_bytes;
};

enum record_event {
	RECORD_BAD,    /* err says why */
	RECORD_TAKEN,  /* taken; nothing is complete by it */
	RECORD_BEGUN,  /* the header is complete: model, policy, ... */
	RECORD_PLAN,   /* the observation is complete, n_actions follow */
	RECORD_ACTION, /* one of them */
	RECORD_OUTCOME,
};

struct record_param {
	const char *name;
	double value;
};

/*
 * What has been read; filled by record_read.  All is valid as long as the
 * reader's memory, but for the texts of action and outcome, which are valid
 * until the next call.
 */
struct record {
	uint64_t line; /* of the last line read, from 1 */
	/* from RECORD_BEGUN on */
	struct model model;
	const char *program, *core, *policy;
	const struct record_param *params;
	uint32_t n_params;
	struct plan_limits limits;
	/* from the first RECORD_PLAN on; complete at each of them */
	struct observation obs;
	uint32_t n_actions;
	/* at RECORD_ACTION: its reason as one text; at RECORD_OUTCOME */
	struct action action;
	struct outcome outcome;
};

struct record_reader;

/* Reads the first line of a record.  The counts are the writer's word: who
 * reads a foreign file bounds them by its length (each costs a line) before
 * taking memory for them. */
bool record_read_size(
    struct record_size *size, const char *line, struct err *err);

struct record_reader *record_reader_lay_out(
    struct arena *arena, const struct record_size *size);

/* Takes the next line, from the second on, terminated, without its newline;
 * the line is cut up.  After RECORD_BAD the reader takes nothing more. */
enum record_event record_read(
    struct record_reader *reader, char *line, struct err *err);

const struct record *record_of(const struct record_reader *reader);

#endif
