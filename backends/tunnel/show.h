/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the daemon tells about itself: its state (host, environments, VMs,
 * peers) and the counters of each environment, as text for people, as JSON,
 * or as Prometheus reads it.
 */
#ifndef BACKENDS_TUNNEL_SHOW_H
#define BACKENDS_TUNNEL_SHOW_H

#include "backends/tunnel/control.h"
#include "backends/tunnel/peers.h"
#include "backends/tunnel/tunneld.h"

/* Returns new text, or NULL with err. */
char *show_make(struct tunneld *t, const struct peers *peers,
    enum control_what what, enum control_format format, struct err *err);

#endif
