/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the monitoring daemon claims of its VMs in the virtual network; see
 * tunnel.h.  Claims are kept here until they are answered, and who has heard of
 * a move is asked for here.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/monitor/daemon_inside.h"

/* Between two tries while the kernel does not follow yet. */
static const int64_t follow_step_ns = 20 * NS_PER_MS;

/* Who has heard of a move is asked so often; after the second, or without an
 * answer, no more often than claims are repeated. */
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
		if (share_a_mac(&daemon->claims[i].claim, claim))
			daemon->claims[i].claim.n_macs = 0;
}

/* Does anything wait to be answered of these MACs? */
static bool is_kept(
    const struct daemon *daemon, const struct location_claim *claim)
{
	for (size_t i = 0; i < DAEMON_CLAIMS; i++)
		if (share_a_mac(&daemon->claims[i].claim, claim))
			return true;
	return false;
}

static struct daemon_claim *keep(
    struct daemon *daemon, const struct location_claim *claim)
{
	for (size_t i = 0; i < DAEMON_CLAIMS; i++) {
		struct daemon_claim *c = &daemon->claims[i];

		if (c->claim.n_macs > 0)
			continue;
		*c = (struct daemon_claim){
		    .claim = *claim, .pause_ns = TUNNEL_RETRY_NS};
		return c;
	}
	daemon_log(daemon, LEVEL_ERROR,
	    "tunnel error=\"a claim is given up: %d others wait\"",
	    DAEMON_CLAIMS);
	return NULL;
}

static void log_claim(struct daemon *daemon,
    const struct location_claim *claim, const char *text)
{
	static const char *const names[N_LOCATION_WORDS] = {
	    "arrives", "starts", "stays", "leaves", "ends"};
	char mac[MAC_TEXT_BYTES];

	daemon_log(daemon, text[0] ? LEVEL_WARNING : LEVEL_INFO,
	    "tunnel mac=%s word=%s epoch=%" PRIu64 " text=\"%s\"",
	    mac_format(claim->macs[0], mac), names[claim->word], claim->epoch,
	    text);
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

/* When is the next one to be sent again? */
static void plan_claims(struct daemon *daemon)
{
	daemon->claim_ns = TIME_NEVER;
	for (size_t i = 0; i < DAEMON_CLAIMS; i++)
		if (daemon->claims[i].claim.n_macs > 0 &&
		    daemon->claims[i].next_ns < daemon->claim_ns)
			daemon->claim_ns = daemon->claims[i].next_ns;
}

/* Asks who has heard no later than then. */
static void ask_by(
    struct daemon *daemon, struct daemon_handover *h, int64_t at_ns)
{
	h->ask_ns = at_ns;
	if (at_ns < daemon->ask_ns)
		daemon->ask_ns = at_ns;
}

/* The claim is answered. */
static void settle(struct daemon *daemon, struct daemon_claim *c,
    const struct tunnel_answer *answer)
{
	struct daemon_handover *h =
	    daemon_handover_find(daemon, c->claim.epoch);
	bool starts = c->claim.word == LOCATION_STARTS;

	log_claim(daemon, &c->claim,
	    answer->follows ? ""
	                    : "heard, but the kernel does not follow; "
	                      "violin-tunneld's log says why");
	c->claim.n_macs = 0;
	plan_claims(daemon);
	if (!starts || !h || h->network != NETWORK_WAITS)
		return;
	note_network(daemon, h, answer->network);
	if (h->state == TARGET_RUNNING)
		ask_by(daemon, h, daemon->now_ns);
}

/* Who has heard by now. */
static void take_news(struct daemon *daemon, struct daemon_handover *h,
    const struct tunnel_answer *answer)
{
	int64_t age_ns = daemon->now_ns - h->ran_ns;

	h->asked = 0;
	if (h->network != NETWORK_WAITS)
		return;
	note_network(daemon, h, answer->network);
	if (h->network != NETWORK_WAITS)
		ask_by(daemon, h, daemon->now_ns); /* it need not be */
	else if (age_ns < ask_soon_ns)
		ask_by(daemon, h, daemon->now_ns + ask_step_ns);
}

/* Of what was superseded nobody wants to know. */
static void take_answer(
    struct daemon *daemon, const struct tunnel_answer *answer)
{
	daemon->tunnel_silent = false;
	for (size_t i = 0; i < DAEMON_CLAIMS; i++) {
		struct daemon_claim *c = &daemon->claims[i];

		if (c->claim.n_macs > 0 &&
		    c->claim.request == answer->request &&
		    (answer->follows || !c->awaited))
			settle(daemon, c, answer);
	}
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		struct daemon_handover *h = &daemon->handovers[i];

		if (h->id != 0 && h->asked != 0 && h->asked == answer->request)
			take_news(daemon, h, answer);
	}
}

