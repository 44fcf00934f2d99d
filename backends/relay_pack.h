/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A frame of a migration's stream, packed: its length (u32, little-endian),
 * then the bytes as one LZ4 block, or as they are where that is no shorter.
 * Much of a guest's memory was never written to, and libxl sends it all; the
 * rest of it shrinks too, and what is short is encrypted and sent sooner.
 *
 * A packed length tells something of what is in a frame to who sees the
 * encrypted stream, as lengths do under every compression before encryption.
 */
#ifndef BACKENDS_RELAY_PACK_H
#define BACKENDS_RELAY_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACK_OVERHEAD = 4 }; /* the most that packing adds */

/* Into packed[n + PACK_OVERHEAD]; returns the length.  Without `compress` the
 * bytes go as they are. */
size_t relay_pack(
    const uint8_t *bytes, size_t n, bool compress, uint8_t *packed);

/* Into bytes[cap]; false if it is not packed bytes, or more than cap. */
bool relay_unpack(const uint8_t *packed, size_t n, uint8_t *bytes,
    size_t cap, size_t *len);

#endif
