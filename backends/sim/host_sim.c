/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts in virtual time; see host_sim.h. */
#include "backends/sim/host_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chance: Vigna's splitmix64. */

static uint64_t draw64(struct sim_hosts *all)
{
	uint64_t z = all->random += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

uint64_t sim_draw(struct sim_hosts *all, uint64_t n)
{
	return draw64(all) % n;
}

int64_t sim_draw_ns(struct sim_hosts *all, int64_t low, int64_t high)
{
	return low + (int64_t)sim_draw(all, (uint64_t)(high - low) + 1);
}

bool sim_chance(struct sim_hosts *all, double probability)
{
	return (double)(draw64(all) >> 11) * 0x1p-53 < probability;
}

void sim_hosts_init(struct sim_hosts *all, uint32_t n_hosts, uint64_t mem_kib,
    uint64_t seed)
{
	memset(all, 0, sizeof *all);
	all->random = seed;
	all->n_hosts = n_hosts;
	all->next_boot = all->next_port = 1;
	for (uint32_t h = 0; h < n_hosts; h++) {
		all->hosts[h].all = all;
		all->hosts[h].ix = h;
		all->hosts[h].n_cpus = 2;
		all->hosts[h].mem_kib = mem_kib;
		for (uint32_t k = 0; k < n_hosts; k++)
			all->reachable[h][k] = true;
	}
}

/* VMs. */

static struct sim_vm *find_vm(struct sim_host_machine *host, const char *name)
{
	for (size_t i = 0; i < SIM_VMS; i++)
		if (*name && strcmp(host->vms[i].vm.name, name) == 0)
			return &host->vms[i];
	return NULL;
}

static uint64_t held_kib(const struct sim_vm *vm)
{
	return vm->vm.mem_kib > vm->vm.mem_target_kib ? vm->vm.mem_kib
	                                              : vm->vm.mem_target_kib;
}

static uint64_t free_kib(const struct sim_host_machine *host)
{
	uint64_t kib = host->mem_kib;

	for (size_t i = 0; i < SIM_VMS; i++)
		if (host->vms[i].vm.name[0])
			kib -= held_kib(&host->vms[i]);
	return kib;
}

static struct sim_vm *add_vm(struct sim_host_machine *host, const char *name,
    uint64_t mem_kib, struct err *err)
{
	struct sim_vm *free_vm = NULL;

	if (find_vm(host, name)) {
		err_set(err, "there is a VM %s", name);
		return NULL;
	}
	if (free_kib(host) < mem_kib) {
		err_set(err, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < SIM_VMS && !free_vm; i++)
		if (!host->vms[i].vm.name[0])
			free_vm = &host->vms[i];
	if (!free_vm)
		abort();
	*free_vm = (struct sim_vm){.vm = {.state = HOST_VM_BUILDING,
	                               .n_vcpus = 1,
	                               .weight = WEIGHT_DEFAULT,
	                               .mem_kib = mem_kib,
	                               .mem_target_kib = mem_kib,
	                               .mem_max_kib = 2 * mem_kib,
	                               .mem_used_kib = mem_kib / 2}};
	snprintf(free_vm->vm.name, sizeof free_vm->vm.name, "%s", name);
	return free_vm;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct host_vm *)a)->name,
	    ((const struct host_vm *)b)->name);
}

/* A running VM uses all of a CPU. */
static struct host_vm told(
    const struct sim_host_machine *host, const struct sim_vm *vm)
{
	struct host_vm out = vm->vm;

	out.cpu_time_ns = (uint64_t)host->all->now_ns;
	return out;
}

static bool host_sample(
    void *self, struct host_sample *sample, struct err *err)
{
	struct sim_host_machine *host = self;

	(void)err;
	sample->n_cpus = host->n_cpus;
	sample->mem_total_kib = host->mem_kib;
	sample->mem_free_kib = free_kib(host);
	sample->idle_time_ns = 0;
	sample->n_vms = 0;
	for (size_t i = 0; i < SIM_VMS; i++)
		if (host->vms[i].vm.name[0])
			sample->vms[sample->n_vms++] =
			    told(host, &host->vms[i]);
	qsort(sample->vms, sample->n_vms, sizeof *sample->vms, by_name);
	return true;
}

