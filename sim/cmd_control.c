/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked of a running manager over its control socket: violin status,
 * create, destroy, drain, undrain, pause, resume, resolve, reload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "sim/cmd.h"
#include "sim/opts.h"
#ifdef HAVE_LIVE
#include "backends/live/run.h"
#include "backends/live/serve.h"
#endif

/* Prints what comes behind "ok", or takes what comes behind "error". */
static int ask(const char *control, const char *request, struct err *err)
{
	int status = EXIT_FAILED;
#ifdef HAVE_LIVE
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		err_set(err, "not enough memory");
		return status;
	}
	if (serve_ask(control ? control : live_run_default_control(), request,
		out, err)) {
		fflush(out);
		if (size >= 3 && strncmp(text, "ok\n", 3) == 0) {
			fputs(text + 3, stdout);
			fflush(stdout);
			status = EXIT_DONE;
		} else {
			const char *why =
			    strncmp(text, "error ", 6) ? text : text + 6;

			err_set(err, "%.*s", (int)strcspn(why, "\n"), why);
		}
	}
	fclose(out);
	free(text);
#else
	(void)control;
	(void)request;
	err_set(err, "live mode is not in this program");
#endif
	return status;
}

int cmd_status(int argc, char **argv)
{
	const char *control = NULL;
	bool watch = false, json = false;
	const struct opt table[] = {
	    {'w', "watch", NULL, "again every 2 s, until interrupted",
	        .flag = &watch},
	    {0, "json", NULL, "as JSON", .flag = &json},
	    {0, "control", "PATH", "of the manager's control socket",
	        .text = &control},
	    {0}};
	const struct opts opts = {"status", "",
	    "Shows what a running manager knows: hosts, environments and VMs, "
	    "what is in\nflight, and its last decisions with their reasons.",
	    0, 0, table};
	struct err err = {""};
	int status;

	if (opts_parse(&opts, argc, argv, &status) < 0)
		return status;
	for (;;) {
		if (watch && !json)
			fputs("\033[H\033[J", stdout);
		status =
		    ask(control, json ? "status json" : "status", &err);
		if (status || !watch)
			break;
		sleep(2);
	}
	return status ? opts_fail(&opts, status, err.text) : status;
}

/* A command that is one word and its arguments. */
static int command(const char *name, const char *args, const char *about,
    int n_args, int argc, char **argv)
{
	const char *control = NULL;
	bool sure = false;
	const struct opt table[] = {
	    {0, "sure", NULL, "the risk is known and taken", .flag = &sure},
	    {0, "control", "PATH", "of the manager's control socket",
	        .text = &control},
	    {0}};
	/* resolve alone takes a risk */
	const struct opts opts = {name, args, about, n_args, n_args,
	    table + (strcmp(name, "resolve") != 0)};
	struct err err = {""};
	char request[512];
	int status, first = opts_parse(&opts, argc, argv, &status);

	if (first < 0)
		return status;
	for (int i = first; i < argc; i++)
		if (argv[i][strcspn(argv[i], " \n")])
			return opts_fail(
			    &opts, EXIT_USAGE, "a name has no spaces");
	snprintf(request, sizeof request, "%s %s %s %s", name,
	    n_args > 0 ? argv[first] : "", n_args > 1 ? argv[first + 1] : "",
	    sure ? "sure" : "");
	status = ask(control, request, &err);
	return status ? opts_fail(&opts, status, err.text) : status;
}

int cmd_create(int argc, char **argv)
{
	return command("create", "ENVIRONMENT",
	    "Asks for an environment of the site; the policy places it.", 1,
	    argc, argv);
}

int cmd_destroy(int argc, char **argv)
{
	return command("destroy", "ENVIRONMENT",
	    "Destroys all VMs of an environment.", 1, argc, argv);
}

int cmd_drain(int argc, char **argv)
{
	return command("drain", "HOST",
	    "Moves everything but head VMs off a host, for maintenance, under "
	    "whatever policy.", 1, argc, argv);
}

int cmd_undrain(int argc, char **argv)
{
	return command("undrain", "HOST", "Lets a host take VMs again.", 1,
	    argc, argv);
}

int cmd_pause(int argc, char **argv)
{
	return command("pause", "",
	    "Takes no decisions until resumed; what is under way is ended.", 0,
	    argc, argv);
}

int cmd_resume(int argc, char **argv)
{
	return command("resume", "", "Takes decisions again.", 0, argc, argv);
}

int cmd_reload(int argc, char **argv)
{
	return command("reload", "",
	    "Reads the site again: hosts and environments come or go.", 0,
	    argc, argv);
}

int cmd_resolve(int argc, char **argv)
{
	return command("resolve", "HANDOVER WORD",
	    "Settles a hand-over, shown by violin status, one end of which "
	    "stays silent.\nWORD is what to do: resume or drop the source's "
	    "copy, run or discard the\ntarget's, abort before the commit "
	    "point, or forget a record.  Says what could\nhappen, and does it "
	    "when --sure is given.", 2, argc, argv);
}
