/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The calls that take long: each in a child process, waited for through its
 * process file descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/xen/xen_inside.h"

/* A send that is aborted finds its stream closed, and ends by itself, with
 * its own clean-up; if it does not, it is killed after so long. */
#define ABORT_NS (5 * NS_PER_S)
/* A migration asks for events very often; a child is looked after this often.
 */
#define REAP_NS (10 * NS_PER_MS)

static bool same_vm(const char *vm, const struct xen_op *op)
{
	return op->op != 0 && strcmp(op->vm, vm) == 0;
}

bool xen_is_building(const struct host_xen *xen, const char *vm)
{
	for (size_t i = 0; i < HOST_OPS_MAX; i++)
		if (same_vm(vm, &xen->ops[i]) &&
		    (xen->ops[i].kind == XEN_CREATE ||
		        xen->ops[i].kind == XEN_RECEIVE))
			return true;
	return false;
}

static struct xen_op *op_free(
    struct host_xen *xen, const char *vm, struct err *err)
{
	struct xen_op *op = NULL;

	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		if (same_vm(vm, &xen->ops[i])) {
			err_set(err, "%s: an operation on it is under way", vm);
			return NULL;
		}
		if (xen->ops[i].op == 0 && !op)
			op = &xen->ops[i];
	}
	if (!op)
		err_set(err, "%d operations are under way", HOST_OPS_MAX);
	return op;
}

/* In the child: only the streams are kept, and it dies with its parent. */
static _Noreturn void child(struct host_xen *xen, pid_t parent,
    const struct xen_work *work, int stream, int text)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	libxl_postfork_child_noexec(xen->ctx);
	/* Out of the way of the numbers they are to have. */
	text = fcntl(text, F_DUPFD, 10);
	stream = stream >= 0 ? fcntl(stream, F_DUPFD, 10) : -1;
	if (stream >= 0)
		dup2(stream, XEN_CHILD_STREAM);
	dup2(text, XEN_CHILD_TEXT);
	close_range(XEN_CHILD_TEXT + 1, ~0U, 0);
	xen_child_run(work);
}

/* Takes `stream` (or -1). */
static bool spawn(struct host_xen *xen, uint64_t number,
    const struct xen_work *work, int stream, struct err *err)
{
	struct xen_op *op = op_free(xen, work->vm, err);
	pid_t parent = getpid();
	int text[2] = {-1, -1};
	bool ok = false;

	if (op && pipe2(text, O_CLOEXEC | O_NONBLOCK) < 0)
		err_set(err, "pipe: %s", strerror(errno));
	if (op && text[0] >= 0) {
		*op = (struct xen_op){.op = number,
		    .kind = work->kind,
		    .text = text[0],
		    .kill_ns = TIME_NEVER};
		snprintf(op->vm, sizeof(op->vm), "%s", work->vm);
		op->pid = fork();
		if (op->pid == 0)
			child(xen, parent, work, stream, text[1]);
		ok = op->pid > 0;
		if (ok)
			op->pidfd = (int)syscall(SYS_pidfd_open, op->pid, 0);
		else
			err_set(err, "fork: %s", strerror(errno));
	}
	if (stream >= 0)
		close(stream);
	if (text[1] >= 0)
		close(text[1]);
	if (!ok && text[0] >= 0) {
		close(text[0]);
		op->op = 0;
	}
	return ok;
}

/* The calls. */

bool xen_create(void *host, uint64_t op, const char *vm, const char *config,
    uint64_t mem_kib, struct err *err)
{
	struct host_xen *xen = host;
	const struct xen_work work = {XEN_CREATE, vm, config, mem_kib};
	uint32_t domid, line;
	bool found;

	/* Here, where it can still be refused. */
	if (!xen_check(xen, vm, config, mem_kib, &line, err))
		return err_prefix(
		    err, "guest configuration:%" PRIu32, line ? line : 1);
	if (xen_find_domid(xen, vm, &domid, &found, err))
		return err_set(err, "there is a VM \"%s\" already", vm);
	return !found && spawn(xen, op, &work, -1, err);
}

