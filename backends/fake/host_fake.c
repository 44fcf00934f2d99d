/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.h by a script; see host_fake.h. */
#include "backends/fake/host_fake.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/fake/fake_inside.h"

/* What there is. */

struct fake_vm *fake_find(struct host_fake *fake, const char *name)
{
	for (size_t i = 0; i < FAKE_VMS; i++)
		if (name[0] != '\0' && strcmp(fake->vms[i].vm.name, name) == 0)
			return &fake->vms[i];
	return NULL;
}

struct fake_vm *fake_add(struct host_fake *fake, const char *name)
{
	if (strlen(name) >= HOST_NAME_MAX_LEN || name[0] == '\0' ||
	    strchr(name, '/') || fake_find(fake, name))
		return NULL;
	for (size_t i = 0; i < FAKE_VMS; i++) {
		struct fake_vm *vm = &fake->vms[i];

		if (vm->vm.name[0] != '\0')
			continue;
		*vm = (struct fake_vm){.at_ns = fake->now_ns};
		strcpy(vm->vm.name, name);
		vm->vm.state = HOST_VM_BUILDING;
		vm->vm.n_vcpus = 1;
		vm->vm.weight = WEIGHT_DEFAULT;
		vm->vm.mem_used_kib = MEM_UNKNOWN;
		vm->boot_id = fake->next_boot_id++;
		return vm;
	}
	return NULL;
}

void fake_remove(struct host_fake *fake, struct fake_vm *vm)
{
	fake_unstore(fake, vm->vm.name);
	fake_note(fake, vm, "gone");
	vm->vm.name[0] = '\0';
}

/* Accounts for the CPU used up to now. */
static void account(struct host_fake *fake, struct fake_vm *v)
{
	uint32_t mcpu = v->cpu_mcpu;
	int64_t ns = fake->now_ns - v->at_ns;

	if (mcpu > v->vm.n_vcpus * MCPU_PER_CPU)
		mcpu = v->vm.n_vcpus * MCPU_PER_CPU;
	if (v->vm.cap_mcpu != 0 && mcpu > v->vm.cap_mcpu)
		mcpu = v->vm.cap_mcpu;
	if (v->vm.state == HOST_VM_RUNNING && ns > 0)
		v->vm.cpu_time_ns +=
		    (uint64_t)ns * mcpu / (uint64_t)MCPU_PER_CPU;
	v->at_ns = fake->now_ns;
}

void fake_set_state(
    struct host_fake *fake, struct fake_vm *vm, enum host_vm_state state)
{
	account(fake, vm);
	vm->vm.state = state;
	/* In the history a VM runs from before it does until after. */
	if (state == HOST_VM_RUNNING)
		fake_note(fake, vm, "run");
	fake_store(fake, vm);
	if (state == HOST_VM_SUSPENDED)
		fake_note(fake, vm, "stop");
	else if (state == HOST_VM_PAUSED)
		fake_note(fake, vm, "whole");
}

bool fake_is_fault(struct host_fake *fake, enum fake_fault_kind kind,
    const char *call, const char *vm)
{
	for (size_t i = 0; i < fake->n_faults; i++) {
		struct fake_fault *fault = &fake->faults[i];

		if (fault->spent || fault->kind != kind ||
		    strcmp(fault->call, call) != 0 ||
		    strcmp(fault->vm, vm) != 0)
			continue;
		fault->spent = fault->after == 0;
		if (fault->spent)
			return true;
		fault->after--;
	}
	return false;
}

/* Refuses as the script says, or because there is no such VM. */
static struct fake_vm *get(
    struct host_fake *fake, const char *call, const char *name, struct err *err)
{
	struct fake_vm *vm = fake_find(fake, name);

	if (fake_is_fault(fake, FAULT_FAIL, call, name))
		err_set(err, "%s fails, as its script says", call);
	else if (!vm)
		err_set(err, "there is no VM \"%s\"", name);
	else
		return vm;
	return NULL;
}

static uint64_t mem_free_kib(const struct host_fake *fake)
{
	uint64_t free_kib = fake->mem_kib;

	for (size_t i = 0; i < FAKE_VMS; i++) {
		const struct host_vm *vm = &fake->vms[i].vm;

		if (vm->name[0] != '\0')
			free_kib -=
			    vm->mem_kib < free_kib ? vm->mem_kib : free_kib;
	}
	return free_kib;
}

/* Synchronous calls. */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct host_vm *)a)->name,
	    ((const struct host_vm *)b)->name);
}

