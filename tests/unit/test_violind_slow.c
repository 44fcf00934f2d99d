/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A virtual network that is slow, deaf or not there: hand-overs wait for it a
 * little and never fail for it, one VM's claims do not wait for another's, and
 * what is heard late counts (backends/monitor/tunnel.h).
 */
#include "tests/unit/tunnel_world.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The daemon. */

/* What it is to be heard of first is not waited for, and holds up nothing. */
START_TEST(late_arrives_does_not_keep_the_traffic_from_the_vm)
{
	struct world *w = world_new(0, false);
	int64_t start_ns = w->now_ns;

	w->machines[B].slow_ns = start_ns + 150 * NS_PER_MS;
	hand_over(w);
	ck_assert_str_eq(w->log, "b:ARRIVES b:STARTS b:unpause a:destroy "
	                         "a:LEAVES ");
	ck_assert_int_eq(w->now_ns, start_ns + 150 * NS_PER_MS);
	world_free(w);
}
END_TEST

/* The moment it hears, however late, the traffic is switched and the claim is
 * answered. */
START_TEST(answer_that_comes_late_is_an_answer)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	int64_t start_ns = w->now_ns;
	struct daemon_handover *h;

	w->heard_all = false;
	b->deaf_after = 2; /* there is no other answer to come */
	b->slow_ns = start_ns + 500 * NS_PER_MS;
	h = hand_over(w);
	ck_assert_int_eq(w->now_ns, start_ns + TUNNEL_WAIT_NS);
	ck_assert_ptr_null(strstr(w->log, "STARTS"));
	ck_assert_int_eq(h->network, NETWORK_WAITS);
	run_b(w, b->slow_ns);
	ck_assert_str_eq(location_find(&b->table, mac)->host, "b");
	ck_assert_int_eq(h->network, NETWORK_WHOLE);
	ck_assert_uint_eq(b->n_asked, 0);
	ck_assert_uint_eq(
	    daemon_tunnel_network_ns(b->daemon, h), 300 * NS_PER_MS);
	ck_assert_int_eq(daemon_next(b->daemon), TIME_NEVER);
	/* ARRIVES and STARTS, and again after 50, 150 and 350 ms. */
	ck_assert_uint_le(b->n_claims, 5);
	world_free(w);
}
END_TEST

START_TEST(answer_to_what_was_superseded_is_none)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];
	const struct location_claim claim = {.n_macs = 1, .macs = {mac}};

	daemon_tunnel_claim(b->daemon, &claim, LOCATION_ARRIVES);
	b->deaf = 1;
	daemon_tunnel_claim(b->daemon, &claim, LOCATION_STAYS);
	daemon_step(b->daemon, w->now_ns);
	ck_assert_int_eq(
	    daemon_next(b->daemon), w->now_ns + TUNNEL_RETRY_NS);
	daemon_step(b->daemon, w->now_ns + TUNNEL_RETRY_NS);
	ck_assert_str_eq(w->log, "b:ARRIVES b:STAYS ");
	world_free(w);
}
END_TEST

/* Neither when it is first sent, nor when it is sent again. */
START_TEST(claims_of_two_vms_do_not_wait_for_each_other)
{
	for (uint32_t deaf = 1; deaf <= 2; deaf++) {
		const struct location_claim first = {
		    .n_macs = 1, .macs = {mac}};
		const struct location_claim second = {
		    .n_macs = 1, .macs = {mac_2}};
		struct world *w = world_new(0, false);
		struct machine *b = &w->machines[B];

		b->deaf = deaf;
		b->deaf_to_first = true;
		daemon_tunnel_claim(b->daemon, &first, LOCATION_STAYS);
		daemon_tunnel_claim(b->daemon, &second, LOCATION_STAYS);
		if (deaf == 2)
			run_b(w, w->now_ns + TUNNEL_RETRY_NS);
		ck_assert_str_eq(location_find(&b->table, mac_2)->host, "b");
		ck_assert_str_eq(location_find(&b->table, mac)->host, "a");
		b->deaf_to_first = false;
		run_b(w, w->now_ns + NS_PER_S);
		ck_assert_str_eq(location_find(&b->table, mac)->host, "b");
		world_free(w);
	}
}
END_TEST

