/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the hosts tell, and where their VMs are by that; see live.h. */
#include <stdio.h>
#include <string.h>

#include "backends/live/live_inside.h"

/* Where VMs are. */

void live_vm_place(struct live *live, uint32_t v, struct host_id host)
{
	const struct model *m = live->model;
	const struct live_listener *l = &live->out.listener;
	struct live_vm *vm = &live->vms[v];
	struct host_id from = vm->host;

	if (host_is(from, host))
		return;
	vm->host = host;
	vm->since_ns = -1;
	vm->settled_ns = live->now_ns;
	live_log(live, "vm name=%s from=%s to=%s", m->vms[v].name,
	    host_none(from) ? "-" : m->hosts[from.ix].name,
	    host_none(host) ? "-" : m->hosts[host.ix].name);
	if (!host_none(from) && !host_none(host) &&
	    m->hosts[from.ix].domain.ix != m->hosts[host.ix].domain.ix)
		live->envs[m->vms[v].env.ix].moved_ns = live->now_ns;
	if (l->vm_moved)
		l->vm_moved(l->self, live->now_ns, (struct vm_id){v}, from,
		    host);
}

/*
 * A sample may be older than what is known from elsewhere: when the VM moved,
 * or was destroyed, after it was taken.  Where a move says, that counts.
 */
static bool is_believed(const struct live *live, uint32_t v, uint32_t host)
{
	const struct live_vm *vm = &live->vms[v];
	const struct live_move *move = live_move_find(live, vm->move);
	struct host_id where = move ? live_move_where(move) : NO_HOST;

	if (!host_none(where))
		return where.ix == host;
	return vm->host.ix == host ||
	    live->hosts[host].sampled_ns >= vm->settled_ns;
}

static void see_vm(
    struct live *live, uint32_t host, uint32_t v, const struct host_vm *seen)
{
	struct live_vm *vm = &live->vms[v];

	if (!is_believed(live, v, host))
		return;
	live_vm_place(live, v, (struct host_id){host});
	vm->is = VM_IS_THERE;
	vm->seen = *seen;
	vm->report = live->stamp;
	if (vm->since_ns < 0 && seen->state == HOST_VM_RUNNING)
		vm->since_ns = live->now_ns;
}

/* The host no longer has it, and nothing under way explains that. */
static void miss_vm(struct live *live, uint32_t v)
{
	struct live_vm *vm = &live->vms[v];
	const struct live_env *env =
	    &live->envs[live->model->vms[v].env.ix];

	if (vm->move || vm->act ||
	    live->hosts[vm->host.ix].sampled_ns < vm->settled_ns)
		return;
	vm->is = env->ending || env->again ? VM_IS_NOWHERE : VM_IS_LOST;
	if (vm->is == VM_IS_LOST)
		live_log(live, "lost vm=%s host=%s", live->model->vms[v].name,
		    live->model->hosts[vm->host.ix].name);
	live_vm_place(live, v, NO_HOST);
}

static void see_vms(struct live *live, uint32_t host)
{
	const struct host_sample *sample = &live->report.sample;
	struct live_host *h = &live->hosts[host];

	live->stamp++;
	h->n_foreign = 0;
	for (uint32_t i = 0; i < sample->n_vms; i++) {
		uint32_t v = live_find_vm(live, sample->vms[i].name);

		if (v == ID_NONE)
			h->n_foreign++;
		else
			see_vm(live, host, v, &sample->vms[i]);
	}
	for (uint32_t v = 0; v < live->model->n_vms; v++)
		if (live->vms[v].host.ix == host &&
		    live->vms[v].report != live->stamp)
			miss_vm(live, v);
}

/* The report. */

static void warn_host(
    struct live *live, uint32_t host, const struct message_report *report)
{
	const struct host *model = &live->model->hosts[host];

