/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed frames; the format is specified in relay_pack.h. */
#include "backends/relay_pack.h"

#include <lz4.h>
#include <string.h>

size_t relay_pack(
    const uint8_t *bytes, size_t n, bool compress, uint8_t *packed)
{
	uint8_t *to = packed + PACK_OVERHEAD;
	int short_n = 0;

	for (size_t i = 0; i < PACK_OVERHEAD; i++)
		packed[i] = (uint8_t)(n >> (8 * i));
	if (compress && n > 1)
		short_n = LZ4_compress_default((const char *)bytes,
		    (char *)to, (int)n, (int)n - 1);
	if (short_n > 0)
		return PACK_OVERHEAD + (size_t)short_n;
	memcpy(to, bytes, n);
	return PACK_OVERHEAD + n;
}

bool relay_unpack(const uint8_t *packed, size_t n, uint8_t *bytes,
    size_t cap, size_t *len)
{
	const uint8_t *from = packed + PACK_OVERHEAD;

	*len = 0;
	if (n < PACK_OVERHEAD)
		return false;
	for (size_t i = 0; i < PACK_OVERHEAD; i++)
		*len |= (size_t)packed[i] << (8 * i);
	n -= PACK_OVERHEAD;
	if (*len > cap || n > *len)
		return false;
	if (n < *len)
		return LZ4_decompress_safe((const char *)from, (char *)bytes,
		           (int)n, (int)*len) == (int)*len;
	memcpy(bytes, from, n);
	return true;
}