static bool fake_sample(void *host, struct host_sample *sample, struct err *err)
{
	struct host_fake *fake = host;

	if (fake_is_fault(fake, FAULT_FAIL, "sample", fake->name))
		return err_set(err, "sample fails, as its script says");
	sample->n_cpus = fake->n_cpus;
	sample->mem_total_kib = fake->mem_kib;
	sample->mem_free_kib = mem_free_kib(fake);
	sample->idle_time_ns = 0;
	sample->n_vms = 0;
	for (size_t i = 0; i < FAKE_VMS; i++) {
		if (fake->vms[i].vm.name[0] == '\0')
			continue;
		account(fake, &fake->vms[i]);
		sample->vms[sample->n_vms++] = fake->vms[i].vm;
	}
	qsort(sample->vms, sample->n_vms, sizeof(sample->vms[0]), by_name);
	return true;
}

static bool fake_find_vm(void *host, const char *name, struct host_vm *out,
    bool *found, struct err *err)
{
	struct host_fake *fake = host;

	*found = true;
	if (fake_is_fault(fake, FAULT_FAIL, "find", name))
		return err_set(err, "find fails, as its script says");
	struct fake_vm *vm = fake_find(fake, name);
	*found = vm != NULL;
	if (!vm)
		return err_set(err, "there is no VM \"%s\"", name);
	account(fake, vm);
	*out = vm->vm;
	return true;
}

static bool fake_check(void *host, const char *name, const char *config,
    uint64_t mem_kib, uint32_t *line, struct err *err)
{
	struct host_fake *fake = host;

	*line = 0;
	if (fake_is_fault(fake, FAULT_FAIL, "check", name))
		return err_set(err, "check fails, as its script says");
	if (mem_kib > fake->mem_kib)
		return err_set(err,
		    "%s wants %" PRIu64 " KiB; right is at most the host's "
		    "%" PRIu64, name, mem_kib, fake->mem_kib);
	return fake_check_config(fake, name, config, line, err);
}

static bool fake_set_cpu(void *host, const char *name, uint32_t weight,
    uint32_t cap_mcpu, struct err *err)
{
	struct fake_vm *vm = get(host, "set_cpu", name, err);

	if (!vm)
		return false;
	account(host, vm);
	vm->vm.weight = weight;
	vm->vm.cap_mcpu = cap_mcpu;
	fake_store(host, vm);
	return true;
}

static bool fake_set_mem(
    void *host, const char *name, uint64_t target_kib, struct err *err)
{
	struct fake_vm *vm = get(host, "set_mem", name, err);

	if (!vm)
		return false;
	if (target_kib > vm->vm.mem_max_kib)
		return err_set(err, "%s can have at most %" PRIu64 " KiB", name,
		    vm->vm.mem_max_kib);
	if (target_kib > vm->vm.mem_kib &&
	    target_kib - vm->vm.mem_kib > mem_free_kib(host))
		return err_set(err, "the host has not that much free memory");
	vm->vm.mem_target_kib = vm->vm.mem_kib = target_kib;
	fake_store(host, vm);
	return true;
}

static bool fake_rename(
    void *host, const char *name, const char *to, struct err *err)
{
	struct fake_vm *vm = get(host, "rename", name, err);

	if (!vm)
		return false;
	if (strcmp(name, to) == 0)
		return true;
	if (fake_find(host, to) || strlen(to) >= HOST_NAME_MAX_LEN)
		return err_set(err, "there is a VM \"%s\" already", to);
	strcpy(vm->vm.name, to);
	fake_store(host, vm);
	fake_unstore(host, name);
	return true;
}

/* Unpause and resume: from one state to running. */
static bool make_run(struct host_fake *fake, const char *call, const char *name,
    enum host_vm_state from, struct err *err)
{
	struct fake_vm *vm = get(fake, call, name, err);

	if (!vm)
		return false;
	if (vm->vm.state != HOST_VM_RUNNING && vm->vm.state != from)
		return err_set(err, "%s cannot run: it is in state %d", name,
		    (int)vm->vm.state);
	if (vm->vm.state != HOST_VM_RUNNING)
		fake_set_state(fake, vm, HOST_VM_RUNNING);
	return true;
}

static bool fake_unpause(void *host, const char *name, struct err *err)
{
	return make_run(host, "unpause", name, HOST_VM_PAUSED, err);
}

static bool fake_resume(void *host, const char *name, struct err *err)
{
	return make_run(host, "resume", name, HOST_VM_SUSPENDED, err);
}

static bool fake_describe(
    void *host, const char *name, char *config, size_t cap, struct err *err)
{
	struct fake_vm *vm = get(host, "describe", name, err);

	if (!vm)
		return false;
	snprintf(config, cap,
	    "name = \"%s\"\nmemory = %" PRIu64 "\nvif = [%s%s%s]\n", name,
	    vm->vm.mem_kib / KIB_PER_MIB, vm->mac[0] ? "\"mac=" : "", vm->mac,
	    vm->mac[0] ? "\"" : "");
	return true;
}

