/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Live migration by pre-copy, round by round, as a state machine: it says how
 * much each round sends and at which rate at most; the world says how long
 * that took and how fast the guest ran meanwhile.
 *
 *	precopy_begin
 *	   |
 *	   v            precopy_rate_limit_bps, then
 *	precopy_start_round --> world transfers round.sent_pages
 *	   ^                         |
 *	   |  PRECOPY_ROUND          v
 *	   +------------------ precopy_end_round
 *	   |  PRECOPY_STOP: suspend |
 *	   +------------------------+---> PRECOPY_DONE: resume at the target
 *	                                  after down_fixed_ns
 *
 * Variables
 *	M	pages of the VM (all it has allocated)
 *	N_i	pages of working set i: its fraction of the pages in use
 *	d_i	pages of it that the guest dirties a second, at full speed
 *	v	speed of the guest, 0..1 (half its CPU: half the dirtying)
 *	S_ki	pages to send in round k of set i; S_k0: of no set
 *	T_k	duration of round k, s; r_k its rate, pages/s
 *
 * Equations
 *	S_1 = M; of set i: N_i
 *	dirtied in round k:	D_ki = N_i (1 - exp(-v T_k d_i / N_i))
 *	to send next:		S_(k+1)i = D_ki
 *	sent in round k:	Xen 4.17, and the last round: S_k
 *	Xen 3.0: a page that the guest has written since the round began is
 *	left to the next round (skipped), as seen before each batch of B = 1024
 *	pages sent.  Xen mixes the order of pages, so the sets come evenly; u
 *	is the part of them that has had its turn, t the time since the
 *	round's begin:
 *		g(t) = sum over i of S_ki exp(-v t d_i / N_i)
 *		each batch:  du = min(1 - u, B / g),  dt = g du / r_k
 *		sent_k = sum of g du,  skipped_k = S_k - sent_k
 *	(in batches of S_k / 256 where that is more, for speed)
 *
 * Rate limit, Xen 3.0: rate_first_bps in round one; whenever the guest
 * dirties faster than the limit it becomes that + rate_step_bps, at most
 * rate_max_bps; it never falls; the last round has rate_max_bps.  A
 * rate_first_bps of 0 is a Xen built without rate control: no limit.
 * Xen 4.17: rate_max_bps; 0: no limit.
 *
 * After a round the VM is suspended, and one last round sends the rest, when
 *	Xen 3.0: it was number max_rounds, or had fewer than stop_pages to
 *	  send, or more than max_factor M were sent in all, or it sent more
 *	  than the one before it at the highest rate already
 *	Xen 4.17: it was number max_rounds, or had fewer than stop_pages to
 *	  send
 *
 * Sources: Clark et al., Live Migration of Virtual Machines (NSDI 2005);
 * Xen 3.0 tools/libxc/xc_linux_save.c; Xen 4.17 tools/libs/guest/
 * xg_sr_save.c (simple_precopy_policy).
 *
 * Limits: fractions of pages; sets do not overlap or change while a VM moves;
 * what is skipped is reckoned with the rate at the start of the round.
 */
#ifndef SIM_PRECOPY_H
#define SIM_PRECOPY_H

#include "scenarios/scenario.h"

enum precopy_next {
	PRECOPY_ROUND, /* start another round */
	PRECOPY_STOP,  /* suspend the guest, then start the last round */
	PRECOPY_DONE,  /* all is sent */
};

struct precopy_round {
	uint32_t number; /* 1, 2, ... */
	bool last;       /* the guest is stopped */
	double to_send_pages;
	double sent_pages;    /* what the world has to transfer */
	double skipped_pages; /* to_send - sent */
	double dirtied_pages; /* known when it has ended; 0 when stopped */
};

struct precopy {
	const struct migration_setup *setup;
	double memory_pages;
	struct {
		double pages;     /* N_i */
		double dirty_pps; /* d_i */
		double to_send;   /* S_ki */
	} sets[N_WORKING_SETS];
	double rest_to_send; /* S_k0 */
	double rate_limit_bps;
	double total_sent_pages;
	double last_sent_pages; /* in the round before */
	enum precopy_next next;
	struct precopy_round round; /* under way, or ended last */
};

/* Borrows setup while the migration lasts.  Working sets are fractions of
 * used_kib, which counts as at most memory_kib; together at most 1. */
void precopy_begin(struct precopy *precopy,
    const struct migration_setup *setup, uint64_t memory_kib,
    uint64_t used_kib, const struct working_set sets[N_WORKING_SETS]);

/* The limit of the round that is to start; HUGE_VAL: none. */
double precopy_rate_limit_bps(const struct precopy *precopy);

/* Starts a round, given the rate that its flow gets at first and the guest's
 * speed; round.sent_pages then says what to transfer, which may be 0.  A rate
 * of 0 (the link is cut) skips nothing. */
void precopy_start_round(
    struct precopy *precopy, double rate_bps, double speed);

/* Ends it: the seconds that the transfer really took, and the guest's mean
 * speed in them. */
enum precopy_next precopy_end_round(
    struct precopy *precopy, double duration_s, double speed);

/* Bytes that n pages take on the wire: the pages alone. */
double precopy_bytes(double pages);

#endif
