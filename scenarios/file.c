/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole files; see file.h. */
#include "scenarios/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(FILE *in, FILE *out)
{
	char buffer[16384];
	size_t n;

	while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
		fwrite(buffer, 1, n, out);
}

char *file_read(const char *path, size_t *size, struct err *err)
{
	FILE *in = fopen(path, "re"), *out = NULL;
	char *text = NULL;

	if (!in || !(out = open_memstream(&text, size)))
		goto fail;
	errno = 0;
	copy(in, out);
	if (ferror(in))
		goto fail;
	fclose(in);
	fclose(out);
	return text;
fail:
	err_set(err, "%s: %s", path, strerror(errno));
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	free(text);
	return NULL;
}

bool file_begin(struct file_writer *w, const char *path, struct err *err)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	w->path = strdup(path);
	if (!w->path || asprintf(&w->temporary, "%s.XXXXXX", path) < 0)
		abort();
	fd = mkostemp(w->temporary, O_CLOEXEC);
	w->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (w->out) {
		fchmod(fd, 0666 & ~mask);
		return true;
	}
	err_set(err, "%s: %s", path, strerror(errno));
	free(w->path);
	free(w->temporary);
	return false;
}

bool file_end(struct file_writer *w, bool ok, struct err *err)
{
	bool written = !ferror(w->out) && fflush(w->out) == 0 &&
	               fsync(fileno(w->out)) == 0;

	if (fclose(w->out) != 0)
		written = false;
	if (ok && (!written || rename(w->temporary, w->path) != 0))
		ok = err_set(err, "%s: %s", w->path, strerror(errno));
	if (!ok)
		unlink(w->temporary);
	free(w->path);
	free(w->temporary);
	return ok;
}
