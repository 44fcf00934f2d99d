/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which words are names, and which was meant; see words.h. */
#include "scenarios/words.h"

#include <ctype.h>
#include <string.h>

enum { MAX_WORD = 32 };

/* Levenshtein's distance; a large one for words that are too long. */
static uint32_t distance(const char *a, const char *b)
{
	uint32_t row[MAX_WORD + 1], n = (uint32_t)strlen(b);

	if (strlen(a) > MAX_WORD || n > MAX_WORD)
		return UINT32_MAX;
	for (uint32_t j = 0; j <= n; j++)
		row[j] = j;
	for (uint32_t i = 1; a[i - 1]; i++) {
		uint32_t diagonal = row[0];

		row[0] = i;
		for (uint32_t j = 1; j <= n; j++) {
			uint32_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *nearest_word(
    const char *word, const char *const *words, uint32_t n)
{
	uint32_t least = (uint32_t)strlen(word) / 3 + 1;
	const char *nearest = NULL;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t d = distance(word, words[i]);

		if (d <= least && (!nearest || d < least)) {
			least = d;
			nearest = words[i];
		}
	}
	return nearest;
}

bool is_name(const char *word)
{
	const char *p = word;

	for (; isalnum((unsigned char)*p) || (*p && strchr("-_.", *p)); p++)
		;
	return !*p && isalnum((unsigned char)*word);
}
