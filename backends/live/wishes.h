/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a manager knows that no host could tell the one after it: what
 * operators have wished for, and how far environments are.  All by name, so
 * that it holds over another site too.
 *
 * Kept in one small file, DIR/wishes, replaced whole: a header, a line a
 * wish, and a sum over all before it, so that a damaged one is known.
 *
 *	violin-wishes 1
 *	pause
 *	drain beta
 *	destroy V2
 *	sum 5f0e...
 */
#ifndef BACKENDS_LIVE_WISHES_H
#define BACKENDS_LIVE_WISHES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum wish_kind {
	WISH_PAUSE,   /* no decisions; no name */
	WISH_DRAIN,   /* a host is to be emptied */
	WISH_CREATE,  /* an environment is asked for */
	WISH_DESTROY, /* it is to go, and not to come at its time */
	WISH_ENDED,   /* it has ended by itself, and does not come again */
	WISH_MAKING,  /* its VMs are being created, and are not complete */
	N_WISH_KINDS
};

enum { WISH_NAME_MAX = 64 };

struct wish {
	enum wish_kind kind;
	char name[WISH_NAME_MAX];
};

struct wishes {
	char *path; /* NULL: nothing is kept */
	char *dir;
	struct wish *list;
	uint32_t n, max;
};

/* Reads what is kept in this directory, which is made if it is not there.
 * dir NULL: nothing is kept.  False with err if it cannot be kept, or what is
 * there is damaged. */
bool wishes_open(struct wishes *wishes, const char *dir, struct err *err);
void wishes_close(struct wishes *wishes);

bool wishes_has(
    const struct wishes *wishes, enum wish_kind kind, const char *name);
/*
 * Adds or removes one; CREATE, DESTROY and ENDED of one environment replace
 * each other.  It is on the disk when this returns; false with err, and
 * nothing has changed, if it cannot be.
 */
bool wishes_set(struct wishes *wishes, enum wish_kind kind, const char *name,
    bool is, struct err *err);

const char *wish_kind_name(enum wish_kind kind);

#endif
