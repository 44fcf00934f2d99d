/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a monitoring daemon must know again after a crash: its hand-overs and
 * their states.  On disk (journal_open), or kept by a simulated world.
 *
 * On disk a hand-over is one file, ID.handover, of a line for each state it
 * went through:
 *
 *	1763833205.123 V1 source-committed
 *
 * so that it can be read by people.  A file is given its room when it is
 * made: a disk that fills up later does not stop a hand-over half-way.
 */
#ifndef BACKENDS_MONITOR_JOURNAL_H
#define BACKENDS_MONITOR_JOURNAL_H

#include "backends/handover.h"
#include "backends/host.h"

struct journal_entry {
	uint64_t id;
	char vm[HOST_NAME_MAX_LEN];
	enum handover_state state;
};

struct journal_api {
	/* Notes the state; the first of an id makes its record.  `durable`:
	 * on disk when this returns, and true only then. */
	bool (*note)(void *self, const struct journal_entry *entry,
	    bool durable, struct err *err);
	void (*forget)(void *self, uint64_t id);
	/* The last state of every record, at most max, ascending by id. */
	bool (*read)(void *self, struct journal_entry *entries, size_t max,
	    size_t *n, struct err *err);
};

/* The journal in a directory, which is made (mode 0700) if it is not there and
 * is locked: a second process that opens it is refused. */
struct journal;
extern const struct journal_api journal_files;
struct journal *journal_open(const char *path, struct err *err);
void journal_close(struct journal *journal);

/* Locks the host itself, by a file that is made if it is not there: a second
 * violind with a journal of its own would move the same VMs.  Returns its
 * descriptor, to be kept open, or -1. */
int journal_lock_host(const char *path, struct err *err);

#endif