bool xen_destroy(void *host, uint64_t op, const char *vm, struct err *err)
{
	const struct xen_work work = {XEN_DESTROY, vm, NULL, 0};

	return spawn(host, op, &work, -1, err);
}

bool xen_send(void *host, uint64_t op, const char *vm,
    struct host_stream stream, struct err *err)
{
	const struct xen_work work = {XEN_SEND, vm, NULL, 0};

	return spawn(host, op, &work, stream.fd, err);
}

bool xen_receive(void *host, uint64_t op, const char *as, const char *config,
    struct host_stream stream, struct err *err)
{
	const struct xen_work work = {XEN_RECEIVE, as, config, 0};
	uint32_t domid;
	bool found;

	if (!xen_find_domid(host, as, &domid, &found, err) && !found)
		return spawn(host, op, &work, stream.fd, err);
	if (found)
		err_set(err, "there is a VM \"%s\" already", as);
	close(stream.fd);
	return false;
}

void xen_abort(void *host, uint64_t op)
{
	struct host_xen *xen = host;

	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct xen_op *o = &xen->ops[i];

		if (o->op != op)
			continue;
		if (o->kind == XEN_SEND)
			o->kill_ns = xen->now_ns + ABORT_NS;
		else
			kill(o->pid, SIGKILL); /* its VM is destroyed next */
	}
}

/* How they end. */

static bool reap(struct xen_op *op, struct host_event *event)
{
	siginfo_t info = {.si_pid = 0};
	ssize_t n;

	if (waitid(P_PID, (id_t)op->pid, &info, WEXITED | WNOHANG) < 0)
		info.si_pid = op->pid; /* somebody else has reaped it */
	if (info.si_pid == 0)
		return false;
	*event = (struct host_event){.op = op->op, .kind = HOST_EVENT_FAILED};
	n = read(op->text, event->text, sizeof(event->text) - 1);
	if (n > 0)
		event->text[n] = '\0';
	else
		snprintf(event->text, sizeof(event->text), "its process ended");
	if (info.si_code == CLD_EXITED && info.si_status == 0) {
		event->kind = HOST_EVENT_DONE;
		event->text[0] = '\0';
	}
	close(op->text);
	close(op->pidfd);
	op->op = 0;
	return true;
}

bool xen_poll(void *host, int64_t now_ns, struct host_event *event)
{
	struct host_xen *xen = host;

	xen->now_ns = now_ns;
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct xen_op *op = &xen->ops[i];

		if (op->op == 0)
			continue;
		if (op->kill_ns <= now_ns) {
			kill(op->pid, SIGKILL);
			op->kill_ns = TIME_NEVER;
		}
		if (now_ns < op->reap_ns)
			continue;
		op->reap_ns = now_ns + REAP_NS;
		if (reap(op, event))
			return true;
	}
	return false;
}

size_t xen_wait(void *host, struct pollfd *fds, int64_t *until_ns)
{
	const struct host_xen *xen = host;
	size_t n = 0;

	*until_ns = TIME_NEVER;
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		if (xen->ops[i].op == 0)
			continue;
		fds[n++] = (struct pollfd){xen->ops[i].pidfd, POLLIN, 0};
		if (xen->ops[i].kill_ns < *until_ns)
			*until_ns = xen->ops[i].kill_ns;
	}
	return n;
}

void xen_ops_close(struct host_xen *xen)
{
	for (size_t i = 0; i < HOST_OPS_MAX; i++) {
		struct xen_op *op = &xen->ops[i];

		if (op->op == 0)
			continue;
		kill(op->pid, SIGKILL);
		waitpid(op->pid, NULL, 0);
		close(op->text);
		close(op->pidfd);
		op->op = 0;
	}
}
