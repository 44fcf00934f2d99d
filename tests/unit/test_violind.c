/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two violinds on fake hosts, over real sockets on loopback, and a manager
 * that is this test: reports, acts, a migration from end to end; the same with
 * a violind killed at every step of it, and with every call of its host
 * failing; and those who may not command.
 *
 * The fake hosts write who runs where into one history, in the order in which
 * it happens; after each run the history is checked line by line.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/curve.h"
#include "backends/message.h"

enum { A, B, HOSTS };
enum { WAIT_MS = 20000 };

static const char *const host_names[HOSTS] = {"a", "b"};
static char violind[PATH_MAX];
static char dir[64];
static struct curve_key manager_key, host_keys[HOSTS];
static pid_t pids[HOSTS];
static struct curve_clients *clients;
static struct curve_client *client[HOSTS];
static struct host_vm vms[HOSTS][HOST_VMS_MAX];
static struct message_report reports[HOSTS];
static uint64_t request, generation;

/* --- a rig of two hosts --------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void write_file(const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void write_config(int host)
{
	char text[2048], name[32], public[CURVE_KEY_TEXT];

	curve_public_print(&manager_key.public, public);
	snprintf(text, sizeof(text),
	    "name: %s\nkey: %s/%s.key\nlisten: tcp://127.0.0.1:*\n"
	    "journal: %s/%s.journal\n"
	    "managers:\n  - {name: test, key: \"%s\"}\n"
	    "migration: {address: 127.0.0.1, connect_s: 3, transfer_s: 8, "
	    "answer_s: 3, silent_s: 2}\n",
	    host_names[host], dir, host_names[host], dir, host_names[host],
	    public);
	snprintf(name, sizeof(name), "%s.conf", host_names[host]);
	write_file(name, text);
}

static void write_script(int host, const char *more)
{
	char text[2048], name[32];

	snprintf(text, sizeof(text),
	    "host cpus 4 mem 1G\nstate %s/%s.state\nhistory %s/history\n%s\n%s",
	    dir, host_names[host], dir,
	    host == A ? "vm V1 mem 128M max 256M cpu 0.5 used 90M" : "", more);
	snprintf(name, sizeof(name), "%s.fake", host_names[host]);
	write_file(name, text);
}

/* The endpoint out of the last "start" line of a log. */
static bool find_endpoint(const char *log, char endpoint[64])
{
	char line[1024];
	FILE *file = fopen(log, "r");
	bool found = false;

	while (file && fgets(line, sizeof(line), file)) {
		const char *at = strstr(line, "endpoint=");

		if (at && sscanf(at, "endpoint=%63s", endpoint) == 1)
			found = true;
	}
	if (file)
		fclose(file);
	return found;
}

static void exec_violind(int host, const char *die_at, const char *log)
{
	char conf[PATH_MAX], script[PATH_MAX];
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDERR_FILENO);
	snprintf(conf, sizeof(conf), "%s/%s.conf", dir, host_names[host]);
	snprintf(script, sizeof(script), "%s/%s.fake", dir, host_names[host]);
	unsetenv("JOURNAL_STREAM");
	execl(violind, violind, "-c", conf, "--fake", script,
	    die_at ? "--die-at" : NULL, die_at, NULL);
	_exit(127);
}

static void start(int host, const char *die_at)
{
	static int n_starts;
	char log[PATH_MAX], endpoint[64];
	int64_t until = now_ms() + WAIT_MS;

	snprintf(log, sizeof(log), "%s/%s.%d.log", dir, host_names[host],
	    n_starts++);
	pids[host] = fork();
	if (pids[host] == 0)
		exec_violind(host, die_at, log);
	while (!find_endpoint(log, endpoint)) {
		/* It may be told to die while it starts again. */
		if (waitpid(pids[host], NULL, WNOHANG) == pids[host]) {
			pids[host] = 0;
			return;
		}
		ck_assert_msg(now_ms() < until, "%s does not start", log);
		usleep(5000);
	}
	curve_client_free(client[host]);
	client[host] = curve_client_new(
	    clients, &host_keys[host].public, endpoint, NULL);
	ck_assert_ptr_nonnull(client[host]);
}

