/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random streams: named, seeded, and cheap enough for a million of them.
 *
 * A stream is 8 bytes of splitmix64 (Steele, Lea, Flood: Fast Splittable
 * Pseudorandom Number Generators, OOPSLA 2014), its start a hash of the run's
 * seed, the name of its purpose and an index.  So a new purpose, or one index
 * more, never shifts what another stream yields.  The distributions are
 * GSL's, over a generator type of our own.
 */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

#include "scenarios/scenario.h"

struct stream {
	uint64_t state;
};

/* GSL's view of a stream: gsl_rng g = stream_gsl(&stream). */
extern const gsl_rng_type stream_gsl_type;

static inline gsl_rng stream_gsl(struct stream *stream)
{
	return (gsl_rng){.type = &stream_gsl_type, .state = stream};
}

struct stream stream_of(uint64_t seed, const char *purpose, uint64_t index);

uint64_t stream_bits(struct stream *stream);

/* In [0, 1), with 53 random bits. */
double stream_uniform(struct stream *stream);

/* Normal, mean 0, this deviation. */
double stream_gaussian(struct stream *stream, double deviation);

/* A value of the distribution, never below 0. */
double stream_draw(struct stream *stream, const struct distribution *from);

#endif
