/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is on which host, over time.  A host is a row; its VMs divide the row's
 * height among them, so that a VM that is alone on its host fills it.  Head
 * VMs, which hardly use any CPU, are a thin strip below.
 */
#include <stdlib.h>

#include "plots/figures.h"
#include "plots/plot.h"
#include "sim/outdir.h"

/* Within a row of height 1: from the strip of heads to the gap above. */
static const double HEADS_TOP = 0.09, VMS_LOW = 0.12, VMS_HIGH = 0.92;

struct box {
	uint32_t vm;
	double x0, x1, y0, y1;
};

struct boxes {
	struct box *box;
	uint32_t n, max;
	bool out_of_memory;
};

double figure_host_y(const struct timeline *t, uint32_t host)
{
	return -(double)host - 0.45 * t->host_domain[host];
}

/* Adds a box, or makes the VM's last one longer if that is all it does. */
static void add_box(struct boxes *b, const struct box *box)
{
	for (uint32_t i = b->n; i-- > 0;) {
		struct box *last = &b->box[i];

		if (last->vm != box->vm)
			continue;
		if (last->x1 == box->x0 && last->y0 == box->y0 &&
		    last->y1 == box->y1) {
			last->x1 = box->x1;
			return;
		}
		break;
	}
	if (b->n == b->max) {
		uint32_t max = b->max ? 2 * b->max : 64;
		struct box *more = realloc(b->box, max * sizeof *more);

		if (!more) {
			b->out_of_memory = true;
			return;
		}
		b->box = more;
		b->max = max;
	}
	b->box[b->n++] = *box;
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The VMs, heads or others, that are on the host from x0 to x1; host_of each
 * VM then. */
static void add_boxes(struct boxes *b, const struct timeline *t,
    const uint32_t *host_of, uint32_t host, bool heads, double x0, double x1)
{
	double low = figure_host_y(t, host) + (heads ? 0 : VMS_LOW);
	double high = figure_host_y(t, host) + (heads ? HEADS_TOP : VMS_HIGH);
	uint32_t n = 0, k = 0;

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t vm = 0; vm < t->n_vms; vm++) {
			struct box box = {.vm = vm, .x0 = x0, .x1 = x1};

			if (t->vm_head[vm] != heads || host_of[vm] != host)
				continue;
			if (pass == 0) {
				n++;
				continue;
			}
			box.y1 = high - (high - low) * k / n;
			box.y0 = high - (high - low) * ++k / n;
			add_box(b, &box);
		}
}

static void lay_instant(struct boxes *b, const struct timeline *t,
    uint32_t *host_of, double x0, double x1)
{
	for (uint32_t vm = 0; vm < t->n_vms; vm++)
		host_of[vm] = timeline_host_at(t, vm, x0);
	for (uint32_t h = 0; h < t->hosts.n; h++) {
		add_boxes(b, t, host_of, h, false, x0, x1);
		add_boxes(b, t, host_of, h, true, x0, x1);
	}
}

/* Between two comings or goings nothing changes. */
static void lay_boxes(struct boxes *b, const struct timeline *t)
{
	double *times = calloc(2 * (size_t)t->n_stays + 1, sizeof *times);
	uint32_t *host_of = calloc(t->n_vms + 1, sizeof *host_of);
	uint32_t n = 0;

	for (uint32_t i = 0; times && i < t->n_stays; i++) {
		times[n++] = t->stays[i].from_s;
		times[n++] = t->stays[i].to_s;
	}
	if (times)
		qsort(times, n, sizeof *times, by_time);
	for (uint32_t i = 0; host_of && i + 1 < n; i++)
		if (times[i] < times[i + 1])
			lay_instant(b, t, host_of, times[i], times[i + 1]);
	if (!times || !host_of)
		b->out_of_memory = true;
	free(times);
	free(host_of);
}

static void put_box(FILE *out, const struct box *b)
{
	fprintf(out, "%.3f %.4f %.3f %.3f %.4f %.4f\n", (b->x0 + b->x1) / 2,
	    (b->y0 + b->y1) / 2, b->x0, b->x1, b->y0, b->y1);
}

/* Named blocks (gnuplot: index "name"), each with a first row that shows
 * nothing, for a block may not be empty. */
static void begin_block(FILE *out, const char *name, uint32_t number)
{
	fprintf(out, "\n\n# %s%u\nNaN NaN NaN NaN NaN NaN\n", name, number);
}

static void put_envs(FILE *out, const struct timeline *t, const struct boxes *b)
{
	for (uint32_t e = 0; e < t->envs.n; e++) {
		begin_block(out, "env", e);
		for (uint32_t i = 0; i < b->n; i++)
			if (t->vm_env[b->box[i].vm] == e)
				put_box(out, &b->box[i]);
	}
}

