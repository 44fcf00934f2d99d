/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violin-guest-agent: runs in a guest and says, twice a second at most, how
 * much memory the guest uses, in KiB, as data/violin/mem_used_kib of the
 * guest's own part of xenstore.  Without it a host does not know, and leaves
 * the VM's memory as it is.
 *
 * Used is what the guest has of its host less MemAvailable of /proc/meminfo.
 * What it has is known to its balloon driver; MemTotal leaves out the
 * kernel's own part, tens of MiB, and stands in where there is no such driver.
 *
 * It speaks the wire protocol of xenstore (xen/include/public/io/xs_wire.h)
 * on /dev/xen/xenbus, so that it needs no library and, linked statically,
 * is small enough for any guest.
 *
 *	violin-guest-agent [SECONDS]    the period; 2 without it
 *
 * It ends if there is no xenbus within a minute, with status 1.  If xenstore
 * does not take what it writes, as for a moment after a migration, it goes on
 * and says so, once each time that this begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATH "data/violin/mem_used_kib"
#define BALLOON "/sys/devices/system/xen_memory/xen_memory0/info/current_kb"

#define USAGE "usage: violin-guest-agent [SECONDS], 0.5 to 3600; 2 without\n"

enum { XS_WRITE = 11, XS_ERROR = 16, REPLY_MAX = 4096 };
enum { XENBUS_WAIT_S = 60 };

struct xs_header {
	uint32_t type, request, transaction, len;
};

static int open_xenbus(void)
{
	int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : open("/proc/xen/xenbus", O_RDWR | O_CLOEXEC);
}

static int read_all(int fd, void *bytes, size_t n)
{
	char *at = bytes;

	while (n > 0) {
		ssize_t got = read(fd, at, n);

		if (got <= 0)
			return -1;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

/* A guest that boots may get its xenbus later than its first programs. */
static int await_xenbus(void)
{
	int fd = open_xenbus();

	for (int i = 0; fd < 0 && i < XENBUS_WAIT_S; i++) {
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
		fd = open_xenbus();
	}
	return fd;
}

/* Writes value to PATH; -1 if xenstore does not take it. */
static int publish(int fd, const char *value)
{
	char message[sizeof(struct xs_header) + sizeof(PATH) + 32];
	char reply[REPLY_MAX];
	struct xs_header header = {
	    .type = XS_WRITE, .len = (uint32_t)(sizeof(PATH) + strlen(value))};
	size_t n = sizeof(header) + header.len;

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), PATH, sizeof(PATH));
	memcpy(message + sizeof(header) + sizeof(PATH), value, strlen(value));
	if (write(fd, message, n) != (ssize_t)n ||
	    read_all(fd, &header, sizeof(header)) < 0 ||
	    header.len > sizeof(reply) || read_all(fd, reply, header.len) < 0)
		return -1;
	return header.type == XS_ERROR ? -1 : 0;
}

/* What the host has given, or -1. */
static long long given_kib(void)
{
	long long kib = -1;
	FILE *file = fopen(BALLOON, "re");

	if (!file)
		return -1;
	if (fscanf(file, "%lld", &kib) != 1)
		kib = -1;
	fclose(file);
	return kib;
}

/* Or -1. */
static long long used_kib(void)
{
	char line[128];
	long long total = -1, available = -1, given = given_kib();
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "MemTotal: %lld", &total);
		sscanf(line, "MemAvailable: %lld", &available);
	}
	fclose(file);
	if (total < 0 || available < 0)
		return -1;
	return (given > total ? given : total) - available;
}

/* Opened again after each failure: after a migration the store is another. */
static int say_used(int fd, bool *failing)
{
	char value[32];
	long long kib = used_kib();

	snprintf(value, sizeof(value), "%lld", kib);
	if (fd < 0)
		fd = open_xenbus();
	if (fd >= 0 && kib >= 0 && publish(fd, value) == 0) {
		*failing = false;
		return fd;
	}
	if (!*failing)
		fprintf(stderr, "violin-guest-agent: %s\n",
		    kib < 0 ? "/proc/meminfo does not say what is used"
		            : "xenstore does not take " PATH "; going on");
	*failing = true;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool take_period(const char *text, struct timespec *period)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.5 && seconds <= 3600))
		return false;
	period->tv_sec = (time_t)seconds;
	period->tv_nsec = (long)((seconds - (double)period->tv_sec) * 1e9);
	return true;
}

int main(int argc, char **argv)
{
	struct timespec period = {.tv_sec = 2};
	bool failing = false;
	int fd;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(USAGE, stdout) < 0;
	if (argc > 2 || (argc == 2 && !take_period(argv[1], &period)))
		return fputs(USAGE, stderr), 2;
	fd = await_xenbus();
	if (fd < 0) {
		fprintf(stderr,
		    "violin-guest-agent: /dev/xen/xenbus: %s; this is no "
		    "guest of Xen, or its kernel has no xenbus device\n",
		    strerror(errno));
		return 1;
	}
	for (;;) {
		fd = say_used(fd, &failing);
		nanosleep(&period, NULL);
	}
}
