/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What core/backend.h promises, asked of every backend by the same body: a
 * policy that makes an environment, changes shares and memory, moves a VM,
 * and looks at each observation.  It runs over the simulated world, and over
 * the live manager with monitoring daemons on simulated hosts.
 */
#include "tests/prop/live_world.h"
#include "tests/support.h"

enum { WEIGHT = 512, LATER_WEIGHT = 300, CAP = 500, PATIENCE = 30 };

enum step { CREATE, CREATING, CHANGING, MOVING, SAMPLING, OVER };

/* The body's state: outside of the policy, so that the test can look. */
static struct body {
	enum step step;
	uint64_t sequence, since; /* of the observation; of the step */
	uint32_t n_actions, n_done, n_other;
	int64_t now_ns;
	bool saw_migrating;
} body;

static void *body_lay_out(struct arena *arena, const struct model *model,
    const double *values)
{
	(void)model;
	(void)values;
	return ARENA_TAKE(arena, 1, char);
}

static struct action *ask(
    struct plan *plan, enum action_kind kind, uint32_t vm, uint32_t from)
{
	struct action *a = plan_add(plan, kind, (struct vm_id){vm});

	a->from.ix = kind == ACTION_CREATE ? ID_NONE : from;
	a->reason.text = "the contract";
	body.n_actions++;
	return a;
}

static void enter(enum step step)
{
	body.step = step;
	body.since = body.sequence;
}

static void create_all(const struct model *m, const struct observation *obs,
    struct plan *plan)
{
	uint32_t group = plan_new_group(plan);

	if (obs->envs[0].state != ENV_QUEUED)
		return;
	for (uint32_t v = 0; v < m->n_vms; v++) {
		struct action *a = ask(plan, ACTION_CREATE, v, ID_NONE);

		ck_assert_int_eq(obs->vms[v].state, VM_QUEUED);
		ck_assert(host_none(obs->vms[v].host));
		a->to.ix = 0;
		a->group = group;
		a->weight = WEIGHT;
		a->mem_kib = m->vms[v].mem_kib;
	}
	enter(CREATING);
}

static void await_created(const struct model *m,
    const struct observation *obs, struct plan *plan)
{
	for (uint32_t v = 0; v < m->n_vms; v++) {
		const struct vm_observation *vm = &obs->vms[v];

		ck_assert(vm_is_placed(vm));
		ck_assert_uint_eq(vm->host.ix, 0);
		ck_assert(host_none(vm->target));
		ck_assert_uint_eq(vm->mem_alloc_kib, m->vms[v].mem_kib);
		if (vm->state != VM_RUNNING || vm->weight != WEIGHT)
			return;
	}
	ck_assert_int_eq(obs->envs[0].state, ENV_RUNNING);
	ask(plan, ACTION_SET_CPU, 1, 0)->weight = LATER_WEIGHT;
	plan->actions[plan->n_actions - 1].cap_mcpu = CAP;
	ask(plan, ACTION_SET_MEM, 2, 0)->mem_kib = m->vms[2].mem_min_kib;
	enter(CHANGING);
}

static void await_changed(const struct model *m,
    const struct observation *obs, struct plan *plan)
{
	if (obs->vms[1].weight != LATER_WEIGHT ||
	    obs->vms[1].cap_mcpu != CAP ||
	    obs->vms[2].mem_alloc_kib != m->vms[2].mem_min_kib)
		return;
	ck_assert_uint_eq(
	    obs->vms[2].mem_target_kib, m->vms[2].mem_min_kib);
	ck_assert_uint_ge(obs->hosts[1].mem_free_kib, m->vms[1].mem_kib);
	ask(plan, ACTION_MIGRATE, 1, 0)->to.ix = 1;
	enter(MOVING);
}

static void await_moved(const struct observation *obs)
{
	const struct vm_observation *vm = &obs->vms[1];

	if (vm->state == VM_MIGRATING) {
		ck_assert_uint_eq(vm->host.ix, 0);
		ck_assert_uint_eq(vm->target.ix, 1);
		body.saw_migrating = true;
	} else {
		ck_assert_int_eq(vm->state, VM_RUNNING);
		ck_assert(host_none(vm->target));
		if (vm->host.ix == 1)
			enter(SAMPLING);
	}
}

static void await_sample(const struct observation *obs)
{
	const struct vm_observation *vm = &obs->vms[1];

	ck_assert_uint_eq(vm->host.ix, 1);
	if (!vm_is_sampled(obs, vm))
		return;
	ck_assert_int_gt(vm->since_ns, 0);
	ck_assert_uint_gt(vm->cpu_used_mcpu, 0);
	ck_assert_uint_le(vm->cpu_used_mcpu, 1000);
	ck_assert_int_eq(obs->envs[0].moved_ns, -1); /* within its domain */
	enter(OVER);
}

