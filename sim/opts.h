/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of one subcommand: its options as a table, from which both
 * the parsing and the help come.
 */
#ifndef SIM_OPTS_H
#define SIM_OPTS_H

#include <stdbool.h>
#include <stdint.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum { OPT_LIST_MAX = 64 };

/* Values of an option that may be given again. */
struct opt_list {
	const char *values[OPT_LIST_MAX];
	uint32_t n;
};

struct opt {
	char letter; /* 0: only the long name */
	const char *name;
	const char *arg; /* what its value is called; NULL: a switch */
	const char *help;
	/* where it goes: one of these */
	bool *flag;
	const char **text;
	struct opt_list *list;
	uint64_t *number;
};

/* What a subcommand is called with; all texts are for its help. */
struct opts {
	const char *name;  /* "run" */
	const char *args;  /* "FILE" */
	const char *about; /* what it does, a few lines */
	int min_args, max_args;
	const struct opt *opts; /* ended by a NULL name */
};

/*
 * Parses argv (argv[0] is the subcommand).  Returns the index of the first
 * argument that is no option, argv being permuted so that all of them are
 * last; or -1 with *status: after --help (printed) or a mistake (said).
 */
int opts_parse(const struct opts *opts, int argc, char **argv, int *status);

/* Says "violin NAME: TEXT" on standard error; returns status. */
int opts_fail(const struct opts *opts, int status, const char *text);

#endif
