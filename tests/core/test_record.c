/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records: what is written comes back, bit for bit, and what was damaged is
 * refused with the line that is wrong.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"

enum { DOMAINS = 2, HOSTS = 5, ENVS = 3, VMS = 9, PARAMS = 4 };

static const struct domain domains[DOMAINS] = {{"D1"}, {"the other"}};
static const struct host hosts[HOSTS] = {{"a", {0}, 1000, 1572864},
    {"b", {0}, 4000, 1}, {"c", {1}, 1, INT64_MAX}, {"d", {1}, 0, 0},
    {"h\xc3\xb4te, \"5\"", {1}, UINT32_MAX, 77}};
static const struct environment envs[ENVS] = {
    {"V1", 0, 4}, {"V2", 4, 0}, {"V 3", 4, 5}};
static const double link_bps[DOMAINS * DOMAINS] = {
    1e9, 0.1, 1e8, (double)INFINITY};
static struct vm vms[VMS];
static const struct model model = {.domains = domains,
    .hosts = hosts,
    .envs = envs,
    .vms = vms,
    .n_domains = DOMAINS,
    .n_hosts = HOSTS,
    .n_envs = ENVS,
    .n_vms = VMS,
    .link_bps = link_bps};

static const struct param params[PARAMS] = {{.name = "cpu-low"},
    {.name = "tiny"}, {.name = "negative"}, {.name = "zero"}};
static const double values[PARAMS] = {0.1, 0x1p-1074, -1e300, 0};
static const struct policy policy = {
    .name = "made up", .params = params, .n_params = PARAMS};

/* What has been written. */
static char *text;
static size_t text_used;

static bool keep(void *self, const char *piece, size_t length)
{
	size_t room = *(size_t *)self;

	if (text_used + length > room)
		return false;
	memcpy(text + text_used, piece, length);
	text_used += length;
	text[text_used] = '\0';
	return true;
}

static size_t room = 1 << 20;

/* What a test has taken; given back after it. */
static void *taken[64];
static int n_taken;

static void *take(size_t size)
{
	void *memory = aligned_alloc(64, (size + 63) / 64 * 64);

	ck_assert_ptr_nonnull(memory);
	ck_assert_int_lt(n_taken, 64);
	memset(memory, 0, size);
	return taken[n_taken++] = memory;
}

static void lay_out_at(struct arena *count)
{
	*count = (struct arena){.base = take(count->used), .size = count->used};
}

static struct record_writer *new_writer(void)
{
	const struct record_sink sink = {&room, keep};
	struct arena arena = {0};

	record_writer_lay_out(&arena, &model, &sink);
	lay_out_at(&arena);
	return record_writer_lay_out(&arena, &model, &sink);
}

static void write_header(struct record_writer *w)
{
	const struct record_origin origin = {.program = "0.1",
	    .core = "c0ffee",
	    .policy = &policy,
	    .values = values,
	    .limits = {3, UINT32_MAX}};

	record_write_header(w, &origin);
}

static void setup(void)
{
	text = malloc(room + 1);
	text_used = 0;
	text[0] = '\0';
	for (uint32_t i = 0; i < VMS; i++) {
		static const char *const names[VMS] = {
		    "V1-head", "1", "2", "3", "h", "5", "6", "7", ""};

		vms[i] = (struct vm){.name = names[i],
		    .env = {i < 4 ? 0 : 2},
		    .home = i % 2 ? NO_HOST : (struct host_id){i / 2},
		    .vcpu_mcpu = 1000 * i,
		    .is_head = i == 0 || i == 4,
		    .mem_kib = 262144 + i,
		    .mem_max_kib = INT64_MAX};
	}
}

static void teardown(void)
{
	free(text);
	while (n_taken > 0)
		free(taken[--n_taken]);
}

/* The text's lines, one after the other, as the reader wants them. */
static char *next_line(char **at)
{
	return strsep(at, "\n");
}

static struct record_reader *new_reader(const char *first)
{
	struct arena arena = {0};
	struct record_size size;
	struct err err;

	ck_assert_msg(record_read_size(&size, first, &err), "%s", err.text);
	record_reader_lay_out(&arena, &size);
	lay_out_at(&arena);
	return record_reader_lay_out(&arena, &size);
}

/* The header. */

