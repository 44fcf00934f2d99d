/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nf_tables messages; see nft.h. */
#include "backends/tunnel/nft.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
	MESSAGE_ROOM = 2048, /* no message but of elements is longer */
	ELEMENT_ROOM = 128,
	LIMIT_BURST_DIVISOR = 10, /* a burst of 100 ms at the full rate */
};

static void start(struct nft *nft, uint16_t type, uint16_t flags,
    uint8_t family, uint16_t resource)
{
	struct nfgenmsg *general;

	assert(nft->cap - nft->len >= MESSAGE_ROOM);
	nft->message = mnl_nlmsg_put_header(nft->buffer + nft->len);
	nft->message->nlmsg_type = type;
	nft->message->nlmsg_flags = NLM_F_REQUEST | flags;
	general = mnl_nlmsg_put_extra_header(nft->message, sizeof *general);
	general->nfgen_family = family;
	general->version = NFNETLINK_V0;
	general->res_id = htons(resource);
}

static void finish(struct nft *nft)
{
	nft->len += MNL_ALIGN(nft->message->nlmsg_len);
	nft->message = NULL;
}

static void start_in_table(struct nft *nft, uint8_t type, uint16_t flags)
{
	start(nft, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags,
	    nft->family, 0);
}

static void put_u32(struct nft *nft, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(nft->message, type, htonl(value));
}

static void put_u64(struct nft *nft, uint16_t type, uint64_t value)
{
	mnl_attr_put_u64(nft->message, type, htobe64(value));
}

static void put_text(struct nft *nft, uint16_t type, const char *text)
{
	mnl_attr_put_strz(nft->message, type, text);
}

static struct nlattr *nest(struct nft *nft, uint16_t type)
{
	return mnl_attr_nest_start(nft->message, type);
}

static void unnest(struct nft *nft, struct nlattr *nest_start)
{
	mnl_attr_nest_end(nft->message, nest_start);
}

