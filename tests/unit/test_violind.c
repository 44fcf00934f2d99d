/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violind as its managers see it: reports, acts, a migration from end to end;
 * those who may not command; its configuration.
 */
#include <sodium.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/violind_rig.h"

START_TEST(report_tells_all_that_a_host_has)
{
	rig_start(A, NULL);
	rig_observe(A);
	const struct host_vm *vm = rig_vm_on(A, "V1");
	ck_assert_ptr_nonnull(vm);
	ck_assert_str_eq(rig_reports[A].host, "a");
	ck_assert_str_eq(rig_reports[A].hypervisor, "fake");
	ck_assert_uint_eq(rig_reports[A].sample.n_cpus, 4);
	ck_assert_uint_eq(rig_reports[A].sample.mem_total_kib, KIB_PER_GIB);
	ck_assert_uint_eq(vm->mem_kib, 128 * KIB_PER_MIB);
	ck_assert_uint_eq(vm->mem_used_kib, 90 * KIB_PER_MIB);

	/* Half a CPU of the time between two samples, a second apart. */
	uint64_t cpu_ns = vm->cpu_time_ns, clock_ns = rig_reports[A].clock_ns;
	usleep(1100000);
	rig_observe(A);
	double share = (double)(rig_vm_on(A, "V1")->cpu_time_ns - cpu_ns) /
	               (double)(rig_reports[A].clock_ns - clock_ns);
	ck_assert_double_eq_tol(share, 0.5, 0.02);
}
END_TEST

START_TEST(acts_change_the_host_and_refusals_do_not)
{
	struct message_act cpu = {
	    .kind = ACT_SET_CPU, .vm = "V1", .weight = 512, .cap_mcpu = 250};
	struct message_act mem = {
	    .kind = ACT_SET_MEM, .vm = "V1", .mem_kib = 200 * KIB_PER_MIB};

	rig_start(A, NULL);
	rig_observe(A);
	ck_assert_int_eq(rig_act(A, cpu).kind, ANSWER_DONE);
	ck_assert_int_eq(rig_act(A, mem).kind, ANSWER_DONE);
	cpu.weight = 0;
	ck_assert_int_eq(rig_act(A, cpu).kind, ANSWER_REFUSED);
	mem.mem_kib = 300 * KIB_PER_MIB; /* above its maximum */
	ck_assert_int_eq(rig_act(A, mem).kind, ANSWER_REFUSED);
	strcpy(mem.vm, "V2");
	ck_assert_int_eq(rig_act(A, mem).kind, ANSWER_REFUSED);
	usleep(150000);
	rig_observe(A);
	ck_assert_uint_eq(rig_vm_on(A, "V1")->weight, 512);
	ck_assert_uint_eq(rig_vm_on(A, "V1")->cap_mcpu, 250);
	ck_assert_uint_eq(
	    rig_vm_on(A, "V1")->mem_target_kib, 200 * KIB_PER_MIB);
}
END_TEST

static bool has_outcome(int host, enum answer_kind kind)
{
	for (uint32_t i = 0; i < rig_reports[host].n_outcomes; i++)
		if (rig_reports[host].outcomes[i].request == rig_request &&
		    rig_reports[host].outcomes[i].kind == kind)
			return true;
	return false;
}

/* A journal could not be read back, nor a configuration be told from its
 * neighbour's: a VM is called by a name. */
START_TEST(vm_has_a_name)
{
	static const char *const names[] = {
	    "", "V 2", "V2\n", "V2\"", "../V2", "-V2", "V2;"};

	rig_start(A, NULL);
	rig_observe(A);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct message_act act = {.kind = ACT_RECEIVE,
		    .handover = 90 + i,
		    .mem_kib = 65536};

		strcpy(act.vm, names[i]);
		struct message_answer answer = rig_act(A, act);
		ck_assert_msg(answer.kind == ANSWER_REFUSED, "%s", act.vm);
	}
	rig_observe(A);
	ck_assert_uint_eq(rig_reports[A].n_handovers, 0);
}
END_TEST