static bool hear(
    struct daemon *daemon, int64_t *wait_ns, struct tunnel_answer *answer)
{
	if (!daemon->out.tunnel->hear(
	        daemon->out.tunnel_self, wait_ns, answer))
		return false;
	take_answer(daemon, answer);
	return true;
}

static void take_answers(struct daemon *daemon, int64_t wait_ns)
{
	struct tunnel_answer answer;

	while (hear(daemon, &wait_ns, &answer))
		;
}

/* Says when to send it again.  False if it could not be sent. */
static bool send_claim(struct daemon *daemon, struct daemon_claim *c)
{
	int64_t retry_ns = daemon->config.retry_ns;
	struct err err = {""};

	if (c->pause_ns > retry_ns)
		c->pause_ns = retry_ns;
	c->next_ns = daemon->now_ns + c->pause_ns;
	c->pause_ns *= 2;
	if (c->next_ns < daemon->claim_ns)
		daemon->claim_ns = c->next_ns;
	if (daemon->out.tunnel->claim(
	        daemon->out.tunnel_self, &c->claim, &err))
		return true;
	log_claim(daemon, &c->claim, err.text);
	return false;
}

/* A claim that comes twice changes nothing, so sending it again after a while
 * is how to learn that the kernel follows at last. */
static void claim_again(
    struct daemon *daemon, struct daemon_claim *c, int64_t *wait_ns)
{
	int64_t step_ns = follow_step_ns;

	*wait_ns -= step_ns;
	take_answers(daemon, step_ns);
	if (c->claim.n_macs > 0)
		daemon->out.tunnel->claim(
		    daemon->out.tunnel_self, &c->claim, NULL);
}

/* Until it is heard and the kernel follows. */
static void await(struct daemon *daemon, struct daemon_claim *c)
{
	int64_t wait_ns = TUNNEL_WAIT_NS;
	struct tunnel_answer answer, last = {0};

	c->awaited = true;
	while (c->claim.n_macs > 0 && hear(daemon, &wait_ns, &answer)) {
		if (c->claim.n_macs == 0 || answer.request != c->claim.request)
			continue;
		last = answer;
		if (wait_ns <= 2 * follow_step_ns)
			break;
		claim_again(daemon, c, &wait_ns);
	}
	c->awaited = false;
	if (c->claim.n_macs == 0)
		return;
	if (last.request != 0) {
		settle(daemon, c, &last);
		return;
	}
	daemon->tunnel_silent = wait_ns <= 0;
	log_claim(daemon, &c->claim, "no answer yet");
}

/* NULL if it could not be sent, or is sent only once. */
static struct daemon_claim *claim_now(struct daemon *daemon,
    const struct location_claim *claim, enum location_word word)
{
	struct location_claim own = *claim;
	struct daemon_claim *c;

	if (!daemon->out.tunnel || claim->n_macs == 0)
		return NULL;
	own.word = word;
	own.request = ++daemon->n_requests;
	supersede(daemon, &own);
	c = keep(daemon, &own);
	if (c)
		return send_claim(daemon, c) ? c : NULL;
	daemon->out.tunnel->claim(daemon->out.tunnel_self, &own, NULL);
	return NULL;
}

