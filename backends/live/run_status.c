/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a running manager shows: a table, JSON, Prometheus' text. */
#include <stdlib.h>
#include <string.h>

#include "backends/live/run_inside.h"

static const char *name_of(const struct live_run *run, struct host_id host)
{
	return host_none(host) ? "-"
	                       : run->scenario->model.hosts[host.ix].name;
}

static double mib(uint64_t kib)
{
	return (double)kib / KIB_PER_MIB;
}

static const char *outcome_text(const struct run_decision *d)
{
	static const char *const names[N_OUTCOME_KINDS] = {
	    [OUTCOME_DONE] = "done",
	    [OUTCOME_REFUSED] = "refused by the world",
	    [OUTCOME_FAILED] = "failed"};

	if (d->refused[0])
		return d->refused;
	return d->has_outcome ? names[d->outcome] : "";
}

/* Decision i of the last ones, the oldest first. */
static const struct run_decision *decision_at(
    const struct live_run *run, uint64_t i)
{
	return &run->decisions[i % RUN_DECISIONS];
}

static uint64_t first_decision(const struct live_run *run)
{
	return run->n_decisions > RUN_DECISIONS
	    ? run->n_decisions - RUN_DECISIONS
	    : 0;
}

static uint32_t count_on(const struct live_run *run, uint32_t host)
{
	uint32_t n = 0;

	for (uint32_t v = 0; v < run->scenario->model.n_vms; v++)
		n += vm_is_placed(&run->vms[v]) &&
		    run->vms[v].host.ix == host;
	return n;
}

/* Of a host that is to be emptied: what is left to go. */
static void print_drain(const struct live_run *run, uint32_t host, FILE *out)
{
	const struct model *m = &run->scenario->model;
	uint32_t n_heads = 0, n = count_on(run, host);

	for (uint32_t v = 0; v < m->n_vms; v++)
		n_heads += m->vms[v].is_head && vm_is_placed(&run->vms[v]) &&
		    run->vms[v].host.ix == host;
	if (n > n_heads)
		fprintf(out, "; %u VMs are to leave", n - n_heads);
	else
		fputs("; is empty", out);
	if (n_heads)
		fprintf(out, ", but for %u head VMs", n_heads);
}

/* The table. */

static void print_hosts(struct live_run *run, FILE *out)
{
	const struct model *m = &run->scenario->model;
	int64_t now_ns = live_run_now_ns(run);

	fprintf(out, "\n%-12s %-12s %-9s %4s %9s %11s %11s  %s\n", "DOMAIN",
	    "HOST", "STATE", "VMS", "CPU USED", "FREE MIB", "OF MIB",
	    "HEARD");
	for (uint32_t h = 0; h < m->n_hosts; h++) {
		struct live_host_view v = live_view_host(run->live, h);

		fprintf(out, "%-12s %-12s %-9s %4u %9.2f %11.0f %11.0f  ",
		    m->domains[m->hosts[h].domain.ix].name, m->hosts[h].name,
		    host_state_name(v.state), count_on(run, h),
		    v.cpu_used_mcpu / 1e3, mib(v.mem_free_kib),
		    mib(v.mem_total_kib));
		if (v.heard_ns < 0)
			fputs("never", out);
		else
			fprintf(out, "%.1f s ago",
			    ns_to_s(now_ns - v.heard_ns));
		if (v.state == HOST_DRAINING)
			print_drain(run, h, out);
		if (v.n_foreign)
			fprintf(out, "; %u VMs of others", v.n_foreign);
		fprintf(out, "%s%s\n", v.trouble[0] ? "; " : "", v.trouble);
	}
}

