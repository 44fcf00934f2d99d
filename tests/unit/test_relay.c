/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link between two relays over loopback, and between them an attacker who
 * flips, cuts, records and replays.  The relays' time is the test's own.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/relay.h"
#include "backends/relay_pack.h"

enum { SOURCE, TARGET, SIDES };
enum { ID = 17, STREAM_BYTES = 3 << 20, ROUNDS = 20000 };

static struct relay *relays[SIDES];
static uint8_t key[MESSAGE_KEY_BYTES], other_key[MESSAGE_KEY_BYTES];
static uint8_t *sent, *received;
static size_t n_sent, n_received;
static struct host_stream streams[SIDES];
static bool ended; /* the reader saw an end of file */
static int64_t now_ns;

/* What each side was told. */
static struct {
	bool up, lost;
	char said[64], why[HOST_TEXT_MAX];
} seen[SIDES];

/* The attacker: takes what goes to its port to the target's. */
static struct {
	int listener, in, out;
	uint16_t port;
	size_t passed;  /* bytes from source to target */
	size_t flip_at; /* 0: not */
	size_t cut_at;
	uint8_t *record;
	size_t n_record;
} middle;

/* Whom the target has refused. */
static int n_refused;
static char refused_from[64];

static void hear_refused(
    void *self, uint64_t id, const char *address, const char *why)
{
	(void)self;
	ck_assert_uint_eq(id, ID);
	ck_assert_ptr_nonnull(why);
	n_refused++;
	snprintf(refused_from, sizeof(refused_from), "%s", address);
}

static void setup(void)
{
	static const struct relay_config config = {.address = "127.0.0.1",
	    .silent_ns = 15 * NS_PER_S,
	    .refused = hear_refused};

	n_refused = 0;

	ck_assert_int_ge(sodium_init(), 0);
	for (int side = 0; side < SIDES; side++) {
		relays[side] = relay_new(&config, NULL);
		ck_assert_ptr_nonnull(relays[side]);
		streams[side].fd = -1;
	}
	memset(seen, 0, sizeof(seen));
	memset(&middle, 0, sizeof(middle));
	middle.listener = middle.in = middle.out = -1;
	randombytes_buf(key, sizeof(key));
	randombytes_buf(other_key, sizeof(other_key));
	sent = malloc(STREAM_BYTES);
	received = malloc(STREAM_BYTES);
	middle.record = malloc(2 * STREAM_BYTES);
	randombytes_buf(sent, STREAM_BYTES);
	n_sent = n_received = 0;
	ended = false;
	now_ns = NS_PER_S;
}

static void teardown(void)
{
	for (int side = 0; side < SIDES; side++) {
		relay_free(relays[side]);
		if (streams[side].fd >= 0)
			close(streams[side].fd);
	}
	free(sent);
	free(received);
	free(middle.record);
}

/* The attacker. */

static int tcp(uint16_t port, bool listening)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (listening) {
		ck_assert_int_eq(
		    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		ck_assert_int_eq(listen(fd, 1), 0);
	} else {
		ck_assert_int_eq(
		    connect(fd, (struct sockaddr *)&address, sizeof(address)),
		    0);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static uint16_t middle_listen(uint16_t target_port)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	middle.listener = tcp(0, true);
	middle.port = target_port;
	getsockname(middle.listener, (struct sockaddr *)&address, &len);
	return ntohs(address.sin_port);
}

static void write_whole(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);

		if (done < 0 && errno != EAGAIN)
			return; /* the other end has had enough */
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
}

static void middle_cut(void)
{
	close(middle.in);
	close(middle.out);
	middle.in = middle.out = -1;
}

static void middle_step(void)
{
	static uint8_t bytes[4096];
	ssize_t n;

	if (middle.listener >= 0 && middle.in < 0 && middle.passed == 0) {
		middle.in = accept(middle.listener, NULL, NULL);
		if (middle.in < 0)
			return;
		fcntl(middle.in, F_SETFL, O_NONBLOCK);
		middle.out = tcp(middle.port, false);
	}
	if (middle.in < 0)
		return;
	n = read(middle.out, bytes, sizeof(bytes));
	if (n > 0)
		write_whole(middle.in, bytes, (size_t)n);
	n = read(middle.in, bytes, sizeof(bytes));
	if (n <= 0)
		return;
	if (middle.flip_at >= middle.passed && middle.flip_at != 0 &&
	    middle.flip_at < middle.passed + (size_t)n)
		bytes[middle.flip_at - middle.passed] ^= 1;
	memcpy(middle.record + middle.n_record, bytes, (size_t)n);
	middle.n_record += (size_t)n;
	middle.passed += (size_t)n;
	write_whole(middle.out, bytes, (size_t)n);
	if (middle.cut_at != 0 && middle.passed >= middle.cut_at)
		middle_cut();
}

