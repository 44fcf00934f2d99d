/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is heard of the filter: what it has dropped, and who has changed it;
 * see filter.h. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/tunnel/filter.h"
#include "backends/tunnel/nft.h"

void filter_counters_fini(struct filter_counters *counters)
{
	free(counters->counters);
	*counters = (struct filter_counters){0};
}

const struct filter_counter *filter_find_counter(
    const struct filter_counters *counters, const char *name)
{
	for (size_t i = 0; i < counters->n_counters; i++)
		if (!strcmp(counters->counters[i].name, name))
			return &counters->counters[i];
	return NULL;
}

static struct filter_counter *add_counter(struct filter_counters *counters)
{
	if (counters->n_counters == counters->cap) {
		counters->cap = counters->cap ? 2 * counters->cap : 16;
		counters->counters = realloc(counters->counters,
		    counters->cap * sizeof *counters->counters);
		if (!counters->counters)
			abort();
	}
	counters->counters[counters->n_counters] = (struct filter_counter){0};
	return &counters->counters[counters->n_counters++];
}

struct object {
	const struct nlattr *name, *data, *table;
	const struct nlattr *bytes, *packets;
};

static int on_object(const struct nlattr *attr, void *data)
{
	struct object *o = data;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_OBJ_TABLE:
		o->table = attr;
		break;
	case NFTA_OBJ_NAME:
		o->name = attr;
		break;
	case NFTA_OBJ_DATA:
		o->data = attr;
		break;
	}
	return MNL_CB_OK;
}

static int on_data(const struct nlattr *attr, void *data)
{
	struct object *o = data;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_COUNTER_BYTES:
		o->bytes = attr;
		break;
	case NFTA_COUNTER_PACKETS:
		o->packets = attr;
		break;
	}
	return MNL_CB_OK;
}

static uint64_t get_u64(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(uint64_t)
	           ? be64toh(mnl_attr_get_u64(attr))
	           : 0;
}

static bool is_text(const struct nlattr *attr, const char *text)
{
	return attr && mnl_attr_get_payload_len(attr) == strlen(text) + 1 &&
	       !memcmp(mnl_attr_get_payload(attr), text, strlen(text) + 1);
}

bool filter_parse_counter(
    const struct nlmsghdr *message, struct filter_counters *counters)
{
	struct object o = {0};
	struct filter_counter *c;
	size_t n;

	if (!nl_has_payload(message, sizeof(struct nfgenmsg)))
		return false;
	mnl_attr_parse(message, sizeof(struct nfgenmsg), on_object, &o);
	if (!o.name || !o.data || !is_text(o.table, FILTER_TABLE))
		return true;
	mnl_attr_parse_nested(o.data, on_data, &o);
	c = add_counter(counters);
	n = mnl_attr_get_payload_len(o.name);
	if (n >= sizeof c->name)
		n = sizeof c->name - 1;
	memcpy(c->name, mnl_attr_get_payload(o.name), n);
	c->bytes = get_u64(o.bytes);
	c->packets = get_u64(o.packets);
	return true;
}

static bool visit(const struct nlmsghdr *message, void *context)
{
	return filter_parse_counter(message, context);
}

static void restart(void *context)
{
	struct filter_counters *counters = context;

	counters->n_counters = 0;
}

bool filter_read_counters(
    struct nl *netfilter, struct filter_counters *counters, struct err *err)
{
	_Alignas(struct nlmsghdr) char buffer[256] = {0};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *general;

	request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	general = mnl_nlmsg_put_extra_header(request, sizeof *general);
	general->nfgen_family = AF_UNSPEC;
	mnl_attr_put_strz(request, NFTA_OBJ_TABLE, FILTER_TABLE);
	return nl_request(netfilter, request, visit, restart, counters) ||
	       err_set(err, "reading nf_tables' counters: %s", strerror(errno));
}

/* Every message on a table, or on what is in one, names it by its first
 * attribute: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, ... */
static int on_table(const struct nlattr *attr, void *data)
{
	bool *ours = data;

	if (mnl_attr_get_type(attr) != NFTA_TABLE_NAME)
		return MNL_CB_OK;
	*ours = mnl_attr_get_payload_len(attr) == sizeof FILTER_TABLE &&
	        !memcmp(mnl_attr_get_payload(attr), FILTER_TABLE,
	            sizeof FILTER_TABLE);
	return MNL_CB_STOP;
}

static bool names_our_table(const struct nlmsghdr *message)
{
	bool ours = false;

	if (message->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES &&
	    nl_has_payload(message, sizeof(struct nfgenmsg)))
		mnl_attr_parse(
		    message, sizeof(struct nfgenmsg), on_table, &ours);
	return ours;
}

bool filter_is_touched(const void *messages, size_t len, unsigned own_port)
{
	const struct nlmsghdr *message = messages;
	int left = (int)len;

	for (; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left))
		if (message->nlmsg_pid != own_port && names_our_table(message))
			return true;
	return false;
}
