/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zeros left out of a stream; the format is specified in relay_zeros.h. */
#include "backends/relay_zeros.h"

#include <string.h>

/* Zeros are looked for in blocks of so many bytes; longer than the counts
 * that a run of them costs. */
enum { BLOCK = 64 };

static bool is_zero(const uint8_t *block)
{
	uint64_t words[BLOCK / sizeof(uint64_t)], any = 0;

	memcpy(words, block, sizeof(words));
	for (size_t i = 0; i < BLOCK / sizeof(uint64_t); i++)
		any |= words[i];
	return any == 0;
}

/* From `at`, the first position of a block that is zero, or is not. */
static size_t run_end(const uint8_t *bytes, size_t at, size_t n, bool zero)
{
	while (n - at >= BLOCK && is_zero(bytes + at) == zero)
		at += BLOCK;
	return !zero && n - at < BLOCK ? n : at;
}

static uint8_t *put_count(uint8_t *to, size_t count)
{
	for (size_t i = 0; i < 4; i++)
		*to++ = (uint8_t)(count >> (8 * i));
	return to;
}

size_t zeros_pack(const uint8_t *bytes, size_t n, uint8_t *packed)
{
	uint8_t *to = packed;

	for (size_t at = 0; at < n;) {
		size_t zeros = run_end(bytes, at, n, false);
		size_t next = run_end(bytes, zeros, n, true);

		to = put_count(to, zeros - at);
		memcpy(to, bytes + at, zeros - at);
		to = put_count(to + (zeros - at), next - zeros);
		at = next;
	}
	return (size_t)(to - packed);
}

static bool get_count(
    const uint8_t **from, const uint8_t *end, size_t *count)
{
	if (end - *from < 4)
		return false;
	*count = 0;
	for (size_t i = 0; i < 4; i++)
		*count |= (size_t) * (*from)++ << (8 * i);
	return true;
}

bool zeros_unpack(const uint8_t *packed, size_t n, uint8_t *bytes, size_t cap,
    size_t *len)
{
	const uint8_t *end = packed + n;
	size_t as_is, zeros;

	for (*len = 0; packed < end; *len += zeros) {
		if (!get_count(&packed, end, &as_is) ||
		    as_is > (size_t)(end - packed) || as_is > cap - *len)
			return false;
		memcpy(bytes + *len, packed, as_is);
		packed += as_is;
		*len += as_is;
		if (!get_count(&packed, end, &zeros) || zeros > cap - *len)
			return false;
		memset(bytes + *len, 0, zeros);
	}
	return true;
}
