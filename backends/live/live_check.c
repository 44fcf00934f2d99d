/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest configurations are asked of the hosts before anything is created: of
 * every VM once, by whichever host has nothing else to check, and on every
 * host one VM of each of the site's configurations, for what they name must
 * be there too.  A host has one question at a time, and is asked again if it
 * does not answer.
 *
 * An environment is queued when all that answer have found it right.  One
 * that any host finds wrong is refused until an operator asks for it again.
 */
#include <stdio.h>
#include <string.h>

#include "backends/live/live_inside.h"

static uint32_t n_guests(const struct live *live)
{
	return 2 * live->model->n_envs;
}

/* Which of the site's configurations, 2 e or 2 e + 1, is the VM's? */
static uint32_t guest_of(const struct live *live, uint32_t v)
{
	const struct vm *vm = &live->model->vms[v];

	return 2 * vm->env.ix + vm->is_head;
}

static bool *right_on(const struct live *live, uint32_t host, uint32_t guest)
{
	return &live->right_on[(size_t)host * n_guests(live) + guest];
}

/* The first VM that has this configuration; ID_NONE: nobody does. */
static uint32_t first_of(const struct live *live, uint32_t guest)
{
	const struct environment *env = &live->model->envs[guest / 2];

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (guest_of(live, env->first_vm + i) == guest)
			return env->first_vm + i;
	return ID_NONE;
}

/* What is to be asked of a host, in the order of their ids; ID_NONE: no more.
 * What is refused already needs no second reason. */

static uint32_t next_vm(struct live *live)
{
	while (live->first_check < live->model->n_vms) {
		uint32_t v = live->first_check++;

		if (live->checks[v] == CHECK_TO_DO &&
		    !live->envs[live->model->vms[v].env.ix].wrong)
			return v;
	}
	return ID_NONE;
}

static uint32_t next_guest(struct live *live, uint32_t host)
{
	struct live_host *h = &live->hosts[host];

	for (; h->first_guest < n_guests(live); h->first_guest++) {
		uint32_t v = first_of(live, h->first_guest);

		if (v != ID_NONE && !*right_on(live, host, h->first_guest) &&
		    !live->envs[h->first_guest / 2].wrong)
			return v;
	}
	return ID_NONE;
}

/* Asking. */

static void send_check(struct live *live, uint32_t host)
{
	static struct message_check check;
	struct live_host *h = &live->hosts[host];
	const struct vm *vm = &live->model->vms[h->check_vm];
	struct wire_writer w;
	struct err err = {""};

	h->check = live->next_request++;
	h->check_ns = live->now_ns;
	memset(&check, 0, sizeof check);
	snprintf(check.vm, sizeof check.vm, "%s", vm->name);
	check.mem_kib = vm->mem_kib;
	if (!live->out.configure(
		live->out.self, h->check_vm, check.config, &err)) {
		live_log(live, "error vm=%s config=\"%s\"", vm->name, err.text);
		return;
	}
	wire_writer_init(&w, live->bytes, sizeof live->bytes);
	if (message_write_check(&w, h->check, &check))
		live->out.send(live->out.self, host, live->bytes, w.len);
}

/* Somebody else may check what this host was asked. */
static void drop_check(struct live *live, uint32_t host)
{
	struct live_host *h = &live->hosts[host];

	if (h->check && live->checks[h->check_vm] == CHECK_ASKED) {
		live->checks[h->check_vm] = CHECK_TO_DO;
		live->first_check = 0;
	}
	h->check = 0;
}

void live_check_host(struct live *live, uint32_t host)
{
	struct live_host *h = &live->hosts[host];

	if (live_is_stale(live, host)) {
		drop_check(live, host);
		return;
	}
	if (h->check) {
		if (live->now_ns - h->check_ns >= LIVE_ANSWER_NS)
			send_check(live, host);
		return;
	}
	h->check_vm = next_guest(live, host);
	if (h->check_vm == ID_NONE)
		h->check_vm = next_vm(live);
	if (h->check_vm == ID_NONE)
		return;
	if (live->checks[h->check_vm] == CHECK_TO_DO)
		live->checks[h->check_vm] = CHECK_ASKED;
	send_check(live, host);
}

