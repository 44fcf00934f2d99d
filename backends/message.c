/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages' bodies, as tables: one row a field, in the order on the wire.
 * The same table writes and reads, so the two cannot differ.  Enumerations
 * take one byte; an array is a u32 count and its elements.
 */
#include "backends/message.h"

#include <string.h>

enum field_type { END, U16, U32, U64, BOOL, ENUM, STRING, BYTES };

struct field {
	enum field_type type;
	size_t offset;
	size_t size; /* room of a string, number of bytes, end of an enum */
};

#define FIELD(type, s, member)                                                 \
	{                                                                      \
		type, offsetof(struct s, member), 0                            \
	}
#define FIELD_ENUM(s, member, end)                                             \
	{                                                                      \
		ENUM, offsetof(struct s, member), end                          \
	}
#define FIELD_TEXT(s, member)                                                  \
	{                                                                      \
		STRING, offsetof(struct s, member),                            \
		    sizeof(((struct s *)0)->member)                            \
	}
#define FIELD_BYTES(s, member)                                                 \
	{                                                                      \
		BYTES, offsetof(struct s, member),                             \
		    sizeof(((struct s *)0)->member)                            \
	}

static const struct field observe_fields[] = {
    FIELD(U64, message_observe, generation),
    {END, 0, 0},
};

static const struct field act_fields[] = {
    FIELD(U64, message_act, generation),
    FIELD(U64, message_act, incarnation),
    FIELD(U64, message_act, view),
    FIELD_ENUM(message_act, kind, N_ACT_KINDS),
    FIELD_ENUM(message_act, word, N_HANDOVER_WORDS),
    FIELD(BOOL, message_act, forced),
    FIELD(U32, message_act, weight),
    FIELD(U32, message_act, cap_mcpu),
    FIELD(U32, message_act, timeout_ms),
    FIELD(U64, message_act, mem_kib),
    FIELD(U64, message_act, handover),
    FIELD(U64, message_act, rate_bps),
    FIELD_BYTES(message_act, key),
    FIELD_TEXT(message_act, vm),
    FIELD_TEXT(message_act, address),
    FIELD_TEXT(message_act, config),
    {END, 0, 0},
};

static const struct field answer_fields[] = {
    FIELD(U64, message_answer, generation),
    FIELD(U64, message_answer, request),
    FIELD_ENUM(message_answer, kind, N_ANSWER_KINDS),
    FIELD(U16, message_answer, port),
    FIELD_TEXT(message_answer, text),
    {END, 0, 0},
};

static const struct field check_fields[] = {
    FIELD_TEXT(message_check, vm),
    FIELD(U64, message_check, mem_kib),
    FIELD_TEXT(message_check, config),
    {END, 0, 0},
};

static const struct field checked_fields[] = {
    FIELD(BOOL, message_checked, right),
    FIELD(U32, message_checked, line),
    FIELD_TEXT(message_checked, text),
    {END, 0, 0},
};

static const struct field handover_fields[] = {
    FIELD(U64, message_handover, id),
    FIELD_ENUM(message_handover, state, N_HANDOVER_STATES),
    FIELD_ENUM(message_handover, network, N_NETWORK_STATES),
    FIELD_TEXT(message_handover, vm),
    FIELD(U64, message_handover, bytes),
    FIELD(U64, message_handover, age_ns),
    FIELD(U64, message_handover, down_ns),
    FIELD(U64, message_handover, network_ns),
    FIELD_TEXT(message_handover, text),
    {END, 0, 0},
};

static const struct field vm_fields[] = {
    FIELD_TEXT(host_vm, name),
    FIELD_ENUM(host_vm, state, N_HOST_VM_STATES),
    FIELD_ENUM(host_vm, end, N_HOST_VM_ENDS),
    FIELD(U64, host_vm, cpu_time_ns),
    FIELD(U32, host_vm, n_vcpus),
    FIELD(U32, host_vm, weight),
    FIELD(U32, host_vm, cap_mcpu),
    FIELD(U64, host_vm, mem_kib),
    FIELD(U64, host_vm, mem_target_kib),
    FIELD(U64, host_vm, mem_max_kib),
    FIELD(U64, host_vm, mem_used_kib),
    {END, 0, 0},
};

static const struct field sample_fields[] = {
    FIELD(U32, host_sample, n_cpus),
    FIELD(U64, host_sample, mem_total_kib),
    FIELD(U64, host_sample, mem_free_kib),
    FIELD(U64, host_sample, idle_time_ns),
    {END, 0, 0},
};

