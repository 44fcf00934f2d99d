/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two violinds on fake hosts, over real sockets on loopback, and a manager
 * that is the test: it observes, acts, and settles hand-overs.
 *
 * The fake hosts write who runs where into one history, in the order in which
 * it happens; rig_check_one_place() reads it line by line.
 */
#ifndef TESTS_UNIT_VIOLIND_RIG_H
#define TESTS_UNIT_VIOLIND_RIG_H

#include <check.h>
#include <limits.h>
#include <sys/types.h>

#include "backends/curve.h"
#include "backends/message.h"

enum { A, B, HOSTS };
enum { WAIT_MS = 20000 };

extern const char *const rig_host_names[HOSTS];
extern char rig_violind[PATH_MAX]; /* the program */
extern char rig_dir[64];           /* its files; removed at the end */
extern struct curve_key rig_manager_key, rig_host_keys[HOSTS];
extern pid_t rig_pids[HOSTS]; /* 0: it does not run */
extern struct curve_client *rig_client[HOSTS];
extern struct host_vm rig_vms[HOSTS][HOST_VMS_MAX];
extern struct message_report rig_reports[HOSTS]; /* the last of each */
extern uint64_t rig_request, rig_generation;

void rig_setup(void);
void rig_teardown(void);

int64_t rig_now_ms(void);
void rig_write_file(const char *name, const char *text);
/* A host's script: V1 is on A; and more lines. */
void rig_write_script(int host, const char *more);
/* The endpoint out of the last "start" line of a log. */
bool rig_find_endpoint(const char *log, char endpoint[64]);

/* Starts a violind, to die at a point if it is not NULL. */
void rig_start(int host, const char *die_at);
bool rig_is_dead(int host);
void rig_stop(int host, int signal_number);

bool rig_observe_for(int host, int ms);
void rig_observe(int host);
/* Sends an act on the last report; false if there is no answer. */
bool rig_act_for(
    int host, struct message_act *act, struct message_answer *answer, int ms);
struct message_answer rig_act(int host, struct message_act act);
/* Would VM V2 of 64 MiB be made from this? */
struct message_checked rig_check(int host, const char *config);
/* In the last report; NULL if it is not there. */
const struct host_vm *rig_vm_on(int host, const char *name);
const struct message_handover *rig_handover_on(int host, uint64_t id);
enum handover_state rig_state_of(int host, uint64_t id);

/* Asks both hosts to move V1 from A to B.  False if one died or refused. */
bool rig_begin_move(uint64_t id, uint64_t rate_bps);
void rig_tell(int host, uint64_t id, enum handover_word word);
/* Starts again what died, and settles what is open, until nothing is. */
void rig_settle(uint64_t id);
/* V1 runs on exactly one host, under its own name, and nothing else is left
 * anywhere; memory is accounted for; it never ran twice and was never lost.
 * Returns the host. */
int rig_check_one_place(void);

#endif