static bool is_dead(int host)
{
	if (pids[host] > 0 && waitpid(pids[host], NULL, WNOHANG) == pids[host])
		pids[host] = 0;
	return pids[host] == 0;
}

static void stop(int host, int signal_number)
{
	int status;

	if (pids[host] <= 0)
		return;
	kill(pids[host], signal_number);
	waitpid(pids[host], &status, 0);
	pids[host] = 0;
}

static void setup(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt((int)n, 0);
	self[n] = '\0';
	snprintf(violind, sizeof(violind), "%s/../../violind", dirname(self));
	strcpy(dir, "/tmp/violind.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	curve_key_generate(&manager_key);
	clients = curve_clients_new(&manager_key);
	request = 0;
	generation = 1;
	for (int host = 0; host < HOSTS; host++) {
		char path[PATH_MAX];
		struct err err;

		curve_key_generate(&host_keys[host]);
		snprintf(path, sizeof(path), "%s/%s.key", dir,
		    host_names[host]);
		ck_assert(curve_key_save(&host_keys[host], path, &err));
		write_config(host);
		write_script(host, "");
		reports[host].sample.vms = vms[host];
	}
}

static void teardown(void)
{
	char command[128];

	for (int host = 0; host < HOSTS; host++) {
		stop(host, SIGKILL);
		curve_client_free(client[host]);
		client[host] = NULL;
	}
	curve_clients_free(clients);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* --- a manager ------------------------------------------------------------ */

/* The answer to a message within ms; false if there is none. */
static bool ask(int host, const struct wire_writer *question,
    struct wire_reader *answer, struct wire_header *header, int ms)
{
	static uint8_t bytes[WIRE_MESSAGE_MAX];
	int64_t until = now_ms() + ms, again = 0;
	zmq_pollitem_t item;
	size_t len;

	while (now_ms() < until && !is_dead(host)) {
		if (now_ms() >= again &&
		    curve_client_send(
			client[host], question->data, question->len))
			again = now_ms() + 1000;
		curve_client_poll_item(client[host], &item);
		zmq_poll(&item, 1, 20);
		while (curve_client_receive(
		    client[host], bytes, sizeof(bytes), &len)) {
			wire_reader_init(answer, bytes, len);
			ck_assert(wire_get_header(answer, header));
			if (header->request == request)
				return true;
		}
	}
	return false;
}

static bool observe_for(int host, int ms)
{
	uint8_t bytes[64];
	struct wire_writer w;
	struct wire_reader r;
	struct wire_header header;
	struct message_observe observe = {.generation = generation};

	request++;
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_observe(&w, request, &observe));
	if (!ask(host, &w, &r, &header, ms))
		return false;
	ck_assert_int_eq(header.type, MESSAGE_REPORT);
	ck_assert(message_read_report(&r, &reports[host]));
	return true;
}

static void observe(int host)
{
	ck_assert_msg(observe_for(host, WAIT_MS), "%s does not answer",
	    host_names[host]);
}

/* Sends an act on the last report; false if the daemon died on it. */
static bool act_for(int host, struct message_act *act,
    struct message_answer *answer, int ms)
{
	static uint8_t bytes[HOST_CONFIG_MAX + 1024];
	struct wire_writer w;
	struct wire_reader r;
	struct wire_header header;

	request++;
	act->generation = generation;
	act->incarnation = reports[host].incarnation;
	act->view = reports[host].number;
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_act(&w, request, act));
	if (!ask(host, &w, &r, &header, ms))
		return false;
	ck_assert_int_eq(header.type, MESSAGE_ANSWER);
	ck_assert(message_read_answer(&r, answer));
	return true;
}

