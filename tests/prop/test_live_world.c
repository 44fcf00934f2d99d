/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live manager and the monitoring daemons, the same code that runs on
 * real hosts, in virtual time over simulated hosts and a network that delays,
 * loses and reorders, is cut and heals, while daemons are killed between any
 * two steps of a hand-over and managers anywhere.  After every event: no VM
 * runs twice, none is lost, memory is not over-committed, heads stay, nothing
 * is done on a stale view.  When the faults end, each VM runs in one place,
 * nothing is left over, and the manager knows where all are.
 *
 * A seed is a world: VIOLIN_SEED=n runs one, VIOLIN_SEEDS=n so many.
 */
#include <check.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/live.h"
#include "backends/monitor/daemon.h"
#include "backends/sim/host_sim.h"
#include "core/manager.h"
#include "tests/support.h"

enum {
	HOSTS = 4,
	PACKETS = 512,
	ENTRIES = 64,
	VIEWS = 4096,
	OBEYED = 512,
	MAX_VMS = 32,
	MANAGER = HOSTS, /* its place in the network */
};
/* Under sanitizers each takes ten times as long. */
#ifdef __SANITIZE_ADDRESS__
#define SEEDS 100
#else
#define SEEDS 1000
#endif
#define STORM_NS (400 * NS_PER_S)
#define CALM_NS (400 * NS_PER_S)
#define PERIOD_NS (5 * NS_PER_S)
#define VIEW_MAX_NS (20 * NS_PER_S)

struct packet {
	int64_t at_ns; /* TIME_NEVER: free */
	uint32_t from, to;
	uint8_t *bytes;
	size_t len;
};

struct machine {
	struct daemon *daemon; /* NULL: down */
	struct daemon_config config;
	int64_t up_ns; /* when it starts again */
	struct journal_entry journal[ENTRIES];
	size_t n_journal;
	int64_t views[VIEWS]; /* when reports of this incarnation were sent */
	uint64_t obeyed[OBEYED];
	uint32_t n_obeyed;
};

/* What is true of a VM, by its name. */
struct truth {
	uint64_t boot;
	uint32_t first_host;
	bool destroyed; /* a daemon was told to */
};

struct world {
	uint64_t seed;
	struct sim_hosts hosts;
	struct machine machines[HOSTS];
	struct packet packets[PACKETS];
	struct scenario *site;
	struct live *live; /* NULL: down */
	int64_t live_up_ns, step_ns, ask_ns, wish_ns, fault_ns;
	uint64_t generation;
	struct manager *manager;
	void *manager_memory;
	double loss;
	bool storm;
	struct truth truth[MAX_VMS];
	bool complete[MAX_VMS]; /* by environment: all its VMs have run, */
	bool wished_away[MAX_VMS]; /* and none of it is wanted any more */
	jmp_buf killed;
	bool may_die;
	uint64_t n_moves, n_kills, n_done;
	char last[160]; /* the last event, for messages */
};

static uint64_t total_moves, total_kills, total_done, total_left;

#define WRONG(w, ...) wrong(w, __FILE__, __LINE__, __VA_ARGS__)

static void __attribute__((format(printf, 4, 5), noreturn)) wrong(
    const struct world *w, const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: seed %" PRIu64 " at %.3f s after %s: ", file,
	    line, w->seed, ns_to_s(w->hosts.now_ns), w->last);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* --- journals ---------------------------------------------------------------- */

struct place {
	struct world *w;
	uint32_t host;
};
static struct place places[HOSTS];

static bool note(void *self, const struct journal_entry *entry, bool durable,
    struct err *err)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];
	size_t i = 0;

	while (i < m->n_journal && m->journal[i].id != entry->id)
		i++;
	/* What need not be durable is lost now and then; a disk fills up. */
	if (i < m->n_journal && !durable && sim_chance(&w->hosts, 0.3))
		return true;
	if (w->storm && sim_chance(&w->hosts, 0.01))
		return err_set(err, "the disk is full");
	if (i == ENTRIES)
		return err_set(err, "no room");
	m->journal[i] = *entry;
	if (i == m->n_journal)
		m->n_journal++;
	return true;
}

