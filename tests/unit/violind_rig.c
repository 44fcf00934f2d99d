/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rig of violind's tests; see violind_rig.h. */
#include "tests/unit/violind_rig.h"

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

const char *const rig_host_names[HOSTS] = {"a", "b"};
char rig_violind[PATH_MAX];
char rig_dir[64];
struct curve_key rig_manager_key, rig_host_keys[HOSTS];
pid_t rig_pids[HOSTS];
struct curve_client *rig_client[HOSTS];
struct host_vm rig_vms[HOSTS][HOST_VMS_MAX];
struct message_report rig_reports[HOSTS];
uint64_t rig_request, rig_generation;

static struct curve_clients *rig_clients;

int64_t rig_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rig_write_file(const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", rig_dir, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void rig_write_config(int host)
{
	char text[2048], name[32], public[CURVE_KEY_TEXT];

	curve_public_print(&rig_manager_key.public, public);
	snprintf(text, sizeof(text),
	    "name: %s\nkey: %s/%s.key\nlisten: tcp://127.0.0.1:*\n"
	    "journal: %s/%s.journal\n"
	    "managers:\n  - {name: test, key: \"%s\"}\n"
	    "migration: {address: 127.0.0.1, connect_s: 3, transfer_s: 8, "
	    "answer_s: 3, silent_s: 2}\n",
	    rig_host_names[host], rig_dir, rig_host_names[host], rig_dir,
	    rig_host_names[host], public);
	snprintf(name, sizeof(name), "%s.conf", rig_host_names[host]);
	rig_write_file(name, text);
}

void rig_write_script(int host, const char *more)
{
	char text[2048], name[32];

	snprintf(text, sizeof(text),
	    "host cpus 4 mem 1G\nstate %s/%s.state\nhistory %s/history\n%s\n%s",
	    rig_dir, rig_host_names[host], rig_dir,
	    host == A ? "vm V1 mem 128M max 256M cpu 0.5 used 90M" : "", more);
	snprintf(name, sizeof(name), "%s.fake", rig_host_names[host]);
	rig_write_file(name, text);
}

/* The endpoint out of the last "start" line of a log. */
bool rig_find_endpoint(const char *log, char endpoint[64])
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

static void rig_exec_violind(int host, const char *die_at, const char *log)
{
	char conf[PATH_MAX], script[PATH_MAX];
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDERR_FILENO);
	snprintf(
	    conf, sizeof(conf), "%s/%s.conf", rig_dir, rig_host_names[host]);
	snprintf(script, sizeof(script), "%s/%s.fake", rig_dir,
	    rig_host_names[host]);
	unsetenv("JOURNAL_STREAM");
	execl(rig_violind, rig_violind, "-c", conf, "--fake", script,
	    die_at ? "--die-at" : NULL, die_at, NULL);
	_exit(127);
}

void rig_start(int host, const char *die_at)
{
	static int n_starts;
	char log[PATH_MAX], endpoint[64];
	int64_t until = rig_now_ms() + WAIT_MS;

	snprintf(log, sizeof(log), "%s/%s.%d.log", rig_dir,
	    rig_host_names[host], n_starts++);
	rig_pids[host] = fork();
	if (rig_pids[host] == 0)
		rig_exec_violind(host, die_at, log);
	while (!rig_find_endpoint(log, endpoint)) {
		/* It may be told to die while it starts again. */
		if (waitpid(rig_pids[host], NULL, WNOHANG) == rig_pids[host]) {
			rig_pids[host] = 0;
			return;
		}
		ck_assert_msg(rig_now_ms() < until, "%s does not start", log);
		usleep(5000);
	}
	curve_client_free(rig_client[host]);
	rig_client[host] = curve_client_new(
	    rig_clients, &rig_host_keys[host].public, endpoint, NULL);
	ck_assert_ptr_nonnull(rig_client[host]);
}

bool rig_is_dead(int host)
{
	if (rig_pids[host] > 0 &&
	    waitpid(rig_pids[host], NULL, WNOHANG) == rig_pids[host])
		rig_pids[host] = 0;
	return rig_pids[host] == 0;
}

void rig_stop(int host, int signal_number)
{
	int status;

	if (rig_pids[host] <= 0)
		return;
	kill(rig_pids[host], signal_number);
	waitpid(rig_pids[host], &status, 0);
	rig_pids[host] = 0;
}

