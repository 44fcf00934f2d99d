/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of messages: against values written out by hand, both ways for
 * random messages, and cut at every length.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/message.h"

static uint8_t bytes[WIRE_MESSAGE_MAX];
static struct host_vm vms[2][HOST_VMS_MAX];
static struct message_report reports[2];

START_TEST(message_is_the_bytes_of_the_specification)
{
	static const uint8_t right[] = {
	    'V', 'L', 'N', 0x1a, /* magic */
	    2, 0,                /* version */
	    1, 1,                /* OBSERVE */
	    8, 0, 0, 0,          /* body */
	    0, 0, 0, 0, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02,
	    0x01,                         /* request */
	    0x2a, 0, 0, 0, 0, 0, 0, 0x80, /* generation */
	};
	struct message_observe observe = {UINT64_C(0x800000000000002a)};
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(
	    message_write_observe(&w, UINT64_C(0x0102030405060708), &observe));
	ck_assert_uint_eq(w.len, sizeof(right));
	ck_assert_mem_eq(bytes, right, sizeof(right));
}
END_TEST

START_TEST(string_is_its_length_and_its_bytes)
{
	struct wire_writer w;
	struct wire_reader r;
	char text[4];

	wire_writer_init(&w, bytes, sizeof(bytes));
	wire_put_string(&w, "abc");
	ck_assert_mem_eq(bytes, "\3\0abc", 5);
	wire_reader_init(&r, bytes, 5);
	wire_get_string(&r, text, 4);
	ck_assert_str_eq(text, "abc");
	ck_assert(wire_end(&r));
	/* No room for the zero. */
	wire_reader_init(&r, bytes, 5);
	wire_get_string(&r, text, 3);
	ck_assert(r.failed);
	/* A zero inside would be another string to everybody else. */
	bytes[3] = 0;
	wire_reader_init(&r, bytes, 5);
	wire_get_string(&r, text, 4);
	ck_assert(r.failed);
}
END_TEST

START_TEST(reader_never_passes_the_end)
{
	struct wire_reader r;

	wire_reader_init(&r, "\1\2\3", 3);
	ck_assert_uint_eq(wire_get_u16(&r), 0x0201);
	ck_assert_uint_eq(wire_get_u32(&r), 0);
	ck_assert(r.failed);
	ck_assert_uint_eq(wire_get_u8(&r), 0); /* once failed, for good */
	wire_reader_init(&r, "\377\377\377\377", 4);
	ck_assert_uint_eq(wire_get_count(&r, 1000000, 1), 0);
	ck_assert(r.failed);
	wire_reader_init(&r, "\2", 1);
	wire_get_bool(&r);
	ck_assert(r.failed);
}
END_TEST

START_TEST(writer_never_passes_its_room)
{
	struct wire_writer w;

	memset(bytes, 0xee, 16);
	wire_writer_init(&w, bytes, 5);
	wire_put_u32(&w, 1);
	wire_put_u16(&w, 1);
	wire_put_u8(&w, 1);
	ck_assert(w.failed);
	ck_assert_uint_eq(w.len, 4);
	ck_assert_uint_eq(bytes[4], 0xee);
}
END_TEST

/* Random reports. */

static uint64_t draw(void)
{
	static const unsigned shifts[] = {0, 20, 40, 60};
	uint64_t value = (uint64_t)(unsigned)rand() << 33 ^
	                 (uint64_t)(unsigned)rand() << 11 ^
	                 (uint64_t)(unsigned)rand();

	return value >> shifts[rand() % 4];
}

static void draw_text(char *text, size_t cap)
{
	size_t n = (size_t)rand() % cap;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(1 + rand() % 255);
	text[n] = '\0';
}

static void draw_vm(struct host_vm *vm)
{
	draw_text(vm->name, sizeof(vm->name));
	vm->state = (enum host_vm_state)(rand() % N_HOST_VM_STATES);
	vm->end = (enum host_vm_end)(rand() % N_HOST_VM_ENDS);
	vm->cpu_time_ns = draw();
	vm->n_vcpus = (uint32_t)draw();
	vm->weight = (uint32_t)draw();
	vm->cap_mcpu = (uint32_t)draw();
	vm->mem_kib = draw();
	vm->mem_target_kib = draw();
	vm->mem_max_kib = draw();
	vm->mem_used_kib = rand() % 2 ? MEM_UNKNOWN : draw();
}