static void forget(void *self, uint64_t id)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];

	for (size_t i = 0; i < m->n_journal; i++)
		if (m->journal[i].id == id)
			m->journal[i--] = m->journal[--m->n_journal];
}

static bool read_journal(void *self, struct journal_entry *entries,
    size_t max, size_t *n, struct err *err)
{
	struct world *w = ((struct place *)self)->w;
	struct machine *m = &w->machines[((struct place *)self)->host];

	(void)err;
	*n = m->n_journal < max ? m->n_journal : max;
	memcpy(entries, m->journal, *n * sizeof *entries);
	return true;
}

static const struct journal_api journal = {note, forget, read_journal};

/* --- the network between manager and daemons ------------------------------------ */

static void put_packet(struct world *w, uint32_t from, uint32_t to,
    const void *bytes, size_t len)
{
	struct packet *p = w->packets;

	if (!w->hosts.reachable[from][to] || sim_chance(&w->hosts, w->loss))
		return;
	while (p < w->packets + PACKETS && p->at_ns != TIME_NEVER)
		p++;
	if (p == w->packets + PACKETS)
		return;
	*p = (struct packet){.from = from,
	    .to = to,
	    .len = len,
	    .bytes = malloc(len),
	    .at_ns = w->hosts.now_ns +
		(sim_chance(&w->hosts, 0.05)
			? sim_draw_ns(&w->hosts, NS_PER_S, 30 * NS_PER_S)
			: sim_draw_ns(
			      &w->hosts, NS_PER_MS, 200 * NS_PER_MS))};
	if (!p->bytes)
		WRONG(w, "out of memory");
	memcpy(p->bytes, bytes, len);
}

static void drop_packets(struct world *w)
{
	for (size_t i = 0; i < PACKETS; i++)
		if (w->packets[i].at_ns != TIME_NEVER)
			free(w->packets[i].bytes);
}

static bool send_packet(void *self, uint32_t host, const void *bytes, size_t n)
{
	put_packet(self, MANAGER, host, bytes, n);
	return true;
}

/* --- daemons -------------------------------------------------------------------- */

static void pass_point(void *self, const char *name)
{
	struct world *w = ((struct place *)self)->w;

	if (!w->may_die || !sim_chance(&w->hosts, 0.01))
		return;
	snprintf(w->last, sizeof w->last, "killed h%u at %s",
	    ((struct place *)self)->host + 1, name);
	longjmp(w->killed, 1);
}

static void start_daemon(struct world *w, uint32_t h)
{
	struct machine *m = &w->machines[h];
	struct sim_host_machine *host = &w->hosts.hosts[h];
	const struct daemon_outside outside = {.host = &host_sim_api,
	    .host_self = host,
	    .link = &link_sim_api,
	    .link_self = host,
	    .journal = &journal,
	    .journal_self = &places[h],
	    .point = pass_point,
	    .self = &places[h]};

	m->config.incarnation++;
	memset(m->views, 0, sizeof m->views);
	m->n_obeyed = 0;
	w->may_die = false;
	m->daemon = daemon_new(&m->config, &outside, w->hosts.now_ns, NULL);
	ck_assert_ptr_nonnull(m->daemon);
	m->up_ns = TIME_NEVER;
}

static void kill_daemon(struct world *w, uint32_t h)
{
	struct machine *m = &w->machines[h];

	w->n_kills++;
	daemon_free(m->daemon);
	m->daemon = NULL;
	sim_host_crash(&w->hosts.hosts[h]);
	m->up_ns = w->hosts.now_ns +
	    sim_draw_ns(&w->hosts, NS_PER_S, 40 * NS_PER_S);
}

/* "vm7", also as "vm7--incoming"; ID_NONE for others. */
static uint32_t vm_by_name(const struct world *w, const char *name)
{
	uint32_t v = (uint32_t)strtoul(name[0] ? name + 2 : "", NULL, 10);

	return strncmp(name, "vm", 2) == 0 && v < w->site->model.n_vms
	    ? v
	    : ID_NONE;
}