START_TEST(claim_that_cannot_be_sent_is_tried_soon_and_then_rarely)
{
	/* Since the last; the world's retry_ns is 1000. */
	static const int64_t after_ms[] = {50, 100, 200, 400, 800, 1000, 1000};
	const struct location_claim claim = {.n_macs = 1, .macs = {mac}};
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];

	b->deaf_to_first = true;
	daemon_tunnel_claim(b->daemon, &claim, LOCATION_STAYS);
	for (uint32_t i = 0; i < sizeof(after_ms) / sizeof(after_ms[0]); i++) {
		ck_assert_int_eq(daemon_next(b->daemon) - w->now_ns,
		    after_ms[i] * NS_PER_MS);
		ck_assert_uint_eq(b->n_claims, i + 1);
		w->now_ns = daemon_next(b->daemon);
		daemon_step(b->daemon, w->now_ns);
	}
	/* A new one is tried soon again. */
	daemon_tunnel_claim(b->daemon, &claim, LOCATION_ENDS);
	ck_assert_int_eq(
	    daemon_next(b->daemon) - w->now_ns, TUNNEL_RETRY_NS);
	world_free(w);
}
END_TEST

/* B has begun to start this VM; gives how long it waited. */
static int64_t start_vm(
    struct world *w, uint64_t id, const char *vm, struct mac whose)
{
	struct daemon *b = w->machines[B].daemon;
	struct daemon_handover *h =
	    daemon_handover_begin(b, id, TARGET_STARTING, vm, NULL);
	int64_t start_ns = w->now_ns;

	ck_assert_ptr_nonnull(h);
	h->claim = (struct location_claim){
	    .epoch = id, .n_macs = 1, .macs = {whose}};
	daemon_tunnel_entered(b, h);
	return w->now_ns - start_ns;
}

/* Its claims are sent all the same, and heard in the end. */
START_TEST(who_was_waited_for_in_vain_is_not_until_it_answers)
{
	struct world *w = world_new(0, false);
	struct machine *b = &w->machines[B];

	b->slow_ns = TIME_NEVER;
	ck_assert_int_eq(start_vm(w, 20, "V1", mac), TUNNEL_WAIT_NS);
	ck_assert_int_eq(start_vm(w, 21, "V2", mac_2), 0);
	b->slow_ns = 0;
	daemon_step(b->daemon, w->now_ns);
	ck_assert_str_eq(location_find(&b->table, mac)->host, "b");
	ck_assert_str_eq(location_find(&b->table, mac_2)->host, "b");
	b->slow_ns = TIME_NEVER;
	ck_assert_int_eq(start_vm(w, 22, "V3", mac), TUNNEL_WAIT_NS);
	world_free(w);
}
END_TEST

/* Nobody is there: that is known at once. */
START_TEST(who_cannot_be_told_is_not_waited_for)
{
	struct world *w = world_new(0, false);

	w->machines[B].deaf = 1;
	ck_assert_int_eq(start_vm(w, 20, "V1", mac), 0);
	ck_assert_int_eq(start_vm(w, 21, "V2", mac_2), 0);
	/* And is, once there: it has not been waited for in vain. */
	w->machines[B].slow_ns = w->now_ns + NS_PER_S;
	ck_assert_int_eq(start_vm(w, 22, "V3", mac), TUNNEL_WAIT_NS);
	world_free(w);
}
END_TEST