void nft_begin(struct nft *nft, void *buffer, size_t cap)
{
	*nft = (struct nft){.buffer = buffer, .cap = cap};
	start(nft, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	finish(nft);
}

void nft_end(struct nft *nft)
{
	start(nft, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	finish(nft);
}

static void put_table(struct nft *nft, uint8_t type, uint16_t flags)
{
	start_in_table(nft, type, flags);
	put_text(nft, NFTA_TABLE_NAME, nft->table);
	finish(nft);
}

void nft_delete_table(struct nft *nft, uint8_t family, const char *table)
{
	nft->family = family;
	nft->table = table;
	/* Deleting needs it to be there, and adding does not mind if it is. */
	put_table(nft, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	put_table(nft, NFT_MSG_DELTABLE, 0);
}

void nft_replace_table(struct nft *nft, uint8_t family, const char *table)
{
	nft_delete_table(nft, family, table);
	put_table(nft, NFT_MSG_NEWTABLE, NLM_F_CREATE);
}

static void start_chain(struct nft *nft, const char *name)
{
	start_in_table(nft, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	put_text(nft, NFTA_CHAIN_TABLE, nft->table);
	put_text(nft, NFTA_CHAIN_NAME, name);
}

void nft_add_chain(struct nft *nft, const char *name)
{
	start_chain(nft, name);
	finish(nft);
}

void nft_add_base_chain(
    struct nft *nft, const char *name, uint32_t hook, int32_t priority)
{
	struct nlattr *at;

	start_chain(nft, name);
	at = nest(nft, NFTA_CHAIN_HOOK);
	put_u32(nft, NFTA_HOOK_HOOKNUM, hook);
	put_u32(nft, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	unnest(nft, at);
	put_u32(nft, NFTA_CHAIN_POLICY, NF_ACCEPT);
	put_text(nft, NFTA_CHAIN_TYPE, "filter");
	finish(nft);
}

void nft_add_counter(
    struct nft *nft, const char *name, uint64_t packets, uint64_t bytes)
{
	struct nlattr *data;

	start_in_table(nft, NFT_MSG_NEWOBJ, NLM_F_CREATE);
	put_text(nft, NFTA_OBJ_TABLE, nft->table);
	put_text(nft, NFTA_OBJ_NAME, name);
	put_u32(nft, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	data = nest(nft, NFTA_OBJ_DATA);
	put_u64(nft, NFTA_COUNTER_BYTES, bytes);
	put_u64(nft, NFTA_COUNTER_PACKETS, packets);
	unnest(nft, data);
	finish(nft);
}

void nft_add_set(
    struct nft *nft, const char *name, uint32_t key_bytes, bool verdicts)
{
	start_in_table(nft, NFT_MSG_NEWSET, NLM_F_CREATE);
	put_text(nft, NFTA_SET_TABLE, nft->table);
	put_text(nft, NFTA_SET_NAME, name);
	put_u32(nft, NFTA_SET_ID, ++nft->set_id);
	put_u32(nft, NFTA_SET_FLAGS, verdicts ? NFT_SET_MAP : 0);
	put_u32(nft, NFTA_SET_KEY_TYPE, 0);
	put_u32(nft, NFTA_SET_KEY_LEN, key_bytes);
	if (verdicts) {
		put_u32(nft, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
		put_u32(nft, NFTA_SET_DATA_LEN, sizeof(uint32_t));
	}
	finish(nft);
}

void nft_begin_elements(struct nft *nft, const char *set)
{
	start_in_table(nft, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	put_text(nft, NFTA_SET_ELEM_LIST_TABLE, nft->table);
	put_text(nft, NFTA_SET_ELEM_LIST_SET, set);
	nft->list = nest(nft, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void put_verdict(
    struct nft *nft, uint16_t type, int32_t code, const char *chain)
{
	struct nlattr *data = nest(nft, type);
	struct nlattr *verdict = nest(nft, NFTA_DATA_VERDICT);

	put_u32(nft, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		put_text(nft, NFTA_VERDICT_CHAIN, chain);
	unnest(nft, verdict);
	unnest(nft, data);
}

static void put_value(
    struct nft *nft, uint16_t type, const void *data, size_t bytes)
{
	struct nlattr *value = nest(nft, type);

	mnl_attr_put(nft->message, NFTA_DATA_VALUE, bytes, data);
	unnest(nft, value);
}

void nft_element(
    struct nft *nft, const void *key, size_t key_bytes, const char *chain)
{
	struct nlattr *element;

	assert(nft->cap - nft->len >=
	       nft->message->nlmsg_len + (size_t)ELEMENT_ROOM);
	/* The list's length is 16 bits: on with the next message. */
	if (nft->message->nlmsg_len > UINT16_MAX - 2 * ELEMENT_ROOM) {
		char set[NFT_SET_MAXNAMELEN];
		const struct nlattr *name = mnl_nlmsg_get_payload_offset(
		    nft->message, sizeof(struct nfgenmsg));

		strcpy(set, mnl_attr_get_str(mnl_attr_next(name)));
		nft_end_elements(nft);
		nft_begin_elements(nft, set);
	}
	element = nest(nft, NFTA_LIST_ELEM);
	put_value(nft, NFTA_SET_ELEM_KEY, key, key_bytes);
	if (chain)
		put_verdict(nft, NFTA_SET_ELEM_DATA, NFT_GOTO, chain);
	unnest(nft, element);
}

void nft_end_elements(struct nft *nft)
{
	unnest(nft, nft->list);
	finish(nft);
}

void nft_begin_rule(struct nft *nft, const char *chain)
{
	start_in_table(nft, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	put_text(nft, NFTA_RULE_TABLE, nft->table);
	put_text(nft, NFTA_RULE_CHAIN, chain);
	nft->list = nest(nft, NFTA_RULE_EXPRESSIONS);
}

void nft_end_rule(struct nft *nft)
{
	unnest(nft, nft->list);
	finish(nft);
}

/* An expression in a rule: two nests, closed together. */
struct expression {
	struct nlattr *element, *data;
};

static struct expression begin_expression(struct nft *nft, const char *name)
{
	struct expression e;

	e.element = nest(nft, NFTA_LIST_ELEM);
	put_text(nft, NFTA_EXPR_NAME, name);
	e.data = nest(nft, NFTA_EXPR_DATA);
	return e;
}

static void end_expression(struct nft *nft, struct expression e)
{
	unnest(nft, e.data);
	unnest(nft, e.element);
}

void nft_meta(struct nft *nft, uint32_t key)
{
	struct expression e = begin_expression(nft, "meta");

	put_u32(nft, NFTA_META_DREG, NFT_REG_1);
	put_u32(nft, NFTA_META_KEY, key);
	end_expression(nft, e);
}

void nft_payload(
    struct nft *nft, uint32_t base, uint32_t offset, uint32_t bytes)
{
	struct expression e = begin_expression(nft, "payload");

	put_u32(nft, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(nft, NFTA_PAYLOAD_BASE, base);
	put_u32(nft, NFTA_PAYLOAD_OFFSET, offset);
	put_u32(nft, NFTA_PAYLOAD_LEN, bytes);
	end_expression(nft, e);
}

void nft_mask(struct nft *nft, const void *mask, size_t bytes)
{
	static const uint8_t zero[16];
	struct expression e = begin_expression(nft, "bitwise");

	put_u32(nft, NFTA_BITWISE_SREG, NFT_REG_1);
	put_u32(nft, NFTA_BITWISE_DREG, NFT_REG_1);
	put_u32(nft, NFTA_BITWISE_LEN, (uint32_t)bytes);
	put_value(nft, NFTA_BITWISE_MASK, mask, bytes);
	put_value(nft, NFTA_BITWISE_XOR, zero, bytes);
	end_expression(nft, e);
}

void nft_cmp(struct nft *nft, uint32_t op, const void *data, size_t bytes)
{
	struct expression e = begin_expression(nft, "cmp");

	put_u32(nft, NFTA_CMP_SREG, NFT_REG_1);
	put_u32(nft, NFTA_CMP_OP, op);
	put_value(nft, NFTA_CMP_DATA, data, bytes);
	end_expression(nft, e);
}

void nft_lookup(struct nft *nft, const char *set, bool inverted)
{
	struct expression e = begin_expression(nft, "lookup");

	put_text(nft, NFTA_LOOKUP_SET, set);
	put_u32(nft, NFTA_LOOKUP_SREG, NFT_REG_1);
	put_u32(nft, NFTA_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0);
	end_expression(nft, e);
}

void nft_vmap(struct nft *nft, const char *map)
{
	struct expression e = begin_expression(nft, "lookup");

	put_text(nft, NFTA_LOOKUP_SET, map);
	put_u32(nft, NFTA_LOOKUP_SREG, NFT_REG_1);
	put_u32(nft, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	end_expression(nft, e);
}

void nft_limit_over(struct nft *nft, uint64_t packets_a_second)
{
	struct expression e = begin_expression(nft, "limit");
	uint64_t burst = packets_a_second / LIMIT_BURST_DIVISOR + 1;

	put_u64(nft, NFTA_LIMIT_RATE, packets_a_second);
	put_u64(nft, NFTA_LIMIT_UNIT, 1); /* second */
	put_u32(nft, NFTA_LIMIT_BURST, (uint32_t)burst);
	put_u32(nft, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	put_u32(nft, NFTA_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	end_expression(nft, e);
}

void nft_counter(struct nft *nft, const char *name)
{
	struct expression e = begin_expression(nft, "objref");

	put_u32(nft, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	put_text(nft, NFTA_OBJREF_IMM_NAME, name);
	end_expression(nft, e);
}

void nft_verdict(struct nft *nft, int32_t code)
{
	struct expression e = begin_expression(nft, "immediate");

	put_u32(nft, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	put_verdict(nft, NFTA_IMMEDIATE_DATA, code, NULL);
	end_expression(nft, e);
}

void nft_clamp_mss(struct nft *nft, uint16_t bytes)
{
	uint16_t value = htons(bytes);
	struct expression e = begin_expression(nft, "immediate");

	put_u32(nft, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	put_value(nft, NFTA_IMMEDIATE_DATA, &value, sizeof value);
	end_expression(nft, e);
	e = begin_expression(nft, "exthdr");
	put_u32(nft, NFTA_EXTHDR_SREG, NFT_REG_1);
	mnl_attr_put_u8(nft->message, NFTA_EXTHDR_TYPE, TCPOPT_MAXSEG);
	put_u32(nft, NFTA_EXTHDR_OFFSET, 2);
	put_u32(nft, NFTA_EXTHDR_LEN, sizeof value);
	put_u32(nft, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	end_expression(nft, e);
}
