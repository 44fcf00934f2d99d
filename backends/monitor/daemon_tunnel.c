/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the monitoring daemon claims of its VMs in the virtual network; see
 * tunnel.h.  Claims that were not heard are kept here until they are, and who
 * has heard of a move is asked for here.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"

/* Who has heard of a move is asked so often; after the second, no more often
 * than claims are repeated. */
static const int64_t ask_step_ns = 5 * NS_PER_MS;
static const int64_t ask_soon_ns = 1 * NS_PER_S;

/* Whose. */

static void add_mac(struct location_claim *claim, const char *text)
{
	char lower[MAC_TEXT_BYTES];
	struct mac mac;
	size_t n = strnlen(text, sizeof(lower) - 1);

	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	lower[n] = '\0';
	if (!mac_parse(lower, &mac))
		return;
	for (uint32_t i = 0; i < claim->n_macs; i++)
		if (mac_compare(claim->macs[i], mac) == 0)
			return;
	if (claim->n_macs < LOCATION_CLAIM_MACS)
		claim->macs[claim->n_macs++] = mac;
}

/* Is this the beginning of a line's comment, or inside it? */
static bool in_comment(const char *config, const char *at)
{
	while (at > config && at[-1] != '\n')
		if (*--at == '#')
			return true;
	return false;
}

void tunnel_find_macs(struct location_claim *claim, const char *config)
{
	const char *at = config;

	while ((at = strstr(at, "mac")) != NULL) {
		const char *value = at + 3;
		bool word = at == config || !isalnum((unsigned char)at[-1]);

		if (*value == '"')
			value++;
		value += strspn(value, " \t");
		if (word && (*value == '=' || *value == ':') &&
		    !in_comment(config, at))
			add_mac(claim, value + 1 + strspn(value + 1, " \t\""));
		at += 3;
	}
}

void daemon_tunnel_learn(
    struct daemon *daemon, struct location_claim *claim, const char *vm)
{
	static char config[HOST_CONFIG_MAX];

	if (daemon->out.tunnel &&
	    daemon->out.host->describe(
	        daemon->out.host_self, vm, config, sizeof(config), NULL))
		tunnel_find_macs(claim, config);
}

/* Claims. */

static bool share_a_mac(
    const struct location_claim *a, const struct location_claim *b)
{
	for (uint32_t i = 0; i < a->n_macs; i++)
		for (uint32_t k = 0; k < b->n_macs; k++)
			if (mac_compare(a->macs[i], b->macs[k]) == 0)
				return true;
	return false;
}

/* What was claimed of these MACs before no longer holds. */
static void supersede(struct daemon *daemon, const struct location_claim *claim)
{
	for (size_t i = 0; i < DAEMON_CLAIMS; i++)
		if (share_a_mac(&daemon->claims[i], claim))
			daemon->claims[i].n_macs = 0;
}

static void keep(struct daemon *daemon, const struct location_claim *claim)
{
	size_t i = 0;

	while (i < DAEMON_CLAIMS && daemon->claims[i].n_macs > 0)
		i++;
	if (i == DAEMON_CLAIMS) {
		daemon_log(daemon, LEVEL_ERROR,
		    "tunnel error=\"a claim is given up: %d others wait\"",
		    DAEMON_CLAIMS);
		return;
	}
	daemon->claims[i] = *claim;
	if (daemon->claim_ns == TIME_NEVER)
		daemon->claim_ns = daemon->now_ns + daemon->config.retry_ns;
}

/* Does anything wait to be claimed of these MACs? */
static bool is_kept(
    const struct daemon *daemon, const struct location_claim *claim)
{
	for (size_t i = 0; i < DAEMON_CLAIMS; i++)
		if (share_a_mac(&daemon->claims[i], claim))
			return true;
	return false;
}

