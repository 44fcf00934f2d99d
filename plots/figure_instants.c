/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is on which host at the instants where something happened: the paper's
 * time-lines (figures 3, 5 and 7).  An instant is a row, a host a column;
 * what happens within a short time of each other shares an instant.
 */
#include <math.h>
#include <stdlib.h>

#include "plots/figures.h"
#include "plots/plot.h"
#include "sim/outdir.h"

enum { MAX_INSTANTS = 11 };

/* What happened to an environment. */
enum happening { COMES, GOES, LEAVES, LANDS };

struct event {
	double at_s;
	enum happening what;
	uint32_t env, from, to; /* domains, of those that leave or land */
};

/* Events first .. last - 1, and what is shown: the world after the last. */
struct instant {
	uint32_t first, last;
	double at_s;
};

struct instants {
	struct event *events;
	uint32_t n_events;
	struct instant instants[MAX_INSTANTS];
	uint32_t n;
};

/* What happened. */

/* One for all VMs of an environment to which it happens within a moment. */
static void add_event(struct instants *s, const struct event *event)
{
	enum { MOMENT_S = 20 };

	for (uint32_t i = s->n_events; i-- > 0;) {
		struct event *e = &s->events[i];

		if (e->what != event->what || e->env != event->env ||
		    e->from != event->from || e->to != event->to ||
		    fabs(e->at_s - event->at_s) > MOMENT_S)
			continue;
		if (event->what != LEAVES && event->at_s > e->at_s)
			e->at_s = event->at_s;
		return;
	}
	s->events[s->n_events++] = *event;
}

static void add_stays(struct instants *s, const struct timeline *t)
{
	for (uint32_t i = 0; i < t->n_stays; i++) {
		const struct stay *stay = &t->stays[i];
		struct event event = {.env = t->vm_env[stay->vm]};
		bool first = true, last = true;

		if (t->vm_head[stay->vm])
			continue;
		for (uint32_t k = 0; k < t->n_stays; k++)
			if (t->stays[k].vm == stay->vm) {
				first = first && k >= i;
				last = last && k <= i;
			}
		event.what = COMES;
		event.at_s = stay->from_s;
		if (first)
			add_event(s, &event);
		event.what = GOES;
		event.at_s = stay->to_s;
		if (last && stay->to_s < t->end_s)
			add_event(s, &event);
	}
}

