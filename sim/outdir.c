/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A result directory, written whole or not at all; see outdir.h. */
#include "sim/outdir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_entry(
    const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool sync_path(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		err_set(err, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool sync_parent(const char *path, struct err *err)
{
	char *copy = strdup(path);
	bool ok = sync_path(dirname(copy), err);

	free(copy);
	return ok;
}

/* mkdtemp makes folders for their owner alone; results are for all whom the
 * umask lets. */
static void open_up(const char *path)
{
	mode_t mask = umask(0);

	umask(mask);
	chmod(path, 0777 & ~mask);
}

bool outdir_open(
    struct outdir *dir, const char *path, bool replace, struct err *err)
{
	struct stat st;
	size_t n = strlen(path);

	*dir = (struct outdir){.replace = replace};
	if (n == 0)
		return err_set(err, "the directory's name is empty");
	while (n > 1 && path[n - 1] == '/')
		n--;
	if (lstat(path, &st) == 0 && !replace)
		return err_set(err,
		    "%s is there already; another -o, or "
		    "--force to replace it",
		    path);
	if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, "%s is there, and is no directory", path);
	dir->path = strndup(path, n);
	if (asprintf(&dir->build, "%s.part-XXXXXX", dir->path) < 0)
		dir->build = NULL;
	if (!dir->build || !mkdtemp(dir->build)) {
		err_set(err, "cannot make a directory beside %s: %s", path,
		    strerror(errno));
		free(dir->build);
		dir->build = NULL;
		outdir_close(dir);
		return false;
	}
	open_up(dir->build);
	return true;
}

/* In one step where the file system can; else the old one is gone first. */
static bool replace_old(const struct outdir *dir)
{
	if (renameat2(AT_FDCWD, dir->build, AT_FDCWD, dir->path,
	        RENAME_EXCHANGE) == 0) {
		remove_tree(dir->build);
		return true;
	}
	if (errno != ENOENT && errno != EINVAL && errno != ENOSYS)
		return false;
	remove_tree(dir->path);
	return rename(dir->build, dir->path) == 0;
}

static bool give_name(const struct outdir *dir)
{
	if (dir->replace)
		return replace_old(dir);
	/* Not rename: that would replace an empty directory of another. */
	return renameat2(AT_FDCWD, dir->build, AT_FDCWD, dir->path,
	           RENAME_NOREPLACE) == 0 ||
	       ((errno == EINVAL || errno == ENOSYS) &&
	           rename(dir->build, dir->path) == 0);
}

bool outdir_commit(struct outdir *dir, struct err *err)
{
	if (!sync_path(dir->build, err))
		return false;
	if (!give_name(dir))
		return err_set(err, "%s: %s", dir->path, strerror(errno));
	free(dir->build);
	dir->build = NULL;
	return sync_parent(dir->path, err);
}

void outdir_keep(struct outdir *dir)
{
	free(dir->build);
	dir->build = NULL;
}

void outdir_close(struct outdir *dir)
{
	if (dir->build)
		remove_tree(dir->build);
	free(dir->build);
	free(dir->path);
	*dir = (struct outdir){0};
}

char *outdir_join(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

FILE *outdir_create(const char *folder, const char *name, struct err *err)
{
	char *path = outdir_join(folder, name);
	FILE *file = path ? fopen(path, "wxe") : NULL;

	if (!file)
		err_set(err, "%s/%s: %s", folder, name, strerror(errno));
	free(path);
	return file;
}

bool outdir_finish(
    FILE *file, const char *folder, const char *name, struct err *err)
{
	bool ok;

	if (!file)
		return true;
	ok = !ferror(file) && fflush(file) == 0 && fsync(fileno(file)) == 0;
	if (fclose(file) != 0)
		ok = false;
	return ok || err_set(err, "%s/%s: %s", folder, name,
	                 errno ? strerror(errno) : "cannot write");
}

bool outdir_mkdir(const char *folder, const char *name, struct err *err)
{
	char *path = outdir_join(folder, name);
	bool ok = path && mkdir(path, 0777) == 0;

	if (!ok)
		err_set(err, "%s/%s: %s", folder, name, strerror(errno));
	free(path);
	return ok;
}
