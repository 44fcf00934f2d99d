/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a site right?  A manager that only observes, beside the one that runs:
 * connections of its own, generation 0, and nothing of the core.
 */
#include "backends/live/run.h"

#include <stdlib.h>

#include "backends/live/run_inside.h"

/* A host that has not been heard of by then is checked when it is; one that
 * has been has so long to check. */
#define HEAR_NS (3 * NS_PER_S)
#define CHECK_NS (30 * NS_PER_S)

static bool has_heard_all(const struct live_run *run)
{
	for (uint32_t h = 0; h < run->scenario->model.n_hosts; h++)
		if (live_view_host(run->live, h).heard_ns < 0)
			return false;
	return true;
}

static void wait_hosts(struct live_run *run)
{
	uint32_t n = run->scenario->model.n_hosts;

	for (uint32_t h = 0; h < n; h++)
		curve_client_poll_item(run->hosts[h], &run->items[h]);
	zmq_poll(run->items, (int)n, 50);
}

static bool ask_hosts(struct live_run *run, struct err *err)
{
	int64_t now_ns = live_run_now_ns(run);
	int64_t hear_ns = now_ns + HEAR_NS, end_ns = now_ns + CHECK_NS;
	enum live_check check = LIVE_CHECKING;

	while (now_ns < end_ns && check != LIVE_CHECKED_WRONG &&
	    (check == LIVE_CHECKING ||
	        (now_ns < hear_ns && !has_heard_all(run)))) {
		live_tick(run->live, now_ns);
		wait_hosts(run);
		run_receive_all(run);
		now_ns = live_run_now_ns(run);
		check = live_check(run->live, err);
	}
	return check != LIVE_CHECKED_WRONG;
}

bool live_run_check(const struct scenario *scenario, struct err *err)
{
	struct live_run *run = calloc(1, sizeof *run);
	bool ok;

	if (!run)
		return err_set(err, "not enough memory");
	run->checking = true;
	ok = run_open_site(run, scenario, err) && ask_hosts(run, err);
	run_close_site(run);
	free(run);
	return ok;
}
