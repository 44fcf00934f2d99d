/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fake host's live migration: a head, then the image, which is a random
 * sequence that the boot id determines.  The sender suspends the VM before it
 * gives the last of it; the receiver has the VM when all of it was right.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/fake/fake_inside.h"

/* Marsaglia's xorshift64 with Vigna's multiplier. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static void draw_image(struct fake_op *op, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t word = draw(&op->generator);
		size_t left = n - i;

		memcpy(bytes + i, &word,
		    left < sizeof(word) ? left : sizeof(word));
	}
}

static uint64_t total_bytes(const struct fake_op *op)
{
	return sizeof(op->head) + op->head.image_bytes;
}

void fake_transfer_begin(struct host_fake *fake, struct fake_op *op, int fd)
{
	const char *call = op->kind == FAKE_SEND ? "send" : "receive";
	char plain[HOST_NAME_MAX_LEN];

	/* A script names the VM, not what it is called on its way. */
	strcpy(plain, op->vm);
	if (strstr(plain, HOST_INCOMING))
		*strstr(plain, HOST_INCOMING) = '\0';
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	op->fd = fd;
	op->began_ns = fake->now_ns;
	op->failing = fake_is_fault(fake, FAULT_FAIL, call, plain);
	op->hanging = fake_is_fault(fake, FAULT_HANG, call, plain);
	if (op->kind == FAKE_RECEIVE) {
		op->head.image_bytes = 8; /* until the head is there */
		return;
	}
	struct fake_vm *vm = fake_find(fake, op->vm);
	op->head = (struct fake_head){.boot_id = vm->boot_id,
	    .image_bytes = fake->image_bytes,
	    .vm = vm->vm,
	    .cpu_mcpu = vm->cpu_mcpu};
	memcpy(op->head.mac, vm->mac, sizeof(op->head.mac));
	op->generator = vm->boot_id;
	memcpy(op->chunk, &op->head, sizeof(op->head));
	op->chunk_len = sizeof(op->head);
}

static bool end(struct fake_op *op, struct host_event *event, const char *why)
{
	close(op->fd);
	*event = (struct host_event){
	    .op = op->op, .kind = why ? HOST_EVENT_FAILED : HOST_EVENT_DONE};
	snprintf(event->text, sizeof(event->text), "%s", why ? why : "");
	op->op = 0;
	return true;
}

/* How many of n bytes the speed allows by now. */
static size_t allowed(
    const struct host_fake *fake, const struct fake_op *op, size_t n)
{
	if (fake->speed_Bps == 0)
		return n;
	double may =
	    ns_to_s(fake->now_ns - op->began_ns) * (double)fake->speed_Bps;
	double left = may - (double)op->done_bytes;

	if (left <= 0)
		return 0;
	return left < (double)n ? (size_t)left : n;
}

static bool half_way(const struct fake_op *op)
{
	return op->done_bytes >= total_bytes(op) / 2;
}

static bool send_some(
    struct host_fake *fake, struct fake_op *op, struct host_event *event)
{
	struct fake_vm *vm = fake_find(fake, op->vm);

	if (!vm)
		return end(op, event, "the VM is gone");
	while (op->done_bytes < total_bytes(op)) {
		uint64_t left = total_bytes(op) - op->done_bytes;

		if (op->failing && half_way(op))
			return end(op, event, "fails, as its script says");
		if (op->hanging && half_way(op))
			return false;
		if (op->chunk_pos == op->chunk_len) {
			op->chunk_pos = 0;
			op->chunk_len = left < FAKE_CHUNK ? left : FAKE_CHUNK;
			draw_image(op, op->chunk, op->chunk_len);
			if (op->chunk_len == left)
				fake_set_state(fake, vm, HOST_VM_SUSPENDED);
		}
		size_t n = allowed(fake, op, op->chunk_len - op->chunk_pos);
		if (n == 0)
			return false;
		ssize_t done =
		    write(op->fd, op->chunk + op->chunk_pos, n);
		if (done < 0 && errno == EAGAIN)
			return false;
		if (done < 0)
			return end(op, event, strerror(errno));
		op->chunk_pos += (size_t)done;
		op->done_bytes += (uint64_t)done;
	}
	return end(op, event, NULL);
}