START_TEST(model_and_policy_come_back_exactly)
{
	struct record_writer *w = new_writer();
	struct record_reader *r;
	const struct record *record;
	struct err err;
	char *at = text, *line;
	enum record_event event = RECORD_TAKEN;

	write_header(w);
	r = new_reader(next_line(&at));
	record = record_of(r);
	while ((line = next_line(&at)) && *line) {
		ck_assert_int_eq(event, RECORD_TAKEN);
		event = record_read(r, line, &err);
		ck_assert_msg(event != RECORD_BAD, "%s", err.text);
	}
	ck_assert_int_eq(event, RECORD_BEGUN);
	ck_assert_str_eq(record->program, "0.1");
	ck_assert_str_eq(record->core, "c0ffee");
	ck_assert_str_eq(record->policy, "made up");
	ck_assert_uint_eq(record->limits.actions_per_period, 3);
	ck_assert_uint_eq(record->limits.migrations_per_env, UINT32_MAX);
	ck_assert_uint_eq(record->n_params, PARAMS);
	for (int i = 0; i < PARAMS; i++) {
		ck_assert_str_eq(record->params[i].name, params[i].name);
		ck_assert_mem_eq(
		    &record->params[i].value, &values[i], sizeof values[i]);
	}
	ck_assert_uint_eq(record->model.n_domains, DOMAINS);
	ck_assert_str_eq(record->model.domains[1].name, "the other");
	for (int i = 0; i < HOSTS; i++) {
		ck_assert_str_eq(record->model.hosts[i].name, hosts[i].name);
		ck_assert_uint_eq(
		    record->model.hosts[i].domain.ix, hosts[i].domain.ix);
		ck_assert_uint_eq(
		    record->model.hosts[i].cpu_mcpu, hosts[i].cpu_mcpu);
		ck_assert_uint_eq(
		    record->model.hosts[i].mem_kib, hosts[i].mem_kib);
	}
	for (int i = 0; i < VMS; i++) {
		const struct vm *vm = &record->model.vms[i];

		ck_assert_str_eq(vm->name, vms[i].name);
		ck_assert_uint_eq(vm->env.ix, vms[i].env.ix);
		ck_assert_uint_eq(vm->home.ix, vms[i].home.ix);
		ck_assert_uint_eq(vm->vcpu_mcpu, vms[i].vcpu_mcpu);
		ck_assert_uint_eq(vm->is_head, vms[i].is_head);
		ck_assert_uint_eq(vm->mem_kib, vms[i].mem_kib);
		ck_assert_uint_eq(vm->mem_max_kib, vms[i].mem_max_kib);
	}
	ck_assert_mem_eq(record->model.link_bps, link_bps, sizeof link_bps);
}
END_TEST

/* The steps. */

static uint64_t random_below(uint64_t n)
{
	return (((uint64_t)lrand48() << 31) | (uint64_t)lrand48()) % n;
}

static void draw_vm(struct vm_observation *vm)
{
	vm->state = (enum vm_state)random_below(N_VM_STATES);
	vm->host = vm_is_placed(vm)
	               ? (struct host_id){(uint32_t)random_below(HOSTS)}
	               : NO_HOST;
	vm->target = vm->state == VM_MIGRATING
	                 ? (struct host_id){(uint32_t)random_below(HOSTS)}
	                 : NO_HOST;
	vm->weight = (uint32_t)random_below(65536);
	vm->cap_mcpu = (uint32_t)random_below(4000);
	vm->cpu_used_mcpu = (uint32_t)random_below(UINT32_MAX);
	vm->mem_alloc_kib = random_below(INT64_MAX);
	vm->mem_target_kib = random_below(INT64_MAX);
	vm->mem_used_kib =
	    random_below(3) ? random_below(INT64_MAX) : MEM_UNKNOWN;
	vm->since_ns = (int64_t)random_below(INT64_MAX) - INT64_MAX / 2;
}

/* Draws some of the observation anew, so that deltas are partial. */
static void draw(struct observation *obs, uint64_t sequence)
{
	obs->sequence = sequence;
	obs->now_ns = (int64_t)random_below(INT64_MAX);
	obs->period_ns = (int64_t)random_below(INT64_MAX);
	for (uint32_t i = 0; i < HOSTS; i++)
		if (random_below(2))
			obs->hosts[i] = (struct host_observation){
			    (enum host_state)random_below(N_HOST_STATES),
			    (uint32_t)random_below(UINT32_MAX),
			    random_below(INT64_MAX)};
	for (uint32_t i = 0; i < ENVS; i++)
		if (random_below(2))
			obs->envs[i] = (struct env_observation){
			    (enum env_state)random_below(N_ENV_STATES),
			    (uint32_t)random_below(2),
			    (int64_t)random_below(INT64_MAX),
			    random_below(2) ? -1
			                    : (int64_t)random_below(INT64_MAX)};
	for (uint32_t i = 0; i < VMS; i++)
		if (random_below(2))
			draw_vm(&obs->vms[i]);
}

