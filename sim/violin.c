/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program `violin`: a table of subcommands (sim/cmd.h). */
#include <stdio.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/digest.h"
#include "sim/opts.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
    {"run", cmd_run, "run a scenario"},
    {"compare", cmd_compare, "run it under several policies, side by side"},
    {"sweep", cmd_sweep, "run it for many seeds, parameters and policies"},
    {"check", cmd_check, "check a scenario file; print it normalised"},
    {"plot", cmd_plot, "draw the figures of a result directory"},
    {"replay", cmd_replay, "ask the core again for the plans of a record"},
    {"import", cmd_import, "make a scenario's workload from a trace archive"},
    {"trace", cmd_trace, "write the workload of a model as a trace"},
    {"policies", cmd_policies, "list the policies and their parameters"},
    {"status", cmd_status, "live: what a running manager knows and does"},
    {"create", cmd_create, "live: ask for an environment"},
    {"destroy", cmd_destroy, "live: destroy an environment"},
    {"drain", cmd_drain, "live: move everything off a host"},
    {"undrain", cmd_undrain, "live: let it take VMs again"},
    {"pause", cmd_pause, "live: take no decisions"},
    {"resume", cmd_resume, "live: take decisions again"},
    {"resolve", cmd_resolve, "live: settle a hand-over by an operator's word"},
    {"reload", cmd_reload, "live: read the site again"},
    {"keygen", cmd_keygen, "live: write a new key"},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static int print_help(FILE *out, int status)
{
	fputs("usage: violin COMMAND [OPTION]... [ARGUMENT]...\n\n"
	      "Virtual environments that adapt themselves to a shared "
	      "infrastructure.\n\n", out);
	for (int i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name,
		    commands[i].summary);
	fputs("\nviolin COMMAND --help says more; so does violin(1).\n", out);
	return status;
}

static int print_version(void)
{
	printf("violin %s\ncore %s\n", VIOLIN_VERSION, core_digest);
#ifdef HAVE_LIVE
	puts("live mode is in this program");
#else
	puts("live mode is not in this program: ZeroMQ, libsodium and libmnl "
	     "were not there when it was built");
#endif
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return print_help(stdout, EXIT_DONE);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		return print_version();
	for (int i = 0; i < N_COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0) {
			int status = commands[i].run(argc - 1, argv + 1);

			if (fflush(stdout) == 0 && !ferror(stdout))
				return status;
			fputs("violin: cannot write to standard output\n",
			    stderr);
			return EXIT_FAILED;
		}
	if (*name)
		fprintf(stderr, "violin: there is no command \"%s\"\n", name);
	return print_help(stderr, EXIT_USAGE);
}