/* Running it. */

static void take(int side, const struct link_event *event)
{
	ck_assert_uint_eq(event->id, ID);
	if (event->kind == LINK_UP) {
		seen[side].up = true;
	} else if (event->kind == LINK_LOST) {
		seen[side].lost = true;
		snprintf(
		    seen[side].why, sizeof(seen[side].why), "%s", event->text);
	} else {
		ck_assert(seen[side].up);
		ck_assert_uint_lt(event->len, sizeof(seen[side].said));
		memcpy(seen[side].said, event->bytes, event->len);
		seen[side].said[event->len] = '\0';
	}
}

/* Writes and reads the hypervisors' ends. */
static void pump(void)
{
	ssize_t n;

	if (streams[SOURCE].fd >= 0 && n_sent < STREAM_BYTES) {
		n = write(streams[SOURCE].fd, sent + n_sent,
		    STREAM_BYTES - n_sent);
		if (n > 0)
			n_sent += (size_t)n;
	}
	if (streams[TARGET].fd >= 0 && n_received < STREAM_BYTES && !ended) {
		n = read(streams[TARGET].fd, received + n_received,
		    STREAM_BYTES - n_received);
		if (n > 0)
			n_received += (size_t)n;
		ended = n == 0;
	}
}

static void step(int64_t ns)
{
	static struct link_event event;

	now_ns += ns;
	for (int side = 0; side < SIDES; side++)
		while (relay_api.poll(relays[side], now_ns, &event))
			take(side, &event);
	middle_step();
	pump();
}

/* Steps of 1 ms until the condition holds. */
#define UNTIL(condition)                                                       \
	do {                                                                   \
		int rounds = 0;                                                \
		while (!(condition)) {                                         \
			ck_assert_msg(                                         \
			    rounds++ < ROUNDS, "never: " #condition);          \
			step(NS_PER_MS);                                       \
			usleep(50);                                            \
		}                                                              \
	} while (0)

static uint16_t listen_at(const uint8_t *with)
{
	uint16_t port = 0;

	ck_assert(relay_api.listen(relays[TARGET], ID, with, &port, NULL));
	ck_assert_uint_gt(port, 0);
	return port;
}

static void call(uint16_t port, const uint8_t *with, uint64_t rate_bps)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	ck_assert(
	    relay_api.call(relays[SOURCE], ID, with, address, rate_bps, NULL));
}

static void open_streams(void)
{
	for (int side = 0; side < SIDES; side++) {
		ck_assert(
		    relay_api.stream(relays[side], ID, &streams[side], NULL));
		fcntl(streams[side].fd, F_SETFL, O_NONBLOCK);
	}
}

static void finish(void)
{
	close(streams[SOURCE].fd);
	streams[SOURCE].fd = -1;
	relay_api.finish(relays[SOURCE], ID);
}

/* The tests. */

