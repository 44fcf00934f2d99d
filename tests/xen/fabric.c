/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The testbed's network: an Ethernet switch for each domain, and one IPv4
 * router between them, for QEMUs with `-netdev dgram` over Unix sockets.
 * It needs no rights and touches nothing of this machine's network.
 *
 *   fabric FOLDER NAME:DOMAIN...
 *
 * In FOLDER, each port NAME has two sockets: NAME.in is bound here and takes
 * the host's frames, NAME.out is bound by its QEMU.  Domain D is 10.D.0.0/16,
 * its gateway 10.D.0.254.
 *
 * Lines written to FOLDER/fabric.ctl cut and join the way between two ports,
 * both directions: "cut a b", "join a b"; "*" stands for every port.
 *
 * A port's frames wait in a bounded queue while its QEMU is not reading; what
 * does not fit is lost, as in any switch.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MAX_PORTS = 8,
	MAX_MACS = 256,
	QUEUE = 512, /* frames that wait for one port */
	FRAME = 65536,
	RETRY_MS = 2,
	ETH = 14,
	ARP = 28,
	IP = 20,
};

struct frame {
	size_t len;
	uint8_t data[];
};

struct port {
	char name[16];
	uint8_t domain;
	int fd;
	struct sockaddr_un out;
	struct frame *queue[QUEUE];
	unsigned int head, n_queued;
	unsigned long n_lost;
};

/* A station: where its frames come from, and its address if it told one. */
struct station {
	uint8_t mac[6];
	uint8_t ip[4];
	int port;
};

struct fabric {
	struct port port[MAX_PORTS];
	int n_ports;
	bool cut[MAX_PORTS][MAX_PORTS];
	struct station station[MAX_MACS];
	int n_stations;
	int ctl;
};

static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

