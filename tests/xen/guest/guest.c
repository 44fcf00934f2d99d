/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The testbed's guest: does what it is told to and gives account of itself.
 * It hears and speaks through xenstore, so it needs no network:
 *
 *   data/order   written by the test: "NUMBER WORD [ARGUMENT]"
 *   data/answer  written here once it is done: "NUMBER ok|no [TEXT]"
 *   data/report  written here every second: "NAME=VALUE ..."
 *
 * Orders: busy [N] (N processes that compute), idle, hog MIB (a process
 * that keeps so much memory in use), free, check (verifies the whole
 * pattern now), sh COMMAND (its first words of output are the answer).
 *
 * The report is the guest's own account, to be set beside the host's:
 *   boot    this boot's random id: another one means it was started again
 *   count   goes up by one with each report and never elsewhere
 *   bad     words of the 8 MiB pattern that were found changed
 *   passes  how often the whole pattern has been verified
 *   loops   turns that the busy processes made since the boot
 *   busy_ms the busy processes' CPU time by the scheduler's clock, which
 *           counts what was stolen from them as theirs
 *   run_ms, steal_ms, up_ms   CPU time of all, by counted ticks; time that
 *           the CPU was another's; time since the boot
 *   hog_mib what the hog holds now; total_kib, avail_kib of /proc/meminfo
 *
 * A migration brings an empty data/ at the target; the next report fills it.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

enum {
	PATTERN_WORDS = 8 << 17,          /* 8 MiB */
	SLICE_WORDS = PATTERN_WORDS / 256, /* verified with each report */
	MAX_BUSY = 8,
	TICK_US = 1000000,
};

/* Shared with the children. */
struct shared {
	volatile uint64_t loops[MAX_BUSY];
	volatile uint64_t hog_mib;
};

struct guest {
	struct xs_handle *xs;
	struct shared *shared;
	uint64_t *pattern;
	uint64_t seed;
	size_t at; /* next word of the pattern to verify */
	uint64_t passes, bad, count;
	char boot[40];
	char last_order[512];
	pid_t busy[MAX_BUSY];
	uint64_t busy_ms; /* of those that were stopped */
	pid_t hog;
};

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");

	buf[0] = '\0';
	if (!f)
		return;
	if (fgets(buf, (int)size, f))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

static void verify_slice(struct guest *g, size_t n_words)
{
	while (n_words--) {
		g->bad += g->pattern[g->at] != mix(g->seed + g->at);
		if (++g->at == PATTERN_WORDS) {
			g->at = 0;
			g->passes++;
		}
	}
}

static void store_write(struct guest *g, const char *path, const char *text)
{
	if (!g->xs)
		g->xs = xs_open(0);
	if (g->xs && !xs_write(g->xs, XBT_NULL, path, text,
	                 (unsigned int)strlen(text))) {
		xs_close(g->xs);
		g->xs = NULL;
	}
}

static void stop(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static uint64_t time_ms(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t busy_ms(const struct guest *g)
{
	uint64_t sum = g->busy_ms;
	clockid_t clock;

	for (int i = 0; i < MAX_BUSY; i++)
		if (g->busy[i] > 0 &&
		    clock_getcpuclockid(g->busy[i], &clock) == 0)
			sum += time_ms(clock);
	return sum;
}

static void stop_busy(struct guest *g)
{
	g->busy_ms = busy_ms(g);
	for (int i = 0; i < MAX_BUSY; i++)
		stop(&g->busy[i]);
}

static void start_busy(struct guest *g, int n)
{
	stop_busy(g);
	for (int i = 0; i < n && i < MAX_BUSY; i++) {
		g->busy[i] = fork();
		if (g->busy[i] != 0)
			continue;
		for (uint64_t x = 1;; g->shared->loops[i]++)
			for (int k = 0; k < 100000; k++)
				__asm__ volatile("" : "+r"(x));
	}
}

static void stop_hog(struct guest *g)
{
	stop(&g->hog);
	g->shared->hog_mib = 0;
}

/* Makes this process the one that the kernel kills for lack of memory. */
static void volunteer(void)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "w");

	if (f) {
		fputs("1000\n", f);
		fclose(f);
	}
}

/* Takes memory MiB by MiB, and touches it all over and over, as a program
 * that works on it would. */
static void start_hog(struct guest *g, size_t mib)
{
	stop_hog(g);
	g->hog = fork();
	if (g->hog != 0)
		return;
	volunteer();
	char *all = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		_exit(1);
	for (unsigned int turn = 1;; turn++) {
		for (size_t i = 0; i < mib; i++) {
			for (size_t k = 0; k < 1 << 20; k += 4096)
				all[(i << 20) + k] = (char)turn;
			if (turn == 1)
				g->shared->hog_mib = i + 1;
		}
		sleep(2);
	}
}

