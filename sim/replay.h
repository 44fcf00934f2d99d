/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replay: a record's observations given to the core again, one by one, and
 * each plan held against the recorded one, text against text.
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include <stdio.h>

#include "core/record.h"

struct replay_result {
	uint64_t n_plans, n_actions; /* that were alike */
	char core[65];               /* the digest in the record */
	char policy[64];
	bool differs;         /* a plan did; then: */
	uint64_t line;        /* of its plan in the record, */
	int64_t at_ns;        /* the time of its observation, */
	char *recorded, *now; /* and both plans, new, as lines of a record */
};

/*
 * Replays up to the first plan that differs.  policy NULL: the built-in one
 * that the record names.  False with err, naming the line, when the record
 * cannot be read or replayed; `path` is for the message.
 */
bool replay_record(FILE *in, const char *path, const struct policy *policy,
    struct replay_result *result, struct err *err);
void replay_result_fini(struct replay_result *result);

#endif
