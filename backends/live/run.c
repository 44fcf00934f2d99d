/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running live manager: its loop and all it waits for; see run.h. */
#include "backends/live/run.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "backends/live/run_inside.h"

/* What hosts may take to answer before a step is taken without them; at the
 * beginning connections are still being made. */
#define REFRESH_NS (2 * NS_PER_S)
#define FIRST_REFRESH_NS (5 * NS_PER_S)

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t live_run_now_ns(const struct live_run *run)
{
	return clock_ns(CLOCK_MONOTONIC) - run->began_ns;
}

const char *live_run_default_control(void)
{
	return "/run/violin-manager/control.sock";
}

/* "time what key=value ...", for people and for machines. */
void run_log(void *self, const char *text)
{
	const struct live_run *run = self;
	int64_t now_ns = clock_ns(CLOCK_REALTIME);
	time_t seconds = (time_t)(now_ns / NS_PER_S);
	struct tm utc;
	char when[32];

	if (run->options.die_at && strstr(text, run->options.die_at))
		kill(getpid(), SIGKILL);
	if (getenv("JOURNAL_STREAM")) {
		fprintf(stderr, "%s\n", text);
		return;
	}
	gmtime_r(&seconds, &utc);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(stderr, "%s.%03dZ %s\n", when,
	    (int)(now_ns % NS_PER_S / NS_PER_MS), text);
}

/* The outside of the state machine. */

static bool send_to(
    void *self, uint32_t host, const void *bytes, size_t len)
{
	struct live_run *run = self;

	return curve_client_send(run->hosts[host], bytes, len);
}

static const char *address_of(void *self, uint32_t host)
{
	const struct live_run *run = self;

	return run->site.addresses[host];
}

static bool configure(
    void *self, uint32_t vm, char config[HOST_CONFIG_MAX], struct err *err)
{
	const struct live_run *run = self;

	return live_site_configure(&run->site, vm, config, err);
}

static void random_bytes(void *self, void *bytes, size_t n)
{
	(void)self;
	randombytes_buf(bytes, n);
}

/* What the core decides. */

static void observed(void *self, const struct observation *obs)
{
	struct live_run *run = self;
	const struct manager_listener *l = &run->listener.manager;

	if (l->observed)
		l->observed(l->self, obs);
}

static const char *host_name(const struct live_run *run, struct host_id host)
{
	return host_none(host) ? "-"
	                       : run->scenario->model.hosts[host.ix].name;
}

static void keep_decision(struct live_run *run, const struct observation *obs,
    const struct action *a, uint32_t i)
{
	struct run_decision *d =
	    &run->decisions[run->n_decisions++ % RUN_DECISIONS];
	char reason[256], line[480];

	*d = (struct run_decision){.at_ns = obs->now_ns,
	    .ticket = {obs->sequence, i},
	    .action = *a};
	snprintf(d->refused, sizeof d->refused, "%s",
	    a->refused ? a->refused : "");
	run->n_actions += !a->refused;
	snprintf(line, sizeof line,
	    "decide step=%llu %s vm=%s from=%s to=%s%s%s%s%s reason=\"%s\"",
	    (unsigned long long)obs->sequence, action_kind_name(a->kind),
	    run->scenario->model.vms[a->vm.ix].name, host_name(run, a->from),
	    host_name(run, a->to), run->options.act ? "" : " dry-run",
	    a->refused ? " refused=\"" : "", d->refused,
	    a->refused ? "\"" : "",
	    reason_print(&a->reason, reason, sizeof reason));
	run_log(run, line);
}

static void planned(
    void *self, const struct observation *obs, const struct plan *plan)
{
	struct live_run *run = self;
	const struct manager_listener *l = &run->listener.manager;

	for (uint32_t i = 0; i < plan->n_actions; i++)
		keep_decision(run, obs, &plan->actions[i], i);
	if (l->planned)
		l->planned(l->self, obs, plan);
}

static void heard(void *self, const struct outcome *outcome)
{
	struct live_run *run = self;
	const struct manager_listener *l = &run->listener.manager;

	run->n_outcomes[outcome->kind]++;
	for (uint32_t i = 0; i < RUN_DECISIONS; i++) {
		struct run_decision *d = &run->decisions[i];

		if (d->ticket.sequence != outcome->ticket.sequence ||
		    d->ticket.action != outcome->ticket.action)
			continue;
		d->has_outcome = true;
		d->outcome = outcome->kind;
		memcpy(d->text, outcome->text, sizeof d->text);
	}
	if (l->heard)
		l->heard(l->self, outcome);
}

/* Life. */

struct live_run *live_run_open(
    const struct live_run_options *options, struct err *err)
{
	struct live_run *run = calloc(1, sizeof *run);
	sigset_t set;

	if (!run) {
		err_set(err, "not enough memory");
		return NULL;
	}
	run->options = *options;
	run->control.fd = run->metrics.fd = run->signals = -1;
	run->began_ns = clock_ns(CLOCK_MONOTONIC);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signals >= 0 &&
	    wishes_open(&run->wishes, options->state, err) &&
	    serve_open_unix(&run->control, options->control, err) &&
	    (!options->metrics ||
	        serve_open_tcp(&run->metrics, options->metrics, err)))
		return run;
	if (run->signals < 0)
		err_set(err, "signalfd: %s", strerror(errno));
	live_run_close(run);
	return NULL;
}

