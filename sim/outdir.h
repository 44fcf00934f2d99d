/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A result directory, written whole or not at all: files go into a temporary
 * directory beside it, which takes its name when all is there and on disk.
 */
#ifndef SIM_OUTDIR_H
#define SIM_OUTDIR_H

#include <stdio.h>

#include "core/err.h"

struct outdir {
	char *path;  /* what it will be called */
	char *build; /* where files go until then */
	bool replace;
};

/*
 * Makes the temporary directory.  A path that exists is an error, unless it
 * may be replaced (then it stays as it is until outdir_commit).
 */
bool outdir_open(
    struct outdir *dir, const char *path, bool replace, struct err *err);

/* All that was written, to disk and under its name. */
bool outdir_commit(struct outdir *dir, struct err *err);

/* Leaves what was written under its temporary name: not whole, and not to be
 * had again. */
void outdir_keep(struct outdir *dir);

/* Removes what was written, if it was not committed; idempotent. */
void outdir_close(struct outdir *dir);

/* Opens `name` in a folder for writing; NULL with err. */
FILE *outdir_create(const char *folder, const char *name, struct err *err);

/* Flushes the file to disk and closes it; false when anything failed since it
 * was opened.  NULL is fine. */
bool outdir_finish(
    FILE *file, const char *folder, const char *name, struct err *err);

/* Makes the folder `name` in a folder. */
bool outdir_mkdir(const char *folder, const char *name, struct err *err);

/* "folder/name", new. */
char *outdir_join(const char *folder, const char *name);

#endif