static struct message_answer act(int host, struct message_act act)
{
	struct message_answer answer;

	ck_assert(act_for(host, &act, &answer, WAIT_MS));
	return answer;
}

static const struct host_vm *vm_on(int host, const char *name)
{
	for (uint32_t i = 0; i < reports[host].sample.n_vms; i++)
		if (strcmp(vms[host][i].name, name) == 0)
			return &vms[host][i];
	return NULL;
}

static const struct message_handover *handover_on(int host, uint64_t id)
{
	for (uint32_t i = 0; i < reports[host].n_handovers; i++)
		if (reports[host].handovers[i].id == id)
			return &reports[host].handovers[i];
	return NULL;
}

/* Asks both hosts to move V1 from A to B.  False if one died or refused. */
static bool begin_move(uint64_t id, uint64_t rate_bps)
{
	struct message_act receive = {.kind = ACT_RECEIVE,
	    .handover = id,
	    .vm = "V1",
	    .mem_kib = 128 * KIB_PER_MIB};
	struct message_act send = {.kind = ACT_SEND,
	    .handover = id,
	    .vm = "V1",
	    .rate_bps = rate_bps};
	struct message_answer answer;

	observe(A);
	observe(B);
	randombytes_buf(receive.key, sizeof(receive.key));
	memcpy(send.key, receive.key, sizeof(send.key));
	if (!act_for(B, &receive, &answer, WAIT_MS))
		return false;
	if (answer.kind != ANSWER_PENDING)
		return false;
	snprintf(send.address, sizeof(send.address), "127.0.0.1:%u",
	    answer.port);
	return act_for(A, &send, &answer, WAIT_MS) &&
	    answer.kind == ANSWER_PENDING;
}

static void tell(int host, uint64_t id, enum handover_word word)
{
	struct message_act verdict = {
	    .kind = ACT_WORD, .handover = id, .word = word};
	struct message_answer answer;

	if (word != WORD_NONE)
		act_for(host, &verdict, &answer, 1000);
}

static enum handover_state state_of(int host, uint64_t id)
{
	const struct message_handover *h = handover_on(host, id);

	return h ? h->state : HANDOVER_NO_RECORD;
}

/* Starts again what died, and settles what is open, until nothing is. */
static void settle(uint64_t id)
{
	int64_t until = now_ms() + 2 * WAIT_MS;

	for (;;) {
		ck_assert_msg(now_ms() < until, "not settled: %s, %s",
		    handover_state_name(state_of(A, id)),
		    handover_state_name(state_of(B, id)));
		for (int host = 0; host < HOSTS; host++)
			if (is_dead(host))
				start(host, NULL);
		if (!observe_for(A, 1000) || !observe_for(B, 1000))
			continue;
		enum handover_state a = state_of(A, id), b = state_of(B, id);
		if (a == HANDOVER_NO_RECORD && b == HANDOVER_NO_RECORD)
			return;
		struct handover_verdict verdict = handover_settle(a, b);
		ck_assert_msg(!verdict.operator_needed, "lost: %s, %s",
		    handover_state_name(a), handover_state_name(b));
		tell(A, id, verdict.source);
		tell(B, id, verdict.target);
		usleep(20000);
	}
}

/* --- what must hold ------------------------------------------------------- */

/* Line by line: V1 runs on at most one host, and is whole on one at least. */
static void check_history(void)
{
	char path[PATH_MAX], host[8], what[8], name[64];
	bool runs[HOSTS] = {false}, whole[HOSTS] = {false};
	uint64_t boot, first = 0;
	unsigned line = 0;

	snprintf(path, sizeof(path), "%s/history", dir);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fscanf(file, "%7s %" SCNx64 " %7s %63s", host, &boot, what,
		   name) == 4) {
		int h = strcmp(host, "b") == 0 ? B : A;

		line++;
		if (first == 0)
			first = boot;
		if (boot != first)
			continue;
		runs[h] = strcmp(what, "run") == 0;
		whole[h] = strcmp(what, "gone") != 0;
		ck_assert_msg(!(runs[A] && runs[B]), "history:%u: runs twice",
		    line);
		ck_assert_msg(whole[A] || whole[B], "history:%u: lost", line);
	}
	fclose(file);
	ck_assert_uint_gt(line, 0);
}

