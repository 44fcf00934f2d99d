/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest configurations: the part of xl.cfg(5) that PVH and PV guests of a
 * live site need, with its syntax read by libxlutil.  A key that is not in
 * the table below is an error, not ignored: a guest that silently lacks what
 * it was given is worse than one that does not start.
 */
#include <inttypes.h>
#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xen/xen_inside.h"

/* What libxlutil calls the text. */
#define SOURCE "guest configuration"

static const char *const keys[] = {"name", "type", "kernel", "ramdisk",
    "cmdline", "extra", "root", "memory", "maxmem", "vcpus", "cpu_weight",
    "cap", "tsc_mode", "vif", "disk", "uuid", "on_poweroff", "on_reboot",
    "on_crash"};

/* Xen's limit of a PVH guest, HVM_MAX_VCPUS; and of any, 16 TiB. */
enum { VCPUS_MAX = 128, MEM_MAX_MIB = 16 << 20 };

struct reading {
	XLU_Config *cfg;
	const char *text;
	uint32_t *line; /* where it is wrong */
	struct err *err;
};

static uint32_t line_of(const char *text, const char *at)
{
	uint32_t line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

uint32_t xen_config_line(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = text; (at = strstr(at, key)) != NULL; at++) {
		const char *after = at + len + strspn(at + len, " \t");

		if ((at == text || at[-1] == '\n' || at[-1] == ' ' ||
		        at[-1] == '\t' || at[-1] == ';') &&
		    (*after == '=' || *after == '+'))
			return line_of(text, at);
	}
	return 0;
}

static bool wrong(const struct reading *r, const char *key, const char *right)
{
	*r->line = xen_config_line(r->text, key);
	return err_set(r->err, "%s: right is %s", key, right);
}

/* Every line that starts with a word sets a key that is known. */
static bool check_keys(const struct reading *r)
{
	const char *at = r->text;

	while (*at) {
		size_t len =
		    strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");
		bool known = len == 0;
		const char *end = strchr(at, '\n');

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			known = known || (strlen(keys[i]) == len &&
			                     strncmp(keys[i], at, len) == 0);
		if (!known) {
			*r->line = line_of(r->text, at);
			return err_set(r->err,
			    "\"%.*s\" is not understood; violind(8) lists "
			    "what is", (int)len, at);
		}
		if (!end)
			break;
		at = end + 1 + strspn(end + 1, " \t");
	}
	return true;
}

static char *get_text(const struct reading *r, const char *key)
{
	const char *value = NULL;

	if (xlu_cfg_get_string(r->cfg, key, &value, 1) != 0)
		return NULL;
	return strdup(value);
}

/* False if it is there and no number from `least` to `most`. */
static bool get_number(const struct reading *r, const char *key, long least,
    long most, long *value)
{
	char right[64];
	long found = *value;
	const char *text;

	if (xlu_cfg_get_string(r->cfg, key, &text, 1) != 0)
		return true;
	if (xlu_cfg_get_long(r->cfg, key, &found, 1) == 0 && found >= least &&
	    found <= most) {
		*value = found;
		return true;
	}
	snprintf(
	    right, sizeof(right), "a number from %ld to %ld", least, most);
	return wrong(r, key, right);
}

static bool take_type(const struct reading *r, libxl_domain_config *config)
{
	char *type = get_text(r, "type");
	bool ok = true;

	if (!type || strcmp(type, "pvh") == 0)
		config->c_info.type = LIBXL_DOMAIN_TYPE_PVH;
	else if (strcmp(type, "pv") == 0)
		config->c_info.type = LIBXL_DOMAIN_TYPE_PV;
	else
		ok = wrong(r, "type", "\"pvh\" or \"pv\"");
	free(type);
	return ok;
}

static bool wrong_name(
    const struct reading *r, const char *name, const char *vm)
{
	*r->line = xen_config_line(r->text, "name");
	return err_set(r->err, "its name is %s, not %s", name, vm);
}