/* Is it obeyed now, and not answered again? */
static bool is_first(struct machine *m, const struct message_answer *answer)
{
	uint64_t name = answer->generation * 1000003 + answer->request;

	for (uint32_t i = 0; i < OBEYED && i < m->n_obeyed; i++)
		if (m->obeyed[i] == name)
			return false;
	m->obeyed[m->n_obeyed++ % OBEYED] = name;
	return true;
}

/* An act that is obeyed rests on a view of this incarnation, not too old, and
 * no VM of an environment that is complete and wanted is destroyed. */
static void check_obeyed(struct world *w, uint32_t h,
    const struct message_act *act, const struct message_answer *answer)
{
	struct machine *m = &w->machines[h];
	int64_t age_ns = w->hosts.now_ns - m->views[act->view % VIEWS];
	uint32_t v;

	if (answer->kind == ANSWER_REFUSED || act->kind == ACT_WORD ||
	    !is_first(m, answer))
		return;
	if (act->incarnation != m->config.incarnation)
		WRONG(w, "an act for another incarnation was obeyed");
	if (age_ns > VIEW_MAX_NS)
		WRONG(w, "an act on a view of %.1f s ago was obeyed",
		    ns_to_s(age_ns));
	v = vm_by_name(w, act->vm);
	if (act->kind != ACT_DESTROY || v == ID_NONE)
		return;
	w->truth[v].destroyed = true;
	if (w->complete[w->site->model.vms[v].env.ix] &&
	    !w->wished_away[w->site->model.vms[v].env.ix])
		WRONG(w, "%s is destroyed, which nobody wished", act->vm);
}

static void check_act(struct world *w, uint32_t h, const struct packet *p,
    const uint8_t *bytes, size_t len)
{
	static struct message_act act;
	struct message_answer answer;
	struct wire_header header;
	struct wire_reader r;

	wire_reader_init(&r, bytes, len);
	if (!wire_get_header(&r, &header) || header.type != MESSAGE_ANSWER ||
	    !message_read_answer(&r, &answer))
		return;
	wire_reader_init(&r, p->bytes, p->len);
	if (wire_get_header(&r, &header) && message_read_act(&r, &act))
		check_obeyed(w, h, &act, &answer);
}

static void note_view(struct world *w, uint32_t h, const uint8_t *bytes,
    size_t len)
{
	static struct host_vm vms[HOST_VMS_MAX];
	static struct message_report report;
	struct wire_header header;
	struct wire_reader r;

	report.sample.vms = vms;
	wire_reader_init(&r, bytes, len);
	if (wire_get_header(&r, &header) && header.type == MESSAGE_REPORT &&
	    message_read_report(&r, &report))
		w->machines[h].views[report.number % VIEWS] = w->hosts.now_ns;
}

static void deliver(struct world *w, struct packet *p)
{
	static uint8_t answer[WIRE_MESSAGE_MAX];
	struct packet packet = *p;
	struct machine *m;
	size_t n;

	p->at_ns = TIME_NEVER;
	snprintf(w->last, sizeof w->last, "a message from %u to %u",
	    packet.from, packet.to);
	if (packet.to == MANAGER) {
		if (w->live)
			live_hear(w->live, w->hosts.now_ns, packet.from,
			    packet.bytes, packet.len);
	} else if (w->machines[packet.to].daemon) {
		m = &w->machines[packet.to];
		w->may_die = w->storm;
		if (setjmp(w->killed) == 0) {
			n = daemon_handle(m->daemon, w->hosts.now_ns,
			    packet.bytes, packet.len, answer, sizeof answer);
			check_act(w, packet.to, &packet, answer, n);
			note_view(w, packet.to, answer, n);
			if (n > 0)
				put_packet(w, packet.to, MANAGER, answer, n);
		} else {
			kill_daemon(w, packet.to);
		}
	}
	free(packet.bytes);
}

