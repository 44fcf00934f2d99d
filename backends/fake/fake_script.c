/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a fake host's script (host_fake.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/fake/fake_inside.h"

enum { WORDS = 16 };

struct line {
	const char *file;
	unsigned number;
	char *words[WORDS];
	size_t n;
};

static bool wrong(const struct line *line, const char *right, struct err *err)
{
	return err_set(err,
	    "%s:%u:1: \"%s ...\" is not understood; right is %s", line->file,
	    line->number, line->words[0], right);
}

static bool read_size(const char *text, uint64_t *bytes)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	unsigned shift = 0;

	if (end == text)
		return false;
	if (*end == 'K')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	*bytes = (uint64_t)value << shift;
	return *end == '\0' || (shift != 0 && end[1] == '\0');
}

/* The value after `key`; fallback if the key is not there. */
static bool read_option(
    const struct line *line, const char *key, uint64_t fallback, uint64_t *out)
{
	*out = fallback;
	for (size_t i = 1; i + 1 < line->n; i++)
		if (strcmp(line->words[i], key) == 0)
			return read_size(line->words[i + 1], out);
	return true;
}

static bool read_host(
    struct host_fake *fake, const struct line *line, struct err *err)
{
	uint64_t cpus, mem;

	if (!read_option(line, "cpus", 1, &cpus) ||
	    !read_option(line, "mem", 0, &mem) || cpus == 0 || mem == 0)
		return wrong(line, "host cpus 4 mem 8G", err);
	fake->n_cpus = (uint32_t)cpus;
	fake->mem_kib = mem / 1024;
	return true;
}

static bool read_cpus(const struct line *line, uint32_t *mcpu)
{
	*mcpu = 0;
	for (size_t i = 1; i + 1 < line->n; i++) {
		if (strcmp(line->words[i], "cpu") == 0) {
			char *end;
			double cpus = strtod(line->words[i + 1], &end);

			*mcpu = (uint32_t)(cpus * MCPU_PER_CPU + 0.5);
			return *end == '\0' && cpus >= 0;
		}
	}
	return true;
}

static bool read_mac(const struct line *line, char mac[FAKE_MAC])
{
	mac[0] = '\0';
	for (size_t i = 1; i + 1 < line->n; i++)
		if (strcmp(line->words[i], "mac") == 0)
			return snprintf(mac, FAKE_MAC, "%s",
			           line->words[i + 1]) == 17;
	return true;
}

static bool read_vm(
    struct host_fake *fake, const struct line *line, struct err *err)
{
	uint64_t mem, max, vcpus, used;
	char mac[FAKE_MAC];
	uint32_t cpu_mcpu;

	if (line->n < 2 || !read_option(line, "mem", 0, &mem) || mem == 0 ||
	    !read_option(line, "max", mem, &max) || max < mem ||
	    !read_option(line, "vcpus", 1, &vcpus) || vcpus == 0 ||
	    !read_option(line, "used", MEM_UNKNOWN, &used) ||
	    !read_cpus(line, &cpu_mcpu) || !read_mac(line, mac))
		return wrong(line,
		    "vm NAME mem SIZE [max SIZE] [vcpus N] [cpu CPUS] "
		    "[used SIZE] [mac MAC]",
		    err);
	struct fake_vm *vm = fake_add(fake, line->words[1]);
	if (!vm)
		return err_set(err,
		    "%s:%u:4: no room for VM \"%s\", or it is "
		    "there already",
		    line->file, line->number, line->words[1]);
	vm->vm.n_vcpus = (uint32_t)vcpus;
	vm->vm.mem_kib = vm->vm.mem_target_kib = mem / 1024;
	vm->vm.mem_max_kib = max / 1024;
	vm->vm.mem_used_kib = used == MEM_UNKNOWN ? used : used / 1024;
	vm->cpu_mcpu = cpu_mcpu;
	memcpy(vm->mac, mac, sizeof(vm->mac));
	fake_set_state(fake, vm, HOST_VM_RUNNING);
	return true;
}

static bool read_fault(
    struct host_fake *fake, const struct line *line, struct err *err)
{
	struct fake_fault *fault = &fake->faults[fake->n_faults];
	uint64_t after;

	if (line->n < 3 || fake->n_faults == FAKE_FAULTS ||
	    strlen(line->words[1]) >= sizeof(fault->call) ||
	    strlen(line->words[2]) >= sizeof(fault->vm) ||
	    !read_option(line, "after", 0, &after))
		return wrong(line, "fail CALL NAME [after N]", err);
	*fault = (struct fake_fault){.after = (uint32_t)after};
	fault->kind = line->words[0][0] == 'f' ? FAULT_FAIL : FAULT_HANG;
	strcpy(fault->call, line->words[1]);
	strcpy(fault->vm, line->words[2]);
	fake->n_faults++;
	return true;
}

