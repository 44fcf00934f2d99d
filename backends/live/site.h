/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of a site beside the scenario itself: keys, and guest
 * configurations, in the language of xl.cfg(5) with these in their place:
 *
 *	${name}         of the VM         ${environment}  of its environment
 *	${number}       in it, from 1 (the head VM is 0)
 *	${memory}       MiB, when created ${memory-max}   MiB, the most
 *	${vcpus}        whole CPUs
 *
 * All is read and checked before anything is touched.
 */
#ifndef BACKENDS_LIVE_SITE_H
#define BACKENDS_LIVE_SITE_H

#include "backends/curve.h"
#include "backends/host.h"
#include "scenarios/scenario.h"

struct live_site {
	const struct scenario *scenario; /* borrowed */
	struct curve_key key;
	struct curve_public *hosts;
	char **addresses; /* of hosts, without ports */
	char **configs;   /* of environment e: 2 e VMs', 2 e + 1 its head's */
};

bool live_site_open(struct live_site *site, const struct scenario *scenario,
    struct err *err);
void live_site_close(struct live_site *site);

/* The configuration of one VM. */
bool live_site_configure(const struct live_site *site, uint32_t vm,
    char config[HOST_CONFIG_MAX], struct err *err);

#endif
