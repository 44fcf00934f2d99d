/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One host of the testbed by hand: each call of backends/host.h over libxl as
 * a command, so that the tests reach what violind does to Xen without the
 * policy that decides on it.
 *
 *	hostctl sample                  a line for the host and for each VM
 *	hostctl set-cpu VM WEIGHT CAP   CAP in thousandths of a CPU, 0: none
 *	hostctl set-mem VM KIB
 *	hostctl rename VM NAME
 *	hostctl unpause|resume|destroy|describe VM
 *	hostctl create VM FILE [KIB]    FILE as in xl.cfg(5)
 *	hostctl send VM ADDRESS PORT    a bare stream, no hand-over: the VM is
 *	hostctl receive VM PORT FILE    left suspended here and paused there
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backends/xen/host_xen.h"

enum { THE_OP = 1 };

static void *host;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Until the one operation under way has ended. */
static bool await(struct err *err)
{
	struct pollfd fds[HOST_POLL_MAX];
	struct host_event event;

	while (!host_xen_api.poll(host, now_ns(), &event)) {
		int64_t until_ns = TIME_NEVER;
		size_t n = host_xen_api.wait(host, fds, &until_ns);
		int64_t left_ms = 1000;

		if (until_ns != TIME_NEVER)
			left_ms = (until_ns - now_ns()) / NS_PER_MS + 1;
		if (left_ms < 0)
			left_ms = 0;
		poll(fds, (nfds_t)n, left_ms > 1000 ? 1000 : (int)left_ms);
	}
	return event.kind == HOST_EVENT_DONE || err_set(err, "%s", event.text);
}

static bool read_file(const char *path, char *text, size_t cap, struct err *err)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return err_set(err, "%s: cannot be read", path);
	n = fread(text, 1, cap - 1, f);
	text[n] = '\0';
	fclose(f);
	return true;
}

static bool sample(char **args, struct err *err)
{
	static const char *const states[N_HOST_VM_STATES] = {
	    "running", "paused", "suspended", "dead", "building"};
	static struct host_vm vms[HOST_VMS_MAX];
	struct host_sample s = {.vms = vms};

	(void)args;
	if (!host_xen_api.sample(host, &s, err))
		return false;
	printf("host time_ns=%" PRId64 " n_cpus=%" PRIu32
	       " mem_total_kib=%" PRIu64 " mem_free_kib=%" PRIu64
	       " idle_time_ns=%" PRIu64 "\n",
	    now_ns(), s.n_cpus, s.mem_total_kib, s.mem_free_kib,
	    s.idle_time_ns);
	for (uint32_t i = 0; i < s.n_vms; i++) {
		const struct host_vm *v = &vms[i];

		printf("%s state=%s cpu_time_ns=%" PRIu64 " weight=%" PRIu32
		       " cap_mcpu=%" PRIu32 " mem_kib=%" PRIu64
		       " mem_target_kib=%" PRIu64 " mem_max_kib=%" PRIu64,
		    v->name, states[v->state], v->cpu_time_ns, v->weight,
		    v->cap_mcpu, v->mem_kib, v->mem_target_kib, v->mem_max_kib);
		if (v->mem_used_kib == MEM_UNKNOWN)
			printf(" mem_used_kib=unknown\n");
		else
			printf(" mem_used_kib=%" PRIu64 "\n", v->mem_used_kib);
	}
	return true;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static bool set_cpu(char **args, struct err *err)
{
	return host_xen_api.set_cpu(host, args[0], (uint32_t)number(args[1]),
	    (uint32_t)number(args[2]), err);
}

static bool set_mem(char **args, struct err *err)
{
	return host_xen_api.set_mem(host, args[0], number(args[1]), err);
}

static bool rename_vm(char **args, struct err *err)
{
	return host_xen_api.rename(host, args[0], args[1], err);
}

static bool unpause(char **args, struct err *err)
{
	return host_xen_api.unpause(host, args[0], err);
}

static bool resume(char **args, struct err *err)
{
	return host_xen_api.resume(host, args[0], err);
}

static bool destroy(char **args, struct err *err)
{
	return host_xen_api.destroy(host, THE_OP, args[0], err) && await(err);
}

static bool describe(char **args, struct err *err)
{
	char text[HOST_CONFIG_MAX];

	if (!host_xen_api.describe(host, args[0], text, sizeof(text), err))
		return false;
	puts(text);
	return true;
}

static bool create(char **args, struct err *err)
{
	char text[HOST_CONFIG_MAX];
	uint64_t mem_kib = args[2] ? number(args[2]) : 0;

	return read_file(args[1], text, sizeof(text), err) &&
	       host_xen_api.create(host, THE_OP, args[0], text, mem_kib, err) &&
	       await(err);
}

static bool send_vm(char **args, struct err *err)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct host_stream stream = {.fd = socket(AF_INET, SOCK_STREAM, 0)};

	to.sin_port = htons((uint16_t)number(args[2]));
	if (inet_pton(AF_INET, args[1], &to.sin_addr) != 1 ||
	    connect(stream.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_set(err, "%s: no way there", args[1]);
	return host_xen_api.send(host, THE_OP, args[0], stream, err) &&
	       await(err);
}

static bool receive_vm(char **args, struct err *err)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct host_stream stream;
	char text[HOST_CONFIG_MAX];

	at.sin_port = htons((uint16_t)number(args[1]));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!read_file(args[2], text, sizeof(text), err))
		return false;
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 1) < 0)
		return err_set(err, "port %s is not free", args[1]);
	stream.fd = accept(listener, NULL, NULL);
	close(listener);
	return host_xen_api.receive(host, THE_OP, args[0], text, stream, err) &&
	       await(err);
}

static const struct command {
	const char *name;
	int n_least, n_most;
	bool (*run)(char **args, struct err *err);
} commands[] = {
    {"sample", 0, 0, sample},
    {"set-cpu", 3, 3, set_cpu},
    {"set-mem", 2, 2, set_mem},
    {"rename", 2, 2, rename_vm},
    {"unpause", 1, 1, unpause},
    {"resume", 1, 1, resume},
    {"destroy", 1, 1, destroy},
    {"describe", 1, 1, describe},
    {"create", 2, 3, create},
    {"send", 3, 3, send_vm},
    {"receive", 3, 3, receive_vm},
};

int main(int argc, char **argv)
{
	const struct command *c = commands,
	                     *end = c + sizeof(commands) / sizeof(*commands);
	struct err err = {""};
	bool done;

	while (c < end && (argc < 2 || strcmp(c->name, argv[1]) != 0))
		c++;
	if (c == end || argc - 2 < c->n_least || argc - 2 > c->n_most) {
		fprintf(stderr, "usage: hostctl COMMAND...; see hostctl.c\n");
		return 2;
	}
	host = host_xen_open(&err);
	done = host && c->run(argv + 2, &err);
	if (!done)
		fprintf(stderr, "hostctl: %s\n", err.text);
	if (host)
		host_xen_api.close(host);
	return done ? 0 : 1;
}
