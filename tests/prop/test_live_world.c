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
#include "tests/prop/live_world.h"
#include "tests/prop/whim.h"
#include "tests/support.h"

/* Under sanitizers each takes ten times as long. */
#ifdef __SANITIZE_ADDRESS__
#define SEEDS 100
#else
#define SEEDS 1000
#endif

static uint64_t total_moves, total_kills, total_done, total_left;
static uint64_t total_measured, total_cut;

/* The manager. */

static void count_move(void *self, const struct live_migration *m)
{
	struct world *w = self;

	w->n_moves++;
	w->n_done += m->done;
	w->n_measured += m->network_ns >= 0;
	if (m->network_ns > TUNNEL_TELL_NS + w->machines[0].config.retry_ns)
		WRONG(w, "a network was waited for %.1f s",
		    ns_to_s(m->network_ns));
}

static void start_live(struct world *w)
{
	struct live_options options = {.poll_ns = 4 * NS_PER_S,
	    .busy_ns = NS_PER_S / 2,
	    .stale_ns = 12 * NS_PER_S,
	    .fresh_ns = 6 * NS_PER_S,
	    .expire_ns = VIEW_MAX_NS + 10 * NS_PER_S};
	struct live_outside outside = outside_of(w);
	struct manager_options how = {.limits = {0}};
	struct arena count = {0}, real = {0};

	outside.listener.self = w;
	outside.listener.migration_ended = count_move;
	options.generation = w->generation += 1000000;
	w->live = live_new(w->site, &options, &outside, w->hosts.now_ns);
	for (uint32_t e = 0; e < w->site->model.n_envs; e++) {
		if (w->making[e])
			live_recall(w->live, e, LIVE_MAKING);
		if (w->unwanted[e])
			live_recall(w->live, e, LIVE_UNWANTED);
	}
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

/* Steps at which a manager saw that an environment had no network. */
static void count_cut(struct world *w)
{
	struct vm_observation vms[MAX_VMS];
	struct env_observation envs[MAX_VMS];

	live_view(w->live, envs, vms);
	for (uint32_t e = 0; e < w->site->model.n_envs; e++)
		total_cut += !envs[e].network_up;
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
	count_cut(w);
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
			w->wished_away[e] = w->unwanted[e] = true;
	} else if (live_create(w->live, e, NULL)) {
		/* What is left of it goes first. */
		w->wished_away[e] = true;
		w->unwanted[e] = false;
	}
}

/* What must hold after every event. */

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

/* And when the faults have ended. */

/* All of it runs, or nothing: what a manager had half made when it died, the
 * next has undone. */
static void check_whole(
    const struct world *w, uint32_t e, const struct copies *copies)
{
	const struct environment *env = &w->site->model.envs[e];
	uint32_t running = 0;

	for (uint32_t i = 0; i < env->n_vms; i++)
		running += copies[env->first_vm + i].running;
	if (running > 0 && running < env->n_vms)
		WRONG(w, "%u VMs of %u of environment %u are there", running,
		    env->n_vms, e);
}

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
	for (uint32_t e = 0; e < w->site->model.n_envs; e++)
		if (!envs[e].network_up)
			WRONG(w, "%s has no network",
			    w->site->model.envs[e].name);
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
	for (uint32_t e = 0; e < w->site->model.n_envs; e++)
		check_whole(w, e, copies);
	for (uint32_t h = 0; h < HOSTS; h++)
		if (w->machines[h].n_journal > 0)
			WRONG(w, "h%u's journal is not empty", h + 1);
}

/* A world. */

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
		next = least(next, tunnel_next(&w->machines[h]));
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
		        tunnel_next(m) > now_ns &&
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
		    .sample_min_ns = NS_PER_S,
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
	total_measured += w->n_measured;
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
	       "the network of %" PRIu64 " measured, %" PRIu64
	       " VMs at the end\n",
	    first, first + (one ? 1 : n) - 1, total_kills, total_moves,
	    total_done, total_measured, total_left);
	/* The storms leave something to check. */
	ck_assert_uint_gt(total_done, 0);
	ck_assert_uint_gt(total_moves, total_done);
	/* Some daemons die before they have asked; most do not. */
	ck_assert_uint_le(total_measured, total_done);
	ck_assert_uint_gt(total_measured, total_done / 2);
	ck_assert_uint_gt(total_cut, 0);
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
