/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages between a manager and the monitoring daemons, and between the
 * two daemons of a migration.  Their bytes are backends/wire.h's; the order
 * of a message's fields is that of the tables in message.c.
 *
 *    manager                                  violind
 *    OBSERVE (generation)          -->
 *                                  <--        REPORT (everything it has)
 *    ACT (what, on which view)     -->
 *                                  <--        ANSWER (pending, done, refused)
 *    CHECK (guest configuration)   -->
 *                                  <--        CHECKED (right, or the line)
 *
 * A daemon never speaks first.  Each REPORT is complete, so that one round
 * trip tells a manager that knows nothing all there is, and a lost message
 * costs nothing but the time until the next.  How an action ended is told in
 * the reports that follow, as is every hand-over until it is forgotten.
 *
 * An ACT is obeyed once: one that comes again, with the same generation and
 * request id, is answered with what became of it.  It is refused
 *  - if its generation, which a manager takes from the clock when it starts,
 *    is older than another's that the daemon has heard: one manager acts
 *  - if `incarnation` is not the daemon's, which changes at each start, or
 *    the report numbered `view` was sent too long ago: nothing is done on a
 *    stale view.  Words on hand-overs (backends/handover.h) are exempt, for
 *    their rules hold however old the reports are.
 *
 * Generation 0 observes and never acts.  A CHECK changes nothing, so any
 * manager may ask it, and again.
 */
#ifndef BACKENDS_MESSAGE_H
#define BACKENDS_MESSAGE_H

#include "backends/handover.h"
#include "backends/host.h"
#include "backends/wire.h"

enum message_type {
	MESSAGE_OBSERVE = 0x0101,
	MESSAGE_REPORT = 0x0102,
	MESSAGE_ACT = 0x0103,
	MESSAGE_ANSWER = 0x0104,
	MESSAGE_CHECK = 0x0105,
	MESSAGE_CHECKED = 0x0106,
	/* Between the daemons, inside the migration's encrypted connection;
	 * the request id is the hand-over's. */
	MESSAGE_CONFIG = 0x0181,
	MESSAGE_GO = 0x0182,
	MESSAGE_READY = 0x0183,
	MESSAGE_RUNNING = 0x0184,
	MESSAGE_REFUSED = 0x0185,
};

enum {
	MESSAGE_HANDOVERS_MAX = 64,
	MESSAGE_OUTCOMES_MAX = 64,
	MESSAGE_KEY_BYTES = 32,
	MESSAGE_ADDRESS_MAX = 128,
	MESSAGE_TEXT_MAX = HOST_TEXT_MAX,
};

struct message_observe {
	uint64_t generation;
};

enum act_kind {
	ACT_SET_CPU, /* vm, weight, cap_mcpu */
	ACT_SET_MEM, /* vm, mem_kib */
	ACT_CREATE,  /* vm, config, mem_kib (0: as configured) */
	ACT_DESTROY, /* vm */
	ACT_RECEIVE, /* vm, handover, key, mem_kib it will hold, timeout_ms;
	                the answer carries the port */
	ACT_SEND,    /* vm, handover, key, address, rate_bps (0: all there
	                is), timeout_ms */
	ACT_WORD,    /* handover, word, forced (an operator's, not settled) */
	N_ACT_KINDS
};

struct message_act {
	uint64_t generation;
	uint64_t incarnation;
	uint64_t view;
	enum act_kind kind;
	enum handover_word word;
	bool forced;
	uint32_t weight;
	uint32_t cap_mcpu;
	uint32_t timeout_ms; /* of the transfer; 0: the daemon's own */
	uint64_t mem_kib;
	uint64_t handover;
	uint64_t rate_bps;
	uint8_t key[MESSAGE_KEY_BYTES];
	char vm[HOST_NAME_MAX_LEN];
	char address[MESSAGE_ADDRESS_MAX]; /* HOST:PORT, as inet_pton(3) */
	char config[HOST_CONFIG_MAX];
};

enum answer_kind {
	ANSWER_PENDING, /* started; a later report tells how it ended */
	ANSWER_DONE,
	ANSWER_REFUSED, /* nothing was started or changed */
	ANSWER_FAILED,
	N_ANSWER_KINDS
};

struct message_answer {
	uint64_t generation; /* of the manager that asked */
	uint64_t request;
	enum answer_kind kind;
	uint16_t port; /* RECEIVE: where the source connects to; else 0 */
	char text[MESSAGE_TEXT_MAX]; /* why not; "" else */
};