/* Asynchronous calls. */

static struct fake_op *op_new(struct host_fake *fake, uint64_t op,
    enum fake_op_kind kind, const char *vm, struct err *err)
{
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct fake_op *o = &fake->ops[i];

		if (o->op != 0)
			continue;
		*o = (struct fake_op){.op = op, .kind = kind, .fd = -1};
		snprintf(o->vm, sizeof(o->vm), "%s", vm);
		return o;
	}
	err_set(err, "%d operations are under way", HOST_OPS_MAX);
	return NULL;
}

static bool fake_create(void *host, uint64_t op, const char *name,
    const char *config, uint64_t mem_kib, struct err *err)
{
	struct host_fake *fake = host;
	char own_name[HOST_NAME_MAX_LEN];
	uint64_t own_kib;
	uint32_t n_vcpus, line;

	if (fake_is_fault(fake, FAULT_FAIL, "create", name))
		return err_set(err, "create fails, as its script says");
	if (!fake_check_config(fake, name, config, &line, err))
		return err_prefix(
		    err, "guest configuration:%" PRIu32, line ? line : 1);
	fake_parse_config(config, own_name, &own_kib, &n_vcpus, NULL);
	if (mem_kib == 0)
		mem_kib = own_kib;
	if (mem_kib == 0 || mem_kib > mem_free_kib(fake))
		return err_set(err, "%s: not enough free memory", name);
	struct fake_vm *vm = fake_add(fake, name);
	if (!vm)
		return err_set(err, "there is a VM \"%s\" already", name);
	vm->vm.mem_kib = vm->vm.mem_target_kib = mem_kib;
	vm->vm.mem_max_kib = own_kib > mem_kib ? own_kib : mem_kib;
	vm->vm.n_vcpus = n_vcpus;
	fake_parse_mac(config, vm->mac);
	if (op_new(fake, op, FAKE_CREATE, name, err))
		return true;
	fake_remove(fake, vm);
	return false;
}

static bool fake_destroy(
    void *host, uint64_t op, const char *name, struct err *err)
{
	if (fake_is_fault(host, FAULT_FAIL, "destroy", name))
		return err_set(err, "destroy fails, as its script says");
	return op_new(host, op, FAKE_DESTROY, name, err) != NULL;
}

static bool fake_transfer_start(struct host_fake *fake, uint64_t op,
    enum fake_op_kind kind, const char *vm, int fd, struct err *err)
{
	struct fake_op *o = op_new(fake, op, kind, vm, err);

	if (!o) {
		close(fd);
		return false;
	}
	fake_transfer_begin(fake, o, fd);
	return true;
}

static bool fake_send(void *host, uint64_t op, const char *vm,
    struct host_stream stream, struct err *err)
{
	struct fake_vm *v = fake_find(host, vm);

	if (v && v->vm.state == HOST_VM_RUNNING)
		return fake_transfer_start(
		    host, op, FAKE_SEND, vm, stream.fd, err);
	close(stream.fd);
	return err_set(err, "there is no running VM \"%s\"", vm);
}

static bool fake_receive(void *host, uint64_t op, const char *as,
    const char *config, struct host_stream stream, struct err *err)
{
	char name[HOST_NAME_MAX_LEN];
	uint64_t mem_kib;
	uint32_t n_vcpus;

	if (fake_parse_config(config, name, &mem_kib, &n_vcpus, err) &&
	    !(fake_find(host, as) &&
	        !err_set(err, "there is a VM \"%s\" already", as)))
		return fake_transfer_start(
		    host, op, FAKE_RECEIVE, as, stream.fd, err);
	close(stream.fd);
	return false;
}

static void fake_abort(void *host, uint64_t op)
{
	struct host_fake *fake = host;

	for (size_t i = 0; i < HOST_OPS_MAX; i++)
		if (fake->ops[i].op == op)
			fake->ops[i].aborted = true;
}

/* Events. */

/* What the script has a VM do by itself.  *next_ns: when it may next. */
static void end_vms(struct host_fake *fake, int64_t *next_ns)
{
	*next_ns = TIME_NEVER;
	for (size_t i = 0; i < fake->n_ends; i++) {
		struct fake_end *end = &fake->ends[i];
		struct fake_vm *vm = fake_find(fake, end->vm);

		if (end->spent)
			continue;
		if (!vm || vm->vm.state != HOST_VM_RUNNING) {
			end->since_ns = -1;
			continue;
		}
		if (end->since_ns < 0)
			end->since_ns = fake->now_ns;
		if (fake->now_ns < end->since_ns + end->after_ns) {
			if (end->since_ns + end->after_ns < *next_ns)
				*next_ns = end->since_ns + end->after_ns;
			continue;
		}
		end->spent = true;
		vm->vm.end = end->end;
		fake_set_state(fake, vm, HOST_VM_DEAD);
		fake_note(fake, vm, "stop");
	}
}

