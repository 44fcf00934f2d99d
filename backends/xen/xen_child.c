/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The work of a child process: one long call of libxl, in a context of its
 * own.  Exit status 0 is success; else the reason is written to a pipe. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/xen/xen_inside.h"

static bool domid_of(struct host_xen *xen, const char *vm, uint32_t *domid,
    bool *found, struct err *err)
{
	return xen_find_domid(xen, vm, domid, found, err);
}

static bool work_create(
    struct host_xen *xen, const struct xen_work *work, struct err *err)
{
	libxl_domain_config config;
	uint32_t domid = 0, line;
	bool ok;

	libxl_domain_config_init(&config);
	ok = xen_config_parse(
	    work->config, work->vm, work->mem_kib, &config, &line, err);
	if (ok)
		ok = libxl_domain_create_new(
		         xen->ctx, &config, &domid, NULL, NULL) == 0 ||
		     xen_refuse(&xen->log, err, "create");
	if (ok && libxl_domain_unpause(xen->ctx, domid, NULL) != 0) {
		libxl_domain_destroy(xen->ctx, domid, NULL);
		ok = xen_refuse(&xen->log, err, "unpause");
	}
	libxl_domain_config_dispose(&config);
	return ok;
}

static bool work_destroy(
    struct host_xen *xen, const struct xen_work *work, struct err *err)
{
	uint32_t domid;
	bool found;

	if (!domid_of(xen, work->vm, &domid, &found, err))
		return !found;
	return libxl_domain_destroy(xen->ctx, domid, NULL) == 0 ||
	       xen_refuse(&xen->log, err, "destroy");
}

static bool work_send(
    struct host_xen *xen, const struct xen_work *work, struct err *err)
{
	uint32_t domid;
	bool found;

	return domid_of(xen, work->vm, &domid, &found, err) &&
	       (libxl_domain_suspend(xen->ctx, domid, XEN_CHILD_STREAM,
	            LIBXL_SUSPEND_LIVE, NULL) == 0 ||
	           xen_refuse(&xen->log, err, "send"));
}

static bool work_receive(
    struct host_xen *xen, const struct xen_work *work, struct err *err)
{
	libxl_domain_restore_params params;
	libxl_domain_config config;
	uint32_t domid = 0;
	bool ok = false;

	libxl_domain_config_init(&config);
	libxl_domain_restore_params_init(&params);
	params.stream_version = 2; /* the default means the legacy format */
	if (libxl_domain_config_from_json(xen->ctx, &config, work->config) !=
	    0) {
		xen_refuse(&xen->log, err, "configuration");
	} else {
		free(config.c_info.name);
		config.c_info.name = strdup(work->vm);
		ok = libxl_domain_create_restore(xen->ctx, &config, &domid,
		         XEN_CHILD_STREAM, -1, &params, NULL, NULL) == 0 ||
		     xen_refuse(&xen->log, err, "receive");
	}
	libxl_domain_restore_params_dispose(&params);
	libxl_domain_config_dispose(&config);
	return ok;
}

static bool run(
    struct host_xen *xen, const struct xen_work *work, struct err *err)
{
	if (libxl_ctx_alloc(&xen->ctx, LIBXL_VERSION, 0, &xen->log.vtable) != 0)
		return xen_refuse(&xen->log, err, "libxl");
	switch (work->kind) {
	case XEN_CREATE:
		return work_create(xen, work, err);
	case XEN_DESTROY:
		return work_destroy(xen, work, err);
	case XEN_SEND:
		return work_send(xen, work, err);
	case XEN_RECEIVE:
		return work_receive(xen, work, err);
	}
	return err_set(err, "no such work");
}

_Noreturn void xen_child_run(const struct xen_work *work)
{
	static struct host_xen xen;
	struct err err = {""};

	xen = (struct host_xen){.ctx = NULL};
	xen_log_init(&xen.log);
	if (run(&xen, work, &err))
		_exit(0);
	/* Non-blocking and short: a pipe takes it at once. */
	if (write(XEN_CHILD_TEXT, err.text, strlen(err.text)) < 0)
		fprintf(stderr, "%s: %s\n", work->vm, err.text);
	_exit(1);
}
