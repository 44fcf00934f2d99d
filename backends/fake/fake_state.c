/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a fake host has, in files, so that it outlives the daemon: one file a
 * VM, named as the VM, replaced whole.  The history is a file that several
 * hosts may share: each line is one write, so their order is that of time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/fake/fake_inside.h"

static bool path_of(
    const struct host_fake *fake, const char *name, char path[2 * FAKE_PATH])
{
	if (fake->state_dir[0] == '\0')
		return false;
	snprintf(path, 2 * FAKE_PATH, "%s/%s", fake->state_dir, name);
	return true;
}

void fake_store(struct host_fake *fake, const struct fake_vm *v)
{
	char path[2 * FAKE_PATH], temporary[2 * FAKE_PATH];
	FILE *file;

	if (!path_of(fake, v->vm.name, path) ||
	    !path_of(fake, ".new", temporary) ||
	    !(file = fopen(temporary, "we")))
		return;
	fprintf(file,
	    "%d %" PRIu64 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64
	    " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu64
	    " %" PRId64 " %d %s\n",
	    (int)v->vm.state, v->vm.cpu_time_ns, v->vm.n_vcpus, v->vm.weight,
	    v->vm.cap_mcpu, v->vm.mem_kib, v->vm.mem_target_kib,
	    v->vm.mem_max_kib, v->vm.mem_used_kib, v->cpu_mcpu, v->boot_id,
	    v->at_ns, (int)v->vm.end, v->mac[0] ? v->mac : "-");
	if (fclose(file) == 0)
		rename(temporary, path);
}

void fake_unstore(struct host_fake *fake, const char *name)
{
	char path[2 * FAKE_PATH];

	if (path_of(fake, name, path))
		unlink(path);
}

static bool load_one(struct host_fake *fake, const char *name, struct err *err)
{
	char path[2 * FAKE_PATH];
	struct fake_vm *v = fake_add(fake, name);
	int state = -1, end = -1;

	path_of(fake, name, path);
	FILE *file = fopen(path, "re");
	if (!file || !v)
		return err_set(err, "%s: cannot be read", path);
	int n = fscanf(file,
	    "%d %" SCNu64 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu64
	    " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu64
	    " %" SCNd64 " %d %23s",
	    &state, &v->vm.cpu_time_ns, &v->vm.n_vcpus, &v->vm.weight,
	    &v->vm.cap_mcpu, &v->vm.mem_kib, &v->vm.mem_target_kib,
	    &v->vm.mem_max_kib, &v->vm.mem_used_kib, &v->cpu_mcpu, &v->boot_id,
	    &v->at_ns, &end, v->mac);
	fclose(file);
	if (strcmp(v->mac, "-") == 0)
		v->mac[0] = '\0';
	if (n != 14 || state < 0 || state >= N_HOST_VM_STATES || end < 0 ||
	    end >= N_HOST_VM_ENDS)
		return err_set(err, "%s:1: is not the state of a VM", path);
	v->vm.state = (enum host_vm_state)state;
	v->vm.end = (enum host_vm_end)end;
	return true;
}

bool fake_load(struct host_fake *fake, bool *any, struct err *err)
{
	struct dirent *entry;
	bool ok = true;

	*any = false;
	if (fake->state_dir[0] == '\0')
		return true;
	DIR *dir = opendir(fake->state_dir);
	if (!dir) {
		/* Made on the first start: then the script's VMs are there. */
		if (mkdir(fake->state_dir, 0700) == 0)
			return true;
		return err_set(err, "%s: %s", fake->state_dir, strerror(errno));
	}
	*any = true;
	while (ok && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			ok = load_one(fake, entry->d_name, err);
	closedir(dir);
	return ok;
}

void fake_note(
    struct host_fake *fake, const struct fake_vm *vm, const char *what)
{
	char line[256];
	int fd;

	if (fake->history[0] == '\0')
		return;
	int n = snprintf(line, sizeof(line), "%s %016" PRIx64 " %s %s\n",
	    fake->name, vm->boot_id, what, vm->vm.name);
	fd = open(
	    fake->history, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	ssize_t written = write(fd, line, (size_t)n);
	(void)written; /* a reader of the history finds a line missing */
	close(fd);
}