/* What was answered. */

static void refuse_env(struct live *live, uint32_t host, uint32_t v,
    const struct message_checked *checked)
{
	const struct vm *vm = &live->model->vms[v];
	struct live_env *env = &live->envs[vm->env.ix];
	const struct env_setup *site = &live->site->envs[vm->env.ix];
	const char *path = vm->is_head ? site->head_config : site->vm_config;

	live->checks[v] = CHECK_WRONG;
	env->wrong = true;
	/* What stands for something has no line breaks: its lines are the
	 * file's. */
	snprintf(env->wrong_text, sizeof env->wrong_text,
	    "%.240s:%u: %s (of %s, says %s)", path ? path : vm->name,
	    checked->line ? checked->line : 1, checked->text, vm->name,
	    live->model->hosts[host].name);
	live_log(live, "wrong environment=%s text=\"%s\"",
	    live->model->envs[vm->env.ix].name, env->wrong_text);
}

void live_check_answered(struct live *live, uint32_t host, uint64_t request,
    const struct message_checked *checked)
{
	struct live_host *h = &live->hosts[host];
	uint32_t v = h->check_vm;

	if (!h->check || request != h->check)
		return;
	if (checked->right) {
		live->checks[v] = CHECK_RIGHT;
		*right_on(live, host, guest_of(live, v)) = true;
	} else {
		refuse_env(live, host, v, checked);
	}
	h->check = 0;
	live_check_host(live, host);
}

void live_check_again(struct live *live, uint32_t e)
{
	const struct environment *env = &live->model->envs[e];

	live->envs[e].wrong = false;
	for (uint32_t i = 0; i < env->n_vms; i++)
		live->checks[env->first_vm + i] = CHECK_TO_DO;
	live->first_check = 0;
	for (uint32_t h = 0; h < live->model->n_hosts; h++) {
		/* What it was asked of this is of no use any more. */
		if (live->hosts[h].check &&
		    live->model->vms[live->hosts[h].check_vm].env.ix == e)
			live->hosts[h].check = 0;
		live->hosts[h].first_guest = 0;
		*right_on(live, h, 2 * e) = false;
		*right_on(live, h, 2 * e + 1) = false;
	}
}

/* What it means. */

static bool is_vm_right(const struct live *live, uint32_t e)
{
	const struct environment *env = &live->model->envs[e];

	for (uint32_t i = 0; i < env->n_vms; i++)
		if (live->checks[env->first_vm + i] != CHECK_RIGHT)
			return false;
	return true;
}

uint32_t live_check_waits_for(const struct live *live, uint32_t e)
{
	for (uint32_t h = 0; h < live->model->n_hosts; h++) {
		if (live_is_stale(live, h))
			continue;
		for (uint32_t g = 2 * e; g <= 2 * e + 1; g++)
			if (first_of(live, g) != ID_NONE &&
			    !*right_on(live, h, g))
				return h;
		if (live->hosts[h].check &&
		    live->model->vms[live->hosts[h].check_vm].env.ix == e)
			return h;
	}
	return is_vm_right(live, e) ? ID_NONE : 0;
}

enum live_check live_check(const struct live *live, struct err *err)
{
	bool any_heard = false;

	for (uint32_t e = 0; e < live->model->n_envs; e++)
		if (live->envs[e].wrong) {
			err_set(err, "%s", live->envs[e].wrong_text);
			return LIVE_CHECKED_WRONG;
		}
	for (uint32_t h = 0; h < live->model->n_hosts; h++)
		any_heard |= !live_is_stale(live, h);
	for (uint32_t e = 0; any_heard && e < live->model->n_envs; e++)
		if (live_check_waits_for(live, e) != ID_NONE)
			return LIVE_CHECKING;
	return LIVE_CHECKED_RIGHT;
}
