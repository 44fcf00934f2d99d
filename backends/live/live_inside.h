/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the live manager, shared by its files: live.c (asking, time),
 * live_report.c (what hosts tell), live_act.c (single acts), live_move.c
 * (migrations), live_env.c (what is wished for), live_check.c (are guest
 * configurations right), live_backend.c (the core's side), live_view.c (what
 * people see).
 */
#ifndef BACKENDS_LIVE_LIVE_INSIDE_H
#define BACKENDS_LIVE_LIVE_INSIDE_H

#include "backends/live/live.h"

enum { LIVE_NOTE_MAX = 480 };

/* A question not answered for so long is asked again. */
#define LIVE_ANSWER_NS (3 * NS_PER_S)

struct live_host {
	bool heard;            /* since this manager started */
	int64_t heard_ns;      /* its last report came then, */
	int64_t told_ns;       /* and was asked for then */
	int64_t sampled_ns;    /* its sample was taken then or later */
	int64_t asked_ns;      /* last asked, */
	uint64_t asked;        /* with this request; 0: answered */
	bool draining;
	bool old_pending;      /* acts of other managers are under way there */
	uint64_t incarnation, number;
	uint64_t clock_ns;
	uint32_t n_cpus;
	uint64_t mem_total_kib, mem_free_kib;
	uint64_t idle_time_ns;
	uint32_t n_foreign;
	char trouble[MESSAGE_TEXT_MAX];
	char version[32];
	uint64_t check;        /* asked of it: request; 0: nothing, */
	uint32_t check_vm;     /* about this VM, */
	int64_t check_ns;      /* then */
	uint32_t first_guest;  /* configurations before it need no question */
	/* as last observed by the core */
	uint64_t seen_idle_ns, seen_clock_ns, seen_incarnation;
	uint32_t cpu_used_mcpu;
};

/* Whether a VM's guest configuration is right. */
enum live_vm_check {
	CHECK_TO_DO,
	CHECK_ASKED, /* as some host's check_vm */
	CHECK_RIGHT,
	CHECK_WRONG, /* and its environment refused */
};

/* What became of a VM, as far as is known. */
enum live_vm_is {
	VM_IS_NOWHERE, /* no host that was heard has it */
	VM_IS_THERE,   /* on `host`, as in `seen` */
	VM_IS_LOST,    /* was there, and is gone without being destroyed */
};

struct live_vm {
	enum live_vm_is is;
	struct host_id host;
	struct host_vm seen;   /* its name unused */
	uint64_t report;       /* stamp of the report that had it */
	int64_t settled_ns;    /* samples taken before say nothing new of it */
	int64_t since_ns;      /* seen running on `host` since; -1: not yet */
	uint64_t act;          /* under way for it: request; 0: none */
	uint64_t move;         /* id; 0: none */
	/* as last observed by the core */
	uint64_t seen_cpu_ns, seen_clock_ns, seen_incarnation;
	uint32_t cpu_used_mcpu;
	struct host_id seen_host;
};

struct live_env {
	bool asked;       /* is wished for */
	bool ending;      /* all its VMs are to go */
	bool again;       /* a creation failed: all go, then come again */
	bool making;      /* its VMs are being created, as is kept */
	bool complete;    /* all its VMs have been seen running */
	bool done;        /* they have shut down by themselves */
	bool wrong;       /* refused: a guest configuration is not right */
	char wrong_text[LIVE_NOTE_MAX];
	int64_t queued_ns, moved_ns;
	int64_t start_ns, destroy_ns; /* still to come; TIME_NEVER: not */
	int64_t retry_ns;
	enum env_state state;
	char note[LIVE_NOTE_MAX];
};

struct live_act {
	uint64_t request;
	uint32_t host;
	bool pending;    /* answered: under way */
	int64_t answered_ns, listed_ns; /* so first, and last in a report */
	int64_t sent_ns; /* the last time; first_ns: the first */
	int64_t first_ns;
	int64_t refused_ns; /* so answered, sent again; 0: it was not */
	char refused[MESSAGE_TEXT_MAX];
	bool has_ticket;
	struct ticket ticket;
	uint32_t vm;
	struct message_act act; /* its config is rendered when it is sent */
};

struct live_side {
	uint32_t host;       /* ID_NONE: not known */
	enum handover_state state;
	uint64_t act;        /* RECEIVE or SEND: request; 0: ended or none */
	int64_t ended_ns;    /* no record in a report asked for since means
	                        that there is none; TIME_NEVER: not yet */
	int64_t word_ns;     /* last told something, */
	enum handover_state said_in; /* as far as it was known then, */
	uint64_t said_to;            /* and to which incarnation, */
	int64_t answered_ns; /* and last answered to that; -1: never */
	enum handover_word refused; /* the last word that was, */
	enum handover_state refused_in; /* said so, */
	uint64_t refused_by;            /* and to that */
};

