/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's messages as the tunnel daemon reads them, and the site file:
 * any bytes are read or refused, and what was read can be reconciled.  The
 * first byte says as what.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/tunnel/desire.h"
#include "backends/tunnel/diff.h"
#include "backends/tunnel/filter.h"
#include "backends/tunnel/rtnl.h"
#include "backends/tunnel/wireguard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Calls `take` with each message, in memory that ends where they end. */
static void each_message(const uint8_t *data, size_t size,
    bool (*take)(const struct nlmsghdr *, void *), void *context)
{
	struct nlmsghdr *copy = malloc(size + 1), *m = copy;
	int left = (int)size;

	memcpy(copy, data, size);
	/* libmnl takes a length above INT_MAX; the kernel has none. */
	for (; mnl_nlmsg_ok(m, left) && m->nlmsg_len <= INT_MAX;
	     m = mnl_nlmsg_next(m, &left))
		if (!take(m, context))
			break;
	free(copy);
}

static bool take_rtnl(const struct nlmsghdr *m, void *context)
{
	return rtnl_parse(m, context);
}

static bool take_counter(const struct nlmsghdr *m, void *context)
{
	return filter_parse_counter(m, context);
}

static bool take_wireguard(const struct nlmsghdr *m, void *context)
{
	return wireguard_parse(m, context);
}

static unsigned index_of(const char *name)
{
	return *name ? 9 : 0;
}

static void try_kernel(const uint8_t *data, size_t size)
{
	static _Alignas(struct nlmsghdr) char buffer[RTNL_OP_BYTES];
	struct net actual = {0}, want = {0};
	struct diff diff = {0};
	struct err err;
	char text[DIFF_TEXT_BYTES];
	size_t len;

	each_message(data, size, take_rtnl, &actual);
	rtnl_finish(&actual);
	if (diff_nets(&diff, &want, &actual, &err))
		for (size_t i = 0; i < diff.n_ops; i++) {
			diff_format(&diff.ops[i], text);
			rtnl_build(&diff.ops[i], index_of, buffer, &len);
		}
	diff_fini(&diff);
	net_fini(&actual);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_counters counters = {0};
	struct wireguard_device device = {0};
	struct site site;
	struct err err;

	if (size < 1)
		return 0;
	switch (data[0] % 4) {
	case 0:
		try_kernel(data + 1, size - 1);
		break;
	case 1:
		each_message(data + 1, size - 1, take_counter, &counters);
		filter_counters_fini(&counters);
		break;
	case 2:
		each_message(data + 1, size - 1, take_wireguard, &device);
		wireguard_device_fini(&device);
		break;
	case 3:
		if (site_parse(
		        &site, "site", (const char *)data + 1, size - 1, &err))
			site_fini(&site);
		break;
	}
	return 0;
}