static void step_daemon(struct world *w, uint32_t h)
{
	w->may_die = w->storm;
	if (setjmp(w->killed) == 0)
		daemon_step(w->machines[h].daemon, w->hosts.now_ns);
	else
		kill_daemon(w, h);
}

/* --- a policy that does anything ------------------------------------------------- */

struct whim {
	uint64_t random;
};

static uint64_t whim_draw(struct whim *whim, uint64_t n)
{
	whim->random ^= whim->random << 13;
	whim->random ^= whim->random >> 7;
	whim->random ^= whim->random << 17;
	return whim->random % n;
}

static uint64_t whim_seed;

static void *whim_lay_out(struct arena *arena, const struct model *model,
    const double *values)
{
	struct whim *whim = ARENA_TAKE(arena, 1, struct whim);

	(void)model;
	(void)values;
	if (whim)
		whim->random = whim_seed | 1;
	return whim;
}

static void plan_env(struct whim *whim, const struct model *m,
    const struct environment *env, struct plan *plan)
{
	uint32_t group = plan_new_group(plan);

	for (uint32_t i = 0; i < env->n_vms; i++) {
		struct vm_id v = {env->first_vm + i};
		struct action *a = plan_add(plan, ACTION_CREATE, v);

		a->to.ix = (uint32_t)whim_draw(whim, m->n_hosts);
		a->mem_kib = m->vms[v.ix].mem_kib;
		a->weight = 100 + (uint32_t)whim_draw(whim, 300);
		a->group = group;
		a->reason.text = "a whim";
	}
}

static void plan_vm(struct whim *whim, const struct model *m,
    const struct observation *obs, uint32_t v, struct plan *plan)
{
	static const enum action_kind kinds[] = {
	    ACTION_MIGRATE, ACTION_MIGRATE, ACTION_SET_CPU, ACTION_SET_MEM};
	uint64_t draw = whim_draw(whim, 16);
	struct action *a;

	if (draw >= 4 || host_none(obs->vms[v].host))
		return;
	a = plan_add(plan, kinds[draw], (struct vm_id){v});
	a->from = obs->vms[v].host;
	a->to.ix = (uint32_t)whim_draw(whim, m->n_hosts);
	a->weight = 1 + (uint32_t)whim_draw(whim, 1000);
	a->mem_kib = m->vms[v].mem_min_kib +
	    whim_draw(whim, m->vms[v].mem_kib - m->vms[v].mem_min_kib + 1);
	a->reason.text = "a whim";
}

/* What core/observation.h promises of hosts. */
static bool is_sound(
    const struct model *m, const struct vm_observation *vm)
{
	bool moves = vm->state == VM_MIGRATING;

	if (vm_is_placed(vm) != (vm->host.ix < m->n_hosts))
		return false;
	return moves ? vm->target.ix < m->n_hosts &&
		    vm->target.ix != vm->host.ix
		     : host_none(vm->target);
}

static void whim_decide(void *state, const struct model *m,
    const struct observation *obs, struct plan *plan)
{
	for (uint32_t v = 0; v < m->n_vms; v++)
		ck_assert_msg(is_sound(m, &obs->vms[v]), "%s: %s on %u to %u",
		    m->vms[v].name, vm_state_name(obs->vms[v].state),
		    obs->vms[v].host.ix, obs->vms[v].target.ix);
	for (uint32_t e = 0; e < m->n_envs; e++)
		if (obs->envs[e].state == ENV_QUEUED)
			plan_env(state, m, &m->envs[e], plan);
	for (uint32_t v = 0; v < m->n_vms; v++)
		plan_vm(state, m, obs, v, plan);
}

static const struct policy whim_policy = {.abi = POLICY_ABI,
    .name = "whim",
    .lay_out = whim_lay_out,
    .decide = whim_decide};

/* --- the manager ------------------------------------------------------------------ */

static const char *address_of(void *self, uint32_t host)
{
	(void)self;
	(void)host;
	return "192.0.2.1";
}

static bool configure(void *self, uint32_t vm, char config[HOST_CONFIG_MAX],
    struct err *err)
{
	(void)self;
	(void)err;
	snprintf(config, HOST_CONFIG_MAX, "vm %u", vm);
	return true;
}