static void print_vm(const struct live_run *run, uint32_t v, FILE *out)
{
	const struct vm *vm = &run->scenario->model.vms[v];
	const struct vm_observation *seen = &run->vms[v];

	fprintf(out, "  %-18s %-10s %-12s %9.2f of %-5.2f %7.0f",
	    vm->name, vm_state_name(seen->state), name_of(run, seen->host),
	    seen->cpu_used_mcpu / 1e3, vm_cpu_alloc_mcpu(vm, seen) / 1e3,
	    mib(seen->mem_alloc_kib));
	if (seen->mem_used_kib == MEM_UNKNOWN || host_none(seen->host))
		fprintf(out, " %8s", "?");
	else
		fprintf(out, " %8.0f", mib(seen->mem_used_kib));
	if (!host_none(seen->target))
		fprintf(out, "  to %s", name_of(run, seen->target));
	putc('\n', out);
}

static void print_envs(struct live_run *run, FILE *out)
{
	const struct model *m = &run->scenario->model;

	fprintf(out, "\n%-20s %-10s %-12s %18s %7s %8s\n", "ENVIRONMENT / VM",
	    "STATE", "HOST", "CPU USED", "MIB", "USED");
	for (uint32_t e = 0; e < m->n_envs; e++) {
		const char *note = live_env_note(run->live, e);

		fprintf(out, "%-20s %-10s %s\n", m->envs[e].name,
		    env_state_name(run->envs[e].state), note);
		for (uint32_t i = 0; i < m->envs[e].n_vms; i++)
			if (run->vms[m->envs[e].first_vm + i].state !=
			    VM_ABSENT)
				print_vm(run, m->envs[e].first_vm + i, out);
	}
}

static void print_moves(struct live_run *run, FILE *out)
{
	uint32_t n = live_n_moves(run->live);

	fprintf(out, "\nIN FLIGHT: %u requests, %u hand-overs\n",
	    live_n_acts(run->live), n);
	for (uint32_t i = 0; i < n; i++) {
		struct live_move_view v = live_view_move(run->live, i);

		fprintf(out,
		    "  %llu %s from %s (%s) to %s (%s), %.1f MiB sent%s%s\n",
		    (unsigned long long)v.id, v.vm_name, name_of(run, v.from),
		    handover_state_name(v.source), name_of(run, v.to),
		    handover_state_name(v.target), (double)v.bytes / 1048576,
		    v.text[0] ? ": " : "", v.text);
		if (v.operator_needed)
			fputs("    waits for an end that is silent; violin "
			      "resolve settles it\n", out);
	}
}

static void print_wishes(const struct live_run *run, FILE *out)
{
	if (run->wishes.n > 0)
		fprintf(out, "\nWISHES%s\n",
		    run->wishes.path ? "" : " (until this manager ends)");
	for (uint32_t i = 0; i < run->wishes.n; i++)
		fprintf(out, "  %s %s\n",
		    wish_kind_name(run->wishes.list[i].kind),
		    run->wishes.list[i].name);
}

static void print_decisions(struct live_run *run, FILE *out)
{
	int64_t now_ns = live_run_now_ns(run);
	char reason[256];

	fputs("\nLAST DECISIONS\n", out);
	for (uint64_t i = first_decision(run); i < run->n_decisions; i++) {
		const struct run_decision *d = decision_at(run, i);
		const char *outcome = outcome_text(d);

		fprintf(out, "  %6.0f s ago  %s %s", ns_to_s(now_ns - d->at_ns),
		    action_kind_name(d->action.kind),
		    run->scenario->model.vms[d->action.vm.ix].name);
		if (!host_none(d->action.from))
			fprintf(out, " from %s", name_of(run, d->action.from));
		if (!host_none(d->action.to))
			fprintf(out, " to %s", name_of(run, d->action.to));
		fprintf(out, ": %s%s%s%s%s\n",
		    reason_print(&d->action.reason, reason, sizeof reason),
		    outcome[0] ? " -- " : "", outcome, d->text[0] ? ": " : "",
		    d->text);
	}
}