/* V1 runs on exactly one host, under its own name, and nothing else is left
 * anywhere; memory is accounted for.  Returns the host. */
static int check_one_place(void)
{
	const struct host_vm *vm[HOSTS];

	for (int host = 0; host < HOSTS; host++) {
		observe(host);
		vm[host] = vm_on(host, "V1");
		ck_assert_uint_eq(
		    reports[host].sample.n_vms, vm[host] ? 1 : 0);
		ck_assert_uint_eq(reports[host].sample.mem_free_kib,
		    KIB_PER_GIB - (vm[host] ? vm[host]->mem_kib : 0));
		if (vm[host])
			ck_assert_int_eq(vm[host]->state, HOST_VM_RUNNING);
	}
	ck_assert_msg(!vm[A] != !vm[B], "V1 is on %s",
	    vm[A] ? "both" : "neither");
	check_history();
	return vm[A] ? A : B;
}

/* --- the tests ------------------------------------------------------------ */

START_TEST(report_tells_all_that_a_host_has)
{
	start(A, NULL);
	observe(A);
	const struct host_vm *vm = vm_on(A, "V1");
	ck_assert_ptr_nonnull(vm);
	ck_assert_str_eq(reports[A].host, "a");
	ck_assert_str_eq(reports[A].hypervisor, "fake");
	ck_assert_uint_eq(reports[A].sample.n_cpus, 4);
	ck_assert_uint_eq(reports[A].sample.mem_total_kib, KIB_PER_GIB);
	ck_assert_uint_eq(vm->mem_kib, 128 * KIB_PER_MIB);
	ck_assert_uint_eq(vm->mem_used_kib, 90 * KIB_PER_MIB);

	/* Half a CPU of the time between two samples. */
	uint64_t cpu_ns = vm->cpu_time_ns, clock_ns = reports[A].clock_ns;
	usleep(300000);
	observe(A);
	double share = (double)(vm_on(A, "V1")->cpu_time_ns - cpu_ns) /
	    (double)(reports[A].clock_ns - clock_ns);
	ck_assert_double_eq_tol(share, 0.5, 0.02);
}
END_TEST

START_TEST(acts_change_the_host_and_refusals_do_not)
{
	struct message_act cpu = {
	    .kind = ACT_SET_CPU, .vm = "V1", .weight = 512, .cap_mcpu = 250};
	struct message_act mem = {
	    .kind = ACT_SET_MEM, .vm = "V1", .mem_kib = 200 * KIB_PER_MIB};

	start(A, NULL);
	observe(A);
	ck_assert_int_eq(act(A, cpu).kind, ANSWER_DONE);
	ck_assert_int_eq(act(A, mem).kind, ANSWER_DONE);
	cpu.weight = 0;
	ck_assert_int_eq(act(A, cpu).kind, ANSWER_REFUSED);
	mem.mem_kib = 300 * KIB_PER_MIB; /* above its maximum */
	ck_assert_int_eq(act(A, mem).kind, ANSWER_REFUSED);
	strcpy(mem.vm, "V2");
	ck_assert_int_eq(act(A, mem).kind, ANSWER_REFUSED);
	usleep(150000);
	observe(A);
	ck_assert_uint_eq(vm_on(A, "V1")->weight, 512);
	ck_assert_uint_eq(vm_on(A, "V1")->cap_mcpu, 250);
	ck_assert_uint_eq(vm_on(A, "V1")->mem_target_kib, 200 * KIB_PER_MIB);
}
END_TEST

