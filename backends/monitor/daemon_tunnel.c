/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the monitoring daemon claims of its VMs in the virtual network; see
 * tunnel.h.  Claims that were not heard are kept here until they are.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"

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

static bool try_claim(struct daemon *daemon, const struct location_claim *claim)
{
	static const char *const names[N_LOCATION_WORDS] = {
	    "arrives", "starts", "stays", "leaves", "ends"};
	char mac[MAC_TEXT_BYTES];
	struct err err = {""};
	bool heard =
	    daemon->out.tunnel->claim(daemon->out.tunnel_self, claim, &err);

	daemon_log(daemon, err.text[0] ? LEVEL_WARNING : LEVEL_INFO,
	    "tunnel mac=%s word=%s epoch=%" PRIu64 " text=\"%s\"",
	    mac_format(claim->macs[0], mac), names[claim->word], claim->epoch,
	    err.text);
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
void daemon_tunnel_step(struct daemon *daemon)
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

/* Hand-overs. */

void daemon_tunnel_entered(
    struct daemon *daemon, const struct daemon_handover *h)
{
	switch (h->state) {
	case TARGET_READY:
	case TARGET_CHECKING:
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_ARRIVES);
		break;
	case TARGET_STARTING:
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_STARTS);
		break;
	case TARGET_DISCARDING:
	case TARGET_DISCARDED:
	case SOURCE_MOVED:
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_LEAVES);
		break;
	case SOURCE_TAKING_BACK:
		daemon_tunnel_claim(daemon, &h->claim, LOCATION_STAYS);
		break;
	case TARGET_LOST:
	case SOURCE_LOST:
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