/* Followed by the sample, its VMs, the hand-overs and the outcomes. */
static const struct field report_fields[] = {
    FIELD_TEXT(message_report, host),
    FIELD_TEXT(message_report, version),
    FIELD_TEXT(message_report, hypervisor),
    FIELD(U64, message_report, incarnation),
    FIELD(U64, message_report, number),
    FIELD(U64, message_report, generation),
    FIELD(U64, message_report, clock_ns),
    FIELD_TEXT(message_report, trouble),
    {END, 0, 0},
};

static const struct field config_fields[] = {
    FIELD_TEXT(message_config, vm),
    FIELD_TEXT(message_config, config),
    {END, 0, 0},
};

static const struct field text_fields[] = {
    FIELD_TEXT(message_text, text),
    {END, 0, 0},
};

/* One codec for all. */

static void put_field(
    struct wire_writer *w, const struct field *field, const uint8_t *at)
{
	union {
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		bool flag;
	} value;

	switch (field->type) {
	case U16:
		memcpy(&value.u16, at, sizeof(value.u16));
		wire_put_u16(w, value.u16);
		break;
	case U32:
		memcpy(&value.u32, at, sizeof(value.u32));
		wire_put_u32(w, value.u32);
		break;
	case U64:
		memcpy(&value.u64, at, sizeof(value.u64));
		wire_put_u64(w, value.u64);
		break;
	case BOOL:
		memcpy(&value.flag, at, sizeof(value.flag));
		wire_put_bool(w, value.flag);
		break;
	case ENUM:
		memcpy(&value.u32, at, sizeof(value.u32));
		wire_put_u8(w, (uint8_t)value.u32);
		break;
	case STRING:
		wire_put_string(w, (const char *)at);
		break;
	case BYTES:
		wire_put_bytes(w, at, field->size);
		break;
	case END:
		break;
	}
}

static void put_fields(
    struct wire_writer *w, const struct field *fields, const void *object)
{
	for (; fields->type != END; fields++)
		put_field(w, fields, (const uint8_t *)object + fields->offset);
}

static void get_field(
    struct wire_reader *r, const struct field *field, uint8_t *at)
{
	switch (field->type) {
	case U16:
		memcpy(at, &(uint16_t){wire_get_u16(r)}, sizeof(uint16_t));
		break;
	case U32:
		memcpy(at, &(uint32_t){wire_get_u32(r)}, sizeof(uint32_t));
		break;
	case U64:
		memcpy(at, &(uint64_t){wire_get_u64(r)}, sizeof(uint64_t));
		break;
	case BOOL:
		memcpy(at, &(bool){wire_get_bool(r)}, sizeof(bool));
		break;
	case ENUM:
		memcpy(at, &(uint32_t){wire_get_enum(r, (uint8_t)field->size)},
		    sizeof(uint32_t));
		break;
	case STRING:
		wire_get_string(r, (char *)at, field->size);
		break;
	case BYTES:
		wire_get_bytes(r, at, field->size);
		break;
	case END:
		break;
	}
}

static void get_fields(
    struct wire_reader *r, const struct field *fields, void *object)
{
	for (; fields->type != END; fields++)
		get_field(r, fields, (uint8_t *)object + fields->offset);
}

_Static_assert(sizeof(enum act_kind) == sizeof(uint32_t), "an ENUM field");

static void put_array(struct wire_writer *w, const struct field *fields,
    const void *objects, uint32_t n, size_t size)
{
	wire_put_u32(w, n);
	for (uint32_t i = 0; i < n; i++)
		put_fields(w, fields, (const uint8_t *)objects + i * size);
}

static uint32_t get_array(struct wire_reader *r, const struct field *fields,
    void *objects, uint32_t max, size_t size)
{
	uint32_t n = wire_get_count(r, max, 1);

	for (uint32_t i = 0; i < n && !r->failed; i++)
		get_fields(r, fields, (uint8_t *)objects + i * size);
	return r->failed ? 0 : n;
}

/* Messages. */

static bool write_message(struct wire_writer *w, enum message_type type,
    uint64_t request, const struct field *fields, const void *object)
{
	wire_begin_message(w, (uint16_t)type, request);
	put_fields(w, fields, object);
	return wire_end_message(w);
}

static bool read_message(
    struct wire_reader *r, const struct field *fields, void *object)
{
	get_fields(r, fields, object);
	return wire_end(r);
}

bool message_write_observe(struct wire_writer *w, uint64_t request,
    const struct message_observe *observe)
{
	return write_message(
	    w, MESSAGE_OBSERVE, request, observe_fields, observe);
}

bool message_read_observe(
    struct wire_reader *r, struct message_observe *observe)
{
	return read_message(r, observe_fields, observe);
}

