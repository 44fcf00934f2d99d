/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual network follows migrations, creations and destructions: what
 * the monitoring daemon claims (backends/monitor/tunnel.h), in which order,
 * and that in the end all know where the VM is, whatever failed or died.
 */
#include "tests/unit/tunnel_world.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
	ck_assert_str_eq(w->log, "");
	ck_assert_int_eq(daemon_next(b), w->now_ns + NS_PER_S);
	daemon_step(b, w->now_ns + NS_PER_S);
	ck_assert_str_eq(w->log, "b:STAYS ");
	ck_assert_int_eq(daemon_next(b), TIME_NEVER);
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

START_TEST(deaf_network_delays_nothing_and_follows_in_the_end)
{
	for (uint32_t deaf = 1; deaf < 8; deaf++) {
		for (int at = A; at < HOSTS; at++) {
			struct world *w = world_new(0, deaf % 2);

			w->heard_all = false;
			w->machines[at].deaf = deaf;
			move(w);
			ck_assert_int_eq(check_place(w), B);
			world_free(w);
		}
	}
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

/* The socket. */

/* Nobody there; then one that is stuck, which must not hold up for long. */
START_TEST(tunnel_daemon_that_says_nothing_is_not_waited_for)
{
	const struct location_claim claim = {.n_macs = 1, .macs = {mac}};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct err err = {""};

	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/tmp/violind_tunnel.%d", (int)getpid());
	struct tunnel *stuck = tunnel_open(address.sun_path, &err);
	ck_assert_ptr_nonnull(stuck);
	ck_assert(!tunnel_socket.claim(stuck, &claim, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "is violin-tunneld running?"));

	ck_assert_int_eq(
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert(!tunnel_socket.claim(stuck, &claim, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "no answer"));
	tunnel_close(stuck);
	close(fd);
	unlink(address.sun_path);
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
	    tcase, deaf_network_delays_nothing_and_follows_in_the_end);
	tcase_add_test(tcase, vm_is_told_of_when_it_is_made_and_destroyed);
	tcase_add_test(tcase, macs_are_found_in_either_language);
	tcase_add_test(
	    tcase, tunnel_daemon_that_says_nothing_is_not_waited_for);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