static void draw_report(struct message_report *r)
{
	draw_text(r->host, sizeof(r->host));
	draw_text(r->version, sizeof(r->version));
	draw_text(r->trouble, sizeof(r->trouble));
	r->incarnation = draw();
	r->number = draw();
	r->generation = draw();
	r->clock_ns = draw();
	r->sample.n_cpus = (uint32_t)draw();
	r->sample.mem_total_kib = draw();
	r->sample.mem_free_kib = draw();
	r->sample.idle_time_ns = draw();
	r->sample.n_vms = (uint32_t)rand() % 40;
	for (uint32_t i = 0; i < r->sample.n_vms; i++)
		draw_vm(&r->sample.vms[i]);
	r->n_handovers = (uint32_t)rand() % (MESSAGE_HANDOVERS_MAX + 1);
	for (uint32_t i = 0; i < r->n_handovers; i++) {
		struct message_handover *h = &r->handovers[i];

		h->id = draw();
		h->state = (enum handover_state)(rand() % N_HANDOVER_STATES);
		h->network = (enum network_state)(rand() % N_NETWORK_STATES);
		draw_text(h->vm, sizeof(h->vm));
		h->bytes = draw();
		h->network_ns = draw();
		draw_text(h->text, sizeof(h->text));
	}
	r->n_outcomes = (uint32_t)rand() % (MESSAGE_OUTCOMES_MAX + 1);
	for (uint32_t i = 0; i < r->n_outcomes; i++) {
		struct message_answer *a = &r->outcomes[i];

		a->request = draw();
		a->kind = (enum answer_kind)(rand() % N_ANSWER_KINDS);
		a->port = (uint16_t)draw();
		draw_text(a->text, sizeof(a->text));
	}
}

static size_t write_report(const struct message_report *report)
{
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_report(&w, 7, report));
	return w.len;
}

static bool read_report(
    const void *from, size_t len, struct message_report *report)
{
	struct wire_header header;
	struct wire_reader r;

	wire_reader_init(&r, from, len);
	return wire_get_header(&r, &header) && header.type == MESSAGE_REPORT &&
	       header.request == 7 && message_read_report(&r, report);
}

static void check_same_vm(const struct host_vm *a, const struct host_vm *b)
{
	ck_assert_str_eq(a->name, b->name);
	ck_assert_int_eq(a->state, b->state);
	ck_assert_int_eq(a->end, b->end);
	ck_assert_uint_eq(a->cpu_time_ns, b->cpu_time_ns);
	ck_assert_uint_eq(a->n_vcpus, b->n_vcpus);
	ck_assert_uint_eq(a->weight, b->weight);
	ck_assert_uint_eq(a->cap_mcpu, b->cap_mcpu);
	ck_assert_uint_eq(a->mem_kib, b->mem_kib);
	ck_assert_uint_eq(a->mem_target_kib, b->mem_target_kib);
	ck_assert_uint_eq(a->mem_max_kib, b->mem_max_kib);
	ck_assert_uint_eq(a->mem_used_kib, b->mem_used_kib);
}

START_TEST(report_arrives_as_it_was_sent)
{
	uint8_t *copy = malloc(sizeof(bytes));

	for (int i = 0; i < 300; i++) {
		draw_report(&reports[0]);
		size_t n = write_report(&reports[0]);
		ck_assert(read_report(bytes, n, &reports[1]));
		ck_assert_str_eq(reports[0].host, reports[1].host);
		ck_assert_uint_eq(reports[0].number, reports[1].number);
		ck_assert_uint_eq(
		    reports[0].sample.n_vms, reports[1].sample.n_vms);
		for (uint32_t v = 0; v < reports[0].sample.n_vms; v++)
			check_same_vm(&vms[0][v], &vms[1][v]);
		/* And the same bytes again, which is all the rest. */
		memcpy(copy, bytes, n);
		ck_assert_uint_eq(write_report(&reports[1]), n);
		ck_assert_mem_eq(bytes, copy, n);
	}
	free(copy);
}
END_TEST

START_TEST(cut_or_padded_message_is_refused)
{
	size_t n;

	do {
		draw_report(&reports[0]);
		n = write_report(&reports[0]);
	} while (n > 20000);
	for (size_t cut = 0; cut < n; cut++) {
		/* On the heap, so that a sanitizer sees the end. */
		uint8_t *part = malloc(cut + 1);

		memcpy(part, bytes, cut);
		ck_assert(!read_report(part, cut, &reports[1]));
		free(part);
	}
	bytes[n] = 0;
	ck_assert(!read_report(bytes, n + 1, &reports[1]));
}
END_TEST