static bool take_name(
    const struct reading *r, const char *vm, libxl_domain_config *config)
{
	char *name = get_text(r, "name"), *uuid = get_text(r, "uuid");
	bool ok = true;

	if (!name)
		ok = wrong(r, "name", "the VM's name");
	else if (strcmp(name, vm) != 0)
		ok = wrong_name(r, name, vm);
	else if (!uuid)
		libxl_uuid_generate(&config->c_info.uuid);
	else if (libxl_uuid_from_string(&config->c_info.uuid, uuid) != 0)
		ok = wrong(r, "uuid", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
	config->c_info.name = ok ? name : NULL;
	if (!ok)
		free(name);
	free(uuid);
	return ok;
}

static bool take_memory(
    const struct reading *r, uint64_t mem_kib, libxl_domain_config *config)
{
	long memory = 0, maxmem = 0;

	if (!get_number(r, "memory", 1, MEM_MAX_MIB, &memory) ||
	    !get_number(r, "maxmem", 1, MEM_MAX_MIB, &maxmem))
		return false;
	if (mem_kib == 0)
		mem_kib = (uint64_t)memory * KIB_PER_MIB;
	if (mem_kib == 0)
		return wrong(r, "memory", "a size in MiB");
	config->b_info.target_memkb = mem_kib;
	config->b_info.max_memkb = (uint64_t)maxmem * KIB_PER_MIB;
	if (maxmem == 0)
		config->b_info.max_memkb =
		    (uint64_t)memory * KIB_PER_MIB > mem_kib
		        ? (uint64_t)memory * KIB_PER_MIB
		        : mem_kib;
	if (config->b_info.max_memkb < mem_kib)
		return wrong(r, "maxmem", "not less than the memory");
	return true;
}

static bool take_cpu(const struct reading *r, libxl_domain_config *config)
{
	libxl_domain_build_info *b = &config->b_info;
	long vcpus = 1, weight = 0, cap = -1;
	char *tsc = get_text(r, "tsc_mode");
	bool ok = true;

	if (tsc && libxl_tsc_mode_from_string(tsc, &b->tsc_mode) != 0)
		ok = wrong(r, "tsc_mode",
		    "\"default\", \"always_emulate\" or \"native\"");
	free(tsc);
	if (!ok || !get_number(r, "vcpus", 1, VCPUS_MAX, &vcpus) ||
	    !get_number(r, "cpu_weight", 1, WEIGHT_MAX, &weight) ||
	    !get_number(r, "cap", 0, 100 * vcpus, &cap))
		return false;
	b->max_vcpus = (int)vcpus;
	b->avail_vcpus.size = (uint32_t)(vcpus + 7) / 8;
	b->avail_vcpus.map = calloc(b->avail_vcpus.size, 1);
	if (!b->avail_vcpus.map)
		return wrong(r, "vcpus", "fewer");
	for (int i = 0; i < vcpus; i++)
		libxl_bitmap_set(&b->avail_vcpus, i);
	if (weight > 0)
		b->sched_params.weight = (int)weight;
	if (cap >= 0)
		b->sched_params.cap = (int)cap;
	return true;
}

static bool take_kernel(const struct reading *r, libxl_domain_config *config)
{
	char *cmdline = get_text(r, "cmdline");
	char *root = get_text(r, "root"), *extra = get_text(r, "extra");

	config->b_info.kernel = get_text(r, "kernel");
	config->b_info.ramdisk = get_text(r, "ramdisk");
	if (!cmdline && asprintf(&cmdline, "%s%s%s%s", root ? "root=" : "",
	                    root ? root : "", root && extra ? " " : "",
	                    extra ? extra : "") < 0)
		cmdline = NULL;
	config->b_info.cmdline = cmdline;
	free(root);
	free(extra);
	return config->b_info.kernel != NULL ||
	       wrong(r, "kernel", "the path of a kernel on every host");
}

static bool parse_mac(const char *text, libxl_mac mac)
{
	unsigned byte[6];

	/* Of a group's address no interface may send. */
	if (strlen(text) != 17 ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &byte[0], &byte[1],
	        &byte[2], &byte[3], &byte[4], &byte[5]) != 6 ||
	    (byte[0] & 1) != 0)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
	return true;
}

/* One setting of a vif, as in "bridge=xenbr0". */
static bool take_nic_setting(libxl_device_nic *nic, const char *setting)
{
	const char *equals = strchr(setting, '=');
	char **to = NULL;

	if (!equals)
		return false;
	const char *value = equals + 1;
	if (strncmp(setting, "mac=", 4) == 0)
		return parse_mac(value, nic->mac);
	if (strncmp(setting, "bridge=", 7) == 0)
		to = &nic->bridge;
	else if (strncmp(setting, "script=", 7) == 0)
		to = &nic->script;
	else if (strncmp(setting, "vifname=", 8) == 0)
		to = &nic->ifname;
	else if (strncmp(setting, "ip=", 3) == 0)
		to = &nic->ip;
	else if (strncmp(setting, "mtu=", 4) == 0)
		return (nic->mtu = atoi(value)) > 0;
	if (!to)
		return false;
	free(*to);
	*to = strdup(value);
	return true;
}