static void draw_bytes(void *self, void *bytes, size_t n)
{
	struct world *w = self;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)sim_draw(&w->hosts, 256);
}

static void log_line(void *self, const char *text)
{
	const struct world *w = self;

	if (getenv("VIOLIN_LOG"))
		fprintf(stderr, "%9.3f %s\n", ns_to_s(w->hosts.now_ns), text);
}

static void count_move(void *self, const struct live_migration *m)
{
	struct world *w = self;

	w->n_moves++;
	w->n_done += m->done;
}

static void start_live(struct world *w)
{
	struct live_options options = {.poll_ns = 4 * NS_PER_S,
	    .busy_ns = NS_PER_S / 2,
	    .stale_ns = 12 * NS_PER_S,
	    .fresh_ns = 6 * NS_PER_S,
	    .expire_ns = VIEW_MAX_NS + 10 * NS_PER_S};
	const struct live_outside outside = {.self = w,
	    .send = send_packet,
	    .address = address_of,
	    .configure = configure,
	    .random = draw_bytes,
	    .log = log_line,
	    .listener = {.self = w, .migration_ended = count_move}};
	struct manager_options how = {.limits = {0}};
	struct arena count = {0}, real = {0};

	options.generation = w->generation += 1000000;
	w->live = live_new(w->site, &options, &outside, w->hosts.now_ns);
	whim_seed = w->seed * 7919 + w->generation;
	manager_lay_out(
	    &count, &w->site->model, &whim_policy, NULL, &how, NULL);
	real.size = count.used;
	real.base = w->manager_memory =
	    aligned_alloc(64, (count.used + 127) / 64 * 64);
	ck_assert_ptr_nonnull(real.base);
	memset(real.base, 0, real.size);
	w->manager = manager_lay_out(
	    &real, &w->site->model, &whim_policy, NULL, &how, NULL);
	w->live_up_ns = TIME_NEVER;
	w->step_ns = w->hosts.now_ns + PERIOD_NS;
}

static void kill_live(struct world *w)
{
	live_free(w->live);
	free(w->manager_memory);
	w->live = NULL;
	w->manager_memory = NULL;
	w->n_kills++;
	w->live_up_ns = w->hosts.now_ns +
	    sim_draw_ns(&w->hosts, NS_PER_S, 30 * NS_PER_S);
}

static void step_live(struct world *w)
{
	snprintf(w->last, sizeof w->last, "a step of the manager");
	w->step_ns = TIME_NEVER;
	live_refresh(w->live, w->hosts.now_ns);
	w->ask_ns = w->hosts.now_ns + NS_PER_S;
}

static void decide_live(struct world *w)
{
	struct err err = {""};

	w->ask_ns = TIME_NEVER;
	w->step_ns = w->hosts.now_ns + PERIOD_NS;
	snprintf(w->last, sizeof w->last, "a decision");
	if (w->storm &&
	    !manager_step(w->manager, &backend_live, w->live, &err))
		WRONG(w, "the step failed: %s", err.text);
}

static void wish(struct world *w)
{
	uint32_t e = (uint32_t)sim_draw(&w->hosts, w->site->model.n_envs);

	w->wish_ns = w->hosts.now_ns +
	    sim_draw_ns(&w->hosts, 20 * NS_PER_S, 120 * NS_PER_S);
	if (!w->live || !w->storm)
		return;
	snprintf(w->last, sizeof w->last, "a wish");
	if (sim_chance(&w->hosts, 0.3)) {
		if (live_destroy(w->live, e, NULL))
			w->wished_away[e] = true;
	} else if (live_create(w->live, e, NULL)) {
		/* What is left of it goes first. */
		w->wished_away[e] = true;
	}
}

/* --- what must hold after every event ----------------------------------------------- */

struct copies {
	uint32_t running, complete, any;
	uint64_t running_boot;
	uint32_t host;
	bool has_boot; /* of the truth */
};

