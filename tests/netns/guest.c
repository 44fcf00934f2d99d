/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a VM does in tests/netns/run, in its namespace: one line of result
 * each, "name=value ...", at the end or when told to end (SIGTERM).
 *
 *   guest ping IP INTERVAL_MS COUNT     echo requests; 0: until told to end
 *   guest listen PORT                   receives one checked TCP stream
 *   guest send IP PORT MS MBPS          sends it; 0 MBPS: as fast as it goes
 *   guest flood IFACE MS                broadcasts, as fast as it goes
 *   guest forge IFACE SRC DST COUNT     frames from a MAC that is not ours
 *   guest count IFACE SRC MS            frames seen from that MAC
 *   guest vxlan FROM TO VNI SRC COUNT   VXLAN packets, their sources invented
 *   guest big IP BYTES                  does an echo with DF of that size get
 *                                       through, or is it answered?
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LIFETIME_S = 60 }; /* whatever goes wrong */

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
	(void)number;
	told_to_end = 1;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in address_of(const char *ip, int port)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, ip, &in.sin_addr) != 1)
		die(ip);
	return in;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (len & 1)
		sum += (uint32_t)(p[len - 1] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Ping. */

struct ping {
	int fd;
	uint16_t id, sent;
	int64_t sent_at[65536], last_sent, last, longest, rtt[65536];
	unsigned received, twice;
};

static void send_echo(struct ping *p, const struct sockaddr_in *to)
{
	struct icmphdr echo = {.type = ICMP_ECHO};

	echo.un.echo.id = p->id;
	echo.un.echo.sequence = htons(p->sent);
	echo.checksum = checksum(&echo, sizeof echo);
	p->last_sent = now_us();
	p->sent_at[p->sent++] = p->last_sent;
	sendto(p->fd, &echo, sizeof echo, 0, (const struct sockaddr *)to,
	    sizeof *to);
}

static void take_reply(struct ping *p, const uint8_t *packet, ssize_t n)
{
	struct icmphdr echo;
	int64_t now = now_us();
	uint16_t sequence;

	if (n < 20 + (ssize_t)sizeof echo)
		return;
	memcpy(&echo, packet + 20, sizeof echo);
	sequence = ntohs(echo.un.echo.sequence);
	if (echo.type != ICMP_ECHOREPLY || echo.un.echo.id != p->id ||
	    sequence >= p->sent)
		return;
	if (!p->sent_at[sequence]) {
		p->twice++;
		return;
	}
	p->rtt[p->received++] = now - p->sent_at[sequence];
	p->sent_at[sequence] = 0;
	if (now - p->last > p->longest)
		p->longest = now - p->last;
	p->last = now;
}

static void take_replies(struct ping *p)
{
	uint8_t packet[256];
	ssize_t n;

	while ((n = recv(p->fd, packet, sizeof packet, MSG_DONTWAIT)) >= 0)
		take_reply(p, packet, n);
}

static int by_value(const void *a, const void *b)
{
	const int64_t *va = a, *vb = b;

	return (*va > *vb) - (*va < *vb);
}

/* The gap is what the longest silence was longer than the interval.  It shall
 * not be our own wait for a CPU: we go before others, if we may. */
static int ping(char **argv)
{
	static const struct sched_param first = {.sched_priority = 1};
	static struct ping p;
	struct sockaddr_in to = address_of(argv[0], 0);
	int64_t interval = (int64_t)(atof(argv[1]) * 1000);
	long count = atol(argv[2]);
	int64_t next, end;

	p.fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	p.id = (uint16_t)getpid();
	if (p.fd < 0)
		die("socket");
	sched_setscheduler(0, SCHED_FIFO, &first);
	next = p.last = now_us();
	while (
	    !told_to_end && (!count || p.sent < count) && p.sent < UINT16_MAX) {
		struct pollfd fd = {p.fd, POLLIN, 0};
		int64_t wait = next - now_us();

		if (wait <= 0) {
			send_echo(&p, &to);
			next += interval;
		} else {
			poll(&fd, 1, (int)((wait + 999) / 1000));
		}
		take_replies(&p);
	}
	for (end = now_us() + 1000000; now_us() < end && p.received < p.sent;) {
		struct pollfd fd = {p.fd, POLLIN, 0};

		if (poll(&fd, 1, 20) > 0)
			take_replies(&p);
	}
	if (p.last_sent - p.last > p.longest)
		p.longest = p.last_sent - p.last;
	qsort(p.rtt, p.received, sizeof p.rtt[0], by_value);
	printf("sent=%u received=%u twice=%u gap_ms=%.1f rtt_us=%lld "
	       "rtt99_us=%lld\n",
	    p.sent, p.received, p.twice,
	    p.longest > interval ? (double)(p.longest - interval) / 1e3 : 0.0,
	    p.received ? (long long)p.rtt[p.received / 2] : -1,
	    p.received ? (long long)p.rtt[p.received * 99 / 100] : -1);
	return 0;
}

/* A stream. */

enum { CHUNK = 128 << 10 };

/* IPv4 or IPv6. */
struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} at;
	socklen_t len;
};