static bool host_find(void *self, const char *name, struct host_vm *out,
    bool *found, struct err *err)
{
	struct sim_host_machine *host = self;
	const struct sim_vm *vm = find_vm(host, name);

	*found = vm != NULL;
	if (!vm)
		return err_set(err, "there is no VM %s", name);
	*out = told(host, vm);
	return true;
}

/* Configurations are not looked at. */
static bool host_check(void *self, const char *name, const char *config,
    uint64_t mem_kib, uint32_t *line, struct err *err)
{
	(void)self;
	(void)name;
	(void)config;
	(void)mem_kib;
	(void)line;
	(void)err;
	return true;
}

static bool host_set_cpu(void *self, const char *name, uint32_t weight,
    uint32_t cap_mcpu, struct err *err)
{
	struct sim_vm *vm = find_vm(self, name);

	if (!vm)
		return err_set(err, "there is no VM %s", name);
	vm->vm.weight = weight;
	vm->vm.cap_mcpu = cap_mcpu;
	return true;
}

static bool host_set_mem(
    void *self, const char *name, uint64_t target_kib, struct err *err)
{
	struct sim_host_machine *host = self;
	struct sim_vm *vm = find_vm(host, name);

	if (!vm)
		return err_set(err, "there is no VM %s", name);
	if (target_kib > vm->vm.mem_max_kib)
		return err_set(err, "above its maximum");
	if (target_kib > held_kib(vm) &&
	    target_kib - held_kib(vm) > free_kib(host))
		return err_set(err, "out of memory");
	vm->vm.mem_kib = vm->vm.mem_target_kib = target_kib;
	return true;
}

static bool host_rename(
    void *self, const char *name, const char *to, struct err *err)
{
	struct sim_vm *vm = find_vm(self, name);

	if (!vm || find_vm(self, to))
		return err_set(err, "cannot rename %s to %s", name, to);
	snprintf(vm->vm.name, sizeof vm->vm.name, "%s", to);
	return true;
}

static bool run_vm(void *self, const char *name, enum host_vm_state from,
    struct err *err)
{
	struct sim_vm *vm = find_vm(self, name);

	if (!vm)
		return err_set(err, "there is no VM %s", name);
	if (vm->vm.state != from && vm->vm.state != HOST_VM_RUNNING)
		return err_set(err, "%s cannot run", name);
	vm->vm.state = HOST_VM_RUNNING;
	return true;
}

static bool host_unpause(void *self, const char *name, struct err *err)
{
	return run_vm(self, name, HOST_VM_PAUSED, err);
}

static bool host_resume(void *self, const char *name, struct err *err)
{
	return run_vm(self, name, HOST_VM_SUSPENDED, err);
}

/* Operations. */

static struct sim_op *begin_op(
    struct sim_host_machine *host, uint64_t op, int kind, const char *name)
{
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct sim_op *o = &host->ops[i];

		if (o->op)
			continue;
		*o = (struct sim_op){.op = op, .kind = kind};
		snprintf(o->vm, sizeof o->vm, "%s", name);
		o->due_ns = host->all->now_ns +
		    sim_draw_ns(host->all, 10 * NS_PER_MS, 3 * NS_PER_S);
		return o;
	}
	abort();
}

static bool host_create(void *self, uint64_t op, const char *name,
    const char *config, uint64_t mem_kib, struct err *err)
{
	(void)config;
	if (!add_vm(self, name, mem_kib, err))
		return false;
	begin_op(self, op, SIM_CREATE, name);
	return true;
}

static bool host_destroy(
    void *self, uint64_t op, const char *name, struct err *err)
{
	(void)err;
	begin_op(self, op, SIM_DESTROY, name);
	return true;
}

