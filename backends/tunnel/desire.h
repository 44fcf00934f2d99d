/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What should be in the kernel of one host, given the site, the locations and
 * the VMs' ports that are there.  Pure.
 *
 * For each environment of which a VM is here, or about to be here:
 *
 *     VM ports --- bridge viobN --- viovN ---- the link's VLAN   (same domain)
 *    (locked)          |      \ --- vioxN ---- VXLAN, per MAC to its host
 *                 neighbours        (isolated from each other)
 *
 * Nothing learns.  The bridge's table places every MAC of the environment at
 * one port, and a locked port carries only what is placed there; so a VM that
 * waits at its target, or is left over at its source, is mute because of
 * where the table says it is, and the switch-over is the change of one entry.
 */
#ifndef BACKENDS_TUNNEL_DESIRE_H
#define BACKENDS_TUNNEL_DESIRE_H

#include "backends/tunnel/net.h"
#include "backends/tunnel/site.h"

/* Fills `want` (empty), sorted.  `actual`, sorted, is asked only for which
 * VMs' ports there are. */
void desire_net(struct net *want, const struct site *site, uint32_t me,
    const struct location_table *locations, const struct net *actual);

/* The port of the VM with this MAC that is here, or NULL: the one whose alias
 * says so, or else the one that the site names for it. */
const struct net_link *desire_find_port(
    const struct site *site, const struct net *actual, struct mac mac);

#endif