START_TEST(check_and_its_answer_arrive_as_they_were_sent)
{
	static struct message_check check, got;
	struct message_checked checked = {.line = 4}, told;
	struct wire_header header;
	struct wire_writer w;
	struct wire_reader r;

	draw_text(check.vm, sizeof(check.vm));
	draw_text(check.config, sizeof(check.config));
	check.mem_kib = draw();
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_check(&w, 9, &check));
	wire_reader_init(&r, bytes, w.len);
	ck_assert(wire_get_header(&r, &header) && header.request == 9 &&
	          header.type == MESSAGE_CHECK && message_read_check(&r, &got));
	ck_assert_str_eq(check.vm, got.vm);
	ck_assert_str_eq(check.config, got.config);
	ck_assert_uint_eq(check.mem_kib, got.mem_kib);

	draw_text(checked.text, sizeof(checked.text));
	wire_writer_init(&w, bytes, sizeof(bytes));
	ck_assert(message_write_checked(&w, 9, &checked));
	wire_reader_init(&r, bytes, w.len);
	ck_assert(wire_get_header(&r, &header) &&
	          header.type == MESSAGE_CHECKED &&
	          message_read_checked(&r, &told));
	ck_assert(!told.right);
	ck_assert_uint_eq(told.line, 4);
	ck_assert_str_eq(told.text, checked.text);
	/* A truth that is neither is no message. */
	bytes[WIRE_HEADER_BYTES] = 2;
	wire_reader_init(&r, bytes, w.len);
	ck_assert(wire_get_header(&r, &header) &&
	          !message_read_checked(&r, &told));
}
END_TEST

START_TEST(other_version_or_magic_is_refused)
{
	draw_report(&reports[0]);
	size_t n = write_report(&reports[0]);

	for (size_t at = 0; at < 16; at++) {
		if (at == 6 || at == 7)
			continue; /* the type, which the caller looks at */
		bytes[at] ^= 1;
		ck_assert(!read_report(bytes, n, &reports[1]));
		bytes[at] ^= 1;
	}
	ck_assert(read_report(bytes, n, &reports[1]));
}
END_TEST

START_TEST(full_report_fits_a_message)
{
	struct message_report *r = &reports[0];

	memset(r->handovers, 'x', sizeof(r->handovers));
	r->n_handovers = MESSAGE_HANDOVERS_MAX;
	for (uint32_t i = 0; i < r->n_handovers; i++) {
		r->handovers[i].vm[HOST_NAME_MAX_LEN - 1] = '\0';
		r->handovers[i].text[MESSAGE_TEXT_MAX - 1] = '\0';
		r->handovers[i].state = SOURCE_SENDING;
		r->handovers[i].network = NETWORK_WAITS;
	}
	memset(r->outcomes, 'x', sizeof(r->outcomes));
	r->n_outcomes = MESSAGE_OUTCOMES_MAX;
	for (uint32_t i = 0; i < r->n_outcomes; i++) {
		r->outcomes[i].text[MESSAGE_TEXT_MAX - 1] = '\0';
		r->outcomes[i].kind = ANSWER_DONE;
	}
	r->sample.n_vms = HOST_VMS_MAX;
	for (uint32_t i = 0; i < HOST_VMS_MAX; i++) {
		memset(vms[0][i].name, 'x', HOST_NAME_MAX_LEN - 1);
		vms[0][i].state = HOST_VM_RUNNING;
	}
	size_t n = write_report(r);
	ck_assert_uint_le(n, WIRE_MESSAGE_MAX);
	ck_assert(read_report(bytes, n, &reports[1]));
}
END_TEST

static void setup(void)
{
	unsigned seed = (unsigned)time(NULL);

	printf("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 2; i++)
		reports[i].sample.vms = vms[i];
}

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase = tcase_create("wire");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, message_is_the_bytes_of_the_specification);
	tcase_add_test(tcase, string_is_its_length_and_its_bytes);
	tcase_add_test(tcase, reader_never_passes_the_end);
	tcase_add_test(tcase, writer_never_passes_its_room);
	tcase_add_test(tcase, report_arrives_as_it_was_sent);
	tcase_add_test(tcase, cut_or_padded_message_is_refused);
	tcase_add_test(tcase, check_and_its_answer_arrive_as_they_were_sent);
	tcase_add_test(tcase, other_version_or_magic_is_refused);
	tcase_add_test(tcase, full_report_fits_a_message);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
