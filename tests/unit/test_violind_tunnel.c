/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual network follows migrations, creations and destructions: what
 * the monitoring daemon claims (backends/monitor/tunnel.h), in which order,
 * and that in the end all know where the VM is, whatever failed or died.
 */
#include "tests/unit/tunnel_world.h"

/* Claims. */

START_TEST(network_switches_before_the_vm_speaks)
{
	struct world *w = world_new(0, false);

	move(w);
	ck_assert_int_eq(check_place(w), B);
	ck_assert_str_eq(w->log, "b:ARRIVES b:STARTS b:unpause a:destroy "
	                         "a:LEAVES ");
	world_free(w);
}
END_TEST

START_TEST(vm_that_does_not_start_gives_its_traffic_back)
{
	struct world *w = world_new(0, false);

	w->machines[B].unpause_fails = true;
	move(w);
	ck_assert_int_eq(check_place(w), A);
	ck_assert_str_eq(w->log, "b:ARRIVES b:STARTS b:LEAVES b:destroy "
	                         "a:resume ");
	world_free(w);
}
END_TEST

START_TEST(vm_that_does_not_start_has_no_network_to_wait_for)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	struct daemon_handover *h;

	b->unpause_fails = true;
	b->whole_ns = TIME_NEVER;
	begin(w);
	for (int i = 0; i < 20; i++) {
		daemon_step(w->machines[A].daemon, w->now_ns);
		daemon_step(b->daemon, w->now_ns);
	}
	h = daemon_handover_find(b->daemon, MOVE);
	ck_assert_int_eq(h->state, TARGET_DISCARDED);
	ck_assert_int_eq(h->network, NETWORK_UNKNOWN);
	world_free(w);
}
END_TEST

/* The target's word is lost: what the source says of itself is enough. */
START_TEST(source_takes_its_traffic_back_without_the_target)
{
	struct world *w = world_new(0, false);

	w->machines[B].unpause_fails = true;
	w->machines[B].deaf_after = 2;
	move(w);
	ck_assert_int_eq(check_place(w), A);
	ck_assert_str_eq(w->log, "b:ARRIVES b:STARTS b:destroy a:STAYS "
	                         "a:resume ");
	world_free(w);
}
END_TEST

START_TEST(newest_claim_alone_is_repeated)
{
	struct world *w = world_new(0, false);
	struct daemon *b = w->machines[B].daemon;
	const struct location_claim claim = {.n_macs = 1, .macs = {mac}};

	w->machines[B].deaf = 1;
	daemon_tunnel_claim(b, &claim, LOCATION_ARRIVES);
	daemon_tunnel_claim(b, &claim, LOCATION_STAYS);
	/* The first could not be sent, and must not come after the second. */
	ck_assert_str_eq(w->log, "b:STAYS ");
	daemon_step(b, w->now_ns);
	ck_assert_int_eq(daemon_next(b), TIME_NEVER);
	daemon_step(b, w->now_ns + NS_PER_S);
	ck_assert_str_eq(w->log, "b:STAYS ");
	ck_assert_uint_eq(w->machines[B].n_claims, 2);
	world_free(w);
}
END_TEST

START_TEST(abort_before_the_switch_undoes_the_preparation)
{
	struct world *w = world_new(0, true);

	begin(w);
	for (int i = 0; i < 20 && w->machines[B].record.state != TARGET_READY;
	     i++) {
		daemon_step(w->machines[A].daemon, w->now_ns);
		daemon_step(w->machines[B].daemon, w->now_ns);
	}
	ck_assert_str_eq(
	    location_find(&w->machines[B].table, mac)->standby, "b");
	act(&w->machines[B],
	    (struct message_act){.kind = ACT_WORD, .word = WORD_ABORT});
	for (int i = 0; i < 10; i++)
		turn(w);
	ck_assert_int_eq(check_place(w), A);
	ck_assert_ptr_null(strstr(w->log, "STARTS"));
	world_free(w);
}
END_TEST

/* Each side, at each of its steps, until there are no more. */
START_TEST(either_side_killed_anywhere_leaves_the_network_right)
{
	bool late = _i;
	uint32_t at = 0, n_places[HOSTS] = {0};
	struct world *w;

	do {
		w = world_new(++at, late);
		move(w);
		n_places[check_place(w)]++;
		bool died = w->killed != NULL;
		world_free(w);
		if (!died)
			break;
	} while (at < 1000);
	/* Not all at one end: some died before it was decided, some after. */
	ck_assert_uint_gt(n_places[A], 5);
	ck_assert_uint_gt(n_places[B], 5);
}
END_TEST

/* Who has heard? */

START_TEST(network_that_is_whole_before_the_vm_runs_takes_no_time)
{
	struct world *w = world_new(0, false);
	struct daemon_handover *h = hand_over(w);

	ck_assert_int_eq(h->network, NETWORK_WHOLE);
	ck_assert_uint_eq(
	    daemon_tunnel_network_ns(w->machines[B].daemon, h), 0);
	ck_assert_uint_eq(w->machines[B].n_asked, 0);
	ck_assert_int_eq(daemon_next(w->machines[B].daemon), TIME_NEVER);
	world_free(w);
}
END_TEST

