/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libxl's messages: warnings to stderr, and the last error kept, because
 * libxl's functions return no text. */
#include <stdio.h>
#include <string.h>

#include "backends/xen/xen_inside.h"

static void __attribute__((format(printf, 5, 0)))
take_message(xentoollog_logger *logger, xentoollog_level level, int number,
    const char *context, const char *format, va_list args)
{
	struct xen_log *log = (struct xen_log *)(void *)logger;
	char text[HOST_TEXT_MAX];

	if (level < XTL_WARN)
		return;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	if (level >= XTL_ERROR)
		memcpy(log->last, text, sizeof(text));
	fprintf(stderr, "%s: %s%s%s\n", context ? context : "libxl", text,
	    number > 0 ? ": " : "", number > 0 ? strerror(number) : "");
}

static void take_progress(xentoollog_logger *logger, const char *context,
    const char *what, int percent, unsigned long done, unsigned long total)
{
	(void)logger, (void)context, (void)what;
	(void)percent, (void)done, (void)total;
}

static void destroy(xentoollog_logger *logger)
{
	(void)logger;
}

void xen_log_init(struct xen_log *log)
{
	*log =
	    (struct xen_log){.vtable = {take_message, take_progress, destroy}};
}

bool xen_refuse(struct xen_log *log, struct err *err, const char *what)
{
	err_set(err, "%s: %s", what,
	    log->last[0] ? log->last : "libxl does not say why");
	log->last[0] = '\0';
	return false;
}
