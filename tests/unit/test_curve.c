/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys, and who gets an answer over CURVE: listed clients, nobody else. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/curve.h"
#include "backends/wire.h"

enum { PATIENCE_MS = 10000, SILENCE_MS = 1200 };

static char dir[64];
static struct curve_key server_key, keys[2];
static struct curve_server *server;
static struct curve_clients *clients[2];

static void setup(void)
{
	strcpy(dir, "/tmp/curve.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	curve_key_generate(&server_key);
	for (int i = 0; i < 2; i++) {
		curve_key_generate(&keys[i]);
		clients[i] = curve_clients_new(&keys[i]);
	}
	server = curve_server_new(
	    &server_key, "tcp://127.0.0.1:*", &keys[0].public, 1, NULL);
	ck_assert_ptr_nonnull(server);
}

static void teardown(void)
{
	char command[96];

	for (int i = 0; i < 2; i++)
		curve_clients_free(clients[i]);
	curve_server_free(server);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Runs the server, which says each message back, and the client until it
 * hears `text`, for at most ms. */
static bool echoes(struct curve_client *client, const char *text, int ms)
{
	int64_t until = now_ms() + ms, again = 0;
	char bytes[256];
	struct curve_from from;
	size_t len;

	while (now_ms() < until) {
		zmq_pollitem_t items[CURVE_POLL_ITEMS + 1];

		if (now_ms() >= again &&
		    curve_client_send(client, text, strlen(text)))
			again = now_ms() + 500;
		curve_server_poll_items(server, items);
		curve_client_poll_item(client, &items[CURVE_POLL_ITEMS]);
		zmq_poll(items, CURVE_POLL_ITEMS + 1, 10);
		while (curve_server_receive(
		    server, &from, bytes, sizeof(bytes), &len)) {
			ck_assert(
			    curve_public_equal(&from.key, &keys[0].public) ||
			    curve_public_equal(&from.key, &keys[1].public));
			curve_server_send(server, &from, bytes, len);
		}
		while (curve_client_receive(client, bytes, sizeof(bytes), &len))
			if (len == strlen(text) && !memcmp(bytes, text, len))
				return true;
	}
	return false;
}

static bool answers(int who, const struct curve_public *key, int ms)
{
	struct curve_client *client = curve_client_new(
	    clients[who], key, curve_server_endpoint(server), NULL);
	bool answered = echoes(client, "hello", ms);

	curve_client_free(client);
	return answered;
}

START_TEST(listed_client_is_answered_and_no_other)
{
	ck_assert(answers(0, &server_key.public, PATIENCE_MS));
	ck_assert(!answers(1, &server_key.public, SILENCE_MS));
	ck_assert(!answers(0, &keys[1].public, SILENCE_MS));
	ck_assert(answers(0, &server_key.public, PATIENCE_MS));
}
END_TEST

/* What the server told last of who was not let in. */
static char refused_from[64], refused_why[128];
static int n_refused;

static void hear_refused(void *self, const char *address, const char *why)
{
	(void)self;
	n_refused++;
	snprintf(refused_from, sizeof(refused_from), "%s", address);
	snprintf(refused_why, sizeof(refused_why), "%s", why);
}

/* Writes this to the server's port; true if that brings a message to it. */
static bool shouts(const char *text)
{
	const char *port = strrchr(curve_server_endpoint(server), ':') + 1;
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(port)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int64_t until = now_ms() + SILENCE_MS;
	struct curve_from from;
	char bytes[64];
	size_t len;
	bool heard = false;

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(
	    write(fd, text, strlen(text)), (ssize_t)strlen(text));
	shutdown(fd, SHUT_WR);
	while (now_ms() < until) {
		heard = heard || curve_server_receive(server, &from, bytes,
		                     sizeof(bytes), &len);
		usleep(10000);
	}
	close(fd);
	return heard;
}

START_TEST(server_tells_whom_it_refused)
{
	char name[CURVE_KEY_TEXT];

	curve_server_tell_refused(server, hear_refused, NULL);
	ck_assert(answers(0, &server_key.public, PATIENCE_MS));
	ck_assert_int_eq(n_refused, 0);
	/* Not listed: by its key. */
	ck_assert(!answers(1, &server_key.public, SILENCE_MS));
	ck_assert_int_ge(n_refused, 1);
	curve_public_print(&keys[1].public, name);
	ck_assert_ptr_nonnull(strstr(refused_why, name));
	ck_assert_ptr_nonnull(strstr(refused_from, "127.0.0.1"));
	/* No client at all. */
	n_refused = 0;
	ck_assert(!shouts("GET / HTTP/1.1"));
	ck_assert_int_eq(n_refused, 1);
	/* Listed, and thinks that another server is here. */
	n_refused = 0;
	ck_assert(!answers(0, &keys[1].public, SILENCE_MS));
	ck_assert_int_ge(n_refused, 1);
	ck_assert_ptr_nonnull(strstr(refused_why, "no handshake"));
	/* It may have gone before the server looks where it came from. */
	ck_assert(!refused_from[0] || strstr(refused_from, "127.0.0.1"));
}
END_TEST

START_TEST(list_is_replaced_while_running)
{
	struct curve_client *client = curve_client_new(clients[0],
	    &server_key.public, curve_server_endpoint(server), NULL);

	ck_assert(echoes(client, "one", PATIENCE_MS));
	curve_server_allow(server, &keys[1].public, 1);
	/* The connection is there, and heard no more. */
	ck_assert(!echoes(client, "two", SILENCE_MS));
	ck_assert(answers(1, &server_key.public, PATIENCE_MS));
	curve_client_free(client);
}
END_TEST

START_TEST(nothing_is_kept_for_a_server_that_is_away)
{
	char endpoint[256];
	struct curve_client *client;

	strcpy(endpoint, curve_server_endpoint(server));
	curve_server_free(server);
	client =
	    curve_client_new(clients[0], &server_key.public, endpoint, NULL);
	ck_assert_ptr_nonnull(client);
	ck_assert(!curve_client_send(client, "old", 3));
	server =
	    curve_server_new(&server_key, endpoint, &keys[0].public, 1, NULL);
	ck_assert_ptr_nonnull(server);
	ck_assert(echoes(client, "new", PATIENCE_MS));
	curve_client_free(client);
}
END_TEST

START_TEST(endpoint_that_makes_no_sense_is_told)
{
	struct err err = {""};

	ck_assert_ptr_null(curve_server_new(
	    &server_key, "tcp://nowhere", &keys[0].public, 1, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "tcp://nowhere"));
	ck_assert_ptr_null(
	    curve_client_new(clients[0], &server_key.public, "what://?", &err));
}
END_TEST

/* Keys. */

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

START_TEST(key_is_read_as_it_was_written)
{
	struct curve_key read;
	struct stat st;
	struct err err;
	char text[CURVE_KEY_TEXT], public[CURVE_KEY_TEXT];

	ck_assert(curve_key_save(&keys[0], in_dir("k"), &err));
	ck_assert(curve_key_load(&read, in_dir("k"), &err));
	ck_assert_mem_eq(&read, &keys[0], sizeof(read));
	ck_assert_int_eq(stat(in_dir("k"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert(!curve_key_save(&keys[1], in_dir("k"), &err));

	FILE *file = fopen(in_dir("k.pub"), "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%44s", text), 1);
	fclose(file);
	curve_public_print(&keys[0].public, public);
	ck_assert_str_eq(text, public);
}
END_TEST

START_TEST(key_is_made_once_where_there_is_none)
{
	struct err err = {""};
	struct curve_key made, read;

	ck_assert_msg(curve_key_have(&made, dir, "h", &err), "%s", err.text);
	ck_assert_msg(curve_key_have(&read, dir, "h", &err), "%s", err.text);
	ck_assert_mem_eq(&made, &read, sizeof(made));
	ck_assert(!curve_key_have(&made, "/dev/null", "h", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/dev/null/h"));
}
END_TEST

START_TEST(key_that_others_can_read_is_refused)
{
	struct curve_key read;
	struct err err = {""};

	ck_assert(curve_key_save(&keys[0], in_dir("k"), &err));
	ck_assert_int_eq(chmod(in_dir("k"), 0640), 0);
	ck_assert(!curve_key_load(&read, in_dir("k"), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "chmod 600"));
}
END_TEST

START_TEST(key_of_two_halves_that_differ_is_refused)
{
	struct curve_key mixed = keys[0], read;
	struct err err = {""};

	mixed.public = keys[1].public;
	ck_assert(curve_key_save(&mixed, in_dir("k"), &err));
	ck_assert(!curve_key_load(&read, in_dir("k"), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "does not belong"));
}
END_TEST

START_TEST(public_key_is_44_characters_of_base64)
{
	static const char *const wrongs[] = {"", "abc",
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	    "!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
	struct curve_public key;
	char text[CURVE_KEY_TEXT];

	curve_public_print(&keys[0].public, text);
	ck_assert_uint_eq(strlen(text), 44);
	ck_assert(curve_public_parse(&key, text, NULL));
	ck_assert(curve_public_equal(&key, &keys[0].public));
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
		ck_assert(!curve_public_parse(&key, wrongs[i], NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("curve");
	TCase *tcase = tcase_create("curve");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, listed_client_is_answered_and_no_other);
	tcase_add_test(tcase, server_tells_whom_it_refused);
	tcase_add_test(tcase, list_is_replaced_while_running);
	tcase_add_test(tcase, nothing_is_kept_for_a_server_that_is_away);
	tcase_add_test(tcase, endpoint_that_makes_no_sense_is_told);
	tcase_add_test(tcase, key_is_read_as_it_was_written);
	tcase_add_test(tcase, key_is_made_once_where_there_is_none);
	tcase_add_test(tcase, key_that_others_can_read_is_refused);
	tcase_add_test(tcase, key_of_two_halves_that_differ_is_refused);
	tcase_add_test(tcase, public_key_is_44_characters_of_base64);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