/* Would a VM be created from this? */
struct message_check {
	char vm[HOST_NAME_MAX_LEN];
	uint64_t mem_kib; /* 0: as configured */
	char config[HOST_CONFIG_MAX];
};

struct message_checked {
	bool right;
	uint32_t line; /* of the configuration, from 1; 0: none of it */
	char text[MESSAGE_TEXT_MAX]; /* what would be right; "" if it is */
};

/* A VM's virtual network, after it was moved: do all hosts that have a VM of
 * its environment send to where it is? */
enum network_state {
	NETWORK_UNKNOWN, /* nobody says: no tunnel daemon, or not in time */
	NETWORK_WAITS,
	NETWORK_WHOLE,
	N_NETWORK_STATES
};

struct message_handover {
	uint64_t id;
	enum handover_state state;
	enum network_state network; /* target: from its "starting" on */
	char vm[HOST_NAME_MAX_LEN];
	uint64_t bytes;   /* of the stream, so far */
	uint64_t age_ns;  /* since it began, or the daemon started */
	uint64_t down_ns; /* source: since the VM was suspended; 0: it is not */
	/* Target: since the VM has run here; once the network is whole, until
	 * it was: 0 if it was before the VM ran. */
	uint64_t network_ns;
	char text[MESSAGE_TEXT_MAX]; /* why it did not go on; "" else */
};

struct message_report {
	char host[HOST_NAME_MAX_LEN];
	char version[32];
	char hypervisor[32]; /* struct host_api's name */
	uint64_t incarnation;
	uint64_t number;     /* of this report, from 1 in each incarnation */
	uint64_t generation; /* of the manager that is obeyed; 0: none yet */
	uint64_t clock_ns;   /* the daemon's, monotonic, when it sampled */
	char trouble[MESSAGE_TEXT_MAX]; /* why the sample is old; "" else */
	struct host_sample sample;      /* vms: room for HOST_VMS_MAX */
	uint32_t n_handovers;
	struct message_handover handovers[MESSAGE_HANDOVERS_MAX];
	uint32_t n_outcomes; /* the latest, oldest first */
	struct message_answer outcomes[MESSAGE_OUTCOMES_MAX];
};

/* What the source tells first. */
struct message_config {
	char vm[HOST_NAME_MAX_LEN];
	char config[HOST_CONFIG_MAX]; /* host_api.describe's */
};

struct message_text {
	char text[MESSAGE_TEXT_MAX]; /* of REFUSED: why */
};

/* Each writes a whole message into an empty writer; false if it does not
 * fit. */
bool message_write_observe(struct wire_writer *w, uint64_t request,
    const struct message_observe *observe);
bool message_write_report(struct wire_writer *w, uint64_t request,
    const struct message_report *report);
bool message_write_act(
    struct wire_writer *w, uint64_t request, const struct message_act *act);
bool message_write_answer(struct wire_writer *w, uint64_t request,
    const struct message_answer *answer);
bool message_write_check(struct wire_writer *w, uint64_t request,
    const struct message_check *check);
bool message_write_checked(struct wire_writer *w, uint64_t request,
    const struct message_checked *checked);
bool message_write_config(struct wire_writer *w, uint64_t request,
    const struct message_config *config);
bool message_write_refused(
    struct wire_writer *w, uint64_t request, const struct message_text *text);
/* GO, READY, RUNNING: nothing but a header. */
bool message_write_plain(
    struct wire_writer *w, enum message_type type, uint64_t request);

/* Each reads the body that wire_get_header() has left, all of it; false if it
 * is not one.  What they fill is then within its bounds. */
bool message_read_observe(
    struct wire_reader *r, struct message_observe *observe);
bool message_read_report(struct wire_reader *r, struct message_report *report);
bool message_read_act(struct wire_reader *r, struct message_act *act);
bool message_read_answer(struct wire_reader *r, struct message_answer *answer);
bool message_read_check(struct wire_reader *r, struct message_check *check);
bool message_read_checked(
    struct wire_reader *r, struct message_checked *checked);
bool message_read_config(struct wire_reader *r, struct message_config *config);
bool message_read_refused(struct wire_reader *r, struct message_text *text);

const char *act_kind_name(enum act_kind kind);
const char *answer_kind_name(enum answer_kind kind);
const char *handover_word_name(enum handover_word word);

#endif