	if (strcmp(report->host, model->name) != 0)
		live_log(live, "warning host=%s calls-itself=%s", model->name,
		    report->host);
	if (report->sample.mem_total_kib < model->mem_kib)
		live_log(live,
		    "warning host=%s memory=%lluKiB site-says=%lluKiB",
		    model->name,
		    (unsigned long long)report->sample.mem_total_kib,
		    (unsigned long long)model->mem_kib);
}

static bool has_old_pending(
    const struct live *live, const struct message_report *report)
{
	for (uint32_t i = 0; i < report->n_outcomes; i++)
		if (report->outcomes[i].kind == ANSWER_PENDING &&
		    report->outcomes[i].generation != live->options.generation)
			return true;
	return false;
}

static void keep_host(
    struct live *live, uint32_t host, const struct message_report *report)
{
	struct live_host *h = &live->hosts[host];

	if (!h->heard || h->incarnation != report->incarnation) {
		live_log(live, "host name=%s up incarnation=%llu hypervisor=%s",
		    live->model->hosts[host].name,
		    (unsigned long long)report->incarnation,
		    report->hypervisor);
		warn_host(live, host, report);
	}
	/* The daemon may give a sample that it took for another question. */
	if (!h->heard || h->incarnation != report->incarnation ||
	    h->clock_ns != report->clock_ns)
		h->sampled_ns = h->told_ns;
	h->told_ns = h->asked_ns;
	h->heard_ns = live->now_ns;
	h->heard = true;
	h->asked = 0;
	h->incarnation = report->incarnation;
	h->number = report->number;
	h->clock_ns = report->clock_ns;
	h->n_cpus = report->sample.n_cpus;
	h->mem_total_kib = report->sample.mem_total_kib;
	h->mem_free_kib = report->sample.mem_free_kib;
	h->idle_time_ns = report->sample.idle_time_ns;
	h->old_pending = has_old_pending(live, report);
	memcpy(h->trouble, report->trouble, sizeof h->trouble);
	memcpy(h->version, report->version, sizeof h->version);
}

static void hear_report(struct live *live, uint32_t host, uint64_t request,
    struct wire_reader *r)
{
	struct live_host *h = &live->hosts[host];
	struct message_report *report = &live->report;
	bool restarted;

	/* Only the newest question's answer: reports then never go back. */
	if (request != h->asked || !message_read_report(r, report))
		return;
	if (live->options.generation != 0 &&
	    report->generation > live->options.generation) {
		if (!live->superseded)
			live_log(live, "superseded host=%s generation=%llu",
			    live->model->hosts[host].name,
			    (unsigned long long)report->generation);
		live->superseded = true;
	}
	restarted = h->heard && h->incarnation != report->incarnation;
	keep_host(live, host, report);
	for (uint32_t i = 0; i < report->n_outcomes; i++)
		live_act_answered(live, host, &report->outcomes[i], true);
	live_move_report(live, host, h->told_ns);
	/* A sample that could not be taken says nothing of VMs. */
	if (report->trouble[0] == '\0')
		see_vms(live, host);
	live_act_report(live, host, restarted, h->told_ns);
}

void live_hear(struct live *live, int64_t now_ns, uint32_t host,
    const void *bytes, size_t len)
{
	struct message_answer answer;
	struct message_checked checked;
	struct wire_header header;
	struct wire_reader r;

	live->now_ns = now_ns;
	wire_reader_init(&r, bytes, len);
	if (!wire_get_header(&r, &header)) {
		live_log(live, "malformed host=%s bytes=%zu",
		    live->model->hosts[host].name, len);
		return;
	}
	if (header.type == MESSAGE_REPORT)
		hear_report(live, host, header.request, &r);
	else if (header.type == MESSAGE_ANSWER &&
	    message_read_answer(&r, &answer) &&
	    answer.request == header.request)
		live_act_answered(live, host, &answer, false);
	else if (header.type == MESSAGE_CHECKED &&
	    message_read_checked(&r, &checked))
		live_check_answered(live, host, header.request, &checked);
	live_check_host(live, host);
	live_env_tick(live);
}
