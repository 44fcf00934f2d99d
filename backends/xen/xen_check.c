/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a guest can be created from a configuration, as far as it can be
 * told without creating it: libxl itself looks for kernels, images, scripts
 * and bridges only while it makes the guest, half of which is then there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/xen/xen_inside.h"

/* Where libxl looks for a script that is named without a path, and the one
 * that it runs if none is named. */
#define SCRIPTS "/etc/xen/scripts"
#define BRIDGING "vif-bridge"

struct looking {
	const char *text;
	uint32_t *line;
	struct err *err;
};

static bool __attribute__((format(printf, 3, 4)))
wrong(const struct looking *l, const char *key, const char *format, ...)
{
	char what[HOST_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	*l->line = xen_config_line(l->text, key);
	return err_set(l->err, "%s: %s", key, what);
}

/* A file that libxl reads, runs, or has the kernel open. */
static bool is_here(
    const struct looking *l, const char *key, const char *path, int mode)
{
	struct stat st;

	if (stat(path, &st) < 0 || access(path, mode) < 0)
		return wrong(l, key, "%s: %s; right is a file of this host",
		    path, strerror(errno));
	return !S_ISDIR(st.st_mode) ||
	       wrong(l, key, "%s: is a directory; right is a file", path);
}

static bool is_script_here(
    const struct looking *l, const char *key, const char *script)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s",
	    script[0] == '/' ? "" : SCRIPTS "/", script);
	return is_here(l, key, path, X_OK);
}

/* Other scripts than the usual one may make what they plug into. */
static bool is_nic_here(const struct looking *l, const libxl_device_nic *nic)
{
	const char *script = nic->script ? nic->script : BRIDGING;
	const char *slash = strrchr(script, '/');
	char path[512];

	if (!is_script_here(l, "vif", script))
		return false;
	if (!nic->bridge || strcmp(slash ? slash + 1 : script, BRIDGING) != 0)
		return true;
	snprintf(path, sizeof(path), "/sys/class/net/%s", nic->bridge);
	return access(path, F_OK) == 0 ||
	       wrong(l, "vif", "there is no bridge %s on this host",
	           nic->bridge);
}

/* A disk with a script is what its script makes of it. */
static bool is_disk_here(const struct looking *l, const libxl_device_disk *disk)
{
	if (disk->script)
		return is_script_here(l, "disk", disk->script);
	if (disk->is_cdrom && !disk->pdev_path)
		return true;
	if (!disk->pdev_path || disk->pdev_path[0] == '\0')
		return wrong(l, "disk", "right is a target, as in "
					"target=/srv/image");
	/* Else it is none of the host's files. */
	return disk->pdev_path[0] != '/' ||
	       is_here(l, "disk", disk->pdev_path,
	           disk->readwrite ? R_OK | W_OK : R_OK);
}

bool xen_config_is_here(const char *text, const libxl_domain_config *config,
    uint64_t host_kib, uint32_t *line, struct err *err)
{
	const struct looking l = {text, line, err};
	const libxl_domain_build_info *b = &config->b_info;

	if (!is_here(&l, "kernel", b->kernel, R_OK) ||
	    (b->ramdisk && !is_here(&l, "ramdisk", b->ramdisk, R_OK)))
		return false;
	if (host_kib != 0 && b->target_memkb > host_kib)
		return wrong(&l, "memory",
		    "%" PRIu64 " MiB; right is at most the host's %" PRIu64,
		    b->target_memkb / (uint64_t)KIB_PER_MIB,
		    host_kib / (uint64_t)KIB_PER_MIB);
	for (int i = 0; i < config->num_nics; i++)
		if (!is_nic_here(&l, &config->nics[i]))
			return false;
	for (int i = 0; i < config->num_disks; i++)
		if (!is_disk_here(&l, &config->disks[i]))
			return false;
	return true;
}

/* All that there is, dom0's part of it too; 0 if it is not known. */
static uint64_t host_kib(struct host_xen *xen)
{
	libxl_physinfo info;
	uint64_t kib = 0;

	libxl_physinfo_init(&info);
	if (libxl_get_physinfo(xen->ctx, &info) == 0)
		kib = info.total_pages * PAGE_KIB;
	libxl_physinfo_dispose(&info);
	return kib;
}

bool xen_check(void *host, const char *vm, const char *text,
    uint64_t mem_kib, uint32_t *line, struct err *err)
{
	struct host_xen *xen = host;
	libxl_domain_config config;

	libxl_domain_config_init(&config);
	bool ok =
	    xen_config_parse(text, vm, mem_kib, &config, line, err) &&
	    xen_config_is_here(text, &config, host_kib(xen), line, err);
	libxl_domain_config_dispose(&config);
	return ok;
}