START_TEST(vm_is_created_and_destroyed)
{
	struct message_act create = {.kind = ACT_CREATE,
	    .vm = "V2",
	    .config = "name = \"V2\"\nmemory = 64\nvcpus = 2\n"};
	struct message_act destroy = {.kind = ACT_DESTROY, .vm = "V2"};

	rig_start(A, NULL);
	rig_observe(A);
	ck_assert_int_eq(rig_act(A, create).kind, ANSWER_PENDING);
	uint64_t created = rig_request;
	usleep(150000);
	rig_observe(A);
	rig_request = created;
	ck_assert(has_outcome(A, ANSWER_DONE));
	ck_assert_uint_eq(rig_vm_on(A, "V2")->mem_kib, 64 * KIB_PER_MIB);
	ck_assert_int_eq(rig_act(A, create).kind, ANSWER_REFUSED);
	ck_assert_int_eq(rig_act(A, destroy).kind, ANSWER_PENDING);
	usleep(150000);
	rig_observe(A);
	ck_assert_ptr_null(rig_vm_on(A, "V2"));
}
END_TEST

START_TEST(configuration_is_checked_and_nothing_is_made)
{
	struct message_checked checked;
	uint64_t free_kib;

	rig_start(A, NULL);
	rig_generation = 0; /* who only observes may ask */
	rig_observe(A);
	free_kib = rig_reports[A].sample.mem_free_kib;
	checked = rig_check(A, "name = \"V2\"\nmemory = 64\n");
	ck_assert_msg(checked.right, "%s", checked.text);
	ck_assert_str_eq(checked.text, "");
	checked = rig_check(A, "name = \"V2\"\n\ntype = \"hvm\"\n");
	ck_assert(!checked.right);
	ck_assert_uint_eq(checked.line, 3);
	ck_assert_ptr_nonnull(strstr(checked.text, "\"pvh\" or \"pv\""));
	checked = rig_check(A, "memory = 64\n");
	ck_assert(!checked.right);
	ck_assert_uint_eq(checked.line, 0);
	usleep(150000);
	rig_observe(A);
	ck_assert_uint_eq(rig_reports[A].sample.mem_free_kib, free_kib);
	ck_assert_uint_eq(rig_reports[A].n_outcomes, 0);
}
END_TEST

START_TEST(act_that_comes_twice_is_done_once)
{
	struct message_act create = {.kind = ACT_CREATE,
	    .vm = "V2",
	    .config = "name = \"V2\"\nmemory = 64\n"};

	rig_start(A, NULL);
	rig_observe(A);
	ck_assert_int_eq(rig_act(A, create).kind, ANSWER_PENDING);
	rig_request--;
	ck_assert_int_ne(rig_act(A, create).kind, ANSWER_REFUSED);
	rig_request--;
	ck_assert_int_ne(rig_act(A, create).kind, ANSWER_REFUSED);
}
END_TEST

START_TEST(stale_view_or_an_older_manager_is_refused)
{
	struct message_act cpu = {
	    .kind = ACT_SET_CPU, .vm = "V1", .weight = 100};

	rig_start(A, NULL);
	rig_generation = 7;
	rig_observe(A);
	rig_generation = 6;
	ck_assert_int_eq(rig_act(A, cpu).kind, ANSWER_REFUSED);
	rig_generation = 0;
	ck_assert_int_eq(rig_act(A, cpu).kind, ANSWER_REFUSED);
	rig_generation = 7;
	rig_stop(A, SIGKILL);
	rig_start(A, NULL);
	ck_assert_int_eq(rig_act(A, cpu).kind, ANSWER_REFUSED);
	rig_observe(A);
	ck_assert_int_eq(rig_act(A, cpu).kind, ANSWER_DONE);
	for (int i = 0; i < 70; i++)
		rig_observe_for(A, 1000);
	rig_reports[A].number -= 65;
	ck_assert_int_eq(rig_act(A, cpu).kind, ANSWER_REFUSED);
}
END_TEST

START_TEST(vm_migrates_with_its_memory)
{
	rig_write_script(A, "image 8M\n");
	rig_start(A, NULL);
	rig_start(B, NULL);
	ck_assert(rig_begin_move(17, 0));
	rig_settle(17);
	ck_assert_int_eq(rig_check_one_place(), B);
	ck_assert_uint_eq(rig_vm_on(B, "V1")->mem_max_kib, 256 * KIB_PER_MIB);
}
END_TEST