static bool has_outcome(int host, enum answer_kind kind)
{
	for (uint32_t i = 0; i < reports[host].n_outcomes; i++)
		if (reports[host].outcomes[i].request == request &&
		    reports[host].outcomes[i].kind == kind)
			return true;
	return false;
}

START_TEST(vm_is_created_and_destroyed)
{
	struct message_act create = {.kind = ACT_CREATE,
	    .vm = "V2",
	    .config = "name = \"V2\"\nmemory = 64\nvcpus = 2\n"};
	struct message_act destroy = {.kind = ACT_DESTROY, .vm = "V2"};

	start(A, NULL);
	observe(A);
	ck_assert_int_eq(act(A, create).kind, ANSWER_PENDING);
	uint64_t created = request;
	usleep(150000);
	observe(A);
	request = created;
	ck_assert(has_outcome(A, ANSWER_DONE));
	ck_assert_uint_eq(vm_on(A, "V2")->mem_kib, 64 * KIB_PER_MIB);
	ck_assert_int_eq(act(A, create).kind, ANSWER_REFUSED);
	ck_assert_int_eq(act(A, destroy).kind, ANSWER_PENDING);
	usleep(150000);
	observe(A);
	ck_assert_ptr_null(vm_on(A, "V2"));
}
END_TEST

START_TEST(act_that_comes_twice_is_done_once)
{
	struct message_act create = {.kind = ACT_CREATE,
	    .vm = "V2",
	    .config = "name = \"V2\"\nmemory = 64\n"};

	start(A, NULL);
	observe(A);
	ck_assert_int_eq(act(A, create).kind, ANSWER_PENDING);
	request--;
	ck_assert_int_ne(act(A, create).kind, ANSWER_REFUSED);
	request--;
	ck_assert_int_ne(act(A, create).kind, ANSWER_REFUSED);
}
END_TEST

START_TEST(stale_view_or_an_older_manager_is_refused)
{
	struct message_act cpu = {
	    .kind = ACT_SET_CPU, .vm = "V1", .weight = 100};

	start(A, NULL);
	generation = 7;
	observe(A);
	generation = 6;
	ck_assert_int_eq(act(A, cpu).kind, ANSWER_REFUSED);
	generation = 0;
	ck_assert_int_eq(act(A, cpu).kind, ANSWER_REFUSED);
	generation = 7;
	stop(A, SIGKILL);
	start(A, NULL);
	ck_assert_int_eq(act(A, cpu).kind, ANSWER_REFUSED);
	observe(A);
	ck_assert_int_eq(act(A, cpu).kind, ANSWER_DONE);
	for (int i = 0; i < 70; i++)
		observe_for(A, 1000);
	reports[A].number -= 65;
	ck_assert_int_eq(act(A, cpu).kind, ANSWER_REFUSED);
}
END_TEST

START_TEST(vm_migrates_with_its_memory)
{
	write_script(A, "image 8M\n");
	start(A, NULL);
	start(B, NULL);
	ck_assert(begin_move(17, 0));
	settle(17);
	ck_assert_int_eq(check_one_place(), B);
	ck_assert_uint_eq(vm_on(B, "V1")->mem_max_kib, 256 * KIB_PER_MIB);
}
END_TEST

START_TEST(migration_keeps_its_rate_and_is_aborted_on_request)
{
	int64_t began = now_ms();

	write_script(A, "image 16M\n");
	start(A, NULL);
	start(B, NULL);
	ck_assert(begin_move(17, 16 * 1000 * 1000)); /* 2 MB/s */
	usleep(500000);
	observe(A);
	ck_assert_int_eq(state_of(A, 17), SOURCE_SENDING);
	/* The pipe before the relay holds some of it too. */
	ck_assert_uint_ge(handover_on(A, 17)->bytes, 600000);
	ck_assert_uint_le(handover_on(A, 17)->bytes,
	    (uint64_t)(now_ms() - began) * 2000 + 200000);
	tell(A, 17, WORD_ABORT);
	settle(17);
	ck_assert_int_eq(check_one_place(), A);
}
END_TEST