START_TEST(kernel_that_does_not_follow_is_waited_for_as_well)
{
	for (int i = 0; i < 2; i++) {
		struct world *w = world_new(0, false);
		struct machine *b = &w->machines[B];

		b->follows_ns = w->now_ns + (i ? 70 * NS_PER_MS : NS_PER_S);
		int64_t waited_ns = start_vm(w, 20, "V1", mac);

		/* Asked every 20 ms. */
		if (i)
			ck_assert_int_eq(waited_ns, 80 * NS_PER_MS);
		ck_assert_int_ge(waited_ns, 70 * NS_PER_MS);
		ck_assert_int_le(waited_ns, TUNNEL_WAIT_NS);
		/* It was heard, after all. */
		run_b(w, w->now_ns + NS_PER_S);
		ck_assert_uint_le(b->n_claims, 10);
		ck_assert_int_eq(daemon_next(b->daemon), TIME_NEVER);
		world_free(w);
	}
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

/* The socket. */

/* Hears one claim there, and says so or not. */
static uint64_t hear_one(int fd, bool answers)
{
	static struct location_message heard = {.type = LOCATION_HEARD,
	    .follows = true};
	static uint8_t bytes[LOCATION_MESSAGE_MAX];
	struct location_claim claim;
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	size_t len;

	ck_assert_int_gt(n, 0);
	ck_assert(location_claim_decode(&claim, bytes, (size_t)n));
	heard.request = claim.request;
	ck_assert(location_message_encode(&heard, bytes, sizeof(bytes), &len));
	if (answers)
		ck_assert_int_eq(send(fd, bytes, len, 0), (ssize_t)len);
	return claim.request;
}

/* Nobody there; then one that is stuck; then it answers, late; then it dies,
 * and another one is there. */
START_TEST(tunnel_daemon_that_is_slow_is_heard_and_not_hung_up_on)
{
	struct location_claim claim = {
	    .request = 7, .n_macs = 1, .macs = {mac}};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), peer;
	int64_t wait_ns = 20 * NS_PER_MS;
	struct tunnel_answer answer;
	struct err err = {""};

	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/tmp/violind_tunnel.%d", (int)getpid());
	struct tunnel *t = tunnel_open(address.sun_path, &err);
	ck_assert_ptr_nonnull(t);
	ck_assert(!tunnel_socket.claim(t, &claim, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "is violin-tunneld running?"));
	ck_assert(!tunnel_socket.hear(t, &wait_ns, &answer));
	ck_assert_int_eq(wait_ns, 20 * NS_PER_MS);
	ck_assert_int_eq(tunnel_fd(t), -1);

	ck_assert_int_eq(
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert(tunnel_socket.claim(t, &claim, &err));
	ck_assert(!tunnel_socket.hear(t, &wait_ns, &answer));
	ck_assert_int_le(wait_ns, 0);
	claim.request = 8;
	ck_assert(tunnel_socket.claim(t, &claim, &err));

	peer = accept(fd, NULL, NULL);
	ck_assert_uint_eq(hear_one(peer, true), 7);
	ck_assert_uint_eq(hear_one(peer, true), 8);
	for (uint64_t request = 7; request <= 8; request++) {
		ck_assert(tunnel_socket.hear(t, &wait_ns, &answer));
		ck_assert_uint_eq(answer.request, request);
		ck_assert(answer.follows);
		ck_assert_int_eq(answer.network, NETWORK_UNKNOWN);
	}
	ck_assert(!tunnel_socket.hear(t, &wait_ns, &answer));

	close(peer);
	claim.request = 9;
	ck_assert(tunnel_socket.claim(t, &claim, &err));
	peer = accept(fd, NULL, NULL);
	ck_assert_uint_eq(hear_one(peer, false), 9);
	close(peer);
	wait_ns = NS_PER_S;
	ck_assert(!tunnel_socket.hear(t, &wait_ns, &answer));
	ck_assert_int_gt(wait_ns, NS_PER_S / 2);
	ck_assert_int_eq(tunnel_fd(t), -1);
	tunnel_close(t);
	close(fd);
	unlink(address.sun_path);
}
END_TEST

/* What it has not taken is said to, and what it has is not lost. */
START_TEST(tunnel_daemon_that_takes_nothing_stays_connected)
{
	struct location_claim claim = {.n_macs = 1, .macs = {mac}};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), peer;
	uint64_t n = 0;
	struct err err = {""};

	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/tmp/violind_tunnel.%d", (int)getpid());
	struct tunnel *t = tunnel_open(address.sun_path, &err);
	ck_assert_int_eq(
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	do
		claim.request = ++n;
	while (n < 1000000 && tunnel_socket.claim(t, &claim, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "has not taken"));
	ck_assert_int_ge(tunnel_fd(t), 0);
	peer = accept(fd, NULL, NULL);
	for (uint64_t i = 1; i < n; i++)
		ck_assert_uint_eq(hear_one(peer, false), i);
	ck_assert(tunnel_socket.claim(t, &claim, &err));
	ck_assert_uint_eq(hear_one(peer, false), n);
	close(peer);
	tunnel_close(t);
	close(fd);
	unlink(address.sun_path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("violind_slow");
	TCase *tcase = tcase_create("violind_slow");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(
	    tcase, late_arrives_does_not_keep_the_traffic_from_the_vm);
	tcase_add_test(tcase, answer_that_comes_late_is_an_answer);
	tcase_add_test(tcase, answer_to_what_was_superseded_is_none);
	tcase_add_test(tcase, claims_of_two_vms_do_not_wait_for_each_other);
	tcase_add_test(
	    tcase, claim_that_cannot_be_sent_is_tried_soon_and_then_rarely);
	tcase_add_test(
	    tcase, who_was_waited_for_in_vain_is_not_until_it_answers);
	tcase_add_test(tcase, who_cannot_be_told_is_not_waited_for);
	tcase_add_test(
	    tcase, kernel_that_does_not_follow_is_waited_for_as_well);
	tcase_add_test(
	    tcase, deaf_network_delays_nothing_and_follows_in_the_end);
	tcase_add_test(
	    tcase, tunnel_daemon_that_is_slow_is_heard_and_not_hung_up_on);
	tcase_add_test(
	    tcase, tunnel_daemon_that_takes_nothing_stays_connected);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