static bool finish(
    struct host_fake *fake, struct fake_op *op, struct host_event *event)
{
	struct fake_vm *vm = fake_find(fake, op->vm);

	if (op->kind == FAKE_SEND || op->kind == FAKE_RECEIVE)
		return fake_transfer(fake, op, event);
	if (op->kind == FAKE_CREATE && vm)
		fake_set_state(fake, vm, HOST_VM_RUNNING);
	else if (op->kind == FAKE_DESTROY && vm)
		fake_remove(fake, vm);
	*event = (struct host_event){.op = op->op, .kind = HOST_EVENT_DONE};
	op->op = 0;
	return true;
}

static bool fake_poll(void *host, int64_t now_ns, struct host_event *event)
{
	struct host_fake *fake = host;

	fake->now_ns = now_ns;
	end_vms(fake, &fake->end_ns);
	for (size_t i = 0; i < HOST_OPS_MAX; i++)
		if (fake->ops[i].op != 0 && finish(fake, &fake->ops[i], event))
			return true;
	return false;
}

static size_t fake_wait(void *host, struct pollfd *fds, int64_t *until_ns)
{
	struct host_fake *fake = host;
	size_t n = 0;

	*until_ns = fake->end_ns;
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct fake_op *op = &fake->ops[i];
		short events = 0;
		int64_t next_ns = fake->now_ns;

		if (op->op == 0)
			continue;
		if (op->fd >= 0 && !op->aborted)
			next_ns = fake_transfer_next(fake, op, &events);
		if (events != 0)
			fds[n++] = (struct pollfd){op->fd, events, 0};
		if (next_ns < *until_ns)
			*until_ns = next_ns;
	}
	return n;
}

static void fake_close(void *host)
{
	struct host_fake *fake = host;

	for (size_t i = 0; i < HOST_OPS_MAX; i++)
		if (fake->ops[i].op != 0 && fake->ops[i].fd >= 0)
			close(fake->ops[i].fd);
	free(fake);
}

const struct host_api host_fake_api = {
    .name = "fake",
    .sample = fake_sample,
    .find = fake_find_vm,
    .check = fake_check,
    .set_cpu = fake_set_cpu,
    .set_mem = fake_set_mem,
    .rename = fake_rename,
    .unpause = fake_unpause,
    .resume = fake_resume,
    .create = fake_create,
    .destroy = fake_destroy,
    .send = fake_send,
    .describe = fake_describe,
    .receive = fake_receive,
    .abort = fake_abort,
    .poll = fake_poll,
    .wait = fake_wait,
    .close = fake_close,
};

/* From a script. */

struct host_fake *host_fake_new(
    const char *script, const char *source, const char *name, struct err *err)
{
	struct host_fake *fake = calloc(1, sizeof(*fake));

	assert(fake);
	snprintf(fake->name, sizeof(fake->name), "%s", name);
	fake->image_bytes = 256 * 1024;
	fake->end_ns = TIME_NEVER;
	/* Two hosts, and two starts of one, make different VMs. */
	if (getrandom(&fake->next_boot_id, sizeof(fake->next_boot_id), 0) < 0)
		fake->next_boot_id = (uint64_t)getpid() << 32;
	fake->next_boot_id |= 1;
	if (fake_parse(fake, script, source, err))
		return fake;
	free(fake);
	return NULL;
}

struct host_fake *host_fake_open(
    const char *path, const char *name, struct err *err)
{
	enum { SCRIPT_MAX = 65536 };
	FILE *file = fopen(path, "re");
	char *script = calloc(1, SCRIPT_MAX + 1);
	struct host_fake *fake = NULL;

	if (!file || !script) {
		err_set(err, "%s: %s", path, strerror(errno));
	} else {
		size_t n = fread(script, 1, SCRIPT_MAX, file);

		script[n] = '\0';
		fake = host_fake_new(script, path, name, err);
	}
	if (file)
		fclose(file);
	free(script);
	return fake;
}

bool host_fake_boot_id(
    const struct host_fake *fake, const char *vm, uint64_t *boot_id)
{
	for (size_t i = 0; i < FAKE_VMS; i++) {
		if (strcmp(fake->vms[i].vm.name, vm) != 0)
			continue;
		*boot_id = fake->vms[i].boot_id;
		return true;
	}
	return false;
}
