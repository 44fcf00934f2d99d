/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the monitoring daemon, shared by its files: daemon.c
 * (reports, messages, time), daemon_act.c (what a manager asks for),
 * daemon_handover.c (carries out the hand-over's table) and daemon_tunnel.c
 * (what is claimed in the virtual network).
 */
#ifndef BACKENDS_MONITOR_DAEMON_INSIDE_H
#define BACKENDS_MONITOR_DAEMON_INSIDE_H

#include "backends/monitor/daemon.h"

enum {
	DAEMON_VIEWS = 64,     /* reports whose time of sending is kept */
	DAEMON_OUTCOMES = 256, /* requests that are known again */
	DAEMON_CLAIMS = 256,   /* not heard yet by the virtual network */
};

/* One side of one hand-over. */
struct daemon_handover {
	uint64_t id; /* 0: free */
	enum handover_state state;
	char vm[HOST_NAME_MAX_LEN];
	char *config;     /* source: to be told; target: as told.  Owned */
	uint64_t op;      /* on the host, under way; 0: none */
	uint64_t mem_kib; /* target: what the VM will hold */
	uint64_t bytes;
	int64_t deadline_ns; /* of the state's timer, or the next try */
	int64_t began_ns;
	int64_t down_ns;     /* source: suspended since; 0: not */
	int64_t transfer_ns; /* its time-out */
	bool linked;
	char text[MESSAGE_TEXT_MAX];
	uint64_t outcome; /* of the act that began it; 0: none is known */
	struct location_claim claim; /* the VM's MACs, if there is a tunnel */
	enum network_state network;  /* target */
	int64_t ran_ns;     /* target: asked since; 0: not yet */
	int64_t network_ns; /* target: of NETWORK_WHOLE */
	int64_t ask_ns;     /* target: the next time */
	uint64_t asked;     /* target: the open question's request; 0: none */
};

/* An operation on the host that an act began. */
struct daemon_op {
	uint64_t op; /* 0: free */
	uint64_t outcome;
	bool creates;
	struct location_claim claim;
};

/* A claim that the virtual network has not answered. */
struct daemon_claim {
	struct location_claim claim; /* no MACs: free */
	int64_t next_ns;             /* when to send it again, */
	int64_t pause_ns;            /* and after how long then */
	bool awaited;                /* somebody waits until all follows */
};

struct daemon {
	struct daemon_config config;
	struct daemon_outside out;
	int64_t now_ns;
	uint64_t next_op;
	uint64_t generation; /* the newest heard */

	struct message_report report; /* as last filled */
	struct host_vm vms[HOST_VMS_MAX];
	bool sampled;                  /* and nothing was done since */
	int64_t view_ns[DAEMON_VIEWS]; /* by number modulo */

	struct message_answer outcomes[DAEMON_OUTCOMES]; /* a ring */
	uint64_t n_outcomes; /* ever; an outcome's number is from 1 */

	struct daemon_op ops[HOST_OPS_MAX];
	struct daemon_handover handovers[MESSAGE_HANDOVERS_MAX];

	struct daemon_claim claims[DAEMON_CLAIMS];
	uint64_t n_requests; /* claims and questions, sent to the tunnel */
	bool tunnel_silent;  /* a wait was in vain, and nothing heard since */
	int64_t claim_ns; /* when to send them again; TIME_NEVER: none */
	int64_t ask_ns;   /* when to ask who has heard; TIME_NEVER: no need */
};

void daemon_log(struct daemon *daemon, enum daemon_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The act's outcome is in; does nothing if the number is 0 or too old. */
void daemon_settle(struct daemon *daemon, uint64_t outcome,
    enum answer_kind kind, const char *text);

/* daemon_act.c: starts or refuses; fills answer->kind, port and text.  What is
 * pending ends in daemon_settle() with this outcome's number. */
void daemon_act(struct daemon *daemon, const struct message_act *act,
    uint64_t outcome, struct message_answer *answer);
/* An operation of an act ended.  False if the op is not an act's. */
bool daemon_act_event(struct daemon *daemon, const struct host_event *event);

/* daemon_handover.c */
struct daemon_handover *daemon_handover_find(
    struct daemon *daemon, uint64_t id);
/* One that is not over, for this VM; or NULL. */
struct daemon_handover *daemon_handover_of_vm(
    struct daemon *daemon, const char *vm);
/* A new one in its first state, journaled; NULL and err if it cannot be. */
struct daemon_handover *daemon_handover_begin(struct daemon *daemon,
    uint64_t id, enum handover_state state, const char *vm, struct err *err);
void daemon_handover_forget(
    struct daemon *daemon, struct daemon_handover *handover);
/* Does what the table says for the event, and for those that follow from it
 * at once.  False if the table has nothing to say. */
bool daemon_handover_feed(struct daemon *daemon,
    struct daemon_handover *handover, enum handover_event event);
bool daemon_handover_host_event(
    struct daemon *daemon, const struct host_event *event);
void daemon_handover_link_event(
    struct daemon *daemon, const struct link_event *event);

/* daemon_tunnel.c; without a tunnel these do nothing.  Learns the MACs of a VM
 * that is on the host. */
void daemon_tunnel_learn(
    struct daemon *daemon, struct location_claim *claim, const char *vm);
void daemon_tunnel_claim(struct daemon *daemon,
    const struct location_claim *claim, enum location_word word);
void daemon_tunnel_step(struct daemon *daemon);
/* The hand-over has entered its state, and does what belongs to it next. */
void daemon_tunnel_entered(
    struct daemon *daemon, struct daemon_handover *handover);
/* What a report says of it. */
uint64_t daemon_tunnel_network_ns(
    const struct daemon *daemon, const struct daemon_handover *handover);
void daemon_tunnel_restart(
    struct daemon *daemon, struct daemon_handover *handover);
void daemon_tunnel_forget(
    struct daemon *daemon, const struct daemon_handover *handover);

#endif