START_TEST(target_without_memory_refuses)
{
	struct message_act receive = {.kind = ACT_RECEIVE,
	    .handover = 3,
	    .vm = "V9",
	    .mem_kib = 2 * KIB_PER_GIB};

	start(A, NULL);
	observe(A);
	ck_assert_int_eq(act(A, receive).kind, ANSWER_REFUSED);
	receive.mem_kib = 1000 * KIB_PER_MIB; /* V1 has 128 of 1024 */
	ck_assert_int_eq(act(A, receive).kind, ANSWER_REFUSED);
	receive.mem_kib = 500 * KIB_PER_MIB;
	ck_assert_int_eq(act(A, receive).kind, ANSWER_PENDING);
	receive.handover = 4;
	strcpy(receive.vm, "V8"); /* the rest is promised */
	ck_assert_int_eq(act(A, receive).kind, ANSWER_REFUSED);
}
END_TEST

/* Each step of a migration, on the side that takes it. */
static const struct {
	int host;
	const char *point;
} deaths[] = {
    {A, "source-calling:noted"}, {A, "source-sending:noted"},
    {A, "source-sending:done"}, {A, "source-sent:noted"},
    {A, "source-sent:done"}, {A, "source-leaving:noted"},
    {A, "source-leaving:done"}, {A, "source-committed:noting"},
    {A, "source-committed:noted"}, {A, "source-committed:done"},
    {A, "source-dropping:noted"}, {A, "source-dropping:done"},
    {A, "source-moved:noted"}, {A, "source-moved:done"},
    {B, "target-listening:noted"}, {B, "target-receiving:noted"},
    {B, "target-receiving:done"}, {B, "target-ready:noted"},
    {B, "target-ready:done"}, {B, "target-starting:noting"},
    {B, "target-starting:noted"}, {B, "target-starting:unpaused"},
    {B, "target-starting:done"}, {B, "target-running:noted"},
    {B, "target-running:done"},
};

START_TEST(violind_may_die_at_any_step)
{
	start(A, deaths[_i].host == A ? deaths[_i].point : NULL);
	start(B, deaths[_i].host == B ? deaths[_i].point : NULL);
	if (begin_move(17, 0)) {
		int64_t until = now_ms() + WAIT_MS;

		while (!is_dead(deaths[_i].host)) {
			ck_assert_msg(now_ms() < until, "%s is not reached",
			    deaths[_i].point);
			usleep(5000);
		}
	}
	ck_assert_msg(is_dead(deaths[_i].host), "%s is not reached",
	    deaths[_i].point);
	settle(17);
	check_one_place();
}
END_TEST

/* Each call of a host, failing once or hanging, and where V1 is after it. */
static const struct {
	int host;
	const char *script;
	int ends_on;
} faults[] = {
    {A, "fail describe V1", A}, {A, "fail send V1", A},
    {A, "hang send V1", A}, {A, "fail rename V1", A},
    {A, "fail find V1", A}, {A, "fail find V1 after 1", B},
    {A, "fail destroy V1--outgoing", B}, {A, "fail sample a", B},
    {B, "fail receive V1", A}, {B, "hang receive V1", A},
    {B, "fail unpause V1--incoming", A}, {B, "fail rename V1--incoming", B},
    {B, "fail find V1--incoming after 1", B},
    {B, "fail receive V1\nfail destroy V1--incoming", A},
    {A, "fail send V1\nfail resume V1", A},
    {A, "fail send V1\nfail find V1--outgoing after 1", A},
};

START_TEST(host_may_fail_in_any_call)
{
	write_script(faults[_i].host, faults[_i].script);
	start(A, NULL);
	start(B, NULL);
	begin_move(17, 0);
	settle(17);
	ck_assert_int_eq(check_one_place(), faults[_i].ends_on);
}
END_TEST