START_TEST(migration_keeps_its_rate_and_is_aborted_on_request)
{
	int64_t began = rig_now_ms();

	rig_write_script(A, "image 16M\n");
	rig_start(A, NULL);
	rig_start(B, NULL);
	ck_assert(rig_begin_move(17, 16 * 1000 * 1000)); /* 2 MB/s */
	usleep(500000);
	rig_observe(A);
	ck_assert_int_eq(rig_state_of(A, 17), SOURCE_SENDING);
	/* The pipe before the relay holds some of it too. */
	ck_assert_uint_ge(rig_handover_on(A, 17)->bytes, 600000);
	ck_assert_uint_le(rig_handover_on(A, 17)->bytes,
	    (uint64_t)(rig_now_ms() - began) * 2000 + 200000);
	rig_tell(A, 17, WORD_ABORT);
	rig_settle(17);
	ck_assert_int_eq(rig_check_one_place(), A);
}
END_TEST

START_TEST(target_without_memory_refuses)
{
	struct message_act receive = {.kind = ACT_RECEIVE,
	    .handover = 3,
	    .vm = "V9",
	    .mem_kib = 2 * KIB_PER_GIB};

	rig_start(A, NULL);
	rig_observe(A);
	ck_assert_int_eq(rig_act(A, receive).kind, ANSWER_REFUSED);
	receive.mem_kib = 1000 * KIB_PER_MIB; /* V1 has 128 of 1024 */
	ck_assert_int_eq(rig_act(A, receive).kind, ANSWER_REFUSED);
	receive.mem_kib = 500 * KIB_PER_MIB;
	ck_assert_int_eq(rig_act(A, receive).kind, ANSWER_PENDING);
	receive.handover = 4;
	strcpy(receive.vm, "V8"); /* the rest is promised */
	ck_assert_int_eq(rig_act(A, receive).kind, ANSWER_REFUSED);
}
END_TEST

/* Who may not. */

/* Is anything answered to a rig_client with this key that expects that server?
 */
static bool is_answered(
    const struct curve_key *key, const struct curve_public *server)
{
	struct curve_clients *others = curve_clients_new(key);
	struct curve_client *own = rig_client[A];
	char path[PATH_MAX], endpoint[64];

	snprintf(path, sizeof(path), "%s/a.0.log", rig_dir);
	ck_assert(rig_find_endpoint(path, endpoint));
	rig_client[A] = curve_client_new(others, server, endpoint, NULL);
	bool answered = rig_observe_for(A, 1500);
	curve_client_free(rig_client[A]);
	curve_clients_free(others);
	rig_client[A] = own;
	return answered;
}

START_TEST(stranger_gets_no_answer)
{
	struct curve_key stranger;

	rig_start(A, NULL);
	ck_assert(is_answered(&rig_manager_key, &rig_host_keys[A].public));
	curve_key_generate(&stranger);
	ck_assert(!is_answered(&stranger, &rig_host_keys[A].public));
	/* The right rig_client of the wrong server, and a secret that is not
	 * the public key's. */
	ck_assert(!is_answered(&rig_manager_key, &stranger.public));
	stranger.public = rig_manager_key.public;
	ck_assert(!is_answered(&stranger, &rig_host_keys[A].public));
	ck_assert(is_answered(&rig_manager_key, &rig_host_keys[A].public));
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

	rig_start(A, NULL);
	snprintf(path, sizeof(path), "%s/a.0.log", rig_dir);
	ck_assert(rig_find_endpoint(path, endpoint));
	zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &ms, sizeof(ms));
	ck_assert_int_eq(zmq_connect(socket, endpoint), 0);
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_observe(&w, 1, &question));
	zmq_send(socket, w.data, w.len, 0);
	ck_assert_int_lt(zmq_recv(socket, bytes, sizeof(bytes), 0), 0);
	zmq_close(socket);
	zmq_ctx_term(context);
	rig_observe(A);
	ck_assert_uint_eq(rig_reports[A].generation, 1);
}
END_TEST

START_TEST(malformed_messages_change_nothing)
{
	uint8_t bytes[512];

	rig_start(A, NULL);
	rig_observe(A);
	for (int i = 0; i < 2000; i++) {
		size_t n = randombytes_uniform(sizeof(bytes));
		struct wire_writer w;

		/* Half of them with a header that is right. */
		randombytes_buf(bytes, sizeof(bytes));
		if (i % 2 == 0 && n >= WIRE_HEADER_BYTES) {
			wire_writer_init(&w, bytes, sizeof(bytes));
			wire_begin_message(
			    &w, (uint16_t)(MESSAGE_OBSERVE + i % 4), 1);
			w.len = n;
			ck_assert(wire_end_message(&w));
		}
		curve_client_send(rig_client[A], bytes, n);
	}
	rig_observe(A);
	ck_assert_uint_eq(rig_reports[A].sample.n_vms, 1);
	ck_assert_uint_eq(rig_vm_on(A, "V1")->weight, WEIGHT_DEFAULT);
}
END_TEST