static bool take_nics(const struct reading *r, libxl_domain_config *config)
{
	XLU_ConfigList *list;
	int n = 0;

	if (xlu_cfg_get_list(r->cfg, "vif", &list, &n, 1) != 0 || n == 0)
		return true;
	config->nics = calloc((size_t)n, sizeof(*config->nics));
	for (int i = 0; config->nics && i < n; i++) {
		libxl_device_nic *nic = &config->nics[i];
		char *text = strdup(xlu_cfg_get_listitem(list, i));
		char *rest = text, *setting;
		bool ok = text != NULL;

		libxl_device_nic_init(nic);
		nic->devid = i;
		config->num_nics = i + 1;
		while (ok && (setting = strsep(&rest, ",")) != NULL) {
			setting += strspn(setting, " \t");
			ok = *setting == '\0' || take_nic_setting(nic, setting);
		}
		free(text);
		if (!ok)
			return wrong(r, "vif",
			    "[\"mac=00:16:3e:xx:xx:xx,bridge=NAME\"], also "
			    "script, vifname, ip, mtu");
	}
	return config->nics != NULL;
}

static bool take_disks(const struct reading *r, libxl_domain_config *config)
{
	XLU_ConfigList *list;
	int n = 0;

	if (xlu_cfg_get_list(r->cfg, "disk", &list, &n, 1) != 0 || n == 0)
		return true;
	config->disks = calloc((size_t)n, sizeof(*config->disks));
	for (int i = 0; config->disks && i < n; i++) {
		const char *text = xlu_cfg_get_listitem(list, i);

		libxl_device_disk_init(&config->disks[i]);
		config->num_disks = i + 1;
		if (xlu_disk_parse(r->cfg, 1, &text, &config->disks[i]) != 0)
			return wrong(r, "disk",
			    "xl-disk-configuration(5), as in "
			    "[\"format=raw,vdev=xvda,access=ro,target=PATH\"]");
	}
	return config->disks != NULL;
}

static bool take_all(const struct reading *r, const char *vm, uint64_t mem_kib,
    libxl_domain_config *config)
{
	if (!take_type(r, config))
		return false;
	libxl_domain_build_info_init_type(&config->b_info, config->c_info.type);
	/* A guest that ends stays, and is reported as dead. */
	config->on_poweroff = config->on_reboot = config->on_crash =
	    LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	return take_name(r, vm, config) && take_kernel(r, config) &&
	       take_memory(r, mem_kib, config) && take_cpu(r, config) &&
	       take_nics(r, config) && take_disks(r, config);
}

/* libxlutil's first complaint is "FILE:LINE: WHAT". */
static void not_understood(const struct reading *r, char *said)
{
	const char *what = said;
	int n = 0;

	said[strcspn(said, "\n")] = '\0';
	if (sscanf(said, SOURCE ":%" SCNu32 ": %n", r->line, &n) == 1 && n > 0)
		what = said + n;
	err_set(r->err, "%.300s; right is the language of xl.cfg(5)", what);
}

bool xen_config_parse(const char *text, const char *vm, uint64_t mem_kib,
    libxl_domain_config *config, uint32_t *line, struct err *err)
{
	char *said = NULL;
	size_t len = 0;
	FILE *report = open_memstream(&said, &len);
	struct reading r = {.text = text, .line = line, .err = err};
	bool ok = false;

	*line = 0;
	r.cfg = report ? xlu_cfg_init(report, SOURCE) : NULL;
	if (!r.cfg) {
		err_set(err, "out of memory");
	} else if (xlu_cfg_readdata(r.cfg, text, (int)strlen(text)) != 0) {
		fflush(report);
		not_understood(&r, said);
	} else {
		ok = check_keys(&r) && take_all(&r, vm, mem_kib, config);
	}
	if (r.cfg)
		xlu_cfg_destroy(r.cfg);
	if (report)
		fclose(report);
	free(said);
	return ok;
}
