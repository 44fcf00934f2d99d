/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Admission: does what the site promises fit the infrastructure, seen from
 * this host?  Pure; the paths' MTUs are measured by the caller.
 */
#ifndef BACKENDS_TUNNEL_ADMIT_H
#define BACKENDS_TUNNEL_ADMIT_H

#include "backends/tunnel/site.h"

/*
 * path_mtu[i] is that of the path to host i's address (0: not known, taken as
 * Ethernet's 1500).  Sets the MTU of WireGuard and of each environment that
 * names none to the most that fits; refuses an environment that promises
 * more, saying what would be right.
 */
bool admit_site(
    struct site *site, uint32_t me, const uint32_t *path_mtu, struct err *err);

#endif