/* The part of a stay during which the VM is sent elsewhere. */
static void put_moving(
    FILE *out, const struct timeline *t, const struct boxes *b)
{
	begin_block(out, "moving", 0);
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t k = 0; k < t->n_moves; k++) {
			const struct move *move = &t->moves[k];
			struct box part = b->box[i];

			if (move->vm != part.vm)
				continue;
			if (part.x0 < move->start_s)
				part.x0 = move->start_s;
			if (part.x1 > move->end_s)
				part.x1 = move->end_s;
			if (part.x0 < part.x1)
				put_box(out, &part);
		}
}

static double host_middle(const struct timeline *t, uint32_t host)
{
	return figure_host_y(t, host) + (VMS_LOW + VMS_HIGH) / 2;
}

static void put_arrows(FILE *out, const struct timeline *t)
{
	begin_block(out, "arrows", 0);
	for (uint32_t k = 0; k < t->n_moves; k++) {
		const struct move *move = &t->moves[k];
		double y = host_middle(t, move->from);

		fprintf(out, "%.3f %.4f %.3f %.4f\n", move->start_s, y,
		    move->end_s - move->start_s, host_middle(t, move->to) - y);
	}
}

static void put_labels(
    FILE *out, const struct timeline *t, const struct boxes *b)
{
	begin_block(out, "labels", 0);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct box *box = &b->box[i];

		if (box->x1 - box->x0 < 0.05 * t->end_s ||
		    box->y1 - box->y0 < 0.3) /* a third */
			continue;
		fprintf(out, "%.3f %.4f ", (box->x0 + box->x1) / 2,
		    (box->y0 + box->y1) / 2);
		plot_put_text(out, t->envs.text[t->vm_env[box->vm]]);
		putc('\n', out);
	}
}

static void put_hosts(FILE *out, const struct timeline *t)
{
	begin_block(out, "hosts", 0);
	for (uint32_t h = 0; h < t->hosts.n; h++) {
		double y = figure_host_y(t, h);

		fprintf(out, "%.3f %.4f %.3f %.3f %.4f %.4f ", t->end_s / 2,
		    host_middle(t, h), 0.0, t->end_s, y, y + VMS_HIGH);
		plot_put_text(out, t->hosts.text[h]);
		putc('\n', out);
	}
	begin_block(out, "domains", 0);
	for (uint32_t d = 0; d < t->domains.n; d++) {
		double sum = 0;
		uint32_t n = 0;

		for (uint32_t h = 0; h < t->hosts.n; h++)
			if (t->host_domain[h] == d) {
				sum += host_middle(t, h);
				n++;
			}
		fprintf(out, "0 %.4f ", sum / n);
		plot_put_text(out, t->domains.text[d]);
		putc('\n', out);
	}
}

static void put_settings(FILE *out, const struct timeline *t)
{
	bool heads = false;

	for (uint32_t vm = 0; vm < t->n_vms; vm++)
		heads = heads || t->vm_head[vm];
	fprintf(out,
	    "n_envs = %u\nend_s = %.3f\ny_low = %.3f\nheads = %d\n"
	    "height = %u\n",
	    t->envs.n, t->end_s, figure_host_y(t, t->hosts.n - 1) - 0.1, heads,
	    (t->hosts.n > 24 ? 800 : 100 + 46 * t->hosts.n));
	fprintf(out, "array env_name[%u]\n", t->envs.n);
	for (uint32_t e = 0; e < t->envs.n; e++) {
		fprintf(out, "env_name[%u] = ", e + 1);
		plot_put_text(out, t->envs.text[e]);
		putc('\n', out);
	}
}

static bool draw(struct figure *figure, const struct timeline *t,
    const struct boxes *b, struct err *err)
{
	FILE *out = plot_data(figure->folder, "placement", err);
	char *settings = NULL;
	size_t size;
	bool ok;

	if (!out)
		return false;
	put_envs(out, t, b);
	put_moving(out, t, b);
	put_arrows(out, t);
	put_labels(out, t, b);
	put_hosts(out, t);
	if (!outdir_finish(out, figure->folder, "placement.dat", err))
		return false;
	out = open_memstream(&settings, &size);
	put_settings(out, t);
	fclose(out);
	ok = plot_draw(figure->folder, "placement", "placement", settings, err);
	free(settings);
	figure->n_drawn += ok;
	return ok;
}

bool figure_placement(
    struct figure *figure, const struct timeline *t, struct err *err)
{
	struct boxes boxes = {0};
	bool ok;

	lay_boxes(&boxes, t);
	ok = boxes.out_of_memory ? err_set(err, "not enough memory")
	                         : draw(figure, t, &boxes, err);
	free(boxes.box);
	return ok;
}
