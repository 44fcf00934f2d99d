/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fake host's reading of guest configurations: the keys that violind(8)
 * lists, one a line, with the mistakes that a real host would find.  Which
 * files are not there is said by the script.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/fake/fake_inside.h"

static const char *const keys[] = {"name", "type", "kernel", "ramdisk",
    "cmdline", "extra", "root", "memory", "maxmem", "vcpus", "cpu_weight",
    "cap", "tsc_mode", "vif", "disk", "uuid", "on_poweroff", "on_reboot",
    "on_crash"};

enum { VALUE_MAX = 512 };

/* One setting: where it is, and its value without quotes. */
struct setting {
	char key[32];
	char value[VALUE_MAX];
};

/* The value of "key = value" at the start of a line, without quotes. */
static bool config_value(
    const char *config, const char *key, char *value, size_t cap)
{
	size_t len = strlen(key);

	for (const char *at = config; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		const char *v = at + len;
		if (strncmp(at, key, len) != 0)
			continue;
		v += strspn(v, " \t");
		if (*v++ != '=')
			continue;
		v += strspn(v, " \t\"'");
		snprintf(value, cap, "%.*s", (int)strcspn(v, "\"'\n"), v);
		return true;
	}
	return false;
}

bool fake_parse_config(const char *config, char name[HOST_NAME_MAX_LEN],
    uint64_t *mem_kib, uint32_t *n_vcpus, struct err *err)
{
	char text[32];

	if (!config_value(config, "name", name, HOST_NAME_MAX_LEN) ||
	    name[0] == '\0')
		return err_set(err, "no name; right is name = \"V1\"");
	*mem_kib = 0;
	if (config_value(config, "memory", text, sizeof(text)))
		*mem_kib = strtoull(text, NULL, 10) * KIB_PER_MIB;
	*n_vcpus = 1;
	if (config_value(config, "vcpus", text, sizeof(text)))
		*n_vcpus = (uint32_t)strtoul(text, NULL, 10);
	return true;
}

void fake_parse_mac(const char *config, char mac[FAKE_MAC])
{
	const char *at = strstr(config, "mac=");

	if (!at || sscanf(at + 4, "%17[0-9a-fA-F:]", mac) != 1)
		mac[0] = '\0';
}

/* The check. */

static bool is_key(const char *key)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* False if the line is none: "key = value", the value a text, a number or
 * the beginning of a list. */
static bool read_setting(const char *line, struct setting *s)
{
	int n = 0;

	if (sscanf(line, "%31[a-z_0-9] = %n", s->key, &n) != 1 || n == 0)
		return false;
	const char *v = line + n;
	size_t len = strlen(v);

	while (len > 0 && isspace((unsigned char)v[len - 1]))
		len--;
	bool quoted = len >= 2 && (v[0] == '"' || v[0] == '\'');
	if (quoted && v[len - 1] != v[0])
		return false;
	snprintf(s->value, sizeof(s->value), "%.*s",
	    (int)(quoted ? len - 2 : len), quoted ? v + 1 : v);
	return len > 0;
}

static bool is_number(const char *text, unsigned long least)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	return end != text && *end == '\0' && value >= least;
}

static bool check_setting(const struct host_fake *fake, const char *vm,
    const struct setting *s, struct err *err)
{
	const char *key = s->key, *value = s->value;

	if (!is_key(key))
		return err_set(err,
		    "\"%s\" is not understood; violind(8) lists what is", key);
	if (strcmp(key, "name") == 0 && strcmp(value, vm) != 0)
		return err_set(err, "its name is %s, not %s", value, vm);
	if (strcmp(key, "type") == 0 && strcmp(value, "pvh") != 0 &&
	    strcmp(value, "pv") != 0)
		return err_set(err, "type: right is \"pvh\" or \"pv\"");
	if ((strcmp(key, "memory") == 0 || strcmp(key, "vcpus") == 0 ||
	        strcmp(key, "maxmem") == 0) && !is_number(value, 1))
		return err_set(err, "%s: right is a number from 1 on", key);
	for (size_t i = 0; i < fake->n_lacks; i++)
		if (strcmp(fake->lacks[i], value) == 0)
			return err_set(err, "%s: %s is not on this host", key,
			    value);
	return true;
}

bool fake_check_config(const struct host_fake *fake, const char *vm,
    const char *config, uint32_t *line, struct err *err)
{
	char text[VALUE_MAX];
	int open = 0; /* brackets of a list that goes on */
	bool named = false;

	*line = 0;
	for (const char *at = config; *at; at += strspn(at, "\n") ? 1 : 0) {
		size_t len = strcspn(at, "\n");
		struct setting s;
		bool inside = open > 0;

		++*line;
		snprintf(text, sizeof(text), "%.*s", (int)len, at);
		at += len;
		text[strcspn(text, "#")] = '\0';
		for (const char *c = text; *c; c++)
			open += (*c == '[') - (*c == ']');
		if (inside || text[strspn(text, " \t\r")] == '\0')
			continue;
		if (!read_setting(text, &s))
			return err_set(err, "right is KEY = VALUE");
		if (!check_setting(fake, vm, &s, err))
			return false;
		named = named || strcmp(s.key, "name") == 0;
	}
	*line = 0;
	return named || err_set(err, "no name; right is name = \"%s\"", vm);
}
