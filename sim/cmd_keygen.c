/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violin keygen: a key for the manager or for one host's violind. */
#include <stdio.h>

#include "sim/cmd.h"
#include "sim/opts.h"
#ifdef HAVE_LIVE
#include "backends/curve.h"
#endif

int cmd_keygen(int argc, char **argv)
{
	const struct opt table[] = {{0}};
	const struct opts opts = {"keygen", "FILE",
	    "Writes a new secret key into FILE, which only its owner can "
	    "read, and its\npublic half into FILE.pub.", 1, 1, table};
	int status, first = opts_parse(&opts, argc, argv, &status);
#ifdef HAVE_LIVE
	char text[CURVE_KEY_TEXT];
	struct err err = {""};
	struct curve_key key;

	if (first < 0)
		return status;
	curve_key_generate(&key);
	if (!curve_key_save(&key, argv[first], &err))
		return opts_fail(&opts, EXIT_FAILED, err.text);
	curve_public_print(&key.public, text);
	printf("%s\n", text);
	return EXIT_DONE;
#else
	if (first < 0)
		return status;
	return opts_fail(
	    &opts, EXIT_FAILED, "live mode is not in this program");
#endif
}