static void count_copies(struct world *w, struct copies *copies)
{
	memset(copies, 0, w->site->model.n_vms * sizeof *copies);
	for (uint32_t h = 0; h < HOSTS; h++) {
		const struct sim_host_machine *host = &w->hosts.hosts[h];
		uint64_t held_kib = 0;

		for (uint32_t i = 0; i < SIM_VMS; i++) {
			const struct sim_vm *vm = &host->vms[i];
			uint32_t v;

			if (!vm->vm.name[0])
				continue;
			v = vm_by_name(w, vm->vm.name);
			held_kib += vm->vm.mem_kib;
			if (v == ID_NONE)
				WRONG(w, "%s is there", vm->vm.name);
			copies[v].any++;
			copies[v].host = h;
			if (vm->boot && vm->boot == w->truth[v].boot)
				copies[v].has_boot = true;
			if (w->site->model.vms[v].is_head && vm->boot &&
			    vm->boot == w->truth[v].boot &&
			    h != w->truth[v].first_host)
				WRONG(w, "the head VM %s is on h%u",
				    vm->vm.name, h + 1);
			if (vm->vm.state != HOST_VM_RUNNING)
				continue;
			copies[v].running++;
			copies[v].running_boot = vm->boot;
		}
		if (held_kib > host->mem_kib)
			WRONG(w, "h%u is over-committed", h + 1);
	}
}

static void check_vm(struct world *w, uint32_t v, const struct copies *c)
{
	struct truth *truth = &w->truth[v];
	const char *name = w->site->model.vms[v].name;

	if (c->running > 1)
		WRONG(w, "%s runs twice", name);
	if (truth->boot && !c->has_boot) {
		if (!truth->destroyed)
			WRONG(w, "%s is lost", name);
		*truth = (struct truth){0};
	}
	if (truth->boot && c->running && c->running_boot != truth->boot)
		WRONG(w, "%s was made twice", name);
	if (!truth->boot && c->running)
		*truth = (struct truth){
		    .boot = c->running_boot, .first_host = c->host};
}

static void check_world(struct world *w)
{
	struct copies copies[MAX_VMS];
	const struct model *m = &w->site->model;

	count_copies(w, copies);
	for (uint32_t v = 0; v < m->n_vms; v++)
		check_vm(w, v, &copies[v]);
	for (uint32_t e = 0; e < m->n_envs; e++) {
		uint32_t running = 0, any = 0;

		for (uint32_t i = 0; i < m->envs[e].n_vms; i++) {
			running += copies[m->envs[e].first_vm + i].running;
			any += copies[m->envs[e].first_vm + i].any;
		}
		if (any == 0)
			w->complete[e] = w->wished_away[e] = false;
		if (running == m->envs[e].n_vms)
			w->complete[e] = true;
	}
}

/* --- and when the faults have ended ---------------------------------------------------- */

static void check_end(struct world *w)
{
	struct copies copies[MAX_VMS];
	struct vm_observation vms[MAX_VMS];
	struct env_observation envs[MAX_VMS];

	count_copies(w, copies);
	live_view(w->live, envs, vms);
	if (live_n_moves(w->live) || live_n_acts(w->live))
		WRONG(w, "%u hand-overs and %u acts are left over",
		    live_n_moves(w->live), live_n_acts(w->live));
	for (uint32_t v = 0; v < w->site->model.n_vms; v++) {
		const char *name = w->site->model.vms[v].name;
		bool known = vms[v].state == VM_RUNNING;

		if (copies[v].any > 1)
			WRONG(w, "%s has %u copies", name, copies[v].any);
		if (copies[v].any != copies[v].running)
			WRONG(w, "%s is left and does not run", name);
		if (known != (copies[v].any == 1) ||
		    (known && vms[v].host.ix != copies[v].host))
			WRONG(w, "the manager is wrong about %s", name);
	}
	for (uint32_t h = 0; h < HOSTS; h++)
		if (w->machines[h].n_journal > 0)
			WRONG(w, "h%u's journal is not empty", h + 1);
}

/* --- a world ------------------------------------------------------------------------- */

