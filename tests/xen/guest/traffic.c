/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes through a virtual network while its VMs move, in the testbed's
 * guests and on its hosts.  One line of result, "name=value ...", when told to
 * end (SIGTERM); servers have none.
 *
 *   traffic ping IP MS          echo requests, one each MS
 *   traffic serve PORT          echoes one TCP connection after the other
 *   traffic call IP PORT MS     one TCP connection to such a server: a record
 *                               each MS, each expected back, in order
 *   traffic append FILE MS      numbered lines, each synced to the disk before
 *                               it counts as written
 *   traffic tell-time PORT      tells what time it is here
 *   traffic ask-time IP PORT    and how much later it is there than here
 *   traffic stamp               for each line of its input, when it came, in us
 *
 * A gap is how much longer than usual the longest silence was; from_ms and
 * to_ms are when it began and ended, by the clock of who says so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LAST_WORDS_US = 30000000, TIME_ROUNDS = 40 };

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
	(void)number;
	told_to_end = 1;
}

static void die(const char *what)
{
	printf("error=\"%s: %s\"\n", what, strerror(errno));
	exit(1);
}

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static struct sockaddr_in address_of(const char *ip, const char *port)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, ip, &in.sin_addr) != 1)
		die(ip);
	return in;
}

static int open_socket(int type, const char *port)
{
	struct sockaddr_in at = address_of("0.0.0.0", port);
	int fd = socket(AF_INET, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	return fd;
}

/* The longest time between two signs of life. */
struct silence {
	int64_t last_us, longest_us, to_us;
};

static void heard(struct silence *s)
{
	int64_t now = clock_us(CLOCK_REALTIME);

	if (s->last_us && now - s->last_us > s->longest_us) {
		s->longest_us = now - s->last_us;
		s->to_us = now;
	}
	s->last_us = now;
}

static void print_silence(const struct silence *s, int64_t usual_us)
{
	printf(" gap_ms=%" PRId64 " from_ms=%" PRId64 " to_ms=%" PRId64 "\n",
	    (s->longest_us - usual_us) / 1000,
	    (s->to_us - s->longest_us) / 1000, s->to_us / 1000);
}

/* True when it is time for the next; false when there is something to read. */
static bool await_turn(int fd, int64_t *next_us, int64_t interval_us)
{
	struct pollfd in = {fd, POLLIN, 0};
	int64_t now = clock_us(CLOCK_MONOTONIC);

	if (now < *next_us)
		poll(&in, 1, (int)((*next_us - now + 999) / 1000));
	if (in.revents || clock_us(CLOCK_MONOTONIC) < *next_us)
		return false;
	*next_us += interval_us;
	if (*next_us < now)
		*next_us = now + interval_us;
	return true;
}

/* Ping. */

static uint16_t checksum(const uint16_t *words, size_t n)
{
	uint32_t sum = 0;

	while (n--)
		sum += *words++;
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void send_echo(int fd, const struct sockaddr_in *to, uint16_t sequence)
{
	struct icmphdr echo = {.type = ICMP_ECHO};

	echo.un.echo.id = htons((uint16_t)getpid());
	echo.un.echo.sequence = htons(sequence);
	echo.checksum = checksum((const uint16_t *)&echo, sizeof(echo) / 2);
	sendto(fd, &echo, sizeof(echo), 0, (const struct sockaddr *)to,
	    sizeof(*to));
}

static bool take_reply(int fd)
{
	struct {
		struct iphdr ip;
		struct icmphdr echo;
		uint8_t more[64];
	} in;

	return recv(fd, &in, sizeof(in), MSG_DONTWAIT) >=
	           (ssize_t)(sizeof(in.ip) + sizeof(in.echo)) &&
	       in.echo.type == ICMP_ECHOREPLY &&
	       in.echo.un.echo.id == htons((uint16_t)getpid());
}

static int ping(char **args)
{
	struct sockaddr_in to = address_of(args[0], "0");
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	int64_t interval = atol(args[1]) * 1000;
	int64_t next = clock_us(CLOCK_MONOTONIC);
	struct silence silence = {0};
	uint64_t sent = 0, received = 0;

	if (fd < 0)
		die("socket");
	while (!told_to_end) {
		if (await_turn(fd, &next, interval)) {
			send_echo(fd, &to, (uint16_t)sent++);
		} else if (take_reply(fd)) {
			received++;
			heard(&silence);
		}
	}
	printf("sent=%" PRIu64 " received=%" PRIu64, sent, received);
	print_silence(&silence, interval);
	return 0;
}

/* Records over TCP. */

struct record {
	uint64_t number, doubled;
};

static int serve(char **args)
{
	int server = open_socket(SOCK_STREAM, args[0]), fd;
	char bytes[4096];
	ssize_t n;

	if (listen(server, 8) < 0)
		die("listen");
	while ((fd = accept(server, NULL, NULL)) >= 0) {
		while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
			if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
				break;
		close(fd);
	}
	return 0;
}

struct call {
	int fd;
	uint64_t sent, echoed, wrong;
	struct silence silence;
};

static void take_echo(struct call *call)
{
	struct record in;
	ssize_t n = recv(call->fd, &in, sizeof(in), MSG_WAITALL);

	if (n != sizeof(in))
		die("the connection is lost");
	if (in.number != call->echoed || in.doubled != 2 * in.number)
		call->wrong++;
	call->echoed++;
	heard(&call->silence);
}

static int call(char **args)
{
	struct sockaddr_in to = address_of(args[0], args[1]);
	struct call c = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
	int64_t interval = atol(args[2]) * 1000;
	int64_t next, end = INT64_MAX;
	int on = 1;

	if (connect(c.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	next = clock_us(CLOCK_MONOTONIC);
	while (!told_to_end || c.echoed < c.sent) {
		struct record out = {c.sent, 2 * c.sent};

		if (told_to_end && end == INT64_MAX)
			end = clock_us(CLOCK_MONOTONIC) + LAST_WORDS_US;
		if (clock_us(CLOCK_MONOTONIC) > end)
			break;
		if (!await_turn(c.fd, &next, interval)) {
			struct pollfd in = {c.fd, POLLIN, 0};

			if (poll(&in, 1, 0) > 0)
				take_echo(&c);
		} else if (!told_to_end) {
			if (send(c.fd, &out, sizeof(out), MSG_NOSIGNAL) !=
			    sizeof(out))
				die("send");
			c.sent++;
		}
	}
	printf("sent=%" PRIu64 " echoed=%" PRIu64 " wrong=%" PRIu64, c.sent,
	    c.echoed, c.wrong);
	print_silence(&c.silence, interval);
	return 0;
}

/* A file. */

static int append(char **args)
{
	int fd = open(args[0], O_WRONLY | O_CREAT | O_APPEND, 0666);
	struct silence silence = {0};
	uint64_t written = 0;
	char line[32];

	if (fd < 0)
		die(args[0]);
	while (!told_to_end) {
		int n = snprintf(line, sizeof(line), "%" PRIu64 "\n", written);

		if (write(fd, line, (size_t)n) != n || fsync(fd) < 0)
			die(args[0]);
		written++;
		heard(&silence);
		usleep((useconds_t)atol(args[1]) * 1000);
	}
	printf("written=%" PRIu64, written);
	print_silence(&silence, atol(args[1]) * 1000);
	return 0;
}

/* Clocks. */

static int tell_time(char **args)
{
	int fd = open_socket(SOCK_DGRAM, args[0]);
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	int64_t stamp;

	while (recvfrom(fd, &stamp, sizeof(stamp), 0, (struct sockaddr *)&from,
	           &size) >= 0) {
		stamp = clock_us(CLOCK_REALTIME);
		sendto(fd, &stamp, sizeof(stamp), 0, (struct sockaddr *)&from,
		    size);
	}
	return 0;
}

/* The fastest round says it best: it is wrong by half its length at most. */
static int ask_time(char **args)
{
	struct sockaddr_in to = address_of(args[0], args[1]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int64_t there, later = 0, round = INT64_MAX;

	for (int i = 0; i < TIME_ROUNDS; i++, usleep(20000)) {
		struct pollfd in = {fd, POLLIN, 0};
		int64_t asked = clock_us(CLOCK_REALTIME), took;

		sendto(fd, &asked, sizeof(asked), 0, (struct sockaddr *)&to,
		    sizeof(to));
		if (poll(&in, 1, 500) <= 0 ||
		    recv(fd, &there, sizeof(there), 0) != sizeof(there))
			continue;
		took = clock_us(CLOCK_REALTIME) - asked;
		if (took < round) {
			round = took;
			later = there - asked - took / 2;
		}
	}
	if (round == INT64_MAX)
		die("no answer");
	printf("later_us=%" PRId64 " round_us=%" PRId64 "\n", later, round);
	return 0;
}

static int stamp(char **args)
{
	char bytes[4096];
	ssize_t n;

	(void)args;
	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i] == '\n')
				printf("%" PRId64 "\n",
				    clock_us(CLOCK_REALTIME));
		fflush(stdout);
	}
	return 0;
}

static const struct {
	const char *name;
	int n_args;
	int (*run)(char **args);
} commands[] = {
    {"ping", 2, ping},
    {"serve", 1, serve},
    {"call", 3, call},
    {"append", 2, append},
    {"tell-time", 1, tell_time},
    {"ask-time", 2, ask_time},
    {"stamp", 0, stamp},
};

int main(int argc, char **argv)
{
	struct sigaction end = {
	    .sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGTERM, &end, NULL);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0 &&
		    argc - 2 == commands[i].n_args)
			return commands[i].run(argv + 2);
	fputs("usage: traffic ping|serve|call|append|tell-time|ask-time|stamp "
	      "...\n",
	    stderr);
	return 2;
}
