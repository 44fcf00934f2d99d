/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random streams over GSL's distributions; see stream.h. */
#include "sim/stream.h"

#include <assert.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

uint64_t stream_bits(struct stream *stream)
{
	return mix(stream->state += 0x9E3779B97F4A7C15u);
}

double stream_uniform(struct stream *stream)
{
	return (double)(stream_bits(stream) >> 11) * 0x1p-53;
}

struct stream stream_of(uint64_t seed, const char *purpose, uint64_t index)
{
	uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a over the name */

	for (; *purpose; purpose++)
		hash = (hash ^ (unsigned char)*purpose) * 0x100000001B3u;
	return (struct stream){mix(mix(mix(seed) ^ hash) + index)};
}

static void gsl_set(void *state, unsigned long seed)
{
	((struct stream *)state)->state = mix(seed);
}

static unsigned long gsl_get(void *state)
{
	return (unsigned long)(stream_bits(state) >> 32);
}

static double gsl_get_double(void *state)
{
	return stream_uniform(state);
}

const gsl_rng_type stream_gsl_type = {
    .name = "splitmix64",
    .max = 0xFFFFFFFFul,
    .min = 0,
    .size = sizeof(struct stream),
    .set = gsl_set,
    .get = gsl_get,
    .get_double = gsl_get_double,
};

double stream_gaussian(struct stream *stream, double deviation)
{
	gsl_rng rng = stream_gsl(stream);

	/* The ratio method keeps no second value between calls. */
	return gsl_ran_gaussian_ratio_method(&rng, deviation);
}

/* Parameters of the logarithm for mean m and deviation s of the value:
 * sigma^2 = log(1 + (s/m)^2), mu = log m - sigma^2 / 2. */
static double draw_lognormal(const gsl_rng *rng, double mean, double spread)
{
	double variance = log1p(spread * spread / (mean * mean));

	return gsl_ran_lognormal(
	    rng, log(mean) - variance / 2, sqrt(variance));
}

double stream_draw(struct stream *stream, const struct distribution *from)
{
	gsl_rng rng = stream_gsl(stream);
	double mean = from->mean, spread = from->spread;

	if (mean <= 0)
		return 0;
	switch (from->kind) {
	case DIST_CONSTANT:
		return mean;
	case DIST_EXPONENTIAL:
		return gsl_ran_exponential(&rng, mean);
	case DIST_UNIFORM:
		return fmax(
		    0, gsl_ran_flat(&rng, mean - spread, mean + spread));
	case DIST_NORMAL:
		return fmax(0, mean + stream_gaussian(stream, spread));
	case DIST_LOGNORMAL:
		return draw_lognormal(&rng, mean, spread);
	case DIST_WEIBULL: /* mean = scale Gamma(1 + 1/shape) */
		return gsl_ran_weibull(
		    &rng, mean / gsl_sf_gamma(1 + 1 / spread), spread);
	case DIST_PARETO: /* mean = least a / (a - 1) */
		return gsl_ran_pareto(
		    &rng, spread, mean * (spread - 1) / spread);
	}
	assert(!"a distribution that is not there");
	return 0;
}