bool message_write_act(
    struct wire_writer *w, uint64_t request, const struct message_act *act)
{
	return write_message(w, MESSAGE_ACT, request, act_fields, act);
}

bool message_read_act(struct wire_reader *r, struct message_act *act)
{
	return read_message(r, act_fields, act);
}

bool message_write_answer(struct wire_writer *w, uint64_t request,
    const struct message_answer *answer)
{
	return write_message(w, MESSAGE_ANSWER, request, answer_fields, answer);
}

bool message_read_answer(struct wire_reader *r, struct message_answer *answer)
{
	return read_message(r, answer_fields, answer);
}

bool message_write_check(struct wire_writer *w, uint64_t request,
    const struct message_check *check)
{
	return write_message(w, MESSAGE_CHECK, request, check_fields, check);
}

bool message_read_check(struct wire_reader *r, struct message_check *check)
{
	return read_message(r, check_fields, check);
}

bool message_write_checked(struct wire_writer *w, uint64_t request,
    const struct message_checked *checked)
{
	return write_message(
	    w, MESSAGE_CHECKED, request, checked_fields, checked);
}

bool message_read_checked(
    struct wire_reader *r, struct message_checked *checked)
{
	return read_message(r, checked_fields, checked);
}

bool message_write_config(struct wire_writer *w, uint64_t request,
    const struct message_config *config)
{
	return write_message(w, MESSAGE_CONFIG, request, config_fields, config);
}

bool message_read_config(struct wire_reader *r, struct message_config *config)
{
	return read_message(r, config_fields, config);
}

bool message_write_refused(
    struct wire_writer *w, uint64_t request, const struct message_text *text)
{
	return write_message(w, MESSAGE_REFUSED, request, text_fields, text);
}

bool message_read_refused(struct wire_reader *r, struct message_text *text)
{
	return read_message(r, text_fields, text);
}

bool message_write_plain(
    struct wire_writer *w, enum message_type type, uint64_t request)
{
	wire_begin_message(w, (uint16_t)type, request);
	return wire_end_message(w);
}

bool message_write_report(struct wire_writer *w, uint64_t request,
    const struct message_report *report)
{
	const struct host_sample *sample = &report->sample;

	wire_begin_message(w, MESSAGE_REPORT, request);
	put_fields(w, report_fields, report);
	put_fields(w, sample_fields, sample);
	put_array(
	    w, vm_fields, sample->vms, sample->n_vms, sizeof(sample->vms[0]));
	put_array(w, handover_fields, report->handovers, report->n_handovers,
	    sizeof(report->handovers[0]));
	put_array(w, answer_fields, report->outcomes, report->n_outcomes,
	    sizeof(report->outcomes[0]));
	return wire_end_message(w);
}

bool message_read_report(struct wire_reader *r, struct message_report *report)
{
	struct host_sample *sample = &report->sample;

	get_fields(r, report_fields, report);
	get_fields(r, sample_fields, sample);
	sample->n_vms = get_array(
	    r, vm_fields, sample->vms, HOST_VMS_MAX, sizeof(sample->vms[0]));
	report->n_handovers = get_array(r, handover_fields, report->handovers,
	    MESSAGE_HANDOVERS_MAX, sizeof(report->handovers[0]));
	report->n_outcomes = get_array(r, answer_fields, report->outcomes,
	    MESSAGE_OUTCOMES_MAX, sizeof(report->outcomes[0]));
	return wire_end(r);
}

/* Names. */

const char *act_kind_name(enum act_kind kind)
{
	static const char *const names[N_ACT_KINDS] = {
	    [ACT_SET_CPU] = "set-cpu",
	    [ACT_SET_MEM] = "set-memory",
	    [ACT_CREATE] = "create",
	    [ACT_DESTROY] = "destroy",
	    [ACT_RECEIVE] = "receive",
	    [ACT_SEND] = "send",
	    [ACT_WORD] = "word",
	};

	return names[kind];
}

const char *answer_kind_name(enum answer_kind kind)
{
	static const char *const names[N_ANSWER_KINDS] = {
	    [ANSWER_PENDING] = "pending",
	    [ANSWER_DONE] = "done",
	    [ANSWER_REFUSED] = "refused",
	    [ANSWER_FAILED] = "failed",
	};

	return names[kind];
}

const char *handover_word_name(enum handover_word word)
{
	static const char *const names[N_HANDOVER_WORDS] = {
	    [WORD_NONE] = "none",
	    [WORD_ABORT] = "abort",
	    [WORD_DROP] = "drop",
	    [WORD_RESUME] = "resume",
	    [WORD_RUN] = "run",
	    [WORD_DISCARD] = "discard",
	    [WORD_FORGET] = "forget",
	};

	return names[word];
}
