/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tunnel daemon's local socket and what it says of its peers, without a
 * kernel to program: of requests that change nothing.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/location_message.h"
#include "backends/tunnel/control.h"
#include "backends/tunnel/local.h"

static const struct mac mac_1 = {{2, 0, 0, 0, 0, 1}};
static const struct mac mac_2 = {{2, 0, 0, 0, 0, 2}};
static const struct mac nobodys = {{2, 0, 0, 0, 0, 9}};

/* Host a of four; VM 1 is at a, ready at b; VM 2, of another environment, at
 * c; d has none. */
static struct site_host hosts[4] = {
    {.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
static struct peer others[3] = {{.host = 1}, {.host = 2}, {.host = 3}};
static struct tunneld tunneld;
static struct peers peers;
static struct local local;

static void tell(struct mac mac, uint32_t vni, const char *host,
    const char *standby)
{
	struct location record = {
	    .mac = mac, .vni = vni, .epoch = 5, .sequence = 1};

	strcpy(record.host, host);
	strcpy(record.standby, standby);
	ck_assert_int_eq(
	    location_apply(&tunneld.locations, &record), LOCATION_NEWER);
}

static void set_up(void)
{
	memset(&tunneld, 0, sizeof tunneld);
	memset(&peers, 0, sizeof peers);
	tunneld.site.hosts = hosts;
	tunneld.site.n_hosts = 4;
	tunneld.instance = 77;
	tunneld.follows = true;
	tell(mac_1, 42, "a", "b");
	tell(mac_2, 43, "c", "");
}

static void tear_down(void)
{
	location_fini(&tunneld.locations);
}

/* Peers. */

static uint32_t behind_of(struct mac mac)
{
	return peers_behind_of(
	    &peers, &tunneld, location_find(&tunneld.locations, mac), 1);
}

START_TEST(hosts_without_a_vm_of_the_environment_are_not_waited_for)
{
	peers.peers = others;
	peers.n_peers = 3;
	for (int i = 0; i < 3; i++)
		others[i].sync = (struct peer_sync){0};
	ck_assert_uint_eq(peers_behind(&peers, &tunneld), 3);
	ck_assert_uint_eq(behind_of(mac_1), 1); /* b, which awaits it */
	ck_assert_uint_eq(behind_of(mac_2), 1); /* c */
	others[0].sync.heard = 1;
	ck_assert_uint_eq(behind_of(mac_1), 0);
	ck_assert_uint_eq(behind_of(mac_2), 1);
	/* c has heard of the first alone. */
	others[1].sync.heard = 1;
	ck_assert_uint_eq(behind_of(mac_2), 1);
	others[1].sync.heard = 2;
	ck_assert_uint_eq(behind_of(mac_2), 0);
	ck_assert_uint_eq(peers_behind(&peers, &tunneld), 2);
	ck_assert_uint_eq(peers_behind_of(&peers, &tunneld, NULL, 0), 0);
}
END_TEST

START_TEST(host_that_waits_for_two_vms_counts_once)
{
	struct location both[2];

	tell((struct mac){{2, 0, 0, 0, 0, 3}}, 42, "b", "");
	both[0] = *location_find(&tunneld.locations, mac_1);
	both[1] = *location_find(
	    &tunneld.locations, (struct mac){{2, 0, 0, 0, 0, 3}});
	peers.peers = others;
	peers.n_peers = 3;
	others[0].sync = (struct peer_sync){.heard = 1};
	others[1].sync = others[2].sync = (struct peer_sync){0};
	ck_assert_uint_eq(peers_behind_of(&peers, &tunneld, both, 2), 1);
	others[0].sync.heard = 0;
	ck_assert_uint_eq(peers_behind_of(&peers, &tunneld, both, 2), 1);
}
END_TEST

START_TEST(who_tells_what_is_old_is_told_what_is_new)
{
	static struct location_message old, answer;
	static uint8_t in[LOCATION_MESSAGE_MAX], out[LOCATION_MESSAGE_MAX];
	size_t len, out_len;

	old = (struct location_message){.type = LOCATION_TELL,
	    .request = 8,
	    .change = 31,
	    .n_records = 1};
	old.records[0] = *location_find(&tunneld.locations, mac_1);
	old.records[0].epoch = 4;
	strcpy(old.records[0].host, "d");
	ck_assert(location_message_encode(&old, in, sizeof in, &len));
	ck_assert(peers_answer_tell(
	    &tunneld, in, len, out, sizeof out, &out_len));
	ck_assert(location_message_decode(&answer, out, out_len));
	ck_assert_int_eq(answer.type, LOCATION_HEARD);
	ck_assert_uint_eq(answer.request, 8);
	ck_assert_uint_eq(answer.change, 31);
	ck_assert_uint_eq(answer.instance, 77);
	ck_assert(answer.follows);
	ck_assert_uint_eq(answer.n_records, 1);
	ck_assert_str_eq(answer.records[0].host, "a");
	ck_assert_str_eq(
	    location_find(&tunneld.locations, mac_1)->host, "a");
	ck_assert_uint_eq(tunneld.n_stale, 1);
	/* An answer is no question: two would talk for ever. */
	ck_assert(!peers_answer_tell(
	    &tunneld, out, out_len, in, sizeof in, &len));
}
END_TEST

/* The socket. */

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, local.path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address,
	                     sizeof address),
	    0);
	return fd;
}