static bool host_send(void *self, uint64_t op, const char *name,
    struct host_stream stream, struct err *err)
{
	struct sim_host_machine *host = self;
	struct sim_link *link = stream.opaque;
	struct sim_vm *vm = find_vm(host, name);

	if (!vm || vm->vm.state != HOST_VM_RUNNING)
		return err_set(err, "%s does not run", name);
	link->boot = vm->boot;
	link->mem_kib = held_kib(vm);
	begin_op(host, op, SIM_SEND, name)->link = link->id;
	return true;
}

/* Its memory, so that whoever receives it can tell. */
static bool host_describe(void *self, const char *name, char *config,
    size_t cap, struct err *err)
{
	const struct sim_vm *vm = find_vm(self, name);

	if (!vm)
		return err_set(err, "there is no VM %s", name);
	/* What it holds, and a MAC address that travels with it. */
	snprintf(config, cap, "%llu\nmac=02:00:%02x:%02x:%02x:%02x",
	    (unsigned long long)held_kib(vm), (unsigned)(vm->boot >> 24 & 255),
	    (unsigned)(vm->boot >> 16 & 255), (unsigned)(vm->boot >> 8 & 255),
	    (unsigned)(vm->boot & 255));
	return true;
}

static bool host_receive(void *self, uint64_t op, const char *as,
    const char *config, struct host_stream stream, struct err *err)
{
	struct sim_host_machine *host = self;
	struct sim_link *link = stream.opaque;

	if (!add_vm(host, as, strtoull(config, NULL, 10), err))
		return false;
	begin_op(host, op, SIM_RECEIVE, as)->link = link->id;
	return true;
}

static void host_abort(void *self, uint64_t op)
{
	struct sim_host_machine *host = self;

	for (size_t i = 0; i < HOST_OPS_MAX; i++)
		if (host->ops[i].op == op)
			host->ops[i].aborted = true;
}

static void end_create(struct sim_host_machine *host, struct sim_op *o)
{
	struct sim_vm *vm = find_vm(host, o->vm);

	if (vm && vm->vm.state == HOST_VM_BUILDING) {
		vm->vm.state = HOST_VM_RUNNING;
		vm->boot = host->all->next_boot++;
	}
}

static void end_destroy(struct sim_host_machine *host, struct sim_op *o)
{
	struct sim_vm *vm = find_vm(host, o->vm);

	if (vm)
		*vm = (struct sim_vm){.boot = 0};
}

/* The link of a transfer; NULL when it is closed on both sides. */
static struct sim_link *link_of(
    const struct sim_host_machine *host, const struct sim_op *o)
{
	for (size_t i = 0; i < SIM_LINKS; i++)
		if (host->all->links[i].used &&
		    host->all->links[i].id == o->link &&
		    host->all->links[i].up)
			return &host->all->links[i];
	return NULL;
}

static bool end_send(struct sim_host_machine *host, struct sim_op *o)
{
	struct sim_link *link = link_of(host, o);
	struct sim_vm *vm = find_vm(host, o->vm);
	bool ok = vm && link && !link->broken && !o->aborted;

	/* A send that fails may have suspended it. */
	if (vm && vm->vm.state == HOST_VM_RUNNING &&
	    (ok || sim_chance(host->all, 0.5)))
		vm->vm.state = HOST_VM_SUSPENDED;
	if (link) {
		link->sent = ok;
		link->bytes = ok ? link->mem_kib * 1024 : 0;
	}
	return ok;
}

static bool end_receive(struct sim_host_machine *host, struct sim_op *o)
{
	struct sim_link *link = link_of(host, o);
	struct sim_vm *vm = find_vm(host, o->vm);

	if (!vm || o->aborted || !link || !link->finished ||
	    link->whole_ns > host->all->now_ns)
		return false;
	vm->vm.state = HOST_VM_PAUSED;
	vm->boot = link->boot;
	return true;
}