struct live_move {
	uint64_t id;
	uint32_t vm;         /* ID_NONE: not of this site */
	char vm_name[HOST_NAME_MAX_LEN];
	struct live_side source, target;
	bool decided;        /* which end has the VM is known */
	bool has_ticket;
	struct ticket ticket;
	uint8_t key[MESSAGE_KEY_BYTES];
	uint64_t mem_kib, bytes;
	int64_t start_ns, down_ns;
	int64_t end_ns;      /* decided then */
	bool done;           /* the VM has moved */
	bool told;           /* the listener was told of its end */
	enum network_state network; /* as the target says */
	int64_t network_ns;
	bool operator_needed;
	enum handover_word forced; /* by an operator; WORD_NONE: nothing */
	char text[MESSAGE_TEXT_MAX];
};

struct live {
	const struct scenario *site;
	const struct model *model;
	struct live_options options;
	struct live_outside out;
	int64_t now_ns;
	uint64_t next_request, next_move, stamp, sequence;
	int64_t observed_ns;
	bool superseded;

	uint32_t *by_name; /* VMs in the order of their names */
	struct live_host *hosts;
	struct live_vm *vms;
	struct live_env *envs;
	enum live_vm_check *checks; /* of VMs */
	bool *right_on;       /* by host, then configuration */
	uint32_t first_check; /* VMs before it need no question */

	struct live_act **acts;
	uint32_t n_acts, max_acts;
	struct live_move **moves;
	uint32_t n_moves, max_moves;

	struct outcome *outcomes; /* a queue */
	uint32_t n_outcomes, max_outcomes;

	struct message_report report; /* being read */
	struct host_vm report_vms[HOST_VMS_MAX];
	uint8_t bytes[WIRE_MESSAGE_MAX];
};

void live_log(struct live *live, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void *live_take(size_t n, size_t size);
/* Makes room for one more in an array of pointers or structs. */
void *live_grow(void *array, uint32_t n, uint32_t *max, size_t size);

bool live_is_stale(const struct live *live, uint32_t host);
/* Has every host of the site told what it has? */
bool live_has_heard_all(const struct live *live);
uint32_t live_find_vm(const struct live *live, const char *name);
void live_ask(struct live *live, uint32_t host);
bool live_is_busy_host(const struct live *live, uint32_t host);

/* live_act.c */
struct live_act *live_act_find(const struct live *live, uint64_t request);
/* A copy of `wanted` goes to the host; returns the request. */
uint64_t live_act_start(struct live *live, uint32_t host, uint32_t vm,
    const struct message_act *wanted, const struct ticket *ticket);
void live_act_answered(struct live *live, uint32_t host,
    const struct message_answer *answer, bool in_report);
/* What a report says of acts: ended, or never to be obeyed. */
void live_act_report(
    struct live *live, uint32_t host, bool restarted, int64_t asked_ns);
void live_act_tick(struct live *live);
/* This word is not said any more, if no host has answered it. */
void live_act_unsay(
    struct live *live, uint64_t handover, enum handover_word word);
void live_tell(struct live *live, struct ticket ticket,
    enum outcome_kind kind, const char *text);

/* live_move.c */
void live_move_start(struct live *live, uint32_t vm, uint32_t to,
    struct ticket ticket);
/* The RECEIVE or SEND of this request was answered, or never will be. */
void live_move_answered(struct live *live, uint64_t request,
    const struct message_answer *answer);
void live_move_report(struct live *live, uint32_t host, int64_t asked_ns);
struct live_move *live_move_find(const struct live *live, uint64_t id);
/* A hand-over of this VM that is not forgotten; NULL: none. */
struct live_move *live_move_of_vm(const struct live *live, uint32_t vm);
/* Where is the VM, by what is known of the move?  NO_HOST: not decided. */
struct host_id live_move_where(const struct live_move *move);
/* Is its VM's network cut: is it suspended, or not yet sent to where it is? */
bool live_move_cuts(const struct live_move *move);
/* A word to this host on this hand-over was answered. */
void live_move_heeded(struct live *live, uint64_t id, uint32_t host,
    enum handover_word word, bool refused);
bool live_say(struct live *live, struct live_move *move,
    struct live_side *side, enum handover_word word, bool forced);
void live_move_abort(struct live *live, struct live_move *move);
/* An operator has decided: what speaks against it is not said from now on. */
void live_move_force(
    struct live *live, struct live_move *move, enum handover_word word);

/* Those whose end is known are told of first. */
void live_move_free_all(struct live *live);

/* live_env.c */
void live_env_tick(struct live *live);
void live_env_created(
    struct live *live, uint32_t vm, bool ok, const char *text);
/* Keeps whether it is being made; before the first VM is, and after. */
void live_env_make(struct live *live, uint32_t env, bool making);
int64_t live_env_next(const struct live *live);

/* live_check.c: asks what is to be asked of this host. */
void live_check_host(struct live *live, uint32_t host);
void live_check_answered(struct live *live, uint32_t host, uint64_t request,
    const struct message_checked *checked);
/* All of an environment anew. */
void live_check_again(struct live *live, uint32_t env);
/* A host that has not found all of an environment right; ID_NONE: all that
 * answer have. */
uint32_t live_check_waits_for(const struct live *live, uint32_t env);

/* live_report.c */
void live_vm_place(struct live *live, uint32_t vm, struct host_id host);

/* live_view.c */
void live_view_vm(
    const struct live *live, uint32_t vm, struct vm_observation *out);

#endif
