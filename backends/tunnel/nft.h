/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nf_tables messages, as far as filter.c needs them: a transaction that is
 * built in a buffer and then sent as a whole.  Building is pure.  Each
 * function is the statement or expression that nft(8) has of that name.
 */
#ifndef BACKENDS_TUNNEL_NFT_H
#define BACKENDS_TUNNEL_NFT_H

/* Before the kernel's, which then know it. */
#include <netinet/in.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "core/err.h"

/* A transaction, and the message of it that is being written. */
struct nft {
	char *buffer; /* of cap bytes, zeroed, large enough: see filter.c */
	size_t cap, len;
	struct nlmsghdr *message;
	struct nlattr *list; /* of a rule's expressions or a set's elements */
	uint8_t family;
	const char *table;
	uint32_t set_id;
};

void nft_begin(struct nft *nft, void *buffer, size_t cap);
void nft_end(struct nft *nft);

/* Makes the table empty, whatever it was; what follows goes into it. */
void nft_replace_table(struct nft *nft, uint8_t family, const char *table);
/* Makes it disappear. */
void nft_delete_table(struct nft *nft, uint8_t family, const char *table);

void nft_add_chain(struct nft *nft, const char *name);
void nft_add_base_chain(
    struct nft *nft, const char *name, uint32_t hook, int32_t priority);
void nft_add_counter(
    struct nft *nft, const char *name, uint64_t packets, uint64_t bytes);

/* A set of keys; or, if `verdicts`, a map from keys to chains. */
void nft_add_set(
    struct nft *nft, const char *name, uint32_t key_bytes, bool verdicts);
void nft_begin_elements(struct nft *nft, const char *set);
/* chain: NULL in a set that is no map. */
void nft_element(
    struct nft *nft, const void *key, size_t key_bytes, const char *chain);
void nft_end_elements(struct nft *nft);

void nft_begin_rule(struct nft *nft, const char *chain);
void nft_end_rule(struct nft *nft);
/* Expressions; all work on one register. */
void nft_meta(struct nft *nft, uint32_t key);
void nft_payload(
    struct nft *nft, uint32_t base, uint32_t offset, uint32_t bytes);
void nft_mask(struct nft *nft, const void *mask, size_t bytes);
void nft_cmp(struct nft *nft, uint32_t op, const void *data, size_t bytes);
void nft_lookup(struct nft *nft, const char *set, bool inverted);
void nft_vmap(struct nft *nft, const char *map);
void nft_limit_over(struct nft *nft, uint64_t packets_a_second);
void nft_counter(struct nft *nft, const char *name);
void nft_verdict(struct nft *nft, int32_t code);
/* Lowers TCP's option "maximum segment size", never raises it. */
void nft_clamp_mss(struct nft *nft, uint16_t bytes);

#endif