static void open_local(void)
{
	struct err err = {""};
	char path[64];

	snprintf(path, sizeof path, "/tmp/tunnel_local.%d", (int)getpid());
	ck_assert_msg(local_open(&local, path, &err), "%s", err.text);
}

/* Sends, lets it serve, and gives the answer's length; 0: it hung up, -1: no
 * answer. */
static ssize_t say(int fd, const void *bytes, size_t len, void *out, size_t cap)
{
	ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	local_serve(&local, &tunneld, &peers);
	return recv(fd, out, cap, 0);
}

START_TEST(question_is_answered_with_the_records_and_who_is_behind)
{
	static struct location_message heard;
	static uint8_t out[LOCATION_MESSAGE_MAX];
	const struct location_claim claim = {.request = 9,
	    .word = LOCATION_ASKS,
	    .epoch = 99,
	    .n_macs = 2,
	    .macs = {nobodys, mac_1}};
	uint8_t in[256];
	size_t len;
	int fd;

	open_local();
	fd = dial();
	ck_assert(location_claim_encode(&claim, in, sizeof in, &len));
	for (int follows = 0; follows < 2; follows++) {
		ssize_t n;

		tunneld.follows = follows;
		n = say(fd, in, len, out, sizeof out);
		ck_assert_int_gt(n, 0);
		ck_assert(location_message_decode(&heard, out, (size_t)n));
		ck_assert_int_eq(heard.type, LOCATION_HEARD);
		ck_assert_uint_eq(heard.request, 9);
		ck_assert_uint_eq(heard.instance, 77);
		ck_assert_uint_eq(heard.n_records, 1);
		ck_assert(!mac_compare(heard.records[0].mac, mac_1));
		ck_assert_uint_eq(heard.records[0].epoch, 5);
		ck_assert_uint_eq(heard.behind, 0);
		ck_assert_int_eq(heard.follows, follows);
	}
	close(fd);
	local_close(&local);
}
END_TEST

/* The monitoring daemon need not wait with one claim for another's answer. */
START_TEST(claims_of_one_client_are_answered_in_order_and_hold_up_no_other)
{
	static struct location_message heard;
	static uint8_t out[LOCATION_MESSAGE_MAX];
	struct location_claim claim = {
	    .word = LOCATION_ASKS, .n_macs = 1, .macs = {mac_1}};
	uint8_t in[256];
	size_t len;
	int many, one;

	open_local();
	many = dial();
	one = dial();
	for (claim.request = 1; claim.request <= 3; claim.request++) {
		ck_assert(location_claim_encode(&claim, in, sizeof in, &len));
		ck_assert_int_eq(send(many, in, len, 0), (ssize_t)len);
	}
	ck_assert_int_gt(say(one, in, len, out, sizeof out), 0);
	local_serve(&local, &tunneld, &peers);
	local_serve(&local, &tunneld, &peers);
	for (uint64_t request = 1; request <= 3; request++) {
		ssize_t n = recv(many, out, sizeof out, 0);

		ck_assert_int_gt(n, 0);
		ck_assert(location_message_decode(&heard, out, (size_t)n));
		ck_assert_uint_eq(heard.request, request);
	}
	close(many);
	close(one);
	local_close(&local);
}
END_TEST

static bool answers(
    int fd, const struct control_request *request, const char *text)
{
	static char out[CONTROL_MESSAGE_MAX];
	struct control_answer answer;
	char in[256];
	size_t len;
	ssize_t n;

	ck_assert(control_encode_request(request, in, sizeof in, &len));
	n = say(fd, in, len, out, sizeof out);
	ck_assert_int_gt(n, 0);
	ck_assert(control_decode_answer(&answer, out, (size_t)n));
	ck_assert_msg(
	    memmem(answer.text, answer.text_len, text, strlen(text)) != NULL,
	    "\"%.*s\" has no \"%s\"", (int)answer.text_len, answer.text, text);
	return answer.ok;
}

