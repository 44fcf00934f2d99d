/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors that come from outside; see err.h. */
#include "core/err.h"

#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, const char *format, ...)
{
	va_list ap;

	if (!err)
		return false;
	va_start(ap, format);
	vsnprintf(err->text, sizeof err->text, format, ap);
	va_end(ap);
	return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;
	size_t n;

	if (!err)
		return false;
	memcpy(old, err->text, sizeof old);
	va_start(ap, format);
	vsnprintf(err->text, sizeof err->text, format, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof err->text - n, ": %s", old);
	return false;
}