void run_close_site(struct live_run *run)
{
	for (uint32_t h = 0; run->hosts && h < run->scenario->model.n_hosts;
	     h++)
		if (run->hosts[h])
			curve_client_free(run->hosts[h]);
	if (run->clients)
		curve_clients_free(run->clients);
	live_free(run->live);
	live_site_close(&run->site);
	free(run->hosts);
	free(run->manager_memory);
	free(run->envs);
	free(run->vms);
	free(run->items);
	run->clients = NULL;
	run->hosts = NULL;
	run->live = NULL;
	run->manager_memory = NULL;
	run->envs = NULL;
	run->vms = NULL;
	run->items = NULL;
}

void live_run_close(struct live_run *run)
{
	if (!run)
		return;
	serve_close(&run->control);
	serve_close(&run->metrics);
	wishes_close(&run->wishes);
	if (run->signals >= 0)
		close(run->signals);
	free(run);
}

static bool open_hosts(struct live_run *run, struct err *err)
{
	const struct scenario *sc = run->scenario;
	char endpoint[MESSAGE_ADDRESS_MAX + 8];

	run->clients = curve_clients_new(&run->site.key);
	if (!run->clients)
		return err_set(err, "ZeroMQ has no context");
	for (uint32_t h = 0; h < sc->model.n_hosts; h++) {
		snprintf(endpoint, sizeof endpoint, "tcp://%s",
		    sc->hosts[h].address);
		run->hosts[h] = curve_client_new(
		    run->clients, &run->site.hosts[h], endpoint, err);
		if (!run->hosts[h])
			return false;
	}
	return true;
}

static bool open_manager(struct live_run *run, const struct policy *policy,
    const double *values, struct err *err)
{
	static struct manager_listener listener;
	const struct model *m = &run->scenario->model;
	struct manager_options options = {
	    .limits = run->scenario->manager.limits,
	    .dry_run = !run->options.act};
	struct arena count = {0}, real = {0};

	listener = (struct manager_listener){run, observed, planned, heard};
	manager_lay_out(&count, m, policy, values, &options, &listener);
	real.size = count.used;
	real.base = aligned_alloc(64, (count.used + 127) / 64 * 64);
	if (!real.base)
		return err_set(err, "not enough memory");
	memset(real.base, 0, real.size);
	run->manager_memory = real.base;
	run->manager =
	    manager_lay_out(&real, m, policy, values, &options, &listener);
	return true;
}

bool run_open_site(struct live_run *run, const struct scenario *site,
    struct err *err)
{
	const struct model *m = &site->model;
	struct live_options options = live_usual;
	const struct live_outside outside = {.self = run,
	    .send = send_to,
	    .address = address_of,
	    .configure = configure,
	    .keep = run->checking ? NULL : run_keep_fate,
	    .random = random_bytes,
	    .log = run->checking ? NULL : run_log,
	    .listener = run->listener.live};

	run->scenario = site;
	run->hosts = calloc(m->n_hosts, sizeof *run->hosts);
	run->envs = calloc(m->n_envs + 1, sizeof *run->envs);
	run->vms = calloc(m->n_vms + 1, sizeof *run->vms);
	run->items = calloc(m->n_hosts + 2 * (SERVE_CLIENTS + 1) + 1,
	    sizeof *run->items);
	if (!run->hosts || !run->envs || !run->vms || !run->items)
		return err_set(err, "not enough memory");
	if (!live_site_open(&run->site, site, err) || !open_hosts(run, err))
		return false;
	options.rate_bps = run->options.rate_bps;
	if (run->options.act)
		options.generation = (uint64_t)clock_ns(CLOCK_REALTIME);
	if (options.poll_ns > site->manager.period_ns)
		options.poll_ns = site->manager.period_ns;
	run->live = live_new(site, &options, &outside, live_run_now_ns(run));
	return true;
}

/* The loop. */

bool run_reload(struct live_run *run, struct err *err)
{
	char line[ERR_TEXT_MAX + 32];

	run->reload = run->options.is_readable(run->options.self, err);
	snprintf(line, sizeof line, "reload %s", run->reload ? "" : err->text);
	run_log(run, line);
	return run->reload;
}

static void take_signals(struct live_run *run)
{
	struct signalfd_siginfo info;
	struct err err = {""};

	while (read(run->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP)
			run_reload(run, &err);
		else
			run->ended = true;
	}
}

void run_receive_all(struct live_run *run)
{
	static uint8_t bytes[WIRE_MESSAGE_MAX];
	size_t len;

	for (uint32_t h = 0; h < run->scenario->model.n_hosts; h++)
		while (curve_client_receive(
		    run->hosts[h], bytes, sizeof bytes, &len))
			live_hear(run->live, live_run_now_ns(run), h, bytes,
			    len);
}

