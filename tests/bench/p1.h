/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenario P1, on which simulators are compared: H hosts of 4 CPUs, V VMs of
 * one vCPU placed at random, each in a loop: sleep Exp(6 s); if now >= T stop;
 * execute Exp(2 CPU seconds); if now >= T stop.
 *
 * Placement of VM v: s = seed 7919 + v 0x2545F4914F6CDD1D; splitmix64(&s);
 * host = splitmix64(&s) mod H.  Its program draws from s = seed ^ ((v + 1)
 * 0xD1342543DE82EF95); Exp(m) = -m log1p(-u), u = (splitmix64(&s) >> 11)
 * 2^-53.
 */
#ifndef TESTS_BENCH_P1_H
#define TESTS_BENCH_P1_H

#include <math.h>
#include <stdint.h>

enum { P1_SEED = 42, P1_CPUS = 4, P1_VMS_PER_HOST = 10, P1_SLEEP_S = 6,
	P1_WORK_S = 2 };

static inline uint64_t p1_bits(uint64_t *s)
{
	uint64_t z = *s += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static inline double p1_exp(uint64_t *s, double mean)
{
	return -mean * log1p(-((double)(p1_bits(s) >> 11) * 0x1p-53));
}

static inline uint32_t p1_host(uint32_t v, uint32_t n_hosts)
{
	uint64_t s = P1_SEED * UINT64_C(7919) +
	             v * UINT64_C(0x2545F4914F6CDD1D);

	p1_bits(&s);
	return (uint32_t)(p1_bits(&s) % n_hosts);
}

static inline uint64_t p1_stream(uint32_t v)
{
	return P1_SEED ^ ((v + UINT64_C(1)) * UINT64_C(0xD1342543DE82EF95));
}

#endif