/* Of the hand-over that brought the VM here. */
static void note_network(struct daemon *daemon, struct daemon_handover *h,
    enum network_state network)
{
	h->network = network;
	if (network != NETWORK_WHOLE)
		return;
	h->network_ns = h->ran_ns == 0 ? 0 : daemon->now_ns - h->ran_ns;
	daemon_log(daemon, LEVEL_INFO,
	    "network handover=%" PRIu64 " vm=%s whole after_ms=%.1f", h->id,
	    h->vm, (double)h->network_ns / NS_PER_MS);
}

static bool try_claim(struct daemon *daemon, const struct location_claim *claim)
{
	static const char *const names[N_LOCATION_WORDS] = {
	    "arrives", "starts", "stays", "leaves", "ends"};
	enum network_state network = NETWORK_UNKNOWN;
	struct daemon_handover *h;
	char mac[MAC_TEXT_BYTES];
	struct err err = {""};
	bool heard = daemon->out.tunnel->claim(
	    daemon->out.tunnel_self, claim, &network, &err);

	daemon_log(daemon, err.text[0] ? LEVEL_WARNING : LEVEL_INFO,
	    "tunnel mac=%s word=%s epoch=%" PRIu64 " text=\"%s\"",
	    mac_format(claim->macs[0], mac), names[claim->word], claim->epoch,
	    err.text);
	h = daemon_handover_find(daemon, claim->epoch);
	if (heard && h && claim->word == LOCATION_STARTS &&
	    h->network == NETWORK_WAITS)
		note_network(daemon, h, network);
	return heard;
}

void daemon_tunnel_claim(struct daemon *daemon,
    const struct location_claim *claim, enum location_word word)
{
	struct location_claim own = *claim;

	if (!daemon->out.tunnel || claim->n_macs == 0)
		return;
	own.word = word;
	supersede(daemon, &own);
	/* While others wait, nobody is there to hear this one either: it must
	 * not cost each hand-over the whole time. */
	if (daemon->claim_ns != TIME_NEVER || !try_claim(daemon, &own))
		keep(daemon, &own);
}

/* The first that is not heard ends it for this time. */
static void repeat_claims(struct daemon *daemon)
{
	bool heard = true;

	if (daemon->claim_ns > daemon->now_ns)
		return;
	daemon->claim_ns = TIME_NEVER;
	for (size_t i = 0; i < DAEMON_CLAIMS && heard; i++) {
		if (daemon->claims[i].n_macs == 0)
			continue;
		heard = try_claim(daemon, &daemon->claims[i]);
		if (heard)
			daemon->claims[i].n_macs = 0;
	}
	if (!heard)
		daemon->claim_ns = daemon->now_ns + daemon->config.retry_ns;
}

/* Who has heard? */

/* False if nobody answers.  What waits to be claimed would not be seen in the
 * answer, so while it does nobody is asked. */
static bool ask(struct daemon *daemon, struct daemon_handover *h)
{
	enum network_state network = NETWORK_WAITS;
	struct location_claim claim = h->claim;

	claim.word = LOCATION_ASKS;
	if (is_kept(daemon, &claim) ||
	    !daemon->out.tunnel->claim(
	        daemon->out.tunnel_self, &claim, &network, NULL))
		return false;
	if (network != NETWORK_WAITS)
		note_network(daemon, h, network);
	return true;
}

/* Nothing is asked of who has not answered just now.  Gives when to come
 * again; TIME_NEVER: no need to. */
static int64_t follow_up(
    struct daemon *daemon, struct daemon_handover *h, bool *heard)
{
	int64_t age_ns;

	if (h->ran_ns == 0)
		h->ran_ns = daemon->now_ns;
	age_ns = daemon->now_ns - h->ran_ns;
	*heard = *heard && ask(daemon, h);
	if (h->network != NETWORK_WAITS)
		return TIME_NEVER;
	if (age_ns >= TUNNEL_TELL_NS) {
		h->network = NETWORK_UNKNOWN;
		daemon_log(daemon, LEVEL_WARNING,
		    "network handover=%" PRIu64 " vm=%s error=\"not all hosts "
		    "have heard where it is\"",
		    h->id, h->vm);
		return TIME_NEVER;
	}
	return daemon->now_ns + (*heard && age_ns < ask_soon_ns
	                                ? ask_step_ns
	                                : daemon->config.retry_ns);
}