/* Has every host that could answer done so? */
static bool is_told(const struct live_run *run, int64_t now_ns)
{
	bool first = run->n_steps == 0;
	int64_t most_ns = first ? FIRST_REFRESH_NS : REFRESH_NS;

	if (now_ns - run->refresh_ns > most_ns)
		return true;
	for (uint32_t h = 0; first && h < run->scenario->model.n_hosts; h++)
		if (live_view_host(run->live, h).heard_ns < 0)
			return false;
	/* What is checked first can be created in the first step. */
	if (first && live_check(run->live, NULL) == LIVE_CHECKING)
		return false;
	return live_is_fresh(run->live, run->refresh_ns);
}

/* Asks all hosts, and when they have told, takes one step of the manager. */
static bool step(struct live_run *run, int64_t now_ns, struct err *err)
{
	int64_t period_ns = run->scenario->manager.period_ns;

	if (now_ns >= run->next_step_ns && run->refresh_ns < 0) {
		run->refresh_ns = now_ns;
		live_refresh(run->live, now_ns);
	}
	if (run->refresh_ns < 0 || !is_told(run, now_ns))
		return true;
	run->refresh_ns = -1;
	run->next_step_ns += period_ns;
	if (run->next_step_ns <= now_ns)
		run->next_step_ns = now_ns + period_ns;
	run->n_steps++;
	return run->paused ||
	    manager_step(run->manager, &backend_live, run->live, err);
}

static int add_fds(zmq_pollitem_t *items, int n, const struct serve *serve)
{
	struct pollfd fds[SERVE_CLIENTS + 1];
	int n_fds = serve_wait(serve, fds);

	for (int i = 0; i < n_fds; i++)
		items[n++] = (zmq_pollitem_t){NULL, fds[i].fd,
		    fds[i].events & POLLOUT ? ZMQ_POLLOUT : ZMQ_POLLIN, 0};
	return n;
}

static void wait_all(struct live_run *run)
{
	int64_t until_ns = live_next(run->live), now_ns;
	int n = 0;

	for (uint32_t h = 0; h < run->scenario->model.n_hosts; h++)
		curve_client_poll_item(run->hosts[h], &run->items[n++]);
	run->items[n++] =
	    (zmq_pollitem_t){NULL, run->signals, ZMQ_POLLIN, 0};
	n = add_fds(run->items, n, &run->control);
	n = add_fds(run->items, n, &run->metrics);
	if (run->refresh_ns < 0 && run->next_step_ns < until_ns)
		until_ns = run->next_step_ns;
	if (run->refresh_ns >= 0 && run->refresh_ns + REFRESH_NS < until_ns)
		until_ns = run->refresh_ns + REFRESH_NS;
	now_ns = live_run_now_ns(run);
	zmq_poll(run->items, n,
	    until_ns <= now_ns ? 1
	                       : (long)((until_ns - now_ns) / NS_PER_MS + 1));
}

static enum live_run_end loop(struct live_run *run, struct err *err)
{
	while (!run->ended && !run->reload) {
		int64_t now_ns = live_run_now_ns(run);

		if (live_is_superseded(run->live)) {
			err_set(err, "another manager has taken over");
			return LIVE_RUN_FAILED;
		}
		if (now_ns >= live_next(run->live))
			live_tick(run->live, now_ns);
		if (!step(run, now_ns, err))
			return LIVE_RUN_FAILED;
		if (now_ns >= run->scenario->stop_ns)
			break;
		wait_all(run);
		run_receive_all(run);
		take_signals(run);
		now_ns = live_run_now_ns(run);
		serve_step(&run->control, now_ns, run_answer_control, run);
		serve_step(&run->metrics, now_ns, run_answer_metrics, run);
	}
	if (run->ended || !run->reload)
		return LIVE_RUN_ENDED;
	run->reload = false;
	return LIVE_RUN_RELOAD;
}

enum live_run_end live_run(struct live_run *run,
    const struct scenario *site, const struct policy *policy,
    const double *values, const struct live_run_listener *listener,
    struct err *err)
{
	enum live_run_end end = LIVE_RUN_FAILED;

	run->listener = *listener;
	run->policy = policy->name;
	run->next_step_ns = live_run_now_ns(run);
	run->refresh_ns = -1;
	run->n_steps = 0;
	run->n_decisions = 0;
	memset(run->decisions, 0, sizeof run->decisions);
	for (uint32_t i = 0; i < RUN_DECISIONS; i++)
		run->decisions[i].ticket.sequence = UINT64_MAX;
	if (run_open_site(run, site, err) &&
	    open_manager(run, policy, values, err)) {
		run_fulfil_wishes(run);
		run_log(run, run->options.act
		        ? "start mode=acting"
		        : "start mode=dry-run; --act lets it act");
		end = loop(run, err);
	}
	run_close_site(run);
	return end;
}