static struct endpoint endpoint_of(const char *ip, int port)
{
	struct endpoint e = {.len = sizeof e.at.in};

	if (!strchr(ip, ':')) {
		e.at.in = address_of(ip, port);
		return e;
	}
	e.at.in6 = (struct sockaddr_in6){
	    .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET6, ip, &e.at.in6.sin6_addr) != 1)
		die(ip);
	e.len = sizeof e.at.in6;
	return e;
}

/* For both, where there are both. */
static int listen_at(int port)
{
	struct endpoint at = endpoint_of("::", port);
	int fd = socket(AF_INET6, SOCK_STREAM, 0), zero = 0, one = 1;

	if (fd < 0) {
		at = endpoint_of("0.0.0.0", port);
		fd = socket(AF_INET, SOCK_STREAM, 0);
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, &at.at.any, at.len) < 0 || listen(fd, 1) < 0)
		die("listen");
	return fd;
}

static int listen_stream(char **argv)
{
	static uint8_t in[CHUNK];
	int fd = accept(listen_at(atoi(argv[0])), NULL, NULL);
	uint64_t total = 0, wrong = 0;
	int64_t start, last, longest = 0;
	ssize_t n;

	start = last = now_us();
	while (!told_to_end && (n = recv(fd, in, sizeof in, 0)) > 0) {
		int64_t now = now_us();

		/* Byte i of the stream is i mod 251; looked at in each page. */
		for (ssize_t i = 0; i < n; i += 4093)
			wrong += in[i] != (total + (uint64_t)i) % 251;
		total += (uint64_t)n;
		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	printf("bytes=%llu wrong=%llu stall_ms=%.1f seconds=%.3f\n",
	    (unsigned long long)total, (unsigned long long)wrong,
	    (double)longest / 1e3, (double)(last - start) / 1e6);
	return 0;
}

static int send_stream(char **argv)
{
	static uint8_t pattern[CHUNK + 251];
	struct endpoint to = endpoint_of(argv[0], atoi(argv[1]));
	int64_t start, end;
	double rate = atof(argv[3]) * 1e6 / 8; /* bytes a second */
	int fd = socket(to.at.any.sa_family, SOCK_STREAM, 0), mss = 0;
	socklen_t mss_len = sizeof mss;
	uint64_t total = 0;

	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i % 251);
	for (int tries = 0; connect(fd, &to.at.any, to.len) < 0;) {
		if (++tries == 50)
			die("connect");
		usleep(100000);
		close(fd);
		fd = socket(to.at.any.sa_family, SOCK_STREAM, 0);
	}
	start = now_us();
	end = start + atol(argv[2]) * 1000;
	while (!told_to_end && now_us() < end) {
		size_t want = rate > 0 ? 4096 : CHUNK;
		ssize_t n = send(fd, pattern + total % 251, want, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("send");
		total += (uint64_t)n;
		while (rate > 0 && !told_to_end && now_us() < end &&
		       (double)total > rate * (double)(now_us() - start) / 1e6)
			usleep(500);
	}
	getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &mss_len);
	close(fd);
	printf("bytes=%llu mss=%d\n", (unsigned long long)total, mss);
	return 0;
}

/* Frames. */

static int open_link(const char *name, uint16_t protocol)
{
	int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));
	struct sockaddr_ll at = {
	    .sll_family = AF_PACKET,
	    .sll_protocol = htons(protocol),
	    .sll_ifindex = (int)if_nametoindex(name),
	};

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		die(name);
	return fd;
}

static void parse_mac(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
	        &mac[2], &mac[3], &mac[4], &mac[5]) != 6)
		die(text);
}

/* IEEE's Ethertype for experiments. */
enum { ETH_EXPERIMENT = 0x88b5, FRAME = 100, VXLAN_PORT = 4789 };

static int flood(char **argv)
{
	uint8_t frame[FRAME] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	int fd = open_link(argv[0], 0);
	int64_t end = now_us() + atol(argv[1]) * 1000;
	char path[128];
	FILE *file;
	uint64_t sent = 0;

	snprintf(path, sizeof path, "/sys/class/net/%s/address", argv[0]);
	file = fopen(path, "r");
	if (!file || !fgets(path, sizeof path, file))
		die(path);
	fclose(file);
	parse_mac(path, frame + 6);
	frame[12] = ETH_EXPERIMENT >> 8;
	frame[13] = ETH_EXPERIMENT & 0xff;
	while (!told_to_end && now_us() < end)
		sent += send(fd, frame, sizeof frame, 0) > 0;
	printf("sent=%llu\n", (unsigned long long)sent);
	return 0;
}