/* The head is complete: the VM begins to be. */
static const char *take_head(struct host_fake *fake, struct fake_op *op)
{
	memcpy(&op->head, op->chunk, sizeof(op->head));
	struct fake_vm *vm = fake_add(fake, op->vm);
	if (!vm)
		return "no room for it, or it is there already";
	struct host_vm from = op->head.vm;
	memcpy(from.name, vm->vm.name, sizeof(from.name));
	from.state = HOST_VM_BUILDING;
	from.cpu_time_ns = 0;
	vm->vm = from;
	vm->boot_id = op->head.boot_id;
	vm->cpu_mcpu = op->head.cpu_mcpu;
	memcpy(vm->mac, op->head.mac, sizeof(vm->mac));
	op->generator = vm->boot_id;
	fake_store(fake, vm);
	return NULL;
}

static bool take_image(struct fake_op *op, const uint8_t *bytes, size_t n)
{
	/* Words of the sequence may be split between two reads. */
	for (size_t i = 0; i < n; i++) {
		uint64_t at = op->done_bytes + i - sizeof(op->head);

		if (at % sizeof(uint64_t) == 0)
			draw_image(op, op->chunk, sizeof(uint64_t));
		if (bytes[i] != op->chunk[at % sizeof(uint64_t)])
			return false;
	}
	return true;
}

static const char *take_bytes(
    struct host_fake *fake, struct fake_op *op, const uint8_t *bytes, size_t n)
{
	const char *why = NULL;

	if (op->done_bytes < sizeof(op->head)) {
		memcpy(op->chunk + op->done_bytes, bytes, n);
		if (op->done_bytes + n == sizeof(op->head))
			why = take_head(fake, op);
	} else if (!take_image(op, bytes, n)) {
		why = "a byte of the memory is wrong";
	}
	op->done_bytes += n;
	return why;
}

static bool receive_some(
    struct host_fake *fake, struct fake_op *op, struct host_event *event)
{
	uint8_t bytes[FAKE_CHUNK];

	while (op->done_bytes < total_bytes(op)) {
		uint64_t left = op->done_bytes < sizeof(op->head)
		                    ? sizeof(op->head) - op->done_bytes
		                    : total_bytes(op) - op->done_bytes;

		if (op->failing && op->done_bytes > sizeof(op->head))
			return end(op, event, "fails, as its script says");
		if (op->hanging && op->done_bytes > sizeof(op->head))
			return false;
		ssize_t n = read(
		    op->fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			return end(op, event, "the stream is cut");
		const char *why = take_bytes(fake, op, bytes, (size_t)n);
		if (why)
			return end(op, event, why);
	}
	struct fake_vm *vm = fake_find(fake, op->vm);
	if (!vm)
		return end(op, event, "the VM is gone");
	fake_set_state(fake, vm, HOST_VM_PAUSED);
	return end(op, event, NULL);
}

bool fake_transfer(
    struct host_fake *fake, struct fake_op *op, struct host_event *event)
{
	if (op->aborted)
		return end(op, event, "aborted");
	return op->kind == FAKE_SEND ? send_some(fake, op, event)
	                             : receive_some(fake, op, event);
}

int64_t fake_transfer_next(
    const struct host_fake *fake, const struct fake_op *op, short *poll_events)
{
	bool slow = fake->speed_Bps != 0 && op->kind == FAKE_SEND;

	*poll_events = op->hanging || slow     ? 0
	               : op->kind == FAKE_SEND ? POLLOUT
	                                       : POLLIN;
	return slow ? fake->now_ns + 10 * NS_PER_MS : TIME_NEVER;
}
