/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The site file again, while the daemon runs: hosts, environments, VMs and
 * keys become what it says now.  What it says as before is not touched: the
 * kernel's tables are changed only where they differ, control connections stay
 * but for those of another endpoint.  What is known of locations is kept.
 */
#ifndef BACKENDS_TUNNEL_RELOAD_H
#define BACKENDS_TUNNEL_RELOAD_H

#include "backends/tunnel/peers.h"

/* False with err, and all is as it was: the file is wrong, or not to be had on
 * this host.  True: it is taken; t->follows says whether the kernel could. */
bool reload(struct tunneld *t, struct peers *peers, struct err *err);

#endif
