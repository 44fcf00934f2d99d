/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ids: indices into the tables of struct model, never bare ints, so that a
 * host cannot be passed for a VM.  They are dense, start at 0 and are stable
 * for the life of a model: tables only grow.
 */
#ifndef CORE_IDS_H
#define CORE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#define ID_NONE UINT32_MAX

struct domain_id {
	uint32_t ix;
};
struct host_id {
	uint32_t ix;
};
struct env_id {
	uint32_t ix;
};
struct vm_id {
	uint32_t ix;
};

#define NO_DOMAIN ((struct domain_id){ID_NONE})
#define NO_HOST ((struct host_id){ID_NONE})
#define NO_ENV ((struct env_id){ID_NONE})
#define NO_VM ((struct vm_id){ID_NONE})

static inline bool host_is(struct host_id a, struct host_id b)
{
	return a.ix == b.ix;
}

static inline bool host_none(struct host_id h)
{
	return h.ix == ID_NONE;
}

#endif
