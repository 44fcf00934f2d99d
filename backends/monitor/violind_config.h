/* SPDX-License-Identifier: GPL-3.0-or-later */
/* violind's configuration file, violind.conf(5). */
#ifndef BACKENDS_MONITOR_VIOLIND_CONFIG_H
#define BACKENDS_MONITOR_VIOLIND_CONFIG_H

#include "backends/curve.h"
#include "backends/monitor/daemon.h"
#include "backends/relay.h"

struct violind_config {
	char *name;
	char *listen;  /* the control endpoint, "tcp://ADDRESS:PORT" */
	char *journal; /* directory */
	char *tunnel;  /* violin-tunneld's socket; NULL: no virtual network */
	struct curve_key key;
	struct curve_public *managers;
	size_t n_managers;
	char *migration_address;
	struct relay_config relay;
	struct daemon_config daemon; /* host and incarnation are not set */
};

/* Reads, checks and fills in defaults.  The key file is read too.  Errors
 * name file, line and column.  Owned by the caller: violind_config_fini. */
bool violind_config_load(
    struct violind_config *config, const char *path, struct err *err);
void violind_config_fini(struct violind_config *config);

#endif