START_TEST(network_waits_until_the_last_host_has_heard)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	int64_t start_ns = w->now_ns;
	struct daemon_handover *h;

	b->whole_ns = start_ns + 42 * NS_PER_MS;
	h = hand_over(w);
	ck_assert_int_eq(h->network, NETWORK_WAITS);
	/* Not in the step in which it began to run: that took its time. */
	ck_assert_uint_eq(b->n_asked, 0);
	run_b(w, start_ns + 40 * NS_PER_MS);
	ck_assert_int_eq(h->network, NETWORK_WAITS);
	ck_assert_uint_le(daemon_tunnel_network_ns(b->daemon, h),
	    40 * NS_PER_MS);
	ck_assert_uint_ge(daemon_tunnel_network_ns(b->daemon, h),
	    39 * NS_PER_MS);
	run_b(w, start_ns + NS_PER_S);
	ck_assert_int_eq(h->network, NETWORK_WHOLE);
	/* Asked every 5 ms since the step after it ran. */
	ck_assert_uint_eq(
	    daemon_tunnel_network_ns(b->daemon, h), 45 * NS_PER_MS);
	ck_assert_int_eq(daemon_next(b->daemon), TIME_NEVER);
	world_free(w);
}
END_TEST

START_TEST(host_that_never_hears_holds_up_nobody)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	int64_t start_ns = w->now_ns;
	struct daemon_handover *h;

	b->whole_ns = TIME_NEVER;
	h = hand_over(w);
	run_b(w, start_ns + TUNNEL_TELL_NS - NS_PER_S);
	ck_assert_int_eq(h->network, NETWORK_WAITS);
	run_b(w, start_ns + TUNNEL_TELL_NS + 2 * NS_PER_S);
	ck_assert_int_eq(h->network, NETWORK_UNKNOWN);
	ck_assert_uint_eq(daemon_tunnel_network_ns(b->daemon, h), 0);
	ck_assert_int_eq(daemon_next(b->daemon), TIME_NEVER);
	/* Two hundred in the first second, then one a second. */
	ck_assert_uint_le(b->n_asked, 200 + 60 + 2);
	world_free(w);
}
END_TEST

/* An answer now would be about where the VM was before. */
START_TEST(nobody_is_asked_before_the_claim_is_heard)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	int64_t start_ns = w->now_ns;
	struct daemon_handover *h;

	w->heard_all = false;
	b->deaf = 4; /* arrives, starts, and that 50 and 150 ms later */
	h = hand_over(w);
	run_b(w, start_ns + 340 * NS_PER_MS);
	ck_assert_int_eq(h->network, NETWORK_WAITS);
	ck_assert_uint_eq(b->n_asked, 0);
	run_b(w, start_ns + 360 * NS_PER_MS);
	ck_assert_int_eq(h->network, NETWORK_WHOLE);
	ck_assert_uint_ge(
	    daemon_tunnel_network_ns(b->daemon, h), 349 * NS_PER_MS);
	world_free(w);
}
END_TEST

START_TEST(vm_of_no_environment_has_no_network_to_wait_for)
{
	struct world *w = world_new(0, false);
	struct daemon_handover *h;

	w->machines[B].stranger = true;
	h = hand_over(w);
	ck_assert_int_eq(h->network, NETWORK_UNKNOWN);
	ck_assert_int_eq(daemon_next(w->machines[B].daemon), TIME_NEVER);
	world_free(w);
}
END_TEST

/* It may be long past, and the VM here again. */
START_TEST(hand_over_that_is_over_claims_nothing_at_a_restart)
{
	struct world *w = world_new(0, false);
	struct machine *a = &w->machines[A];

	bury(a);
	a->record = (struct journal_entry){
	    .id = MOVE, .state = SOURCE_MOVED, .vm = "V1"};
	start(a);
	ck_assert_uint_eq(a->n_claims, 0);
	bury(a);
	a->record.state = SOURCE_TAKING_BACK;
	start(a);
	ck_assert_uint_eq(a->n_claims, 1);
	world_free(w);
}
END_TEST

START_TEST(forgotten_hand_over_claims_what_is_not_already_another_s)
{
	for (int moves_on = 0; moves_on < 2; moves_on++) {
		struct world *w = world_new(0, false);
		struct daemon_handover *h = hand_over(w);
		struct machine *b = &w->machines[B];
		uint32_t n_claims = b->n_claims;

		if (moves_on)
			ck_assert_ptr_nonnull(daemon_handover_begin(b->daemon,
			    MOVE + 1, SOURCE_CALLING, "V1", NULL));
		daemon_handover_forget(b->daemon, h);
		ck_assert_uint_eq(b->n_claims, n_claims + !moves_on);
		world_free(w);
	}
}
END_TEST

