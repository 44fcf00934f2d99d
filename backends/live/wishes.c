/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What outlives a manager, in a file; see wishes.h. */
#include "backends/live/wishes.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenarios/file.h"

#define HEADER "violin-wishes 1\n"

enum { SUM_BYTES = 16, SUM_TEXT = 2 * SUM_BYTES + 1 };

const char *wish_kind_name(enum wish_kind kind)
{
	static const char *const names[N_WISH_KINDS] = {
	    [WISH_PAUSE] = "pause",
	    [WISH_DRAIN] = "drain",
	    [WISH_CREATE] = "create",
	    [WISH_DESTROY] = "destroy",
	    [WISH_ENDED] = "ended",
	    [WISH_MAKING] = "making"};

	return names[kind];
}

/* The list. */

static bool is_fate(enum wish_kind kind)
{
	return kind == WISH_CREATE || kind == WISH_DESTROY ||
	    kind == WISH_ENDED;
}

bool wishes_has(const struct wishes *w, enum wish_kind kind, const char *name)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->list[i].kind == kind &&
		    strcmp(w->list[i].name, name) == 0)
			return true;
	return false;
}

/* Without what this one replaces. */
static void take_away(struct wishes *w, enum wish_kind kind, const char *name)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		enum wish_kind k = w->list[i].kind;
		bool same = k == kind || (is_fate(k) && is_fate(kind));

		if (!same || strcmp(w->list[i].name, name) != 0)
			w->list[n++] = w->list[i];
	}
	w->n = n;
}

static bool add(struct wishes *w, enum wish_kind kind, const char *name)
{
	if (w->n == w->max) {
		uint32_t max = w->max ? 2 * w->max : 16;
		struct wish *list = realloc(w->list, max * sizeof *list);

		if (!list)
			return false;
		w->list = list;
		w->max = max;
	}
	w->list[w->n].kind = kind;
	snprintf(w->list[w->n++].name, WISH_NAME_MAX, "%s", name);
	return true;
}

/* The file. */

static void sum_of(const char *text, size_t size, char sum[SUM_TEXT])
{
	uint8_t bytes[SUM_BYTES];

	crypto_generichash(bytes, sizeof bytes, (const uint8_t *)text, size,
	    NULL, 0);
	sodium_bin2hex(sum, SUM_TEXT, bytes, sizeof bytes);
}

static char *print_all(const struct wishes *w, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	fputs(HEADER, out);
	for (uint32_t i = 0; i < w->n; i++)
		fprintf(out, "%s%s%s\n", wish_kind_name(w->list[i].kind),
		    w->list[i].name[0] ? " " : "", w->list[i].name);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* So that the new name of the file is on the disk, too. */
static bool sync_dir(const struct wishes *w, struct err *err)
{
	int fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		err_set(err, "%s: %s", w->dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool store(const struct wishes *w, struct err *err)
{
	struct file_writer writer;
	char sum[SUM_TEXT];
	size_t size;
	char *text;
	bool ok;

	if (!w->path)
		return true;
	text = print_all(w, &size);
	if (!text)
		return err_set(err, "not enough memory");
	sum_of(text, size, sum);
	ok = file_begin(&writer, w->path, err);
	if (ok) {
		fprintf(writer.out, "%ssum %s\n", text, sum);
		ok = file_end(&writer, true, err) && sync_dir(w, err);
	}
	free(text);
	return ok;
}

static bool damaged(
    const struct wishes *w, unsigned line, const char *why, struct err *err)
{
	return err_set(err,
	    "%s:%u: %s; what operators wished for is not known.  Right is "
	    "what a manager has written: move the file away, and tell the "
	    "manager again what was drained, paused or destroyed",
	    w->path, line, why);
}

/* "kind name", or "pause"; cut up. */
static bool read_line(struct wishes *w, char *line)
{
	char *name = strchr(line, ' ');
	enum wish_kind kind = 0;

	if (name)
		*name++ = '\0';
	else
		name = line + strlen(line);
	while (kind < N_WISH_KINDS && strcmp(wish_kind_name(kind), line) != 0)
		kind++;
	return kind < N_WISH_KINDS && strlen(name) < WISH_NAME_MAX &&
	    (name[0] != '\0') == (kind != WISH_PAUSE) &&
	    name[strcspn(name, " \t\r")] == '\0' &&
	    !wishes_has(w, kind, name) && add(w, kind, name);
}

static bool read_lines(struct wishes *w, char *text, struct err *err)
{
	char *line, *rest = text + strlen(HEADER);
	unsigned number = 1;

	while ((line = strsep(&rest, "\n")) && *line) {
		number++;
		if (!read_line(w, line))
			return damaged(w, number, "is no wish", err);
	}
	return true;
}

/* The text that the sum is of, ended; else it is damaged. */
static bool check_sum(
    const struct wishes *w, char *text, size_t size, struct err *err)
{
	char sum[SUM_TEXT];
	char *last;
	unsigned lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	if (strlen(text) != size ||
	    strncmp(text, HEADER, strlen(HEADER)) != 0)
		return damaged(w, 1, "is not \"violin-wishes 1\"", err);
	last = strstr(text, "\nsum ");
	if (!last || strlen(last) != strlen("\nsum \n") + SUM_TEXT - 1 ||
	    text[size - 1] != '\n')
		return damaged(w, lines ? lines : 1, "ends too early", err);
	sum_of(text, (size_t)(last + 1 - text), sum);
	if (strncmp(last + strlen("\nsum "), sum, SUM_TEXT - 1) != 0)
		return damaged(w, lines, "is not the sum of the lines above",
		    err);
	last[1] = '\0';
	return true;
}

static bool load(struct wishes *w, struct err *err)
{
	struct stat st;
	size_t size;
	char *text;
	bool ok;

	if (stat(w->path, &st) < 0 && errno == ENOENT)
		return store(w, err);
	text = file_read(w->path, &size, err);
	ok = text && check_sum(w, text, size, err) && read_lines(w, text, err);
	free(text);
	return ok;
}

bool wishes_open(struct wishes *w, const char *dir, struct err *err)
{
	*w = (struct wishes){.path = NULL};
	if (!dir)
		return true;
	w->dir = strdup(dir);
	if (!w->dir || asprintf(&w->path, "%s/wishes", dir) < 0) {
		w->path = NULL;
		return err_set(err, "not enough memory");
	}
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, "%s: %s", dir, strerror(errno));
	return load(w, err);
}

void wishes_close(struct wishes *w)
{
	free(w->path);
	free(w->dir);
	free(w->list);
	*w = (struct wishes){.path = NULL};
}

bool wishes_set(struct wishes *w, enum wish_kind kind, const char *name,
    bool is, struct err *err)
{
	struct wishes before = *w;

	if (wishes_has(w, kind, name) == is)
		return true;
	before.list = malloc((w->n + 1) * sizeof *before.list);
	if (!before.list)
		return err_set(err, "not enough memory");
	for (uint32_t i = 0; i < w->n; i++)
		before.list[i] = w->list[i];
	take_away(w, kind, name);
	if ((!is || add(w, kind, name)) && store(w, err)) {
		free(before.list);
		return true;
	}
	for (uint32_t i = 0; i < before.n; i++)
		w->list[i] = before.list[i];
	w->n = before.n;
	free(before.list);
	return false;
}