void rig_setup(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt((int)n, 0);
	self[n] = '\0';
	snprintf(rig_violind, sizeof(rig_violind), "%s/../../violind",
	    dirname(self));
	strcpy(rig_dir, "/tmp/violind.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig_dir));
	curve_key_generate(&rig_manager_key);
	rig_clients = curve_clients_new(&rig_manager_key);
	rig_request = 0;
	rig_generation = 1;
	for (int host = 0; host < HOSTS; host++) {
		char path[PATH_MAX];
		struct err err;

		curve_key_generate(&rig_host_keys[host]);
		snprintf(path, sizeof(path), "%s/%s.key", rig_dir,
		    rig_host_names[host]);
		ck_assert(curve_key_save(&rig_host_keys[host], path, &err));
		rig_write_config(host);
		rig_write_script(host, "");
		rig_reports[host].sample.vms = rig_vms[host];
	}
}

void rig_teardown(void)
{
	char command[128];

	for (int host = 0; host < HOSTS; host++) {
		rig_stop(host, SIGKILL);
		curve_client_free(rig_client[host]);
		rig_client[host] = NULL;
	}
	curve_clients_free(rig_clients);
	snprintf(command, sizeof(command), "rm -rf %s", rig_dir);
	ck_assert_int_eq(system(command), 0);
}

/* A manager. */

/* The answer to a message within ms; false if there is none. */
static bool rig_ask(int host, const struct wire_writer *question,
    struct wire_reader *answer, struct wire_header *header, int ms)
{
	static uint8_t bytes[WIRE_MESSAGE_MAX];
	int64_t until = rig_now_ms() + ms, again = 0;
	zmq_pollitem_t item;
	size_t len;

	while (rig_now_ms() < until && !rig_is_dead(host)) {
		if (rig_now_ms() >= again && curve_client_send(rig_client[host],
		                                 question->data, question->len))
			again = rig_now_ms() + 1000;
		curve_client_poll_item(rig_client[host], &item);
		zmq_poll(&item, 1, 20);
		while (curve_client_receive(
		    rig_client[host], bytes, sizeof(bytes), &len)) {
			wire_reader_init(answer, bytes, len);
			ck_assert(wire_get_header(answer, header));
			if (header->request == rig_request)
				return true;
		}
	}
	return false;
}

bool rig_observe_for(int host, int ms)
{
	uint8_t bytes[64];
	struct wire_writer w;
	struct wire_reader r;
	struct wire_header header;
	struct message_observe observe = {.generation = rig_generation};

	rig_request++;
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_observe(&w, rig_request, &observe));
	if (!rig_ask(host, &w, &r, &header, ms))
		return false;
	ck_assert_int_eq(header.type, MESSAGE_REPORT);
	ck_assert(message_read_report(&r, &rig_reports[host]));
	return true;
}

void rig_observe(int host)
{
	ck_assert_msg(rig_observe_for(host, WAIT_MS), "%s does not answer",
	    rig_host_names[host]);
}

/* Sends an act on the last report; false if the daemon died on it. */
bool rig_act_for(
    int host, struct message_act *act, struct message_answer *answer, int ms)
{
	static uint8_t bytes[HOST_CONFIG_MAX + 1024];
	struct wire_writer w;
	struct wire_reader r;
	struct wire_header header;

	rig_request++;
	act->generation = rig_generation;
	act->incarnation = rig_reports[host].incarnation;
	act->view = rig_reports[host].number;
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_act(&w, rig_request, act));
	if (!rig_ask(host, &w, &r, &header, ms))
		return false;
	ck_assert_int_eq(header.type, MESSAGE_ANSWER);
	ck_assert(message_read_answer(&r, answer));
	return true;
}

struct message_answer rig_act(int host, struct message_act act)
{
	struct message_answer answer;

	ck_assert(rig_act_for(host, &act, &answer, WAIT_MS));
	return answer;
}

struct message_checked rig_check(int host, const char *config)
{
	static uint8_t bytes[HOST_CONFIG_MAX + 1024];
	static struct message_check check;
	struct message_checked checked;
	struct wire_writer w;
	struct wire_reader r;
	struct wire_header header;

	check = (struct message_check){
	    .vm = "V2", .mem_kib = 64 * KIB_PER_MIB};
	snprintf(check.config, sizeof(check.config), "%s", config);
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_check(&w, ++rig_request, &check));
	ck_assert(rig_ask(host, &w, &r, &header, WAIT_MS));
	ck_assert_int_eq(header.type, MESSAGE_CHECKED);
	ck_assert(message_read_checked(&r, &checked));
	return checked;
}

const struct host_vm *rig_vm_on(int host, const char *name)
{
	for (uint32_t i = 0; i < rig_reports[host].sample.n_vms; i++)
		if (strcmp(rig_vms[host][i].name, name) == 0)
			return &rig_vms[host][i];
	return NULL;
}