static bool read_end(
    struct host_fake *fake, const struct line *line, struct err *err)
{
	static const char *const names[N_HOST_VM_ENDS] = {
	    "killed", "poweroff", "reboot", "crash"};
	struct fake_end *end = &fake->ends[fake->n_ends];
	uint64_t after = 0;
	int kind = 0;

	while (line->n > 2 && kind < N_HOST_VM_ENDS &&
	       strcmp(names[kind], line->words[2]) != 0)
		kind++;
	if (line->n < 3 || fake->n_ends == FAKE_ENDS ||
	    kind == N_HOST_VM_ENDS ||
	    strlen(line->words[1]) >= sizeof(end->vm) ||
	    !read_option(line, "after", 0, &after))
		return wrong(line,
		    "end NAME poweroff|reboot|crash|killed after SECONDS", err);
	*end = (struct fake_end){.end = (enum host_vm_end)kind,
	    .after_ns = (int64_t)after * NS_PER_S,
	    .since_ns = -1};
	strcpy(end->vm, line->words[1]);
	fake->n_ends++;
	return true;
}

static bool read_path(
    char path[FAKE_PATH], const struct line *line, struct err *err)
{
	if (line->n != 2 || strlen(line->words[1]) >= FAKE_PATH)
		return wrong(line, "one path", err);
	strcpy(path, line->words[1]);
	return true;
}

static bool read_lack(
    struct host_fake *fake, const struct line *line, struct err *err)
{
	if (fake->n_lacks == FAKE_LACKS)
		return wrong(line, "8 such lines at most", err);
	return read_path(fake->lacks[fake->n_lacks++], line, err);
}

static bool read_bytes(
    uint64_t *bytes, const struct line *line, struct err *err)
{
	if (line->n != 2 || !read_size(line->words[1], bytes))
		return wrong(line, "one size, as in 256K", err);
	return true;
}

/* `vms`: the second pass, after the state directory is known. */
static bool read_line(
    struct host_fake *fake, const struct line *line, bool vms, struct err *err)
{
	const char *word = line->words[0];

	if (strcmp(word, "vm") == 0)
		return !vms || read_vm(fake, line, err);
	if (vms)
		return true;
	if (strcmp(word, "host") == 0)
		return read_host(fake, line, err);
	if (strcmp(word, "state") == 0)
		return read_path(fake->state_dir, line, err);
	if (strcmp(word, "history") == 0)
		return read_path(fake->history, line, err);
	if (strcmp(word, "lacks") == 0)
		return read_lack(fake, line, err);
	if (strcmp(word, "image") == 0)
		return read_bytes(&fake->image_bytes, line, err);
	if (strcmp(word, "speed") == 0)
		return read_bytes(&fake->speed_Bps, line, err);
	if (strcmp(word, "fail") == 0 || strcmp(word, "hang") == 0)
		return read_fault(fake, line, err);
	if (strcmp(word, "end") == 0)
		return read_end(fake, line, err);
	return wrong(line,
	    "host, state, history, lacks, image, speed, vm, end, fail or hang",
	    err);
}

static bool read_script(struct host_fake *fake, const char *script,
    const char *name, bool vms, struct err *err)
{
	struct line line = {.file = name};
	char *copy = strdup(script), *rest = copy, *text;
	bool ok = copy != NULL;

	while (ok && (text = strsep(&rest, "\n")) != NULL) {
		char *word, *save = NULL;

		line.number++;
		line.n = 0;
		text[strcspn(text, "#")] = '\0';
		while (line.n < WORDS &&
		       (word = strtok_r(line.n ? NULL : text, " \t\r", &save)))
			line.words[line.n++] = word;
		if (line.n > 0)
			ok = read_line(fake, &line, vms, err);
	}
	free(copy);
	return ok;
}

bool fake_parse(struct host_fake *fake, const char *script, const char *name,
    struct err *err)
{
	bool any = false;

	if (!read_script(fake, script, name, false, err))
		return false;
	if (fake->mem_kib == 0)
		return err_set(err,
		    "%s:1:1: no host; right is a line \"host cpus 4 mem 8G\"",
		    name);
	if (!fake_load(fake, &any, err))
		return false;
	return any || read_script(fake, script, name, true, err);
}
