/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal in files; see journal.h. */
#include "backends/monitor/journal.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROOM_BYTES = 4096 }; /* of one record: some fifty lines */

struct journal {
	int dir;
	char path[512];
};

static void file_name(char name[32], uint64_t id)
{
	snprintf(name, 32, "%" PRIu64 ".handover", id);
}

/* Opens a record; a new one is given its room first, and is in the
 * directory for good. */
static int open_record(struct journal *journal, const char *name)
{
	int fd = openat(journal->dir, name, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = openat(journal->dir, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fd;
	int failed = 0;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, ROOM_BYTES) < 0 &&
	    errno != EOPNOTSUPP)
		failed = errno;
	else if (fsync(journal->dir) < 0)
		failed = errno;
	if (failed == 0)
		return fd;
	close(fd);
	unlinkat(journal->dir, name, 0);
	errno = failed;
	return -1;
}

/* All of the line, or nothing: what is noted next begins a line again. */
static bool write_line(int fd, const char *line, int len, bool durable)
{
	off_t end = lseek(fd, 0, SEEK_END);

	errno = ENOSPC; /* a short write sets none */
	if (end >= 0 && write(fd, line, (size_t)len) == len &&
	    (!durable || fdatasync(fd) == 0))
		return true;
	int failed = errno;
	if (end >= 0 && ftruncate(fd, end) < 0)
		failed = errno;
	errno = failed;
	return false;
}

static bool note(void *self, const struct journal_entry *entry, bool durable,
    struct err *err)
{
	struct journal *journal = self;
	char name[32], line[160];
	struct timespec now;

	file_name(name, entry->id);
	clock_gettime(CLOCK_REALTIME, &now);
	int len = snprintf(line, sizeof(line), "%lld.%03ld %s %s\n",
	    (long long)now.tv_sec, now.tv_nsec / NS_PER_MS, entry->vm,
	    handover_state_name(entry->state));
	int fd = open_record(journal, name);
	bool ok = fd >= 0 && write_line(fd, line, len, durable);
	int failed = errno;
	if (fd >= 0)
		close(fd);
	return ok ||
	       err_set(err, "%s/%s: %s", journal->path, name, strerror(failed));
}

static void forget(void *self, uint64_t id)
{
	struct journal *journal = self;
	char name[32];

	file_name(name, id);
	unlinkat(journal->dir, name, 0);
	fsync(journal->dir);
}

/* The last whole line is what counts; a torn one, of a crash while it was
 * written, is cut off. */
static bool read_record(struct journal *journal, const char *name,
    struct journal_entry *entry, struct err *err)
{
	char text[ROOM_BYTES + 1], state[40];
	int fd = openat(journal->dir, name, O_RDWR | O_CLOEXEC);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	off_t from = end > ROOM_BYTES ? end - ROOM_BYTES : 0;
	ssize_t len = fd < 0 ? -1 : pread(fd, text, ROOM_BYTES, from);
	bool ok = false;

	while (len > 0 && text[len - 1] != '\n')
		len--;
	if (len > 0 && ftruncate(fd, from + len) == 0) {
		text[len - 1] = '\0';
		const char *line = strrchr(text, '\n');

		ok = sscanf(line ? line + 1 : text, "%*s %63s %39s", entry->vm,
		         state) == 2 &&
		     handover_state_parse(state, &entry->state) &&
		     sscanf(name, "%" SCNu64, &entry->id) == 1;
	}
	if (fd >= 0)
		close(fd);
	if (ok || len == 0)
		return ok;
	return err_set(err,
	    "%s/%s:1: not a journal of a hand-over; if its VM is settled by "
	    "hand, remove the file",
	    journal->path, name);
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct journal_entry *)a)->id;
	uint64_t y = ((const struct journal_entry *)b)->id;

	return x < y ? -1 : x > y;
}

static bool read_all(void *self, struct journal_entry *entries, size_t max,
    size_t *n, struct err *err)
{
	struct journal *journal = self;
	struct err why = {""};
	struct dirent *file;
	DIR *dir = opendir(journal->path);

	*n = 0;
	if (!dir)
		return err_set(err, "%s: %s", journal->path, strerror(errno));
	while (!why.text[0] && (file = readdir(dir)) != NULL) {
		if (!strstr(file->d_name, ".handover"))
			continue;
		if (*n == max)
			err_set(&why, "%s: more than %zu hand-overs",
			    journal->path, max);
		/* An empty record is of one that never began. */
		else if (read_record(journal, file->d_name, &entries[*n], &why))
			(*n)++;
	}
	closedir(dir);
	if (why.text[0])
		return err_set(err, "%s", why.text);
	qsort(entries, *n, sizeof(*entries), by_id);
	return true;
}

const struct journal_api journal_files = {
    .note = note,
    .forget = forget,
    .read = read_all,
};

/* The lock goes with the process, however it ends. */
static bool lock(int fd, const char *path, const char *what, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return err_set(err, "%s: %s", path, strerror(errno));
	return err_set(
	    err, "%s: another violind has this %s; one runs on a host", path,
	    what);
}

int journal_lock_host(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		err_set(err, "%s: %s", path, strerror(errno));
	else if (lock(fd, path, "host", err))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Who else has it open would take hand-overs that are under way for those of
 * a daemon that died. */
static bool open_directory(struct journal *journal, struct err *err)
{
	if (mkdir(journal->path, 0700) == 0 || errno == EEXIST)
		journal->dir =
		    open(journal->path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (journal->dir < 0)
		return err_set(err, "%s: %s; the journal needs a directory",
		    journal->path, strerror(errno));
	return lock(journal->dir, journal->path, "journal", err);
}

struct journal *journal_open(const char *path, struct err *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	assert(journal);
	journal->dir = -1;
	snprintf(journal->path, sizeof(journal->path), "%s", path);
	if (open_directory(journal, err))
		return journal;
	journal_close(journal);
	return NULL;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->dir >= 0)
		close(journal->dir);
	free(journal);
}
