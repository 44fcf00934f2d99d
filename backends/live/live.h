/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live manager without its I/O: the world of real hosts as a backend
 * (core/backend.h) for the core, over the messages of backends/message.h.
 * run.c gives it sockets and a clock; a simulated network gives it simulated
 * ones and runs it, with its daemons, in virtual time.
 *
 * It reads no clock and blocks nowhere.  Facts come in by live_hear, time
 * passes by live_tick, and messages leave through `send`.
 *
 * It keeps nothing that it cannot hear again, but for what `keep` is told:
 * how far environments are.  One that starts knows of no VM until the hosts
 * have told, and lets nothing be created before all of them have: a VM that
 * is not seen may run on the host that is silent.
 *
 * All that it starts is one of
 *
 *	act    one ACT to one host: sent again, with the same request id and
 *	       view, until it is answered; given up when the host cannot obey
 *	       it any more, because its view is too old or the daemon another
 *	move   a hand-over: RECEIVE to the target, SEND to the source with the
 *	       port that the target named, then words by handover_settle()
 *	       until both ends have forgotten it.  A move that another manager
 *	       began is taken over from what the ends report
 */
#ifndef BACKENDS_LIVE_LIVE_H
#define BACKENDS_LIVE_LIVE_H

#include "backends/message.h"
#include "core/backend.h"
#include "scenarios/scenario.h"

struct live;

struct live_options {
	uint64_t generation;  /* message.h; 0: only observes */
	int64_t poll_ns;      /* a host is asked so often, */
	int64_t busy_ns;      /* so often while something is under way there */
	int64_t stale_ns;     /* silent for so long: HOST_STALE */
	int64_t fresh_ns;     /* nothing is started on an older report */
	int64_t expire_ns;    /* nothing is obeyed so long after it was sent:
	                         more than violind's view_max_ns */
	uint32_t transfer_ms; /* time-out of a migration; 0: violind's own */
	uint64_t rate_bps;    /* of a migration's stream; 0: all there is */
};

/* Suits hosts on a LAN or a WAN; generation is 0. */
extern const struct live_options live_usual;

struct live_migration {
	uint64_t id;
	struct vm_id vm;
	struct host_id from, to;
	int64_t start_ns, end_ns;
	int64_t down_ns; /* suspended at the source, as last reported */
	int64_t network_ns; /* it ran at the target, then, until all hosts of
	                       its environment sent to it there; -1: nobody
	                       knows */
	uint64_t bytes;
	bool done;
	const char *why; /* not done; "" else */
};

/* Any member may be NULL.  Arguments are borrowed during the call. */
struct live_listener {
	void *self;
	/* Where a VM is known to be has changed. */
	void (*vm_moved)(void *self, int64_t now_ns, struct vm_id vm,
	    struct host_id from, struct host_id to);
	/* Told once the virtual network is whole too, which may be after the
	 * action's outcome. */
	void (*migration_ended)(
	    void *self, const struct live_migration *migration);
	/* An environment is asked for; all its VMs run; it is over: "done"
	 * (its VMs have shut down by themselves), "destroyed" or "crashed". */
	void (*env_asked)(void *self, int64_t now_ns, struct env_id env);
	void (*env_started)(void *self, int64_t now_ns, struct env_id env);
	void (*env_ended)(void *self, int64_t now_ns, struct env_id env,
	    const char *outcome);
};

/* How far an environment is, as the manager that comes after has to know it:
 * no host could tell. */
enum live_fate {
	LIVE_WISHED,  /* asked for */
	LIVE_MAKING,  /* about to be made: what is there of it from now on is
	                 half of it, or left of it, and is undone first */
	LIVE_MADE,    /* it is complete, or not wanted: one of which a VM is
	                 missing now has lost it */
	LIVE_ENDED,   /* its VMs have shut down by themselves */
	LIVE_UNWANTED /* it is to go, and not to come at its time */
};

