/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a Xen host has: VMs, their counters, free memory, idle time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen_inside.h"

/* The number at a path of xenstore below the domain's; fallback without. */
static uint64_t read_number(
    struct host_xen *xen, uint32_t domid, const char *below, uint64_t fallback)
{
	char path[96], *end;
	unsigned len;

	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, below);
	char *text = xs_read(xen->xs, XBT_NULL, path, &len);
	if (!text)
		return fallback;
	unsigned long long value = strtoull(text, &end, 10);
	/* A guest writes its own data; what is no number is unknown. */
	bool number = end != text && *end == '\0';
	free(text);
	return number ? value : fallback;
}

uint64_t xen_mem_max_kib(struct host_xen *xen, uint32_t domid)
{
	return read_number(xen, domid, "memory/static-max", 0);
}

static enum host_vm_state state_of(
    struct host_xen *xen, const char *name, const libxl_dominfo *info)
{
	if (info->shutdown &&
	    info->shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND)
		return HOST_VM_SUSPENDED;
	if (info->shutdown || info->dying)
		return HOST_VM_DEAD;
	if (xen_is_building(xen, name))
		return HOST_VM_BUILDING;
	return info->paused ? HOST_VM_PAUSED : HOST_VM_RUNNING;
}

/* Why it is dead; a watchdog that was not fed bites what hangs. */
static enum host_vm_end end_of(const libxl_dominfo *info)
{
	if (!info->shutdown)
		return HOST_END_UNKNOWN;
	switch (info->shutdown_reason) {
	case LIBXL_SHUTDOWN_REASON_POWEROFF:
		return HOST_END_POWEROFF;
	case LIBXL_SHUTDOWN_REASON_REBOOT:
		return HOST_END_REBOOT;
	case LIBXL_SHUTDOWN_REASON_CRASH:
	case LIBXL_SHUTDOWN_REASON_WATCHDOG:
		return HOST_END_CRASH;
	default:
		return HOST_END_UNKNOWN;
	}
}

static void read_vm(struct host_xen *xen, const char *name,
    const libxl_dominfo *info, struct host_vm *vm)
{
	libxl_domain_sched_params sched;
	uint64_t target_kib;

	*vm = (struct host_vm){
	    .cpu_time_ns = info->cpu_time,
	    .n_vcpus = info->vcpu_online,
	    .weight = WEIGHT_DEFAULT,
	    .mem_kib = info->current_memkb,
	    .mem_target_kib = info->current_memkb,
	    .mem_max_kib = xen_mem_max_kib(xen, info->domid),
	};
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	vm->state = state_of(xen, name, info);
	if (vm->state == HOST_VM_DEAD)
		vm->end = end_of(info);
	/* What is being built has no target yet. */
	if (vm->state != HOST_VM_BUILDING &&
	    libxl_get_memory_target(xen->ctx, info->domid, &target_kib) == 0)
		vm->mem_target_kib = target_kib;
	vm->mem_used_kib = read_number(
	    xen, info->domid, "data/violin/mem_used_kib", MEM_UNKNOWN);
	libxl_domain_sched_params_init(&sched);
	if (libxl_domain_sched_params_get(xen->ctx, info->domid, &sched) == 0) {
		vm->weight = sched.weight > 0 ? (uint32_t)sched.weight : 1;
		vm->cap_mcpu = sched.cap > 0 ? (uint32_t)sched.cap * 10 : 0;
	}
	libxl_domain_sched_params_dispose(&sched);
}

/* Idle time of all CPUs, from the hypervisor's own account. */
static uint64_t idle_time_ns(struct host_xen *xen, uint32_t n_cpus)
{
	xc_cpuinfo_t *cpus = calloc(n_cpus, sizeof(*cpus));
	uint64_t ns = 0;
	int n = 0;

	if (cpus && xc_getcpuinfo(xen->xc, (int)n_cpus, cpus, &n) == 0)
		for (int i = 0; i < n; i++)
			ns += cpus[i].idletime;
	free(cpus);
	return ns;
}

static bool read_host(
    struct host_xen *xen, struct host_sample *sample, struct err *err)
{
	libxl_physinfo info;
	uint64_t free_pages = 0;
	int failed;

	libxl_physinfo_init(&info);
	failed = libxl_get_physinfo(xen->ctx, &info);
	if (!failed) {
		if (info.free_pages + info.scrub_pages > info.outstanding_pages)
			free_pages = info.free_pages + info.scrub_pages -
			             info.outstanding_pages;
		sample->n_cpus = info.nr_cpus;
		sample->mem_free_kib = free_pages * PAGE_KIB;
		sample->idle_time_ns = idle_time_ns(xen, info.nr_cpus);
	}
	libxl_physinfo_dispose(&info);
	return !failed || xen_refuse(&xen->log, err, "physinfo");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct host_vm *)a)->name,
	    ((const struct host_vm *)b)->name);
}

bool xen_sample(void *host, struct host_sample *sample, struct err *err)
{
	struct host_xen *xen = host;
	int n = 0;

	if (!read_host(xen, sample, err))
		return false;
	libxl_dominfo *list = libxl_list_domain(xen->ctx, &n);
	if (!list)
		return xen_refuse(&xen->log, err, "list");
	sample->n_vms = 0;
	sample->mem_total_kib = sample->mem_free_kib;
	for (int i = 0; i < n && sample->n_vms < HOST_VMS_MAX; i++) {
		char *name = list[i].domid == 0
		                 ? NULL
		                 : libxl_domid_to_name(xen->ctx, list[i].domid);

		if (list[i].domid != 0)
			sample->mem_total_kib += list[i].current_memkb;
		/* Without a name it is being made or unmade. */
		if (name && name[0] != '\0')
			read_vm(
			    xen, name, &list[i], &sample->vms[sample->n_vms++]);
		free(name);
	}
	libxl_dominfo_list_free(list, n);
	qsort(sample->vms, sample->n_vms, sizeof(sample->vms[0]), by_name);
	return true;
}

bool xen_find(void *host, const char *name, struct host_vm *vm, bool *found,
    struct err *err)
{
	struct host_xen *xen = host;
	libxl_dominfo info;
	uint32_t domid;

	if (!xen_find_domid(xen, name, &domid, found, err))
		return false;
	libxl_dominfo_init(&info);
	int failed = libxl_domain_info(xen->ctx, &info, domid);
	if (!failed)
		read_vm(xen, name, &info, vm);
	libxl_dominfo_dispose(&info);
	return !failed || xen_refuse(&xen->log, err, name);
}
