/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/host.h over libxl: one real Xen host.  Written for Xen 4.17, PVH
 * and PV guests, the credit and credit2 schedulers.
 *
 * Short calls are made in the caller; those that take long (create, destroy,
 * send, receive) each in a child process of their own, so that the caller
 * never waits for a guest.  Such a child dies with its parent.
 *
 * A guest says what memory it uses by violin-guest-agent, through xenstore.
 */
#ifndef BACKENDS_XEN_HOST_XEN_H
#define BACKENDS_XEN_HOST_XEN_H

#include "backends/host.h"

struct host_xen;
extern const struct host_api host_xen_api;

/* NULL and err filled if this is no Xen host, or without the right to it. */
struct host_xen *host_xen_open(struct err *err);

#endif
