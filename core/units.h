/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quantities.  Every number carries its unit in its name:
 *
 *   _ns      time, integer nanoseconds since the start of the run (simulated)
 *            or since the manager's epoch (live)
 *   _mcpu    CPU, thousandths of one physical CPU (1000 = one CPU busy)
 *   _kib     memory, KiB (1024 bytes)
 *   _bps     rate, bits a second
 *   _bytes   amount of data, bytes
 */
#ifndef CORE_UNITS_H
#define CORE_UNITS_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define TIME_NEVER INT64_MAX

#define KIB_PER_MIB UINT64_C(1024)
#define KIB_PER_GIB UINT64_C(1048576)

enum {
	MCPU_PER_CPU = 1000,
	PAGE_KIB = 4,        /* a page of guest memory */
	WEIGHT_DEFAULT = 256, /* Xen's default scheduler weight */
	WEIGHT_MAX = 65535,
};

/* What is not known (a guest without an agent has unknown used memory). */
#define MEM_UNKNOWN UINT64_MAX

static inline double ns_to_s(int64_t ns)
{
	return (double)ns * 1e-9;
}

#endif