START_TEST(stream_and_messages_arrive_whole_and_in_order)
{
	call(listen_at(key), key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	relay_api.say(relays[SOURCE], ID, "config", 6);
	UNTIL(strcmp(seen[TARGET].said, "config") == 0);
	open_streams();
	UNTIL(n_sent == STREAM_BYTES);
	finish();
	UNTIL(ended || n_received == STREAM_BYTES);
	ck_assert_uint_eq(n_received, STREAM_BYTES);
	ck_assert_mem_eq(sent, received, STREAM_BYTES);
	ck_assert_uint_eq(relay_api.progress(relays[TARGET], ID), STREAM_BYTES);
	relay_api.say(relays[TARGET], ID, "ready", 5);
	UNTIL(strcmp(seen[SOURCE].said, "ready") == 0);
	/* What is said before the close arrives. */
	relay_api.say(relays[SOURCE], ID, "go", 2);
	relay_api.close(relays[SOURCE], ID);
	UNTIL(strcmp(seen[TARGET].said, "go") == 0);
	UNTIL(seen[TARGET].lost);
	ck_assert_str_eq(seen[TARGET].why, "closed by the other side");
}
END_TEST

START_TEST(slow_reader_loses_nothing)
{
	call(listen_at(key), key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	open_streams();
	int reader = streams[TARGET].fd;
	streams[TARGET].fd = -1; /* does not read for longer than silent_ns */
	for (int i = 0; i < 40; i++)
		for (int k = 0; k < 10; k++)
			step(NS_PER_S / 2 / 10);
	ck_assert(!seen[SOURCE].lost && !seen[TARGET].lost);
	streams[TARGET].fd = reader;
	UNTIL(n_sent == STREAM_BYTES);
	finish();
	UNTIL(n_received == STREAM_BYTES);
	ck_assert_mem_eq(sent, received, STREAM_BYTES);
}
END_TEST

START_TEST(wrong_key_is_not_let_in_and_the_right_one_still_is)
{
	uint16_t port = listen_at(key);

	call(port, other_key, 0);
	UNTIL(seen[SOURCE].lost);
	ck_assert(!seen[TARGET].up && !seen[TARGET].lost);
	ck_assert_int_eq(n_refused, 1);
	ck_assert_str_eq(refused_from, "127.0.0.1");
	relay_api.close(relays[SOURCE], ID);
	call(port, key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	ck_assert_int_eq(n_refused, 1);
}
END_TEST

START_TEST(silent_strangers_do_not_keep_the_right_one_out)
{
	uint16_t port = listen_at(key);
	int strangers[RELAY_STRANGERS_MAX];

	for (int i = 0; i < RELAY_STRANGERS_MAX; i++) {
		strangers[i] = tcp(port, false);
		write_whole(strangers[i], (const uint8_t *)"GET / HTTP", 10);
	}
	for (int i = 0; i < 100; i++)
		step(NS_PER_MS);
	call(port, key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up); /* they time out */
	for (int i = 0; i < RELAY_STRANGERS_MAX; i++)
		close(strangers[i]);
}
END_TEST

START_TEST(flipped_bit_loses_the_link_and_ends_nothing)
{
	/* In the header, the first frame's length, the frame, the stream. */
	static const size_t places[] = {1, 25, 30, 60, 200000, 1000000};

	middle.flip_at = places[_i];
	call(middle_listen(listen_at(key)), key, 0);
	for (int i = 0; i < ROUNDS && !seen[TARGET].up; i++) {
		step(NS_PER_MS);
		if (seen[SOURCE].lost)
			break;
	}
	if (middle.flip_at < 60) {
		ck_assert(!seen[TARGET].up);
		return;
	}
	open_streams();
	UNTIL(seen[TARGET].lost);
	ck_assert_uint_lt(n_received, STREAM_BYTES);
	ck_assert_mem_eq(sent, received, n_received);
}
END_TEST

START_TEST(cut_stream_is_a_lost_link_not_an_end)
{
	middle.cut_at = 500000;
	call(middle_listen(listen_at(key)), key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	open_streams();
	UNTIL(seen[TARGET].lost && seen[SOURCE].lost);
	ck_assert_str_eq(seen[TARGET].why, "cut by the other side");
	ck_assert_mem_eq(sent, received, n_received);
}
END_TEST

START_TEST(replayed_connection_is_not_let_in)
{
	call(middle_listen(listen_at(key)), key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	relay_api.say(relays[SOURCE], ID, "go", 2);
	UNTIL(strcmp(seen[TARGET].said, "go") == 0);
	middle_cut();
	UNTIL(seen[TARGET].lost && seen[SOURCE].lost);
	relay_api.close(relays[TARGET], ID);
	relay_api.close(relays[SOURCE], ID);

	/* Even with the same key, the recorded bytes prove nothing. */
	memset(seen, 0, sizeof(seen));
	int fd = tcp(listen_at(key), false);
	write_whole(fd, middle.record, middle.n_record);
	for (int i = 0; i < 300; i++) {
		step(NS_PER_MS);
		usleep(50);
	}
	ck_assert(!seen[TARGET].up);
	ck_assert_str_eq(seen[TARGET].said, "");
	close(fd);
}
END_TEST

START_TEST(silent_peer_is_lost_after_its_time)
{
	call(middle_listen(listen_at(key)), key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	int in = middle.in;
	middle.in = -1; /* nothing passes any more, nothing is closed */
	middle.passed = 1;
	for (int i = 0; i < 14; i++)
		step(NS_PER_S);
	ck_assert(!seen[SOURCE].lost && !seen[TARGET].lost);
	for (int i = 0; i < 3; i++)
		step(NS_PER_S);
	ck_assert(seen[SOURCE].lost && seen[TARGET].lost);
	ck_assert_str_eq(seen[SOURCE].why, "silent for too long");
	close(in);
}
END_TEST

START_TEST(nobody_there_is_a_lost_link)
{
	uint16_t port = listen_at(key);

	relay_api.close(relays[TARGET], ID);
	call(port, key, 0);
	UNTIL(seen[SOURCE].lost);
	ck_assert(!seen[SOURCE].up);
}
END_TEST

START_TEST(rate_is_kept)
{
	/* 8 Mbit/s are 1 MB in a second of the relay's time. */
	call(listen_at(key), key, 8 * 1000 * 1000);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	open_streams();
	int64_t began_ns = now_ns;
	while (now_ns - began_ns < NS_PER_S) {
		step(NS_PER_MS);
		usleep(20);
	}
	uint64_t bytes = relay_api.progress(relays[SOURCE], ID);
	ck_assert_uint_ge(bytes, 900000);
	ck_assert_uint_le(bytes, 1200000);
}
END_TEST

/* Packed frames. */

/* Pages of which some are zero, some have a few zeros, at any offset. */
static void draw_pages(uint8_t *bytes, size_t n)
{
	randombytes_buf(bytes, n);
	for (size_t at = randombytes_uniform(5000); at < n;
	     at += randombytes_uniform(9000)) {
		size_t zeros = randombytes_uniform(6000);

		memset(bytes + at, 0, zeros < n - at ? zeros : n - at);
		at += zeros;
	}
}

START_TEST(untouched_memory_is_hardly_sent)
{
	memset(sent, 0, STREAM_BYTES);
	randombytes_buf(sent + STREAM_BYTES / 2, STREAM_BYTES / 4);
	call(middle_listen(listen_at(key)), key, 0);
	UNTIL(seen[SOURCE].up && seen[TARGET].up);
	open_streams();
	UNTIL(n_sent == STREAM_BYTES);
	finish();
	UNTIL(ended || n_received == STREAM_BYTES);
	ck_assert_mem_eq(sent, received, STREAM_BYTES);
	ck_assert_uint_eq(relay_api.progress(relays[SOURCE], ID), STREAM_BYTES);
	ck_assert_uint_ge(middle.passed, STREAM_BYTES / 4);
	ck_assert_uint_le(middle.passed, STREAM_BYTES / 4 + 65536);
}
END_TEST

START_TEST(bytes_come_back_as_they_were_packed)
{
	enum { MOST = 40000 };
	static uint8_t bytes[MOST], packed[MOST + PACK_OVERHEAD], back[MOST];
	size_t n_packed, n_back;

	for (int i = 0; i < 2000; i++) {
		size_t n = randombytes_uniform(i % 2 ? MOST : 200);

		draw_pages(bytes, n);
		n_packed = relay_pack(bytes, n, i % 3 > 0, packed);
		ck_assert_uint_le(n_packed, n + PACK_OVERHEAD);
		ck_assert(i % 3 > 0 || n_packed == n + PACK_OVERHEAD);
		ck_assert(relay_unpack(packed, n_packed, back, n, &n_back));
		ck_assert_uint_eq(n_back, n);
		ck_assert_mem_eq(bytes, back, n);
		/* Less room than it needs, or not all of it, is an error. */
		if (n == 0)
			continue;
		ck_assert(
		    !relay_unpack(packed, n_packed, back, n - 1, &n_back));
		ck_assert(
		    !relay_unpack(packed, n_packed - 1, back, n, &n_back));
	}
}
END_TEST

START_TEST(what_was_not_packed_overruns_nothing)
{
	uint8_t packed[64], back[96];
	size_t len;

	for (int i = 0; i < 100000; i++) {
		size_t n = randombytes_uniform(sizeof(packed));

		randombytes_buf(packed, n);
		for (size_t k = 1; k < n && k < PACK_OVERHEAD; k++)
			packed[k] = 0;
		memset(back, 0xa5, sizeof(back));
		if (relay_unpack(packed, n, back, 48, &len))
			ck_assert_uint_le(len, 48);
		for (size_t k = 48; k < sizeof(back); k++)
			ck_assert_uint_eq(back[k], 0xa5);
	}
}
END_TEST

START_TEST(address_that_is_none_is_told)
{
	static const char *const wrongs[] = {
	    "", "host:1", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":1"};
	struct err err = {""};

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
		ck_assert(!relay_api.call(
		    relays[SOURCE], ID, key, wrongs[i], 0, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "right is"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay");

	signal(SIGPIPE, SIG_IGN);
	TCase *tcase = tcase_create("relay");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, stream_and_messages_arrive_whole_and_in_order);
	tcase_add_test(tcase, slow_reader_loses_nothing);
	tcase_add_test(
	    tcase, wrong_key_is_not_let_in_and_the_right_one_still_is);
	tcase_add_test(tcase, silent_strangers_do_not_keep_the_right_one_out);
	tcase_add_loop_test(
	    tcase, flipped_bit_loses_the_link_and_ends_nothing, 0, 6);
	tcase_add_test(tcase, cut_stream_is_a_lost_link_not_an_end);
	tcase_add_test(tcase, replayed_connection_is_not_let_in);
	tcase_add_test(tcase, silent_peer_is_lost_after_its_time);
	tcase_add_test(tcase, nobody_there_is_a_lost_link);
	tcase_add_test(tcase, rate_is_kept);
	tcase_add_test(tcase, untouched_memory_is_hardly_sent);
	tcase_add_test(tcase, bytes_come_back_as_they_were_packed);
	tcase_add_test(tcase, what_was_not_packed_overruns_nothing);
	tcase_add_test(tcase, address_that_is_none_is_told);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