static void cut(struct world *w, uint32_t a, uint32_t b, bool works)
{
	w->hosts.reachable[a][b] = w->hosts.reachable[b][a] = works;
}

static void fault(struct world *w)
{
	uint32_t h = (uint32_t)sim_draw(&w->hosts, HOSTS);
	uint32_t other = (uint32_t)sim_draw(&w->hosts, HOSTS + 1);

	w->fault_ns = w->hosts.now_ns +
	    sim_draw_ns(&w->hosts, NS_PER_S, 30 * NS_PER_S);
	switch (sim_draw(&w->hosts, 8)) {
	case 0:
		snprintf(w->last, sizeof w->last, "killed h%u", h + 1);
		if (w->machines[h].daemon)
			kill_daemon(w, h);
		break;
	case 1:
		snprintf(w->last, sizeof w->last, "killed the manager");
		if (w->live)
			kill_live(w);
		break;
	case 2:
	case 3:
		snprintf(w->last, sizeof w->last, "cut %u from %u", h, other);
		if (h != other)
			cut(w, h, other, false);
		break;
	case 4:
		w->loss = 0.3 * (double)sim_draw(&w->hosts, 3) / 2;
		break;
	default:
		snprintf(w->last, sizeof w->last, "healed the network");
		for (uint32_t a = 0; a <= HOSTS; a++)
			cut(w, h, a, true);
	}
	sim_links_cut(&w->hosts);
}

