/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The site file again; see reload.h. */
#include "backends/tunnel/reload.h"

#include <sodium.h>
#include <string.h>

/* What belongs to one reading of the site file. */
struct reading {
	struct site site;
	uint32_t me;
	bool has_wireguard;
	struct wireguard wireguard;
};

static struct reading put_aside(struct tunneld *t)
{
	struct reading old = {.site = t->site,
	    .me = t->me,
	    .has_wireguard = t->has_wireguard,
	    .wireguard = t->wireguard};

	memset(&t->site, 0, sizeof t->site);
	return old;
}

static void put_back(struct tunneld *t, struct reading *old)
{
	site_fini(&t->site);
	t->site = old->site;
	t->me = old->me;
	t->has_wireguard = old->has_wireguard;
	t->wireguard = old->wireguard;
	t->misfit = false;
}

bool reload(struct tunneld *t, struct peers *peers, struct err *err)
{
	struct reading old = put_aside(t);
	bool taken =
	    tunneld_load_site(t, err) && peers_reload(peers, t, err);

	if (taken) {
		site_fini(&old.site);
		tunneld_take_site(t);
		tunneld_reconcile(t, tunneld_now_ns());
		tunneld_log("%s is read again", t->options.config);
	} else {
		put_back(t, &old);
		tunneld_log("%s; the site stays what it was", err->text);
	}
	sodium_memzero(&old, sizeof old);
	return taken;
}
