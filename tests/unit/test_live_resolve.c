/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An operator settles a hand-over that was cut at its commit point: what the
 * live manager says to the two ends before and after, over two daemons that
 * are nothing but the reports given here.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/live/live.h"
#include "tests/support.h"

enum { SOURCE, TARGET, HOSTS };
enum { ID = 77, GENERATION = 5 };

static struct scenario *site;
static struct live *live;
static int64_t now_ns;
static enum handover_state states[HOSTS]; /* as their daemons tell */
static uint64_t asked[HOSTS], numbers[HOSTS];
static bool deaf[HOSTS];                  /* cut off from the manager */
static uint32_t n_words[HOSTS][N_HANDOVER_WORDS];

static bool send_to(void *self, uint32_t host, const void *bytes, size_t len)
{
	static struct message_act act;
	struct wire_header header;
	struct wire_reader r;

	(void)self;
	wire_reader_init(&r, bytes, len);
	ck_assert(wire_get_header(&r, &header));
	if (deaf[host])
		return false;
	if (header.type == MESSAGE_OBSERVE) {
		asked[host] = header.request;
	} else if (message_read_act(&r, &act) && act.kind == ACT_WORD) {
		ck_assert_uint_eq(act.handover, ID);
		n_words[host][act.word]++;
	}
	return true;
}

static const char *address_of(void *self, uint32_t host)
{
	(void)self;
	(void)host;
	return "192.0.2.1";
}

static bool configure(
    void *self, uint32_t vm, char config[HOST_CONFIG_MAX], struct err *err)
{
	(void)self;
	(void)vm;
	config[0] = '\0';
	return err != NULL;
}

static void random_bytes(void *self, void *bytes, size_t n)
{
	(void)self;
	memset(bytes, 1, n);
}

/* A host's answer to what it was asked last, if it hears. */
static void report(uint32_t host)
{
	static uint8_t bytes[WIRE_MESSAGE_MAX];
	static struct message_report told;
	static struct host_vm vms[HOST_VMS_MAX];
	struct wire_writer w;

	if (asked[host] == 0)
		return;
	told = (struct message_report){.incarnation = 9 + host,
	    .number = ++numbers[host],
	    .generation = GENERATION,
	    .clock_ns = (uint64_t)now_ns,
	    .sample = {.n_cpus = 1,
	        .mem_total_kib = KIB_PER_GIB,
	        .mem_free_kib = KIB_PER_GIB,
	        .vms = vms},
	    .n_handovers = 1};
	told.handovers[0] = (struct message_handover){
	    .id = ID, .state = states[host], .network_ns = 0};
	snprintf(told.handovers[0].vm, sizeof(told.handovers[0].vm), "%s",
	    site->model.vms[0].name);
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_report(&w, asked[host], &told));
	asked[host] = 0;
	live_hear(live, now_ns, host, bytes, w.len);
}

static void pass(int64_t seconds)
{
	for (int64_t end_ns = now_ns + seconds * NS_PER_S; now_ns < end_ns;
	     now_ns += 100 * NS_PER_MS) {
		live_tick(live, now_ns);
		for (uint32_t h = 0; h < HOSTS; h++)
			report(h);
	}
}

static void setup(void)
{
	static struct live_options options;
	static const struct live_outside outside = {.send = send_to,
	    .address = address_of,
	    .configure = configure,
	    .random = random_bytes};
	static char name[] = "vm0";

	site = site_new(2, 1);
	site_set_hosts(site, 2000, 2 * KIB_PER_GIB);
	site_add_env(site, 1, false,
	    site_add_workload(site, (struct workload){0}));
	site_vm(site, 0)->name = name;
	options = live_usual;
	options.generation = GENERATION;
	now_ns = NS_PER_S;
	memset(asked, 0, sizeof(asked));
	memset(deaf, 0, sizeof(deaf));
	memset(n_words, 0, sizeof(n_words));
	states[SOURCE] = SOURCE_COMMITTED;
	states[TARGET] = TARGET_READY;
	live = live_new(site, &options, &outside, now_ns);
	pass(2);
}

static void teardown(void)
{
	live_free(live);
	site_free(site);
}

/* The target falls silent; the source doubts, and the manager tries to have
 * the target run the VM, but is not heard. */
static void cut_off(void)
{
	deaf[TARGET] = true;
	states[SOURCE] = SOURCE_DOUBT;
	pass(5);
}

START_TEST(a_vm_resumed_by_an_operator_is_never_told_to_run_elsewhere)
{
	struct err err;

	cut_off();
	ck_assert(live_resolve(live, ID, WORD_RESUME, &err));
	ck_assert_uint_eq(n_words[SOURCE][WORD_RESUME], 1);
	/* The target is back before the source has said that it obeyed. */
	states[TARGET] = TARGET_HELD;
	deaf[TARGET] = false;
	pass(10);
	ck_assert_uint_eq(n_words[TARGET][WORD_RUN], 0);
	states[SOURCE] = SOURCE_KEPT;
	pass(5);
	ck_assert_uint_eq(n_words[TARGET][WORD_RUN], 0);
	ck_assert_uint_gt(n_words[TARGET][WORD_DISCARD], 0);
}
END_TEST

START_TEST(without_an_operator_the_target_runs_it_when_it_is_back)
{
	cut_off();
	states[TARGET] = TARGET_HELD;
	deaf[TARGET] = false;
	pass(10);
	ck_assert_uint_gt(n_words[TARGET][WORD_RUN], 0);
	ck_assert_uint_eq(n_words[SOURCE][WORD_RESUME], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live resolve");
	TCase *tcase = tcase_create("live resolve");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase,
	    a_vm_resumed_by_an_operator_is_never_told_to_run_elsewhere);
	tcase_add_test(
	    tcase, without_an_operator_the_target_runs_it_when_it_is_back);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