static void reap(struct guest *g)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		if (pid != g->hog)
			continue;
		g->hog = 0;
		g->shared->hog_mib = 0;
	}
}

static bool run_shell(const char *command, char *text, size_t size)
{
	FILE *p = popen(command, "r");
	size_t n;

	if (!p)
		return false;
	n = fread(text, 1, size - 1, p);
	text[n] = '\0';
	while (fgetc(p) != EOF)
		;
	return pclose(p) == 0;
}

static bool obey(struct guest *g, const char *word, const char *argument,
    char *text, size_t size)
{
	if (!strcmp(word, "busy"))
		start_busy(g, *argument ? atoi(argument) : 1);
	else if (!strcmp(word, "idle"))
		stop_busy(g);
	else if (!strcmp(word, "hog"))
		start_hog(g, strtoul(argument, NULL, 10));
	else if (!strcmp(word, "free"))
		stop_hog(g);
	else if (!strcmp(word, "check"))
		verify_slice(g, PATTERN_WORDS);
	else if (!strcmp(word, "sh"))
		return run_shell(argument, text, size);
	else
		return false;
	return true;
}

static void hear_order(struct guest *g)
{
	char word[16] = "", text[900] = "", answer[1024];
	unsigned int number, size;
	int at = 0;
	bool done;
	char *order =
	    g->xs ? xs_read(g->xs, XBT_NULL, "data/order", &size) : NULL;

	if (!order)
		return;
	if (strcmp(order, g->last_order) != 0 &&
	    sscanf(order, "%u %15s %n", &number, word, &at) >= 2) {
		snprintf(g->last_order, sizeof(g->last_order), "%s", order);
		done = obey(g, word, order + at, text, sizeof(text));
		snprintf(answer, sizeof(answer), "%u %s %s", number,
		    done ? "ok" : "no", text);
		store_write(g, "data/answer", answer);
	}
	free(order);
}

/* The first line of /proc/stat, in ticks of 10 ms: user nice system idle
 * iowait irq softirq steal. */
static void read_cpu(uint64_t *run_ms, uint64_t *steal_ms)
{
	uint64_t t[8] = {0};
	char line[256];

	read_line("/proc/stat", line, sizeof(line));
	sscanf(line,
	    "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %" SCNu64 " %" SCNu64,
	    &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
	*run_ms = 10 * (t[0] + t[1] + t[2] + t[5] + t[6]);
	*steal_ms = 10 * t[7];
}

static uint64_t read_memory(const char *name)
{
	char line[128];
	uint64_t kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kib = strtoull(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void report(struct guest *g)
{
	uint64_t loops = 0, run_ms, steal_ms;
	char text[512];
	size_t n;

	for (int i = 0; i < MAX_BUSY; i++)
		loops += g->shared->loops[i];
	read_cpu(&run_ms, &steal_ms);
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
	    {"count", ++g->count},
	    {"bad", g->bad},
	    {"passes", g->passes},
	    {"loops", loops},
	    {"busy_ms", busy_ms(g)},
	    {"run_ms", run_ms},
	    {"steal_ms", steal_ms},
	    {"up_ms", time_ms(CLOCK_BOOTTIME)},
	    {"hog_mib", g->shared->hog_mib},
	    {"total_kib", read_memory("MemTotal:")},
	    {"avail_kib", read_memory("MemAvailable:")},
	};
	n = (size_t)snprintf(text, sizeof(text), "boot=%s", g->boot);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    " %s=%" PRIu64, values[i].name, values[i].value);
	store_write(g, "data/report", text);
}

int main(void)
{
	static struct guest g;

	setvbuf(stdout, NULL, _IOLBF, 0);
	g.shared = mmap(NULL, sizeof(*g.shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g.pattern = malloc(PATTERN_WORDS * sizeof(*g.pattern));
	if (g.shared == MAP_FAILED || !g.pattern)
		return 1;
	read_line("/proc/sys/kernel/random/boot_id", g.boot, sizeof(g.boot));
	g.seed = mix(strtoull(g.boot, NULL, 16));
	for (size_t i = 0; i < PATTERN_WORDS; i++)
		g.pattern[i] = mix(g.seed + i);
	printf("guest %s is up\n", g.boot);
	for (;; usleep(TICK_US)) {
		reap(&g);
		verify_slice(&g, SLICE_WORDS);
		report(&g);
		hear_order(&g);
	}
}
