/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the Xen host, shared by its files. */
#ifndef BACKENDS_XEN_XEN_INSIDE_H
#define BACKENDS_XEN_XEN_INSIDE_H

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>
#include <libxl_utils.h>
#include <sys/types.h>
#include <xenctrl.h>
#include <xenstore.h>

#include "backends/xen/host_xen.h"

/* What libxl said last that was an error: it returns numbers only. */
struct xen_log {
	xentoollog_logger vtable; /* first: it is what libxl knows */
	char last[HOST_TEXT_MAX];
};

enum xen_op_kind { XEN_CREATE, XEN_DESTROY, XEN_SEND, XEN_RECEIVE };

/* A long call, in its child process. */
struct xen_op {
	uint64_t op; /* 0: free */
	enum xen_op_kind kind;
	char vm[HOST_NAME_MAX_LEN];
	pid_t pid;
	int pidfd;
	int text;        /* the child tells here why it failed */
	int64_t kill_ns; /* aborted: killed then; TIME_NEVER */
	int64_t reap_ns; /* next look whether it has ended */
};

struct host_xen {
	struct xen_log log;
	libxl_ctx *ctx;
	struct xs_handle *xs;
	xc_interface *xc;
	int64_t now_ns; /* of the last poll */
	struct xen_op ops[HOST_OPS_MAX];
};

/* xen_log.c */
void xen_log_init(struct xen_log *log);
/* "WHAT: what libxl said last"; returns false. */
bool xen_refuse(struct xen_log *log, struct err *err, const char *what);

/* host_xen.c */
bool xen_find_domid(struct host_xen *xen, const char *name, uint32_t *domid,
    bool *found, struct err *err);

/* xen_sample.c */
bool xen_sample(void *host, struct host_sample *sample, struct err *err);
bool xen_find(void *host, const char *name, struct host_vm *vm, bool *found,
    struct err *err);
/* memory/static-max, KiB; 0 if xenstore does not have it. */
uint64_t xen_mem_max_kib(struct host_xen *xen, uint32_t domid);

/* xen_config.c: a guest configuration (xl.cfg(5)) as libxl's own.  Disposed
 * of by the caller, also if it fails; *line is then as in host_api.check. */
bool xen_config_parse(const char *text, const char *vm, uint64_t mem_kib,
    libxl_domain_config *config, uint32_t *line, struct err *err);
/* The line where a key is set; 0 if it is not. */
uint32_t xen_config_line(const char *text, const char *key);

/* xen_check.c: are the files, scripts and bridges that it names here, and has
 * the host this memory at all?  host_kib 0: it does not say. */
bool xen_config_is_here(const char *text, const libxl_domain_config *config,
    uint64_t host_kib, uint32_t *line, struct err *err);
bool xen_check(void *host, const char *vm, const char *config,
    uint64_t mem_kib, uint32_t *line, struct err *err);

/* xen_op.c: the calls of host_api that take long. */
bool xen_create(void *host, uint64_t op, const char *vm, const char *config,
    uint64_t mem_kib, struct err *err);
bool xen_destroy(void *host, uint64_t op, const char *vm, struct err *err);
bool xen_send(void *host, uint64_t op, const char *vm,
    struct host_stream stream, struct err *err);
bool xen_receive(void *host, uint64_t op, const char *as, const char *config,
    struct host_stream stream, struct err *err);
void xen_abort(void *host, uint64_t op);
bool xen_poll(void *host, int64_t now_ns, struct host_event *event);
size_t xen_wait(void *host, struct pollfd *fds, int64_t *until_ns);
void xen_ops_close(struct host_xen *xen);
/* Is this VM being created or received here? */
bool xen_is_building(const struct host_xen *xen, const char *vm);

/* xen_child.c: the child's work; never returns.  Its streams are at these
 * numbers, all else is closed. */
enum { XEN_CHILD_STREAM = 3, XEN_CHILD_TEXT = 4 };
struct xen_work {
	enum xen_op_kind kind;
	const char *vm;
	const char *config;
	uint64_t mem_kib;
};
_Noreturn void xen_child_run(const struct xen_work *work);

#endif
