/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of a record, word by word; see record_line.h. */
#include "core/record_line.h"

#include <string.h>

#include "core/ids.h"
#include "core/units.h"

bool line_cut(struct line *line, char *text, struct err *err)
{
	char *tab;

	*line = (struct line){.at = text, .err = err};
	for (; (tab = strchr(text, '\t')); text = tab + 1) {
		*tab = '\0';
		if (line->n_texts == MAX_TEXTS)
			return err_set(err, "more texts than a line has");
		line->texts[line->n_texts++] = tab + 1;
	}
	return true;
}

const char *line_word(struct line *line, const char *what)
{
	char *word = line->at, *space;

	if (!word || !*word) {
		err_set(line->err, "%s is missing", what);
		return NULL;
	}
	space = strchr(word, ' ');
	line->at = space ? space + 1 : NULL;
	if (space)
		*space = '\0';
	return word;
}

bool line_ended(struct line *line, uint32_t n_texts)
{
	/* A space before the first tab. */
	if (line->at && *line->at)
		return err_set(
		    line->err, "\"%s\" is more than the line has", line->at);
	if (line->n_texts != n_texts)
		return err_set(
		    line->err, "%u texts, not %u", line->n_texts, n_texts);
	return true;
}

static bool parse_number(const char *word, uint64_t max, uint64_t *number)
{
	uint64_t n = 0;

	if (!*word)
		return false;
	for (; *word; word++) {
		uint64_t digit = (uint64_t)(unsigned char)*word - '0';

		if (digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}

bool line_u64(
    struct line *line, const char *what, uint64_t max, uint64_t *number)
{
	const char *word = line_word(line, what);

	if (!word)
		return false;
	if (!parse_number(word, max, number))
		return err_set(line->err,
		    "%s is \"%s\", not a number up to "
		    "%llu",
		    what, word, (unsigned long long)max);
	return true;
}

bool line_u32(struct line *line, const char *what, uint32_t *number)
{
	uint64_t n;

	if (!line_u64(line, what, UINT32_MAX, &n))
		return false;
	*number = (uint32_t)n;
	return true;
}

bool line_time(struct line *line, const char *what, int64_t *ns)
{
	const char *word = line_word(line, what);
	bool minus = word && *word == '-';
	uint64_t n;

	if (!word)
		return false;
	if (!parse_number(word + minus, INT64_MAX, &n))
		return err_set(line->err,
		    "%s is \"%s\", not a time in nanoseconds", what, word);
	*ns = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

bool line_memory(struct line *line, const char *what, uint64_t *kib)
{
	if (line->at && strcmp(line->at, "-") != 0 &&
	    strncmp(line->at, "- ", 2) != 0)
		return line_u64(line, what, MEM_UNKNOWN - 1, kib);
	*kib = MEM_UNKNOWN;
	return line_word(line, what);
}

bool line_id(struct line *line, const char *what, uint32_t n, uint32_t *ix)
{
	const char *word = line_word(line, what);
	uint64_t number;

	if (!word)
		return false;
	*ix = ID_NONE;
	if (strcmp(word, "-") == 0)
		return true;
	if (!parse_number(word, UINT32_MAX, &number) || number >= n)
		return err_set(line->err,
		    "%s is \"%s\", and there are %u of them", what, word, n);
	*ix = (uint32_t)number;
	return true;
}

bool line_known_id(
    struct line *line, const char *what, uint32_t n, uint32_t *ix)
{
	if (!line_id(line, what, n, ix))
		return false;
	return *ix != ID_NONE || err_set(line->err, "%s is missing", what);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What C's %a wrote of a finite number or an infinity, put together again
 * from its bits: [-]0xh.hhhp[+-]e, of at most 13 digits after the point. */
static bool parse_real(const char *word, double *number)
{
	bool minus = *word == '-', below;
	uint64_t bits = 0, e;
	int n = 0, digit;

	word += minus;
	if (strcmp(word, "inf") == 0) {
		bits = UINT64_C(0x7ff) << 52;
		goto done;
	}
	if (word[0] != '0' || word[1] != 'x' ||
	    (word[2] != '0' && word[2] != '1'))
		return false;
	below = word[2] == '0'; /* zero, or less than the least normal */
	word += 3;
	if (*word == '.')
		for (word++; (digit = hex_digit(*word)) >= 0; word++, n++)
			bits = bits << 4 | (uint64_t)digit;
	if (n > 13 || word[0] != 'p' || (word[1] != '+' && word[1] != '-'))
		return false;
	bits <<= 4 * (13 - n);
	if (!parse_number(word + 2, 1023, &e) || (word[1] == '-' && e == 1023))
		return false;
	if (!below)
		bits |= (word[1] == '-' ? 1023 - e : 1023 + e) << 52;
	else if (bits && (word[1] == '+' || e != 1022))
		return false;
done:
	bits |= (uint64_t)minus << 63;
	memcpy(number, &bits, sizeof bits);
	return true;
}

bool line_real(struct line *line, const char *what, double *number)
{
	const char *word = line_word(line, what);

	if (!word)
		return false;
	return parse_real(word, number) ||
	       err_set(line->err,
	           "%s is \"%s\", not a number as %%a "
	           "writes it",
	           what, word);
}

bool line_kind(struct line *line, const char *what,
    const char *(*name)(uint32_t kind), uint32_t n, uint32_t *kind)
{
	const char *word = line_word(line, what);

	if (!word)
		return false;
	for (*kind = 0; *kind < n; ++*kind)
		if (strcmp(word, name(*kind)) == 0)
			return true;
	return err_set(line->err, "\"%s\" is no %s", word, what);
}