static int forge(char **argv)
{
	uint8_t frame[FRAME] = {0};
	int fd = open_link(argv[0], 0);

	parse_mac(argv[1], frame + 6);
	parse_mac(argv[2], frame);
	frame[12] = ETH_EXPERIMENT >> 8;
	frame[13] = ETH_EXPERIMENT & 0xff;
	for (int i = 0; i < atoi(argv[3]); i++)
		if (send(fd, frame, sizeof frame, 0) < 0)
			die("send");
	return 0;
}

static int count(char **argv)
{
	uint8_t frame[2048], mac[6];
	int fd = open_link(argv[0], ETH_EXPERIMENT);
	int64_t end = now_us() + atol(argv[2]) * 1000;
	unsigned n = 0;

	parse_mac(argv[1], mac);
	while (!told_to_end && now_us() < end) {
		struct pollfd p = {fd, POLLIN, 0};

		if (poll(&p, 1, 20) > 0 &&
		    recv(fd, frame, sizeof frame, 0) > 12)
			n += !memcmp(frame + 6, mac, 6);
	}
	printf("frames=%u\n", n);
	return 0;
}

static void make_vxlan(uint8_t *packet, char **argv)
{
	struct iphdr ip = {
	    .version = 4,
	    .ihl = 5,
	    .ttl = 64,
	    .protocol = IPPROTO_UDP,
	    .tot_len = htons(20 + 8 + 8 + FRAME),
	    .saddr = address_of(argv[0], 0).sin_addr.s_addr,
	    .daddr = address_of(argv[1], 0).sin_addr.s_addr,
	};
	struct udphdr udp = {
	    .source = htons(40000),
	    .dest = htons(VXLAN_PORT),
	    .len = htons(8 + 8 + FRAME),
	};
	uint32_t vxlan[2] = {
	    htonl(0x08000000), htonl((uint32_t)atoi(argv[2]) << 8)};
	uint8_t *frame = packet + 36;

	ip.check = checksum(&ip, sizeof ip);
	memcpy(packet, &ip, sizeof ip);
	memcpy(packet + 20, &udp, sizeof udp);
	memcpy(packet + 28, vxlan, sizeof vxlan);
	memset(frame, 0xff, 6);
	parse_mac(argv[3], frame + 6);
	frame[12] = ETH_EXPERIMENT >> 8;
	frame[13] = ETH_EXPERIMENT & 0xff;
}

static int forge_vxlan(char **argv)
{
	uint8_t packet[36 + FRAME] = {0};
	struct sockaddr_in to = address_of(argv[1], 0);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	make_vxlan(packet, argv);
	for (int i = 0; i < atoi(argv[4]); i++)
		if (sendto(fd, packet, sizeof packet, 0,
		        (const struct sockaddr *)&to, sizeof to) < 0)
			die("sendto");
	return 0;
}

/* Through, answered ("fragmentation needed", with the MTU that it names), or
 * swallowed.  An answer makes the route's MTU smaller, and the next send that
 * is too long fails at once. */
static int big(char **argv)
{
	static uint8_t packet[65536], in[65536];
	struct icmphdr echo = {.type = ICMP_ECHO};
	struct sockaddr_in to = address_of(argv[0], 0);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	int discover = IP_PMTUDISC_PROBE;
	size_t bytes = (size_t)atol(argv[1]) - 20;
	struct pollfd p = {fd, POLLIN, 0};

	echo.un.echo.id = (uint16_t)getpid();
	memcpy(packet, &echo, sizeof echo);
	echo.checksum = checksum(packet, bytes);
	memcpy(packet, &echo, sizeof echo);
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover);
	if (sendto(fd, packet, bytes, 0, (const struct sockaddr *)&to,
	        sizeof to) < 0)
		die("sendto");
	while (poll(&p, 1, 1000) > 0) {
		ssize_t n = recv(fd, in, sizeof in, 0);

		if (n < 28 || (in[20] == ICMP_ECHO))
			continue;
		memcpy(&echo, in + 20, sizeof echo);
		if (echo.type == ICMP_DEST_UNREACH &&
		    echo.code == ICMP_FRAG_NEEDED)
			printf("answered=%d\n", ntohs(echo.un.frag.mtu));
		else if (echo.type == ICMP_ECHOREPLY)
			printf("through=%zd\n", n);
		else
			continue;
		return 0;
	}
	puts("swallowed=1");
	return 0;
}

static const struct {
	const char *name;
	int n_words;
	int (*run)(char **words);
} commands[] = {
    {"ping", 3, ping},
    {"listen", 1, listen_stream},
    {"send", 4, send_stream},
    {"flood", 2, flood},
    {"forge", 4, forge},
    {"count", 3, count},
    {"vxlan", 5, forge_vxlan},
    {"big", 2, big},
};

int main(int argc, char **argv)
{
	struct sigaction end = {.sa_handler = on_signal};

	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	alarm(LIFETIME_S);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (argc > 1 && !strcmp(argv[1], commands[i].name) &&
		    argc - 2 == commands[i].n_words)
			return commands[i].run(argv + 2);
	fputs("usage: guest ping|listen|send|flood|forge|count|vxlan|big ...\n",
	    stderr);
	return 2;
}
