/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who must not get in, for tests/netns/run: tries to tell a tunnel daemon
 * that a VM is elsewhere, with keys that it does not know, in bytes that make
 * no sense, and with messages that are old; and, so that silence means
 * something, the manager as well, who tells nothing.
 *
 *   intruder FOLDER HOST IP PORT
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/curve.h"
#include "backends/location_message.h"

enum { PATIENCE_MS = 1500, ROUNDS = 300 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct curve_client *dial(const struct curve_key *key,
    const struct curve_key *server, char **argv, struct curve_clients **all)
{
	char endpoint[64];
	struct err err = {{0}};

	snprintf(endpoint, sizeof endpoint, "tcp://%s:%s", argv[3], argv[4]);
	*all = curve_clients_new(key);
	return curve_client_new(*all, &server->public, endpoint, &err);
}

/* "VM 02:..:01 is nowhere", in the year 2^40. */
static size_t make_theft(char *bytes, size_t cap, uint64_t epoch)
{
	static struct location_message m;
	size_t len = 0;

	m = (struct location_message){
	    .type = LOCATION_TELL,
	    .instance = 7,
	    .n_records = 1,
	    .records = {{
	        .mac = {{2, 0, 0, 0, 0, 1}},
	        .vni = 42,
	        .epoch = epoch,
	    }},
	};
	location_message_encode(&m, bytes, cap, &len);
	return len;
}

/* Sends for a while and says whether there was an answer. */
static bool try(
    const char *who, struct curve_client *client, const char *bytes, size_t len)
{
	static char in[LOCATION_MESSAGE_MAX];
	bool answered = false;
	size_t in_len;

	for (int ms = 0; ms < PATIENCE_MS && !answered; ms += 50) {
		curve_client_send(client, bytes, len);
		usleep(50000);
		answered = curve_client_receive(client, in, sizeof in, &in_len);
	}
	printf("%s: %s; ", who, answered ? "answered" : "silence");
	return answered;
}

static void scramble(char *bytes, size_t len)
{
	for (uint32_t n = randombytes_uniform(8) + 1; n > 0; n--)
		bytes[randombytes_uniform((uint32_t)len)] =
		    (char)randombytes_uniform(256);
}

/* The authenticated manager itself, gone mad: all is old, or broken. */
static void babble(struct curve_client *client)
{
	static char bytes[4096], in[LOCATION_MESSAGE_MAX];
	size_t in_len;

	for (int i = 0; i < ROUNDS; i++) {
		size_t len = make_theft(bytes, sizeof bytes, 0);

		/* Not the record's own bytes, which might come out valid. */
		scramble(bytes, WIRE_HEADER_BYTES);
		if (i % 3 == 0)
			randombytes_buf(bytes, len);
		curve_client_send(client, bytes,
		    i % 5 ? len : randombytes_uniform((uint32_t)len));
		curve_client_receive(client, in, sizeof in, &in_len);
	}
}

/* Bytes on the bare TCP port, and on the local socket. */
static void knock(char **argv)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[4]))};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	char bytes[512];

	inet_pton(AF_INET, argv[3], &at.sin_addr);
	snprintf(local.sun_path, sizeof local.sun_path, "%s/%s.sock", argv[1],
	    argv[2]);
	for (int i = 0; i < ROUNDS; i++) {
		int tcp = socket(AF_INET, SOCK_STREAM, 0);
		int un = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		size_t len = make_theft(bytes, sizeof bytes, 0);

		if (i % 2)
			randombytes_buf(bytes, sizeof bytes);
		else
			scramble(bytes, WIRE_HEADER_BYTES);
		if (connect(tcp, (struct sockaddr *)&at, sizeof at) == 0)
			send(tcp, bytes, sizeof bytes, MSG_NOSIGNAL);
		if (connect(un, (struct sockaddr *)&local, sizeof local) == 0)
			send(un, bytes, len, MSG_NOSIGNAL);
		close(tcp);
		close(un);
	}
}

static void load(struct curve_key *key, const char *folder, const char *name)
{
	char path[256];
	struct err err = {{0}};

	snprintf(path, sizeof path, "%s/%s/control.key", folder, name);
	if (!curve_key_load(key, path, &err))
		die(err.text);
}

int main(int argc, char **argv)
{
	struct curve_key server, manager, stranger;
	struct curve_clients *clients[2];
	struct curve_client *client;
	char bytes[512];
	size_t len;

	if (argc != 5 || sodium_init() < 0)
		die("usage: intruder FOLDER HOST IP PORT");
	load(&server, argv[1], argv[2]);
	load(&manager, argv[1], "manager");
	curve_key_generate(&stranger);

	client = dial(&stranger, &server, argv, &clients[0]);
	len = make_theft(bytes, sizeof bytes, UINT64_C(1) << 40);
	try("stranger", client, bytes, len);
	curve_client_free(client);
	curve_clients_free(clients[0]);

	client = dial(&manager, &server, argv, &clients[1]);
	/* Old: the site file has it at epoch 0 as well, and somewhere. */
	len = make_theft(bytes, sizeof bytes, 0);
	try("manager", client, bytes, len);
	babble(client);
	knock(argv);
	curve_client_free(client);
	curve_clients_free(clients[1]);
	puts("done");
	return 0;
}