static void die(const char *what)
{
	fprintf(stderr, "fabric: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void gateway_mac(uint8_t domain, uint8_t mac[6])
{
	memcpy(mac, (const uint8_t[6]){2, 0, 0, 0, 0, domain}, 6);
}

static void gateway_ip(uint8_t domain, uint8_t ip[4])
{
	memcpy(ip, (const uint8_t[4]){10, domain, 0, 254}, 4);
}

/* Sending. */

/* True once the frame is gone: sent, or nobody is there to take it. */
static bool try_send(const struct port *p, const uint8_t *data, size_t len)
{
	return sendto(p->fd, data, len, 0, (const struct sockaddr *)&p->out,
	           sizeof(p->out)) >= 0 ||
	       (errno != EAGAIN && errno != ENOBUFS);
}

static void flush(struct port *p)
{
	while (p->n_queued > 0) {
		struct frame *f = p->queue[p->head];

		if (!try_send(p, f->data, f->len))
			return;
		free(f);
		p->head = (p->head + 1) % QUEUE;
		p->n_queued--;
	}
}

static void send_frame(struct port *p, const uint8_t *data, size_t len)
{
	struct frame *f;

	if (p->n_queued == 0 && try_send(p, data, len))
		return;
	f = p->n_queued < QUEUE ? malloc(sizeof(*f) + len) : NULL;
	if (!f) {
		p->n_lost++;
		return;
	}
	f->len = len;
	memcpy(f->data, data, len);
	p->queue[(p->head + p->n_queued++) % QUEUE] = f;
}

/* from is a port's number, or -1 for the router itself. */
static void send_between(
    struct fabric *f, int from, int to, const uint8_t *data, size_t len)
{
	if (from < 0 || !f->cut[from][to])
		send_frame(&f->port[to], data, len);
}

/* Stations. */

static struct station *find_mac(struct fabric *f, const uint8_t *mac)
{
	for (int i = 0; i < f->n_stations; i++)
		if (memcmp(f->station[i].mac, mac, 6) == 0)
			return &f->station[i];
	return NULL;
}

static struct station *find_ip(struct fabric *f, const uint8_t *ip)
{
	for (int i = 0; i < f->n_stations; i++)
		if (memcmp(f->station[i].ip, ip, 4) == 0)
			return &f->station[i];
	return NULL;
}

static struct station *learn(struct fabric *f, const uint8_t *mac, int port)
{
	struct station *s = find_mac(f, mac);

	if (!s && f->n_stations < MAX_MACS) {
		s = &f->station[f->n_stations++];
		memcpy(s->mac, mac, 6);
	}
	if (s)
		s->port = port;
	return s;
}

static void learn_ip(struct fabric *f, struct station *s, const uint8_t *ip)
{
	struct station *old = find_ip(f, ip);

	if (old)
		memset(old->ip, 0, 4);
	memcpy(s->ip, ip, 4);
}

/* The router. */

static void make_arp(uint8_t domain, uint8_t op, const uint8_t *mac,
    const uint8_t *ip, uint8_t out[ETH + ARP])
{
	static const uint8_t fixed[] = {8, 6, 0, 1, 8, 0, 6, 4, 0};

	memset(out, 0, ETH + ARP);
	memcpy(out, mac, 6);
	gateway_mac(domain, out + 6);
	memcpy(out + 12, fixed, sizeof(fixed));
	out[ETH + 7] = op;
	gateway_mac(domain, out + ETH + 8);
	gateway_ip(domain, out + ETH + 14);
	if (op == 2)
		memcpy(out + ETH + 18, mac, 6);
	memcpy(out + ETH + 24, ip, 4);
}

static void ask_for(struct fabric *f, const uint8_t *ip)
{
	uint8_t arp[ETH + ARP];

	make_arp(ip[1], 1, broadcast, ip, arp);
	for (int i = 0; i < f->n_ports; i++)
		if (f->port[i].domain == ip[1])
			send_between(f, -1, i, arp, sizeof(arp));
}

/* The checksum's change when the time to live goes down by one (RFC 1624). */
static void lower_ttl(uint8_t *ip)
{
	uint32_t sum = (uint32_t)(ip[10] << 8 | ip[11]) + 0x100;

	sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	ip[8]--;
}

static void route(struct fabric *f, int from, uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + ETH;
	struct station *s;

	if (len < ETH + IP || frame[12] != 8 || frame[13] != 0 || ip[8] <= 1)
		return;
	s = find_ip(f, ip + 16);
	if (!s) {
		ask_for(f, ip + 16);
		return;
	}
	lower_ttl(ip);
	memcpy(frame, s->mac, 6);
	gateway_mac(f->port[s->port].domain, frame + 6);
	send_between(f, from, s->port, frame, len);
}

/* True if the frame was the router's own business. */
static bool hear_arp(struct fabric *f, int from, struct station *s,
    const uint8_t *frame, size_t len)
{
	uint8_t domain = f->port[from].domain, own[4], reply[ETH + ARP];
	const uint8_t *arp = frame + ETH;

	if (len < ETH + ARP || frame[12] != 8 || frame[13] != 6)
		return false;
	if (s && arp[14] == 10 && arp[15] == domain)
		learn_ip(f, s, arp + 14);
	gateway_ip(domain, own);
	if (arp[7] != 1 || memcmp(arp + 24, own, 4) != 0)
		return false;
	make_arp(domain, 2, arp + 8, arp + 14, reply);
	send_between(f, -1, from, reply, sizeof(reply));
	return true;
}

/* The switch. */

static void take_frame(struct fabric *f, int from, uint8_t *frame, size_t len)
{
	uint8_t domain = f->port[from].domain, gateway[6];
	const struct station *to;
	struct station *s;

	if (len < ETH)
		return;
	s = learn(f, frame + 6, from);
	gateway_mac(domain, gateway);
	if (hear_arp(f, from, s, frame, len))
		return;
	if (memcmp(frame, gateway, 6) == 0) {
		route(f, from, frame, len);
		return;
	}
	to = frame[0] & 1 ? NULL : find_mac(f, frame);
	for (int i = 0; i < f->n_ports; i++)
		if (i != from && f->port[i].domain == domain &&
		    (!to || to->port == i))
			send_between(f, from, i, frame, len);
}

static bool names(const struct port *p, const char *name)
{
	return strcmp(name, "*") == 0 || strcmp(name, p->name) == 0;
}

static void hear_order(struct fabric *f)
{
	char line[256], word[8], a[16], b[16];
	ssize_t n = read(f->ctl, line, sizeof(line) - 1);

	if (n <= 0)
		return;
	line[n] = '\0';
	for (char *l = strtok(line, "\n"); l; l = strtok(NULL, "\n")) {
		if (sscanf(l, "%7s %15s %15s", word, a, b) != 3)
			continue;
		for (int i = 0; i < f->n_ports; i++)
			for (int k = 0; k < f->n_ports; k++)
				if ((names(&f->port[i], a) &&
				        names(&f->port[k], b)) ||
				    (names(&f->port[i], b) &&
				        names(&f->port[k], a)))
					f->cut[i][k] = word[0] == 'c';
	}
}

static void open_port(struct port *p, const char *arg)
{
	struct sockaddr_un in = {.sun_family = AF_UNIX};
	int big = 4 << 20, domain;
	char name[16];

	if (sscanf(arg, "%15[a-z0-9]:%d", name, &domain) != 2 || domain < 0 ||
	    domain > 255) {
		fprintf(stderr, "fabric: %s: NAME:DOMAIN is wanted\n", arg);
		exit(2);
	}
	memcpy(p->name, name, sizeof(name));
	p->domain = (uint8_t)domain;
	p->out.sun_family = AF_UNIX;
	snprintf(in.sun_path, sizeof(in.sun_path), "%s.in", name);
	snprintf(p->out.sun_path, sizeof(p->out.sun_path), "%s.out", name);
	unlink(in.sun_path);
	p->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		die(in.sun_path);
	setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
}

static void open_fabric(struct fabric *f, const char *folder, char **ports)
{
	if (chdir(folder) < 0)
		die(folder);
	for (; *ports && f->n_ports < MAX_PORTS; ports++)
		open_port(&f->port[f->n_ports++], *ports);
	unlink("fabric.ctl");
	if (mkfifo("fabric.ctl", 0600) < 0)
		die("fabric.ctl");
	f->ctl = open("fabric.ctl", O_RDWR | O_NONBLOCK);
	if (f->ctl < 0)
		die("fabric.ctl");
}

static void run(struct fabric *f)
{
	static uint8_t frame[FRAME];
	struct pollfd fds[MAX_PORTS + 1];
	bool waiting = false;

	for (int i = 0; i < f->n_ports; i++)
		fds[i] = (struct pollfd){f->port[i].fd, POLLIN, 0};
	fds[f->n_ports] = (struct pollfd){f->ctl, POLLIN, 0};
	for (;;) {
		poll(fds, (nfds_t)f->n_ports + 1, waiting ? RETRY_MS : -1);
		for (int i = 0; i < f->n_ports; i++) {
			ssize_t n = recv(fds[i].fd, frame, FRAME, 0);

			if (n > 0)
				take_frame(f, i, frame, (size_t)n);
		}
		if (fds[f->n_ports].revents & POLLIN)
			hear_order(f);
		waiting = false;
		for (int i = 0; i < f->n_ports; i++) {
			flush(&f->port[i]);
			waiting |= f->port[i].n_queued > 0;
		}
	}
}

int main(int argc, char **argv)
{
	static struct fabric f;

	if (argc < 3) {
		fprintf(stderr, "usage: fabric FOLDER NAME:DOMAIN...\n");
		return 2;
	}
	open_fabric(&f, argv[1], argv + 2);
	run(&f);
}