static void calm(struct world *w)
{
	w->storm = false;
	w->loss = w->hosts.failure = 0;
	w->fault_ns = TIME_NEVER;
	for (uint32_t a = 0; a <= HOSTS; a++)
		for (uint32_t b = 0; b <= HOSTS; b++)
			w->hosts.reachable[a][b] = true;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_ns(const struct world *w)
{
	int64_t next = least(w->fault_ns, w->wish_ns);

	for (size_t i = 0; i < PACKETS; i++)
		next = least(next, w->packets[i].at_ns);
	for (uint32_t h = 0; h < HOSTS; h++) {
		next = least(next, w->machines[h].up_ns);
		if (!w->machines[h].daemon)
			continue;
		next = least(next, daemon_next(w->machines[h].daemon));
		next = least(next, sim_host_next(&w->hosts.hosts[h]));
	}
	next = least(next, w->live_up_ns);
	if (w->live)
		next = least(least(next, live_next(w->live)),
		    least(w->step_ns, w->ask_ns));
	return next > w->hosts.now_ns ? next : w->hosts.now_ns;
}

static void step_machines(struct world *w)
{
	int64_t now_ns = w->hosts.now_ns;

	for (uint32_t h = 0; h < HOSTS; h++) {
		struct machine *m = &w->machines[h];

		if (m->up_ns <= now_ns) {
			snprintf(w->last, sizeof w->last, "start of h%u",
			    h + 1);
			start_daemon(w, h);
		}
		if (!m->daemon ||
		    (daemon_next(m->daemon) > now_ns &&
		        sim_host_next(&w->hosts.hosts[h]) > now_ns))
			continue;
		snprintf(w->last, sizeof w->last, "a step of h%u", h + 1);
		step_daemon(w, h);
		check_world(w);
	}
}

static void step_world(struct world *w)
{
	int64_t now_ns = w->hosts.now_ns = next_ns(w);

	for (size_t i = 0; i < PACKETS; i++) {
		if (w->packets[i].at_ns > now_ns)
			continue;
		deliver(w, &w->packets[i]);
		check_world(w);
	}
	step_machines(w);
	if (w->fault_ns <= now_ns)
		fault(w);
	if (w->wish_ns <= now_ns)
		wish(w);
	if (w->live_up_ns <= now_ns)
		start_live(w);
	if (w->live && live_next(w->live) <= now_ns)
		live_tick(w->live, now_ns);
	if (w->live && w->ask_ns <= now_ns)
		decide_live(w);
	if (w->live && w->step_ns <= now_ns)
		step_live(w);
	check_world(w);
}

static struct scenario *make_site(void)
{
	static char names[MAX_VMS][16];
	struct scenario *site = site_new(2, HOSTS / 2);

	site_set_hosts(site, 2000, 2 * KIB_PER_GIB);
	for (uint32_t i = 0; i < 3; i++)
		site_add_env(site, 2 + i, true,
		    site_add_workload(site, (struct workload){0}));
	ck_assert_uint_le(site->model.n_vms, MAX_VMS);
	for (uint32_t v = 0; v < site->model.n_vms; v++) {
		snprintf(names[v], sizeof names[v], "vm%u", v);
		site_vm(site, v)->name = names[v];
		site_vm(site, v)->mem_kib = 256 * KIB_PER_MIB;
		site_vm(site, v)->mem_min_kib = 128 * KIB_PER_MIB;
		site_vm(site, v)->mem_max_kib = 256 * KIB_PER_MIB;
	}
	return site;
}

static void init_world(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	w->seed = seed;
	w->storm = true;
	w->site = make_site();
	sim_hosts_init(&w->hosts, HOSTS + 1, 2 * KIB_PER_GIB, seed);
	w->hosts.failure = 0.02;
	for (size_t i = 0; i < PACKETS; i++)
		w->packets[i].at_ns = TIME_NEVER;
	for (uint32_t h = 0; h < HOSTS; h++) {
		places[h] = (struct place){w, h};
		w->machines[h].config = (struct daemon_config){
		    .host = w->site->model.hosts[h].name,
		    .sample_min_ns = 100 * NS_PER_MS,
		    .view_max_ns = VIEW_MAX_NS,
		    .connect_ns = 10 * NS_PER_S,
		    .transfer_ns = 40 * NS_PER_S,
		    .answer_ns = 10 * NS_PER_S,
		    .retry_ns = 2 * NS_PER_S,
		    .max_handovers = 4};
		start_daemon(w, h);
	}
	w->fault_ns = 20 * NS_PER_S;
	w->wish_ns = 30 * NS_PER_S;
	w->ask_ns = TIME_NEVER;
	start_live(w);
}

static void run_world(struct world *w, uint64_t seed)
{
	init_world(w, seed);
	while (w->hosts.now_ns < STORM_NS)
		step_world(w);
	calm(w);
	while (w->hosts.now_ns < STORM_NS + CALM_NS)
		step_world(w);
	check_end(w);
	total_moves += w->n_moves;
	total_done += w->n_done;
	total_kills += w->n_kills;
	for (uint32_t v = 0; v < w->site->model.n_vms; v++)
		total_left += w->truth[v].boot != 0;
	drop_packets(w);
	for (uint32_t h = 0; h < HOSTS; h++)
		daemon_free(w->machines[h].daemon);
	if (w->live)
		live_free(w->live);
	free(w->manager_memory);
	site_free(w->site);
}

START_TEST(whatever_fails_each_vm_runs_in_one_place_and_the_manager_knows)
{
	const char *one = getenv("VIOLIN_SEED"), *many = getenv("VIOLIN_SEEDS");
	uint64_t n = many ? strtoull(many, NULL, 10) : SEEDS;
	uint64_t first = one ? strtoull(one, NULL, 10) : 1;
	static struct world w;

	for (uint64_t seed = first; seed < first + (one ? 1 : n); seed++)
		run_world(&w, seed);
	printf("live world: seeds %" PRIu64 "..%" PRIu64 ", %" PRIu64
	       " kills, %" PRIu64 " migrations, %" PRIu64 " of them done, "
	       "%" PRIu64 " VMs at the end\n",
	    first, first + (one ? 1 : n) - 1, total_kills, total_moves,
	    total_done, total_left);
	/* The storms leave something to check. */
	ck_assert_uint_gt(total_done, 0);
	ck_assert_uint_gt(total_moves, total_done);
	ck_assert_uint_gt(total_left, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live world");
	TCase *tcase = tcase_create("seeds");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 0);
	tcase_add_test(tcase,
	    whatever_fails_each_vm_runs_in_one_place_and_the_manager_knows);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
