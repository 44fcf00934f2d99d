/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line of a record (record.h), taken apart word by word.  Each line_*
 * takes the next word; false, or NULL, with the line's err when it is missing
 * or is not what it should be; `what` is what to call it then.
 */
#ifndef CORE_RECORD_LINE_H
#define CORE_RECORD_LINE_H

#include <stdint.h>

#include "core/err.h"

enum { MAX_TEXTS = 2 };

/* One line, cut: words in front, then texts. */
struct line {
	char *at; /* the next word, or NULL */
	const char *texts[MAX_TEXTS];
	uint32_t n_texts;
	struct err *err;
};

/* Cuts the texts off. */
bool line_cut(struct line *line, char *text, struct err *err);

/* No word is left, and the texts are so many? */
bool line_ended(struct line *line, uint32_t n_texts);

const char *line_word(struct line *line, const char *what);
bool line_u64(
    struct line *line, const char *what, uint64_t max, uint64_t *number);
bool line_u32(struct line *line, const char *what, uint32_t *number);
bool line_time(struct line *line, const char *what, int64_t *ns);
bool line_real(struct line *line, const char *what, double *number);

/* KiB, or MEM_UNKNOWN. */
bool line_memory(struct line *line, const char *what, uint64_t *kib);

/* An id below n, or ID_NONE; line_known_id does not take none. */
bool line_id(struct line *line, const char *what, uint32_t n, uint32_t *ix);
bool line_known_id(
    struct line *line, const char *what, uint32_t n, uint32_t *ix);

/* Which of the names that name() gives to 0 .. n - 1. */
bool line_kind(struct line *line, const char *what,
    const char *(*name)(uint32_t kind), uint32_t n, uint32_t *kind);

#endif
