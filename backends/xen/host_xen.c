/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.h over libxl: opening, and the calls that are short. */
#include "backends/xen/host_xen.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen_inside.h"

/* By going through all: libxl_name_to_domid() does not tell "none" from
 * "cannot tell". */
bool xen_find_domid(struct host_xen *xen, const char *name, uint32_t *domid,
    bool *found, struct err *err)
{
	int n = 0;
	libxl_dominfo *list = libxl_list_domain(xen->ctx, &n);

	*found = true;
	if (!list)
		return xen_refuse(&xen->log, err, "list");
	*found = false;
	for (int i = 0; i < n && !*found; i++) {
		char *own = list[i].domid == 0
		                ? NULL
		                : libxl_domid_to_name(xen->ctx, list[i].domid);

		*found = own && strcmp(own, name) == 0;
		*domid = list[i].domid;
		free(own);
	}
	libxl_dominfo_list_free(list, n);
	return *found || err_set(err, "there is no VM \"%s\"", name);
}

static bool domid_of(
    struct host_xen *xen, const char *name, uint32_t *domid, struct err *err)
{
	bool found;

	return xen_find_domid(xen, name, domid, &found, err);
}

static bool xen_set_cpu(void *host, const char *vm, uint32_t weight,
    uint32_t cap_mcpu, struct err *err)
{
	struct host_xen *xen = host;
	libxl_domain_sched_params sched;
	uint32_t domid;

	if (!domid_of(xen, vm, &domid, err))
		return false;
	libxl_domain_sched_params_init(&sched);
	sched.sched = LIBXL_SCHEDULER_UNKNOWN; /* the one that is there */
	sched.weight = (int)weight;
	sched.cap = (int)((cap_mcpu + 9) / 10); /* Xen counts in percent */
	int failed = libxl_domain_sched_params_set(xen->ctx, domid, &sched);
	libxl_domain_sched_params_dispose(&sched);
	return !failed || xen_refuse(&xen->log, err, vm);
}

static bool fits(struct host_xen *xen, const struct host_vm *vm, uint64_t kib,
    struct err *err)
{
	uint64_t free_kib;

	if (vm->mem_max_kib != 0 && kib > vm->mem_max_kib)
		return err_set(err, "%s can have at most %" PRIu64 " KiB",
		    vm->name, vm->mem_max_kib);
	if (kib <= vm->mem_kib)
		return true;
	if (libxl_get_free_memory(xen->ctx, &free_kib) != 0)
		return xen_refuse(&xen->log, err, "free memory");
	return kib - vm->mem_kib <= free_kib ||
	       err_set(err, "%s: %" PRIu64 " KiB more than the host has free",
	           vm->name, kib - vm->mem_kib - free_kib);
}

static bool xen_set_mem(
    void *host, const char *name, uint64_t target_kib, struct err *err)
{
	struct host_xen *xen = host;
	struct host_vm vm;
	uint32_t domid;
	bool found;

	return domid_of(xen, name, &domid, err) &&
	       xen_find(xen, name, &vm, &found, err) &&
	       fits(xen, &vm, target_kib, err) &&
	       (libxl_set_memory_target(
	            xen->ctx, domid, (int64_t)target_kib, 0, 1) == 0 ||
	           xen_refuse(&xen->log, err, name));
}

static bool xen_rename(
    void *host, const char *name, const char *to, struct err *err)
{
	struct host_xen *xen = host;
	uint32_t domid, other;
	bool found;

	if (!domid_of(xen, name, &domid, err) || strcmp(name, to) == 0)
		return strcmp(name, to) == 0;
	if (xen_find_domid(xen, to, &other, &found, err))
		return err_set(err, "there is a VM \"%s\" already", to);
	return !found && (libxl_domain_rename(xen->ctx, domid, name, to) == 0 ||
	                     xen_refuse(&xen->log, err, name));
}

