/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of one subcommand; see opts.h. */
#include "sim/opts.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTS = 24 };

static void print_help(const struct opts *o)
{
	printf("usage: violin %s [OPTION]...%s%s\n\n%s\n\n", o->name,
	    *o->args ? " " : "", o->args, o->about);
	for (const struct opt *opt = o->opts; opt->name; opt++) {
		char name[40];

		snprintf(name, sizeof name, "--%s%s%s", opt->name,
		    opt->arg ? " " : "", opt->arg ? opt->arg : "");
		if (opt->letter)
			printf(
			    "  -%c, %-20s %s\n", opt->letter, name, opt->help);
		else
			printf("      %-20s %s\n", name, opt->help);
	}
	printf("  -h, %-20s print this and end\n", "--help");
}

static int say_usage(const struct opts *o)
{
	fprintf(stderr,
	    "usage: violin %s [OPTION]...%s%s; see violin %s "
	    "--help\n",
	    o->name, *o->args ? " " : "", o->args, o->name);
	return EXIT_USAGE;
}

static bool set_number(const struct opt *opt, const char *value)
{
	char *end;

	errno = 0;
	*opt->number = strtoull(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end && !errno;
}

static bool set(const struct opts *o, const struct opt *opt, const char *value)
{
	if (opt->flag) {
		*opt->flag = true;
	} else if (opt->text) {
		*opt->text = value;
	} else if (opt->list && opt->list->n < OPT_LIST_MAX) {
		opt->list->values[opt->list->n++] = value;
	} else if (opt->list) {
		fprintf(stderr, "violin %s: --%s is given more than %d times\n",
		    o->name, opt->name, OPT_LIST_MAX);
		return false;
	} else if (!set_number(opt, value)) {
		fprintf(stderr, "violin %s: --%s is \"%s\", %s\n", o->name,
		    opt->name, value,
		    errno == ERANGE ? "which is too large"
		                    : "not a whole number, 0 or more");
		return false;
	}
	return true;
}

/* The tables that getopt_long reads. */
static int lay_out(const struct opts *o, char *letters, struct option *longs)
{
	int n = 0;

	*letters++ = 'h';
	for (const struct opt *opt = o->opts; opt->name; opt++, n++) {
		assert(n < MAX_OPTS);
		longs[n] = (struct option){opt->name,
		    opt->arg ? required_argument : no_argument, NULL,
		    opt->letter ? opt->letter : 256 + n};
		if (opt->letter)
			*letters++ = opt->letter;
		if (opt->letter && opt->arg)
			*letters++ = ':';
	}
	*letters = '\0';
	longs[n] = (struct option){"help", no_argument, NULL, 'h'};
	longs[n + 1] = (struct option){0};
	return n;
}

int opts_parse(const struct opts *o, int argc, char **argv, int *status)
{
	char letters[2 * MAX_OPTS + 2], name[64];
	struct option longs[MAX_OPTS + 2];
	int n = lay_out(o, letters, longs), c;

	snprintf(name, sizeof name, "violin %s", o->name);
	argv[0] = name; /* for what getopt says */
	optind = 0;
	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		int i = 0;

		if (c == 'h') {
			print_help(o);
			*status = EXIT_DONE;
			return -1;
		}
		while (i < n && longs[i].val != c)
			i++;
		if (i == n) {
			say_usage(o);
			return -1;
		}
		if (!set(o, &o->opts[i], optarg))
			return -1;
	}
	if (argc - optind >= o->min_args && argc - optind <= o->max_args)
		return optind;
	say_usage(o);
	return -1;
}

int opts_fail(const struct opts *o, int status, const char *text)
{
	fflush(stdout);
	fprintf(stderr, "violin %s: %s\n", o->name, text);
	return status;
}