static struct host_id draw_host(void)
{
	uint64_t ix = random_below(HOSTS + 1);

	return ix == HOSTS ? NO_HOST : (struct host_id){(uint32_t)ix};
}

static struct action draw_action(void)
{
	static const char *const refusals[] = {NULL, "", "the host is full"};

	return (struct action){
	    .kind = (enum action_kind)random_below(N_ACTION_KINDS),
	    .vm = {(uint32_t)random_below(VMS)},
	    .from = draw_host(),
	    .to = draw_host(),
	    .group = (uint32_t)random_below(9),
	    .weight = (uint32_t)random_below(65536),
	    .cap_mcpu = (uint32_t)random_below(4000),
	    .mem_kib = random_below(INT64_MAX),
	    .reason = {random_below(2) ? "uses {} % of {}" : "",
	        (double)random_below(99), 0.25},
	    .refused = refusals[random_below(3)]};
}

static void check_observation(
    const struct observation *a, const struct observation *b)
{
	ck_assert_uint_eq(a->sequence, b->sequence);
	ck_assert_int_eq(a->now_ns, b->now_ns);
	ck_assert_int_eq(a->period_ns, b->period_ns);
	ck_assert_mem_eq(a->hosts, b->hosts, HOSTS * sizeof *a->hosts);
	ck_assert_mem_eq(a->envs, b->envs, ENVS * sizeof *a->envs);
	ck_assert_mem_eq(a->vms, b->vms, VMS * sizeof *a->vms);
}

static void check_action(const struct action *a, const struct action *b)
{
	char reason[256];

	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_uint_eq(a->vm.ix, b->vm.ix);
	ck_assert_uint_eq(a->from.ix, b->from.ix);
	ck_assert_uint_eq(a->to.ix, b->to.ix);
	ck_assert_uint_eq(a->group, b->group);
	ck_assert_uint_eq(a->weight, b->weight);
	ck_assert_uint_eq(a->cap_mcpu, b->cap_mcpu);
	ck_assert_uint_eq(a->mem_kib, b->mem_kib);
	ck_assert_str_eq(
	    a->reason.text, reason_print(&b->reason, reason, sizeof reason));
	ck_assert_int_eq(a->refused == NULL, b->refused == NULL);
	if (a->refused)
		ck_assert_str_eq(a->refused, b->refused);
}

/* Reads up to an event; all in between is only taken. */
static void read_until(
    struct record_reader *r, char **at, enum record_event wanted)
{
	enum record_event event;
	struct err err;

	do {
		char *line = next_line(at);

		ck_assert_msg(line && *line, "the record ends");
		event = record_read(r, line, &err);
		ck_assert_msg(event != RECORD_BAD, "%s", err.text);
	} while (event == RECORD_TAKEN);
	ck_assert_int_eq(event, wanted);
}

START_TEST(what_is_written_is_read)
{
	enum { STEPS = 8, ACTIONS = 6 };
	static struct observation seen[STEPS];
	static struct action actions[STEPS][ACTIONS];
	struct outcome outcome = {{7, 2}, OUTCOME_FAILED, 12, "out of\nluck"};
	struct record_writer *w = new_writer();
	struct record_reader *r;
	char *at = text;

	printf("seed %d\n", _i);
	srand48(_i);
	write_header(w);
	for (int s = 0; s < STEPS; s++) {
		struct plan plan = {.actions = actions[s],
		    .n_actions = (uint32_t)(s % (ACTIONS + 1))};

		seen[s].hosts = take(HOSTS * sizeof *seen[s].hosts);
		seen[s].envs = take(ENVS * sizeof *seen[s].envs);
		seen[s].vms = take(VMS * sizeof *seen[s].vms);
		for (int i = 0; s > 0 && i < HOSTS; i++)
			seen[s].hosts[i] = seen[s - 1].hosts[i];
		for (int i = 0; s > 0 && i < ENVS; i++)
			seen[s].envs[i] = seen[s - 1].envs[i];
		for (int i = 0; s > 0 && i < VMS; i++)
			seen[s].vms[i] = seen[s - 1].vms[i];
		draw(&seen[s], (uint64_t)s);
		for (int i = 0; i < ACTIONS; i++)
			actions[s][i] = draw_action();
		record_write_observation(w, &seen[s]);
		record_write_plan(w, (uint64_t)s, &plan);
		record_write_outcome(w, &outcome);
	}
	ck_assert(record_writer_ok(w));

	r = new_reader(next_line(&at));
	read_until(r, &at, RECORD_BEGUN);
	for (int s = 0; s < STEPS; s++) {
		read_until(r, &at, RECORD_PLAN);
		check_observation(&record_of(r)->obs, &seen[s]);
		ck_assert_uint_eq(
		    record_of(r)->n_actions, (uint32_t)(s % (ACTIONS + 1)));
		for (uint32_t i = 0; i < record_of(r)->n_actions; i++) {
			read_until(r, &at, RECORD_ACTION);
			check_action(&record_of(r)->action, &actions[s][i]);
		}
		read_until(r, &at, RECORD_OUTCOME);
		ck_assert_uint_eq(record_of(r)->outcome.ticket.sequence, 7);
		ck_assert_uint_eq(record_of(r)->outcome.ticket.action, 2);
		ck_assert_int_eq(record_of(r)->outcome.kind, OUTCOME_FAILED);
		ck_assert_int_eq(record_of(r)->outcome.at_ns, 12);
		ck_assert_str_eq(record_of(r)->outcome.text, "out of luck");
	}
}
END_TEST