START_TEST(report_says_how_the_network_is)
{
	static uint8_t in[WIRE_HEADER_BYTES + 8], out[WIRE_MESSAGE_MAX];
	static struct host_vm vms[HOST_VMS_MAX];
	static struct message_report report = {.sample.vms = vms};
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	struct message_observe observe = {0};
	struct wire_header header;
	struct wire_writer writer;
	struct wire_reader r;
	size_t len;

	b->whole_ns = TIME_NEVER;
	hand_over(w);
	run_b(w, w->now_ns + 100 * NS_PER_MS);
	wire_writer_init(&writer, in, sizeof(in));
	ck_assert(message_write_observe(&writer, 1, &observe));
	len = daemon_handle(b->daemon, w->now_ns, in, writer.len, out,
	    sizeof(out));
	wire_reader_init(&r, out, len);
	ck_assert(wire_get_header(&r, &header));
	ck_assert(message_read_report(&r, &report));
	ck_assert_uint_eq(report.n_handovers, 1);
	ck_assert_int_eq(report.handovers[0].network, NETWORK_WAITS);
	ck_assert_uint_ge(report.handovers[0].network_ns, 99 * NS_PER_MS);
	ck_assert_uint_le(report.handovers[0].network_ns, 100 * NS_PER_MS);
	world_free(w);
}
END_TEST

START_TEST(vm_is_told_of_when_it_is_made_and_destroyed)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	struct message_act create = {.kind = ACT_CREATE};

	strcpy(create.config, guest);
	vm_of(&w->machines[A], "V1")->name[0] = '\0';
	ck_assert_int_eq(act(b, create), ANSWER_PENDING);
	daemon_step(b->daemon, w->now_ns);
	ck_assert_int_eq(check_place(w), B);
	/* One that is refused says nothing of the one that is there. */
	ck_assert_int_eq(act(b, create), ANSWER_REFUSED);
	ck_assert_int_eq(check_place(w), B);
	act(b, (struct message_act){.kind = ACT_DESTROY});
	daemon_step(b->daemon, w->now_ns);
	ck_assert_str_eq(location_find(&b->table, mac)->host, "");
	ck_assert_str_eq(w->log, "b:STAYS b:destroy b:ENDS ");
	world_free(w);
}
END_TEST

/* Configurations. */

START_TEST(macs_are_found_in_either_language)
{
	static const struct {
		const char *config;
		uint32_t n;
	} cases[] = {
	    {"vif = [ 'mac=02:00:00:00:00:01,bridge=x' ]", 1},
	    {"vif=[\"bridge=x, mac = 02:00:00:00:00:01\",\n"
	     "     \"mac=02:00:00:00:00:02\"]",
	        2},
	    {"\"nics\": [ { \"mac\": \"02:00:00:00:00:01\" } ]", 1},
	    {"\"mac\": \"02:00:00:00:00:01\", \"mac\":\"02:00:00:00:00:01\"",
	        1},
	    {"vif = [ 'mac=0A:00:00:00:00:01' ]", 1},
	    {"# vif = [ 'mac=02:00:00:00:00:01' ]\nvif = [ '' ]", 0},
	    {"vif = [ 'mac=01:00:5e:00:00:01', 'stomac=1', 'mac=02:00' ]", 0},
	    {"cmdline = \"mac\"", 0},
	    {"mac", 0},
	    {"", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct location_claim claim = {0};

		tunnel_find_macs(&claim, cases[i].config);
		ck_assert_msg(claim.n_macs == cases[i].n, "%s: %u",
		    cases[i].config, claim.n_macs);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("violind_tunnel");
	TCase *tcase = tcase_create("violind_tunnel");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, network_switches_before_the_vm_speaks);
	tcase_add_test(tcase, vm_that_does_not_start_gives_its_traffic_back);
	tcase_add_test(tcase, source_takes_its_traffic_back_without_the_target);
	tcase_add_test(tcase, newest_claim_alone_is_repeated);
	tcase_add_test(tcase, abort_before_the_switch_undoes_the_preparation);
	tcase_add_loop_test(
	    tcase, either_side_killed_anywhere_leaves_the_network_right, 0, 2);
	tcase_add_test(
	    tcase, network_that_is_whole_before_the_vm_runs_takes_no_time);
	tcase_add_test(tcase, network_waits_until_the_last_host_has_heard);
	tcase_add_test(tcase, host_that_never_hears_holds_up_nobody);
	tcase_add_test(tcase, nobody_is_asked_before_the_claim_is_heard);
	tcase_add_test(tcase, vm_of_no_environment_has_no_network_to_wait_for);
	tcase_add_test(
	    tcase, vm_that_does_not_start_has_no_network_to_wait_for);
	tcase_add_test(
	    tcase, hand_over_that_is_over_claims_nothing_at_a_restart);
	tcase_add_test(
	    tcase, forgotten_hand_over_claims_what_is_not_already_another_s);
	tcase_add_test(tcase, report_says_how_the_network_is);
	tcase_add_test(tcase, vm_is_told_of_when_it_is_made_and_destroyed);
	tcase_add_test(tcase, macs_are_found_in_either_language);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