static void body_decide(void *state, const struct model *m,
    const struct observation *obs, struct plan *plan)
{
	bool first = obs->sequence == 0;

	(void)state;
	ck_assert_uint_eq(obs->sequence, first ? 0 : body.sequence + 1);
	ck_assert_int_eq(
	    obs->period_ns, first ? 0 : obs->now_ns - body.now_ns);
	body.sequence = obs->sequence;
	body.now_ns = obs->now_ns;
	if (body.step != OVER)
		ck_assert_uint_le(obs->sequence - body.since, PATIENCE);
	if (body.step == CREATE)
		create_all(m, obs, plan);
	else if (body.step == CREATING)
		await_created(m, obs, plan);
	else if (body.step == CHANGING)
		await_changed(m, obs, plan);
	else if (body.step == MOVING)
		await_moved(obs);
	else if (body.step == SAMPLING)
		await_sample(obs);
}

static const struct policy body_policy = {.abi = POLICY_ABI,
    .name = "contract",
    .lay_out = body_lay_out,
    .decide = body_decide};

static void body_heard(void *self, const struct outcome *outcome)
{
	(void)self;
	body.n_done += outcome->kind == OUTCOME_DONE;
	body.n_other += outcome->kind != OUTCOME_DONE;
}

static const struct manager_listener listener = {.heard = body_heard};

static void check_body(void)
{
	ck_assert_int_eq(body.step, OVER);
	ck_assert_uint_eq(body.n_actions, 6);
	ck_assert_uint_eq(body.n_done, body.n_actions);
	ck_assert_uint_eq(body.n_other, 0);
}

/* A head and two VMs that are always busy, a domain of two hosts. */
static struct scenario *make_site(void)
{
	static const char *const names[] = {"vm0", "vm1", "vm2"};
	struct scenario *site = site_new(1, HOSTS);
	struct workload busy = {.kind = WORKLOAD_CONSTANT,
	    .demand_mcpu = 900,
	    .duration_ns = TIME_NEVER,
	    .mem_used_kib = 64 * KIB_PER_MIB};

	site_set_hosts(site, 4000, 2 * KIB_PER_GIB);
	site_add_env(site, 2, true, site_add_workload(site, busy));
	for (uint32_t v = 0; v < 3; v++) {
		site_vm(site, v)->name = names[v];
		site_vm(site, v)->mem_kib = 256 * KIB_PER_MIB;
		site_vm(site, v)->mem_min_kib = 128 * KIB_PER_MIB;
		site_vm(site, v)->mem_max_kib = 256 * KIB_PER_MIB;
	}
	return site;
}

START_TEST(the_simulated_world_keeps_the_contract)
{
	struct scenario *site = make_site();
	const struct sim_listener tell = {.manager = listener};
	struct sim *sim;

	body = (struct body){0};
	site->stop_ns = 600 * NS_PER_S;
	sim = site_sim(site, &body_policy, &tell);
	ck_assert(sim_run(sim, NULL));
	check_body();
	sim_free(sim);
	site_free(site);
}
END_TEST

/* All that is due by now, of daemons and of the network. */
static void pass(struct world *w, int64_t ns)
{
	for (int64_t end_ns = w->hosts.now_ns + ns; w->hosts.now_ns < end_ns;
	     w->hosts.now_ns += 5 * NS_PER_MS) {
		for (size_t i = 0; i < PACKETS; i++)
			if (w->packets[i].at_ns <= w->hosts.now_ns)
				deliver(w, &w->packets[i]);
		for (uint32_t h = 0; h < HOSTS; h++)
			step_daemon(w, h);
		if (live_next(w->live) <= w->hosts.now_ns)
			live_tick(w->live, w->hosts.now_ns);
	}
}

static void open_world(struct world *w)
{
	struct live_options options = live_usual;
	const struct live_outside outside = outside_of(w);

	w->site = make_site();
	sim_hosts_init(&w->hosts, HOSTS + 1, 2 * KIB_PER_GIB, 1);
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
	options.generation = 1;
	w->live = live_new(w->site, &options, &outside, 0);
}

static void close_world(struct world *w)
{
	drop_packets(w);
	for (uint32_t h = 0; h < HOSTS; h++)
		daemon_free(w->machines[h].daemon);
	live_free(w->live);
	free(w->manager_memory);
	site_free(w->site);
}

START_TEST(the_live_manager_keeps_the_contract)
{
	static struct world w;
	struct manager_options how = {.dry_run = false};
	struct arena count = {0}, real = {0};

	body = (struct body){0};
	open_world(&w);
	manager_lay_out(
	    &count, &w.site->model, &body_policy, NULL, &how, &listener);
	real.size = count.used;
	real.base = w.manager_memory =
	    aligned_alloc(64, (count.used + 127) / 64 * 64);
	ck_assert_ptr_nonnull(real.base);
	memset(real.base, 0, real.size);
	w.manager = manager_lay_out(
	    &real, &w.site->model, &body_policy, NULL, &how, &listener);
	pass(&w, 5 * NS_PER_S);
	while (body.step != OVER || body.n_done < body.n_actions) {
		live_refresh(w.live, w.hosts.now_ns);
		pass(&w, 2 * NS_PER_S);
		ck_assert(
		    manager_step(w.manager, &backend_live, w.live, NULL));
	}
	check_body();
	ck_assert(body.saw_migrating);
	close_world(&w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backends");
	TCase *tcase = tcase_create("contract");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 0);
	tcase_add_test(tcase, the_simulated_world_keeps_the_contract);
	tcase_add_test(tcase, the_live_manager_keeps_the_contract);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
