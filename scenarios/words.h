/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of files: which are names, and which was meant, for errors that
 * suggest one. */
#ifndef SCENARIOS_WORDS_H
#define SCENARIOS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* The one of n words that is nearest to `word`, or NULL if none is near. */
const char *nearest_word(
    const char *word, const char *const *words, uint32_t n);

/* A name: letters, digits, and "-", "_", "." after the first. */
bool is_name(const char *word);

#endif
