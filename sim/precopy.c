/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live migration by pre-copy, round by round; see precopy.h. */
#include "sim/precopy.h"

#include <assert.h>
#include <math.h>

enum {
	PAGE_BYTES = PAGE_KIB * 1024,
	PAGE_BITS = PAGE_BYTES * 8,
	BATCH_PAGES = 1024,
	MAX_BATCHES = 256,
};

static double or_no_limit(double bps)
{
	return bps > 0 ? bps : HUGE_VAL;
}

/* Xen 3.0 built with rate control. */
static bool is_adaptive(const struct migration_setup *setup)
{
	return setup->rules == PRECOPY_XEN_3_0 && setup->rate_first_bps > 0;
}

static double first_limit_bps(const struct migration_setup *setup)
{
	if (setup->rules == PRECOPY_XEN_3_0)
		return or_no_limit(setup->rate_first_bps);
	return or_no_limit(setup->rate_max_bps);
}

void precopy_begin(struct precopy *p, const struct migration_setup *setup,
    uint64_t memory_kib, uint64_t used_kib,
    const struct working_set sets[N_WORKING_SETS])
{
	double memory = (double)memory_kib / PAGE_KIB;
	double used = fmin(memory, (double)used_kib / PAGE_KIB);

	*p = (struct precopy){.setup = setup,
	    .memory_pages = memory,
	    .rest_to_send = memory,
	    .rate_limit_bps = first_limit_bps(setup),
	    .last_sent_pages = memory,
	    .next = PRECOPY_ROUND};
	for (int i = 0; i < N_WORKING_SETS; i++) {
		double pages =
		    fmin(sets[i].fraction * used, p->rest_to_send);

		p->sets[i].pages = pages;
		p->sets[i].dirty_pps = sets[i].dirty_bps / PAGE_BITS;
		p->sets[i].to_send = pages;
		p->rest_to_send -= pages;
	}
}

double precopy_rate_limit_bps(const struct precopy *p)
{
	if (p->next == PRECOPY_STOP && is_adaptive(p->setup))
		return or_no_limit(p->setup->rate_max_bps);
	return p->rate_limit_bps;
}

/* Part of set i that the guest has written after t seconds at this speed. */
static double written(const struct precopy *p, int i, double speed, double t)
{
	if (p->sets[i].pages <= 0)
		return 0;
	return -expm1(-speed * t * p->sets[i].dirty_pps / p->sets[i].pages);
}

/* Pages to send of which the guest has written none after t seconds: g(t). */
static double unwritten(const struct precopy *p, double speed, double t)
{
	double sum = p->rest_to_send;

	for (int i = 0; i < N_WORKING_SETS; i++)
		sum += p->sets[i].to_send * (1 - written(p, i, speed, t));
	return sum;
}

static double sent_with_skipping(
    const struct precopy *p, double rate_bps, double speed)
{
	double batch = fmax(BATCH_PAGES, p->round.to_send_pages / MAX_BATCHES);
	double t = 0, sent = 0, u = 0;

	while (u < 1) {
		double g = unwritten(p, speed, t);
		double du = g * (1 - u) > batch ? batch / g : 1 - u;

		sent += g * du;
		t += g * du * PAGE_BITS / rate_bps;
		u = du < 1 - u ? u + du : 1;
	}
	return fmin(sent, p->round.to_send_pages);
}

void precopy_start_round(struct precopy *p, double rate_bps, double speed)
{
	struct precopy_round *round = &p->round;

	assert(p->next != PRECOPY_DONE && rate_bps >= 0);
	p->rate_limit_bps = precopy_rate_limit_bps(p);
	*round = (struct precopy_round){.number = round->number + 1,
	    .last = p->next == PRECOPY_STOP,
	    .to_send_pages = unwritten(p, 0, 0)};
	round->sent_pages = round->to_send_pages;
	if (p->setup->rules == PRECOPY_XEN_3_0 && !round->last && rate_bps > 0)
		round->sent_pages = sent_with_skipping(p, rate_bps, speed);
	round->skipped_pages = round->to_send_pages - round->sent_pages;
}

/* What was dirtied is what is to be sent next. */
static void dirty(struct precopy *p, double duration_s, double speed)
{
	p->rest_to_send = 0;
	for (int i = 0; i < N_WORKING_SETS; i++) {
		p->sets[i].to_send =
		    p->sets[i].pages * written(p, i, speed, duration_s);
		p->round.dirtied_pages += p->sets[i].to_send;
	}
}

static void adapt_rate(struct precopy *p, double duration_s)
{
	const struct migration_setup *setup = p->setup;
	double dirty_bps = p->round.dirtied_pages * PAGE_BITS / duration_s;

	if (is_adaptive(setup) && duration_s > 0 &&
	    dirty_bps > p->rate_limit_bps)
		p->rate_limit_bps = fmin(dirty_bps + setup->rate_step_bps,
		    or_no_limit(setup->rate_max_bps));
}

/* The rate limit counts as it was in the round, as in Xen: it is adapted
 * only after the test. */
static bool has_to_stop(const struct precopy *p)
{
	const struct migration_setup *setup = p->setup;
	const struct precopy_round *round = &p->round;

	if (round->number >= setup->max_rounds ||
	    round->to_send_pages < setup->stop_pages)
		return true;
	if (setup->rules == PRECOPY_XEN_4_17)
		return false;
	if (setup->max_factor > 0 &&
	    p->total_sent_pages > setup->max_factor * p->memory_pages)
		return true;
	return is_adaptive(setup) && setup->rate_max_bps > 0 &&
	    p->rate_limit_bps >= setup->rate_max_bps &&
	    round->sent_pages > p->last_sent_pages;
}

enum precopy_next precopy_end_round(
    struct precopy *p, double duration_s, double speed)
{
	assert(duration_s >= 0 && speed >= 0);
	p->total_sent_pages += p->round.sent_pages;
	if (p->round.last) {
		p->next = PRECOPY_DONE;
		return p->next;
	}
	dirty(p, duration_s, speed);
	p->next = has_to_stop(p) ? PRECOPY_STOP : PRECOPY_ROUND;
	adapt_rate(p, duration_s);
	p->last_sent_pages = p->round.sent_pages;
	return p->next;
}

double precopy_bytes(double pages)
{
	return pages * PAGE_BYTES;
}