START_TEST(what_cannot_be_moved_is_refused_with_a_reason)
{
	int fd;

	open_local();
	fd = dial();
	ck_assert(!answers(fd,
	    &(struct control_request){.type = CONTROL_MOVE,
	        .mac = nobodys,
	        .phase = PHASE_SWITCH},
	    "02:00:00:00:00:09: no VM with this MAC is known"));
	ck_assert(!answers(fd,
	    &(struct control_request){.type = CONTROL_MOVE,
	        .mac = mac_1,
	        .phase = PHASE_PREPARE,
	        .host = "e"},
	    "there is no host \"e\""));
	ck_assert_str_eq(
	    location_find(&tunneld.locations, mac_1)->standby, "b");
	close(fd);
	local_close(&local);
}
END_TEST

START_TEST(who_talks_nonsense_is_hung_up_on_and_others_are_not)
{
	static uint8_t out[LOCATION_MESSAGE_MAX];
	static uint8_t big[LOCATION_MESSAGE_MAX + 1];
	int bad, good, huge;

	open_local();
	good = dial();
	bad = dial();
	huge = dial();
	ck_assert_int_eq(say(bad, "nonsense", 8, out, sizeof out), 0);
	ck_assert_int_eq(say(huge, big, sizeof big, out, sizeof out), 0);
	ck_assert_uint_eq(local.n_clients, 1);
	ck_assert(!answers(good,
	    &(struct control_request){.type = CONTROL_MOVE, .mac = nobodys},
	    "no VM"));
	close(good);
	local_serve(&local, &tunneld, &peers);
	ck_assert_uint_eq(local.n_clients, 0);
	close(bad);
	close(huge);
	local_close(&local);
}
END_TEST

/* Even if somebody opens the way to it. */
START_TEST(another_user_is_hung_up_on)
{
	char byte;
	int fd;

	if (geteuid() != 0) {
		puts("SKIP another user's client: only root can be one");
		return;
	}
	open_local();
	ck_assert_int_eq(chmod(local.path, 0666), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	fd = dial();
	ck_assert_int_eq(seteuid(0), 0);
	local_serve(&local, &tunneld, &peers);
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
	ck_assert_uint_eq(local.n_clients, 0);
	close(fd);
	local_close(&local);
}
END_TEST

START_TEST(socket_is_its_users_alone_and_holds_so_many)
{
	int fds[LOCAL_CLIENTS_MAX + 1], polled[1 + LOCAL_CLIENTS_MAX];
	char path[sizeof local.path];
	struct stat st;
	char byte;

	open_local();
	ck_assert_int_eq(stat(local.path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	/* In turns: no more than a few may wait to be let in. */
	for (int i = 0; i <= LOCAL_CLIENTS_MAX; i++) {
		fds[i] = dial();
		local_serve(&local, &tunneld, &peers);
	}
	ck_assert_uint_eq(local.n_clients, LOCAL_CLIENTS_MAX);
	ck_assert_uint_eq(local_fds(&local, polled), 1 + LOCAL_CLIENTS_MAX);
	ck_assert_int_eq(polled[0], local.listener);
	ck_assert_int_eq(polled[LOCAL_CLIENTS_MAX],
	    local.clients[LOCAL_CLIENTS_MAX - 1]);
	ck_assert_int_eq(recv(fds[LOCAL_CLIENTS_MAX], &byte, 1, 0), 0);
	ck_assert_int_eq(recv(fds[0], &byte, 1, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	for (int i = 0; i <= LOCAL_CLIENTS_MAX; i++)
		close(fds[i]);
	strcpy(path, local.path);
	local_close(&local);
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel local");
	TCase *t = tcase_create("local");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(
	    t, hosts_without_a_vm_of_the_environment_are_not_waited_for);
	tcase_add_test(t, host_that_waits_for_two_vms_counts_once);
	tcase_add_test(t, who_tells_what_is_old_is_told_what_is_new);
	tcase_add_test(
	    t, question_is_answered_with_the_records_and_who_is_behind);
	tcase_add_test(t,
	    claims_of_one_client_are_answered_in_order_and_hold_up_no_other);
	tcase_add_test(t, what_cannot_be_moved_is_refused_with_a_reason);
	tcase_add_test(t, who_talks_nonsense_is_hung_up_on_and_others_are_not);
	tcase_add_test(t, another_user_is_hung_up_on);
	tcase_add_test(t, socket_is_its_users_alone_and_holds_so_many);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