const struct message_handover *rig_handover_on(int host, uint64_t id)
{
	for (uint32_t i = 0; i < rig_reports[host].n_handovers; i++)
		if (rig_reports[host].handovers[i].id == id)
			return &rig_reports[host].handovers[i];
	return NULL;
}

/* Asks both hosts to move V1 from A to B.  False if one died or refused. */
bool rig_begin_move(uint64_t id, uint64_t rate_bps)
{
	struct message_act receive = {.kind = ACT_RECEIVE,
	    .handover = id,
	    .vm = "V1",
	    .mem_kib = 128 * KIB_PER_MIB};
	struct message_act send = {
	    .kind = ACT_SEND, .handover = id, .vm = "V1", .rate_bps = rate_bps};
	struct message_answer answer;

	rig_observe(A);
	rig_observe(B);
	randombytes_buf(receive.key, sizeof(receive.key));
	memcpy(send.key, receive.key, sizeof(send.key));
	if (!rig_act_for(B, &receive, &answer, WAIT_MS))
		return false;
	if (answer.kind != ANSWER_PENDING)
		return false;
	snprintf(
	    send.address, sizeof(send.address), "127.0.0.1:%u", answer.port);
	return rig_act_for(A, &send, &answer, WAIT_MS) &&
	       answer.kind == ANSWER_PENDING;
}

void rig_tell(int host, uint64_t id, enum handover_word word)
{
	struct message_act verdict = {
	    .kind = ACT_WORD, .handover = id, .word = word};
	struct message_answer answer;

	if (word != WORD_NONE)
		rig_act_for(host, &verdict, &answer, 1000);
}

enum handover_state rig_state_of(int host, uint64_t id)
{
	const struct message_handover *h = rig_handover_on(host, id);

	return h ? h->state : HANDOVER_NO_RECORD;
}

/* Starts again what died, and settles what is open, until nothing is. */
void rig_settle(uint64_t id)
{
	int64_t until = rig_now_ms() + 2 * WAIT_MS;

	for (;;) {
		ck_assert_msg(rig_now_ms() < until, "not settled: %s, %s",
		    handover_state_name(rig_state_of(A, id)),
		    handover_state_name(rig_state_of(B, id)));
		for (int host = 0; host < HOSTS; host++)
			if (rig_is_dead(host))
				rig_start(host, NULL);
		if (!rig_observe_for(A, 1000) || !rig_observe_for(B, 1000))
			continue;
		enum handover_state a = rig_state_of(A, id),
		                    b = rig_state_of(B, id);
		if (a == HANDOVER_NO_RECORD && b == HANDOVER_NO_RECORD)
			return;
		struct handover_verdict verdict = handover_settle(a, b);
		ck_assert_msg(!verdict.operator_needed, "lost: %s, %s",
		    handover_state_name(a), handover_state_name(b));
		rig_tell(A, id, verdict.source);
		rig_tell(B, id, verdict.target);
		usleep(20000);
	}
}

/* What must hold. */

/* Line by line: V1 runs on at most one host, and is whole on one at least. */
static void rig_check_history(void)
{
	char path[PATH_MAX], host[8], what[8], name[64];
	bool runs[HOSTS] = {false}, whole[HOSTS] = {false};
	uint64_t boot, first = 0;
	unsigned line = 0;

	snprintf(path, sizeof(path), "%s/history", rig_dir);
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
		ck_assert_msg(
		    !(runs[A] && runs[B]), "history:%u: runs twice", line);
		ck_assert_msg(whole[A] || whole[B], "history:%u: lost", line);
	}
	fclose(file);
	ck_assert_uint_gt(line, 0);
}

/* V1 runs on exactly one host, under its own name, and nothing else is left
 * anywhere; memory is accounted for.  Returns the host. */
int rig_check_one_place(void)
{
	const struct host_vm *vm[HOSTS];

	for (int host = 0; host < HOSTS; host++) {
		rig_observe(host);
		vm[host] = rig_vm_on(host, "V1");
		ck_assert_uint_eq(
		    rig_reports[host].sample.n_vms, vm[host] ? 1 : 0);
		ck_assert_uint_eq(rig_reports[host].sample.mem_free_kib,
		    KIB_PER_GIB - (vm[host] ? vm[host]->mem_kib : 0));
		if (vm[host])
			ck_assert_int_eq(vm[host]->state, HOST_VM_RUNNING);
	}
	ck_assert_msg(
	    !vm[A] != !vm[B], "V1 is on %s", vm[A] ? "both" : "neither");
	rig_check_history();
	return vm[A] ? A : B;
}