static void ask_all(struct daemon *daemon)
{
	int64_t next_ns = TIME_NEVER;
	bool heard = true;

	if (daemon->ask_ns > daemon->now_ns)
		return;
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		struct daemon_handover *h = &daemon->handovers[i];
		int64_t at_ns = TIME_NEVER;

		if (h->id != 0 && h->state == TARGET_RUNNING &&
		    h->network == NETWORK_WAITS)
			at_ns = follow_up(daemon, h, &heard);
		if (at_ns < next_ns)
			next_ns = at_ns;
	}
	daemon->ask_ns = next_ns;
}

uint64_t daemon_tunnel_network_ns(
    const struct daemon *daemon, const struct daemon_handover *h)
{
	if (h->network == NETWORK_WAITS && h->ran_ns != 0)
		return (uint64_t)(daemon->now_ns - h->ran_ns);
	return h->network == NETWORK_WHOLE ? (uint64_t)h->network_ns : 0;
}

void daemon_tunnel_step(struct daemon *daemon)
{
	repeat_claims(daemon);
	ask_all(daemon);
}

/* Hand-overs. */

/* The VM is about to run here; until it is known, the network waits. */
static void switch_network(struct daemon *daemon, struct daemon_handover *h)
{
	if (daemon->out.tunnel && h->claim.n_macs > 0)
		h->network = NETWORK_WAITS;
	daemon_tunnel_claim(daemon, &h->claim, LOCATION_STARTS);
}

/* Asks in the next step, whose time is that after the VM began to run. */
static void await_network(struct daemon *daemon, struct daemon_handover *h)
{
	if (h->network == NETWORK_WAITS)
		daemon->ask_ns = daemon->now_ns + 1;
}

void daemon_tunnel_entered(struct daemon *daemon, struct daemon_handover *h)
{
	switch (h->state) {
	case TARGET_READY:
	case TARGET_CHECKING:
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_ARRIVES);
		break;
	case TARGET_STARTING:
		switch_network(daemon, h);
		break;
	case TARGET_RUNNING:
		await_network(daemon, h);
		break;
	case TARGET_DISCARDING:
	case TARGET_DISCARDED:
	case SOURCE_MOVED:
		h->network = NETWORK_UNKNOWN;
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_LEAVES);
		break;
	case SOURCE_TAKING_BACK:
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_STAYS);
		break;
	case TARGET_LOST:
	case SOURCE_LOST:
		h->network = NETWORK_UNKNOWN;
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_ENDS);
		break;
	default:
		break;
	}
}

void daemon_tunnel_restart(struct daemon *daemon, struct daemon_handover *h)
{
	static const char *const suffixes[] = {
	    "", HOST_INCOMING, HOST_OUTGOING};
	char name[2 * HOST_NAME_MAX_LEN];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", h->vm, suffixes[i]);
		daemon_tunnel_learn(daemon, &h->claim, name);
	}
	/* What is over may be long past, and the VM here again. */
	if (!handover_is_over(h->state))
		daemon_tunnel_entered(daemon, h);
}

/* A manager lets the target forget when the source has destroyed its copy;
 * but by then the VM may be leaving for elsewhere. */
void daemon_tunnel_forget(
    struct daemon *daemon, const struct daemon_handover *h)
{
	struct host_vm vm;
	bool found;

	if (daemon->out.tunnel && h->state == TARGET_RUNNING &&
	    !daemon_handover_of_vm(daemon, h->vm) &&
	    daemon->out.host->find(
	        daemon->out.host_self, h->vm, &vm, &found, NULL))
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_STAYS);
}
