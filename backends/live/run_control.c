/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: one request a line, words apart by spaces, answered by
 * "ok" or "error WHY" on the first line and what else is to be said.
 *
 *	status [json]
 *	create ENVIRONMENT      destroy ENVIRONMENT
 *	drain HOST              undrain HOST
 *	pause                   resume
 *	resolve HANDOVER WORD [sure]
 *	reload
 */
#include <stdlib.h>
#include <string.h>

#include "backends/live/run_inside.h"

/* Wishes. */

static uint32_t find_env(const struct live_run *run, const char *name)
{
	const struct model *m = &run->scenario->model;

	for (uint32_t e = 0; e < m->n_envs; e++)
		if (strcmp(m->envs[e].name, name) == 0)
			return e;
	return ID_NONE;
}

static uint32_t find_host(const struct live_run *run, const char *name)
{
	const struct model *m = &run->scenario->model;

	for (uint32_t h = 0; h < m->n_hosts; h++)
		if (strcmp(m->hosts[h].name, name) == 0)
			return h;
	return ID_NONE;
}

/* What is for a host or an environment that this site has not is kept all the
 * same: another site may. */
static void fulfil(struct live_run *run, const struct wish *wish)
{
	static const enum live_fate fates[N_WISH_KINDS] = {
	    [WISH_CREATE] = LIVE_WISHED,
	    [WISH_DESTROY] = LIVE_UNWANTED,
	    [WISH_ENDED] = LIVE_ENDED,
	    [WISH_MAKING] = LIVE_MAKING};
	char line[WISH_NAME_MAX + 64];
	uint32_t ix;

	if (wish->kind == WISH_PAUSE) {
		run->paused = true;
	} else if (wish->kind == WISH_DRAIN) {
		ix = find_host(run, wish->name);
		if (ix != ID_NONE)
			live_drain(run->live, ix, true, NULL);
	} else {
		ix = find_env(run, wish->name);
		if (ix != ID_NONE)
			live_recall(run->live, ix, fates[wish->kind]);
	}
	snprintf(line, sizeof line, "wish %s name=%s",
	    wish_kind_name(wish->kind), wish->name);
	run_log(run, line);
}

void run_fulfil_wishes(struct live_run *run)
{
	for (uint32_t i = 0; i < run->wishes.n; i++)
		fulfil(run, &run->wishes.list[i]);
}

void run_keep_fate(void *self, uint32_t env, enum live_fate fate)
{
	struct live_run *run = self;
	const char *name = run->scenario->model.envs[env].name;
	enum wish_kind kind = fate == LIVE_ENDED ? WISH_ENDED : WISH_MAKING;
	char line[ERR_TEXT_MAX + 32];
	struct err err = {""};

	if (wishes_set(
		&run->wishes, kind, name, fate != LIVE_MADE, &err))
		return;
	snprintf(line, sizeof line, "error wish=%s text=\"%s\"",
	    wish_kind_name(kind), err.text);
	run_log(run, line);
}

/* Requests. */

/* It is obeyed; whether it will be after a restart is to be known. */
static bool keep(struct live_run *run, enum wish_kind kind, const char *name,
    bool is, struct err *err)
{
	return wishes_set(&run->wishes, kind, name, is, err) ||
	    err_prefix(err, "done, but a manager that starts again will not "
			    "know of it");
}

static bool ask_env(struct live_run *run, const char *word, const char *name,
    struct err *err)
{
	uint32_t e = find_env(run, name);
	bool create = strcmp(word, "create") == 0;

	if (e == ID_NONE)
		return err_set(err, "there is no environment \"%s\"", name);
	if (!run->options.act)
		return err_set(err, "this manager only observes; it was "
				    "started without --act");
	if (create ? !live_create(run->live, e, err)
	           : !live_destroy(run->live, e, err))
		return false;
	return keep(run, create ? WISH_CREATE : WISH_DESTROY, name, true, err);
}

static bool ask_host(struct live_run *run, const char *word, const char *name,
    struct err *err)
{
	uint32_t h = find_host(run, name);
	bool drain = strcmp(word, "drain") == 0;

	if (h == ID_NONE)
		return err_set(err, "there is no host \"%s\"", name);
	return live_drain(run->live, h, drain, err) &&
	    keep(run, WISH_DRAIN, name, drain, err);
}

static bool pause_run(struct live_run *run, bool paused, struct err *err)
{
	if (run->paused == paused)
		return err_set(err, paused ? "it is paused already"
		                           : "it is not paused");
	run->paused = paused;
	run_log(run, paused ? "paused by=operator" : "resumed by=operator");
	return keep(run, WISH_PAUSE, "", paused, err);
}

static bool has_handover(const struct live *live, uint64_t id)
{
	for (uint32_t i = 0; i < live_n_moves(live); i++)
		if (live_view_move(live, i).id == id)
			return true;
	return false;
}

static bool resolve(struct live_run *run, const char *number, const char *name,
    const char *sure, struct err *err)
{
	enum handover_word word = WORD_ABORT;
	char *end;
	uint64_t id = strtoull(number, &end, 10);

	if (*end || !has_handover(run->live, id))
		return err_set(err, "there is no hand-over %s; violin status "
				    "shows what there is", number);

	while (word < N_HANDOVER_WORDS &&
	    strcmp(handover_word_name(word), name) != 0)
		word++;
	if (word == N_HANDOVER_WORDS)
		return err_set(err, "\"%s\" is no word on a hand-over; right "
				    "is abort, drop, resume, run, discard or "
				    "forget", name);
	if (strcmp(sure, "sure") != 0)
		return err_set(err, "%s; say it again with --sure",
		    live_risk(word));
	return live_resolve(run->live, id, word, err);
}

static bool do_request(struct live_run *run, char *word, char *words[3],
    struct err *err)
{
	if (strcmp(word, "create") == 0 || strcmp(word, "destroy") == 0)
		return ask_env(run, word, words[0], err);
	if (strcmp(word, "drain") == 0 || strcmp(word, "undrain") == 0)
		return ask_host(run, word, words[0], err);
	if (strcmp(word, "pause") == 0 || strcmp(word, "resume") == 0)
		return pause_run(run, word[0] == 'p', err);
	if (strcmp(word, "resolve") == 0)
		return resolve(run, words[0], words[1], words[2], err);
	if (strcmp(word, "reload") == 0)
		return run_reload(run, err);
	return err_set(err, "\"%.40s\" is not understood", word);
}

void run_answer_control(void *self, char *request, FILE *out)
{
	struct live_run *run = self;
	char empty[1] = "", *words[3] = {empty, empty, empty}, *save = NULL;
	char *word = strtok_r(request, " ", &save), *next;
	struct err err = {""};

	for (int i = 0; i < 3 && (next = strtok_r(NULL, " ", &save)); i++)
		words[i] = next;
	if (!word)
		word = empty;
	if (strcmp(word, "status") == 0) {
		fputs("ok\n", out);
		if (strcmp(words[0], "json") == 0)
			run_print_json(run, out);
		else
			run_print_status(run, out);
	} else if (do_request(run, word, words, &err)) {
		fputs("ok\n", out);
		live_tick(run->live, live_run_now_ns(run));
	} else {
		fprintf(out, "error %s\n", err.text);
	}
}