/* A peer that stops answering without being gone, as when a link is cut. */
static const struct {
	int host;
	int after_ms;
} cuts[] = {{A, 0}, {A, 300}, {B, 0}, {B, 300}};

START_TEST(side_may_be_cut_off_for_long)
{
	write_script(A, "image 1M\nspeed 2M");
	start(A, NULL);
	start(B, NULL);
	ck_assert(begin_move(17, 0));
	usleep((unsigned)cuts[_i].after_ms * 1000);
	kill(pids[cuts[_i].host], SIGSTOP);
	usleep(3300000); /* longer than silent_s */
	kill(pids[cuts[_i].host], SIGCONT);
	settle(17);
	check_one_place();
}
END_TEST

START_TEST(short_cut_is_survived)
{
	write_script(A, "image 1M\nspeed 2M");
	start(A, NULL);
	start(B, NULL);
	ck_assert(begin_move(17, 0));
	usleep(200000);
	kill(pids[B], SIGSTOP);
	usleep(1200000);
	kill(pids[B], SIGCONT);
	settle(17);
	ck_assert_int_eq(check_one_place(), B);
}
END_TEST

/* --- who may not ---------------------------------------------------------- */

/* Is anything answered to a client with this key that expects that server? */
static bool is_answered(
    const struct curve_key *key, const struct curve_public *server)
{
	struct curve_clients *others = curve_clients_new(key);
	struct curve_client *own = client[A];
	char path[PATH_MAX], endpoint[64];

	snprintf(path, sizeof(path), "%s/a.0.log", dir);
	ck_assert(find_endpoint(path, endpoint));
	client[A] = curve_client_new(others, server, endpoint, NULL);
	bool answered = observe_for(A, 1500);
	curve_client_free(client[A]);
	curve_clients_free(others);
	client[A] = own;
	return answered;
}

START_TEST(stranger_gets_no_answer)
{
	struct curve_key stranger;

	start(A, NULL);
	ck_assert(is_answered(&manager_key, &host_keys[A].public));
	curve_key_generate(&stranger);
	ck_assert(!is_answered(&stranger, &host_keys[A].public));
	/* The right client of the wrong server, and a secret that is not the
	 * public key's. */
	ck_assert(!is_answered(&manager_key, &stranger.public));
	stranger.public = manager_key.public;
	ck_assert(!is_answered(&stranger, &host_keys[A].public));
	ck_assert(is_answered(&manager_key, &host_keys[A].public));
}
END_TEST

START_TEST(plain_zeromq_gets_no_answer)
{
	char path[PATH_MAX], endpoint[64], bytes[256];
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, ZMQ_DEALER);
	int zero = 0, ms = 1000;
	struct message_observe question = {.generation = 9};
	struct wire_writer w;

	start(A, NULL);
	snprintf(path, sizeof(path), "%s/a.0.log", dir);
	ck_assert(find_endpoint(path, endpoint));
	zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &ms, sizeof(ms));
	ck_assert_int_eq(zmq_connect(socket, endpoint), 0);
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_observe(&w, 1, &question));
	zmq_send(socket, w.data, w.len, 0);
	ck_assert_int_lt(zmq_recv(socket, bytes, sizeof(bytes), 0), 0);
	zmq_close(socket);
	zmq_ctx_term(context);
	observe(A);
	ck_assert_uint_eq(reports[A].generation, 1);
}
END_TEST

START_TEST(malformed_messages_change_nothing)
{
	uint8_t bytes[512];

	start(A, NULL);
	observe(A);
	for (int i = 0; i < 2000; i++) {
		size_t n = randombytes_uniform(sizeof(bytes));
		struct wire_writer w;

		/* Half of them with a header that is right. */
		randombytes_buf(bytes, sizeof(bytes));
		if (i % 2 == 0 && n >= WIRE_HEADER_BYTES) {
			wire_writer_init(&w, bytes, sizeof(bytes));
			wire_begin_message(&w,
			    (uint16_t)(MESSAGE_OBSERVE + i % 4), 1);
			w.len = n;
			ck_assert(wire_end_message(&w));
		}
		curve_client_send(client[A], bytes, n);
	}
	observe(A);
	ck_assert_uint_eq(reports[A].sample.n_vms, 1);
	ck_assert_uint_eq(vm_on(A, "V1")->weight, WEIGHT_DEFAULT);
}
END_TEST