/* The command. */

static int run_check(const char *name, char *output, size_t cap)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command), "%s -n -c %s/%s 2>&1", rig_violind,
	    rig_dir, name);
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	output[fread(output, 1, cap - 1, pipe)] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

#define PUBLIC "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define BY "managers:\n  - {name: x, key: " PUBLIC "}\n"

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
	    {"# not listen: 1.2.3.4\nname: a1.2.3.4 # 1.2.3.4, it's\nkey: KEY\n"
	     "listen: '1.2.3.4'\nmanagers:\n  - {name: x, key: y}\n",
	        "bad.conf:4:9:"},
	    {"name: a\nkey: KEY\nmanagers: [\n", "bad.conf:"},
	    {"name: a\nkey: KEY\nview_max_s: soon\n",
	        "bad.conf:3:13: view_max_s is \"soon\", not a whole number"},
	    {"name: a\nkey: KEY\n", "\"managers\" is missing"},
	    {"name: a b\nkey: KEY\n" BY, "bad.conf:1:7: \"a b\" is no name"},
	    {"nmae: a\nkey: KEY\n" BY,
	        "bad.conf:1:1: unknown key \"nmae\"; did you mean \"name\"?"},
	    {"name: a\nkey: KEY\n" BY "view_max_s: 0\n",
	        "bad.conf:5:13: view_max_s is 0"},
	    {"name: a\nkey: KEY\n" BY "migration: {port_last: 7499}\n",
	        "bad.conf:5:12: port_first to port_last"},
	    {"name: a\nkey: KEY\n" BY "migration: {port_first: 70000}\n",
	        "bad.conf:5:25: port_first is \"70000\", not a whole number "
	        "from 0 to 65535"},
	    {"name: a\nkey: KEY\n" BY "migration: {uncompressed: maybe}\n",
	        "bad.conf:5:27: uncompressed is \"maybe\"; it can be yes or "
	        "no"},
	    {"name: a\nkey: KEY\n" BY "  - {name: y, key: " PUBLIC "}\n",
	        "bad.conf:5:20: manager \"x\" has this key"},
	};
	char output[2048], text[1024];

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const char *key = strstr(wrongs[i].text, "KEY");

		if (key)
			snprintf(text, sizeof(text), "%.*s%s/a.key%s",
			    (int)(key - wrongs[i].text), wrongs[i].text,
			    rig_dir, key + 3);
		else
			snprintf(text, sizeof(text), "%s", wrongs[i].text);
		rig_write_file("bad.conf", text);
		ck_assert_int_eq(
		    run_check("bad.conf", output, sizeof(output)), 2);
		ck_assert_msg(
		    strstr(output, wrongs[i].place), "%zu: %s", i, output);
	}
	ck_assert_int_eq(run_check("a.conf", output, sizeof(output)), 0);
}
END_TEST

START_TEST(sigterm_ends_it_well)
{
	int status;

	rig_start(A, NULL);
	rig_observe(A);
	kill(rig_pids[A], SIGTERM);
	ck_assert_int_eq(waitpid(rig_pids[A], &status, 0), rig_pids[A]);
	rig_pids[A] = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("violind");
	TCase *tcase = tcase_create("violind");

	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_add_test(tcase, report_tells_all_that_a_host_has);
	tcase_add_test(tcase, acts_change_the_host_and_refusals_do_not);
	tcase_add_test(tcase, vm_has_a_name);
	tcase_add_test(tcase, vm_is_created_and_destroyed);
	tcase_add_test(tcase, configuration_is_checked_and_nothing_is_made);
	tcase_add_test(tcase, act_that_comes_twice_is_done_once);
	tcase_add_test(tcase, stale_view_or_an_older_manager_is_refused);
	tcase_add_test(tcase, vm_migrates_with_its_memory);
	tcase_add_test(
	    tcase, migration_keeps_its_rate_and_is_aborted_on_request);
	tcase_add_test(tcase, target_without_memory_refuses);
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
