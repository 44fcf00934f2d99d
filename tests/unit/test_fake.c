/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fake host keeps host.h's contract, so that what is tested on it means
 * something; and its faults are the script's.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/fake/host_fake.h"

static const struct host_api *const api = &host_fake_api;
static const char *const usual = "host cpus 2 mem 1G\n"
                                 "vm V1 mem 128M max 256M cpu 0.5 used 90M\n"
                                 "vm V2 mem 64M vcpus 2 cpu 5\n";
static struct host_vm vms[HOST_VMS_MAX];
static struct host_sample sample = {.vms = vms};
static int64_t now_ns;

static struct host_fake *fake_of(const char *first, const char *second)
{
	char script[1024];
	struct err err = {""};

	snprintf(script, sizeof(script), "%s%s", first, second);
	struct host_fake *fake = host_fake_new(script, "script", "a", &err);
	ck_assert_msg(fake != NULL, "%s", err.text);
	return fake;
}

/* Until an operation ends, or nothing does. */
static bool next(
    struct host_fake *a, struct host_fake *b, struct host_event *event)
{
	for (int i = 0; i < 1000; i++) {
		now_ns += NS_PER_MS;
		if (api->poll(a, now_ns, event) ||
		    (b && api->poll(b, now_ns, event)))
			return true;
	}
	return false;
}

static struct host_vm find(struct host_fake *fake, const char *name)
{
	struct host_vm vm;
	bool found;

	ck_assert_msg(api->find(fake, name, &vm, &found, NULL), "no %s", name);
	return vm;
}

START_TEST(sample_has_all_vms_by_name_and_memory_adds_up)
{
	struct host_fake *fake = fake_of(usual, "vm A mem 1M\n");

	ck_assert(api->sample(fake, &sample, NULL));
	ck_assert_uint_eq(sample.n_vms, 3);
	ck_assert_str_eq(vms[0].name, "A");
	ck_assert_str_eq(vms[1].name, "V1");
	ck_assert_str_eq(vms[2].name, "V2");
	ck_assert_uint_eq(vms[0].mem_used_kib, MEM_UNKNOWN);
	/* 1024 - 128 - 64 - 1 MiB */
	ck_assert_uint_eq(sample.mem_free_kib, 831 * KIB_PER_MIB);
	api->close(fake);
}
END_TEST

START_TEST(cpu_time_is_demand_within_vcpus_and_cap)
{
	struct host_fake *fake = fake_of(usual, "");
	struct host_event event;

	api->poll(fake, now_ns += NS_PER_S, &event);
	uint64_t v1 = find(fake, "V1").cpu_time_ns;
	uint64_t v2 = find(fake, "V2").cpu_time_ns;
	api->poll(fake, now_ns += 10 * NS_PER_S, &event);
	ck_assert_uint_eq(
	    find(fake, "V1").cpu_time_ns - v1, 5 * (uint64_t)NS_PER_S);
	/* Wants 5 CPUs, has 2. */
	ck_assert_uint_eq(
	    find(fake, "V2").cpu_time_ns - v2, 20 * (uint64_t)NS_PER_S);
	ck_assert(api->set_cpu(fake, "V2", 512, 250, NULL));
	v2 = find(fake, "V2").cpu_time_ns;
	api->poll(fake, now_ns += 4 * NS_PER_S, &event);
	ck_assert_uint_eq(
	    find(fake, "V2").cpu_time_ns - v2, (uint64_t)NS_PER_S);
	api->close(fake);
}
END_TEST

START_TEST(each_operation_ends_once)
{
	struct host_fake *fake = fake_of(usual, "");
	struct host_event event;

	ck_assert(api->destroy(fake, 7, "V1", NULL));
	ck_assert(api->destroy(fake, 8, "nobody", NULL));
	ck_assert(
	    api->create(fake, 9, "V3", "name = 'V3'\nmemory = 32\n", 0, NULL));
	unsigned seen = 0;
	while (next(fake, NULL, &event)) {
		ck_assert_int_eq(event.kind, HOST_EVENT_DONE);
		ck_assert_uint_eq(seen & 1U << event.op, 0);
		seen |= 1U << event.op;
	}
	ck_assert_uint_eq(seen, 1U << 7 | 1U << 8 | 1U << 9);
	ck_assert_int_eq(find(fake, "V3").state, HOST_VM_RUNNING);
	api->close(fake);
}
END_TEST

/* V1 from one host to another through a socket pair. */
static void begin_transfer(struct host_fake *a, struct host_fake *b)
{
	struct host_stream from = {.fd = -1}, to = {.fd = -1};
	char config[HOST_CONFIG_MAX];
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	from.fd = pair[0];
	to.fd = pair[1];
	ck_assert(api->describe(a, "V1", config, sizeof(config), NULL));
	ck_assert(api->send(a, 1, "V1", from, NULL));
	ck_assert(api->receive(b, 2, "V1--incoming", config, to, NULL));
}

