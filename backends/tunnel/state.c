/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The locations kept over restarts; see state.h. */
#include "backends/tunnel/state.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/units.h"

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* So that the new name, too, survives a power failure. */
static bool sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd;
	bool ok;

	snprintf(copy, sizeof copy, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

static bool replace_file(const char *path, const uint8_t *bytes, size_t len)
{
	char temporary[PATH_MAX];
	int fd;
	bool ok;

	if (snprintf(temporary, sizeof temporary, "%s.new", path) >=
	    (int)sizeof temporary) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write_all(fd, bytes, len) && fsync(fd) == 0;
	if (close(fd) != 0 || !ok)
		return false;
	return rename(temporary, path) == 0 && sync_folder(path);
}

bool state_save(
    const struct location_table *table, const char *path, struct err *err)
{
	size_t cap = location_encoded_max(table);
	struct wire_writer w;
	uint8_t *bytes = malloc(cap);
	bool ok;

	if (!bytes)
		return err_set(err, "%s: out of memory", path);
	wire_writer_init(&w, bytes, cap);
	ok = location_encode(table, &w) && replace_file(path, bytes, w.len);
	free(bytes);
	return ok ||
	       err_set(err, "%s: cannot write: %s", path, strerror(errno));
}

static bool read_file(int fd, uint8_t **bytes, size_t *len)
{
	struct stat st;
	size_t size;

	if (fstat(fd, &st) < 0)
		return false;
	size = (size_t)st.st_size;
	*bytes = malloc(size + 1);
	for (*len = 0; *bytes && *len < size;) {
		ssize_t n = read(fd, *bytes + *len, size - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	return *bytes && *len == size;
}

bool state_load(struct location_table *table, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct wire_reader r;
	uint8_t *bytes = NULL;
	size_t len = 0;
	bool ok;

	if (fd < 0)
		return errno == ENOENT ||
		       err_set(err, "%s: %s", path, strerror(errno));
	ok = read_file(fd, &bytes, &len);
	close(fd);
	if (!ok)
		err_set(err, "%s: cannot read: %s", path, strerror(errno));
	if (ok) {
		wire_reader_init(&r, bytes, len);
		ok = location_decode(&r, table) ||
		     err_set(err,
		         "%s: not a table of locations; move it away and what "
		         "the site file and the other hosts say is taken",
		         path);
	}
	free(bytes);
	return ok;
}

int state_lock(const char *folder, struct err *err)
{
	enum { TRIES = 20 };
	const struct timespec pause = {.tv_nsec = 50 * NS_PER_MS};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; fd >= 0; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EWOULDBLOCK || i == TRIES)
			break;
		nanosleep(&pause, NULL);
	}
	if (fd >= 0 && errno == EWOULDBLOCK)
		err_set(err,
		    "%s: another violin-tunneld has this state; one runs on a "
		    "host",
		    folder);
	else
		err_set(err, "%s: %s", folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