/* When the operation is over, by what is known now. */
static int64_t due_ns(
    const struct sim_host_machine *host, const struct sim_op *o)
{
	const struct sim_link *link;

	if (o->aborted)
		return host->all->now_ns;
	if (o->kind != SIM_RECEIVE)
		return o->due_ns;
	link = link_of(host, o);
	if (!link || link->broken || !link->ends[0].open)
		return host->all->now_ns;
	if (!link->finished)
		return TIME_NEVER;
	return link->whole_ns > o->due_ns ? link->whole_ns : o->due_ns;
}

static bool end_op(struct sim_host_machine *host, struct sim_op *o)
{
	switch (o->kind) {
	case SIM_CREATE:
		if (sim_chance(host->all, host->all->failure)) {
			end_destroy(host, o);
			return false;
		}
		end_create(host, o);
		return true;
	case SIM_DESTROY:
		if (sim_chance(host->all, host->all->failure))
			return false;
		end_destroy(host, o);
		return true;
	case SIM_SEND:
		return end_send(host, o);
	default:
		return end_receive(host, o);
	}
}

static bool host_poll(void *self, int64_t now_ns, struct host_event *event)
{
	struct sim_host_machine *host = self;

	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct sim_op *o = &host->ops[i];

		if (!o->op || due_ns(host, o) > now_ns)
			continue;
		*event = (struct host_event){.op = o->op,
		    .kind = end_op(host, o) ? HOST_EVENT_DONE
		                            : HOST_EVENT_FAILED};
		if (event->kind == HOST_EVENT_FAILED)
			strcpy(event->text, "it failed");
		o->op = 0;
		return true;
	}
	return false;
}

static size_t host_wait(void *self, struct pollfd *fds, int64_t *until_ns)
{
	(void)fds;
	*until_ns = sim_host_next(self);
	return 0;
}

static void host_close(void *self)
{
	(void)self;
}

int64_t sim_host_next(const struct sim_host_machine *host)
{
	int64_t next_ns = TIME_NEVER;

	for (size_t i = 0; i < HOST_OPS_MAX; i++)
		if (host->ops[i].op && due_ns(host, &host->ops[i]) < next_ns)
			next_ns = due_ns(host, &host->ops[i]);
	for (size_t i = 0; i < SIM_LINKS; i++)
		for (int e = 0; host->all->links[i].used && e < 2; e++) {
			const struct sim_end *end =
			    &host->all->links[i].ends[e];

			if (end->open && end->host == host->ix && end->n > 0 &&
			    end->events[0].at_ns < next_ns)
				next_ns = end->events[0].at_ns;
		}
	return next_ns;
}

/* What was under way is over, having done all, part or nothing of it. */
void sim_host_crash(struct sim_host_machine *host)
{
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct sim_op *o = &host->ops[i];

		if (!o->op)
			continue;
		if (o->kind == SIM_CREATE && sim_chance(host->all, 0.5))
			end_create(host, o);
		if (o->kind == SIM_DESTROY && sim_chance(host->all, 0.5))
			end_destroy(host, o);
		if (o->kind == SIM_SEND) {
			o->aborted = true;
			end_send(host, o);
		}
		o->op = 0;
	}
	for (size_t i = 0; i < SIM_LINKS; i++)
		for (int e = 0; e < 2; e++)
			if (host->all->links[i].used &&
			    host->all->links[i].ends[e].open &&
			    host->all->links[i].ends[e].host == host->ix)
				link_sim_api.close(
				    host, host->all->links[i].id);
}

const struct host_api host_sim_api = {
    .name = "sim",
    .sample = host_sample,
    .find = host_find,
    .check = host_check,
    .set_cpu = host_set_cpu,
    .set_mem = host_set_mem,
    .rename = host_rename,
    .unpause = host_unpause,
    .resume = host_resume,
    .create = host_create,
    .destroy = host_destroy,
    .send = host_send,
    .describe = host_describe,
    .receive = host_receive,
    .abort = host_abort,
    .poll = host_poll,
    .wait = host_wait,
    .close = host_close,
};