void run_print_status(struct live_run *run, FILE *out)
{
	live_view(run->live, run->envs, run->vms);
	fprintf(out, "%s: %s%s, policy %s, %llu steps, %llu actions\n",
	    run->scenario->path,
	    run->options.act ? "acting" : "dry run, acts on nothing",
	    run->paused ? ", paused" : "", run->policy,
	    (unsigned long long)run->n_steps,
	    (unsigned long long)run->n_actions);
	print_hosts(run, out);
	print_envs(run, out);
	print_moves(run, out);
	print_wishes(run, out);
	print_decisions(run, out);
}

/* JSON. */

static void put_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "\"%s\": \"", key);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned)*text);
		else
			putc(*text, out);
	putc('"', out);
}

static void put_host(FILE *out, const char *key, const struct live_run *run,
    struct host_id host)
{
	if (host_none(host))
		fprintf(out, "\"%s\": null", key);
	else
		put_text(out, key, name_of(run, host));
}

static void json_hosts(struct live_run *run, FILE *out)
{
	const struct model *m = &run->scenario->model;

	fputs(",\n  \"hosts\": [", out);
	for (uint32_t h = 0; h < m->n_hosts; h++) {
		struct live_host_view v = live_view_host(run->live, h);

		fputs(h ? ",\n    {" : "\n    {", out);
		put_text(out, "name", m->hosts[h].name);
		fputs(", ", out);
		put_text(out, "domain",
		    m->domains[m->hosts[h].domain.ix].name);
		fputs(", ", out);
		put_text(out, "state", host_state_name(v.state));
		fprintf(out,
		    ", \"vms\": %u, \"foreign_vms\": %u, "
		    "\"cpu_used_mcpu\": %u, \"mem_free_kib\": %llu, "
		    "\"mem_kib\": %llu, \"heard_s\": %.3f, ",
		    count_on(run, h), v.n_foreign, v.cpu_used_mcpu,
		    (unsigned long long)v.mem_free_kib,
		    (unsigned long long)v.mem_total_kib,
		    v.heard_ns < 0 ? -1.0 : ns_to_s(v.heard_ns));
		put_text(out, "trouble", v.trouble);
		putc('}', out);
	}
	fputs("\n  ]", out);
}

static void json_vm(const struct live_run *run, uint32_t v, FILE *out)
{
	const struct vm_observation *seen = &run->vms[v];
	bool known = seen->mem_used_kib != MEM_UNKNOWN;

	putc('{', out);
	put_text(out, "name", run->scenario->model.vms[v].name);
	fputs(", ", out);
	put_text(out, "state", vm_state_name(seen->state));
	fputs(", ", out);
	put_host(out, "host", run, seen->host);
	fputs(", ", out);
	put_host(out, "target", run, seen->target);
	fprintf(out,
	    ", \"weight\": %u, \"cap_mcpu\": %u, \"cpu_used_mcpu\": %u, "
	    "\"mem_alloc_kib\": %llu, \"mem_target_kib\": %llu, "
	    "\"mem_used_kib\": ",
	    seen->weight, seen->cap_mcpu, seen->cpu_used_mcpu,
	    (unsigned long long)seen->mem_alloc_kib,
	    (unsigned long long)seen->mem_target_kib);
	if (known)
		fprintf(out, "%llu}", (unsigned long long)seen->mem_used_kib);
	else
		fputs("null}", out);
}

static void json_envs(struct live_run *run, FILE *out)
{
	const struct model *m = &run->scenario->model;

	fputs(",\n  \"environments\": [", out);
	for (uint32_t e = 0; e < m->n_envs; e++) {
		fputs(e ? ",\n    {" : "\n    {", out);
		put_text(out, "name", m->envs[e].name);
		fputs(", ", out);
		put_text(out, "state", env_state_name(run->envs[e].state));
		fputs(", ", out);
		put_text(out, "note", live_env_note(run->live, e));
		fputs(", \"vms\": [", out);
		for (uint32_t i = 0; i < m->envs[e].n_vms; i++) {
			fputs(i ? ",\n      " : "\n      ", out);
			json_vm(run, m->envs[e].first_vm + i, out);
		}
		fputs("]}", out);
	}
	fputs("\n  ]", out);
}