void daemon_tunnel_claim(struct daemon *daemon,
    const struct location_claim *claim, enum location_word word)
{
	claim_now(daemon, claim, word);
}

/* Claims what has to be true before the VM speaks, and waits for it. */
static void claim_and_wait(struct daemon *daemon,
    const struct location_claim *claim, enum location_word word)
{
	struct daemon_claim *c = claim_now(daemon, claim, word);

	if (c && !daemon->tunnel_silent)
		await(daemon, c);
}

static void repeat_claims(struct daemon *daemon)
{
	if (daemon->claim_ns > daemon->now_ns)
		return;
	for (size_t i = 0; i < DAEMON_CLAIMS; i++) {
		struct daemon_claim *c = &daemon->claims[i];

		if (c->claim.n_macs > 0 && c->next_ns <= daemon->now_ns)
			send_claim(daemon, c);
	}
	plan_claims(daemon);
}

/* Who has heard? */

/* What waits to be claimed would not be seen in the answer, so while it does
 * nobody is asked. */
static void ask(struct daemon *daemon, struct daemon_handover *h)
{
	struct location_claim claim = h->claim;

	claim.word = LOCATION_ASKS;
	if (is_kept(daemon, &claim))
		return;
	if (h->asked == 0)
		h->asked = ++daemon->n_requests;
	claim.request = h->asked;
	daemon->out.tunnel->claim(daemon->out.tunnel_self, &claim, NULL);
}

/* Gives when to come again; TIME_NEVER: no need to. */
static int64_t follow_up(struct daemon *daemon, struct daemon_handover *h)
{
	if (h->ran_ns == 0)
		h->ran_ns = daemon->now_ns;
	if (h->ask_ns > daemon->now_ns)
		return h->ask_ns;
	if (daemon->now_ns - h->ran_ns >= TUNNEL_TELL_NS) {
		h->network = NETWORK_UNKNOWN;
		daemon_log(daemon, LEVEL_WARNING,
		    "network handover=%" PRIu64 " vm=%s error=\"not all hosts "
		    "have heard where it is\"",
		    h->id, h->vm);
		return TIME_NEVER;
	}
	h->ask_ns = daemon->now_ns + daemon->config.retry_ns;
	ask(daemon, h);
	return h->ask_ns;
}

static void ask_all(struct daemon *daemon)
{
	int64_t next_ns = TIME_NEVER;

	if (daemon->ask_ns > daemon->now_ns)
		return;
	for (size_t i = 0; i < MESSAGE_HANDOVERS_MAX; i++) {
		struct daemon_handover *h = &daemon->handovers[i];
		int64_t at_ns = TIME_NEVER;

		if (h->id != 0 && h->state == TARGET_RUNNING &&
		    h->network == NETWORK_WAITS)
			at_ns = follow_up(daemon, h);
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
	if (!daemon->out.tunnel)
		return;
	take_answers(daemon, 0);
	repeat_claims(daemon);
	ask_all(daemon);
}

/* Hand-overs. */

/* The VM is about to run here; until it is known, the network waits. */
static void switch_network(struct daemon *daemon, struct daemon_handover *h)
{
	if (daemon->out.tunnel && h->claim.n_macs > 0)
		h->network = NETWORK_WAITS;
	claim_and_wait(daemon, &h->claim, LOCATION_STARTS);
}

/* Asks in the next step, whose time is that after the VM began to run. */
static void await_network(struct daemon *daemon, struct daemon_handover *h)
{
	if (h->network == NETWORK_WAITS)
		ask_by(daemon, h, daemon->now_ns + 1);
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
		claim_and_wait(daemon, &h->claim, LOCATION_STAYS);
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