START_TEST(transfer_ends_suspended_here_and_paused_there)
{
	struct host_fake *a = fake_of(usual, "");
	struct host_fake *b = fake_of("host cpus 1 mem 1G\n", "");
	struct host_event event;
	uint64_t here, there;
	int ended = 0;

	begin_transfer(a, b);
	ck_assert_int_eq(find(a, "V1").state, HOST_VM_RUNNING);
	while (next(a, b, &event)) {
		ck_assert_int_eq(event.kind, HOST_EVENT_DONE);
		ended++;
	}
	ck_assert_int_eq(ended, 2);
	ck_assert_int_eq(find(a, "V1").state, HOST_VM_SUSPENDED);
	ck_assert_int_eq(find(b, "V1--incoming").state, HOST_VM_PAUSED);
	ck_assert_uint_eq(find(b, "V1--incoming").mem_kib, 128 * KIB_PER_MIB);
	ck_assert(host_fake_boot_id(a, "V1", &here));
	ck_assert(host_fake_boot_id(b, "V1--incoming", &there));
	ck_assert_uint_eq(here, there);
	api->close(a);
	api->close(b);
}
END_TEST

START_TEST(failed_transfer_fails_on_both_sides_and_resumes)
{
	struct host_fake *a = fake_of(usual, "fail send V1\n");
	struct host_fake *b = fake_of("host cpus 1 mem 1G\n", "");
	struct host_event event;

	begin_transfer(a, b);
	while (next(a, b, &event))
		ck_assert_int_eq(event.kind, HOST_EVENT_FAILED);
	ck_assert(api->resume(a, "V1", NULL));
	ck_assert_int_eq(find(a, "V1").state, HOST_VM_RUNNING);
	/* Once: it goes well the next time. */
	ck_assert(api->destroy(b, 3, "V1--incoming", NULL));
	ck_assert(next(a, b, &event));
	begin_transfer(a, b);
	while (next(a, b, &event))
		ck_assert_int_eq(event.kind, HOST_EVENT_DONE);
	api->close(a);
	api->close(b);
}
END_TEST

START_TEST(hanging_transfer_ends_when_it_is_aborted)
{
	struct host_fake *a = fake_of(usual, "hang send V1\n");
	struct host_fake *b = fake_of("host cpus 1 mem 1G\n", "");
	struct host_event event;

	begin_transfer(a, b);
	ck_assert(!next(a, b, &event));
	api->abort(a, 1);
	ck_assert(next(a, b, &event));
	ck_assert_uint_eq(event.op, 1);
	ck_assert_int_eq(event.kind, HOST_EVENT_FAILED);
	api->close(a);
	api->close(b);
}
END_TEST

START_TEST(calls_of_the_wrong_state_are_refused)
{
	struct host_fake *fake = fake_of(usual, "");
	struct host_vm vm;
	bool found;

	ck_assert(api->unpause(fake, "V1", NULL)); /* runs already */
	ck_assert(!api->rename(fake, "V1", "V2", NULL));
	ck_assert(!api->set_mem(fake, "V1", 257 * KIB_PER_MIB, NULL));
	ck_assert(!api->find(fake, "nobody", &vm, &found, NULL));
	ck_assert(!found);
	ck_assert(
	    !api->create(fake, 1, "V1", "name = 'V1'\nmemory = 1\n", 0, NULL));
	ck_assert(
	    !api->create(fake, 1, "V9", "name = 'V8'\nmemory = 1\n", 0, NULL));
	ck_assert(!api->create(
	    fake, 1, "V9", "name = 'V9'\nmemory = 4096\n", 0, NULL));
	api->close(fake);
}
END_TEST

START_TEST(wrong_configuration_is_told_with_its_line)
{
	static const struct {
		const char *config;
		uint32_t line;
	} wrongs[] = {
	    {"memory = 1\n", 0},
	    {"\n# V\nname = 'V8'\nmemory = 1\n", 3},
	    {"name = 'V9'\nmemory = 0\n", 2},
	    {"name = 'V9'\nmemory = 1M\n", 2},
	    {"name = 'V9'\nvcpus = 0\nmemory = 1\n", 2},
	    {"name = 'V9'\ntype = \"hvm\"\n", 2},
	    {"name = 'V9'\nvif = [\n  'mac=02:00:00:00:00:01',\n]\nvfi = []\n",
	        5},
	    {"name = 'V9'\nkernel = '/k'\nramdisk = '/i'\n", 3},
	    {"name = 'V9'\nkernel\n", 2},
	    {"name = 'V9\n", 1},
	};
	struct host_fake *fake = fake_of(usual, "lacks /i\nfail check V9\n");
	const char *right = "name = 'V9'\nkernel = '/k'\nvif = [\n'mac=1'\n]\n";
	uint32_t line = 9;

	ck_assert(!api->check(fake, "V9", right, 0, &line, NULL)); /* once */
	ck_assert(api->check(fake, "V9", right, 0, &line, NULL));
	ck_assert(!api->check(fake, "V9", right, KIB_PER_GIB + 1, &line, NULL));
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct err err = {""};

		ck_assert_msg(!api->check(
		    fake, "V9", wrongs[i].config, 0, &line, &err), "%zu", i);
		ck_assert_msg(
		    line == wrongs[i].line, "%zu: %u: %s", i, line, err.text);
		ck_assert_str_ne(err.text, "");
		/* And so it is not made. */
		ck_assert(!api->create(
		    fake, 1, "V9", wrongs[i].config, 1024, NULL));
	}
	ck_assert(api->sample(fake, &sample, NULL));
	ck_assert_uint_eq(sample.n_vms, 2);
	api->close(fake);
}
END_TEST