static void json_moves(struct live_run *run, FILE *out)
{
	fputs(",\n  \"handovers\": [", out);
	for (uint32_t i = 0; i < live_n_moves(run->live); i++) {
		struct live_move_view v = live_view_move(run->live, i);

		fprintf(out, "%s\n    {\"id\": \"%llu\", ", i ? "," : "",
		    (unsigned long long)v.id);
		put_text(out, "vm", v.vm_name);
		fputs(", ", out);
		put_host(out, "from", run, v.from);
		fputs(", ", out);
		put_host(out, "to", run, v.to);
		fputs(", ", out);
		put_text(out, "source", handover_state_name(v.source));
		fputs(", ", out);
		put_text(out, "target", handover_state_name(v.target));
		fprintf(out, ", \"bytes\": %llu, \"operator_needed\": %s, ",
		    (unsigned long long)v.bytes,
		    v.operator_needed ? "true" : "false");
		put_text(out, "text", v.text);
		putc('}', out);
	}
	fputs("\n  ]", out);
}

static void json_wishes(const struct live_run *run, FILE *out)
{
	fputs(",\n  \"wishes\": [", out);
	for (uint32_t i = 0; i < run->wishes.n; i++) {
		fputs(i ? ",\n    {" : "\n    {", out);
		put_text(out, "wish", wish_kind_name(run->wishes.list[i].kind));
		fputs(", ", out);
		put_text(out, "name", run->wishes.list[i].name);
		putc('}', out);
	}
	fputs("\n  ]", out);
}

static void json_decisions(struct live_run *run, FILE *out)
{
	char reason[256];

	fputs(",\n  \"decisions\": [", out);
	for (uint64_t i = first_decision(run); i < run->n_decisions; i++) {
		const struct run_decision *d = decision_at(run, i);

		fprintf(out, "%s\n    {\"time_s\": %.3f, ",
		    i > first_decision(run) ? "," : "", ns_to_s(d->at_ns));
		put_text(out, "action", action_kind_name(d->action.kind));
		fputs(", ", out);
		put_text(out, "vm",
		    run->scenario->model.vms[d->action.vm.ix].name);
		fputs(", ", out);
		put_host(out, "from", run, d->action.from);
		fputs(", ", out);
		put_host(out, "to", run, d->action.to);
		fputs(", ", out);
		put_text(out, "reason", reason_print(&d->action.reason, reason,
					    sizeof reason));
		fputs(", ", out);
		put_text(out, "outcome", outcome_text(d));
		fputs(", ", out);
		put_text(out, "text", d->text);
		putc('}', out);
	}
	fputs("\n  ]", out);
}

void run_print_json(struct live_run *run, FILE *out)
{
	live_view(run->live, run->envs, run->vms);
	fputs("{\n  ", out);
	put_text(out, "site", run->scenario->path);
	fputs(",\n  ", out);
	put_text(out, "mode", run->options.act ? "acting" : "dry-run");
	fprintf(out,
	    ",\n  \"paused\": %s,\n  \"now_s\": %.3f,\n  \"steps\": %llu,\n"
	    "  \"actions\": %llu,\n  \"requests\": %u,\n  ",
	    run->paused ? "true" : "false", ns_to_s(live_run_now_ns(run)),
	    (unsigned long long)run->n_steps,
	    (unsigned long long)run->n_actions, live_n_acts(run->live));
	put_text(out, "policy", run->policy);
	json_hosts(run, out);
	json_envs(run, out);
	json_moves(run, out);
	json_wishes(run, out);
	json_decisions(run, out);
	fputs("\n}\n", out);
}

/* Prometheus. */

static void print_gauge(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP violin_%s %s\n# TYPE violin_%s gauge\n", name,
	    help, name);
}

static void print_counter(
    FILE *out, const char *name, const char *help, uint64_t value)
{
	fprintf(out,
	    "# HELP violin_%s %s\n# TYPE violin_%s counter\nviolin_%s %llu\n",
	    name, help, name, name, (unsigned long long)value);
}

