/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a peer is known to have heard; see peers.h. */
#include "backends/tunnel/peers.h"
#include "core/units.h"

static const int64_t again_ns = 1 * NS_PER_S;
static const int64_t idle_ns = 5 * NS_PER_S;

bool peer_sync_due(
    const struct peer_sync *sync, uint64_t changes, int64_t now_ns)
{
	return changes > sync->told || now_ns >= sync->tell_at_ns;
}

void peer_sync_told(struct peer_sync *sync, uint64_t change, int64_t now_ns)
{
	if (change > sync->told)
		sync->told = change;
	sync->tell_at_ns = now_ns + again_ns;
}

void peer_sync_heard(
    struct peer_sync *sync, uint64_t instance, uint64_t change, int64_t now_ns)
{
	if (sync->instance != instance) {
		bool restarted = sync->instance != 0;

		sync->instance = instance;
		if (restarted) {
			sync->heard = sync->told = 0;
			sync->tell_at_ns = now_ns;
			return;
		}
	}
	if (change > sync->heard && change <= sync->told)
		sync->heard = change;
	/* More than a message holds: go on at once. */
	sync->tell_at_ns =
	    sync->heard < sync->told ? now_ns + again_ns : now_ns + idle_ns;
}

int64_t peer_sync_next_ns(const struct peer_sync *sync)
{
	return sync->tell_at_ns;
}
