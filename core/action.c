/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step that the manager asks of a world; see action.h. */
#include "core/action.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *action_kind_name(enum action_kind kind)
{
	static const char *const names[N_ACTION_KINDS] = {
	    "create", "destroy", "set-cpu", "set-memory", "migrate"};

	assert(kind < N_ACTION_KINDS);
	return names[kind];
}

uint32_t action_group_size(const struct action *a, uint32_t n)
{
	uint32_t size = 1;

	while (a->group && size < n && a[size].group == a->group)
		size++;
	return size;
}

/* Two decimals at most, none that say nothing: 0.5, 12, 33.33. */
static int number_print(char *text, size_t size, double number)
{
	int n = snprintf(text, size, "%.2f", number);

	while (n > 0 && text[n - 1] == '0')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '.')
		text[--n] = '\0';
	return n;
}

char *reason_print(const struct reason *reason, char *text, size_t size)
{
	const double numbers[] = {reason->x, reason->y};
	const char *from = reason->text ? reason->text : "";
	char number[340]; /* the longest double in %.2f has 313 characters */
	size_t at = 0, next = 0;

	assert(size > 0);
	while (*from && at + 1 < size) {
		size_t n = 1;
		const char *piece = from;

		if (from[0] == '{' && from[1] == '}' && next < 2) {
			n = (size_t)number_print(
			    number, sizeof number, numbers[next++]);
			piece = number;
			from++;
		}
		from++;
		if (n > size - 1 - at)
			n = size - 1 - at;
		memcpy(text + at, piece, n);
		at += n;
	}
	text[at] = '\0';
	return text;
}