static size_t count_lines(const char *from)
{
	size_t n = 0;

	for (; *from; from++)
		n += *from == '\n';
	return n;
}

START_TEST(what_did_not_change_is_not_written_again)
{
	struct host_observation h[HOSTS] = {{HOST_UP, 1, 2}};
	struct env_observation e[ENVS] = {{ENV_RUNNING, 1, 0, -1}};
	struct vm_observation v[VMS] = {{.state = VM_QUEUED}};
	struct observation obs = {.hosts = h, .envs = e, .vms = v};
	struct plan plan = {0};
	struct record_writer *w = new_writer();
	size_t before;

	record_write_observation(w, &obs);
	record_write_plan(w, 0, &plan);
	ck_assert_uint_eq(count_lines(text), 5); /* observe h e v plan */
	before = text_used;
	h[0].cpu_used_mcpu = 5;
	record_write_observation(w, &obs);
	record_write_plan(w, 0, &plan);
	ck_assert_str_eq(
	    text + before, "observe 0 0 0\nh 0 up 5 2\nplan 0 0\n");
}
END_TEST

START_TEST(a_sink_that_fails_is_not_asked_again)
{
	struct record_writer *w;

	room = 10;
	w = new_writer();
	write_header(w);
	ck_assert(!record_writer_ok(w));
	ck_assert_uint_eq(text_used, 0);
	room = 1 << 20;
}
END_TEST

/* What is wrong. */

/* After a sound header these lines; the last is refused, and err says why. */
static const struct {
	const char *lines;
	const char *says;
} wrong[] = {
    {"nonsense", "\"nonsense\" begins no line of a step"},
    {"", "a word is missing"},
    {"observe 0 0", "period is missing"},
    {"observe 0 0 0 0", "more than the line has"},
    {"observe x 0 0", "sequence is \"x\""},
    {"observe 18446744073709551616 0 0", "not a number up to"},
    {"observe 0 9223372036854775808 0", "not a time"},
    {"h 0 up 0 0", "no observation is open"},
    {"observe 0 0 0\nh 5 up 0 0", "host is \"5\", and there are 5"},
    {"observe 0 0 0\nh - up 0 0", "host is missing"},
    {"observe 0 0 0\nh 0 down 0 0", "\"down\" is no state of a host"},
    {"observe 0 0 0\nh 0 up -1 0", "CPU is \"-1\""},
    {"observe 0 0 0\ne 0 running 1 0 x", "time of moving is \"x\""},
    {"observe 0 0 0\nv 0 running - - 0 0 0 0 0 0 0",
        "a running VM without a host"},
    {"observe 0 0 0\nv 0 migrating 0 - 0 0 0 0 0 0 0",
        "a migrating VM without a target"},
    {"observe 0 0 0\nv 9 absent - - 0 0 0 0 0 0 0", "VM is \"9\""},
    {"observe 0 0 0\nobserve 1 0 0", "the plan is missing"},
    {"plan 0 0", "a plan without an observation"},
    {"observe 0 0 0\nplan 1 0", "a plan for another observation"},
    {"observe 0 0 0\nplan 0 1\nobserve 1 0 0", "1 actions are missing"},
    {"observe 0 0 0\nplan 0 1\na steal 0 0 0 0 0 0 0\t",
        "\"steal\" is no action"},
    {"observe 0 0 0\nplan 0 1\na create 0 0 0 0 0 0 0", "0 texts, not 1"},
    {"observe 0 0 0\nplan 0 1\na create 0 0 0 0 0 0 0\ta\tb\tc",
        "more texts than a line has"},
    {"o 0 0 perhaps 0", "\"perhaps\" is no outcome"},
};