/* All that is outside.  Borrowed, and outlives the manager. */
struct live_outside {
	void *self;
	/* To the daemon of this host; false: not now, nothing is kept. */
	bool (*send)(
	    void *self, uint32_t host, const void *bytes, size_t len);
	/* The host's address for migrations, without a port. */
	const char *(*address)(void *self, uint32_t host);
	/* The guest configuration of a VM, as xl.cfg(5). */
	bool (*configure)(void *self, uint32_t vm,
	    char config[HOST_CONFIG_MAX], struct err *err);
	/* Keeps MAKING, MADE or ENDED for the manager that comes after; they
	 * are on the disk when this returns.  May be NULL. */
	void (*keep)(void *self, uint32_t env, enum live_fate fate);
	/* Random bytes, for one-time keys. */
	void (*random)(void *self, void *bytes, size_t n);
	/* One line, in the form "what key=value ...". */
	void (*log)(void *self, const char *text);
	struct live_listener listener;
};

/* Borrows the scenario: its model, and when environments start and end. */
struct live *live_new(const struct scenario *site,
    const struct live_options *options, const struct live_outside *outside,
    int64_t now_ns);
/* Tells of migrations that have ended, if it has not yet. */
void live_free(struct live *live);

/* A message from the daemon of this host; anything may come. */
void live_hear(struct live *live, int64_t now_ns, uint32_t host,
    const void *bytes, size_t len);

/* Asks hosts, sends again, gives up; when live_next has come. */
void live_tick(struct live *live, int64_t now_ns);
int64_t live_next(const struct live *live);

/* Asks every host now; then, have all that are not stale told since? */
void live_refresh(struct live *live, int64_t now_ns);
bool live_is_fresh(const struct live *live, int64_t since_ns);

/* The backend; its world is a struct live. */
extern const struct backend backend_live;

/*
 * Guest configurations are asked of the hosts that answer, as soon as they
 * do; an environment is not queued before they have found it right.  CHECKED:
 * no host that answers has anything left to say.  WRONG: err is what the
 * first environment is refused for, with file and line.
 */
enum live_check { LIVE_CHECKING, LIVE_CHECKED_RIGHT, LIVE_CHECKED_WRONG };
enum live_check live_check(const struct live *live, struct err *err);

/* Has a daemon heard of a manager that started later? */
bool live_is_superseded(const struct live *live);

/* --- wishes of an operator -------------------------------------------------
 * Each returns false with err when it makes no sense. */

/* Asks for an environment, or takes back that it is to go. */
bool live_create(struct live *live, uint32_t env, struct err *err);
bool live_destroy(struct live *live, uint32_t env, struct err *err);
/* What was kept or wished for before this manager started; when it starts. */
void live_recall(struct live *live, uint32_t env, enum live_fate fate);
bool live_drain(struct live *live, uint32_t host, bool drain, struct err *err);

/*
 * Settles a hand-over whose other end stays silent, by an operator's word:
 * RESUME or DROP go to the source, RUN or DISCARD to the target, ABORT and
 * FORGET to whoever is known.
 */
bool live_resolve(struct live *live, uint64_t id, enum handover_word word,
    struct err *err);
/* What could happen if the silent end is not as the operator thinks. */
const char *live_risk(enum handover_word word);

/* What it knows, for people. */

struct live_host_view {
	enum host_state state;
	int64_t heard_ns;       /* its last report; -1: none yet */
	const char *trouble;    /* why its sample is old; "" else */
	const char *version;
	uint32_t n_foreign;     /* VMs that are not of this site */
	uint32_t cpu_used_mcpu; /* mean over the last period */
	uint64_t mem_free_kib, mem_total_kib;
};

struct live_move_view {
	uint64_t id;
	struct vm_id vm;         /* NO_VM: not of this site */
	const char *vm_name;
	struct host_id from, to; /* NO_HOST: not known */
	enum handover_state source, target;
	uint64_t bytes;
	int64_t since_ns;
	bool operator_needed;
	const char *text;
};

struct live_host_view live_view_host(const struct live *live, uint32_t host);
uint32_t live_n_moves(const struct live *live);
struct live_move_view live_view_move(const struct live *live, uint32_t i);
uint32_t live_n_acts(const struct live *live);
/* Why the environment waits or failed; "" if nothing is to be said. */
const char *live_env_note(const struct live *live, uint32_t env);

/* What is known of all VMs and environments now, as observe gives it. */
void live_view(const struct live *live, struct env_observation *envs,
    struct vm_observation *vms);

#endif
