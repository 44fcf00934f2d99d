/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a folder; see folder.h. */
#include "scenarios/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool ends_in(const char *name, const char *ending)
{
	size_t n = strlen(name), k = strlen(ending);

	return n > k && strcmp(name + n - k, ending) == 0;
}

/* As strcmp: the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add(struct folder *folder, struct pool *pool, const char *path,
    const char *name, const char *ending)
{
	folder->paths[folder->n] = pool_copy(pool, path, strlen(path));
	folder->names[folder->n++] =
	    pool_copy(pool, name, strlen(name) - strlen(ending));
}

static void list(struct folder *folder, struct pool *pool, const char *path,
    const char *ending, struct dirent **entries, int n)
{
	struct stat info;

	folder->names = POOL_TAKE(pool, (size_t)n, char *);
	folder->paths = POOL_TAKE(pool, (size_t)n, char *);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		const char *file = pool_print(pool, "%s/%s", path, name);

		if (*name != '.' && ends_in(name, ending) &&
		    stat(file, &info) == 0 && S_ISREG(info.st_mode))
			add(folder, pool, file, name, ending);
		free(entries[i]);
	}
	free(entries);
}

bool folder_list(struct folder *folder, struct pool *pool, const char *path,
    const char *ending, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct dirent **entries;
	struct stat info;
	int n;

	*folder = (struct folder){0};
	if (*ending && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
		const char *name = slash ? slash + 1 : path;

		folder->names = POOL_TAKE(pool, 1, char *);
		folder->paths = POOL_TAKE(pool, 1, char *);
		add(folder, pool, path, name,
		    ends_in(name, ending) ? ending : "");
		return true;
	}
	n = scandir(path, &entries, NULL, by_name);
	if (n < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	list(folder, pool, path, ending, entries, n);
	if (!folder->n)
		return err_set(err,
		    "%s: no file%s%s here; name the folder that holds them",
		    path, *ending ? " that ends in " : "", ending);
	return true;
}
