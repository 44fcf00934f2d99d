/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is outside of a live manager (backends/live/live.h) and the same for
 * every test of it. */
#ifndef TESTS_LIVE_OUTSIDE_H
#define TESTS_LIVE_OUTSIDE_H

#include <stdio.h>

#include "backends/host.h"

static inline const char *address_of(void *self, uint32_t host)
{
	(void)self;
	(void)host;
	return "192.0.2.1";
}

static inline bool configure(
    void *self, uint32_t vm, char config[HOST_CONFIG_MAX], struct err *err)
{
	(void)self;
	(void)err;
	snprintf(config, HOST_CONFIG_MAX, "vm %u", vm);
	return true;
}

#endif