static bool xen_unpause(void *host, const char *name, struct err *err)
{
	struct host_xen *xen = host;
	uint32_t domid;

	return domid_of(xen, name, &domid, err) &&
	       (libxl_domain_unpause(xen->ctx, domid, NULL) == 0 ||
	           xen_refuse(&xen->log, err, name));
}

/* A send that was killed may have asked the guest to suspend itself; one that
 * has not seen it yet would do so when nobody waits for it any more. */
static void withdraw_suspend(struct host_xen *xen, uint32_t domid)
{
	char path[64];
	unsigned len;

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown",
	    domid);
	char *asked = xs_read(xen->xs, XBT_NULL, path, &len);
	if (asked && strcmp(asked, "suspend") == 0)
		xs_write(xen->xs, XBT_NULL, path, "", 0);
	free(asked);
}

/* Resumes the same memory and devices (suspend_cancel = 1). */
static bool xen_resume(void *host, const char *name, struct err *err)
{
	struct host_xen *xen = host;
	struct host_vm vm;
	uint32_t domid;
	bool found;

	if (!domid_of(xen, name, &domid, err) ||
	    !xen_find(xen, name, &vm, &found, err))
		return false;
	if (vm.state == HOST_VM_RUNNING) {
		withdraw_suspend(xen, domid);
		return true;
	}
	if (vm.state != HOST_VM_SUSPENDED)
		return err_set(
		    err, "%s is not suspended, and not resumed", name);
	return libxl_domain_resume(xen->ctx, domid, 1, NULL) == 0 ||
	       xen_refuse(&xen->log, err, name);
}

static bool xen_describe(
    void *host, const char *name, char *text, size_t cap, struct err *err)
{
	struct host_xen *xen = host;
	libxl_domain_config config;
	char *json = NULL;
	uint32_t domid;

	if (!domid_of(xen, name, &domid, err))
		return false;
	libxl_domain_config_init(&config);
	if (libxl_retrieve_domain_configuration(
	        xen->ctx, domid, &config, NULL) == 0)
		json = libxl_domain_config_to_json(xen->ctx, &config);
	libxl_domain_config_dispose(&config);
	bool ok = json && strlen(json) < cap;
	if (ok)
		strcpy(text, json);
	else if (json)
		err_set(err, "%s: its configuration is longer than %zu bytes",
		    name, cap);
	else
		xen_refuse(&xen->log, err, name);
	free(json);
	return ok;
}

static void xen_close(void *host)
{
	struct host_xen *xen = host;

	xen_ops_close(xen);
	if (xen->xc)
		xc_interface_close(xen->xc);
	if (xen->xs)
		xs_close(xen->xs);
	if (xen->ctx)
		libxl_ctx_free(xen->ctx);
	free(xen);
}

const struct host_api host_xen_api = {
    .name = "xen",
    .sample = xen_sample,
    .find = xen_find,
    .check = xen_check,
    .set_cpu = xen_set_cpu,
    .set_mem = xen_set_mem,
    .rename = xen_rename,
    .unpause = xen_unpause,
    .resume = xen_resume,
    .create = xen_create,
    .destroy = xen_destroy,
    .send = xen_send,
    .describe = xen_describe,
    .receive = xen_receive,
    .abort = xen_abort,
    .poll = xen_poll,
    .wait = xen_wait,
    .close = xen_close,
};

struct host_xen *host_xen_open(struct err *err)
{
	struct host_xen *xen = calloc(1, sizeof(*xen));

	assert(xen);
	xen_log_init(&xen->log);
	if (libxl_ctx_alloc(&xen->ctx, LIBXL_VERSION, 0, &xen->log.vtable) == 0)
		xen->xs = xs_open(0);
	if (xen->xs)
		xen->xc = xc_interface_open(&xen->log.vtable, NULL, 0);
	if (xen->xc)
		return xen;
	xen_refuse(&xen->log, err, "this is no Xen host, or not as root");
	xen_close(xen);
	return NULL;
}