START_TEST(vm_ends_by_itself_as_its_script_says)
{
	struct host_fake *fake = fake_of(
	    usual, "end V1 crash after 5\nend V2 poweroff after 8\n");
	struct host_event event;
	struct host_vm vm;
	int64_t until_ns;
	bool found;

	ck_assert(!api->poll(fake, NS_PER_S, &event));
	ck_assert_uint_eq(api->wait(fake, NULL, &until_ns), 0);
	ck_assert_int_eq(until_ns, 6 * NS_PER_S);
	ck_assert(!api->poll(fake, until_ns - 1, &event));
	ck_assert(api->find(fake, "V1", &vm, &found, NULL));
	ck_assert_int_eq(vm.state, HOST_VM_RUNNING);
	ck_assert(!api->poll(fake, until_ns, &event));
	ck_assert(api->find(fake, "V1", &vm, &found, NULL));
	ck_assert_int_eq(vm.state, HOST_VM_DEAD);
	ck_assert_int_eq(vm.end, HOST_END_CRASH);
	ck_assert(api->find(fake, "V2", &vm, &found, NULL));
	ck_assert_int_eq(vm.state, HOST_VM_RUNNING);
	ck_assert(!api->poll(fake, 9 * NS_PER_S, &event));
	ck_assert(api->find(fake, "V2", &vm, &found, NULL));
	ck_assert_int_eq(vm.end, HOST_END_POWEROFF);
	api->wait(fake, NULL, &until_ns);
	ck_assert_int_eq(until_ns, TIME_NEVER);
	api->close(fake);
}
END_TEST

START_TEST(what_it_has_outlives_it)
{
	char dir[] = "/tmp/fake.XXXXXX", more[128], command[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(more, sizeof(more), "state %s/state\n", dir);
	struct host_fake *fake = fake_of(usual, more);
	ck_assert(api->rename(fake, "V1", "V1--outgoing", NULL));
	ck_assert(api->set_mem(fake, "V2", 32 * KIB_PER_MIB, NULL));
	api->close(fake);
	fake = fake_of(usual, more);
	ck_assert(api->sample(fake, &sample, NULL));
	ck_assert_uint_eq(sample.n_vms, 2);
	ck_assert_str_eq(vms[0].name, "V1--outgoing");
	ck_assert_uint_eq(vms[1].mem_kib, 32 * KIB_PER_MIB);
	api->close(fake);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(wrong_script_is_told_with_its_line)
{
	static const struct {
		const char *script, *place;
	} wrongs[] = {
	    {"", "script:1:"},
	    {"host cpus 0 mem 1G\n", "script:1:"},
	    {"host cpus 1 mem 1G\n\nvm\n", "script:3:"},
	    {"host cpus 1 mem 1G\nvm V mem 2M max 1M\n", "script:2:"},
	    {"host cpus 1 mem 1G\nvm V mem 2M\nvm V mem 2M\n", "script:3:"},
	    {"host cpus 1 mem 1G\nfail send\n", "script:2:"},
	    {"host cpus 1 mem 1X\n", "script:1:"},
	    {"what is this\n", "script:1:"},
	    {"host cpus 1 mem 1G\nend V burnt after 1\n", "script:2:"},
	};

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct err err = {""};

		ck_assert_ptr_null(
		    host_fake_new(wrongs[i].script, "script", "a", &err));
		ck_assert_msg(strncmp(err.text, wrongs[i].place,
		                  strlen(wrongs[i].place)) == 0,
		    "%zu: %s", i, err.text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fake");
	TCase *tcase = tcase_create("fake");

	tcase_add_test(tcase, sample_has_all_vms_by_name_and_memory_adds_up);
	tcase_add_test(tcase, cpu_time_is_demand_within_vcpus_and_cap);
	tcase_add_test(tcase, each_operation_ends_once);
	tcase_add_test(tcase, transfer_ends_suspended_here_and_paused_there);
	tcase_add_test(tcase, failed_transfer_fails_on_both_sides_and_resumes);
	tcase_add_test(tcase, hanging_transfer_ends_when_it_is_aborted);
	tcase_add_test(tcase, calls_of_the_wrong_state_are_refused);
	tcase_add_test(tcase, wrong_configuration_is_told_with_its_line);
	tcase_add_test(tcase, vm_ends_by_itself_as_its_script_says);
	tcase_add_test(tcase, what_it_has_outlives_it);
	tcase_add_test(tcase, wrong_script_is_told_with_its_line);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