/* --- the command ---------------------------------------------------------- */

static int run_check(const char *name, char *output, size_t cap)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command), "%s -n -c %s/%s 2>&1", violind, dir,
	    name);
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	output[fread(output, 1, cap - 1, pipe)] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

START_TEST(wrong_configuration_is_told_with_its_place)
{
	static const struct {
		const char *text, *place;
	} wrongs[] = {
	    {"name: a\nkey: /nonexistent\nmanagers:\n  - {name: x, key: y}\n",
		"bad.conf:2:6:"},
	    {"name: a\nkey: KEY\nmanagers:\n  - {name: x, key: notakey}\n",
		"bad.conf:4:"},
	    {"name: a\nkey: KEY\nlisten: 1.2.3.4\nmanagers:\n"
	     "  - {name: x, key: y}\n",
		"bad.conf:3:9:"},
	    {"name: a\nkey: KEY\nmanagers: [\n", "bad.conf:"},
	    {"name: a\nkey: KEY\nview_max_s: soon\n", "bad.conf:3:"},
	    {"name: a\nkey: KEY\n", "managers"},
	};
	char output[2048], text[1024];

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const char *key = strstr(wrongs[i].text, "KEY");

		if (key)
			snprintf(text, sizeof(text), "%.*s%s/a.key%s",
			    (int)(key - wrongs[i].text), wrongs[i].text, dir,
			    key + 3);
		else
			snprintf(text, sizeof(text), "%s", wrongs[i].text);
		write_file("bad.conf", text);
		ck_assert_int_eq(
		    run_check("bad.conf", output, sizeof(output)), 2);
		ck_assert_msg(strstr(output, wrongs[i].place), "%zu: %s", i,
		    output);
	}
	ck_assert_int_eq(run_check("a.conf", output, sizeof(output)), 0);
}
END_TEST

START_TEST(sigterm_ends_it_well)
{
	int status;

	start(A, NULL);
	observe(A);
	kill(pids[A], SIGTERM);
	ck_assert_int_eq(waitpid(pids[A], &status, 0), pids[A]);
	pids[A] = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(array[0])))

int main(void)
{
	Suite *suite = suite_create("violind");
	TCase *tcase = tcase_create("violind");

	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, report_tells_all_that_a_host_has);
	tcase_add_test(tcase, acts_change_the_host_and_refusals_do_not);
	tcase_add_test(tcase, vm_is_created_and_destroyed);
	tcase_add_test(tcase, act_that_comes_twice_is_done_once);
	tcase_add_test(tcase, stale_view_or_an_older_manager_is_refused);
	tcase_add_test(tcase, vm_migrates_with_its_memory);
	tcase_add_test(
	    tcase, migration_keeps_its_rate_and_is_aborted_on_request);
	tcase_add_test(tcase, target_without_memory_refuses);
	tcase_add_loop_test(tcase, violind_may_die_at_any_step, 0, N(deaths));
	tcase_add_loop_test(tcase, host_may_fail_in_any_call, 0, N(faults));
	tcase_add_loop_test(tcase, side_may_be_cut_off_for_long, 0, N(cuts));
	tcase_add_test(tcase, short_cut_is_survived);
	tcase_add_test(tcase, stranger_gets_no_answer);
	tcase_add_test(tcase, plain_zeromq_gets_no_answer);
	tcase_add_test(tcase, malformed_messages_change_nothing);
	tcase_add_test(tcase, wrong_configuration_is_told_with_its_place);
	tcase_add_test(tcase, sigterm_ends_it_well);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