static void metrics_hosts(struct live_run *run, FILE *out)
{
	const struct model *m = &run->scenario->model;

	print_gauge(out, "host_up", "1 if the host answers.");
	for (uint32_t h = 0; h < m->n_hosts; h++)
		fprintf(out, "violin_host_up{host=\"%s\"} %d\n",
		    m->hosts[h].name,
		    live_view_host(run->live, h).state != HOST_STALE);
	print_gauge(out, "host_cpu_used_cpus", "CPUs used, mean of a period.");
	for (uint32_t h = 0; h < m->n_hosts; h++)
		fprintf(out, "violin_host_cpu_used_cpus{host=\"%s\"} %.3f\n",
		    m->hosts[h].name,
		    live_view_host(run->live, h).cpu_used_mcpu / 1e3);
	print_gauge(out, "host_memory_free_bytes", "Held by no VM.");
	for (uint32_t h = 0; h < m->n_hosts; h++)
		fprintf(out, "violin_host_memory_free_bytes{host=\"%s\"} "
			     "%llu\n",
		    m->hosts[h].name,
		    (unsigned long long)live_view_host(run->live, h)
			    .mem_free_kib * 1024);
}

static void metrics_vms(struct live_run *run, FILE *out)
{
	const struct model *m = &run->scenario->model;

	print_gauge(out, "vm_cpu_used_cpus", "CPUs used, mean of a period.");
	for (uint32_t v = 0; v < m->n_vms; v++)
		if (vm_is_placed(&run->vms[v]))
			fprintf(out,
			    "violin_vm_cpu_used_cpus{vm=\"%s\",host=\"%s\"} "
			    "%.3f\n",
			    m->vms[v].name, name_of(run, run->vms[v].host),
			    run->vms[v].cpu_used_mcpu / 1e3);
	print_gauge(out, "vm_memory_bytes", "Memory that the VM holds.");
	for (uint32_t v = 0; v < m->n_vms; v++)
		if (vm_is_placed(&run->vms[v]))
			fprintf(out,
			    "violin_vm_memory_bytes{vm=\"%s\",host=\"%s\"} "
			    "%llu\n",
			    m->vms[v].name, name_of(run, run->vms[v].host),
			    (unsigned long long)run->vms[v].mem_alloc_kib *
				1024);
	print_gauge(out, "environment_state", "1 for the state it is in.");
	for (uint32_t e = 0; e < m->n_envs; e++)
		fprintf(out,
		    "violin_environment_state{environment=\"%s\",state=\"%s\"}"
		    " 1\n",
		    m->envs[e].name, env_state_name(run->envs[e].state));
}

static void print_metrics(struct live_run *run, FILE *out)
{
	live_view(run->live, run->envs, run->vms);
	print_counter(out, "steps_total", "Steps of the manager.",
	    run->n_steps);
	print_counter(out, "actions_total", "Actions that it decided.",
	    run->n_actions);
	print_counter(out, "actions_done_total", "Actions that succeeded.",
	    run->n_outcomes[OUTCOME_DONE]);
	print_counter(out, "actions_failed_total",
	    "Actions that failed or were refused.",
	    run->n_outcomes[OUTCOME_FAILED] +
		run->n_outcomes[OUTCOME_REFUSED]);
	print_gauge(out, "handovers", "Hand-overs not forgotten yet.");
	fprintf(out, "violin_handovers %u\n", live_n_moves(run->live));
	print_gauge(out, "acting", "1 if it acts, 0 in a dry run.");
	fprintf(out, "violin_acting %d\n",
	    run->options.act && !run->paused);
	metrics_hosts(run, out);
	metrics_vms(run, out);
}

void run_answer_metrics(void *self, char *request, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *body;

	if (strncmp(request, "GET /metrics ", 13) != 0) {
		fputs("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		    out);
		return;
	}
	body = open_memstream(&text, &size);
	if (!body)
		return;
	print_metrics(self, body);
	fclose(body);
	fprintf(out,
	    "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    size, text);
	free(text);
}