START_TEST(a_wrong_line_is_refused_with_what_is_wrong)
{
	struct record_writer *w = new_writer();
	struct record_reader *r;
	char *at = text, *lines = strdup(wrong[_i].lines), *rest = lines, *line;
	enum record_event event = RECORD_TAKEN;
	struct err err = {0};

	write_header(w);
	r = new_reader(next_line(&at));
	read_until(r, &at, RECORD_BEGUN);
	while ((line = next_line(&rest))) {
		ck_assert_int_ne(event, RECORD_BAD);
		event = record_read(r, line, &err);
	}
	ck_assert_int_eq(event, RECORD_BAD);
	ck_assert_msg(
	    strstr(err.text, wrong[_i].says), "it says: %s", err.text);
	ck_assert_int_eq(
	    record_read(r, (char[]){"observe 0 0 0"}, &err), RECORD_BAD);
	free(lines);
}
END_TEST

static const struct {
	const char *from, *to;
	const char *says;
} damage[] = {
    {"program", "programme", "begins no line of the header"},
    {"host 0 1000", "host 2 1000", "domain is \"2\""},
    {"environment 4 0", "environment 3 0", "has VMs from 3, not from 4"},
    {"vm 0 0", "vm 1 0", "is in environment 0, not in 1"},
    {"param 0x1.", "param 1.", "not a number as %a writes it"},
    {"param 0x1.", "param 0x2.", "not a number as %a writes it"},
    {"\tV1-head", "\tA much longer name than this line once had, by far",
        "more text than the first line said"},
    {"limits 3 4294967295\n", "limits 3 4294967295\nhost 0 1 1\tone more\n",
        NULL},
    {"domain\tD1\n", "", "less than the first line said"},
    {"core\tc0ffee\n", "", "missing"},
};

/* Also all others before the damage are as sound as ever. */
START_TEST(a_damaged_header_is_refused)
{
	struct record_writer *w = new_writer();
	struct record_reader *r;
	char *hit, *whole, *at, *line;
	enum record_event event = RECORD_TAKEN;
	struct err err = {0};

	write_header(w);
	hit = strstr(text, damage[_i].from);
	ck_assert_ptr_nonnull(hit);
	ck_assert_int_gt(asprintf(&whole, "%.*s%s%s", (int)(hit - text), text,
	                     damage[_i].to, hit + strlen(damage[_i].from)),
	    0);
	at = whole;
	r = new_reader(next_line(&at));
	while (event == RECORD_TAKEN && (line = next_line(&at)) && *line)
		event = record_read(r, line, &err);
	ck_assert_int_eq(event, RECORD_BAD);
	if (damage[_i].says)
		ck_assert_msg(
		    strstr(err.text, damage[_i].says), "it says: %s", err.text);
	free(whole);
}
END_TEST

static const char *const no_first_lines[] = {"", "violin", "violin-record",
    "violin-record 2 0 0 0 0 0 0", "violin-record 1 0 0 0 0 0",
    "violin-record 1 0 0 0 0 0 0 0", "violin-record 1 -1 0 0 0 0 0",
    "violin-record 1 4294967296 0 0 0 0 0"};

START_TEST(what_is_no_record_is_refused)
{
	struct record_size size;
	struct err err = {0};

	ck_assert(!record_read_size(&size, no_first_lines[_i], &err));
	ck_assert_str_ne(err.text, "");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tc = tcase_create("record");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, model_and_policy_come_back_exactly);
	tcase_add_loop_test(tc, what_is_written_is_read, 0, 50);
	tcase_add_test(tc, what_did_not_change_is_not_written_again);
	tcase_add_test(tc, a_sink_that_fails_is_not_asked_again);
	tcase_add_loop_test(
	    tc, a_wrong_line_is_refused_with_what_is_wrong, 0, COUNT(wrong));
	tcase_add_loop_test(tc, a_damaged_header_is_refused, 0, COUNT(damage));
	tcase_add_loop_test(
	    tc, what_is_no_record_is_refused, 0, COUNT(no_first_lines));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