static void add_moves(struct instants *s, const struct timeline *t)
{
	for (uint32_t i = 0; i < t->n_moves; i++) {
		const struct move *move = &t->moves[i];
		struct event event = {.env = t->vm_env[move->vm],
		    .from = t->host_domain[move->from],
		    .to = t->host_domain[move->to]};

		event.what = LEAVES;
		event.at_s = move->start_s;
		add_event(s, &event);
		event.what = LANDS;
		event.at_s = move->end_s;
		add_event(s, &event);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

/* What follows from what is in the instant is to be seen apart from it: that
 * one leaves after another has come, and that one lands after it has left. */
static bool follows(const struct instants *s, const struct instant *instant,
    const struct event *event)
{
	for (uint32_t i = instant->first; i < instant->last; i++) {
		const struct event *e = &s->events[i];

		if ((event->what == LEAVES && e->what == COMES) ||
		    (event->what == LANDS && e->what == LEAVES &&
		        e->env == event->env))
			return true;
	}
	return false;
}

/* Events no more than gap apart share an instant; false if these are more
 * than can be shown. */
static bool group(struct instants *s, double gap_s, bool apart)
{
	s->n = 0;
	for (uint32_t i = 0; i < s->n_events; i++) {
		double at_s = s->events[i].at_s;
		struct instant *last = &s->instants[s->n ? s->n - 1 : 0];

		if (s->n == 0 || at_s > last->at_s + gap_s ||
		    (apart && follows(s, last, &s->events[i]))) {
			if (s->n == MAX_INSTANTS)
				return false;
			last = &s->instants[s->n++];
			last->first = i;
		}
		last->last = i + 1;
		last->at_s = at_s;
	}
	return true;
}

/* An instant at which all hosts are empty shows nothing. */
static bool nobody_after(const struct timeline *t, double at_s)
{
	for (uint32_t i = 0; i < t->n_stays; i++)
		if (t->stays[i].to_s > at_s && !t->vm_head[t->stays[i].vm])
			return false;
	return true;
}

static bool find_instants(
    struct instants *s, const struct timeline *t, struct err *err)
{
	double gap_s = 0.008 * t->end_s;

	s->events = calloc(
	    2 * ((size_t)t->n_stays + t->n_moves) + 1, sizeof *s->events);
	if (!s->events)
		return err_set(err, "not enough memory");
	add_stays(s, t);
	add_moves(s, t);
	qsort(s->events, s->n_events, sizeof *s->events, by_time);
	while (s->n_events && s->events[s->n_events - 1].what == GOES &&
	       nobody_after(t, s->events[s->n_events - 1].at_s))
		s->n_events--;
	while (!group(s, gap_s, gap_s < t->end_s / 4))
		gap_s = 1.5 * gap_s + 1;
	return true;
}

/* In words. */

static const char *what_text(const struct event *e, bool several)
{
	switch (e->what) {
	case COMES:
		return several ? "start" : "starts";
	case GOES:
		return several ? "end" : "ends";
	case LEAVES:
		return several ? "leave for" : "leaves for";
	default:
		return several ? "are in" : "is in";
	}
}

static bool alike(const struct event *a, const struct event *b)
{
	return a->what == b->what && a->from == b->from && a->to == b->to;
}

/* One line: all environments of this instant to which the same happened. */
static void put_line(FILE *out, const struct timeline *t,
    const struct instants *s, const struct instant *at, uint32_t i)
{
	const struct event *e = &s->events[i];
	bool within = e->from == e->to;
	uint32_t n = 0;

	for (uint32_t k = i; k < at->last; k++)
		if (alike(e, &s->events[k])) {
			fputs(n++ ? ", " : "", out);
			plot_put_words(out, t->envs.text[s->events[k].env]);
		}
	if (e->what == LEAVES && within)
		fputs(n > 1 ? " move within " : " moves within ", out);
	else if (e->what == LANDS && within)
		fputs(" moved within ", out);
	else
		fprintf(out, " %s ", what_text(e, n > 1));
	if (e->what == LEAVES || e->what == LANDS)
		plot_put_words(out, t->domains.text[e->to]);
}

static void put_caption(FILE *out, const struct timeline *t,
    const struct instants *s, const struct instant *at)
{
	bool first = true;

	for (uint32_t i = at->first; i < at->last; i++) {
		bool said = false;

		for (uint32_t k = at->first; k < i; k++)
			said = said || alike(&s->events[k], &s->events[i]);
		if (said)
			continue;
		fputs(first ? "" : "\\n", out);
		put_line(out, t, s, at, i);
		first = false;
	}
}

/* In blocks. */

static double host_x(const struct timeline *t, uint32_t host)
{
	return host + 0.5 * t->host_domain[host];
}

/* Is the VM in this cell: there, or on its way there? */
static bool in_cell(
    const struct timeline *t, uint32_t vm, uint32_t host, double at_s)
{
	const struct move *move = timeline_move_at(t, vm, at_s);

	return !t->vm_head[vm] && (timeline_host_at(t, vm, at_s) == host ||
	                              (move && move->to == host));
}

/* The VM's block in the cell; false if it is not in it. */
static bool find_block(const struct timeline *t, uint32_t vm, uint32_t host,
    double at_s, double *x0, double *x1)
{
	uint32_t n = 0, k = 0;

	if (!in_cell(t, vm, host, at_s))
		return false;
	for (uint32_t i = 0; i < t->n_vms; i++)
		if (in_cell(t, i, host, at_s)) {
			k += i < vm;
			n++;
		}
	*x0 = host_x(t, host) + 0.06 + 0.88 * k / n;
	*x1 = host_x(t, host) + 0.06 + 0.88 * (k + 1) / n;
	return true;
}

static const double CELL_LOW = 0.06, CELL_HIGH = 0.68;

static void put_box(FILE *out, double x0, double x1, double y)
{
	fprintf(out, "%.4f %.4f %.4f %.4f %.4f %.4f", (x0 + x1) / 2,
	    y + (CELL_LOW + CELL_HIGH) / 2, x0, x1, y + CELL_LOW,
	    y + CELL_HIGH);
}

static void begin_block(FILE *out, const char *name, uint32_t number)
{
	fprintf(out, "\n\n# %s%u\nNaN NaN NaN NaN NaN NaN\n", name, number);
}

/* ghosts: where those on their way will be; else: where all are. */
static void put_blocks(FILE *out, const struct timeline *t,
    const struct instants *s, uint32_t env, bool ghosts)
{
	for (uint32_t r = 0; r < s->n; r++)
		for (uint32_t vm = 0; vm < t->n_vms; vm++) {
			double at_s = s->instants[r].at_s, x0, x1;
			const struct move *move = timeline_move_at(t, vm, at_s);
			uint32_t host = timeline_host_at(t, vm, at_s);

			if (t->vm_env[vm] != env || (ghosts && !move))
				continue;
			if (ghosts)
				host = move->to;
			if (host == t->hosts.n ||
			    !find_block(t, vm, host, at_s, &x0, &x1))
				continue;
			put_box(out, x0, x1, -(double)r);
			putc(' ', out);
			plot_put_text(out, t->envs.text[env]);
			putc('\n', out);
		}
}

/* Up from the block, across, and down to where it will be. */
static void put_way(FILE *up, const struct timeline *t, const struct move *move,
    double at_s, double y, uint32_t k, bool heads)
{
	double x0, x1, to0, to1, from, to;
	double top = y + CELL_HIGH + 0.05 + 0.035 * k;

	if (!find_block(t, move->vm, move->from, at_s, &x0, &x1) ||
	    !find_block(t, move->vm, move->to, at_s, &to0, &to1))
		return;
	from = (x0 + x1) / 2;
	to = (to0 + to1) / 2;
	if (heads) {
		fprintf(up, "%.4f %.4f 0 %.4f\n", to, top, y + CELL_HIGH - top);
		return;
	}
	fprintf(up, "%.4f %.4f 0 %.4f\n%.4f %.4f %.4f 0\n", from, y + CELL_HIGH,
	    top - y - CELL_HIGH, from, top, to - from);
}

static void put_ways(
    FILE *out, const struct timeline *t, const struct instants *s, bool heads)
{
	begin_block(out, heads ? "heads" : "ways", 0);
	for (uint32_t r = 0; r < s->n; r++) {
		uint32_t k = 0;

		for (uint32_t vm = 0; vm < t->n_vms; vm++) {
			double at_s = s->instants[r].at_s;
			const struct move *move = timeline_move_at(t, vm, at_s);

			if (move && !t->vm_head[vm])
				put_way(
				    out, t, move, at_s, -(double)r, k++, heads);
		}
	}
}

static void put_cells(
    FILE *out, const struct timeline *t, const struct instants *s)
{
	begin_block(out, "cells", 0);
	for (uint32_t r = 0; r < s->n; r++)
		for (uint32_t h = 0; h < t->hosts.n; h++) {
			put_box(
			    out, host_x(t, h), host_x(t, h) + 1, -(double)r);
			putc('\n', out);
		}
	begin_block(out, "hosts", 0);
	for (uint32_t h = 0; h < t->hosts.n; h++) {
		fprintf(out, "%.4f 0 ", host_x(t, h) + 0.5);
		plot_put_text(out, t->hosts.text[h]);
		putc('\n', out);
	}
	begin_block(out, "domains", 0);
	for (uint32_t d = 0; d < t->domains.n; d++) {
		double sum = 0;
		uint32_t n = 0;

		for (uint32_t h = 0; h < t->hosts.n; h++)
			if (t->host_domain[h] == d) {
				sum += host_x(t, h) + 0.5;
				n++;
			}
		fprintf(out, "%.4f 0 ", sum / n);
		plot_put_text(out, t->domains.text[d]);
		putc('\n', out);
	}
}

static void put_captions(
    FILE *out, const struct timeline *t, const struct instants *s)
{
	begin_block(out, "captions", 0);
	for (uint32_t r = 0; r < s->n; r++) {
		const struct instant *at = &s->instants[r];

		fprintf(out, "0 %.4f \"%.0f s\" \"",
		    -(double)r + (CELL_LOW + CELL_HIGH) / 2, at->at_s);
		put_caption(out, t, s, at);
		fputs("\"\n", out);
	}
}

static bool draw(struct figure *figure, const struct timeline *t,
    const struct instants *s, struct err *err)
{
	FILE *out = plot_data(figure->folder, "instants", err);
	char settings[200];
	bool ok;

	if (!out)
		return false;
	put_cells(out, t, s);
	put_captions(out, t, s);
	for (uint32_t e = 0; e < t->envs.n; e++) {
		begin_block(out, "env", e);
		put_blocks(out, t, s, e, false);
		begin_block(out, "ghost", e);
		put_blocks(out, t, s, e, true);
	}
	put_ways(out, t, s, false);
	put_ways(out, t, s, true);
	if (!outdir_finish(out, figure->folder, "instants.dat", err))
		return false;
	snprintf(settings, sizeof settings,
	    "n_envs = %u\nn_rows = %u\n"
	    "x_high = %.4f\nheight = %u\n",
	    t->envs.n, s->n, host_x(t, t->hosts.n - 1) + 1, 70 + 62 * s->n);
	ok = plot_draw(figure->folder, "instants", "instants", settings, err);
	figure->n_drawn += ok;
	return ok;
}

bool figure_instants(
    struct figure *figure, const struct timeline *t, struct err *err)
{
	struct instants instants = {0};
	bool ok = find_instants(&instants, t, err);

	if (ok && instants.n)
		ok = draw(figure, t, &instants, err);
	free(instants.events);
	return ok;
}
